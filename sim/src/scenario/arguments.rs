//! The arguments that name a scenario and change its keys.

use super::written::Mode;
use crate::terminal::Failure;
use clap::Args;
use std::path::PathBuf;

/// A scenario and what the command line changes of it.
#[derive(Debug, Args)]
pub struct Written {
    /// The scenario file (TOML).
    pub scenario: PathBuf,
    /// Set a key, over the file: a dotted path and a TOML value (quotes around text may be left out). A file's name
    /// is relative to the current folder. Repeatable.
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
    /// A scenario file as it is.
    pub fn of(scenario: PathBuf) -> Self {
        Self { scenario, set: Vec::new(), seed: None, mode: None }
    }

    /// All overrides as `--set` would have them.
    ///
    /// # Errors
    /// If an option sets a key that `--set` sets too.
    pub fn overrides(&self) -> Result<Vec<String>, Failure> {
        let seed = self.seed.map(|seed| ("seed", seed.to_string()));
        let mode = self.mode.map(|mode| ("mode", mode.name().to_owned()));
        let mut overrides = self.set.clone();
        for (key, value) in seed.into_iter().chain(mode) {
            let is_it = |set: &&String| set.split_once('=').is_some_and(|(name, _)| name.trim() == key);
            if let Some(set) = self.set.iter().find(is_it) {
                let what = format!("--{key} {value} and --set {set} set the same key; leave one of them out");
                return Err(Failure::refused(what));
            }
            overrides.push(format!("{key}={value}"));
        }
        Ok(overrides)
    }
}
