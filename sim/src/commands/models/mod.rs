//! `sim models`: real models looked at, asked and written, outside of any scenario.

mod answer;
mod args;
mod check;
mod command;
mod describe;
mod inputs;
mod measure;
mod opened;
mod recorded;
mod shapes;
mod write;

pub use args::Command;
pub use command::run;

use crate::terminal::Failure;
use backends::onnx::OnnxError;

impl From<OnnxError> for Failure {
    fn from(error: OnnxError) -> Self {
        match error {
            OnnxError::Refused(message) => Self::refused(message),
            OnnxError::Unavailable(message) => Self::unavailable(message),
        }
    }
}
