//! One run: a replication of a policy at a point.

use super::replay::RealModels;
use crate::results::metrics::Sample;
use crate::results::rows::Log;
use crate::results::runs::Run;
use crate::scenario::{Cell, Point};
use crate::terminal::{Failure, at_work_on, say};
use engine::{NoRecorder, Outcome, Recorder, RunError, RunSpec, simulate};
use kernel::Journal;
use std::sync::atomic::AtomicU64;
use tables::Shortfall;

/// One run: a policy at a point, a replication.
#[derive(Clone, Copy)]
pub struct OneRun<'g> {
    /// The point.
    pub point: &'g Point,
    /// The policy at it.
    pub cell: &'g Cell,
    /// The replication, from 0.
    pub replication: u32,
    /// The real models, for a replay.
    pub real: Option<&'g RealModels>,
    /// Threads that it may use.
    pub threads: u32,
}

impl OneRun<'_> {
    /// Runs it; `progress` counts its requests.
    ///
    /// # Errors
    /// If it cannot be run, or broke an invariant.
    pub fn sample(&self, recorder: &mut dyn Log, progress: &AtomicU64) -> Result<Sample, Failure> {
        self.outcome(recorder, progress).map(|outcome| self.sample_of(&outcome))
    }

    /// Runs it and gives all that it leaves.
    ///
    /// # Errors
    /// Those of [`Self::sample`].
    pub fn outcome(&self, recorder: &mut dyn Log, progress: &AtomicU64) -> Result<Outcome, Failure> {
        at_work_on(self.name());
        match self.real {
            None => self.simulate(Journal::digest_only(), recorder, progress),
            Some(real) => self.replay(real, recorder, progress),
        }
    }

    /// Runs it twice and compares event by event.
    ///
    /// # Errors
    /// As [`Self::sample`], and if an event differs: the first is named.
    pub fn sample_twice(&self, recorder: &mut dyn Log, progress: &AtomicU64) -> Result<Sample, Failure> {
        at_work_on(self.name());
        let outcome = self.simulate(Journal::recorder(), recorder, progress)?;
        let sample = self.sample_of(&outcome);
        let again = self.simulate(Journal::checker(outcome.journal), &mut NoRecorder, &AtomicU64::new(0))?;
        match again.journal.difference() {
            Some(difference) => Err(Failure::bug(format!("{}: two equal runs differ: {difference}", self.name()))),
            None => Ok(sample),
        }
    }

    /// Its row.
    pub fn row(&self, result: Result<Sample, String>) -> Run {
        Run {
            label: self.point.label.clone(),
            policy: self.cell.policy.clone(),
            replication: self.replication,
            seed: self.cell.spec.seed,
            result,
        }
    }

    /// Its contribution to the tables.
    pub fn sample_of(&self, outcome: &Outcome) -> Sample {
        Sample::of(outcome, self.point.memory_scope, self.point.costs, &self.cell.spec)
    }

    fn simulate(
        &self,
        journal: Journal,
        recorder: &mut dyn Recorder,
        progress: &AtomicU64,
    ) -> Result<Outcome, Failure> {
        simulate(&self.spec(), journal, recorder, progress).map_err(|error| self.failure(&error))
    }

    fn replay(&self, real: &RealModels, log: &mut dyn Log, progress: &AtomicU64) -> Result<Outcome, Failure> {
        let played = real.play(self.point.label.point, &self.cell.policy, &self.spec(), log, progress)?;
        let mut played = played.map_err(|error| self.failure(&error))?;
        // An answer that is as long as it may be was not ended by the model.
        let most = self.cell.spec.workload.longest_answer() as usize;
        let counted = played.answers.iter().filter(|answer| answer.request >= played.outcome.warm_up);
        let cut = counted.filter(|answer| answer.ids.len() >= most).count() as u64;
        played.outcome.metrics.shortfalls[Shortfall::Cut] += cut;
        played.answers.iter().for_each(|answer| log.answer(answer));
        Ok(played.outcome)
    }

    /// Says on stderr why a run of many edges stays on one thread, if it does.
    pub fn say_that_it_stays_on_one_thread(&self) {
        if let Some(reason) = self.cell.spec.stays_on_one_thread().filter(|_| self.real.is_none()) {
            say(format_args!("{}: simulated on one thread, for {reason}", self.name()));
        }
    }

    fn spec(&self) -> RunSpec {
        RunSpec { replication: self.replication, threads: self.threads, ..self.cell.spec.clone() }
    }

    fn failure(&self, error: &RunError) -> Failure {
        match error {
            RunError::DoesNotFit(_) | RunError::AllWarmUp { .. } => {
                Failure::refused(format!("{}: {error}", self.name()))
            }
            RunError::Policy(fault) => Failure::refused(format!("{}: {fault}", self.name())),
            RunError::Broken { .. } => Failure::bug(format!("{}: {error}", self.name())),
        }
    }

    fn name(&self) -> String {
        let Self { point, cell, replication, .. } = self;
        format!("{} at point {}, replication {replication}, seed {}", cell.policy, point.label.point, cell.spec.seed)
    }
}
