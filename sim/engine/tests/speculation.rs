//! Drafting and verification: how many tokens a verdict brings, and that every token is accounted for.

use crate::common::{
    Alike, Log, Override, blocking, cloud_only, edge_only, examples, msao, pipelined, run, run_logged, spec, tier,
};
use engine::{Outcome, RequestRecord, RunSpec};
use model::engine_kind::EngineKind;
use policies::System;
use std::collections::BTreeMap;
use units::SimDuration;

/// Long answers, so that the last round of each weighs little.
fn long(policy: System, acceptance: f64) -> RunSpec {
    spec(policy, EngineKind::Graph, 30, 1000).text_only(30).iid(acceptance)
}

/// Mean and standard deviation of the tokens of a verdict that brings at most `most`: P(more than i) = a^i.
fn tokens_per_verdict(a: f64, most: u32) -> (f64, f64) {
    let power = |i: u32| (0..i).fold(1.0, |power, _| power * a);
    let mean: f64 = (0..most).map(power).sum();
    let square: f64 = (0..most).map(|i| f64::from(2 * i + 1) * power(i)).sum();
    (mean, (square - mean * mean).sqrt())
}

/// Compares with (1 - a^most) / (1 - a), within four standard errors.
fn compare(policy: &System, a: f64, most: u32) {
    let metrics = run(&long(policy.clone(), a)).metrics;
    let (mean, deviation) = tokens_per_verdict(a, most);
    assert!((mean - (1.0 - libm::pow(a, f64::from(most))) / (1.0 - a)).abs() < 1e-12, "the oracle's own check");
    let rounds = metrics.rounds as f64;
    let seen = metrics.output_tokens as f64 / rounds;
    let standard_error = deviation / rounds.sqrt();
    let message = || format!("{policy:?} at a = {a}: {seen}, expected {mean}, one s.e. is {standard_error}");
    assert!((seen - mean).abs() <= 4.0 * standard_error, "{}", message());
}

#[test]
fn a_verdict_brings_the_renewal_number_of_tokens() {
    for a in [0.3, 0.6, 0.825, 0.95] {
        for k in [1, 2, 4, 7] {
            compare(&blocking(k), a, k + 1);
            // The pipeline has no bonus token.
            compare(&pipelined(k, 3), a, k);
        }
    }
}

#[test]
fn rounds_are_exact_where_nothing_is_left_to_chance() {
    let rounds = |policy, a, output| {
        let metrics = run(&spec(policy, EngineKind::Vllm, 3, output).iid(a)).metrics;
        assert_eq!((metrics.output_tokens, metrics.rounds % 3), (3 * u64::from(output), 0));
        metrics.rounds / 3
    };
    for output in [1, 2, 9, 10, 11, 40] {
        for k in [1, 3, 4] {
            assert_eq!(rounds(blocking(k), 0.0, output), u64::from(output));
            assert_eq!(rounds(pipelined(k, 3), 0.0, output), u64::from(output));
            assert_eq!(rounds(blocking(k), 1.0, output), u64::from(output.div_ceil(k + 1)));
            assert_eq!(rounds(pipelined(k, 3), 1.0, output), u64::from(output.div_ceil(k)));
        }
    }
}

#[test]
fn every_policy_commits_every_answer_whole() {
    for engine in EngineKind::ALL {
        let lengths = examples().into_iter().map(|(name, policy)| {
            let (outcome, log) = run_logged(&spec(policy, engine, 30, 1).geometric(40.0).clients(3));
            assert_eq!(outcome.metrics.completed, 30, "{name}");
            for row in &log.requests {
                let moments = row.moments.expect("an answered request");
                assert_eq!(moments.tokens, row.request.output_tokens, "{name}: {:?}", row.request);
            }
            lengths(&log)
        });
        let lengths: Vec<_> = lengths.collect();
        assert!(lengths.iter().all(|these| *these == lengths[0]), "all policies serve the same requests");
        assert!(lengths[0].values().any(|length| *length != lengths[0][&0]), "lengths vary");
    }
}

