//! Where requests come from: a dataset by name, a shape within the key, or a trace.

mod custom;
mod lengths;
mod played;
mod requests;
mod shipped;
mod text;

pub use custom::Custom;
pub use played::{Listed, Traces, Wanted, served};
pub use requests::{Reading, Requests};
pub use shipped::{names, shipped};

use schemars::JsonSchema;
use std::path::{Path, PathBuf};
use traces::requests::RequestTrace;

/// Source of the requests.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(untagged)]
pub enum Dataset {
    /// Name of a built-in dataset (`vqav2`, `mmbench`, `v1` to `v7`), or of a `[dataset.NAME]` table.
    Named(String),
    /// A shape of constants within the key, e.g. `{ width = 640, height = 480, text_tokens = 30, output_tokens = 200 }`.
    Custom(#[schemars(with = "text::CustomTable")] Custom),
    /// A trace, by its format and its file.
    Trace(RequestTrace),
}

impl Dataset {
    /// Name in tables of results.
    pub fn label(&self) -> String {
        match self {
            Self::Named(name) => name.clone(),
            Self::Custom(custom) => custom.name.clone(),
            Self::Trace(trace) => trace.format().to_owned(),
        }
    }

    /// True if requests carry arrival times.
    pub fn is_trace(&self) -> bool {
        matches!(self, Self::Trace(_))
    }

    /// Puts another name in place of each file that it reads.
    pub fn rename_files(&mut self, mut name: impl FnMut(&Path) -> PathBuf) {
        match self {
            Self::Named(_) | Self::Custom(_) => {}
            Self::Trace(trace) => trace.files().into_iter().for_each(|file| file.find(&mut name)),
        }
    }
}
