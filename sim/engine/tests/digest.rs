//! Golden runs: the same on every machine, in debug and in release.
//!
//! The digest covers every event, its time and its target; the other two columns say what a change of the digest means.
//! If they stay, only the events are others (an optimisation); if they change, so do results.
//! To bless anew: run `cargo test -p engine digest`, look at why it changed, and copy the table that it prints.

use crate::common::{
    Alike, Override, blocking, cloud_only, edge_only, in_front, layer_split, mbps, mindfusion, msao, msao_of,
    pipelined, run, spec, ucb_route,
};
use engine::{Connections, HopSpec, RunSpec, Scheduling, SharedBy, Sharing, TcpSpec, Transport};
use kernel::{RateProfile, Tcp};
use model::{engine_kind::EngineKind, memory::BatchLimits};
use policies::{CloudPruned, Router, Semantics, System, TokenDropping};
use units::{BitsPerSecond, Bytes, SimDuration};

/// Policy, digest of the events, sum of the end-to-end latencies in ns, bytes put on the wire.
type Golden = (&'static str, u64, u128, u64);

/// Everything at once: several edges and clients, headers, jitter, loss, random answers; under vLLM's scheduler.
fn busy(policy: System) -> RunSpec {
    let mut spec = spec(policy, EngineKind::Vllm, 40, 1).geometric(25.0).clients(2);
    (spec.edges[0].count, spec.pools[0].gpus) = (3, 2);
    (spec.link.header, spec.link.jitter) = (Bytes::new(52), SimDuration::from_ms(2));
    spec.link.hops[0].set_loss(0.01);
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
    spec.link.hops[0].sharing = Sharing::Fair(None);
    spec
}

/// The same over TCP.
fn tcp(policy: System) -> RunSpec {
    let mut spec = busy(policy);
    spec.link.transport = Transport::Tcp(TcpSpec { tcp: Tcp::default(), connections: Connections::Kept, tls: 0 });
    spec
}

/// The same with a radio of each edge in front of the link.
fn radio(policy: System) -> RunSpec {
    let mut spec = tcp(policy);
    let pieces = [(0, 30), (70, 0), (90, 90)];
    let pieces = pieces.map(|(ms, rate)| (SimDuration::from_ms(ms), BitsPerSecond::from_mbps(rate)));
    let mut hop = HopSpec::new(SharedBy::Edge, mbps(60));
    hop.up.rate = RateProfile::piecewise(&pieces, SimDuration::from_ms(130)).into();
    hop.set_rtt(SimDuration::from_us(7001));
    hop.set_loss(0.005);
    in_front(&mut spec, hop);
    spec
}

/// The same with a shared link behind it.
fn shared_radio(policy: System) -> RunSpec {
    let mut spec = radio(policy);
    spec.link.hops[1].sharing = Sharing::Fair(None);
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
    ("cloud_only", 0x313935d2476b2e72, 17652573483, 7649441),
    ("cloud_pruned", 0xafecbb74bbec060c, 16055721177, 3702063),
    ("edge_only", 0x6c3b8ff6d9274f72, 10301458494, 0),
    ("ucb_route", 0xbb54e054578a8410, 12029010517, 2546072),
    ("layer_split", 0xe1a4fef91df8a889, 57018041724, 133957088),
    ("token_dropping", 0x91753106dd52dcb0, 16904061361, 13117945),
    ("mindfusion", 0x094e44d3f39fa5bb, 16501471225, 24312712),
    ("mindfusion_no_d", 0x58456c14eec0331c, 48062131968, 31402130),
    ("blocking", 0xb1a1a29b7d99b34c, 24873151118, 7634842),
    ("pipelined", 0x7cd459c9f2d72cf9, 22798468983, 7672517),
    ("msao", 0x0a381ed16c0be53d, 26581861089, 4890476),
    ("route", 0x15179a6eb307499d, 10780262106, 2434348),
    ("trust", 0x97f0ee33f08ff3f2, 26299254752, 8931861),
];

#[rustfmt::skip]
const BUSY: &[Golden] = &[
    ("cloud_only", 0x8ca4bed372000a89, 18196165123, 7649441),
    ("cloud_pruned", 0xc0640fe6450a49c5, 16569288235, 3700597),
    ("edge_only", 0x060a4ee4756e69a2, 10513450323, 0),
    ("ucb_route", 0xb9f170d85220a431, 12231945606, 3160277),
    ("layer_split", 0xbd272ccdedd736ff, 57552346463, 134044046),
    ("token_dropping", 0x75e151eb6088aaf6, 17273613409, 13117945),
    ("mindfusion", 0x287608aee5f4044e, 16707089417, 24312712),
    ("mindfusion_no_d", 0x7f10178e74a468ca, 48102856841, 31379684),
    ("blocking", 0x228ec53c67273b56, 24899320549, 7645041),
    ("pipelined", 0xd8d951d2c4f381de, 22777607602, 7687101),
    ("msao", 0xdd88064ed01c0e44, 26630343526, 4905094),
    ("route", 0xd049c4f7b3099c64, 11443012462, 2952568),
    ("trust", 0xb293253980de7911, 26257481318, 8913039),
];

#[rustfmt::skip]
const SHARED: &[Golden] = &[
    ("cloud_only", 0x19fdb850085a771c, 18149285773, 7649455),
    ("cloud_pruned", 0x54538ab52a4ce809, 16558758560, 3705021),
    ("edge_only", 0x060a4ee4756e69a2, 10513450323, 0),
    ("ucb_route", 0xf5afa9dc84fea3a8, 12205808135, 3160097),
    ("layer_split", 0x8b763ff130e5f28a, 50964920748, 134047060),
    ("token_dropping", 0xe316bfbe07b4d769, 17339019728, 13125300),
    ("mindfusion", 0x0d527a509284d209, 16997955885, 24317206),
    ("mindfusion_no_d", 0x185f1938f84bc1e7, 47469165329, 31394520),
    ("blocking", 0xa415a6f4f8275258, 24709623603, 7643576),
    ("pipelined", 0x2a42076364d6ed1e, 22638973142, 7675511),
    ("msao", 0xb1b6cb3e5ca3fccb, 26767446120, 4900905),
    ("route", 0x7a0595d4b7a78b09, 11472737502, 3044560),
    ("trust", 0xf5874f796aaa2621, 26477704874, 8913121),
];

#[rustfmt::skip]
const RADIO: &[Golden] = &[
    ("cloud_only", 0x5e0efb5cb544c857, 36654507070, 7709785),
    ("cloud_pruned", 0x44fce0b7631c0345, 20506617245, 2194958),
    ("edge_only", 0x060a4ee4756e69a2, 10513450323, 0),
    ("ucb_route", 0x60f39fb3f011d357, 12711814496, 1222260),
    ("layer_split", 0x59a16956c4a424bb, 566789257877, 134773062),
    ("token_dropping", 0x2156ea7e0b6dcd68, 56097938009, 13204742),
    ("mindfusion", 0x8be1b5e1e7740c55, 93925192060, 24456707),
    ("mindfusion_no_d", 0xeafaefc83303443b, 158540725870, 31586536),
    ("blocking", 0x2e44e1b6a505dea3, 57292495898, 7698498),
    ("pipelined", 0x0864d5b80809c34b, 51769189557, 7730126),
    ("msao", 0x6cede32270e5d0c9, 38534334373, 3316806),
    ("route", 0xb7f6ca2c5d8204ad, 12709755704, 1965493),
    ("trust", 0x859786e86b6e10b1, 54377170521, 8969986),
];

#[rustfmt::skip]
const SHARED_RADIO: &[Golden] = &[
    ("cloud_only", 0xf4f500aeb029cd8b, 35007910104, 7702198),
    ("cloud_pruned", 0x7519388113fe90b9, 20386965512, 2133930),
    ("edge_only", 0x060a4ee4756e69a2, 10513450323, 0),
    ("ucb_route", 0x6bbde013bdbd8a97, 12736462111, 1222387),
    ("layer_split", 0xd03cfd1bfed7f07f, 563495390739, 134748961),
    ("token_dropping", 0xa0219412c2714d55, 56538968513, 13202647),
    ("mindfusion", 0x82e5109da05deb02, 94326179608, 24469440),
    ("mindfusion_no_d", 0x4096b7c3d5ff9074, 154952134198, 31578224),
    ("blocking", 0x079da78913d1f6e7, 56012009343, 7701730),
    ("pipelined", 0xcbc20728635aede7, 48145652253, 7718826),
    ("msao", 0xbb9b04c09dedbe4b, 39113944511, 3285186),
    ("route", 0xded375fdac423372, 12750330809, 1965613),
    ("trust", 0x3594e9dc5db0ad4c, 59732706368, 8991009),
];

#[test]
fn golden_runs_over_two_hops() {
    check(radio, RADIO);
}

#[test]
fn golden_runs_over_a_hop_and_a_shared_link() {
    check(shared_radio, SHARED_RADIO);
}

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

#[rustfmt::skip]
const TCP: &[Golden] = &[
    ("cloud_only", 0x124fef8b7e25db0e, 26035585565, 7659665),
    ("cloud_pruned", 0x3093bf910645f90d, 20416270261, 3709293),
    ("edge_only", 0x060a4ee4756e69a2, 10513450323, 0),
    ("ucb_route", 0x8b8d589fef4a2e21, 13684165584, 3192810),
    ("layer_split", 0xf22d33d458f3156c, 345316207929, 134123545),
    ("token_dropping", 0xe396b6638f8f8109, 34729716436, 13140910),
    ("mindfusion", 0x346ed09257b2f9a2, 55448389234, 24350023),
    ("mindfusion_no_d", 0x63745f3ca5df7892, 102434584819, 31426094),
    ("blocking", 0x46f9463968892011, 35162592172, 7649756),
    ("pipelined", 0xc9cbdadf010f8b34, 33782075289, 7689840),
    ("msao", 0x9d1ddc7f66787a47, 32536137464, 4911908),
    ("route", 0x5740afe9de087354, 11555299549, 1842276),
    ("trust", 0x99afe4e0b55eeb8f, 39145013172, 8941251),
];

#[test]
fn golden_runs_over_tcp() {
    check(tcp, TCP);
}
