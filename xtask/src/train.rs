//! `cargo xtask train`: the trained pair from its lessons.

use std::path::Path;
use std::process::Command;

use clap::{Arg, ArgMatches, Command as Clap};

use crate::failure::Outcome;
use crate::house::{House, cargo, root};
use crate::packages::said;

/// The folder of the script and of what it leaves.
const PAIR: &str = "backends/onnx/pair";

/// Seeds, first numbers, counts and questions of the lessons, of those that are held out, and of those that the heads are fitted to.
const LESSONS: [(&str, [&str; 4]); 3] =
    [("lessons", ["1", "0", "80000", "10"]), ("held", ["2", "0", "1200", "1"]), ("probed", ["3", "0", "2400", "10"])];

/// The models and the steps that each is trained for by default.
const MODELS: [(&str, &str); 2] = [("draft", "1500"), ("target", "3000")];

const HELP: &str = "\
Draws the lessons, obtains JAX (backends/onnx/pair/requirements.txt, from PyPI, in target/train/python), trains the draft and the
target on one core, and puts their weights where `sim models write trained` takes them from: backends/onnx/pair. Then it fits the
probe's heads to both. Each batch is a function of its number, so a run that was stopped goes on where its last checkpoint in
target/train stands.

  cargo xtask train
  cargo xtask train --model draft";

/// The command and its help.
pub fn command() -> Clap {
    Clap::new("train")
        .about("Train the pair of small models that the replay of drawn pictures runs on")
        .long_about(HELP)
        .arg(Arg::new("model").long("model").value_parser(MODELS.map(|(model, _)| model)).help("One of the two only"))
        .arg(Arg::new("steps").long("steps").value_parser(clap::value_parser!(u32).range(1..)).help("Other steps"))
}

/// Runs the command.
pub fn run(arguments: &ArgMatches) -> Outcome {
    let folder = House::target()?.join("train");
    let file = |error: std::io::Error| format!("cannot write in {}: {error}", folder.display());
    std::fs::create_dir_all(&folder).map_err(file)?;
    for (name, drawn) in LESSONS {
        draw(&folder.join(name), &drawn)?;
    }
    let python = python(&folder)?;
    let only: Option<&String> = arguments.get_one("model");
    for (model, steps) in MODELS.into_iter().filter(|(model, _)| only.is_none_or(|only| only == model)) {
        let steps = arguments.get_one::<u32>("steps").map_or(steps.to_owned(), u32::to_string);
        script(&python, &["train.py", "train", model], &folder, &["--steps", &steps])?;
        let weights = format!("{model}.safetensors");
        std::fs::copy(folder.join(&weights), root().join(PAIR).join(&weights)).map_err(file)?;
        std::fs::copy(folder.join(format!("{model}.csv")), root().join(PAIR).join(format!("{model}.csv")))
            .map_err(file)?;
        script(&python, &["train.py", "golden", model], &folder, &[])?;
    }
    if only.is_none() {
        script(&python, &["heads.py"], &folder, &[])?;
    }
    Ok(())
}

/// Draws lessons, unless they are there.
fn draw(folder: &Path, drawn: &[&str]) -> Outcome {
    if folder.join("lessons.jsonl").is_file() {
        return Ok(());
    }
    let partial = folder.with_extension("partial");
    let mut command = cargo();
    command.args(["run", "--release", "--quiet", "--manifest-path"]).arg(root().join("Cargo.toml"));
    command.args(["--package", "drawn", "--example", "lessons", "--"]).args(drawn).arg(&partial);
    said(&mut command)?;
    std::fs::rename(&partial, folder).map_err(|error| format!("cannot write {}: {error}", folder.display()).into())
}

/// Python with JAX; made again where the list of packages is another.
fn python(folder: &Path) -> Result<std::path::PathBuf, String> {
    let wanted = root().join(PAIR).join("requirements.txt");
    let venv = folder.join("python");
    let installed = venv.join("requirements.txt");
    let read = |path: &Path| std::fs::read(path).ok();
    if read(&installed).is_none_or(|there| read(&wanted) != Some(there)) {
        said(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
        said(Command::new(venv.join("bin/pip")).args(["install", "--quiet", "--no-deps", "-r"]).arg(&wanted))?;
        // Copied last: a half-made folder is made again.
        std::fs::copy(&wanted, &installed).map_err(|error| error.to_string())?;
    }
    Ok(venv.join("bin/python"))
}

/// Runs a script on one core, with its output on ours.
fn script(python: &Path, what: &[&str], folder: &Path, more: &[&str]) -> Outcome {
    let mut command = Command::new(python);
    command.current_dir(root().join(PAIR)).args(what).arg(folder).args(more);
    command.env("JAX_PLATFORMS", "cpu").env("OMP_NUM_THREADS", "1").env("PYTHONDONTWRITEBYTECODE", "1");
    // More threads would add in another order, and give other weights.
    command.env("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1");
    let status = command.status().map_err(|error| format!("{} did not start: {error}", python.display()))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{} failed ({status}); its message above says why", what[0]).into())
    }
}
