//! Readings of MSAO's "offloading": verified drafts, whole requests, or trust in the edge.

use crate::common::{Log, Override, cloud_only, edge_only, msao_of, run, run_logged, spec, unpruned};
use engine::{Kind, Outcome, RunSpec, Side};
use model::engine_kind::EngineKind;
use policies::{Msao, Router, Score, Semantics, ServedBy, System, ThetaSettings};
use std::collections::{BTreeMap, BTreeSet};
use units::Ratio;

fn trust(percentile: f64) -> System {
    let (percentile, least) = (Ratio::new(percentile), Ratio::ZERO);
    let theta = ThetaSettings { percentile, min_percentile: least, delta: Ratio::ONE, ..ThetaSettings::default() };
    System::Msao(Msao { semantics: Semantics::Trust, theta, ..unpruned() })
}

fn correct(log: &Log) -> BTreeMap<u64, f64> {
    log.requests.iter().map(|row| (row.request.prompt.request, row.correct.expect("a known accuracy"))).collect()
}

#[test]
fn trust_commits_what_it_is_sure_of_without_a_verdict() {
    let (outcome, log) = run_logged(&spec(trust(0.7), EngineKind::Vllm, 25, 1).geometric(60.0).clients(4));
    let mut sure = 0;
    for row in &log.requests {
        let moments = row.moments.expect("an answered request");
        assert_eq!(moments.tokens, row.request.output_tokens, "it ends at its length");
        // A round is one token of the cloud's; the others are the edge's.
        assert!(row.rounds <= row.request.output_tokens, "{row:?}");
        assert_eq!((row.drafted, row.accepted, row.served_by), (0, 0, ServedBy::Both));
        sure += row.request.output_tokens - row.rounds;
    }
    let share = f64::from(sure) / outcome.metrics.output_tokens as f64;
    assert!((0.6..0.85).contains(&share), "{share} of the tokens were trusted, a threshold at 70 %");
    assert_eq!((outcome.metrics.verified, outcome.metrics.accepted), (0, 0), "nothing is judged");
    assert_eq!(outcome.metrics.rounds, log.requests.iter().map(|row| u64::from(row.rounds)).sum::<u64>());
    // Each of them comes with one pass of the edge's own model, but for the first, which comes with the prompt.
    let own = log.steps.iter().filter(|step| (step.side, step.kind) == (Side::Edge, Kind::Decode)).count() as u64;
    assert_eq!(own, outcome.metrics.output_tokens - outcome.metrics.completed);
}

/// Every token is sure enough: no calibration token's entropy lies above the threshold.
fn all_sure(spec: &mut RunSpec) {
    let System::Msao(policy) = &mut spec.policy else { panic!("MSAO") };
    (policy.theta.percentile, policy.theta.calibration_samples) = (Ratio::new(0.999_99), 100_000);
}

#[test]
fn trust_is_as_right_as_whom_it_trusts() {
    let wanted =
        [cloud_only(), edge_only()].map(|policy| correct(&run_logged(&spec(policy, EngineKind::Graph, 400, 3)).1));
    assert!(wanted[0] != wanted[1]);
    for (acceptance, wanted) in [(1.0, &wanted[0]), (0.0, &wanted[1])] {
        let mut spec = spec(trust(0.5), EngineKind::Graph, 400, 3).iid(acceptance);
        all_sure(&mut spec);
        let (outcome, log) = run_logged(&spec);
        assert_eq!((outcome.metrics.rounds, outcome.metrics.by_cloud), (0, 0), "nobody is asked");
        assert_eq!(&correct(&log), wanted, "acceptance {acceptance}");
    }
}

#[test]
fn only_critical_tokens_make_an_answer_the_edge_s() {
    let right = |critical| {
        let mut spec = spec(trust(0.5), EngineKind::Graph, 300, 6).iid(0.7);
        all_sure(&mut spec);
        spec.critical_tokens = critical;
        correct(&run_logged(&spec).1)
    };
    let [none, some, all] = [0, 2, 32].map(right);
    let reference = |policy| correct(&run_logged(&spec(policy, EngineKind::Graph, 300, 6)).1);
    let (cloud, edge) = (reference(cloud_only()), reference(edge_only()));
    assert_eq!(none, cloud, "no token is critical");
    // Where the models differ, the answer is the edge's if one of the critical tokens is: 1 - .7^2 and 1 - .7^6.
    let differ: Vec<u64> = cloud.keys().copied().filter(|request| cloud[request] != edge[request]).collect();
    assert!(differ.len() > 60, "{}", differ.len());
    for (right, expected) in [(&some, 0.51), (&all, 0.882)] {
        let by_edge = differ.iter().filter(|request| right[request] == edge[request]).count() as f64;
        let (n, share) = (differ.len() as f64, by_edge / differ.len() as f64);
        let standard_error = (expected * (1.0 - expected) / n).sqrt();
        assert!((share - expected).abs() < 3.5 * standard_error, "{share} are the edge's, expected {expected}");
    }
}

/// Requests whose prompt was read to its end in the cloud, and those of which some was.
fn read_in_cloud(log: &Log) -> (usize, usize) {
    let mut read = BTreeMap::new();
    for step in log.steps.iter().filter(|step| (step.side, step.kind) == (Side::Cloud, Kind::Prefill)) {
        *read.entry(step.request).or_insert(0) += step.tokens;
    }
    (read.values().filter(|tokens| **tokens == 1893).count(), read.len())
}

