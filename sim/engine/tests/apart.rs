//! A run whose edges and cloud are simulated apart gives what one whole run gives: every row, every sum, every bit, on so many threads.

use crate::common::rows::results;
use crate::common::strategies::{config, plant, policy, warm_up};
use crate::common::{Alike, fleet};
use engine::{Arrivals, Connections, RunSpec, SharedBy, Sharing, TcpSpec, Transport};
use kernel::Tcp;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use std::cell::Cell;
use units::{PerSecond, SimDuration};

/// The same run in parts, on so many threads.
fn apart(spec: &RunSpec, threads: u32) -> RunSpec {
    RunSpec { threads, least_edges_apart: 1, ..spec.clone() }
}

/// Runs a spec whole and apart on each number of threads; the events of each.
fn all_ways(spec: &RunSpec, threads: &[u32]) -> Vec<u64> {
    let (whole, wanted) = results(spec, true);
    let (unseen, _) = results(&apart(spec, 2), false);
    let of = |threads: &u32| {
        let (events, found) = results(&apart(spec, *threads), true);
        if found != wanted {
            let differs = found.lines().zip(wanted.lines()).find(|(found, wanted)| found != wanted);
            panic!("apart on {threads} threads, and whole: {differs:#?}");
        }
        // Nor on what is recorded.
        assert_eq!(events, unseen, "events depend on the threads");
        events
    };
    std::iter::once(whole).chain(threads.iter().map(of)).collect()
}

/// The platform with a second group of edges.
fn two_groups(spec: RunSpec) -> RunSpec {
    let mut spec = fleet(spec);
    spec.pools.truncate(1);
    spec.accuracy.iter_mut().for_each(|of_pools| of_pools.truncate(1));
    spec.edges.iter_mut().for_each(|group| group.pool = 0);
    spec
}

prop_compose! {
    /// Any policy on any platform whose edges meet in the cloud alone.
    fn any_run()(
        spec in plant(policy().boxed()), warm_up in warm_up(), rate in 0.5..50.0, edges in 1u32..7,
        rtt in prop::sample::select(vec![1u64, 20, 150]), is_fair in any::<bool>(), by_window in any::<bool>(),
        groups in any::<bool>(), own in prop::option::of(0.5..50.0), reports in prop::option::of(0u64..50),
    ) -> RunSpec {
        let mut spec = if groups { two_groups(spec) } else { spec };
        let poisson = |rate| Arrivals::Poisson { rate: PerSecond::new(rate) };
        spec.edges.last_mut().expect("a group").arrivals = own.filter(|_| groups).map(poisson);
        spec.routing.report_every = reports.map(SimDuration::from_ms);
        spec.edges[0].count = edges;
        spec.workload.arrivals = poisson(rate);
        spec.workload.warm_up = warm_up;
        let hop = &mut spec.link.hops[0];
        (hop.shared_by, hop.sharing) = (SharedBy::Edge, if is_fair { Sharing::Fair(None) } else { Sharing::Fifo });
        hop.set_rtt(SimDuration::from_ms(rtt));
        if by_window {
            let connections = Connections::Kept;
            spec.link.transport = Transport::Tcp(TcpSpec { tcp: Tcp::default(), connections, tls: 0 });
        }
        spec
    }
}

#[test]
fn a_run_is_the_same_apart() {
    let config = config(256);
    let (cases, divided) = (config.cases, Cell::new(0));
    let run = |spec: RunSpec| {
        let events = all_ways(&spec, &[1, 2, 3]);
        divided.set(divided.get() + u32::from(events[0] != events[1]));
        Ok(())
    };
    TestRunner::new(config).run(&any_run(), run).unwrap_or_else(|error| panic!("{error}"));
    println!("{cases} runs, {} of them divided", divided.get());
    assert!(divided.get() > cases / 3, "only {} of {cases} runs were divided", divided.get());
}
