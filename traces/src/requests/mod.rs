//! Arrival times and lengths of requests at real services.
//!
//! A format is a file in this folder with its line in `list.rs`, which makes [`RequestTrace`] of them.
//!
//! A file that was cut off is refused where that can be seen: in gzip and JSONL always, in plain CSV unless the cut falls into
//! the last field of a line. A last line without a line end is no sign of it, since the published Azure files end so.

mod azure;
mod azure_llm;
mod azure_lmm;
mod client_laws;
mod format;
mod list;
mod mooncake;
mod served;
mod servegen;
pub(crate) mod timestamp;
#[cfg(test)]
mod walkthrough;

pub use client_laws::{ArrivalWindow, Discrete, Interarrival, ServeGen, ServeGenClient, TokenWindow};
pub use format::{Format, FormatEntry, Requests, TraceFile};
pub use list::*;
pub use served::{ServedRequest, read_served};

use crate::TraceError;
use std::path::Path;
use units::SimDuration;

/// One request of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceRequest {
    /// Arrival time, counted from the first request of the file.
    pub arrival: SimDuration,
    /// Tokens of the prompt's text. Where `image_tokens` is `None`, the image tokens are in here too.
    pub text_tokens: u32,
    /// Images in the prompt.
    pub images: u32,
    /// Tokens of all images together; `None` where the format does not tell them from the text's.
    pub image_tokens: Option<u32>,
    /// Tokens of the answer, at least 1.
    pub output_tokens: u32,
}

/// Requests as they are read: checks what holds in every format and sets the clock to zero at the first.
#[derive(Default)]
struct Collector {
    requests: Vec<TraceRequest>,
    first: SimDuration,
    latest: SimDuration,
}

impl Collector {
    /// Takes the next request, with `arrival` by the clock of the file. A refusal has no line yet.
    fn push(&mut self, path: &Path, mut request: TraceRequest) -> Result<(), TraceError> {
        let refuse = |found: String, expected, remedy| Err(TraceError::new(path, found, expected, remedy));
        if request.output_tokens == 0 {
            return refuse("a request with 0 output tokens".into(), "at least 1", "remove the line");
        }
        if request.text_tokens == 0 && request.images == 0 {
            return refuse("a request with 0 input tokens".into(), "at least 1", "remove the line");
        }
        if request.arrival < self.latest {
            let back = self.latest - request.arrival;
            return refuse(
                format!("an arrival {back} before the one above"),
                "times in order",
                "sort the file by time",
            );
        }
        if self.requests.is_empty() {
            self.first = request.arrival;
        }
        self.latest = request.arrival;
        request.arrival -= self.first;
        self.requests.push(request);
        Ok(())
    }

    fn finish(self, path: &Path) -> Result<Vec<TraceRequest>, TraceError> {
        if self.requests.is_empty() {
            return Err(TraceError::new(
                path,
                "no request",
                "at least 1",
                "check that the file was written completely",
            ));
        }
        Ok(self.requests)
    }
}
