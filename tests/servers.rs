//! A server under continuous batching against simulators that share nothing with ours: the scripts of the benchmark.

use crate::support::{Sim, aloud};
use serde_json::Value;
use std::process::Command;

const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/serving/benches/reference");

/// Requests that arrive after equal gaps, as both programs draw them alike.
const REQUESTS: &str = "300";

/// A script, the arrivals a second, its further arguments, and the settings of the scenario.
type Case = (&'static str, &'static str, &'static [&'static str], &'static [&'static str]);

/// A GPU with few answers in progress under both engines, one whose 256 places are taken, and one whose memory lets prompts wait.
const CASES: [Case; 4] = [
    ("graph.py", "2.58", &[], &["cloud.engine=graph", "cloud.batch.chunk_tokens=512"]),
    ("engine.py", "2.58", &[], &[]),
    ("engine.py", "20", &[], &[]),
    ("engine.py", "4", &["1", "600"], &["cloud.kv_blocks=600"]),
];

#[test]
fn plain_scripts_have_the_same_latencies() {
    let python = Command::new("python3").arg("--version").output();
    if !python.is_ok_and(|output| output.status.success()) {
        aloud("skipped: plain_scripts_have_the_same_latencies: there is no python3");
        return;
    }
    for (script, rate, arguments, set) in CASES {
        let sim = Sim::new();
        let arrivals = format!("arrivals={{ constant = {{ rate = \"{rate} /s\" }} }}");
        let requests = format!("workload.requests={REQUESTS}");
        let scenario = format!("{SCRIPTS}/servers.toml");
        let sets = set.iter().copied().chain([arrivals.as_str(), &requests]).flat_map(|set| ["--set", set]);
        let ours = sim.done([scenario.as_str(), "--json"].into_iter().chain(sets));
        let ours: Value = serde_json::from_str(&ours.stdout).expect("JSON");
        let mut python = sim.command("python3");
        python.arg("-B").arg(format!("{SCRIPTS}/{script}")).args([REQUESTS, rate, "constant"]).args(arguments);
        let theirs = python.output().expect("python3 starts");
        let theirs: Value = serde_json::from_slice(&theirs.stdout).expect("a line of JSON");
        for latency in ["e2e_ms_mean", "ttft_ms_mean", "tpot_ms_mean"] {
            let [ours, theirs] = [&ours["rows"][0], &theirs].map(|row| row[latency].as_f64().expect("a number"));
            // Tokens of one step leave together here, and one after the other on the simulated link.
            assert!((theirs / ours - 1.0).abs() < 1e-3, "{script} at {rate}/s, {latency}: {ours}, {theirs}");
        }
    }
}
