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
    (spec.edge.count, spec.cloud.gpus) = (3, 2);
    (spec.link.header, spec.link.jitter) = (Bytes::new(52), SimDuration::from_ms(2));
    spec.link.loss = Ratio::new(0.01);
    spec
}

/// The same with idealised iterations.
fn ideal(policy: System) -> RunSpec {
    let mut spec = busy(policy);
    (spec.edge.limits, spec.cloud.limits) = (BatchLimits::default(), BatchLimits::default());
    (spec.edge.scheduling, spec.cloud.scheduling) = (Scheduling::Ideal, Scheduling::Ideal);
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
const BUSY: &[Golden] = &[
    ("cloud_only", 0x067dcff08186d36e, 22327748687, 7649441),
    ("cloud_pruned", 0x397b2f18be7818f1, 20092665035, 4016249),
    ("edge_only", 0x4438f15016df6e04, 16322053775, 0),
    ("ucb_route", 0x1356cb274b5147a7, 16800815895, 2453490),
    ("layer_split", 0x22accf618829c1a4, 70788628406, 133984060),
    ("token_dropping", 0xc48e5270f132227d, 20759626591, 13117945),
    ("mindfusion", 0x3c17803c6f3fc9ee, 22070404166, 24312712),
    ("mindfusion_no_d", 0x2002b3355c1f53ca, 60810754360, 31397576),
    ("blocking", 0xaada353083568b80, 33171960584, 7637766),
    ("pipelined", 0x5afb5dcb3ef68632, 31051919758, 7657281),
    ("msao", 0x388dfaa259cda58b, 33512504549, 5222846),
    ("route", 0xe668cb60efb40384, 15657810187, 2683244),
    ("trust", 0x265235103de828ea, 34162698288, 8929441),
];

#[rustfmt::skip]
const SHARED: &[Golden] = &[
    ("cloud_only", 0x202e80731677edc6, 22283283369, 7649275),
    ("cloud_pruned", 0x37dbc3f18d07fcec, 19952563360, 4019247),
    ("edge_only", 0x4438f15016df6e04, 16322053775, 0),
    ("ucb_route", 0xd7c418452b2f9a99, 16806378135, 2453490),
    ("layer_split", 0xfccfdcf10115010c, 62461486920, 134033556),
    ("token_dropping", 0x3ac4b4985f6dd620, 20771376959, 13125300),
    ("mindfusion", 0x201e60eee67f3549, 22218322250, 24318344),
    ("mindfusion_no_d", 0x23d3ba70ab80e141, 59498281118, 31403616),
    ("blocking", 0x6d4e41fd7500d8c6, 32639355020, 7642318),
    ("pipelined", 0x73fd7814b19bb49c, 30866392292, 7665330),
    ("msao", 0x3e35b318f54f87ca, 32952400739, 5204544),
    ("route", 0xaf35ca04142a9a4d, 15619464934, 3072062),
    ("trust", 0x376aead294929e4d, 34036275869, 8907242),
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
