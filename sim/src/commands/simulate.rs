//! `sim SCENARIO.toml`: the scenario, run.

use super::report;
use crate::results::runs::Totals;
use crate::results::{Results, manifest, shortfalls};
use crate::run::grid::{self, Grid};
use crate::run::intervals::{self, Intervals};
use crate::run::options::Options;
use crate::run::replay::RealModels;
use crate::scenario::{self, Plan, Point, Written, warn_of_short_traces};
use crate::terminal::{Failure, print, say, with_bold_heading};
use reports::{Report, ReportError};
use std::path::{Path, PathBuf};

/// A scenario that was run into a results folder.
pub struct Done {
    /// The folder, in its place.
    pub folder: PathBuf,
    pub points: Vec<Point>,
    pub totals: Totals,
    /// The report, if it was asked for.
    pub report: Option<Report>,
    /// Failed if `--until-ci` asked for more than it got.
    pub known: Result<(), Failure>,
}

/// Runs a scenario, writes its results folder and prints its table.
///
/// # Errors
/// If the scenario or the folder is refused, or a run fails.
pub fn run(written: &Written, options: &Options) -> Result<(), Failure> {
    let shown = options.layout.shown()?;
    let plan = Plan::read(written)?;
    let out = options.out.clone().unwrap_or_else(|| ["results", &plan.scenario.name].iter().collect());
    let Done { folder, points, totals, report, known } = write(plan, options, &out)?;
    let intervals = intervals::intervals(&points, options.threads)?;
    let bug = |error: ReportError| Failure::bug(error.to_string());
    if options.json {
        shortfalls::warn(&folder)?;
        let claims = report.as_ref().map(|report| &report.claims);
        let rows = intervals.iter().flat_map(Intervals::rows).collect();
        print(&reports::run_document(&folder, claims, rows).map_err(bug)?)?;
    } else {
        print(&with_bold_heading(&reports::table(&folder, &shown).map_err(bug)?))?;
        print(&reports::table_of_groups(&folder).map_err(bug)?)?;
        print(&reports::table_of_classes(&folder).map_err(bug)?)?;
        shortfalls::warn(&folder)?;
        print(&intervals::text(&intervals))?;
        report.as_ref().map_or(Ok(()), report::print_claims)?;
    }
    say(format_args!(
        "{} runs, {} events in {:.2} s ({:.1} M events/s); results in {}",
        totals.runs,
        totals.events,
        totals.wall_s,
        totals.events as f64 / totals.wall_s / 1e6,
        folder.display()
    ));
    known
}

/// Runs a plan and writes its results folder.
///
/// # Errors
/// If a point or the folder is refused, or a run fails.
pub fn write(mut plan: Plan, options: &Options, out: &Path) -> Result<Done, Failure> {
    let until = options.until()?;
    let mut points = grid::points(&plan)?;
    scenario::warn(&plan);
    let real = RealModels::open(&plan, &mut points)?;
    warn_of_short_traces(&plan, &points);
    if options.twice && real.is_some() {
        let why = "a replay takes measured times, of which no two are equal";
        return Err(Failure::refused(format!("--twice compares runs event by event: {why}; leave it out")));
    }
    let results = Results::begin(out)?;
    let grid = Grid::new(&plan, &points, real.as_ref(), options, results.folder());
    let (totals, known) = grid::run_until(&plan, &grid, until.as_ref())?;
    plan.scenario.replications = totals.replications;
    let replay = real.as_ref().map(RealModels::facts).transpose()?;
    manifest::write(&plan, &totals, replay, results.folder())?;
    let report = (!options.no_report).then(|| report::write(results.folder(), out)).transpose()?;
    let folder = results.finish()?;
    Ok(Done { folder, points, totals, report, known })
}
