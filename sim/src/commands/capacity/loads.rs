//! The runs of one policy: replications at values of the key, and the verdicts on them.

use super::axis::Axis;
use super::crossing::Crossing;
use super::search::Runs;
use super::verdict::{self, Judged, Target, Verdict};
use crate::results::runs::Run;
use crate::run::one_run::OneRun;
use crate::scenario::{Cell, Plan, Point, PointLabel, Scenario, Source};
use crate::terminal::{Failure, surviving};
use engine::NoRecorder;
use rayon::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use toml::{Table, Value};

/// A scenario in which one key varies.
pub struct Varied<'a> {
    /// The scenario, without a sweep.
    pub source: &'a Source,
    /// The key.
    pub axis: &'a Axis,
    /// The targets that a value meets or misses.
    pub targets: &'a [Target],
}

impl Varied<'_> {
    /// The scenario with the key swept over these values.
    ///
    /// # Errors
    /// If it cannot be run with one of them.
    pub fn plan(&self, values: &[f64]) -> Result<Plan, Failure> {
        let values: Vec<Value> = values.iter().map(|value| self.axis.value(*value)).collect();
        let sweep = Table::from_iter([(self.axis.key.clone(), Value::Array(values))]);
        plan(self.source.settled().with(&[("sweep".to_owned(), sweep.into())])?)
    }

    /// The scenario with the key at one value.
    fn point(&self, value: f64) -> Result<Point, Failure> {
        plan(self.source.with(&[(self.axis.key.clone(), self.axis.value(value))])?)?.point(0)
    }
}

fn plan(source: Source) -> Result<Plan, Failure> {
    let mut scenario: Scenario = source.parse()?;
    scenario.settle(source.written());
    Plan::new(source, scenario)
}

/// The runs of a policy at a value.
struct AtValue {
    value: f64,
    point: Point,
    seed: u64,
    /// The replication of its first run: no two values have one in common, so their runs are independent.
    first: u32,
    runs: Vec<Judged>,
}

/// Replications from the first of a value to the first of the next one.
const APART: u32 = 1 << 20;

/// All runs of a policy.
pub struct Loads<'a> {
    varied: &'a Varied<'a>,
    policy: String,
    values: Vec<AtValue>,
}

impl<'a> Loads<'a> {
    /// No run yet.
    pub fn new(varied: &'a Varied<'a>, policy: String) -> Self {
        Self { varied, policy, values: Vec::new() }
    }

    /// The label of the policy.
    pub fn policy(&self) -> &str {
        &self.policy
    }

    /// Looks at a value with so many replications in all; those that are missing are run and counted.
    ///
    /// # Errors
    /// If the scenario cannot be run at this value, or a target does not apply to the policy.
    pub fn judge(&mut self, value: f64, replications: u32, done: &AtomicU64) -> Result<Verdict, Failure> {
        let at = self.at(value)?;
        let have = u32::try_from(self.values[at].runs.len()).unwrap_or(u32::MAX);
        let run = |replication| {
            let judged = self.run(&self.values[at], replication);
            done.fetch_add(1, Ordering::Relaxed);
            judged
        };
        let more = (have..replications).into_par_iter().map(run).collect::<Result<Vec<Judged>, Failure>>()?;
        self.values[at].runs.extend(more);
        Ok(Verdict::of(self.varied.targets, &self.values[at].runs))
    }

    /// The place of a value, which is resolved when it is looked at first.
    fn at(&mut self, value: f64) -> Result<usize, Failure> {
        if let Some(at) = self.values.iter().position(|known| known.value == value) {
            return Ok(at);
        }
        let point = self.varied.point(value)?;
        let seed = self.cell(&point).spec.seed;
        let first = APART * self.values.len() as u32;
        self.values.push(AtValue { value, point, seed, first, runs: Vec::new() });
        Ok(self.values.len() - 1)
    }

    fn cell<'p>(&self, point: &'p Point) -> &'p Cell {
        let cell = point.cells.iter().find(|cell| cell.policy == self.policy);
        cell.expect("the policies are the same at every value")
    }

    fn run(&self, at: &AtValue, replication: u32) -> Result<Judged, Failure> {
        let replication = at.first + replication;
        let run = OneRun { point: &at.point, cell: self.cell(&at.point), replication, real: None, threads: 1 };
        let outcome = surviving(|| run.outcome(&mut NoRecorder, &AtomicU64::new(0)))??;
        let sample = run.sample_of(&outcome);
        let value = |target: &Target| {
            target.value(&outcome, &sample).ok_or_else(|| {
                let remedy = "choose another target, or leave the policy out with --policy";
                Failure::refused(format!("{}: {} has no such value; {remedy}", target.text(), self.policy))
            })
        };
        let values = self.varied.targets.iter().map(value).collect::<Result<_, _>>()?;
        Ok(Judged { sample, values, backlog: outcome.window.backlog })
    }

    /// The place where the targets stop being met, by the runs at these values, each with its place; none if they do not tell.
    fn crossing(&self, values: &[(f64, f64)]) -> Option<Crossing> {
        let at = |value: f64| self.values.iter().find(move |at| at.value == value);
        let runs = values.iter().filter_map(|(place, value)| Some((*place, &at(*value)?.runs)));
        let runs: Vec<(f64, &Judged)> =
            runs.flat_map(|(place, runs)| runs.iter().map(move |run| (place, run))).collect();
        verdict::crossing(self.varied.targets, &runs)
    }

    /// The values that were looked at.
    pub fn values(&self) -> impl Iterator<Item = f64> {
        self.values.iter().map(|at| at.value)
    }

    /// The rows of the runs at a value, which has this label among the points of all policies.
    pub fn rows(&self, value: f64, label: &Arc<PointLabel>) -> Vec<Run> {
        let of = self.values.iter().filter(|at| at.value == value);
        of.flat_map(|at| {
            (at.first..).zip(&at.runs).map(|(replication, judged)| Run {
                label: label.clone(),
                policy: self.policy.clone(),
                replication,
                seed: at.seed,
                result: Ok(judged.sample.clone()),
            })
        })
        .collect()
    }
}

/// The runs of a policy as a search looks at them; each one that is done is counted.
pub struct Counted<'l, 'a> {
    /// The runs.
    pub loads: &'l mut Loads<'a>,
    /// The number of those that are done.
    pub done: &'l AtomicU64,
}

impl Runs for Counted<'_, '_> {
    type Error = Failure;

    fn look(&mut self, value: f64, replications: u32) -> Result<Verdict, Failure> {
        self.loads.judge(value, replications, self.done)
    }

    fn crossing(&self, values: &[(f64, f64)]) -> Option<Crossing> {
        self.loads.crossing(values)
    }
}
