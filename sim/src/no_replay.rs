//! In place of `replay` where real models were left out when the program was built: it says so.

use crate::failure::Failure;
use crate::scenario::{Mode, Plan, Point};
use engine::{Outcome, Recorder, RunError, RunSpec};
use model::mas::Descriptors;
use model::tokens::{Calibration, Outcome as TokenOutcome};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;

/// There is none.
pub enum Studio {}

/// There is none.
pub struct Played {
    /// As of a simulated run.
    pub outcome: Outcome,
    /// None.
    pub answers: Vec<Answered>,
}

/// An answer of a real model.
pub struct Answered {
    /// Number of the request.
    pub request: u64,
    /// Its tokens.
    pub ids: Vec<u32>,
    /// Its words.
    pub text: String,
    /// How right it is, from 0 to 1.
    pub score: f64,
}

impl Studio {
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

    /// Nothing to tell.
    ///
    /// # Errors
    /// Never.
    pub fn told(&self) -> Result<Value, Failure> {
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

    /// As of a studio that there is none of.
    pub fn probed(&self, _: u64, _: &str) -> BTreeMap<u64, Descriptors> {
        match *self {}
    }

    /// Nobody.
    pub fn names(&self) -> [String; 2] {
        match *self {}
    }

    /// Nothing to remark.
    pub fn remark(&self) -> String {
        match *self {}
    }
}
