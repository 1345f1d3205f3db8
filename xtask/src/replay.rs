//! `cargo xtask replay`: a replay from a clean clone, with everything that it needs.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches, Command, value_parser};

use crate::failure::Outcome;
use crate::house::{cargo, root};
use crate::onnxruntime;

/// The scenario that is replayed if none is named.
const SCENARIO: &str = "scenarios/replay_trained.toml";

/// The pairs of models that the scenarios of the house name.
const PAIRS: [&str; 2] = ["tiny", "trained"];

const HELP: &str = "\
Replays a scenario on real models, with everything that takes: obtains ONNX Runtime (`cargo xtask onnxruntime`), writes the
pair with random weights and the trained pair into target/models unless they are there, builds `sim`, and runs the scenario with
--mode replay.

  cargo xtask replay
  cargo xtask replay scenarios/replay_tiny.toml
  cargo xtask replay my.toml --out results/mine";

/// The command and its help.
pub fn command() -> Command {
    Command::new("replay")
        .about("Replay a scenario on real models, with everything that takes")
        .long_about(HELP)
        .arg(Arg::new("scenario").value_parser(value_parser!(PathBuf)).default_value(SCENARIO).help("The scenario"))
        .arg(Arg::new("rest").num_args(0..).trailing_var_arg(true).allow_hyphen_values(true).help("Options of `sim`"))
}

/// Runs the command.
pub fn run(arguments: &ArgMatches) -> Outcome {
    onnxruntime::require()?;
    for pair in PAIRS {
        let models = root().join("target/models").join(pair);
        if !is_current(&models)? {
            sim(&["models".into(), "write".into(), pair.into(), "--out".into(), models])?;
        }
    }
    let scenario: &PathBuf = arguments.get_one("scenario").expect("there is a default");
    // Its own name is of the root, wherever this is called.
    let scenario = if scenario.as_os_str() == SCENARIO { root().join(SCENARIO) } else { scenario.clone() };
    let mut all = vec![scenario, "--mode".into(), "replay".into()];
    all.extend(arguments.get_many::<String>("rest").into_iter().flatten().map(PathBuf::from));
    sim(&all)
}

/// True if a pair is there and is the one of this tree. One that was trained before is taken away: the heads tell, which every
/// training fits anew.
fn is_current(models: &Path) -> Result<bool, String> {
    let written = models.join("draft/probe_heads.toml");
    let is_trained = models.ends_with("trained");
    let read = |path: &Path| fs::read(path).ok();
    if models.is_dir() && is_trained && read(&written) != read(&root().join("backends/onnx/pair/heads.toml")) {
        fs::remove_dir_all(models).map_err(|error| format!("cannot remove {}: {error}", models.display()))?;
    }
    Ok(models.is_dir())
}

/// Builds and runs the binary, with its output on ours.
fn sim(arguments: &[PathBuf]) -> Outcome {
    let mut command = cargo();
    command.args(["run", "--release", "--quiet", "--manifest-path"]).arg(root().join("Cargo.toml"));
    let status = command.args(["--bin", "sim", "--"]).args(arguments).status();
    let status = status.map_err(|error| format!("`cargo run` did not start: {error}; set CARGO to a working cargo"))?;
    if status.success() { Ok(()) } else { Err(format!("sim failed ({status}); its message above says why").into()) }
}
