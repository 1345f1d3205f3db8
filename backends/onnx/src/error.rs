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
    move |error| classed(format!("cannot {doing}: {}", one_line(error.message())))
}

/// Failures of the machine in ONNX Runtime's messages, and what to do about each.
const OF_THE_MACHINE: [(&str, &str); 8] = [
    ("driver version is insufficient", "a newer NVIDIA driver is needed"),
    ("no CUDA-capable device", "a GPU of NVIDIA has to be at hand"),
    ("out of memory", TOO_LITTLE),
    ("Failed to allocate memory", TOO_LITTLE),
    ("ALLOC_FAILED", TOO_LITTLE),
    ("bad_alloc", TOO_LITTLE),
    ("CUDA failure", THE_GPU),
    ("create CUDAExecutionProvider", THE_GPU),
];
const TOO_LITTLE: &str = "choose a smaller model, shorter prompts or a device with more memory";
const THE_GPU: &str = "look at the GPU with nvidia-smi, or choose the provider `cpu`";

/// The error with this message: the machine's, where the library says that memory, GPU or driver failed.
fn classed(message: String) -> OnnxError {
    match OF_THE_MACHINE.iter().find(|(said, _)| message.contains(said)) {
        Some((_, remedy)) => OnnxError::Unavailable(format!("{message}; {remedy}")),
        None => OnnxError::Refused(message),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_machine_lacks_is_no_fault_of_a_file() {
        let lacks = [
            ("cannot load m.onnx: CUDA failure 100: no CUDA-capable device is detected ; GPU=-1", "has to be at hand"),
            (
                "cannot load m.onnx: CUDA failure 35: CUDA driver version is insufficient for CUDA runtime",
                "newer NVIDIA",
            ),
            ("cannot run m.onnx: CUDA failure 2: out of memory ; GPU=0", "smaller model"),
            (
                "cannot run m.onnx: BFCArena::AllocateRawInternal Failed to allocate memory for requested buffer",
                "smaller",
            ),
        ];
        for (message, remedy) in lacks {
            let error = classed(message.to_owned());
            assert!(matches!(&error, OnnxError::Unavailable(told) if told.contains(remedy)), "{error:?}");
        }
        let error = classed("cannot load m.onnx: Protobuf parsing failed.".to_owned());
        assert!(matches!(error, OnnxError::Refused(_)), "{error:?}");
    }
}
