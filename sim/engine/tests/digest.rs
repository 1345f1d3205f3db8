//! Golden runs: the same on every machine, in debug and in release.
//!
//! The digest covers every event, its time and its target; the other two columns say what a change of the digest means.
//! If they stay, only the events are others (an optimisation); if they change, so do results.
//! To bless anew: run `cargo test -p engine digest`, look at why it changed, and copy the table that it prints.

use crate::common::{
    Override, blocking, cloud_only, edge_only, layer_split, mindfusion, msao, msao_of, pipelined, run, spec, ucb_route,
};
use engine::{RunSpec, Sharing};
use model::engine_kind::EngineKind;
use policies::{CloudPruned, Router, Semantics, System, TokenDropping};
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

/// The pinned policies.
fn pinned() -> [(&'static str, System); 13] {
    [
        ("cloud_only", cloud_only()),
        ("cloud_pruned", System::CloudPruned(CloudPruned::default())),
        ("edge_only", edge_only()),
        ("ucb_route", ucb_route()),
        ("layer_split", layer_split(8)),
        ("token_dropping", System::TokenDropping(TokenDropping::default())),
        ("mindfusion", mindfusion(8, true, true)),
        ("mindfusion_no_d", mindfusion(8, true, false)),
        ("blocking", blocking(4)),
        ("pipelined", pipelined(4, 3)),
        ("msao", msao()),
        ("route", msao_of(Semantics::Route(Router::JoinShortestQueue))),
        ("trust", msao_of(Semantics::Trust)),
    ]
}

fn check(make: fn(System) -> RunSpec, golden: &[Golden]) {
    let seen = pinned().map(|(name, policy)| {
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
    ("cloud_only", 0x420a6432bcf322a6, 21924894091, 7649441),
    ("cloud_pruned", 0xc4ce3331f84ba0a2, 19421594656, 4016249),
    ("edge_only", 0x034ccd91439f657f, 16066003260, 0),
    ("ucb_route", 0x1a1b1717cfb311a5, 16494276358, 2742466),
    ("layer_split", 0x9f43e207396ae64d, 70755376295, 134030518),
    ("token_dropping", 0xbebd84b3fe6cb165, 20232060240, 13117945),
    ("mindfusion", 0x47c832a202ce8ae0, 21820242336, 24312712),
    ("mindfusion_no_d", 0xf9d7864069c74f2f, 61331457952, 31396090),
    ("blocking", 0x9fc30eb2195272ae, 32777381878, 7631849),
    ("pipelined", 0x9c9afbfdccc94934, 31124840082, 7689987),
    ("msao", 0x1eeecf132a07a637, 33142865158, 5203152),
    ("route", 0x6119462442e72afe, 15591828052, 2683244),
    ("trust", 0x478b916bc1aa7023, 34763994806, 8934340),
];

#[rustfmt::skip]
const SHARED: &[Golden] = &[
    ("cloud_only", 0xba740e6011644f00, 21822938512, 7650843),
    ("cloud_pruned", 0xb51a55b204ee0ac7, 19338287229, 4008741),
    ("edge_only", 0x034ccd91439f657f, 16066003260, 0),
    ("ucb_route", 0xbeeabb100205747a, 16594873573, 2551876),
    ("layer_split", 0x68da2f9bb0f7c275, 62375620647, 134032014),
    ("token_dropping", 0x6ac00eee9c525a4c, 20236799585, 13129785),
    ("mindfusion", 0xa5ba823e1fb2e8d4, 21947193632, 24318584),
    ("mindfusion_no_d", 0xd3cc2a8c85ee3867, 58953447248, 31397552),
    ("blocking", 0xf2d5e0f732c0d0ad, 32166607616, 7640789),
    ("pipelined", 0x2edade7d7264f510, 30808115754, 7676104),
    ("msao", 0xcd84c240b508016e, 33152882503, 5218152),
    ("route", 0x63d395cbf9fca510, 15562455223, 2736722),
    ("trust", 0x0c16f2178c252b19, 34035311695, 8897712),
];

#[test]
fn golden_runs_with_a_fifo_link() {
    check(busy, BUSY);
}

#[test]
fn golden_runs_with_a_shared_link() {
    check(shared, SHARED);
}
