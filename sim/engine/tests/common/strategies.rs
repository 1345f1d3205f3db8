//! Any platform and any load, for property tests.

use super::{
    Alike, Override, blocking, examples, fleet, in_front, layer_split, mbps, mindfusion, one_plus_geometric, pipelined,
    spec,
};
use engine::{
    Arrivals, Connections, HopSpec, Learners, Routing, Rule, RunSpec, SharedBy, Sharing, TcpSpec, Transport, WarmUp,
};
use kernel::{Profile, RateProfile, Tcp};
use model::dataset::{Law, Size};
use model::{engine_kind::EngineKind, request::PayloadFormat, tokens::TokenProcess};
use policies::System;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use units::{BitsPerSecond, Bytes, PerSecond, Ratio, SimDuration};

/// No warm-up, one of a few requests, or one of some time.
pub fn warm_up() -> impl Strategy<Value = WarmUp> {
    prop_oneof![
        2 => Just(WarmUp::default()),
        1 => (1u64..4).prop_map(WarmUp::Requests),
        1 => (1u64..3000).prop_map(|ms| WarmUp::Time(SimDuration::from_ms(ms))),
    ]
}

/// The same cases every time; so many, unless `PROPTEST_CASES` asks for another number than proptest's own 256.
pub fn config(cases: u32) -> ProptestConfig {
    let default = ProptestConfig::default();
    let cases = if default.cases == 256 { cases } else { default.cases };
    ProptestConfig { cases, rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..default }
}

/// Any example of any policy, or one with other numbers.
pub fn policy() -> impl Strategy<Value = System> {
    prop_oneof![
        4 => prop::sample::select(examples()).prop_map(|(_, policy)| policy),
        1 => (1u32..28).prop_map(layer_split),
        1 => (1u32..28, any::<bool>(), any::<bool>()).prop_map(|(layers, r, d)| mindfusion(layers, r, d)),
        1 => (1u32..7).prop_map(blocking),
        1 => (1u32..7, 2u32..5).prop_map(|(n, window)| pipelined(n, window)),
    ]
}

fn engine() -> impl Strategy<Value = EngineKind> {
    prop::sample::select(EngineKind::ALL.to_vec())
}

fn tokens() -> impl Strategy<Value = TokenProcess> {
    let iid = |a| TokenProcess::Iid(Ratio::new(a));
    prop_oneof![Just(TokenProcess::default()), Just(iid(0.0)), Just(iid(1.0)), (0.0..1.0).prop_map(iid)]
}

fn arrivals() -> impl Strategy<Value = Arrivals> {
    let closed = |(clients, think)| Arrivals::ClosedLoop { clients, think: SimDuration::from_ms(think) };
    prop_oneof![
        (1u32..7, prop::sample::select(vec![0u64, 0, 50])).prop_map(closed),
        (0.5..50.0).prop_map(|rate| Arrivals::Poisson { rate: PerSecond::new(rate) }),
    ]
}

fn answer() -> impl Strategy<Value = Law<u32>> {
    prop_oneof![(1u32..40).prop_map(Law::from), (1.0..30.0).prop_map(one_plus_geometric)]
}

/// Pictures of several sizes, or none.
fn sizes() -> impl Strategy<Value = Option<Size>> {
    let several = [&[][..], &[(640, 480)], &[(224, 224), (224, 224), (1280, 720)]];
    prop::sample::select(several.map(super::sizes).to_vec())
}

/// A link: steady or with silent moments, calm or jittery, lossless or not, in turns or shared.
pub fn with_link(spec: RunSpec) -> impl Strategy<Value = RunSpec> {
    let sharing = prop::sample::select(vec![
        Sharing::Fifo,
        Sharing::Fair(None),
        Sharing::Fair(Some(BitsPerSecond::from_mbps(50))),
    ]);
    let choice = |values: &[u64]| prop::sample::select(values.to_vec());
    let loss = prop_oneof![Just(0.0), 0.0..0.3];
    let numbers = (choice(&[0, 1, 20, 150]), 10u64..1000, choice(&[0, 52]), choice(&[0, 7]), loss, any::<bool>());
    (sharing, numbers, any::<bool>()).prop_map(move |(sharing, numbers, per_modality)| {
        let (rtt, rate, header, jitter, loss, steady) = numbers;
        let mut spec = spec.clone();
        let link = &mut spec.link;
        link.hops[0].sharing = sharing;
        link.hops[0].set_rtt(SimDuration::from_ms(rtt));
        link.hops[0].set_loss(loss);
        link.rtt_per_modality = per_modality;
        (link.header, link.jitter) = (Bytes::new(header), SimDuration::from_ms(jitter));
        link.hops[0].set_rate(mbps(rate));
        if !steady {
            link.hops[0].up.rate = gappy(rate).into();
        }
        spec
    })
}

