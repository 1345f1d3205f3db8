//! ServeGen, multimodal: no requests, but the laws of its clients, in two files.

use super::{Format, Requests, ServeGen, TraceFile};
use crate::TraceError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::Ratio;

/// The two files of ServeGen's multimodal clients.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Servegen {
    /// Times at which each client sends, CSV.
    arrivals: TraceFile,
    /// Lengths of its requests, JSONL.
    tokens: TraceFile,
    /// Share of the requests to keep; default all.
    #[serde(default = "all")]
    share: Ratio,
}

fn all() -> Ratio {
    Ratio::ONE
}

impl Format for Servegen {
    const EXAMPLE: &str = "{ arrivals = \"FILE\", tokens = \"FILE\" }";
    const PICTURES: bool = true;

    fn files(&mut self) -> Vec<&mut TraceFile> {
        vec![&mut self.arrivals, &mut self.tokens]
    }

    fn read(&self) -> Result<Requests, TraceError> {
        Ok(Requests::Laws(ServeGen::read(self.arrivals.path()?, self.tokens.path()?)?, self.share))
    }
}
