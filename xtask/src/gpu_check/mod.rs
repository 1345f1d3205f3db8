//! `cargo xtask gpu-check`: real models on a GPU, held to their answers, measured and calibrated in one command.
//!
//! [`pack`] gathers what a bare machine needs, [`machine`] refuses one that cannot do it, [`stages`] are the check.

mod fatbin;
mod machine;
mod pack;
mod report;
mod sim;
mod stages;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use crate::failure::Outcome;
use crate::house::root;
use crate::onnxruntime;
use machine::{Machine, Provider};
use report::Report;
use sim::{Sim, packed};
use stages::{Check, Sized, Sizes};

const HELP: &str = "\
Runs real models on a GPU, each result saved before the next begins:

  machine    name, driver and memory of the GPU; exit code 4 if it cannot do it
  answers    a small pair of models: its ids, entropies and speculative output, and operators left to the processor
  steps      qwen2-vl-2b in fp16: prefill, decode, verify and vision tower by shape; then qwen2.5-vl-7b, if 4 minutes are left
  laws       a profile of these steps, its held-out error, and the error of the uncalibrated simulator on them
  replay     scenarios/replay_gpu.toml on these models, and the errors on its steps

Everything lands in --out: report.md, check.json, a table with its provenance for each model, profile.toml, steps.parquet.

A machine without cargo and package registries gets a packed folder:

  cargo xtask gpu-check --pack target/gpu-pack          here, with the provider's code for --sm 90
  sh gpu-pack/run.sh --out results                      there

  cargo xtask gpu-check --provider cpu                  the rehearsal, on small models";

/// The command and its help.
pub fn command() -> Command {
    let file = |name: &'static str, what: &'static str| {
        Arg::new(name).long(name).value_name("PATH").value_parser(value_parser!(PathBuf)).help(what)
    };
    Command::new("gpu-check")
        .about("Hold real models on a GPU to their answers, measure and calibrate them")
        .long_about(HELP)
        .arg(
            Arg::new("provider")
                .long("provider")
                .value_parser(["cuda", "cpu"])
                .default_value("cuda")
                .help("Who executes; cpu is a rehearsal with sizes cut"),
        )
        .arg(file("out", "Folder of the results [default: $OUT, or target/gpu-check]"))
        .arg(file("work", "Folder of models and replays, up to 22 GB [default: target/gpu-check-work, or the packed folder]"))
        .arg(file("shared", "Folder with draft, target and golden [default: the packed one, or ../shared/models]"))
        .arg(file("sim", "The binary sim [default: the packed one, or built here]"))
        .arg(Arg::new("device").long("device").value_name("NAME").help(
            "Device whose bandwidth and peak count, as in `sim list devices` [default: by the GPU's name; rtx-3090 in a rehearsal]",
        ))
        .arg(
            Arg::new("minutes")
                .long("minutes")
                .value_parser(value_parser!(u64).range(1..=120))
                .default_value("9")
                .help("Time for all of it"),
        )
        .arg(file("pack", "Make a folder for a bare machine instead"))
        .arg(file("binaries", "With --pack: folder of sim and xtask [default: built here]").requires("pack"))
        .arg(
            Arg::new("sm")
                .long("sm")
                .value_parser(value_parser!(u32).range(50..=200))
                .default_value("90")
                .help("With --pack: compute capability of the GPU, whose code alone is kept"),
        )
        .arg(
            Arg::new("plain")
                .long("plain")
                .action(ArgAction::SetTrue)
                .requires("pack")
                .help("With --pack: compress nothing"),
        )
}

