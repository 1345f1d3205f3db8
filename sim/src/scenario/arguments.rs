//! The arguments that name a scenario and change its keys.

use super::written::Mode;
use clap::Args;
use std::path::PathBuf;

/// A scenario and what the command line changes of it.
#[derive(Debug, Args)]
pub struct Written {
    /// The scenario file (TOML).
    pub scenario: PathBuf,
    /// Set a key, over the file: a dotted path and a TOML value (quotes around text may be left out). Repeatable.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Seed of all random streams, over the file's.
    // TOML's integers end there.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    pub seed: Option<u64>,
    /// Mode of running, over the file's.
    #[arg(long)]
    pub mode: Option<Mode>,
}

impl Written {
    /// All overrides as `--set` would have them.
    pub fn overrides(&self) -> Vec<String> {
        let seed = self.seed.map(|seed| format!("seed={seed}"));
        let mode = self.mode.map(|mode| format!("mode={}", mode.name()));
        self.set.iter().cloned().chain(seed).chain(mode).collect()
    }
}
