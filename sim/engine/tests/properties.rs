//! Whatever the scenario: runs end, every invariant holds, and the same spec gives the same events.

mod common;

use common::{
    Override, all_policies, blocking, cloud_only, edge_only, layer_split, mbps, msao, pipelined, run_logged, spec,
    try_run, ucb_route,
};
use engine::{Answer, Arrivals, RunSpec, Sharing, Status};
use kernel::{Journal, RateProfile};
use model::{engine_kind::EngineKind, tokens::TokenProcess};
use policies::System;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use units::{BitsPerSecond, Bytes, PerSecond, Ratio, SimDuration};

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default() }
}

fn policy() -> impl Strategy<Value = System> {
    prop_oneof![
        Just(cloud_only()),
        Just(edge_only()),
        Just(ucb_route()),
        Just(msao()),
        (1u32..28).prop_map(layer_split),
        (1u32..7).prop_map(blocking),
        (1u32..7, 2u32..5).prop_map(|(n, window)| pipelined(n, window)),
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

fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![(1u32..40).prop_map(Answer::Fixed), (1.0..30.0).prop_map(Answer::OnePlusGeometric)]
}

fn sizes() -> impl Strategy<Value = Vec<(u32, u32, f64)>> {
    prop::sample::select(vec![vec![], vec![(640, 480, 1.0)], vec![(224, 224, 2.0), (1280, 720, 1.0)]])
}

/// A link: steady or with silent moments, calm or jittery, lossless or not, in turns or shared.
fn with_link(spec: RunSpec) -> impl Strategy<Value = RunSpec> {
    let sharing = prop::sample::select(vec![
        Sharing::Fifo,
        Sharing::Fair(None),
        Sharing::Fair(Some(BitsPerSecond::from_mbps(50))),
    ]);
    let choice = |values: &[u64]| prop::sample::select(values.to_vec());
    let loss = prop_oneof![Just(0.0), 0.0..0.3];
    let numbers = (choice(&[0, 1, 20, 150]), 10u64..1000, choice(&[0, 52]), choice(&[0, 7]), loss, any::<bool>());
    (sharing, numbers).prop_map(move |(sharing, (rtt, rate, header, jitter, loss, steady))| {
        let mut spec = spec.clone();
        let link = &mut spec.link;
        (link.sharing, link.rtt, link.loss) = (sharing, SimDuration::from_ms(rtt), Ratio::new(loss));
        (link.header, link.jitter) = (Bytes::new(header), SimDuration::from_ms(jitter));
        (link.up, link.down) = (if steady { mbps(rate) } else { gappy(rate) }, mbps(rate));
        spec
    })
}

/// Silent for 30 ms of every 100.
fn gappy(rate: u64) -> RateProfile {
    let pieces = [(SimDuration::ZERO, BitsPerSecond::ZERO), (SimDuration::from_ms(30), BitsPerSecond::from_mbps(rate))];
    RateProfile::piecewise(&pieces, SimDuration::from_ms(100))
}

prop_compose! {
    fn plant()(
        policy in policy(), engine in engine(), requests in 1u64..16, arrivals in arrivals(), answer in answer(),
        sizes in sizes(), tokens in tokens(), edges in 1u32..4, gpus in 1u32..4, workers in 1u32..3, seed in any::<u64>(),
    ) -> RunSpec {
        let mut spec = spec(policy, engine, requests, 1);
        (spec.shape().sizes, spec.shape().answer, spec.workload.arrivals) = (sizes, answer, arrivals);
        (spec.edge.count, spec.cloud.gpus, spec.edge.cpu_workers) = (edges, gpus, workers);
        (spec.tokens, spec.seed) = (tokens, seed);
        spec
    }
}

fn any_spec() -> impl Strategy<Value = RunSpec> {
    plant().prop_flat_map(with_link)
}

proptest! {
    #![proptest_config(config(192))]

    #[test]
    fn every_run_ends_and_serves_every_request(spec in any_spec()) {
        // `run_logged` panics if a run is not sound: all invariants are checked in it.
        let (outcome, log) = run_logged(&spec);
        let metrics = &outcome.metrics;
        prop_assert_eq!(metrics.submitted, spec.workload.requests);
        prop_assert_eq!(metrics.submitted, metrics.completed + metrics.rejected);
        prop_assert_eq!(log.requests.len() as u64, spec.workload.requests);
        for row in &log.requests {
            prop_assert_eq!(row.status, Status::Completed);
            let moments = row.moments.expect("an answered request");
            prop_assert!(row.submit <= moments.first_token && moments.first_token <= moments.last_token);
            prop_assert_eq!(moments.tokens, row.request.output_tokens);
            prop_assert!(row.accepted <= row.drafted);
            for (modality, kept) in row.input.kept.iter() {
                prop_assert!(kept.retention > 0.0 && kept.retention <= 1.0, "{:?}: {:?}", modality, kept);
                prop_assert!((0.0..1.0).contains(&kept.compression), "{:?}: {:?}", modality, kept);
            }
        }
        prop_assert_eq!(metrics.itl.sum_ns(), metrics.e2e.sum_ns() - metrics.ttft.sum_ns());
        prop_assert_eq!(metrics.itl.count(), metrics.output_tokens - metrics.completed);
    }

    #[test]
    fn a_second_run_has_the_same_events(spec in any_spec()) {
        let first = run_journal(&spec, Journal::recorder());
        let digest = first.digest();
        let second = run_journal(&spec, Journal::checker(first));
        prop_assert_eq!(second.difference(), None);
        prop_assert_eq!(second.digest(), digest);
    }
}

fn run_journal(spec: &RunSpec, journal: Journal) -> Journal {
    try_run(spec, journal).unwrap_or_else(|error| panic!("{error}")).0.journal
}

proptest! {
    #![proptest_config(config(64))]

    #[test]
    fn a_longer_or_slower_way_never_helps_a_single_client(
        spec in plant().prop_flat_map(with_link), times in 2u64..5
    ) {
        let mut spec = RunSpec { policy: cloud_only(), ..spec.clients(1) };
        // Another time of day finds another rate; steady links can be compared.
        spec.link.up = spec.link.down.clone();
        spec.edge.count = 1;
        let base = run_logged(&spec).1.e2e_ns();
        let mut farther = spec.clone();
        farther.link.rtt = spec.link.rtt * times;
        let mut wider = spec.clone();
        let rate = spec.link.up.at(units::SimTime::ZERO).as_u64() / 1_000_000;
        (wider.link.up, wider.link.down) = (mbps(rate * times), mbps(rate * times));
        let (farther, wider) = (run_logged(&farther).1.e2e_ns(), run_logged(&wider).1.e2e_ns());
        for (request, ns) in &base {
            prop_assert!(farther[request] >= *ns, "request {}: {} ns at {} times the RTT", request, ns, times);
            // Shared messages end on whole nanoseconds, rounded up.
            prop_assert!(wider[request] <= *ns + 100, "request {}: {} ns", request, ns);
        }
    }
}

#[test]
fn replications_and_seeds_are_runs_of_their_own() {
    for (name, policy) in all_policies() {
        let base = spec(policy, EngineKind::Vllm, 5, 10);
        let digest = |spec: &RunSpec| run_journal(spec, Journal::digest_only()).digest();
        let other = [RunSpec { seed: 2, ..base.clone() }, RunSpec { replication: 1, ..base.clone() }];
        for other in &other {
            // With pictures of one size and answers of one length only the pictures' bytes are random, and the drafts.
            let sends_no_picture = matches!(name, "edge_only" | "layer_split");
            assert_eq!(digest(&base) == digest(other), sends_no_picture, "{name}");
        }
    }
}

#[test]
fn records_and_their_absence_change_nothing() {
    for (name, policy) in all_policies() {
        let spec = spec(policy, EngineKind::Vllm, 8, 30).clients(3);
        let progress = std::sync::atomic::AtomicU64::new(0);
        let quiet = engine::simulate(&spec, Journal::digest_only(), &mut engine::Nobody, &progress);
        let quiet = quiet.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(quiet.journal.digest(), run_logged(&spec).0.journal.digest(), "{name}");
        assert_eq!(progress.into_inner(), 8, "{name}");
    }
}
