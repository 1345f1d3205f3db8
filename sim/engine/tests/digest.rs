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
const BUSY: &[Golden] = &[
    ("cloud_only", 0xbaad9cd010d797da, 21925002948, 7649441),
    ("edge_only", 0x1c377ddf6d153357, 16066065258, 0),
    ("ucb_route", 0x0633d48643596305, 16494334853, 2742466),
    ("layer_split", 0x1209a34f617c0d10, 70755429366, 134030518),
    ("blocking", 0x2cf1e65a80e6c47b, 33117133800, 7624294),
    ("pipelined", 0xf11230d4d651c0b3, 31352144627, 7667895),
    ("msao", 0xbaf02206c5e447e5, 33847878738, 5223184),
];

#[rustfmt::skip]
const SHARED: &[Golden] = &[
    ("cloud_only", 0x040c87d83f64d88d, 21823045223, 7650843),
    ("edge_only", 0x1c377ddf6d153357, 16066065258, 0),
    ("ucb_route", 0x9c8f4122f711aeb3, 16594932875, 2551876),
    ("layer_split", 0xc835f9988f122d68, 62375660715, 134032014),
    ("blocking", 0x45736c55d5bb7042, 33430799979, 7646762),
    ("pipelined", 0x76fcb17294b84615, 31041826380, 7667754),
    ("msao", 0x56d9898da93998b2, 33302799930, 5215268),
];

#[test]
fn golden_runs_with_a_fifo_link() {
    check(busy, BUSY);
}

#[test]
fn golden_runs_with_a_shared_link() {
    check(shared, SHARED);
}
