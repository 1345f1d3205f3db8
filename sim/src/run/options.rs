//! Options of a run on the command line.

use crate::run::until::Until;
use crate::terminal::{Failure, Layout};
use clap::Args;
use std::path::PathBuf;
use tables::Metric;

/// The options of running a scenario.
#[derive(Debug, Args)]
pub struct Options {
    /// Folder for the results [default: results/NAME]. One of ours is replaced whole, at the end; anything else is left
    /// alone and refused.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Threads that runs are spread over [default: all cores]; a run of many edges takes those that are left. Results do not depend on it.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Also write steps.parquet: every item of every GPU iteration.
    #[arg(long)]
    pub steps: bool,
    /// Also write tokens.parquet: every drafted token, its entropy, the threshold and the verdict.
    #[arg(long)]
    pub tokens: bool,
    /// Write no report: neither figures nor verdicts on the papers' claims. `sim report DIR` writes it later.
    #[arg(long)]
    pub no_report: bool,
    /// Add replications until the 95 % interval of a mean is within this share of it, for every policy at every point.
    #[arg(long, value_name = "PERCENT")]
    pub until_ci: Option<String>,
    /// The mean that --until-ci looks at.
    #[arg(long, value_name = "METRIC", default_value = Metric::E2eMean.column(), requires = "until_ci")]
    pub ci_metric: String,
    /// The most replications that --until-ci may come to.
    #[arg(long, value_name = "N", default_value_t = 100, requires = "until_ci")]
    pub max_replications: u32,
    /// The columns of the table.
    #[command(flatten)]
    pub layout: Layout,
    /// Print one JSON document instead of tables: the rows of summary.csv, the prediction intervals and how many claims have
    /// which verdict. docs/output.md has its keys.
    #[arg(long)]
    pub json: bool,
    /// Run everything twice and compare event by event; the first event that differs is named.
    #[arg(long)]
    pub twice: bool,
}

impl Options {
    /// The options of a run for its files alone.
    pub fn for_files() -> Self {
        Self {
            out: None,
            threads: None,
            steps: false,
            tokens: false,
            no_report: true,
            until_ci: None,
            ci_metric: Metric::E2eMean.column().to_owned(),
            max_replications: 0,
            layout: Layout::default(),
            json: false,
            twice: false,
        }
    }

    /// The rule for enough replications, if one is asked for.
    pub fn until(&self) -> Result<Option<Until>, Failure> {
        self.until_ci.as_ref().map(|share| Until::new(share, &self.ci_metric, self.max_replications)).transpose()
    }
}
