//! Commands: a file or folder each, named as the command is.

pub mod best;
pub mod calibrate;
pub mod capacity;
pub mod check;
pub mod compare;
pub mod completions;
pub mod explain;
pub mod init;
pub mod link;
pub mod list;
pub mod man;
#[cfg(feature = "onnx")]
pub mod models;
pub mod questions;
pub mod referee;
pub mod report;
pub mod requests;
pub mod schema;
pub mod show;
pub mod simulate;
pub mod sweep;
pub mod tune;
pub mod validate;
