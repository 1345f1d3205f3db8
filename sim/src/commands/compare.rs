//! `sim compare`: policies against one of them, or folders against the first, paired.

use super::report::warn_of_models;
use crate::results::whole_file;
use crate::terminal::Failure;
use clap::Args as ClapArgs;
use reports::Runs;
use std::path::PathBuf;
use tables::Metric;

const HELP: &str = "\
All policies of a point answer the same requests with the same draws, so a
replication of one and of another are a pair. The difference is (a - b) / b of
each pair: its mean and its 95 % interval (Student's t). Where the interval
holds 0, no difference was seen; more replications (--until-ci of sim) narrow
it. Of many comparisons, one in twenty shows a difference by chance.

Of several folders, every policy of the second and the others is compared with
the same policy of the first, or with the one that --to names, at equal points.

Examples:
  sim compare results/paper                        end-to-end latency
  sim compare results/paper --to edge_only --metric e2e_ms_p99
  sim compare results/paper --metric accuracy_pct --metric energy_j_per_request
  sim compare results/paper --csv differences.csv
  sim compare results/paper results/other          what another scenario changed";

/// The arguments of `sim compare`.
#[derive(Debug, ClapArgs)]
#[command(after_help = HELP)]
pub struct Args {
    /// The results folders, of a run or of a sweep each.
    #[arg(required = true, value_name = "DIR")]
    dirs: Vec<PathBuf>,
    /// A metric, as summary.csv calls it. Repeatable.
    #[arg(long, value_name = "METRIC", default_value = Metric::E2eMean.column())]
    metric: Vec<String>,
    /// The policy that the others are compared with [default: the scenario's first].
    #[arg(long, value_name = "POLICY")]
    to: Option<String>,
    /// Also write every difference as CSV, with all digits.
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Print one JSON document instead of a table: every difference, with all digits. docs/output.md has its keys.
    #[arg(long)]
    json: bool,
}

/// Compares.
pub fn run(args: &Args) -> Result<(), Failure> {
    warn_of_models(&args.dirs)?;
    let to = args.to.as_deref();
    let comparison = match args.dirs.as_slice() {
        [dir] => reports::compare(&Runs::read(dir)?, &args.metric, to)?,
        dirs => {
            let named = |dir: &PathBuf| Ok((dir.display().to_string(), Runs::read(dir)?));
            let folders = dirs.iter().map(named).collect::<Result<Vec<_>, reports::ReportError>>()?;
            reports::compare_folders(&folders, &args.metric, to)?
        }
    };
    if let Some(file) = &args.csv {
        whole_file::write(file, &comparison.csv())?;
    }
    crate::terminal::print(&if args.json { comparison.json(&args.dirs[0])? } else { comparison.text() })
}
