//! Instructions, counted by valgrind. They are the same whatever else the machine does, but differ a little between
//! processors and toolchains, hence the tolerance of their budgets.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::failure::Outcome;
use crate::house::{cargo, root};

/// Runs a program under callgrind, which prints what it has collected.
pub fn collected(command: &mut Command) -> Outcome<f64> {
    let output = command.current_dir(root()).output().map_err(|e| format!("valgrind did not start: {e}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        let last = said.trim().lines().last().unwrap_or("").to_owned();
        return Err(format!("the counted run failed ({}): {last}", output.status).into());
    }
    count(&said).ok_or_else(|| "valgrind printed no count of instructions".to_owned().into())
}

fn count(said: &str) -> Option<f64> {
    said.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok())
}

/// Instructions an event of the kernel's hot paths, by the script beside its benchmarks.
pub fn kernel() -> Outcome<Vec<(String, f64)>> {
    examples("kernel")?;
    let output = Command::new("sim/kernel/benches/instructions.sh")
        .arg("target/release/examples/hot_path")
        .current_dir(root())
        .output()
        .map_err(|error| format!("sim/kernel/benches/instructions.sh did not start: {error}"))?;
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(format!("counting instructions failed: {error}").into());
    }
    String::from_utf8_lossy(&output.stdout).lines().map(parse).collect()
}

/// Engines whose scheduler is counted.
const ENGINES: [&str; 3] = ["vllm-0.19", "vllm-0.19-sync", "vllm-0.33"];
/// Requests that decode, and steps.
const DECODE: [u32; 2] = [64, 500];

/// Instructions a sequence and step of the scheduler. Twice as many steps less once leaves out start-up and prompts.
pub fn serving() -> Outcome<Vec<(String, f64)>> {
    examples("serving")?;
    let [sequences, steps] = DECODE;
    let counted = |engine: &str, steps: u32| {
        let mut command = Command::new("valgrind");
        command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "target/release/examples/decode", engine]);
        collected(command.args([sequences, steps].map(|number| number.to_string())).stdout(Stdio::null()))
    };
    let measure = |engine: &str| {
        let more = counted(engine, 2 * steps)? - counted(engine, steps)?;
        Ok((format!("serving {engine}"), more / f64::from(sequences * steps)))
    };
    ENGINES.iter().map(|engine| measure(engine)).collect()
}

/// Builds the examples of a package.
fn examples(package: &str) -> Outcome<()> {
    let status = cargo().args(["build", "--release", "--quiet", "-p", package, "--examples"]).status();
    if status.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    Err(format!("building the examples of `{package}` failed; the output above says why").into())
}

fn parse(line: &str) -> Outcome<(String, f64)> {
    let value: Value = serde_json::from_str(line).map_err(|error| format!("`{line}` is not JSON: {error}"))?;
    let text = |key: &str| value[key].as_str().unwrap_or("?").to_owned();
    let name = format!("kernel {}/{}/{}", text("case"), text("queue"), value["pending"]);
    let count = value["instructions_per_event"].as_f64();
    Ok((name, count.ok_or_else(|| format!("`{line}` has no number `instructions_per_event`"))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_script_is_read() {
        let line = r#"{"case":"hold","queue":"lanes","pending":1000,"events":200000,"instructions_per_event":377.25}"#;
        assert_eq!(parse(line), Ok(("kernel hold/lanes/1000".to_owned(), 377.25)));
        assert!(parse("{}").unwrap_err().to_string().contains("has no number"));
    }

    #[test]
    fn the_count_of_callgrind_is_read() {
        assert_eq!(count("==1== Events    : Ir\n==1== Collected : 12345\n"), Some(12345.0));
        assert_eq!(count("==1== nothing\n"), None);
    }
}
