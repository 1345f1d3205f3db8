//! The arguments of `sim capacity`.

use super::verdict::Target;
use crate::scenario::Written;
use crate::terminal::Failure;
use policies::PolicyTable;
use std::path::PathBuf;

const HELP: &str = "\
Values are doubled or halved until one meets the targets and one misses them, then
bisected. Replications are added on both sides of the place where a target stops being
met until its interval is 2 % wide. Exit code 5: --max-runs ended it before; what is
known is printed. A load at which the backlog grows is not carried, whatever its
latencies. Where the scenario has no workload.warm_up, the first tenth of the requests
is left out. The targets are those of [slo] unless --target says others.

Examples:
  sim capacity scenarios/load.toml --vary arrivals.poisson.rate --target \"e2e_ms_p99 <= 2 s\"
  sim capacity scenarios/load.toml --set sweep={} --vary cloud.gpus --least --target \"ttft_ms_p99 <= 500 ms\"
  sim capacity scenarios/capacity.toml --vary cloud.device=l40s,a100-80-sxm --minimise price";

/// Find the largest load, or the fewest GPUs, with which each policy meets targets.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    #[command(flatten)]
    pub written: Written,
    /// The key to vary: a number or a quantity, such as arrivals.poisson.rate, edge.count or cloud.gpus. Or choices, as in
    /// pool=a,b,c, of which the cheapest that meets the targets is found.
    #[arg(long, value_name = "KEY")]
    pub vary: String,
    /// A target: a metric, one of <= >= < >, and a number, perhaps with its unit; behind `CLASS:` it is of that class alone.
    /// Repeatable [default: those of [slo] and of the classes].
    #[arg(long, value_name = "TARGET")]
    pub target: Vec<Target>,
    /// Find the largest value that meets the targets; this is the default.
    #[arg(long, conflicts_with = "least")]
    pub most: bool,
    /// Find the least value that meets the targets.
    #[arg(long)]
    pub least: bool,
    /// The least value to look at [default: a thousandth of the scenario's].
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    pub from: Option<String>,
    /// The greatest value to look at [default: a thousand times the scenario's].
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    pub to: Option<String>,
    /// The policy to look at; repeatable [default: all].
    #[arg(long, value_name = "POLICY")]
    pub policy: Vec<String>,
    /// The most runs of each policy.
    #[arg(long, value_name = "N", default_value_t = 400, value_parser = clap::value_parser!(u64).range(3..=1_000_000))]
    pub max_runs: u64,
    /// Folder for the results [default: results/NAME-capacity]: the values that were run, and the answers.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Write no report: neither figures nor a page. `sim report DIR` writes it later.
    #[arg(long)]
    pub no_report: bool,
    /// Print one JSON document instead of a table. docs/output.md has its keys.
    #[arg(long)]
    pub json: bool,
    /// Threads that runs are spread over [default: all cores]. Results do not depend on it.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// The metric that the best of several choices has least of [default: price, which is cost_per_request].
    #[arg(long, value_name = "METRIC", alias = "minimize", conflicts_with_all = ["most", "least", "from", "to"])]
    pub minimise: Option<String>,
}

/// The policies to look at.
pub fn policies(table: &PolicyTable, wanted: &[String]) -> Result<Vec<String>, Failure> {
    let known: Vec<String> = table.systems().into_iter().map(|(label, _)| label).collect();
    if let Some(unknown) = wanted.iter().find(|wanted| !known.contains(wanted)) {
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        return Err(Failure::refused(format!("--policy {unknown}: {}", tables::unknown("policy", unknown, &known))));
    }
    Ok(known.into_iter().filter(|policy| wanted.is_empty() || wanted.contains(policy)).collect())
}
