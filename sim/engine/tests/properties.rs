//! Properties of any run: it ends, every invariant holds, and the same spec gives the same events.

use crate::common::strategies::{any_spec, config, plant, policy, with_link};
use crate::common::{Alike, Override, cloud_only, examples, mbps, run_logged, spec, sums, try_run};
use engine::{RunSpec, Status};
use kernel::Journal;
use model::engine_kind::EngineKind;
use proptest::prelude::*;

proptest! {
    #![proptest_config(config(192))]

    #[test]
    fn every_run_ends_and_serves_every_request(spec in any_spec(policy().boxed())) {
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
    fn a_second_run_has_the_same_events(spec in any_spec(policy().boxed())) {
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
        spec in plant(Just(cloud_only()).boxed()).prop_flat_map(with_link), times in 2u64..5
    ) {
        let mut spec = spec.clients(1);
        // Another time of day finds another rate; steady links can be compared.
        spec.link.hops[0].up.rate = spec.link.hops[0].down.rate.clone();
        spec.edges[0].count = 1;
        let base = run_logged(&spec).1.e2e_ns();
        let mut farther = spec.clone();
        farther.link.hops[0].set_rtt(spec.link.hops[0].rtt() * times);
        let mut wider = spec.clone();
        let rate = spec.link.hops[0].up.rate.at(units::SimTime::ZERO).as_u64() / 1_000_000;
        wider.link.hops[0].set_rate(mbps(rate * times));
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
    for (name, policy) in examples() {
        // Answers of random length, so that even a policy that sends no picture has random events.
        let base = spec(policy, EngineKind::Vllm, 5, 10).geometric(20.0);
        let digest = |spec: &RunSpec| run_journal(spec, Journal::digest_only()).digest();
        let other = [RunSpec { seed: 2, ..base.clone() }, RunSpec { replication: 1, ..base.clone() }];
        for other in &other {
            assert_ne!(digest(&base), digest(other), "{name}");
        }
    }
}

#[test]
fn records_and_their_absence_change_nothing() {
    for (name, policy) in examples() {
        let spec = spec(policy, EngineKind::Vllm, 8, 30).clients(3);
        let progress = std::sync::atomic::AtomicU64::new(0);
        let quiet = engine::simulate(&spec, Journal::digest_only(), &mut engine::NoRecorder, &progress);
        let quiet = quiet.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(sums(&quiet), sums(&run_logged(&spec).0), "{name}");
        assert_eq!(progress.into_inner(), 8, "{name}");
    }
}
