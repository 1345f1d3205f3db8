//! One point of a sweep: every replication of every policy, or of one. A point that cannot be run is recorded with its reason.

use super::shared::Shared;
use crate::results::metrics::Sample;
use crate::results::runs::Run;
use crate::run::one_run::OneRun;
use crate::scenario::{Plan, Point};
use crate::terminal::{Failure, surviving};
use engine::NoRecorder;
use std::sync::atomic::AtomicU64;

/// Begins the reason of a run that met a bug.
const BUG: &str = "a bug in this program: ";

/// True if a run failed for a bug.
pub fn is_bug(reason: &str) -> bool {
    reason.starts_with(BUG)
}

/// Runs a point, of all policies or `only` one, and gives its rows in their order. Runs that another point had are taken from it.
pub fn run(plan: &Plan, number: u64, only: Option<&str>, shared: &Shared) -> Vec<Run> {
    match surviving(|| plan.point(number)).and_then(|point| point) {
        Ok(point) => run_cells(plan, &point, only, shared),
        Err(failure) => vec![Run {
            label: plan.label_of_refused(number).into(),
            policy: String::new(),
            replication: 0,
            seed: plan.scenario.seed,
            result: Err(reason(&failure)),
        }],
    }
}

fn run_cells(plan: &Plan, point: &Point, only: Option<&str>, shared: &Shared) -> Vec<Run> {
    let cells = point.cells.iter().filter(|cell| only.is_none_or(|only| cell.policy == only));
    let of_cell = |cell| {
        let run = |replication| OneRun { point, cell, replication, real: None, threads: 1 };
        let replications = 0..plan.scenario.replications;
        let sampled = |replication| sample(&run(replication)).map_err(|failure| reason(&failure));
        let number = point.label.point;
        let results = shared.runs(plan, number, &cell.policy, || replications.clone().map(sampled).collect());
        replications.zip(results).map(move |(replication, result)| run(replication).row(result)).collect::<Vec<_>>()
    };
    cells.flat_map(of_cell).collect()
}

fn sample(run: &OneRun<'_>) -> Result<Sample, Failure> {
    surviving(|| run.sample(&mut NoRecorder, &AtomicU64::new(0)))?
}

/// The reason without the place in the file, so that it is the same for every copy of the scenario.
fn reason(failure: &Failure) -> String {
    if failure.is_bug() { format!("{BUG}{}", failure.brief()) } else { failure.brief().to_owned() }
}
