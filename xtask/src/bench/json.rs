//! The one line of JSON that a measured program prints.

use std::process::Command;

use serde_json::Value;

use crate::failure::Outcome;

/// Runs a program and reads its line.
pub fn line_of(program: &str, arguments: &[&str]) -> Outcome<Value> {
    let told = || format!("`{program} {}`", arguments.join(" "));
    let output = Command::new(program)
        .args(arguments)
        .output()
        .map_err(|error| format!("{} did not start: {error}; is it installed?", told()))?;
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{} failed ({}): {}", told(), output.status, error.trim()).into());
    }
    serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("{} printed no line of JSON: {error}", told()).into())
}

/// A number of it.
pub fn number(line: &Value, key: &str) -> Outcome<f64> {
    line[key].as_f64().ok_or_else(|| format!("a measured program printed no number `{key}`: {line}").into())
}

/// The line with the least CPU time an event out of three; other work on the machine only ever adds to it.
pub fn best_of_three(program: &str, arguments: &[&str]) -> Outcome<Value> {
    let mut best: Option<(f64, Value)> = None;
    for _ in 0..3 {
        let line = line_of(program, arguments)?;
        let ns = number(&line, "ns_per_event")?;
        if best.as_ref().is_none_or(|(least, _)| ns < *least) {
            best = Some((ns, line));
        }
    }
    Ok(best.expect("three were run").1)
}
