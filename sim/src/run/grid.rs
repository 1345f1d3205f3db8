//! Runs the grid of a scenario into a results folder: every policy at every point, every replication, spread over the cores.
//! Results are kept in the order of the grid, so they do not depend on the number of threads. A run has one thread, and where there are fewer
//! runs than threads, one with many edges has several.

use crate::results::rows::{Parts, Place, Rows, Wanted, put_together};
use crate::results::runs::{Run, RunsWriter, Totals};
use crate::results::summary::Summary;
use crate::results::swept::Swept;
use crate::run::one_run::OneRun;
use crate::run::options::Options;
use crate::run::replay::RealModels;
use crate::run::threads;
use crate::run::until::Until;
use crate::scenario::{Plan, Point};
use crate::terminal::Failure;
use crate::terminal::with_bar;
use rayon::ThreadPool;
use rayon::prelude::*;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::time::Instant;
use tables::Keeping;

/// Points that a results folder with a row for each request may have.
const MOST_POINTS: u64 = 100_000;

/// Works out every point.
///
/// # Errors
/// If one cannot be run, or there are too many.
pub fn points(plan: &Plan) -> Result<Vec<Point>, Failure> {
    if plan.points() > MOST_POINTS {
        let remedy = "`sim sweep` writes no rows of requests and runs as many as you like";
        let (path, points) = (plan.source.path.display(), plan.points());
        return Err(Failure::refused(format!("{path}: {points} points, expected at most {MOST_POINTS}; {remedy}")));
    }
    (0..plan.points()).map(|number| plan.point(number)).collect()
}

/// Runs everything and writes all tables.
pub fn run(plan: &Plan, grid: &Grid<'_>) -> Result<Totals, Failure> {
    run_until(plan, grid, None).map(|(totals, _)| totals)
}

/// Runs everything and writes all tables, with as many replications as `until` asks for; and its verdict.
pub fn run_until(
    plan: &Plan,
    grid: &Grid<'_>,
    until: Option<&Until>,
) -> Result<(Totals, Result<(), Failure>), Failure> {
    let (started, folder) = (Instant::now(), grid.folder);
    // Replays beside each other would measure each other.
    let threads = if grid.real.is_some() { Some(1) } else { grid.options.threads };
    let pool = threads::pool(threads, grid.cells.len() as u64 * u64::from(plan.scenario.replications))?;
    // By replication, then by cell.
    let (mut runs, mut parts): (Vec<Vec<Run>>, Vec<Vec<Parts>>) = Default::default();
    let mut wanted = plan.scenario.replications;
    loop {
        for replication in grid.replications(&pool, runs.len() as u32..wanted)? {
            let (of_runs, of_parts) = replication.into_iter().unzip();
            runs.push(of_runs);
            parts.push(of_parts);
        }
        match until.and_then(|until| until.more(&runs)) {
            Some(more) => wanted = more,
            None => break,
        }
    }
    let in_order = || (0..grid.cells.len()).flat_map(|cell| runs.iter().map(move |replication| &replication[cell]));
    put_together(folder, by_cell(grid.cells.len(), parts), &grid.wanted)?;
    write_tables(plan, in_order(), folder)?;
    let verdict = until.map_or(Ok(()), |until| until.verdict(&runs));
    let mut totals = Totals { runs: in_order().count(), replications: wanted, ..Totals::default() };
    in_order().filter_map(|run| run.result.as_ref().ok()).for_each(|sample| totals.add(sample));
    totals.wall_s = started.elapsed().as_secs_f64();
    Ok((totals, verdict))
}

/// Brings what stands by replication and then by cell into the order of the grid: by cell, then by replication.
fn by_cell<T>(cells: usize, replications: Vec<Vec<T>>) -> Vec<T> {
    let mut replications: Vec<_> = replications.into_iter().map(Vec::into_iter).collect();
    (0..cells).flat_map(|_| replications.iter_mut().filter_map(Iterator::next).collect::<Vec<_>>()).collect()
}

