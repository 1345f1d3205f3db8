//! The points of a sweep as a box of whole numbers, and what each point costs.

use crate::commands::sweep::{point, shared::Shared};
use crate::results::runs::Run;
use crate::scenario::Plan;
use crate::terminal::Failure;
use reports::{Constraint, Estimate, Objective};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use tables::Metric;

/// Costs of points that break a constraint begin here, and of points that cannot be run there: above any metric.
const BROKEN: f64 = 1e100;
const FAILED: f64 = 1e110;

/// The goal of the search: an objective under constraints.
pub struct Goal {
    objective: Metric,
    maximise: bool,
    constraints: Vec<(Metric, Constraint)>,
    policy: String,
}

impl Goal {
    /// Looks up the metrics.
    ///
    /// # Errors
    /// If there is no such metric.
    pub fn new(objective: &Objective, constraints: &[Constraint], policy: String) -> Result<Self, Failure> {
        let named = |metric: &str| Metric::named(metric).map_err(Failure::refused);
        let constraint = |constraint: &Constraint| Ok((named(constraint.metric())?, constraint.clone()));
        Ok(Self {
            objective: named(&objective.metric)?,
            maximise: objective.maximise,
            constraints: constraints.iter().map(constraint).collect::<Result<_, Failure>>()?,
            policy,
        })
    }

    /// The minimised cost: the objective. A point that breaks a constraint costs more than any that breaks none.
    fn cost(&self, runs: &[Run]) -> f64 {
        let mean = |metric: Metric| {
            let values = runs.iter().map(|run| run.result.as_ref().ok()?.metrics[metric]);
            values.collect::<Option<Vec<f64>>>().map(|values| Estimate::of(&values).mean)
        };
        let excess = |(metric, constraint): &(Metric, Constraint)| mean(*metric).map(|mean| constraint.excess(mean));
        let broken: Option<f64> = self.constraints.iter().map(excess).sum();
        match (broken, mean(self.objective)) {
            (Some(0.0), Some(mean)) if self.maximise => -mean,
            (Some(0.0), Some(mean)) => mean,
            (Some(broken), Some(_)) => BROKEN * (1.0 + broken.min(1e6)),
            _ => FAILED,
        }
    }
}

/// A point that was looked at.
struct Known {
    cost: f64,
    runs: Vec<Run>,
}

/// The points of a plan and what is known of them. Threads share it.
pub struct Space<'p> {
    plan: &'p Plan,
    goal: &'p Goal,
    lengths: Vec<u64>,
    known: Mutex<BTreeMap<u64, Known>>,
    looked_at: &'p AtomicU64,
}

impl<'p> Space<'p> {
    /// All points, none of them looked at; `looked_at` counts them.
    pub fn new(plan: &'p Plan, goal: &'p Goal, looked_at: &'p AtomicU64) -> Self {
        Self { plan, goal, lengths: plan.design.lengths().collect(), known: Mutex::default(), looked_at }
    }

    /// Number of values of each axis.
    pub fn lengths(&self) -> &[u64] {
        &self.lengths
    }

    /// The number of a point in the plan.
    fn number(&self, at: &[u64]) -> u64 {
        at.iter().zip(&self.lengths).fold(0, |number, (index, length)| number * length + index)
    }

    /// The cost of a point, which is run only once.
    pub fn cost(&self, at: &[u64]) -> f64 {
        let number = self.number(at);
        let known = || self.known.lock().expect("no panic holds this lock").get(&number).map(|point| point.cost);
        if let Some(cost) = known() {
            return cost;
        }
        let runs = point::run(self.plan, number, Some(&self.goal.policy), &Shared::default());
        let cost = self.goal.cost(&runs);
        self.known.lock().expect("no panic holds this lock").entry(number).or_insert_with(|| {
            self.looked_at.fetch_add(1, Ordering::Relaxed);
            Known { cost, runs }
        });
        cost
    }

    /// The runs of all points that were looked at, in the order of the plan.
    pub fn into_runs(self) -> Vec<Run> {
        let known = self.known.into_inner().expect("no panic holds this lock");
        known.into_values().flat_map(|point| point.runs).collect()
    }
}
