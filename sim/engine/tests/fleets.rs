//! Fleets: groups of edges, pools of the cloud, and routers between them.

use crate::common::{Alike, Log, Override, cloud_only, edge_only, examples, fleet, run_logged, spec, ucb_route};
use engine::{Arrivals, Learners, Routing, Rule, RunSpec};
use model::engine_kind::EngineKind;
use policies::{ServedBy, System};
use units::{PerSecond, Ratio, SimDuration};

const RULES: [Rule; 6] =
    [Rule::FewestRequests, Rule::ShortestWork, Rule::PrefixAffinity, Rule::RoundRobin, Rule::PowerOfTwo, Rule::ByClass];

/// A fleet of one and two edges, a pool of one GPU and one of two, with open arrivals.
fn open(policy: System, per_second: f64, requests: u64) -> RunSpec {
    let mut spec = fleet(spec(policy, EngineKind::Vllm, requests, 20));
    spec.workload.arrivals = Arrivals::Poisson { rate: PerSecond::new(per_second) };
    spec
}

/// Requests in each pool.
fn in_pools(log: &Log) -> [usize; 2] {
    [0, 1].map(|pool| log.requests.iter().filter(|row| row.pool == Some(pool)).count())
}

#[test]
fn requests_are_the_same_whatever_the_router() {
    for (name, policy) in examples() {
        let prompts = |rule| {
            let mut spec = open(policy.clone(), 20.0, 12);
            spec.routing = Routing { rule, report_every: Some(SimDuration::from_ms(50)) };
            let mut rows = run_logged(&spec).1.requests;
            rows.sort_by_key(|row| row.request.prompt.request);
            rows.into_iter().map(|row| (row.request.prompt, row.edge, row.submit)).collect::<Vec<_>>()
        };
        let first = prompts(RULES[0]);
        assert!(RULES[1..].iter().all(|rule| prompts(*rule) == first), "{name}");
    }
}

#[test]
fn groups_of_equal_edges_and_pools_of_equal_replicas_are_one() {
    for (name, policy) in examples() {
        let mut one = spec(policy, EngineKind::Vllm, 12, 20);
        one.workload.arrivals = Arrivals::Poisson { rate: PerSecond::new(30.0) };
        (one.edges[0].count, one.pools[0].gpus) = (3, 3);
        let mut apart = one.clone();
        apart.edges.push(apart.edges[0].clone());
        apart.pools.push(apart.pools[0].clone());
        (apart.edges[0].count, apart.edges[1].count) = (1, 2);
        (apart.pools[0].gpus, apart.pools[1].gpus) = (1, 2);
        apart.accuracy = vec![vec![one.accuracy[0][0]; 2]; 2];
        let rows = |spec: &RunSpec| run_logged(spec).1.requests.len();
        assert_eq!(rows(&one), rows(&apart), "{name}");
        // Where one request is in flight at a time, a replica is a replica.
        for spec in [&mut one, &mut apart] {
            spec.workload.arrivals = Arrivals::Poisson { rate: PerSecond::new(0.01) };
        }
        assert_eq!(run_logged(&one).1.e2e_ns(), run_logged(&apart).1.e2e_ns(), "{name}");
    }
}

#[test]
fn a_class_has_its_pool() {
    let mut spec = open(cloud_only(), 20.0, 60);
    spec.routing.rule = Rule::ByClass;
    for row in run_logged(&spec).1.requests {
        // The second group, of edges 1 and 2, has the second pool.
        assert_eq!((row.group, row.pool), if row.edge == 0 { (0, Some(0)) } else { (1, Some(1)) });
    }
}

#[test]
fn a_round_robin_takes_turns_over_all_replicas() {
    let mut spec = open(cloud_only(), 20.0, 60);
    spec.routing.rule = Rule::RoundRobin;
    assert_eq!(in_pools(&run_logged(&spec).1), [20, 40]);
}

#[test]
fn expected_work_knows_that_a_pool_is_faster() {
    let share = |rule| {
        let mut spec = open(cloud_only(), 5.0, 100);
        spec.routing.rule = rule;
        in_pools(&run_logged(&spec).1)[1]
    };
    let (fewest, shortest) = (share(Rule::FewestRequests), share(Rule::ShortestWork));
    assert!(shortest > fewest, "{shortest} of 100 in the faster pool, and {fewest} by their number");
}

#[test]
fn a_pool_behind_a_longer_way_answers_later_by_its_round_trip() {
    let e2e = |rtt| {
        let mut spec = spec(cloud_only(), EngineKind::Vllm, 3, 5).text_only(30);
        spec.pools[0].rtt = SimDuration::from_ms(rtt);
        run_logged(&spec).1.e2e_ns()
    };
    let (near, far) = (e2e(0), e2e(7));
    assert!(near.iter().all(|(request, ns)| far[request] == ns + 7_000_000), "{near:?} {far:?}");
}

#[test]
fn policies_see_the_round_trip_of_their_pool() {
    // Jitter and loss apart, a link of 27 ms and one of 20 with 7 behind it are the same to a policy that plans by them.
    for (name, policy) in examples() {
        let base = spec(policy, EngineKind::Vllm, 6, 20);
        let (mut longer, mut behind) = (base.clone(), base);
        longer.link.hops[0].set_rtt(SimDuration::from_ms(27));
        behind.pools[0].rtt = SimDuration::from_ms(7);
        assert_eq!(run_logged(&longer).1.e2e_ns(), run_logged(&behind).1.e2e_ns(), "{name}");
    }
}

