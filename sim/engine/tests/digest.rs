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
    ("cloud_only", 0x3d14e1bbeae43d62, 17885114518, 7649441),
    ("cloud_pruned", 0xa9f32f9388479a4f, 16120161340, 2898718),
    ("edge_only", 0xa40ec554b41b836a, 10301458494, 0),
    ("ucb_route", 0x5f9076b73b058fa9, 12751726383, 3201089),
    ("layer_split", 0xe1a4fef91df8a889, 57018041724, 133957088),
    ("token_dropping", 0x8b07efe6aaf002d9, 16904061361, 13117945),
    ("mindfusion", 0x76b64eae347645bf, 16501471225, 24312712),
    ("mindfusion_no_d", 0x58456c14eec0331c, 48062131968, 31402130),
    ("blocking", 0xd926c2e97de9a32b, 25020708895, 7633404),
    ("pipelined", 0x8a64feb3f349cacc, 22746662341, 7659426),
    ("msao", 0x5d8987cdbf35860b, 26666703692, 4096029),
    ("route", 0x66990a5e32161b6b, 11571349043, 2988004),
    ("trust", 0xef220a7cf36d0080, 26450731920, 8932089),
];

#[rustfmt::skip]
const BUSY: &[Golden] = &[
    ("cloud_only", 0x4cf4fe05c65f428a, 18305904419, 7649441),
    ("cloud_pruned", 0x6b839c53183a8951, 16533673951, 2898718),
    ("edge_only", 0x085bc8dd76fc26bf, 10513450323, 0),
    ("ucb_route", 0xa2eb27461a16b70c, 12284323010, 3160277),
    ("layer_split", 0xbd272ccdedd736ff, 57552346463, 134044046),
    ("token_dropping", 0x2e98ee0775004bb6, 17273613409, 13117945),
    ("mindfusion", 0x0e693247ff3df74e, 16707089417, 24312712),
    ("mindfusion_no_d", 0x7f10178e74a468ca, 48102856841, 31379684),
    ("blocking", 0xfa59059b77620c05, 24940433346, 7627535),
    ("pipelined", 0x1dcc26d56a821d8c, 22749685037, 7677342),
    ("msao", 0x21e428dae3283c4e, 26573997824, 4085226),
    ("route", 0xf69577b3dac2345e, 11473063438, 2952568),
    ("trust", 0x9d9f643487a71b85, 26297665080, 8922025),
];

#[rustfmt::skip]
const SHARED: &[Golden] = &[
    ("cloud_only", 0x46012f267f020858, 18449559486, 7649275),
    ("cloud_pruned", 0xa4075d7fad691f1c, 16611364052, 2898506),
    ("edge_only", 0x085bc8dd76fc26bf, 10513450323, 0),
    ("ucb_route", 0x4fad918a469c0088, 12269950930, 3160097),
    ("layer_split", 0x8b763ff130e5f28a, 50964920748, 134047060),
    ("token_dropping", 0xe18755d786bc93a6, 17339019728, 13125300),
    ("mindfusion", 0xf709d4462d7427c6, 16997955885, 24317206),
    ("mindfusion_no_d", 0x185f1938f84bc1e7, 47469165329, 31394520),
    ("blocking", 0x94609957b0c0d526, 24840399454, 7648234),
    ("pipelined", 0x755d3ae77491ec45, 22682746181, 7668223),
    ("msao", 0x7ca83b9b0b088a23, 26710163316, 4092982),
    ("route", 0xed054e6dd7f04cb3, 11473063438, 2952568),
    ("trust", 0x7e557b086abaecdc, 26120003651, 8911157),
];

#[rustfmt::skip]
const RADIO: &[Golden] = &[
    ("cloud_only", 0xac5d76d4a63bde86, 35173782848, 7696356),
    ("cloud_pruned", 0xa042e836863bea51, 20584089789, 2153691),
    ("edge_only", 0x085bc8dd76fc26bf, 10513450323, 0),
    ("ucb_route", 0x199b1367f4f425d0, 12945294405, 1735391),
    ("layer_split", 0x59a16956c4a424bb, 566789257877, 134773062),
    ("token_dropping", 0x943c9d7f2856f580, 56097938009, 13204742),
    ("mindfusion", 0xc4d2197decdab4a2, 93925192060, 24456707),
    ("mindfusion_no_d", 0xeafaefc83303443b, 158540725870, 31586536),
    ("blocking", 0xe1bcc53a55c07324, 54345328300, 7689016),
    ("pipelined", 0xd1012bd8185d76ef, 49308863126, 7719529),
    ("msao", 0x4c6ee8d12f576c43, 39303364555, 3324604),
    ("route", 0xd7fc962df9fda0a7, 12488257676, 1924092),
    ("trust", 0x737d6a4122cab14f, 56288346119, 8975937),
];

#[rustfmt::skip]
const SHARED_RADIO: &[Golden] = &[
    ("cloud_only", 0x5091254e4957c849, 37340476911, 7700903),
    ("cloud_pruned", 0xee09b21335b12286, 19918630592, 2147538),
    ("edge_only", 0x085bc8dd76fc26bf, 10513450323, 0),
    ("ucb_route", 0x7f911f8954250aac, 13750476743, 1985250),
    ("layer_split", 0xd03cfd1bfed7f07f, 563495390739, 134748961),
    ("token_dropping", 0x50ac1445c565f3fe, 56538968513, 13202647),
    ("mindfusion", 0x0fb777ede7d1c566, 94326179608, 24469440),
    ("mindfusion_no_d", 0x4096b7c3d5ff9074, 154952134198, 31578224),
    ("blocking", 0x54e56b05e06ddc31, 52838403555, 7690601),
    ("pipelined", 0x0426d27e3cbde952, 47512996564, 7716229),
    ("msao", 0x62a2e33e905ab0d0, 39931066570, 3410588),
    ("route", 0x141e7a21f6826ee2, 12490153114, 1924092),
    ("trust", 0x2ed0945f923dead7, 55627996200, 8971615),
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
    ("cloud_only", 0x341a8c44b8690e89, 26873992581, 7666980),
    ("cloud_pruned", 0x263cc3e490db9dc5, 17940606902, 2889688),
    ("edge_only", 0x085bc8dd76fc26bf, 10513450323, 0),
    ("ucb_route", 0xbd9367fc2b87e483, 13724629392, 3192810),
    ("layer_split", 0xf22d33d458f3156c, 345316207929, 134123545),
    ("token_dropping", 0x0bd5c39361b0af07, 34729716436, 13140910),
    ("mindfusion", 0x89079cb596fa9b0b, 55448389234, 24350023),
    ("mindfusion_no_d", 0x63745f3ca5df7892, 102434584819, 31426094),
    ("blocking", 0xa430958287381e04, 36780293672, 7664561),
    ("pipelined", 0x4763ec6f1df4fbb1, 34827762170, 7677786),
    ("msao", 0x1e578e5107fbb9ba, 30549284052, 4089348),
    ("route", 0x59ef04c0a910f81f, 11627255913, 2327871),
    ("trust", 0xf1c8a2f97ef2b17f, 38009278490, 8923844),
];

#[test]
fn golden_runs_over_tcp() {
    check(tcp, TCP);
}
