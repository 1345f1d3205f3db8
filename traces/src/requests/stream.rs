//! Requests of a file, read one by one and no further than they are wanted.

use super::{PictureSize, ServedRequest, TraceRequest};
use crate::{
    TraceError,
    open::{Lines, empty},
    rows::{CsvFile, Row},
};
use std::path::{Path, PathBuf};
use units::SimDuration;

/// A request as a reader found it: its line where there is one, and none if it is left out.
type Found = (Option<u64>, Option<ServedRequest>);

/// The longest that a trace lasts: beyond it, a unit was mistaken.
const LONGEST: SimDuration = SimDuration::from_secs(10 * 366 * 24 * 3600);

/// The requests of a file, in order of arrival.
///
/// It checks what holds in every format (order of times, no empty request) and sets the clock to zero at the first request.
pub struct RequestStream {
    path: PathBuf,
    is_timed: bool,
    next: Box<dyn FnMut() -> Result<Option<Found>, TraceError> + Send>,
    remarks: Vec<String>,
    why_left_out: &'static str,
    left_out: u64,
    read: u64,
    first: SimDuration,
    latest: SimDuration,
}

impl RequestStream {
    pub(super) fn new(path: &Path, next: impl FnMut() -> Result<Option<Found>, TraceError> + Send + 'static) -> Self {
        let (first, latest) = (SimDuration::ZERO, SimDuration::ZERO);
        let (path, next, remarks) = (path.to_owned(), Box::new(next), Vec::new());
        let why_left_out = "they failed";
        Self { path, is_timed: true, next, remarks, why_left_out, left_out: 0, read: 0, first, latest }
    }

    /// The rows of a CSV file. Columns that were not asked for by now are remarked on.
    pub(crate) fn csv<F>(mut file: CsvFile, mut request: F) -> Self
    where
        F: FnMut(&Row<'_>) -> Result<Option<ServedRequest>, TraceError> + Send + 'static,
    {
        let (path, unread) = (file.path().to_owned(), file.unread());
        let next = move || {
            let Some(row) = file.next()? else { return Ok(None) };
            Ok(Some((Some(row.line()), request(&row)?)))
        };
        Self::new(&path, next).remarking(not_read(&unread))
    }

    /// The lines of a JSONL file; blank ones are skipped.
    pub(crate) fn jsonl<F>(path: &Path, expected: &'static str, mut request: F) -> Result<Self, TraceError>
    where
        F: FnMut(&str) -> Result<Option<ServedRequest>, TraceError> + Send + 'static,
    {
        let (mut lines, mut is_empty, named) = (Lines::open(path)?, true, path.to_owned());
        Ok(Self::new(path, move || {
            while let Some((number, text)) = lines.next()? {
                if !text.trim().is_empty() {
                    is_empty = false;
                    let request = request(text).map_err(|refusal| refusal.at(number))?;
                    return Ok(Some((Some(number), request)));
                }
            }
            if is_empty { Err(empty(&named, expected)) } else { Ok(None) }
        }))
    }

    /// Requests that are known, in any order.
    pub(crate) fn sorted(path: &Path, mut all: Vec<Option<ServedRequest>>) -> Self {
        all.sort_by_key(|one| one.as_ref().map(|one| one.request.arrival));
        let mut all = all.into_iter();
        Self::new(path, move || Ok(all.next().map(|one| (None, one))))
    }

    /// This, without times of arrival.
    pub(crate) fn untimed(self, is_untimed: bool) -> Self {
        Self { is_timed: !is_untimed, ..self }
    }

    /// This, with a remark for its user.
    pub(crate) fn remarking(mut self, remark: Option<String>) -> Self {
        self.remarks.extend(remark);
        self
    }

    /// This, with the reason for which requests are left out.
    pub(crate) fn leaving_out(self, why: &'static str) -> Self {
        Self { why_left_out: why, ..self }
    }

    /// True if the file says when requests arrive.
    pub fn is_timed(&self) -> bool {
        self.is_timed
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Remarks on what was read by now, for the user.
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks = self.remarks.clone();
        if self.left_out > 0 {
            let of = self.read + self.left_out;
            remarks.push(format!("{} of {of} requests are left out: {}", self.left_out, self.why_left_out));
        }
        remarks
    }

    /// The next request, or `None` after the last.
    ///
    /// # Errors
    /// If the file cannot be read or is not of its format, with the line; if it has no request.
    #[expect(
        clippy::should_implement_trait,
        reason = "it fails, and an iterator of results would go on behind an error"
    )]
    pub fn next(&mut self) -> Result<Option<ServedRequest>, TraceError> {
        while let Some((line, request)) = (self.next)()? {
            let Some(request) = request else {
                self.left_out += 1;
                continue;
            };
            self.read += 1;
            let at = |refusal: TraceError| line.into_iter().fold(refusal, TraceError::at);
            return self.checked(request, line).map(Some).map_err(at);
        }
        if self.read > 0 {
            return Ok(None);
        }
        let found = match self.left_out {
            0 => "no request".to_owned(),
            left_out => format!("no request that is played; {left_out} are left out: {}", self.why_left_out),
        };
        Err(TraceError::new(&self.path, found, "at least 1", "check that the file was written completely"))
    }

