//! Instructions per event against the committed counts. They are the same whatever else the machine does, but differ a
//! little between processors and toolchains, hence the tolerance.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use super::json::number;
use crate::failure::{Failure, Outcome};

const COMMITTED: &str = "xtask/instructions.txt";
const TOLERANCE: f64 = 0.03;

/// Counts and compares, or writes.
pub fn run(bless: bool) -> Outcome {
    let counted = count()?;
    counted.iter().for_each(|(case, count)| println!("{case}: {count:.1} instructions an event"));
    if bless {
        return write(&counted);
    }
    let committed = read()?;
    let findings = counted.iter().filter_map(|(case, count)| judge(case, *count, committed.get(case).copied()));
    Failure::unless_none(findings.collect())?;
    println!("{} counts are within {:.0} % of {COMMITTED}", counted.len(), TOLERANCE * 100.0);
    Ok(())
}

fn judge(case: &str, count: f64, committed: Option<f64>) -> Option<String> {
    let remedy = "find what grew, or run `cargo xtask bench --bless` and say in the commit why it may";
    match committed {
        None => Some(format!("`{case}` has no count in {COMMITTED}; run `cargo xtask bench --bless`")),
        Some(committed) if count > committed * (1.0 + TOLERANCE) => Some(format!(
            "`{case}` takes {count:.1} instructions an event, expected at most 3 % above {committed:.1}; {remedy}"
        )),
        Some(_) => None,
    }
}

/// Runs the counting script of the kernel.
fn count() -> Outcome<BTreeMap<String, f64>> {
    let output = std::process::Command::new("sim/kernel/benches/instructions.sh")
        .arg("target/release/examples/hot_path")
        .output()
        .map_err(|error| format!("sim/kernel/benches/instructions.sh did not start: {error}; run from the root"))?;
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(format!("counting instructions failed: {error}; valgrind has to be installed").into());
    }
    String::from_utf8_lossy(&output.stdout).lines().map(parse).collect()
}

fn parse(line: &str) -> Outcome<(String, f64)> {
    let value: Value = serde_json::from_str(line).map_err(|error| format!("`{line}` is not JSON: {error}"))?;
    let text = |key: &str| value[key].as_str().unwrap_or("?").to_owned();
    let case = format!("{}/{}/{}", text("case"), text("queue"), value["pending"]);
    Ok((case, number(&value, "instructions_per_event")?))
}

fn read() -> Outcome<BTreeMap<String, f64>> {
    let text = fs::read_to_string(COMMITTED).map_err(|error| {
        format!("cannot read {COMMITTED}: {error}; run from the root, or `cargo xtask bench --bless`")
    })?;
    let entry = |line: &str| -> Outcome<(String, f64)> {
        let parsed = line.split_once(' ').and_then(|(case, count)| Some((case.to_owned(), count.trim().parse().ok()?)));
        parsed.ok_or_else(|| format!("{COMMITTED}: `{line}` is not `CASE COUNT`; bless it anew").into())
    };
    text.lines().filter(|line| !line.is_empty()).map(entry).collect()
}

fn write(counted: &BTreeMap<String, f64>) -> Outcome {
    let text: String = counted.iter().map(|(case, count)| format!("{case} {count:.1}\n")).collect();
    fs::write(COMMITTED, text).map_err(|error| format!("cannot write {COMMITTED}: {error}"))?;
    println!("wrote {COMMITTED}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_is_refused_and_less_is_not() {
        assert!(judge("a", 104.0, Some(100.0)).is_some());
        assert!(judge("a", 102.0, Some(100.0)).is_none());
        assert!(judge("a", 50.0, Some(100.0)).is_none());
        assert!(judge("a", 1.0, None).is_some());
    }

    #[test]
    fn a_line_of_the_script_is_read() {
        let line = r#"{"case":"hold","queue":"lanes","pending":1000,"events":200000,"instructions_per_event":377.25}"#;
        assert_eq!(parse(line), Ok(("hold/lanes/1000".to_owned(), 377.25)));
    }
}
