//! Whole commands of `sim`: points of a sweep, small runs, reports.

use std::path::Path;
use std::process::Command;

use crate::failure::Outcome;

/// Points of the sweeps.
const POINTS: u32 = 2000;

/// A sweep of small points; what varies stands behind it.
const SMALL: &str = "\
name = \"small\"
replications = 1

[workload]
dataset = \"vqav2\"
requests = 8

[policy.speculative]

[sweep]
";

/// Prints the CPU time of each command.
pub fn run() -> Outcome {
    super::build(&["-p", "sim", "--bin", "sim"])?;
    let folder = tempfile::tempdir().map_err(|error| format!("cannot make a temporary folder: {error}"))?;
    let write = |name: &str, varied: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, format!("{SMALL}{varied}\n"))
            .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        Ok::<_, String>(path.display().to_string())
    };
    let by_key =
        write("keys.toml", &format!("\"link.rtt\" = {{ from = \"1 ms\", to = \"{POINTS} ms\", step = \"1 ms\" }}"))?;
    let by_seed = write("seeds.toml", &format!("seed = {{ from = 1, to = {POINTS}, step = 1 }}"))?;
    for (what, scenario) in [("a round trip", &by_key), ("the seed", &by_seed)] {
        let ms = cpu_ms(folder.path(), &["sweep", scenario, "--threads", "1", "--no-report"])? / f64::from(POINTS);
        println!("a small point of a sweep over {what}: {ms:.2} ms of CPU");
    }
    let paper = "scenarios/paper.toml";
    let one = [paper, "--threads", "1", "--set", "workload.requests=1", "--set", "sweep={}"];
    println!(
        "every policy of {paper} once, one request each: {:.0} ms of CPU",
        cpu_ms(folder.path(), &[&one[..], &["--no-report"]].concat())?
    );
    println!("the same with its report: {:.0} ms of CPU", cpu_ms(folder.path(), &one)?);
    cpu_ms(folder.path(), &[paper, "--no-report"])?;
    let results = folder.path().join("out").display().to_string();
    println!("the report of {paper}: {:.0} ms of CPU", cpu_ms_of(&["report", &results])?);
    Ok(())
}

/// CPU time of a command that writes results, in a folder that is removed before.
fn cpu_ms(folder: &Path, arguments: &[&str]) -> Outcome<f64> {
    let out = folder.join("out");
    if out.exists() {
        std::fs::remove_dir_all(&out).map_err(|error| format!("cannot remove {}: {error}", out.display()))?;
    }
    let out = out.display().to_string();
    cpu_ms_of(&[arguments, &["--quiet", "--out", &out]].concat())
}

/// CPU time of a command.
fn cpu_ms_of(arguments: &[&str]) -> Outcome<f64> {
    let before = children_ms()?;
    let output = Command::new("target/release/sim")
        .args(arguments)
        .output()
        .map_err(|error| format!("target/release/sim did not start: {error}"))?;
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr);
        return Err(format!("`sim {}` failed ({}): {}", arguments.join(" "), output.status, error.trim()).into());
    }
    Ok(children_ms()? - before)
}

/// CPU time of all children that have ended, from Linux, which counts in hundredths of a second.
pub(super) fn children_ms() -> Outcome<f64> {
    let text = std::fs::read_to_string("/proc/self/stat").map_err(|error| format!("/proc/self/stat: {error}"))?;
    // Behind the program's name in parentheses, the 14th and 15th fields are times of children.
    let fields = text.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: Vec<f64> = fields.skip(13).take(2).filter_map(|field| field.parse().ok()).collect();
    Ok(ticks.iter().sum::<f64>() * 10.0)
}