/// Runs the command.
pub fn run(arguments: &ArgMatches) -> Outcome {
    let path = |name: &str| arguments.get_one::<PathBuf>(name).cloned();
    let provider = match arguments.get_one::<String>("provider").map(String::as_str) {
        Some("cpu") => Provider::Cpu,
        _ => Provider::Cuda,
    };
    if let Some(folder) = path("pack") {
        let sm = *arguments.get_one::<u32>("sm").expect("there is a default");
        let pack = pack::Pack { provider, sm, plain: arguments.get_flag("plain"), binaries: path("binaries") };
        return pack.make(&folder);
    }
    let variable = std::env::var_os("OUT").filter(|out| !out.is_empty()).map(PathBuf::from);
    let out = path("out").or(variable).unwrap_or_else(|| root().join("target/gpu-check"));
    let mut report = Report::begin(&out, &format!("Check of real models on {}", provider.name()))?;
    let machine = match Machine::find(provider) {
        Ok(machine) => machine,
        Err(failure) => {
            report
                .section("Machine", &format!("Failed: {}", failure.to_string().trim().trim_start_matches("error: ")))?;
            return Err(failure);
        }
    };
    report.section("Machine", &told(&machine, provider))?;
    if packed().is_none() && path("sim").is_none() {
        match provider {
            Provider::Cpu => onnxruntime::require()?,
            Provider::Cuda => onnxruntime::require_cuda()?,
        }
    }
    let minutes = *arguments.get_one::<u64>("minutes").expect("there is a default");
    let sim = Sim::find(path("sim").as_deref(), Duration::from_secs(60 * minutes))?;
    let folder = packed();
    let beside = |name: &str, here: &str| match &folder {
        Some(folder) => folder.join(name),
        None => root().join(here),
    };
    let shared = path("shared").unwrap_or_else(|| beside("models", "../shared/models"));
    let device = arguments.get_one::<String>("device").cloned();
    let check = Check {
        sim,
        provider,
        out,
        work: path("work").unwrap_or_else(|| beside("work", "target/gpu-check-work")),
        shared: Some(shared).filter(|folder| folder.join("golden/golden.json").is_file()),
        scenario: beside("replay_gpu.toml", "scenarios/replay_gpu.toml"),
        device: device.or((provider == Provider::Cpu).then(|| REHEARSED.to_owned())),
        sizes: sizes(provider),
    };
    make(&check.work)?;
    check.run(&mut report)
}

/// The device that a rehearsal's steps are compared with, which says nothing.
const REHEARSED: &str = "rtx-3090";

fn make(folder: &Path) -> Outcome {
    std::fs::create_dir_all(folder)
        .map_err(|error| format!("cannot make {}: {error}; name another folder with --work", folder.display()).into())
}

/// The machine in sentences.
fn told(machine: &Machine, provider: Provider) -> String {
    let Machine { name, driver, memory_mib } = machine;
    match provider {
        Provider::Cuda => {
            format!("{name}, driver {}, {memory_mib} MiB of memory.", driver.as_deref().unwrap_or("unknown"))
        }
        Provider::Cpu => format!(
            "{name}, {memory_mib} MiB of memory free. This is a rehearsal on a processor, with sizes cut: no GPU was used, and errors \
             of the uncalibrated simulator, which takes an {REHEARSED} for granted unless --device says otherwise, mean nothing."
        ),
    }
}

/// Models and shapes: those of the paper on a GPU, small ones in a rehearsal.
fn sizes(provider: Provider) -> Sizes {
    let options = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect();
    let model = |release: &str, within, seconds| Sized {
        release: release.to_owned(),
        within,
        least: Duration::from_secs(seconds),
    };
    match provider {
        Provider::Cuda => Sizes {
            models: vec![model("qwen2-vl-2b", "", 60), model("qwen2.5-vl-7b", "", 240)],
            shapes: options(&["--repeats", "7"]),
            requests: 8,
        },
        Provider::Cpu => Sizes {
            models: vec![model("tiny", "draft", 1), model("tiny", "target", 1)],
            shapes: options(&[
                "--prefill",
                "16,32,64,128,256",
                "--context",
                "16,64,128,256,512,1024",
                "--verify-context",
                "64",
                "--pictures",
                "56x56,84x56,112x84,168x112",
                "--repeats",
                "3",
                "--threads",
                "1",
            ]),
            requests: 4,
        },
    }
}
