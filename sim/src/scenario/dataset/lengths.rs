//! Lengths of requests that a trace has as text, by a tokenizer.

use crate::terminal::Failure;
use traces::requests::{RequestStream, Texts};

/// The requests of a trace of texts, counted by the tokenizer that it names.
///
/// # Errors
/// If the tokenizer cannot be read, or this build has none.
#[cfg(feature = "onnx")]
pub fn counted(texts: Texts) -> Result<RequestStream, Failure> {
    let tokenizer = backends::onnx::TokenCounter::open(texts.tokenizer());
    let tokenizer = tokenizer.map_err(|error| Failure::refused(error.to_string()))?;
    Ok(texts.counted(move |text| tokenizer.count(text).map_err(|error| error.to_string())))
}

/// Refuses a trace of texts, since this build has no tokenizer.
#[cfg(not(feature = "onnx"))]
pub fn counted(texts: Texts) -> Result<RequestStream, Failure> {
    let file = texts.tokenizer().display();
    Err(Failure::unavailable(format!("{file}: this build has no tokenizer; build with the feature `onnx`")))
}