fn lengths(log: &Log) -> BTreeMap<u64, u32> {
    log.requests.iter().map(|row| (row.request.prompt.request, row.request.output_tokens)).collect()
}

/// The target's agreement, by (request, position), for the drafts on which it gave an opinion: all that were
/// accepted and, where the edge waits for each verdict, the first that was not.
fn opinions(log: &Log, waits: bool) -> BTreeMap<(u64, u32), bool> {
    let mut opinions = BTreeMap::new();
    let mut rejected = BTreeMap::new();
    for row in log.tokens.iter().filter(|row| row.verified) {
        let first_rejection = !row.accepted && rejected.insert(row.request, row.round) != Some(row.round);
        if row.accepted || (waits && first_rejection) {
            opinions.insert((row.request, row.position), row.accepted);
        }
    }
    opinions
}

/// The draft's entropy by (request, position).
fn entropies(log: &Log) -> BTreeMap<(u64, u32), u32> {
    log.tokens.iter().map(|row| ((row.request, row.position), row.entropy_nats.to_bits())).collect()
}

/// Asserts that two maps agree wherever both have an entry, and that this is often.
fn agree<V: PartialEq + std::fmt::Debug>(first: &BTreeMap<(u64, u32), V>, second: &BTreeMap<(u64, u32), V>) {
    let shared: Vec<_> = first.keys().filter(|key| second.contains_key(key)).collect();
    assert!(shared.len() > 500, "{} tokens shared", shared.len());
    for key in shared {
        assert_eq!(first[key], second[key], "request and position {key:?}");
    }
}

#[test]
fn all_policies_meet_the_same_tokens() {
    let logs = [(blocking(1), true), (blocking(5), true), (pipelined(4, 3), false), (msao(), true)]
        .map(|(policy, waits)| (run_logged(&spec(policy, EngineKind::Graph, 20, 100)).1, waits));
    for (second, waits) in &logs[1..] {
        agree(&entropies(&logs[0].0), &entropies(second));
        agree(&opinions(&logs[0].0, true), &opinions(second, *waits));
    }
    let seen = opinions(&logs[0].0, true);
    assert!(seen.values().any(|agrees| *agrees) && seen.values().any(|agrees| !*agrees));
}

#[test]
fn a_pipeline_commits_what_blocking_commits() {
    let blocking = run_logged(&spec(blocking(4), EngineKind::Graph, 12, 1).geometric(80.0)).1;
    for window in 2..6 {
        let pipelined = run_logged(&spec(pipelined(4, window), EngineKind::Graph, 12, 1).geometric(80.0)).1;
        let committed = |log: &Log| -> BTreeMap<u64, u32> {
            let tokens = |row: &RequestRecord| row.moments.expect("an answered request").tokens;
            log.requests.iter().map(|row| (row.request.prompt.request, tokens(row))).collect()
        };
        assert_eq!(committed(&blocking), committed(&pipelined), "window {window}");
    }
}

/// A cloud and a link so fast that only the edge counts.
fn ideal(policy: System) -> RunSpec {
    let mut spec = spec(policy, EngineKind::Graph, 1, 1000).text_only(30).iid(1.0);
    spec.pools[0].tier = tier("h200-sxm", "qwen2-vl-2b", EngineKind::Graph);
    spec.pools[0].tier.engine.overhead = SimDuration::ZERO;
    spec.link.hops[0].set_rate(crate::common::mbps(100_000));
    spec.link.hops[0].set_rtt(SimDuration::ZERO);
    spec
}

/// Tokens a second from the end of the edge's prompts on, with a step of the edge's for each first draft, which comes with
/// its prompt.
fn rate_after(outcome: &Outcome, prompt_ns: u128, own: f64) -> f64 {
    let metrics = &outcome.metrics;
    let first_drafts = metrics.completed as f64 / own;
    metrics.output_tokens as f64 / ((metrics.e2e.sum_ns() - prompt_ns) as f64 * 1e-9 + first_drafts)
}

