//! `sim best`: the best points of a sweep, and its Pareto front.

use crate::results::whole_file;
use crate::terminal::Failure;
use clap::{ArgGroup, Args as ClapArgs};
use reports::{Answer, Constraint, Objective, Per, Question, Runs};
use std::path::PathBuf;

/// Points that are printed where nobody says how many: of one environment, and of each of several.
const TOP: [usize; 2] = [10, 3];

const HELP: &str = "\
A point is a policy at a point of the sweep; its figures are means over
replications. Beside the best stand `tied` (the same mean) and `overlaps` (the
intervals do: by these alone, nobody can say which is better). A constraint holds
if the whole 95 % interval is within it; --by-mean asks for the mean alone.
Dataset, link and arrivals are found, not chosen: each such environment of a
sweep has a best or a front of its own, unless --per says otherwise. Exit code 3:
no point was found, or some could not be judged, for they failed or lack a metric.

Examples:
  sim best results/sweep_mas --minimise e2e_ms_p99 --subject-to \"accuracy_pct >= 75\"
  sim best results/sweep_mas --maximise accuracy_pct --policy msao --top 3
  sim best results/sweep_mas --pareto e2e_ms_mean,accuracy_pct
  sim best results/sweep_mas --pareto served_by_cloud_pct:min,accuracy_pct --csv front.csv";

/// The arguments of `sim best`.
#[derive(Debug, ClapArgs)]
#[command(after_help = HELP)]
#[command(group(ArgGroup::new("objective").required(true).args(["minimise", "maximise", "pareto"])))]
pub struct Args {
    /// The results folder, of a sweep or of a run.
    dir: PathBuf,
    /// The metric of which less is better.
    #[arg(long, value_name = "METRIC", alias = "minimize")]
    minimise: Option<String>,
    /// The metric of which more is better.
    #[arg(long, value_name = "METRIC", alias = "maximize")]
    maximise: Option<String>,
    /// The Pareto front of these metrics; `METRIC:min` or `METRIC:max` for one without a known better way.
    #[arg(long, value_name = "METRIC,METRIC...", value_delimiter = ',')]
    pareto: Vec<Objective>,
    /// A constraint: a metric, one of <= >= < >, and a number. Repeatable.
    #[arg(long, value_name = "CONSTRAINT")]
    subject_to: Vec<Constraint>,
    /// Judge constraints by means alone, not by their intervals.
    #[arg(long)]
    by_mean: bool,
    /// The groups that have a best or a front each: `environment`, `all` for one of all points, or keys with commas between
    /// them.
    #[arg(long, value_name = "KEYS", default_value = "environment")]
    per: Per,
    /// The policy whose points are searched [default: all].
    #[arg(long, value_name = "POLICY")]
    policy: Option<String>,
    /// Number of points to print of each environment [default: 10 of one, 3 of each of several, or the whole front].
    #[arg(long, value_name = "N")]
    top: Option<usize>,
    /// Also write all points found as CSV, with all digits.
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Print one JSON document instead of a table: the same points, with all digits. docs/output.md has its keys.
    #[arg(long)]
    json: bool,
}

/// Finds the best.
pub fn run(args: &Args) -> Result<(), Failure> {
    let runs = Runs::read(&args.dir)?;
    let one = |metric: &Option<String>, maximise| metric.clone().map(|metric| Objective { metric, maximise });
    let single = one(&args.minimise, false).or_else(|| one(&args.maximise, true));
    let is_single = single.is_some();
    let question = Question {
        objectives: single.map_or_else(|| args.pareto.clone(), |objective| vec![objective]),
        constraints: args.subject_to.clone(),
        policy: args.policy.clone(),
        per: args.per.clone(),
        by_mean: args.by_mean,
    };
    let answer = reports::best(&runs, &question)?;
    if let Some(file) = &args.csv {
        whole_file::write(file, &answer.csv(usize::MAX))?;
    }
    let most = if is_single { TOP[usize::from(answer.groups() > 1)] } else { usize::MAX };
    let top = args.top.unwrap_or(most);
    crate::terminal::print(&if args.json { answer.json(&args.dir, top)? } else { answer.text(top) })?;
    judged(&answer)
}

/// Fails if nothing was found, or if not all that was looked at could be judged.
///
/// # Errors
/// With a count of what was judged and what was not.
pub fn judged(answer: &Answer<'_>) -> Result<(), Failure> {
    let failure = |short| Failure::regression(format!("{short}; --policy and another metric narrow the question"));
    answer.shortfall().map_or(Ok(()), |short| Err(failure(short)))
}
