//! Requests as texts, whose lengths somebody with a tokenizer counts.

use super::{RequestStream, ServedRequest, TraceRequest};
use crate::TraceError;
use std::path::{Path, PathBuf};
use units::SimDuration;

/// A prompt and its answer; none where a conversation has no such pair.
pub(super) type Pair = Option<(String, String)>;

/// The pairs of a file, one by one, each with its line.
pub(super) type Pairs = Box<dyn FnMut() -> Result<Option<(u64, Pair)>, TraceError> + Send>;

/// Requests as texts, and the tokenizer by which they are to be counted.
pub struct Texts {
    path: PathBuf,
    tokenizer: PathBuf,
    pairs: Pairs,
}

impl Texts {
    pub(super) fn new(path: &Path, tokenizer: &Path, pairs: Pairs) -> Self {
        Self { path: path.to_owned(), tokenizer: tokenizer.to_owned(), pairs }
    }

    /// The file of the tokenizer.
    pub fn tokenizer(&self) -> &Path {
        &self.tokenizer
    }

    /// The requests, whose lengths `count` says.
    pub fn counted(self, mut count: impl FnMut(&str) -> Result<u32, String> + Send + 'static) -> RequestStream {
        let Self { path, mut pairs, .. } = self;
        let named = path.clone();
        let next = move || {
            let Some((line, pair)) = pairs()? else { return Ok(None) };
            let Some((prompt, answer)) = pair else { return Ok(Some((Some(line), None))) };
            let mut count = |text: &str| {
                count(text).map_err(|why| {
                    let refusal = TraceError::new(&named, why, "text that can be counted", "name another tokenizer");
                    refusal.at(line)
                })
            };
            let (input, output) = (count(&prompt)?, count(&answer)?);
            let request = TraceRequest::text(SimDuration::ZERO, input, output);
            let is_empty = input == 0 || output == 0;
            Ok(Some((Some(line), (!is_empty).then(|| ServedRequest::from(request)))))
        };
        RequestStream::new(&path, next).untimed(true).leaving_out("no prompt with an answer behind it")
    }
}
