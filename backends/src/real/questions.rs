//! The questions of real models, their answers, and the knowledge that both tiers share of a request.

use crate::pruning::Map;
use model::mas::Descriptors;
use onnx::{OnnxError, Picture, Result};
use std::collections::BTreeMap;
use units::SimDuration;

/// The questions of a run, by the number of the request.
pub trait Questions {
    /// The pictures, decoded.
    ///
    /// # Errors
    /// One cannot be read.
    fn pictures(&self, request: u64) -> Result<Vec<Picture>>;

    /// The text of the question.
    fn text(&self, request: u64) -> String;

    /// The score of an answer, from 0 to 1.
    fn score(&self, request: u64, answer: &str) -> f64;
}

/// An answer, graded.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    /// Number of the request.
    pub request: u64,
    /// Its tokens.
    pub ids: Vec<u32>,
    /// Its words.
    pub text: String,
    /// Its score, from 0 to 1.
    pub score: f64,
}

/// The results of a run beside times, and the edge's messages to the cloud about pictures.
#[derive(Debug, Default)]
pub struct Notes {
    /// Importance maps of each request's pictures, from the probe.
    pub(super) importances: BTreeMap<u64, Vec<Map>>,
    /// Answers, in the order in which they were complete.
    pub answers: Vec<Answered>,
    /// Requests whose pictures were decoded and resized, and how long that took.
    pub preprocessed: Vec<(u64, SimDuration)>,
    /// The probe's findings, by request.
    pub probed: BTreeMap<u64, Descriptors>,
    /// The first failure: from then on every answer ends at once, and the run is worth nothing.
    pub failed: Option<OnnxError>,
}

/// The first so many words of a question, as the share of a text that is kept; at least one.
pub(super) fn first_words(text: &str, share: f64) -> String {
    let words: Vec<&str> = text.split(' ').collect();
    let kept = ((words.len() as f64 * share).ceil() as usize).clamp(1, words.len());
    words[..kept].join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_loses_its_last_words() {
        assert_eq!(first_words("What is on the left?", 1.0), "What is on the left?");
        assert_eq!(first_words("What is on the left?", 0.5), "What is on");
        assert_eq!(first_words("What", 0.1), "What");
    }
}
