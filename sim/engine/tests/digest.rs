//! Golden runs: the same on every machine, in debug and in release.
//!
//! The digest covers every event, its time and its target; the other two columns say what a change of the digest means.
//! If they stay, only the events are others (an optimisation); if they change, so do results.
//! To bless anew: run `cargo test -p engine --test digest`, look at why it changed, and copy the table that it prints.

mod common;

use common::{Override, all_policies, run, spec};
use engine::{RunSpec, Sharing};
use model::engine_kind::EngineKind;
use policies::System;
use units::{Bytes, Ratio, SimDuration};

/// Policy, digest of the events, sum of the end-to-end latencies in ns, bytes put on the wire.
type Golden = (&'static str, u64, u128, u64);

/// Everything at once: several edges and clients, headers, jitter, loss, random answers.
fn busy(policy: System) -> RunSpec {
    let mut spec = spec(policy, EngineKind::Vllm, 40, 1).geometric(25.0).clients(2);
    (spec.edge.count, spec.cloud.gpus) = (3, 2);
    (spec.link.header, spec.link.jitter) = (Bytes::new(52), SimDuration::from_ms(2));
    spec.link.loss = Ratio::new(0.01);
    spec
}

/// The same with a shared link.
fn shared(policy: System) -> RunSpec {
    let mut spec = busy(policy);
    spec.link.sharing = Sharing::Fair(None);
    spec
}

fn check(make: fn(System) -> RunSpec, golden: &[Golden]) {
    let seen = all_policies().map(|(name, policy)| {
        let outcome = run(&make(policy));
        let sent = (outcome.up.sent + outcome.down.sent).as_u64();
        (name, outcome.journal.digest(), outcome.metrics.e2e.sum_ns(), sent)
    });
    let table: String = seen
        .iter()
        .map(|(name, digest, e2e, sent)| format!("    (\"{name}\", 0x{digest:016x}, {e2e}, {sent}),\n"))
        .collect();
    assert!(seen == golden, "not the golden runs; the runs now:\n{table}");
}

#[rustfmt::skip]
const BUSY: [Golden; 7] = [
    ("", 0, 0, 0); 7
];

#[rustfmt::skip]
const SHARED: [Golden; 7] = [
    ("", 0, 0, 0); 7
];

#[test]
fn golden_runs_with_a_fifo_link() {
    check(busy, &BUSY);
}

#[test]
fn golden_runs_with_a_shared_link() {
    check(shared, &SHARED);
}
