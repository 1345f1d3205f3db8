//! Fitted token processes: the file that `sim calibrate --tokens` writes and that scenarios name.

use super::SourceFile;
use crate::terminal::Failure;
use model::tokens::TwoState;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Says what the file is, and in which version.
pub const FORMAT: &str = "msao-sim tokens 1";

/// A fitted token process, as a file that scenarios name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenProfile {
    /// [`FORMAT`].
    pub format: String,
    /// The version of the tool that wrote it.
    pub tool_version: String,
    /// The process.
    pub two_state: TwoState,
    /// Comparison with requests that the fit has not seen.
    pub held_out: HeldOut,
    /// The files that it was fitted to.
    #[serde(default)]
    pub source: Vec<SourceFile>,
}

/// The withheld requests, as measured and by the process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldOut {
    /// Withheld requests.
    pub requests: u64,
    /// Their tokens.
    pub tokens: u64,
    /// Share of accepted tokens, per cent: measured and by the process.
    pub acceptance_pct: [f64; 2],
    /// Quantiles of the entropy, nats: share, measured, by the process.
    pub entropy_nats: Vec<[f64; 3]>,
    /// Acceptance by place in the answer, per cent: first place, measured, by the process.
    pub acceptance_by_position_pct: Vec<[f64; 3]>,
    /// Mean -ln of the probability of a verdict given its entropy, and that of always saying the mean.
    pub verdict_log_loss: [f64; 2],
    /// Mean ln density of an entropy, and that of the process's defaults.
    pub entropy_log_likelihood: [f64; 2],
}

impl TokenProfile {
    /// Reads the process of a file.
    ///
    /// # Errors
    /// If it is none, or its numbers make no sense.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let text = traces::input::read_text(path).map_err(|error| Failure::io("read the tokens", path, &error))?;
        let expected = "expected a file that `sim calibrate --tokens` wrote";
        let profile: Self = toml::from_str(&text).map_err(|error| {
            let line = error.span().map_or(1, |span| 1 + text[..span.start.min(text.len())].matches('\n').count());
            Failure::refused(format!("{}:{line}: {}; {expected}", path.display(), error.message()))
        })?;
        let sound = profile.two_state.check().map_err(|key| format!("two_state.{key} that makes no sense"));
        let known = if profile.format == FORMAT { Ok(()) } else { Err(format!("format = {:?}", profile.format)) };
        known.and(sound).map_err(|found| Failure::refused(format!("{}: found {found}; {expected}", path.display())))?;
        Ok(profile)
    }
}