#[test]
fn verified_drafting_never_beats_the_bound_of_one_and_one_nth() {
    let edge = run(&ideal(edge_only()));
    let prompt_ns = edge.metrics.ttft.sum_ns();
    let own = 1e9 / (edge.metrics.tpot.sum_ns() as f64);
    let mut closest: f64 = 0.0;
    for n in [1, 2, 4, 8] {
        let bound = own * (1.0 + 1.0 / f64::from(n));
        let blocking = rate_after(&run(&ideal(blocking(n))), prompt_ns, own);
        let pipelined = rate_after(&run(&ideal(pipelined(n, 4))), prompt_ns, own);
        assert!(blocking <= bound, "blocking, n = {n}: {blocking} tok/s, bound {bound}");
        // Without a bonus the bound is the edge's own rate; a pipeline that nothing stops attains it.
        assert!(pipelined <= own * 1.0001, "pipelined, n = {n}: {pipelined} tok/s, edge alone {own}");
        assert!(pipelined >= own * 0.98, "pipelined, n = {n}: {pipelined} tok/s, edge alone {own}");
        closest = closest.max(blocking / bound);
    }
    assert!(closest > 0.8, "the bound would hold for anything as slow as {closest} of it");
}

#[test]
fn the_paper_s_platform_keeps_the_bound_too() {
    for engine in EngineKind::ALL {
        let edge = run(&spec(edge_only(), engine, 5, 200));
        let own = edge.metrics.tpot.count() as f64 * 1e9 / edge.metrics.tpot.sum_ns() as f64;
        for (policy, n) in [(blocking(2), 2.0), (blocking(5), 5.0), (pipelined(3, 4), 3.0), (msao(), 1.0)] {
            let outcome = run(&spec(policy.clone(), engine, 5, 200));
            let rate = rate_after(&outcome, edge.metrics.ttft.sum_ns(), own);
            assert!(rate <= own * (1.0 + 1.0 / n), "{engine:?} {policy:?}: {rate}, edge alone {own}");
        }
    }
}

/// Rows of the token log of one request: sent, sent and accepted, not sure enough.
fn rows(log: &Log, request: u64) -> [u32; 3] {
    let count = |keep: fn(&engine::TokenRecord) -> bool| {
        log.tokens.iter().filter(|row| row.request == request && keep(row)).count() as u32
    };
    [count(|row| row.verified), count(|row| row.accepted), count(|row| !row.verified)]
}

/// Bytes of a request's input as it was sent, headers being none.
fn input_bytes(row: &RequestRecord) -> u64 {
    row.input.payload().as_u64()
}

#[test]
fn blocking_wastes_nothing_but_what_is_rejected() {
    let (outcome, log) = run_logged(&spec(blocking(4), EngineKind::Vllm, 25, 1).geometric(60.0).clients(4));
    for row in &log.requests {
        let [sent, accepted, unsure] = rows(&log, row.request.prompt.request);
        assert_eq!((row.drafted, row.accepted, unsure), (sent, accepted, 0));
        // A round brings the accepted drafts and one token of the target's, unless the answer ended before.
        let own = row.request.output_tokens - row.accepted;
        assert!(own == row.rounds || own + 1 == row.rounds, "{own} tokens by the target, {} rounds", row.rounds);
        assert_eq!(row.uplink.as_u64(), input_bytes(row) + 8 * u64::from(sent));
        assert_eq!(row.downlink.as_u64(), 16 * u64::from(row.rounds));
    }
    assert_eq!(outcome.metrics.verified, outcome.metrics.drafted);
    assert_eq!(outcome.metrics.drafted, log.requests.iter().map(|row| u64::from(row.drafted)).sum::<u64>());
    assert_eq!(outcome.metrics.accepted, log.tokens.iter().filter(|row| row.accepted).count() as u64);
}