#[test]
fn old_reports_send_requests_to_the_same_replica() {
    let imbalance = |rule, report_every| {
        let mut spec = spec(cloud_only(), EngineKind::Vllm, 400, 20);
        (spec.edges[0].count, spec.pools[0].gpus) = (8, 4);
        spec.workload.arrivals = Arrivals::Poisson { rate: PerSecond::new(60.0) };
        spec.routing = Routing { rule, report_every };
        run_logged(&spec).0.metrics.e2e.mean_ms().expect("answers")
    };
    let late = Some(SimDuration::from_secs(1));
    let (exact, old) = (imbalance(Rule::FewestRequests, None), imbalance(Rule::FewestRequests, late));
    let two = imbalance(Rule::PowerOfTwo, late);
    assert!(exact < two && two < old, "exact {exact}, two of old reports {two}, fewest of old reports {old} ms");
}

#[test]
fn a_session_stays_where_its_prefix_is() {
    use model::dataset::Sessions;
    let cached = |rule| {
        let mut spec = fleet(spec(cloud_only(), EngineKind::Vllm019, 60, 20));
        spec.pools[0].gpus = 2;
        spec.workload.sessions = Some(Sessions { turns: 4.into(), think: SimDuration::from_secs(1).into() });
        spec.workload.arrivals = Arrivals::Poisson { rate: PerSecond::new(4.0) };
        spec.routing.rule = rule;
        let rows = run_logged(&spec).1.requests;
        rows.iter().map(|row| u64::from(row.memory.cached)).sum::<u64>()
    };
    let (affine, fewest) = (cached(Rule::PrefixAffinity), cached(Rule::RoundRobin));
    assert!(affine > fewest * 2, "{affine} tokens found, and {fewest} in turns");
}

#[test]
fn edges_without_a_gpu_only_send() {
    for (name, policy) in [("cloud_only", cloud_only()), ("edge_only", edge_only())] {
        let mut spec = open(policy, 20.0, 60);
        (spec.edges[1].has_gpu, spec.edges[1].only_sends) = (false, true);
        let (outcome, log) = run_logged(&spec);
        assert_eq!(outcome.edge.gpus, 1, "{name}");
        for row in log.requests {
            let by = if row.group == 1 || name == "cloud_only" { ServedBy::Cloud } else { ServedBy::Edge };
            assert_eq!(row.served_by, by, "{name}, request {}", row.request.prompt.request);
        }
    }
}

#[test]
fn groups_have_their_shares_and_arrivals_of_their_own() {
    let of_second = |spec: &RunSpec| run_logged(spec).1.requests.iter().filter(|row| row.group == 1).count();
    let mut shared = open(edge_only(), 50.0, 1000);
    (shared.edges[0].share, shared.edges[1].share) = (Some(Ratio::new(0.9)), Some(Ratio::new(0.1)));
    // 100 expected, with a deviation of 9.5.
    assert!((70..130).contains(&of_second(&shared)), "{}", of_second(&shared));
    let mut own = open(edge_only(), 30.0, 1000);
    own.edges[1].arrivals = Some(Arrivals::Poisson { rate: PerSecond::new(10.0) });
    // A quarter of them: 250, with a deviation of 13.7.
    assert!((205..295).contains(&of_second(&own)), "{}", of_second(&own));
    own.edges[1].arrivals = Some(Arrivals::ClosedLoop { clients: 1, think: SimDuration::ZERO });
    let log = run_logged(&own).1;
    assert!(log.requests.iter().any(|row| row.group == 0) && log.requests.iter().any(|row| row.group == 1));
    // A request that would come long after the last one is none of the run's.
    own.edges[1].arrivals = Some(Arrivals::Poisson { rate: PerSecond::new(1.0 / 3600.0) });
    let makespan = run_logged(&own).0.makespan;
    assert!(makespan < SimDuration::from_secs(600), "{makespan}");
}

#[test]
fn a_request_goes_to_a_pool_that_can_hold_it() {
    let mut spec = open(cloud_only(), 20.0, 30);
    spec.pools[0].tier.model.context_window = Some(100);
    assert_eq!(in_pools(&run_logged(&spec).1), [0, 30]);
    spec.pools[1].tier.model.context_window = Some(100);
    assert_eq!(run_logged(&spec).0.metrics.rejected, 30);
}

#[test]
fn edges_that_share_what_they_learn_explore_less() {
    // Twenty edges; each alone has to try the edge and the cloud by itself.
    let tries = |learners| {
        let mut spec = spec(ucb_route(), EngineKind::Vllm, 400, 20);
        spec.edges[0].count = 20;
        spec.workload.arrivals = Arrivals::Poisson { rate: PerSecond::new(2.0) };
        spec.learners = learners;
        let rows = run_logged(&spec).1.requests;
        let at_edge = rows.iter().filter(|row| row.served_by == ServedBy::Edge).count();
        at_edge.min(rows.len() - at_edge)
    };
    let (alone, shared) = (tries(Learners::Edge), tries(Learners::Shared));
    assert!(shared < alone / 2, "{shared} tries of the slower side, and {alone} alone");
}