    /// All requests that are left.
    ///
    /// # Errors
    /// The refusals of [`Self::next`].
    pub fn all(&mut self) -> Result<Vec<ServedRequest>, TraceError> {
        let mut all = Vec::new();
        while let Some(one) = self.next()? {
            all.push(one);
        }
        Ok(all)
    }

    fn checked(&mut self, mut one: ServedRequest, line: Option<u64>) -> Result<ServedRequest, TraceError> {
        let named = line.map_or_else(|| format!("request {}", self.read), |_| "a request".to_owned());
        let refuse = |found: String, expected: &str, remedy| Err(TraceError::new(&self.path, found, expected, remedy));
        let request = &mut one.request;
        if request.output_tokens == 0 {
            return refuse(format!("{named} with 0 output tokens"), "at least 1", "remove the line");
        }
        if request.text_tokens == 0 && request.pictures.is_none() && request.sound.is_zero() {
            return refuse(format!("{named} with 0 input tokens"), "at least 1", "remove the line");
        }
        if let Some((number, what, most)) = too_much(request) {
            let found = format!("{named} with {number} {what}");
            return refuse(found, &format!("at most {most}"), "remove the line, or check the unit of the column");
        }
        if !self.is_timed {
            request.arrival = SimDuration::ZERO;
            return Ok(one);
        }
        if request.arrival < self.latest {
            let back = self.latest - request.arrival;
            let found = format!("an arrival {back} before the one above");
            return refuse(found, "times in order", "sort the file by time");
        }
        if self.read == 1 {
            self.first = request.arrival;
        }
        self.latest = request.arrival;
        request.arrival -= self.first;
        if request.arrival > LONGEST {
            let found = format!("an arrival {} after the first", request.arrival);
            return refuse(found, "at most 10 years", "check the unit of the times");
        }
        Ok(one)
    }
}

/// Most pictures of a request.
const MOST_PICTURES: u32 = 100_000;
/// Most tokens of a prompt, of its pictures or of an answer: all that is computed of them is counted in 32 bits.
const MOST_TOKENS: u32 = 1 << 24;

/// The first amount of a request that is too much: the number, its name, and the most.
fn too_much(request: &TraceRequest) -> Option<(u32, &'static str, u32)> {
    let visual = match request.pictures.map(|pictures| pictures.size) {
        Some(PictureSize::Tokens(tokens)) => tokens,
        _ => 0,
    };
    let amounts = [
        (request.text_tokens, "input tokens", MOST_TOKENS),
        (visual, "visual tokens", MOST_TOKENS),
        (request.pictures.map_or(0, |pictures| pictures.count), "pictures", MOST_PICTURES),
        (request.output_tokens, "output tokens", MOST_TOKENS),
    ];
    amounts.into_iter().find(|(number, _, most)| number > most)
}

/// A remark on columns that nobody reads.
fn not_read(columns: &[String]) -> Option<String> {
    let is = if columns.len() == 1 { "column is" } else { "columns are" };
    (!columns.is_empty()).then(|| format!("{} {is} not read: {}", columns.len(), columns.join(", ")))
}
