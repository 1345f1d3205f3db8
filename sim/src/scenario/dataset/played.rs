//! Traces as they are played: each file is read once for all points, and no further than a point wants.

use super::lengths;
use crate::terminal::{Failure, say};
use engine::draw_servegen;
use kernel::Streams;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use traces::requests::{BlockList, RequestStream, RequestTrace, Requests, ServeGen, ServedRequest, TraceRequest};
use units::{Ratio, SimDuration};

/// The part of a trace that a point plays.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Requests that arrive before it are left out; counted from the first request of the trace.
    pub from: SimDuration,
    /// Requests that arrive then or later are left out.
    pub until: Option<SimDuration>,
    /// Number of requests of the window to leave out first.
    pub skip: u64,
    /// Number of requests, at most.
    pub most: u64,
}

impl Wanted {
    /// True if requests at these times, in order, are all that is needed of a trace.
    fn has_enough<T>(&self, read: &[T], at: impl Fn(&T) -> SimDuration) -> bool {
        let is_behind = read.last().is_some_and(|last| self.until.is_some_and(|until| at(last) >= until));
        let before = read.partition_point(|one| at(one) < self.from);
        is_behind || (read.len() - before) as u64 >= self.skip.saturating_add(self.most)
    }

    /// The wanted ones of requests at these times.
    fn of<T>(&self, read: &[T], at: impl Fn(&T) -> SimDuration) -> Range<usize> {
        let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let end = self.until.map_or(read.len(), |until| read.partition_point(|one| at(one) < until));
        let start = read.partition_point(|one| at(one) < self.from).saturating_add(count(self.skip)).min(end);
        start..start.saturating_add(count(self.most)).min(end)
    }
}

/// The requests that a point plays.
#[derive(Clone)]
pub struct Part {
    /// The requests.
    pub requests: Arc<[TraceRequest]>,
    /// Blocks of their prompts, where the trace has them.
    pub blocks: Option<Arc<BlockList>>,
    /// True if the trace says when they arrive.
    pub is_timed: bool,
}

/// The traces of a scenario, opened as points ask for them.
#[derive(Default)]
pub struct Traces {
    opened: Mutex<BTreeMap<String, Arc<Mutex<Opened>>>>,
    told: Mutex<BTreeSet<String>>,
}

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Traces")
    }
}

impl Traces {
    /// Says something on stderr, once.
    pub fn tell(&self, told: String) {
        if self.told.lock().expect("no panic holds this lock").insert(told.clone()) {
            say(format_args!("sim: {told}"));
        }
    }

    /// The wanted part of a trace whose files lie beside the scenario; laws are drawn from `seed`.
    ///
    /// # Errors
    /// If the trace is refused.
    pub fn part(&self, trace: &RequestTrace, beside: &Path, wanted: &Wanted, seed: u64) -> Result<Part, Failure> {
        let trace = beside_the_scenario(trace, beside);
        let name = format!("{trace:?}");
        let opened = {
            let mut all = self.opened.lock().expect("no panic holds this lock");
            match all.get(&name) {
                Some(opened) => opened.clone(),
                None => all.entry(name.clone()).or_insert(Arc::new(Mutex::new(Opened::new(&trace)?))).clone(),
            }
        };
        let mut opened = opened.lock().map_err(|_| Failure::bug("a reader of a trace panicked"))?;
        let part = opened.part(wanted, seed);
        if part.is_err() {
            // Whoever asks next gets the same refusal, not what stands behind it.
            self.opened.lock().expect("no panic holds this lock").remove(&name);
        }
        opened.remarks().into_iter().for_each(|remark| self.tell(remark));
        part
    }
}

/// The trace, with the place of each of its files.
fn beside_the_scenario(trace: &RequestTrace, beside: &Path) -> RequestTrace {
    let mut trace = trace.clone();
    trace.files().into_iter().for_each(|file| file.find(|name| beside.join(name)));
    trace
}

/// The wanted part of a trace, with what was measured of its requests.
pub struct Listed {
    /// The requests.
    pub requests: Vec<ServedRequest>,
    /// True if the trace says when they arrive.
    pub is_timed: bool,
    /// Remarks of the reader.
    pub remarks: Vec<String>,
}

impl Listed {
    /// Reads a trace whose files lie in a folder; laws are drawn from `seed`.
    ///
    /// # Errors
    /// If the trace is refused.
    pub fn read(trace: &RequestTrace, beside: &Path, wanted: &Wanted, seed: u64) -> Result<Self, Failure> {
        let at = |one: &ServedRequest| one.request.arrival;
        let mut stream = match open(&beside_the_scenario(trace, beside))? {
            Content::Listed(stream) => stream,
            Content::Laws(laws, share, _) => {
                let mut drawn = draw_servegen(&laws, Streams::new(seed), u64::MAX, share);
                let drawn = drawn.drain(wanted.of(&drawn, |one| one.arrival)).map(ServedRequest::from);
                return Ok(Self { requests: drawn.collect(), is_timed: true, remarks: laws.remarks });
            }
        };
        let mut read = Vec::new();
        while !wanted.has_enough(&read, at) {
            let Some(one) = stream.next()? else { break };
            read.push(one);
        }
        let (is_timed, remarks) = (stream.is_timed(), stream.remarks());
        Ok(Self { requests: read.drain(wanted.of(&read, at)).collect(), is_timed, remarks })
    }
}