/// The runs of a plan, and the tables that their rows go to.
pub struct Grid<'g> {
    /// A policy at a point each, as the first replication.
    cells: Vec<OneRun<'g>>,
    /// The real models, for a replay.
    real: Option<&'g RealModels>,
    wanted: Wanted,
    options: &'g Options,
    folder: &'g Path,
    keeping: Keeping,
}

impl<'g> Grid<'g> {
    /// Every policy at these points, with all tables in `folder`.
    pub fn new(
        plan: &Plan,
        points: &'g [Point],
        real: Option<&'g RealModels>,
        options: &'g Options,
        folder: &'g Path,
    ) -> Self {
        let cells = points.iter().flat_map(|point| point.cells.iter().map(move |cell| (point, cell)));
        let cells: Vec<_> =
            cells.map(|(point, cell)| OneRun { point, cell, replication: 0, real, threads: 1 }).collect();
        let mut notes = Vec::new();
        for note in cells.iter().flat_map(|run| run.cell.spec.policy.notes()) {
            if !notes.contains(note) {
                notes.push(*note);
            }
        }
        // Measurements are kept: they cannot be had again.
        let replayed = real.is_some();
        let (steps, tokens) = (options.steps || replayed, options.tokens || replayed);
        Self {
            cells,
            real,
            wanted: Wanted { steps, tokens, answers: replayed, notes, swept: Swept::of(plan) },
            options,
            folder,
            keeping: Keeping::default(),
        }
    }

    /// Runs these replications of every cell.
    fn replications(
        &self,
        pool: &ThreadPool,
        numbers: std::ops::Range<u32>,
    ) -> Result<Vec<Vec<(Run, Parts)>>, Failure> {
        let one = self.cells.iter().map(|run| run.cell.spec.workload.len());
        let one = one.fold(0, u64::saturating_add);
        let requests = one.saturating_mul(u64::from(numbers.end - numbers.start));
        let tasks: Vec<(usize, u32)> = numbers
            .clone()
            .flat_map(|replication| (0..self.cells.len()).map(move |cell| (cell, replication)))
            .collect();
        let threads = threads::of_each(self.options.threads, tasks.len() as u64);
        if threads > 1 {
            self.cells.iter().for_each(OneRun::say_that_it_stays_on_one_thread);
        }
        let run = |progress: &AtomicU64| {
            let one = |&(cell, replication): &(usize, u32)| {
                self.run_one(cell, OneRun { replication, threads, ..self.cells[cell] }, progress)
            };
            pool.install(|| tasks.par_iter().map(one).collect::<Vec<_>>())
        };
        let runs = with_bar(requests, "requests", run).into_iter().collect::<Result<Vec<_>, _>>()?;
        let mut runs = runs.into_iter();
        Ok(numbers.map(|_| runs.by_ref().take(self.cells.len()).collect()).collect())
    }

    fn run_one(&self, cell: usize, run: OneRun<'_>, progress: &AtomicU64) -> Result<(Run, Parts), Failure> {
        let place = Place { folder: self.folder, cell, replication: run.replication };
        let mut rows = Rows::new(&place, run.point, run.cell, &self.wanted);
        let sample = if self.options.twice { OneRun::sample_twice } else { OneRun::sample };
        let sample = sample(&run, &mut rows, progress)?;
        Ok((run.row(Ok(sample)), rows.finish(&self.keeping)?))
    }
}

/// Writes `runs.parquet` and the summary from runs in the order of the grid.
pub fn write_tables<'r>(plan: &Plan, runs: impl Iterator<Item = &'r Run>, folder: &Path) -> Result<(), Failure> {
    let mut table = RunsWriter::create(&folder.join("runs.parquet"), &plan.varied, &[])?;
    let mut summary = Summary::create(folder, Swept::of(plan))?;
    for run in runs {
        table.write(run)?;
        summary.add(run.clone())?;
    }
    table.finish()?;
    summary.finish()
}
