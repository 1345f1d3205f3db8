//! The measures, each by the name of its budget.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use super::instructions::{collected, kernel, serving};
use crate::failure::Outcome;
use crate::house::{House, cargo, cargo_says, root};

/// Measures by name.
type Measured = Vec<(String, f64)>;

const MB: f64 = 1e6;
/// A run in bounded memory, with every table written.
const MILLION: [&str; 4] = ["xtask/million.toml", "--no-report", "--threads", "1"];
const PAPER: [&str; 6] = ["scenarios/paper.toml", "--no-report", "--threads", "1", "--set", "workload.requests=10"];

/// Packages and size of the default build.
pub fn build() -> Outcome<Measured> {
    let size = fs::metadata(sim()?).map_err(|e| format!("the binary `sim` is not there: {e}"))?.len();
    Ok(vec![("packages".to_owned(), packages()?), ("binary_mb".to_owned(), size as f64 / MB)])
}

/// Instructions, where valgrind is installed.
pub fn instructions() -> Outcome<Measured> {
    let found = Command::new("valgrind").arg("--version").output().is_ok();
    if !found {
        println!("skipped: valgrind is not installed, so no instructions were counted");
        return Ok(Measured::new());
    }
    let out = House::target()?.join("budgets/paper");
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(sim()?).args(PAPER).arg("--out").arg(&out);
    let paper = collected(&mut command)?;
    let mut measured = vec![("paper_instructions_m".to_owned(), paper / 1e6)];
    measured.extend(kernel()?);
    measured.extend(serving()?);
    Ok(measured)
}

/// Peak memory of a million requests.
pub fn memory() -> Outcome<Measured> {
    if !Path::new("/proc/self/status").exists() {
        println!("skipped: this system has no /proc, so no memory was measured");
        return Ok(Measured::new());
    }
    let out = House::target()?.join("budgets/million");
    let mut command = Command::new(sim()?);
    command.args(MILLION).arg("--out").arg(out).current_dir(root()).stdout(Stdio::null());
    let mut child = command.spawn().map_err(|e| format!("the binary `sim` did not start: {e}"))?;
    let peak = peak_kb(&mut child)?;
    Ok(vec![("peak_mb".to_owned(), peak * 1024.0 / MB)])
}

/// The release binary, built if it is not there or old.
fn sim() -> Outcome<PathBuf> {
    let status = cargo().args(["build", "--release", "--quiet", "--bin", "sim"]).status();
    match status {
        Ok(status) if status.success() => Ok(House::target()?.join("release/sim")),
        _ => Err("`cargo build --release --bin sim` failed; its output above says why".to_owned().into()),
    }
}

/// The packages that the default build compiles: the dependencies of `sim` and of their build scripts.
fn packages() -> Outcome<f64> {
    let tree = cargo_says(&["tree", "-p", "sim", "-e", "normal,build", "--prefix", "none"])?;
    Ok(distinct(&tree) as f64)
}

/// A line is `name v1.2.3 (path or mark)`.
fn distinct(tree: &str) -> usize {
    let names = tree.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        Some((words.next()?, words.next()?))
    });
    names.collect::<BTreeSet<_>>().len()
}

/// The highest resident memory that the system has seen of a program, asked until it ends.
fn peak_kb(child: &mut Child) -> Outcome<f64> {
    let status = format!("/proc/{}/status", child.id());
    let mut peak: f64 = 0.0;
    loop {
        let text = fs::read_to_string(&status).unwrap_or_default();
        peak = peak.max(high_water(&text).unwrap_or(0.0));
        match child.try_wait() {
            Ok(Some(ended)) if ended.success() => return Ok(peak),
            Ok(Some(ended)) => return Err(format!("the run of a million requests failed ({ended})").into()),
            Ok(None) => sleep(Duration::from_millis(50)),
            Err(error) => return Err(format!("the run of a million requests was lost: {error}").into()),
        }
    }
}

fn high_water(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_counted_once() {
        let tree = "sim v0.1.0 (/h)\nserde v1.0.0\nserde v1.0.0 (*)\nserde v2.0.0\n[build-dependencies]\n\n";
        assert_eq!(distinct(tree), 3);
    }

    #[test]
    fn the_high_water_mark_is_read() {
        assert_eq!(high_water("VmPeak:\t  900 kB\nVmHWM:\t  123 kB\n"), Some(123.0));
        assert_eq!(high_water(""), None);
    }
}
