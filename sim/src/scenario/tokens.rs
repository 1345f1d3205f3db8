//! The `[tokens]` table.

use super::figures;
use crate::scenario::profile::tokens::TokenProfile;
use crate::terminal::Failure;
use model::tokens::{Ar1, Recorded, TokenOutcome, TokenProcess, TwoState};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use tables::read_tokens;
use units::Ratio;

/// The token process: entropy of each drafted token, and its acceptance. An assumption, unless a trace is given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Tokens {
    /// A Markov chain of easy and hard tokens (default: that of the source `paper`).
    TwoState(TwoState),
    /// The law of a source, e.g. `"paper"`; `sim list sources` has all.
    Source(String),
    /// Every drafted token is accepted with this probability, e.g. 0.8, whatever its entropy.
    Iid(Ratio),
    /// Entropies that drift from token to token.
    Ar1(Ar1),
    /// The `tokens.parquet` of an earlier run, relative to the scenario, played again.
    Trace(PathBuf),
    /// A token profile of `sim calibrate --tokens`, relative to the scenario.
    Profile(PathBuf),
}

impl Default for Tokens {
    fn default() -> Self {
        Self::TwoState(TwoState::default())
    }
}

impl Tokens {
    /// Checks every number. The error has the dotted key and the expected range.
    pub fn check(&self) -> Result<(), (String, String)> {
        match self {
            Self::TwoState(chain) => chain.check().map_err(|key| {
                (format!("tokens.two_state.{key}"), "expected a finite number above 0 (`stay`: below 1)".to_owned())
            }),
            Self::Ar1(ar1) => ar1.check().map_err(|key| {
                let expected = "expected a finite number above 0 (`correlation`: at most 0.95)";
                (format!("tokens.ar1.{key}"), expected.to_owned())
            }),
            Self::Source(name) => figures::law(name).map(drop).map_err(|why| ("tokens.source".to_owned(), why)),
            Self::Iid(_) | Self::Trace(_) | Self::Profile(_) => Ok(()),
        }
    }

    /// Reads the trace, if there is one.
    pub fn resolve(&self, beside: &Path) -> Result<TokenProcess, Failure> {
        Ok(match self {
            Self::TwoState(chain) => TokenProcess::TwoState(*chain),
            Self::Iid(acceptance) => TokenProcess::Iid(*acceptance),
            Self::Ar1(ar1) => TokenProcess::Ar1(*ar1),
            Self::Source(name) => figures::law(name).map_err(Failure::refused)?.process(),
            Self::Profile(file) => TokenProcess::TwoState(TokenProfile::read(&beside.join(file))?.two_state),
            Self::Trace(file) => {
                let played = |token: tables::RecordedToken| TokenOutcome {
                    entropy_nats: token.entropy_nats,
                    agrees: token.accepted,
                };
                let requests = read_tokens(&beside.join(file))?;
                let requests = requests.into_iter().map(|tokens| tokens.into_iter().map(played).collect()).collect();
                TokenProcess::Recorded(Recorded::new(requests).expect("the reader refuses an empty log"))
            }
        })
    }

    /// The file that it reads.
    pub fn file(&mut self) -> Option<&mut PathBuf> {
        match self {
            Self::Trace(file) | Self::Profile(file) => Some(file),
            Self::TwoState(_) | Self::Source(_) | Self::Iid(_) | Self::Ar1(_) => None,
        }
    }
}
