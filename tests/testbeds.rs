//! Testbeds of other papers, played with their own times and acceptances as inputs, against what they measured.

use crate::summary::{number, summary};
use crate::support::{Sim, repository};

/// Milliseconds a token at the best length, and that length, at each delay (raw results of arXiv 2606.20591).
const SPEC_STOP: [(&str, [(f64, &str); 6]); 2] = [
    ("qwen2.5-0.5b", [(96.6, "1"), (138.5, "1"), (187.2, "1"), (223.0, "2"), (251.4, "3"), (287.7, "4")]),
    ("llama-3.2-1b", [(98.7, "1"), (134.1, "1"), (180.8, "1"), (221.6, "1"), (251.8, "4"), (293.7, "7")]),
];

/// The lengths that are simulated.
const LENGTHS: [u32; 6] = [1, 2, 3, 5, 7, 10];

/// Answers of the scenario, tokens.
const TOKENS: f64 = 256.0;

/// Lengths of those simulated between one and another that was measured.
fn steps_between(found: &str, measured: &str) -> usize {
    let place = |length: &str| LENGTHS.partition_point(|&known| known < length.parse().expect("a length"));
    place(found).abs_diff(place(measured))
}

#[test]
fn spec_stops_times_a_token_are_within_a_tenth_and_its_best_lengths_within_one() {
    let sim = Sim::new();
    let scenario = repository("scenarios/spec_stop_testbed.toml");
    sim.done([scenario.to_str().expect("UTF-8"), "--out", "out", "--set", "workload.requests=30"]);
    let csv = sim.text("out/summary.csv");
    let rows = summary(&csv);
    for (model, measured) in SPEC_STOP {
        for (rtt, (ms, best)) in ["10 ms", "50 ms", "120 ms", "176 ms", "232 ms", "310 ms"].into_iter().zip(measured) {
            let there = rows.iter().filter(|row| row["edge.model"] == model && row["link.rtt"] == rtt);
            let of = |row| number(row, "e2e_ms_mean") / TOKENS;
            let least = there.min_by(|a, b| of(a).total_cmp(&of(b))).expect("a row of each length");
            let error = of(least) / ms - 1.0;
            assert!(error.abs() < 0.1, "{model} at {rtt}: {} ms instead of {ms}", of(least));
            let found = least["policy.speculative.n_draft"];
            assert!(steps_between(found, best) <= 1, "{model} at {rtt}: {found} drafts instead of {best}");
        }
    }
}

/// Its bandit comes close to the best fixed length at every delay, which no fixed length does.
#[test]
fn spec_stop_finds_the_length() {
    let sim = Sim::new();
    let scenario = repository("scenarios/spec_stop.toml");
    sim.done([scenario.to_str().expect("UTF-8"), "--out", "out"]);
    let csv = sim.text("out/summary.csv");
    let rows = summary(&csv);
    for rtt in ["2 ms", "20 ms", "80 ms", "200 ms"] {
        let of = |policy: &str| {
            let row = rows.iter().find(|row| row["policy"] == policy && row["link.rtt"] == rtt);
            number(row.expect("a row"), "e2e_ms_mean")
        };
        let fixed = ["draft_2", "draft_4", "draft_8"].map(of);
        let best = fixed.into_iter().fold(f64::INFINITY, f64::min);
        assert!(of("spec_stop") < 1.05 * best, "{rtt}: {} against {fixed:?}", of("spec_stop"));
    }
}
