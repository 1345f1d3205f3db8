//! Runs the grid: every policy at every point, every replication, spread over the cores. Each run is one thread; results
//! are kept in the order of the grid, so they do not depend on the number of threads.

use crate::cli::Options;
use crate::failure::{Failure, at_work_on};
use crate::progress::with_bar;
use crate::rows::{Rows, Wanted, put_together};
use crate::scenario::{Cell, Grid, Point};
use crate::summary::{Sample, sample};
use engine::{Nobody, Recorder, RunError, RunSpec, simulate};
use kernel::Journal;
use rayon::prelude::*;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

/// What came of a grid.
pub struct Outcome {
    /// For each point and policy, in order, the samples of its replications.
    pub cells: Vec<Vec<Sample>>,
    /// Runs.
    pub runs: usize,
    /// Requests over all runs.
    pub requests: u64,
    /// Events over all runs.
    pub events: u64,
    /// Digest of the digests, in order.
    pub digest: u64,
    /// Seconds on the wall.
    pub wall_s: f64,
}

/// One run of the grid.
#[derive(Clone, Copy)]
struct Task<'g> {
    number: usize,
    point: &'g Point,
    cell: &'g Cell,
    replication: u32,
}

/// Runs everything and writes the rows into `folder`.
pub fn run(grid: &Grid, options: &Options, folder: &Path) -> Result<Outcome, Failure> {
    let started = Instant::now();
    let wanted = Wanted { steps: options.steps, tokens: options.tokens };
    let tasks = tasks(grid);
    let requests: u64 = tasks.iter().fold(0, |sum: u64, task| sum.saturating_add(task.cell.spec.workload.len()));
    let pool = rayon::ThreadPoolBuilder::new()
        // More would have nothing to do. 0 is all cores.
        .num_threads(options.threads.unwrap_or(0).min(tasks.len()))
        .build()
        .map_err(|error| Failure::refused(format!("cannot start {:?} threads: {error}", options.threads)))?;
    let samples: Vec<Result<Sample, Failure>> = with_bar(requests, "requests", |progress| {
        let run = |task: &Task| run_one(task, folder, wanted, options.twice, progress);
        pool.install(|| tasks.par_iter().map(run).collect())
    });
    let samples = samples.into_iter().collect::<Result<Vec<_>, _>>()?;
    put_together(folder, tasks.len(), wanted)?;
    Ok(Outcome {
        runs: tasks.len(),
        requests,
        events: samples.iter().map(|sample| sample.events).sum(),
        digest: samples.iter().fold(0, |digest: u64, sample| digest.rotate_left(7) ^ sample.digest),
        cells: samples.chunks(grid.replications as usize).map(<[Sample]>::to_vec).collect(),
        wall_s: started.elapsed().as_secs_f64(),
    })
}

fn tasks(grid: &Grid) -> Vec<Task<'_>> {
    let mut tasks = Vec::new();
    for point in &grid.points {
        for cell in &point.cells {
            for replication in 0..grid.replications {
                tasks.push(Task { number: tasks.len(), point, cell, replication });
            }
        }
    }
    tasks
}

fn run_one(
    task: &Task<'_>,
    folder: &Path,
    wanted: Wanted,
    twice: bool,
    progress: &AtomicU64,
) -> Result<Sample, Failure> {
    at_work_on(name(task));
    let spec = RunSpec { replication: task.replication, ..task.cell.spec.clone() };
    let mut rows = Rows::create(folder, task.number, task.point, task.cell, task.replication, wanted)?;
    let first = if twice { Journal::recorder() } else { Journal::digest_only() };
    let outcome = run_spec(task, &spec, first, &mut rows, progress)?;
    rows.finish()?;
    let sample = sample(&outcome, task.point.memory_scope, task.cell.spec.policy.uses());
    if twice {
        let again = run_spec(task, &spec, Journal::checker(outcome.journal), &mut Nobody, &AtomicU64::new(0))?;
        if let Some(difference) = again.journal.difference() {
            return Err(Failure::bug(format!("{}: two equal runs differ: {difference}", name(task))));
        }
    }
    Ok(sample)
}

fn run_spec(
    task: &Task<'_>,
    spec: &RunSpec,
    journal: Journal,
    recorder: &mut dyn Recorder,
    progress: &AtomicU64,
) -> Result<engine::Outcome, Failure> {
    simulate(spec, journal, recorder, progress).map_err(|error| match error {
        RunError::DoesNotFit(_) => Failure::refused(format!("{}: {error}", name(task))),
        RunError::Broken { .. } => Failure::bug(format!("{}: {error}", name(task))),
    })
}

fn name(task: &Task<'_>) -> String {
    let Task { point, cell, replication, .. } = task;
    format!("{} at point {}, replication {replication}, seed {}", cell.policy, point.number, cell.spec.seed)
}
