//! `sim list`: the names that a scenario may use and the columns that files have, from their declarations.

mod columns;
mod datasets;
mod hardware;
mod listing;
mod profiles;
mod sources;

use crate::scenario::Router;
use crate::terminal::{Failure, print};
use clap::{Args as _, Subcommand};
use listing::{Column, Listing};
use std::path::PathBuf;

const HELP: &str = "\
Examples:
  sim list                             the lists that there are
  sim list devices
  sim list metrics --json
  sim list columns --json | jq '.[] | select(.table == \"runs\") | .name'

With --json: an array with an object for each line. The unit is the end of a key. Some lists have more keys than their table has columns.";

/// List what there is: devices, models, engines, interconnects, routers, policies, datasets, sources, metrics, columns or profiles.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP, disable_help_subcommand = true)]
pub struct Args {
    /// The list; without one, the lists that there are.
    #[command(subcommand)]
    what: Option<What>,
    /// Print JSON instead of a table.
    #[arg(long, global = true)]
    json: bool,
}

/// A list.
#[derive(Debug, Subcommand)]
enum What {
    /// Built-in devices, for `edge.device` and `cloud.device`.
    Devices,
    /// Built-in models, for `edge.model` and `cloud.model`.
    Models,
    /// Serving engines, for `edge.engine` and `cloud.engine`.
    Engines,
    /// Links between the GPUs of a server, for `cloud.interconnect`.
    Interconnects,
    /// Routers among pools and replicas, for `router`.
    Routers,
    /// Policies, each a table `[policy.NAME]` of the scenario.
    Policies,
    /// Built-in datasets and formats of traces, for `workload.dataset`.
    Datasets,
    /// Sources of accuracies and acceptances, for `accuracy.source` and `tokens.source`.
    Sources,
    /// Metrics of a run, for `compare`, `best`, `tune` and `check`.
    Metrics,
    /// Columns of every table that is written.
    Columns,
    /// Laws of measured steps in the profiles of a folder, for `edge.profile` and `cloud.profile`.
    Profiles {
        /// Folder of profiles.
        #[arg(long, value_name = "DIR", default_value = "scenarios/profiles")]
        dir: PathBuf,
    },
}

/// Prints a list.
///
/// # Errors
/// If a profile cannot be read, or stdout cannot be written to.
pub fn run(args: &Args) -> Result<(), Failure> {
    let listing = match &args.what {
        None => lists(),
        Some(What::Devices) => hardware::devices(),
        Some(What::Models) => hardware::models(),
        Some(What::Engines) => hardware::engines(),
        Some(What::Interconnects) => hardware::interconnects(),
        Some(What::Routers) => routers(),
        Some(What::Policies) => policies(),
        Some(What::Datasets) => datasets::datasets(),
        Some(What::Sources) => sources::sources(),
        Some(What::Metrics) => columns::metrics(),
        Some(What::Columns) => columns::columns(),
        Some(What::Profiles { dir }) => profiles::profiles(dir)?,
    };
    print(&if args.json { listing.json() } else { listing.text() })
}

/// The kind of a line of the list of metrics.
pub const METRIC: &str = "metric";
/// The kind of a line of the list of columns.
pub const COLUMN: &str = "column of a table";

/// Every list of what is built in, each with the kind of its lines.
pub fn everything() -> Vec<(&'static str, Listing)> {
    vec![
        (METRIC, columns::metrics()),
        (COLUMN, columns::columns()),
        ("policy", policies()),
        ("device", hardware::devices()),
        ("model", hardware::models()),
        ("serving engine", hardware::engines()),
        ("link between GPUs", hardware::interconnects()),
        ("router", routers()),
        ("dataset or trace", datasets::datasets()),
        ("source of figures", sources::sources()),
    ]
}

/// The lists that there are.
fn lists() -> Listing {
    let lists = Args::augment_args(clap::Command::new("list"));
    let line = |list: &clap::Command| {
        let about = list.get_about().map(ToString::to_string).unwrap_or_default();
        vec![list.get_name().into(), about.into()]
    };
    Listing::new(NAMED, lists.get_subcommands().map(line))
}

fn routers() -> Listing {
    Listing::new(
        NAMED,
        listing::meanings::<Router>().into_iter().map(|(name, meaning)| vec![name.into(), meaning.into()]),
    )
}

fn policies() -> Listing {
    Listing::new(NAMED, policies::SYSTEMS.iter().map(|(name, meaning)| vec![(*name).into(), (*meaning).into()]))
}

/// The columns of a list that has a sentence for each name.
const NAMED: &[Column] = &[Column::new("name"), Column::new("meaning")];