#[test]
fn a_request_may_end_before_the_cloud_has_read_it() {
    // Short answers that eight edges are sure of, and one GPU in the cloud: their inputs are on the link, their prompts in
    // its queue, in an iteration, or waiting for memory when they end.
    for engine in EngineKind::ALL {
        let mut spec = spec(trust(0.5), engine, 60, 4).clients(2);
        all_sure(&mut spec);
        spec.edges[0].count = 8;
        spec.shape().text_tokens = 1500.into();
        for (mbps, room) in [(2, None), (400, None), (400, Some(2))] {
            spec.link.hops[0].up.rate = crate::common::mbps(mbps).into();
            if let Some(requests) = room {
                // Slots have equal parts of the memory.
                let slots = if engine == EngineKind::Llamacpp { 4 } else { 1 };
                let blocks = (1500u64 + 393 + 1024).div_ceil(16) * requests * slots;
                spec.pools[0].kv_blocks = Some(blocks);
            }
            let (outcome, log) = run_logged(&spec);
            assert_eq!((outcome.metrics.completed, outcome.metrics.output_tokens), (60, 240));
            assert_eq!(outcome.up.received, log.requests.iter().map(|row| row.uplink).sum(), "all is on the wire");
            let (read, begun) = read_in_cloud(&log);
            assert!(read < 60, "{engine:?} {mbps}: {read} read to their ends, {begun} begun");
        }
    }
}

fn route(router: Router) -> System {
    msao_of(Semantics::Route(router))
}

fn by_cloud(log: &Log) -> BTreeSet<u64> {
    let served = |row: &&engine::RequestRecord| row.served_by == ServedBy::Cloud;
    log.requests.iter().filter(served).map(|row| row.request.prompt.request).collect()
}

#[test]
fn the_shorter_queue_keeps_both_tiers_busy() {
    let spec = spec(route(Router::JoinShortestQueue), EngineKind::Hf, 300, 30).clients(2);
    let (outcome, log) = run_logged(&spec);
    let cloud = by_cloud(&log).len() as f64 / 300.0;
    assert!((0.35..0.65).contains(&cloud), "{cloud} of the requests went to the cloud");
    // Two clients and two servers of one request at a time: neither ever waits for the other's.
    let busy = |outcome: &Outcome| {
        [outcome.edge.busy, outcome.cloud.busy].map(|busy| busy.as_secs_f64() / outcome.makespan.as_secs_f64())
    };
    assert!(busy(&outcome).iter().all(|busy| *busy > 0.8), "{:?}", busy(&outcome));
    let alone = run(&RunSpec { policy: edge_only(), ..spec });
    assert!(outcome.makespan < alone.makespan * 7 / 10, "two servers are faster than one");
}

#[test]
fn a_static_share_is_the_same_requests_in_every_run() {
    let cloud = |share, seed, replication| {
        let policy = route(Router::Static(Ratio::new(share)));
        let spec = spec(policy, EngineKind::Graph, 1000, 1).text_only(30);
        by_cloud(&run_logged(&RunSpec { seed, replication, ..spec }).1)
    };
    for share in [0.1, 0.5, 0.8] {
        let chosen = cloud(share, 1, 0);
        let deviation = (1000.0f64 * share * (1.0 - share)).sqrt();
        assert!((chosen.len() as f64 - 1000.0 * share).abs() < 3.5 * deviation, "{} of 1000, {share}", chosen.len());
        assert_eq!(chosen, cloud(share, 1, 5));
        assert_eq!(chosen, cloud(share, 2, 0));
    }
    assert!(cloud(0.1, 1, 0).is_subset(&cloud(0.5, 1, 0)));
    assert_eq!((cloud(0.0, 1, 0).len(), cloud(1.0, 1, 0).len()), (0, 1000));
}

#[test]
fn a_better_router_is_right_more_often_with_the_same_cloud() {
    let (n, share) = (4000.0, 0.4);
    let mut last = 0.0;
    for auc in [0.5, 0.7, 0.85, 0.98] {
        let score = Score { auc: Ratio::new(auc), cloud_share: Ratio::new(share) };
        let (outcome, log) =
            run_logged(&spec(route(Router::Score(score)), EngineKind::Graph, n as u64, 1).text_only(30));
        let sent = by_cloud(&log).len() as f64;
        assert!((sent - n * share).abs() < 4.0 * (n * share * (1.0 - share)).sqrt(), "{sent} at {auc}");
        let right = outcome.metrics.correct / n;
        assert!(right > last, "{right} at an AUC of {auc}, {last} at the one before");
        if auc == 0.5 {
            // A coin: .4 of the cloud's accuracy and .6 of the edge's.
            assert!((right - (share * 0.77 + (1.0 - share) * 0.62)).abs() < 0.03, "{right}");
        }
        last = right;
    }
    assert!(last > 0.70, "{last}: nearly all that the edge gets wrong goes to the cloud");
}

#[test]
fn an_answer_that_comes_too_late_is_wrong() {
    let mut spec = spec(cloud_only(), EngineKind::Graph, 200, 1).geometric(20.0);
    let (_, on_time) = run_logged(&spec);
    let e2e = on_time.e2e_ns();
    let middle = e2e.values().copied().sum::<u64>() / 200;
    spec.deadline = Some(units::SimDuration::from_ns(middle));
    let (_, log) = run_logged(&spec);
    let expected = correct(&on_time)
        .into_iter()
        .map(|(request, right)| (request, if e2e[&request] > middle { 0.0 } else { right }));
    assert_eq!(correct(&log), expected.collect());
    assert!(correct(&log) != correct(&on_time));
}
