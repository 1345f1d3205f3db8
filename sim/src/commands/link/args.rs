//! The arguments of `sim link`.

use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;
use traces::series::{Format, Only, SeriesFile};
use units::SimDuration;

const HELP: &str = "\
A file of rates, round-trip times or losses is what `link.up`, `link.rtt` or
`link.loss` of a scenario names. The options are the keys beside its name
there; docs/links.md has the formats.

Examples:
  sim link describe 5g.csv --column downlink_mbps
  sim link describe lumos5g.csv --only run_num=7
  sim link describe session.csv --rtt
  sim link describe pings.csv --loss --column lost_pct";

/// Look at a file of a link's rates, round-trip times or losses.
#[derive(Debug, Subcommand)]
#[command(after_help = HELP)]
pub enum Command {
    /// Print what a file is, how long it is, and its mean, lowest and highest value.
    Describe(Describe),
}

/// The arguments of `describe`.
#[derive(Debug, Args)]
pub struct Describe {
    /// The file.
    pub file: PathBuf,
    /// Its format [default: by its first line].
    #[arg(long, value_name = "NAME")]
    pub format: Option<Named>,
    /// Read round-trip times instead of rates.
    #[arg(long, conflicts_with = "loss")]
    pub rtt: bool,
    /// Read losses instead of rates.
    #[arg(long)]
    pub loss: bool,
    /// Column with the values.
    #[arg(long, value_name = "NAME")]
    pub column: Option<String>,
    /// Unit of the values, e.g. kbps, ms or pct.
    #[arg(long, value_name = "UNIT")]
    pub unit: Option<String>,
    /// Column with the times.
    #[arg(long, value_name = "NAME")]
    pub time: Option<String>,
    /// Unit of the times: s, ms, us, ns or date.
    #[arg(long, value_name = "UNIT")]
    pub time_unit: Option<String>,
    /// Time between rows of a file without times, e.g. "1 s".
    #[arg(long, value_name = "TIME")]
    pub every: Option<SimDuration>,
    /// Keep only the rows with this value in this column.
    #[arg(long, value_name = "COLUMN=VALUE", value_parser = only)]
    pub only: Option<Only>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// A format by its name in scenarios.
#[derive(Clone, Copy, Debug)]
pub struct Named(pub Format);

impl ValueEnum for Named {
    fn value_variants<'a>() -> &'a [Self] {
        const ALL: &[Named] = &[
            Named(Format::Csv),
            Named(Format::Iperf3),
            Named(Format::Irish5g),
            Named(Format::Lumos5g),
            Named(Format::Mahimahi),
            Named(Format::Norway3g),
            Named(Format::Pensieve),
        ];
        ALL
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(self.0.name()))
    }
}

fn only(text: &str) -> Result<Only, String> {
    let (column, value) = text.split_once('=').ok_or("expected COLUMN=VALUE")?;
    Ok(Only { column: column.to_owned(), value: value.to_owned() })
}

impl Describe {
    /// The keys that a scenario would have.
    pub fn keys(&self) -> SeriesFile {
        let Self { file, column, unit, time, time_unit, every, only, .. } = self;
        SeriesFile {
            file: file.clone(),
            column: column.clone(),
            unit: unit.clone(),
            time: time.clone(),
            time_unit: time_unit.clone(),
            every: *every,
            only: only.clone(),
        }
    }
}