/// The wanted part of a trace whose files lie beside the scenario, if any of it was measured.
///
/// # Errors
/// If the trace is refused, or no request has a timing.
pub fn served(trace: &RequestTrace, beside: &Path, wanted: &Wanted) -> Result<Vec<ServedRequest>, Failure> {
    let listed = Listed::read(trace, beside, wanted, 1)?;
    if listed.requests.iter().any(ServedRequest::is_timed) {
        return Ok(listed.requests);
    }
    let file =
        trace.clone().files().first().map(|file| beside.join(PathBuf::from((*file).clone()))).unwrap_or_default();
    let expected = "expected at least one of the columns ttft_ms, tpot_ms and e2e_ms";
    let found = "found no request with a timing";
    Err(Failure::refused(format!("{}: {found}; {expected}; measure some", file.display())))
}

/// A trace that was opened.
struct Opened {
    content: Content,
    is_timed: bool,
    /// The requests that were read or drawn by now.
    read: Vec<TraceRequest>,
    /// Blocks of the prompts of a file.
    blocks: BlockList,
    /// Number of remarks that were made.
    told: usize,
    /// Parts that were given away, by their place.
    shared: BTreeMap<(usize, usize), Part>,
}

/// Sources of requests.
enum Content {
    /// A file.
    Listed(RequestStream),
    /// Laws, and the seed that they were last drawn from.
    Laws(ServeGen, Ratio, Option<u64>),
}

/// Opens a trace whose files have their places.
fn open(trace: &RequestTrace) -> Result<Content, Failure> {
    Ok(match trace.read()? {
        Requests::Listed(stream) => Content::Listed(stream),
        Requests::Laws(laws, share) => Content::Laws(laws, share, None),
        Requests::Texts(texts) => Content::Listed(lengths::counted(texts)?),
    })
}

impl Opened {
    fn new(trace: &RequestTrace) -> Result<Self, Failure> {
        let content = open(trace)?;
        let is_timed = !matches!(&content, Content::Listed(stream) if !stream.is_timed());
        let (read, blocks, shared) = (Vec::new(), BlockList::default(), BTreeMap::new());
        Ok(Self { content, is_timed, read, blocks, told: 0, shared })
    }

    fn part(&mut self, wanted: &Wanted, seed: u64) -> Result<Part, Failure> {
        let at = |one: &TraceRequest| one.arrival;
        match &mut self.content {
            Content::Listed(stream) => {
                while !wanted.has_enough(&self.read, at) {
                    let Some(one) = stream.next()? else { break };
                    self.blocks.push(one.blocks.as_ref());
                    self.read.push(one.request);
                }
            }
            Content::Laws(laws, share, drawn) if *drawn != Some(seed) => {
                self.read = draw_servegen(laws, Streams::new(seed), u64::MAX, *share);
                self.shared.clear();
                *drawn = Some(seed);
            }
            Content::Laws(..) => {}
        }
        let range = wanted.of(&self.read, at);
        let shared = self.shared.entry((range.start, range.end)).or_insert_with(|| Part {
            blocks: self.blocks.part(range.clone()).map(Arc::new),
            requests: self.read[range].into(),
            is_timed: self.is_timed,
        });
        Ok(shared.clone())
    }

    /// Remarks on what was read by now, each once whatever its count.
    fn remarks(&mut self) -> Vec<String> {
        let (file, remarks) = match &self.content {
            Content::Listed(stream) => (stream.path().display().to_string(), stream.remarks()),
            Content::Laws(laws, ..) => ("servegen".to_owned(), laws.remarks.clone()),
        };
        let already = std::mem::replace(&mut self.told, remarks.len());
        remarks.into_iter().skip(already).map(|remark| format!("warning: {file}: {remark}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_read_no_further_than_its_end() {
        let seconds = |seconds: &u64| SimDuration::from_secs(*seconds);
        let all: Vec<u64> = (0..10).collect();
        let wanted = |from, until: Option<u64>, skip, most| {
            let until = until.map(SimDuration::from_secs);
            let wanted = Wanted { from: SimDuration::from_secs(from), until, skip, most };
            let read = (0..=all.len()).find(|read| wanted.has_enough(&all[..*read], seconds)).unwrap_or(all.len());
            (read, all[wanted.of(&all[..read], seconds)].to_vec())
        };
        assert_eq!(wanted(0, None, 0, 3), (3, vec![0, 1, 2]));
        assert_eq!(wanted(4, None, 1, 2), (7, vec![5, 6]));
        assert_eq!(wanted(4, Some(6), 0, 100), (7, vec![4, 5]));
        assert_eq!(wanted(4, Some(6), 5, 100), (7, vec![]));
        assert_eq!(wanted(0, None, 0, 100), (10, all.clone()));
        assert_eq!(wanted(20, None, u64::MAX, u64::MAX), (10, vec![]));
    }
}
