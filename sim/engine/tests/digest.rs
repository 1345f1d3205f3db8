//! Golden runs: the same on every machine, in debug and in release.
//!
//! The digest covers every event, its time and its target; the other two columns say what a change of the digest means.
//! If they stay, only the events are others (an optimisation); if they change, so do results.
//! To bless anew: run `cargo test -p engine digest`, look at why it changed, and copy the table that it prints.

use crate::common::{
    Override, blocking, cloud_only, edge_only, layer_split, mindfusion, msao, msao_of, pipelined, run, spec, ucb_route,
};
use engine::{RunSpec, Scheduling, Sharing};
use model::{engine_kind::EngineKind, memory::BatchLimits};
use policies::{CloudPruned, Router, Semantics, System, TokenDropping};
use units::{Bytes, Ratio, SimDuration};

/// Policy, digest of the events, sum of the end-to-end latencies in ns, bytes put on the wire.
type Golden = (&'static str, u64, u128, u64);

/// Everything at once: several edges and clients, headers, jitter, loss, random answers; under vLLM's scheduler.
fn busy(policy: System) -> RunSpec {
    let mut spec = spec(policy, EngineKind::Vllm, 40, 1).geometric(25.0).clients(2);
    (spec.edges[0].count, spec.pools[0].gpus) = (3, 2);
    (spec.link.header, spec.link.jitter) = (Bytes::new(52), SimDuration::from_ms(2));
    spec.link.loss = Ratio::new(0.01);
    spec
}

/// The same with idealised iterations.
fn ideal(policy: System) -> RunSpec {
    let mut spec = busy(policy);
    (spec.edges[0].limits, spec.pools[0].limits) = (BatchLimits::default(), BatchLimits::default());
    (spec.edges[0].scheduling, spec.pools[0].scheduling) = (Scheduling::Ideal, Scheduling::Ideal);
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
const IDEAL: &[Golden] = &[
    ("cloud_only", 0xdae18cc6e63f5c94, 17784244546, 7649441),
    ("cloud_pruned", 0xe60573aa741d46e5, 16115509565, 3702063),
    ("edge_only", 0x6c3b8ff6d9274f72, 10301458494, 0),
    ("ucb_route", 0x88f0caaf957d6f91, 11943037454, 2816198),
    ("layer_split", 0xdba9914cac8a7e9d, 60718426403, 134054518),
    ("token_dropping", 0x4e1a260d8025bd25, 16904181183, 13117945),
    ("mindfusion", 0xa927bafa9dbc23d6, 16517369506, 24312712),
    ("mindfusion_no_d", 0x408727ed0d34dfd2, 50708076370, 31391572),
    ("blocking", 0x4bc9a8f8f004f24c, 25748547823, 7639397),
    ("pipelined", 0xd564d772d1e44b28, 23262785794, 7679889),
    ("msao", 0xeb980ac90415e2e2, 27350927945, 4909826),
    ("route", 0x535cbbce5bb6fb33, 10780262106, 2434348),
    ("trust", 0xe23f1a2a86a3fbb5, 27255996548, 8908266),
];

#[rustfmt::skip]
const BUSY: &[Golden] = &[
    ("cloud_only", 0x666c65c552b10029, 18228953271, 7649441),
    ("cloud_pruned", 0x4c299f0110f4d1fd, 16518927265, 3702063),
    ("edge_only", 0x060a4ee4756e69a2, 10513450323, 0),
    ("ucb_route", 0x3e32ac8951f315af, 12231945606, 3160277),
    ("layer_split", 0x0bfed77d00f96ac0, 61401742543, 134053144),
    ("token_dropping", 0x340026af11aeb3a7, 17387445788, 13117945),
    ("mindfusion", 0x83eb105b2d04cb9b, 16722261421, 24312712),
    ("mindfusion_no_d", 0xbb90ee09d51d4ec1, 51324996166, 31409548),
    ("blocking", 0xc8d3ecc249a727ee, 25770986035, 7639397),
    ("pipelined", 0xcb086276a5893e4d, 23243123525, 7672377),
    ("msao", 0xccb53bca652fa9a5, 26873562939, 4897932),
    ("route", 0x6e9dea2aa881cac7, 11445025861, 2952568),
    ("trust", 0xfcf3509e9bf6ef60, 26808209928, 8907865),
];

#[rustfmt::skip]
const SHARED: &[Golden] = &[
    ("cloud_only", 0xb7c2a9a79fd284f0, 18268156058, 7649391),
    ("cloud_pruned", 0xefa4b6ddc890001b, 16646513110, 3705199),
    ("edge_only", 0x060a4ee4756e69a2, 10513450323, 0),
    ("ucb_route", 0x9767667478b90283, 12214879191, 3160157),
    ("layer_split", 0xfca29c692933fbac, 53090099394, 134042606),
    ("token_dropping", 0x39a70bd23d06e8a8, 17412225810, 13125420),
    ("mindfusion", 0xf50d4a5715f9885c, 17051218929, 24311094),
    ("mindfusion_no_d", 0xea528aff2d484136, 49298257054, 31394352),
    ("blocking", 0x6cd78c606db91c0a, 24953892122, 7631744),
    ("pipelined", 0x1965682b423ea0ce, 22946501434, 7671981),
    ("msao", 0x5f8ae8cb1c81e7e8, 26951010192, 4904722),
    ("route", 0xa4fb9a335bb01f9e, 10755227566, 2149047),
    ("trust", 0x923341710a99e65a, 27016489132, 8916261),
];

#[test]
fn golden_runs_with_idealised_iterations() {
    check(ideal, IDEAL);
}

#[test]
fn golden_runs_with_a_fifo_link() {
    check(busy, BUSY);
}

#[test]
fn golden_runs_with_a_shared_link() {
    check(shared, SHARED);
}
