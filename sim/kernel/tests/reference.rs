//! The kernel against a simulator that shares nothing with it: a plain Python script, equal to the nanosecond.

#[path = "../examples/tandem/model.rs"]
mod model;

use model::{Draws, Outcome, simulate, simulate_events};
use std::process::Command;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/reference/tandem.py");

#[test]
fn the_python_reference_gives_the_same_result() {
    let python = Command::new("python3").arg("--version").output();
    if !python.is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED: there is no python3 to run {SCRIPT}");
        return;
    }
    for (seed, jobs) in [(1, 20_000), (7, 1), (8, 1_000)] {
        let Outcome { events, sojourns_ns } = simulate(&Draws::new(seed, jobs));
        assert_eq!(simulate_events(&Draws::new(seed, jobs)), Outcome { events, sojourns_ns });
        let output = Command::new("python3").arg(SCRIPT).args([seed, jobs].map(|n| n.to_string())).output();
        let output = output.expect("python3 starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let said = String::from_utf8_lossy(&output.stdout);
        let wanted = format!(r#""jobs":{jobs},"events":{events},"sojourns_ns":{sojourns_ns}}}"#);
        assert!(said.trim().ends_with(&wanted), "Python: {said}, the kernel: {wanted}");
    }
}

#[test]
fn the_result_is_frozen() {
    // Holds where there is no Python, too.
    for simulate in [simulate, simulate_events] {
        let outcome = simulate(&Draws::new(1, 20_000));
        assert_eq!(outcome, Outcome { events: 80_000, sojourns_ns: 88_134_232_141 });
    }
}
