//! The error of a model that did not load or run.

use std::fmt;

/// The result of every operation.
pub type Result<T> = std::result::Result<T, OnnxError>;

/// One message for the user, and whose turn it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnnxError {
    /// A file or an argument was refused.
    Refused(String),
    /// The library or the execution provider is not available on this machine.
    Unavailable(String),
}

/// An input that is refused. What a file says may have line breaks and other controls; a message has none.
pub(crate) fn refused<T>(message: impl Into<String>) -> Result<T> {
    let mut message = message.into();
    if message.contains(char::is_control) {
        let plain =
            |letter: char| if letter.is_control() { letter.escape_default().to_string() } else { letter.into() };
        message = message.chars().map(plain).collect();
    }
    Err(OnnxError::Refused(message))
}

/// A failure inside ONNX Runtime, put on one line.
pub(crate) fn failed<R>(doing: impl fmt::Display) -> impl FnOnce(ort::Error<R>) -> OnnxError {
    move |error| OnnxError::Refused(format!("cannot {doing}: {}", one_line(error.message())))
}

/// ONNX Runtime's messages have line breaks.
pub(crate) fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl fmt::Display for OnnxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(message) | Self::Unavailable(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for OnnxError {}
