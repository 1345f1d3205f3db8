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
    ("cloud_only", 0x3c7f5882eff40135, 21921883440, 7649441),
    ("edge_only", 0x1c377ddf6d153357, 16066065258, 0),
    ("ucb_route", 0x6debd48adfdcf61d, 16915825761, 2453490),
    ("layer_split", 0x90d8580e0768bece, 70665530752, 134020032),
    ("blocking", 0x8cdf4e3ef84069ca, 33089038534, 7621397),
    ("pipelined", 0x186107e6d7c312cb, 31472786401, 7667987),
    ("msao", 0x05c9f2575a0f7027, 33868989081, 5222197),
];

#[rustfmt::skip]
const SHARED: [Golden; 7] = [
    ("cloud_only", 0x86ee37b61566edc3, 21801228273, 7649215),
    ("edge_only", 0x1c377ddf6d153357, 16066065258, 0),
    ("ucb_route", 0x2ab0da16fa372a32, 16929460527, 2453430),
    ("layer_split", 0x15d6db6a8d476618, 63262982233, 134017110),
    ("blocking", 0xd2c7aaf6f9046ea4, 32687173959, 7640780),
    ("pipelined", 0x1c5e1877954dfddb, 30756024163, 7667825),
    ("msao", 0x72fecbbf37bdf792, 33499746762, 5210620),
];

#[test]
fn golden_runs_with_a_fifo_link() {
    check(busy, &BUSY);
}

#[test]
fn golden_runs_with_a_shared_link() {
    check(shared, &SHARED);
}
