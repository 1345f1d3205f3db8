//! The command line of `sim tune`.

use super::search::{Limits, search};
use super::space::{Goal, Space};
use crate::commands::best::judged;
use crate::commands::sweep::point;
use crate::results::runs::Totals;
use crate::results::{self, manifest};
use crate::run::grid::write_tables;
use crate::run::threads;
use crate::scenario::{self, Plan, Written};
use crate::terminal::with_bar;
use crate::terminal::{Failure, say};
use clap::ArgGroup;
use reports::{Constraint, Objective, Per, Question, Runs};
use std::path::PathBuf;
use std::time::Instant;

const EXAMPLES: &str = "\
Examples:
  sim tune scenarios/sweep_draft.toml --minimise e2e_ms_mean --policy msao
  sim tune scenarios/sweep_mas.toml --minimise e2e_ms_p99 --subject-to \"accuracy_pct >= 75\" --points 60

It searches: another point of the grid may be better. `sim sweep` with `sim best` is certain, and
dearer; the last line says by how much.";

/// Search the points of a scenario's [sweep] table for the best, without running all of them.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
#[command(group(ArgGroup::new("objective").required(true).args(["minimise", "maximise"])))]
pub struct Args {
    #[command(flatten)]
    written: Written,
    /// The metric of which less is better.
    #[arg(long, value_name = "METRIC", alias = "minimize")]
    minimise: Option<String>,
    /// The metric of which more is better.
    #[arg(long, value_name = "METRIC", alias = "maximize")]
    maximise: Option<String>,
    /// A constraint on a mean: a metric, one of <= >= < >, and a number. Repeatable.
    #[arg(long, value_name = "CONSTRAINT")]
    subject_to: Vec<Constraint>,
    /// The policy to tune; needed where the scenario has several.
    #[arg(long, value_name = "POLICY")]
    policy: Option<String>,
    /// The most points to run [default: a fifth of the grid, 40 to 200].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    points: Option<u64>,
    /// Places to start from.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1000))]
    starts: u32,
    /// Folder for the results [default: results/NAME-tune]: the points that were run, as `sim best` reads them.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Threads that points are spread over [default: all cores]. Results do not depend on it.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
}

impl Args {
    fn objective(&self) -> Objective {
        let (metric, maximise) = match (&self.minimise, &self.maximise) {
            (Some(metric), _) => (metric, false),
            (_, Some(metric)) => (metric, true),
            _ => unreachable!("clap asks for one of them"),
        };
        Objective { metric: metric.clone(), maximise }
    }
}

/// Runs `sim tune`.
pub fn run(args: &Args) -> Result<(), Failure> {
    let started = Instant::now();
    let plan = Plan::read(&args.written)?;
    plan.must_be_simulated("sim tune")?;
    let policy = policy(&plan, args.policy.as_ref())?;
    let goal = Goal::new(&args.objective(), &args.subject_to, policy.clone())?;
    scenario::warn(&plan);
    scenario::warn_of_short_traces(&plan, &plan.point(0));
    let out = args.out.clone().unwrap_or_else(|| ["results", &format!("{}-tune", plan.scenario.name)].iter().collect());
    let results = results::Results::begin(&out)?;
    let points = args.points.unwrap_or((plan.points() / 5).clamp(40, 200)).min(plan.points());
    let limits = Limits { points, starts: args.starts, seed: plan.scenario.seed };
    let pool = threads::pool(args.threads, points)?;
    let runs = with_bar(points, "points", |looked_at| {
        let space = Space::new(&plan, &goal, looked_at);
        pool.install(|| search(space.lengths(), limits, |at| space.cost(at)));
        space.into_runs()
    });
    let mut totals = Totals { runs: runs.len(), replications: plan.scenario.replications, ..Totals::default() };
    runs.iter().filter_map(|run| run.result.as_ref().ok()).for_each(|sample| totals.add(sample));
    totals.wall_s = started.elapsed().as_secs_f64();
    write_tables(&plan, runs.iter(), results.folder())?;
    manifest::write(&plan, &totals, None, results.folder())?;
    let folder = results.finish()?;
    let rows = Runs::read(&folder)?;
    let question = Question {
        objectives: vec![args.objective()],
        constraints: args.subject_to.clone(),
        policy: Some(policy),
        // A search has one environment, and looked for what its means hold.
        per: Per::All,
        by_mean: true,
    };
    let answer = reports::best(&rows, &question)?;
    crate::terminal::print(&answer.text(5))?;
    results::shortfalls::warn(&folder)?;
    report(&plan, &rows, &totals);
    say(format_args!("results in {}", folder.display()));
    match runs.iter().find_map(|run| run.result.as_ref().err().filter(|reason| point::is_bug(reason))) {
        Some(reason) => Err(Failure::bug(format!("some points met {reason}"))),
        None => judged(&answer),
    }
}

/// The policy to tune.
fn policy(plan: &Plan, wanted: Option<&String>) -> Result<String, Failure> {
    let known: Vec<String> = plan.scenario.policy.systems().into_iter().map(|(label, _)| label).collect();
    let list = known.join(", ");
    match wanted {
        Some(wanted) if known.contains(wanted) => Ok(wanted.clone()),
        Some(wanted) => Err(Failure::refused(format!("--policy {wanted}: no such policy here (known: {list})"))),
        None if known.len() == 1 => Ok(known[0].clone()),
        None => Err(Failure::refused(format!("which policy is to be tuned? say --policy NAME (known: {list})"))),
    }
}

/// Prints the cost of the search, and that of the whole grid.
fn report(plan: &Plan, rows: &Runs, totals: &Totals) {
    let points = rows.cells.len() as u64;
    let grid = plan.points();
    say(format_args!(
        "{points} points, {} runs in {:.2} s; the grid has {grid} points and would have taken about {:.0} s, {:.1} times as long",
        totals.runs,
        totals.wall_s,
        totals.wall_s * grid as f64 / points as f64,
        grid as f64 / points as f64
    ));
}