/// A radio of each edge and an access point in front of the link: three hops, of which two change over time.
fn behind_two_hops(spec: RunSpec) -> impl Strategy<Value = RunSpec> {
    let rates = (10u64..200, 20u64..400);
    let sharing = prop::sample::select(vec![Sharing::Fifo, Sharing::Fair(None)]);
    let shared_by = prop::sample::select(vec![SharedBy::Edge, SharedBy::Group, SharedBy::All]);
    let queue = prop::option::of((20u64..300).prop_map(|kb| Bytes::new(1000 * kb)));
    (rates, sharing, shared_by, 0.0..0.3, queue).prop_map(move |((own, common), sharing, shared_by, loss, queue)| {
        let mut spec = spec.clone();
        let mut point = HopSpec::new(shared_by, mbps(common));
        (point.sharing, point.queue) = (sharing, queue.filter(|_| sharing == Sharing::Fifo));
        point.up.rtt = SimDuration::from_ms(9).into();
        let mut radio = HopSpec::new(SharedBy::Edge, gappy(own));
        let [calm, rough] = [(0, 0.0), (40, loss)].map(|(ms, loss)| (SimDuration::from_ms(ms), Ratio::new(loss)));
        let (loss, delay) = (Profile::piecewise(&[calm, rough], SimDuration::from_ms(70)), [(0, 4), (50, 60)]);
        let delay = delay.map(|(start, ms)| (SimDuration::from_ms(start), SimDuration::from_ms(ms)));
        (radio.up.loss, radio.down.loss) = (loss.clone(), loss);
        radio.down.rtt = Profile::piecewise(&delay, SimDuration::from_ms(90));
        // Its radio is silent for 30 ms of every 100.
        (spec.workload.fall_back, spec.workload.fall_back_after) = (own % 2 == 0, Some(SimDuration::from_ms(3)));
        in_front(&mut spec, point);
        in_front(&mut spec, radio);
        if spec.link.transport == Transport::Ideal && queue.is_some() {
            spec.link.transport =
                Transport::Tcp(TcpSpec { tcp: Tcp::default(), connections: Connections::PerRequest, tls: 1 });
        }
        spec
    })
}

/// Silent for 30 ms of every 100.
fn gappy(rate: u64) -> RateProfile {
    let pieces = [(SimDuration::ZERO, BitsPerSecond::ZERO), (SimDuration::from_ms(30), BitsPerSecond::from_mbps(rate))];
    RateProfile::piecewise(&pieces, SimDuration::from_ms(100))
}

/// Pictures or frames of a video, sound, and what they are sent as.
type Content = (Option<Size>, Option<u32>, Option<SimDuration>, PayloadFormat);

/// Contents of a request beside its text.
fn payload() -> impl Strategy<Value = Content> {
    use PayloadFormat::{Fp16Tensor, Fp32Tensor, Jpeg, Rgb8, VisionTokens};
    let format = prop::sample::select(vec![Jpeg, Jpeg, Rgb8, Fp16Tensor, Fp32Tensor, VisionTokens, VisionTokens]);
    let frames = prop::option::weighted(0.2, 1u32..6);
    let sound = prop::option::weighted(0.2, (1u64..20).prop_map(SimDuration::from_secs));
    (sizes(), frames, sound, format)
}

prop_compose! {
    /// Any policy of `policy` on any platform, but for the link.
    pub fn plant(policy: BoxedStrategy<System>)(
        policy in policy, engine in engine(), requests in 1u64..16, arrivals in arrivals(), answer in answer(),
        (size, frames, sound, payload) in payload(), tokens in tokens(), edges in 1u32..4, gpus in 1u32..4,
        workers in 1u32..3, seed in any::<u64>(),
    ) -> RunSpec {
        let mut spec = spec(policy, engine, requests, 1);
        let shape = spec.shape();
        (shape.size, shape.output_tokens) = (size, answer);
        (shape.frames, shape.sound) = (frames.map(Law::from), sound.map(Law::from));
        (spec.workload.arrivals, spec.workload.payload) = (arrivals, payload);
        (spec.edges[0].count, spec.pools[0].gpus, spec.edges[0].cpu_workers) = (edges, gpus, workers);
        (spec.tokens, spec.seed) = (tokens, seed);
        spec
    }
}

/// Any policy of `policy` on any platform, often one of two groups of edges and two pools.
pub fn any_spec(policy: BoxedStrategy<System>) -> impl Strategy<Value = RunSpec> {
    plant(policy)
        .prop_flat_map(with_link)
        .prop_flat_map(|spec| prop_oneof![Just(spec.clone()), in_fleet(spec)])
        .prop_flat_map(|spec| prop_oneof![2 => Just(spec.clone()), 1 => behind_two_hops(spec)])
}

/// The platform with a second group of edges and a second pool, under any router.
fn in_fleet(spec: RunSpec) -> impl Strategy<Value = RunSpec> {
    let rules = vec![
        Rule::FewestRequests,
        Rule::ShortestWork,
        Rule::PrefixAffinity,
        Rule::RoundRobin,
        Rule::PowerOfTwo,
        Rule::ByClass,
    ];
    let every = prop::option::of(prop::sample::select(vec![0u64, 1, 50]).prop_map(SimDuration::from_ms));
    let own = prop::option::of(arrivals());
    let learners = prop::sample::select(vec![Learners::Edge, Learners::Shared]);
    (prop::sample::select(rules), every, own, learners, any::<bool>(), any::<bool>()).prop_map(
        move |(rule, report_every, own, learners, only_sends, shares)| {
            let mut spec = fleet(spec.clone());
            (spec.routing, spec.learners) = (Routing { rule, report_every }, learners);
            if shares && own.is_none() {
                (spec.edges[0].share, spec.edges[1].share) = (Some(Ratio::new(0.25)), Some(Ratio::new(0.75)));
            }
            (spec.edges[1].arrivals, spec.edges[1].only_sends) = (own, only_sends);
            spec
        },
    )
}
