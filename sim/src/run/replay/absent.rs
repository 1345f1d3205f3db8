//! In place of `replay` where real models were left out when the program was built: it says so.

use crate::results::{manifest::ReplayFacts, rows::Answer};
use crate::scenario::{Mode, Plan, Point};
use crate::terminal::Failure;
use engine::{Outcome, Recorder, RunError, RunSpec};
use model::mas::Descriptors;
use model::tokens::{Calibration, TokenOutcome};
use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use units::SimDuration;

/// There is none.
pub enum RealModels {}

/// There is none.
pub struct Played {
    /// As of a simulated run.
    pub outcome: Outcome,
    /// None.
    pub answers: Vec<Answer>,
}

impl RealModels {
    /// Refuses plans that are to be replayed.
    ///
    /// # Errors
    /// If the plan is one.
    pub fn open(plan: &Plan, _: &mut [Point]) -> Result<Option<Self>, Failure> {
        if plan.scenario.mode == Mode::Replay {
            let remedy = "build it with its feature `onnx`, which is on by default";
            return Err(Failure::unavailable(format!("this sim was built without real models; {remedy}")));
        }
        Ok(None)
    }

    /// Nothing to play on.
    ///
    /// # Errors
    /// Never.
    pub fn play(
        &self,
        _: u64,
        _: &str,
        _: &RunSpec,
        _: &mut dyn Recorder,
        _: &AtomicU64,
    ) -> Result<Result<Played, RunError>, Failure> {
        match *self {}
    }

    /// No facts.
    ///
    /// # Errors
    /// Never.
    pub fn facts(&self) -> Result<ReplayFacts, Failure> {
        match *self {}
    }

    /// Never.
    pub fn has_own_words(&self) -> bool {
        match *self {}
    }

    /// Nothing.
    pub fn calibration(&self, _: u64) -> Option<Calibration> {
        match *self {}
    }

    /// Nothing.
    ///
    /// # Errors
    /// Never.
    pub fn recorded(&self, _: u64, _: &[u64], _: usize) -> Result<Vec<Vec<TokenOutcome>>, Failure> {
        match *self {}
    }

    /// Nothing.
    pub fn preprocessed(&self) -> Vec<((u64, u64), SimDuration)> {
        match *self {}
    }

    /// The descriptors that the probes of real models found: there are none.
    pub fn probed(&self, _: u64, _: &str) -> BTreeMap<u64, Descriptors> {
        match *self {}
    }
}
