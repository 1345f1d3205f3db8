//! The command line of `sim calibrate`.

use super::split::Axis;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  sim calibrate --table decode_steps.csv.gz prefill_steps.csv.gz --gpu RTX4090 --out rtx-4090.toml
  sim calibrate --table steps.csv --hold-out context --json
  sim calibrate --table ops_linear.csv.gz ops_attention.csv.gz ops_attention_mixed.csv.gz --out measured.toml
  sim calibrate results/replay --out measured.toml
  sim calibrate results/replay --tokens --out tokens.toml
  sim calibrate --served requests.csv server.toml --out tuning.toml

A scenario uses a profile with `profile = \"rtx-4090.toml\"` in [edge] or [cloud].
With --served the file has lines for [cloud.tuning] instead.
docs/calibration.md has the columns of tables, the forms, the splits and the errors.";

/// Fit laws of a step to measured steps, or an engine's constants to served requests, and say how wrong they are on
/// what the fit has not seen.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Results folders with steps.parquet; with --served the scenario of the server.
    #[arg(value_name = "DIR", required_unless_present = "table", conflicts_with = "table")]
    pub folders: Vec<PathBuf>,
    /// Tables of measured steps, or of kernels that make up steps (CSV, plain or gzip).
    #[arg(long, value_name = "CSV", num_args = 1..)]
    pub table: Vec<PathBuf>,
    /// Requests that a server has answered, in our own CSV (docs/traces.md), to fit [cloud.tuning] of the scenario to. Repeatable.
    #[arg(long, value_name = "CSV", conflicts_with_all = ["table", "tokens", "gpu", "model", "engine", "source", "side",
        "hold_out", "devices", "models", "skip_broken"])]
    pub served: Vec<PathBuf>,
    /// With --served: set a key of the scenario, over the file. Repeatable.
    #[arg(long, value_name = "KEY=VALUE", requires = "served")]
    pub set: Vec<String>,
    /// Write the profile there.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Print the errors as one JSON object instead of the table.
    #[arg(long)]
    pub json: bool,
    /// Fit the token process to tokens.parquet of the folders instead.
    #[arg(long, requires = "folders")]
    pub tokens: bool,
    /// Keep the rows of this device, as the table calls it. Repeatable, as are the next three.
    #[arg(long, value_name = "NAME")]
    pub gpu: Vec<String>,
    /// Keep the rows of this model.
    #[arg(long, value_name = "NAME")]
    pub model: Vec<String>,
    /// Keep the rows of this engine.
    #[arg(long, value_name = "NAME")]
    pub engine: Vec<String>,
    /// Keep the rows of this source.
    #[arg(long, value_name = "NAME")]
    pub source: Vec<String>,
    /// Keep the steps of this side of results folders: edge or cloud.
    #[arg(long, value_name = "SIDE")]
    pub side: Option<String>,
    /// The axis whose values are withheld whole, to measure errors on configurations that the fit has not seen.
    #[arg(long, value_name = "AXIS", default_value = "configuration")]
    pub hold_out: Axis,
    /// Data sheets of devices (CSV) [default: gpus.csv beside each table].
    #[arg(long, value_name = "CSV")]
    pub devices: Option<PathBuf>,
    /// Dimensions of models (CSV) [default: models.csv beside each table].
    #[arg(long, value_name = "CSV")]
    pub models: Option<PathBuf>,
    /// Leave out rows that imply more than 1.05 times the card's bandwidth or peak, instead of refusing the table.
    #[arg(long)]
    pub skip_broken: bool,
    /// Something to be kept in the profile, such as machine="node 7" or date=2026-11-20. Repeatable.
    #[arg(long, value_name = "KEY=VALUE")]
    pub note: Vec<String>,
}
