//! Chains of hops: who shares them, and what differs by direction or over time.

use crate::common::oracle::Idle;
use crate::common::{Alike, Override, cloud_only, fleet, in_front, layer_split, mbps, run, run_logged, spec};
use engine::{Connections, HopSpec, RunSpec, SharedBy, Sharing, TcpSpec, Transport};
use kernel::{Profile, Tcp};
use model::engine_kind::EngineKind;
use units::{Bytes, Ratio, SimDuration};

/// Two groups of two edges, of which each sends 20,000 bytes at once to a GPU of its own.
fn two_groups() -> RunSpec {
    let mut spec = fleet(spec(cloud_only(), EngineKind::Graph, 4, 1).text_only(5000));
    spec.edges[1].tier = spec.edges[0].tier.clone();
    spec.pools.truncate(1);
    (spec.edges[1].pool, spec.accuracy) = (0, vec![vec![spec.accuracy[0][0]]; 2]);
    (spec.edges[0].count, spec.edges[1].count, spec.pools[0].gpus) = (2, 2, 4);
    spec
}

/// Upload times in ms, ascending, of one message up and a token of 8 bytes down that hardly matters.
fn upload_ms(spec: &RunSpec) -> Vec<f64> {
    let (_, log) = run_logged(spec);
    let rtt: u64 =
        spec.link.hops.iter().map(|hop| (hop.up.rtt.at(units::SimTime::ZERO) + hop.rtt_down()).as_ns() / 2).sum();
    let beside = rtt + Idle::new(&spec.pools[0].tier).prefill_ns(&log.requests[0].request.prompt);
    let mut times: Vec<f64> = log.e2e_ns().into_values().map(|e2e| (e2e - beside) as f64 / 1e6).collect();
    times.sort_by(f64::total_cmp);
    times
}

/// Twice the delay on the way down.
trait Down {
    fn rtt_down(&self) -> SimDuration;
}

impl Down for HopSpec {
    fn rtt_down(&self) -> SimDuration {
        self.down.rtt.at(units::SimTime::ZERO)
    }
}

fn near(times: &[f64], expected: &[f64]) {
    assert!(
        times.iter().zip(expected).all(|(time, expected)| (time - expected).abs() < 0.2),
        "{times:?}, {expected:?}"
    );
    assert_eq!(times.len(), expected.len());
}

#[test]
fn a_hop_is_shared_by_whom_the_scenario_says() {
    // 20,000 bytes take 16 ms at 10 Mbps.
    for (shared_by, expected) in [
        (SharedBy::Edge, [16.0, 16.0, 16.0, 16.0]),
        (SharedBy::Group, [16.0, 16.0, 32.0, 32.0]),
        (SharedBy::All, [16.0, 32.0, 48.0, 64.0]),
    ] {
        let mut spec = two_groups();
        in_front(&mut spec, HopSpec::new(shared_by, mbps(10)));
        near(&upload_ms(&spec), &expected);
        let fair = |spec: &RunSpec| {
            let mut spec = spec.clone();
            spec.link.hops[0].sharing = Sharing::Fair(None);
            upload_ms(&spec)
        };
        let last = expected[3];
        near(&fair(&spec), &[last; 4]);
        // A radio of each edge in front, as fast as the hop alone: the first flight is as fast, and the others wait.
        in_front(&mut spec, HopSpec::new(SharedBy::Edge, mbps(10)));
        near(&upload_ms(&spec), &expected);
    }
}

#[test]
fn a_hop_of_some_groups_holds_up_no_others() {
    let mut spec = two_groups();
    spec.link.hops.push(HopSpec::new(SharedBy::All, mbps(10)));
    spec.edges[1].hops = vec![1, 0];
    near(&upload_ms(&spec), &[0.4, 0.8, 16.0, 32.0]);
}

#[test]
fn delays_of_hops_and_directions_add_up() {
    let base = spec(cloud_only(), EngineKind::Graph, 3, 1).text_only(30);
    let e2e = |spec: &RunSpec| run_logged(spec).1.e2e_ns();
    let mut apart = base.clone();
    let ms = |ms| Profile::from(SimDuration::from_ms(ms));
    (apart.link.hops[0].up.rtt, apart.link.hops[0].down.rtt) = (ms(6), ms(34));
    assert_eq!(e2e(&apart), e2e(&base), "3 and 17 ms are 20");
    let mut longer = apart.clone();
    in_front(&mut longer, HopSpec::new(SharedBy::All, mbps(400)));
    (longer.link.hops[0].up.rtt, longer.link.hops[0].down.rtt) = (ms(0), ms(10));
    let (near, far) = (e2e(&apart), e2e(&longer));
    // A packet of 128 bytes and a token of 8 take a hop more, a packet at a time: nothing but the delay.
    assert!(near.iter().all(|(request, ns)| far[request] == ns + 5_000_000), "{near:?} {far:?}");
}

#[test]
fn a_loss_over_time_loses_only_while_it_lasts() {
    let piece = |ms, loss| (SimDuration::from_ms(ms), Ratio::new(loss));
    let lost_with = |pieces: &[(SimDuration, Ratio)]| {
        let mut spec = spec(cloud_only(), EngineKind::Graph, 40, 1).text_only(3620);
        spec.link.hops[0].up.loss = Profile::piecewise(pieces, SimDuration::from_secs(1000));
        let outcome = run(&spec);
        assert_eq!(outcome.up.sent, outcome.up.received + outcome.up.lost);
        assert_eq!(outcome.down.lost, Bytes::ZERO);
        outcome.up.lost
    };
    assert_eq!(lost_with(&[piece(0, 0.0), piece(900_000, 0.5)]), Bytes::ZERO);
    assert!(lost_with(&[piece(0, 0.5), piece(900_000, 0.0)]) > Bytes::ZERO);
}

#[test]
fn a_queue_behind_a_slower_hop_stays_empty() {
    let lost = |radio| {
        let mut spec = two_groups();
        spec.link.transport = Transport::Tcp(TcpSpec { tcp: Tcp::default(), connections: Connections::Kept, tls: 0 });
        spec.link.hops[0].set_rate(mbps(20));
        spec.link.hops[0].queue = Some(Bytes::new(10_000));
        in_front(&mut spec, HopSpec::new(SharedBy::Edge, mbps(radio)));
        let outcome = run(&spec);
        assert_eq!(outcome.metrics.completed, 4);
        outcome.up.lost
    };
    assert_eq!(lost(5), Bytes::ZERO);
    assert!(lost(200) > Bytes::ZERO);
}

/// Over a way of 30 ms up and 2 ms back, closed forms are those of requests that are alone.
#[test]
fn policies_plan_with_the_delay_of_each_direction() {
    for policy in [cloud_only(), layer_split(8)] {
        let mut spec = spec(policy, EngineKind::Graph, 20, 20);
        let hop = &mut spec.link.hops[0];
        hop.up.rtt = SimDuration::from_ms(60).into();
        hop.down.rtt = SimDuration::from_ms(4).into();
        let metrics = run(&spec).metrics;
        let closed_s = metrics.closed_forms.renewal.seconds / metrics.closed_forms.requests as f64;
        let simulated_s = metrics.e2e.sum_ns() as f64 / 1e9 / metrics.completed as f64;
        assert!((closed_s / simulated_s - 1.0).abs() < 1e-5, "{:?}: {closed_s} s, not {simulated_s} s", spec.policy);
    }
}
