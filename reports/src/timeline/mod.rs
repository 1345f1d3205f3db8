//! `timeline.json`: the first requests of each policy as Chrome trace events, which Perfetto opens.
//!
//! A process is a policy at a point. Its threads are what works: the processor and the GPU of each edge, the link, the GPUs of the
//! cloud; a thread more for each that works on several things at once. Each request has a lane of its own with its
//! [stages](crate::stages). Arrows go from a round's last draft to its message, its verification and its verdict.
//! `docs/timeline.md` says how to read it.
//!
//! It is made from `spans.parquet` alone, and equal tables give equal bytes.

mod events;
mod lanes;
#[cfg(test)]
mod tests;

use crate::figure::lacking::has;
use crate::frame::ReportError;
use crate::spans::{self, Request, Served, Wanted};
use events::Writer;
use serde_json::{Value, json};
use std::io;
use std::path::{Path, PathBuf};
use tables::{SpanRow, TableDoc};

/// Name of the file, in the results folder.
pub(crate) const FILE: &str = "timeline.json";

/// The table that it is made of.
pub(crate) const NEEDS: &TableDoc = &SpanRow::DOC;

/// Spans that a file holds at most, about, so that a browser opens it: each makes two events of 120 bytes together and some
/// more of flows and stages.
const MOST_SPANS: usize = 60_000;

/// Writes the timeline of a results folder that has spans. The file.
///
/// # Errors
///
/// If the spans cannot be read, or the file cannot be written.
pub(crate) fn write(folder: &Path) -> Result<Option<PathBuf>, ReportError> {
    if !has(folder, NEEDS) {
        return Ok(None);
    }
    let mut served = Vec::new();
    spans::each(folder, Wanted::First, |one| served.push(one))?;
    let path = folder.join(FILE);
    let file = std::fs::File::create(&path).and_then(|file| write_into(&served, MOST_SPANS, io::BufWriter::new(file)));
    file.map_err(|error| ReportError::Write { path: path.clone(), error })?;
    Ok(Some(path))
}

/// Writes the timeline, with at most about so many spans.
fn write_into(served: &[Served], most_spans: usize, out: impl io::Write) -> io::Result<()> {
    let shown = Shown::of(served, most_spans);
    let mut writer = Writer::begin(out, &shown.note())?;
    for (index, (served, requests)) in shown.processes.iter().enumerate() {
        let name = format!("{}, {}", served.policy, served.place);
        writer.process(index as u32 + 1, &name)?;
        lanes::write(&mut writer, requests)?;
    }
    writer.end()
}

/// The part of a table that is shown.
struct Shown<'s> {
    processes: Vec<(&'s Served, Vec<&'s Request>)>,
    points: usize,
    points_of_all: usize,
    requests: usize,
}

impl<'s> Shown<'s> {
    /// All policies at as many points as there is room for, in their order; of the first point, if it has no room, fewer requests.
    fn of(served: &'s [Served], most_spans: usize) -> Self {
        let all = |served: &'s Served| served.requests.iter().collect::<Vec<_>>();
        let mut points: Vec<Vec<(&Served, Vec<&Request>)>> = Vec::new();
        for served in served {
            match points.last_mut() {
                Some(point) if point[0].0.point == served.point => point.push((served, all(served))),
                _ => points.push(vec![(served, all(served))]),
            }
        }
        let points_of_all = points.len();
        let size = |point: &Vec<(&Served, Vec<&Request>)>| {
            point.iter().flat_map(|(_, requests)| requests).map(|request| request.parts.len()).sum::<usize>()
        };
        let mut room = most_spans;
        let fits = points.iter().take_while(|point| {
            let left = room.checked_sub(size(point));
            room = left.unwrap_or(0);
            left.is_some()
        });
        let fitting = fits.count();
        points.truncate(fitting.max(1));
        let mut requests = points.iter().flatten().map(|(_, requests)| requests.len()).max().unwrap_or(0);
        while fitting == 0 && requests > 1 && points.iter().map(size).sum::<usize>() > most_spans {
            requests -= 1;
            points.iter_mut().flatten().for_each(|(_, some)| some.truncate(requests));
        }
        let shown = points.len();
        Self { processes: points.into_iter().flatten().collect(), points: shown, points_of_all, requests }
    }

    /// The note in the file about its content.
    fn note(&self) -> Value {
        json!({
            "source": "msao-sim, spans.parquet of the same folder",
            "requests": format!("the first {} of the first replication, of every policy", self.requests),
            "points": format!("the first {} of {}, in the order of the scenario", self.points, self.points_of_all),
        })
    }
}