#[test]
fn the_token_log_tells_batches_apart_that_wait_together() {
    let (_, log) = run_logged(&spec(pipelined(3, 4), EngineKind::Vllm, 25, 1).geometric(60.0).clients(4));
    let mut batches: std::collections::BTreeMap<(u64, u32), Vec<u32>> = std::collections::BTreeMap::new();
    for row in &log.tokens {
        batches.entry((row.request, row.round)).or_default().push(row.position);
    }
    let mut full = 0;
    for ((request, round), positions) in &batches {
        assert!(positions.windows(2).all(|pair| pair[1] == pair[0] + 1), "{request}, {round}: {positions:?}");
        assert!(positions.len() <= 3, "{request}, {round}: {positions:?}");
        assert!(*round == 0 || batches.contains_key(&(*request, round - 1)), "{request} has no batch before {round}");
        full += u32::from(positions.len() == 3);
    }
    assert!(full > 100, "{full} full batches");
}

#[test]
fn a_pipeline_pays_for_void_batches_too() {
    let (outcome, log) = run_logged(&spec(pipelined(4, 4), EngineKind::Vllm, 25, 1).geometric(60.0).clients(4));
    let (mut void, mut never_sent) = (0, 0);
    for row in &log.requests {
        // Rows without a verdict are those of void batches: nothing is unsure here.
        let [judged, accepted, unjudged] = rows(&log, row.request.prompt.request);
        let sent = judged + unjudged;
        assert_eq!(row.accepted, accepted);
        assert!(row.drafted >= sent);
        assert_eq!(row.uplink.as_u64(), input_bytes(row) + 8 * u64::from(sent), "void batches are charged");
        // There is no bonus: what was not accepted is a correction.
        assert!(row.request.output_tokens - row.accepted <= row.rounds);
        (void, never_sent) = (void + u64::from(unjudged), never_sent + u64::from(row.drafted - sent));
    }
    assert!(void > 100 && never_sent > 10, "{void} void, {never_sent} never sent");
    assert_eq!(outcome.metrics.drafted, outcome.metrics.verified + void + never_sent);
    assert_eq!(outcome.up.sent, log.requests.iter().map(|row| row.uplink).sum(), "void batches are on the wire");
}

#[test]
fn msao_sends_a_state_with_every_unsure_token() {
    let (outcome, log) = run_logged(&spec(msao(), EngineKind::Vllm, 25, 1).geometric(60.0).clients(4));
    let mut states = 0;
    for row in &log.requests {
        let [sent, accepted, unsure] = rows(&log, row.request.prompt.request);
        assert_eq!((row.drafted, row.accepted), (sent + unsure, accepted));
        assert_eq!(row.uplink.as_u64(), input_bytes(row) + 8 * u64::from(sent) + 3072 * u64::from(unsure));
        states += unsure;
    }
    assert!(states > 100, "{states} unsure tokens");
    let sent = log.tokens.iter().filter(|row| row.verified).count() as u64;
    assert_eq!((outcome.metrics.verified, outcome.metrics.drafted), (sent, sent + u64::from(states)));
}

#[test]
fn msao_offloads_exactly_the_tokens_above_the_threshold() {
    let (_, log) = run_logged(&spec(msao(), EngineKind::Vllm, 10, 100));
    for row in &log.tokens {
        // The threshold is the one at which the batch was sent: nothing changes it while a batch is drafted.
        assert_eq!(row.verified, row.entropy_nats <= row.theta_nats, "{row:?}");
    }
}

#[test]
fn policies_that_do_not_draft_have_no_rounds() {
    for policy in [cloud_only(), edge_only()] {
        let (outcome, log) = run_logged(&spec(policy, EngineKind::Vllm, 5, 20));
        let metrics = &outcome.metrics;
        assert_eq!((metrics.drafted, metrics.verified, metrics.accepted, metrics.rounds), (0, 0, 0, 0));
        assert!(log.tokens.is_empty());
    }
}
