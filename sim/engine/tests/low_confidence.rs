//! MSAO's course at a token that is not sure enough, and the ways of verifying drafts.

use crate::common::{
    Alike, Log, Override, blocking, cloud_only, edge_only, layer_split, mindfusion, msao, msao_of, pipelined,
    run_logged, spec, ucb_route, unpruned,
};
use engine::{Kind, Outcome, RunSpec, Side};
use model::engine_kind::EngineKind;
use policies::{
    CacheAtLowConfidence, CloudPruned, DraftDuringVerify, DraftLength, LowConfidence, Msao, Semantics, Speculative,
    State, System, TokenDropping, VerifyRtt, VerifyRule, VerifySettings, VerifyTime,
};
use std::collections::BTreeSet;
use units::{Bytes, Ratio, SimDuration};

/// Every pair of what the edge does and what becomes of its cache that the policy takes, waiting or in a pipeline.
fn variants() -> Vec<Msao> {
    use CacheAtLowConfidence::{Discard, Flush, Persist};
    let mut all = Vec::new();
    for draft_during_verify in [DraftDuringVerify::Blocking, DraftDuringVerify::Pipelined(3)] {
        for low_confidence in [LowConfidence::Wait, LowConfidence::Continue, LowConfidence::RestOnCloud] {
            for cache_at_low_confidence in [Flush, Discard, Persist] {
                let policy = Msao { draft_during_verify, low_confidence, cache_at_low_confidence, ..unpruned() };
                let taken = System::Msao(policy.clone()).check().is_ok();
                assert_eq!(
                    taken,
                    cache_at_low_confidence != Persist || draft_during_verify == DraftDuringVerify::Blocking
                );
                all.extend(taken.then_some(policy));
            }
        }
    }
    all
}

fn logged(policy: &Msao, requests: u64) -> (Outcome, Log) {
    run_logged(&spec(System::Msao(policy.clone()), EngineKind::Vllm, requests, 1).geometric(60.0).clients(4))
}

#[test]
fn every_variant_commits_every_answer_whole() {
    for policy in variants() {
        let (outcome, log) = logged(&policy, 40);
        let mut unsure = 0;
        for row in &log.requests {
            let moments = row.moments.expect("an answered request");
            assert_eq!(moments.tokens, row.request.output_tokens, "{policy:?}");
            assert!(row.accepted <= row.drafted, "{policy:?}");
            unsure += row.drafted - row.accepted;
        }
        // One doubt a request is all that there is where the rest is left to the cloud.
        assert!(unsure > 40, "{policy:?}: {unsure} tokens were not accepted");
        assert!(
            outcome.metrics.accepted <= outcome.metrics.verified && outcome.metrics.verified <= outcome.metrics.drafted
        );
    }
}

#[test]
fn where_everything_is_sure_and_accepted_all_variants_are_one() {
    let mut seen = BTreeSet::new();
    for policy in variants() {
        let window = policy.draft_during_verify;
        let mut spec = spec(System::Msao(policy.clone()), EngineKind::Vllm, 20, 1).geometric(60.0).clients(3).iid(1.0);
        let System::Msao(policy) = &mut spec.policy else { unreachable!() };
        (policy.theta.percentile, policy.theta.calibration_samples) = (Ratio::new(0.999_99), 100_000);
        let (outcome, log) = run_logged(&spec);
        assert_eq!(outcome.metrics.accepted, outcome.metrics.drafted);
        let e2e: Vec<u64> = log.e2e_ns().into_values().collect();
        seen.insert((window == DraftDuringVerify::Blocking, e2e, outcome.journal.digest()));
    }
    assert_eq!(seen.len(), 2, "one way to wait and one to go on");
}

/// MSAO whose batches are cut short by doubt alone.
fn doubtful(low_confidence: LowConfidence, cache_at_low_confidence: CacheAtLowConfidence) -> Msao {
    Msao { low_confidence, cache_at_low_confidence, n_draft: DraftLength::Fixed(8), ..unpruned() }
}

/// Tokens of the edge that a run drafted more than once.
fn drafted_again(log: &Log) -> u64 {
    let drafts = log.steps.iter().filter(|step| step.kind == Kind::Draft).count() as u64;
    let places: BTreeSet<(u64, u64)> = log
        .steps
        .iter()
        .filter(|step| step.kind == Kind::Draft)
        .map(|step| (step.request, step.context_tokens))
        .collect();
    drafts - places.len() as u64
}

#[test]
fn doubt_that_goes_on_sends_the_unsure_token_itself() {
    let (_, log) = logged(&doubtful(LowConfidence::Continue, CacheAtLowConfidence::Flush), 25);
    // Every token that is drafted is judged, the unsure ones too, and the state goes with them.
    assert!(log.tokens.iter().all(|row| row.verified));
    let unsure = log.tokens.iter().filter(|row| row.entropy_nats > row.theta_nats);
    let (mut all, mut accepted) = (0, 0);
    for row in unsure {
        (all, accepted) = (all + 1, accepted + u32::from(row.accepted));
    }
    assert!(all > 100 && (0.3..0.8).contains(&(f64::from(accepted) / f64::from(all))), "{accepted} of {all}");
    for row in &log.requests {
        let tokens = log.tokens.iter().filter(|token| token.request == row.request.prompt.request);
        let states = tokens.clone().filter(|token| token.entropy_nats > token.theta_nats).count() as u64;
        let ids = tokens.count() as u64;
        assert_eq!(row.uplink.as_u64(), row.input.payload().as_u64() + 8 * ids + 3072 * states);
    }
}

#[test]
fn the_rest_on_the_cloud_is_decoded_there() {
    let (outcome, log) = logged(&doubtful(LowConfidence::RestOnCloud, CacheAtLowConfidence::Flush), 25);
    let mut rest = 0;
    for row in &log.requests {
        let steps = |side, kind| {
            let of = |step: &&engine::StepRecord| step.request == row.request.prompt.request;
            log.steps.iter().filter(of).filter(|step| (step.side, step.kind) == (side, kind)).collect::<Vec<_>>()
        };
        let (drafts, decodes) = (steps(Side::Edge, Kind::Draft), steps(Side::Cloud, Kind::Decode));
        if let (Some(last), Some(first)) = (drafts.last(), decodes.first()) {
            assert!(last.start < first.start, "the edge drafts no more");
        }
        rest += decodes.len() as u64;
        // Each verdict brings one token at most of the cloud's own; what it decodes comes one by one.
        let verdicts = u64::from(row.accepted + row.rounds);
        assert!(verdicts + decodes.len() as u64 >= u64::from(row.request.output_tokens));
    }
    assert!(rest * 2 > outcome.metrics.output_tokens, "{rest}: a first doubt comes early");
}

#[test]
fn a_cache_is_flushed_discarded_or_kept() {
    use CacheAtLowConfidence::{Discard, Flush, Persist};
    let [flush, discard, persist] =
        [Flush, Discard, Persist].map(|cache| logged(&doubtful(LowConfidence::Wait, cache), 25));
    // What is discarded was drafted for nothing, and is drafted again.
    assert!(drafted_again(&discard.1) > drafted_again(&flush.1) + 100);
    // Only full caches are judged where they persist: fewer and longer verdicts.
    let tokens = |outcome: &Outcome| outcome.metrics.verified as f64 / outcome.metrics.rounds as f64;
    assert!(tokens(&persist.0) > 1.5 * tokens(&flush.0), "{} {}", tokens(&persist.0), tokens(&flush.0));
    assert!(tokens(&discard.0) < tokens(&flush.0));
    // A token that the cloud made is no guess: it is never what a verdict rejects.
    let share = |outcome: &Outcome| outcome.metrics.accepted as f64 / outcome.metrics.verified as f64;
    assert!(share(&persist.0) < 1.0 && share(&persist.0) > 0.5);
}

#[test]
fn states_are_as_large_as_they_are_said_to_be() {
    let sent = |state_bytes| {
        let (_, log) = logged(&Msao { state_bytes, ..unpruned() }, 20);
        let extra = |row: &engine::RequestRecord| {
            let of = |token: &&engine::TokenRecord| token.request == row.request.prompt.request;
            let ids = log.tokens.iter().filter(of).filter(|token| token.verified).count() as u64;
            row.uplink.as_u64() - row.input.payload().as_u64() - 8 * ids
        };
        let unsure = log.tokens.iter().filter(|token| !token.verified).count() as u64;
        let positions = log.tokens.iter().filter(|token| !token.verified).map(|token| 423 + u64::from(token.position));
        let verified = log.tokens.iter().filter(|token| token.verified && token.round > 0).count() as u64;
        (log.requests.iter().map(extra).sum::<u64>(), unsure, positions.sum::<u64>(), verified)
    };
    let (hidden, unsure, ..) = sent(State::Hidden);
    assert_eq!(hidden, 3072 * unsure);
    assert_eq!(sent(State::IdsOnly).0, 0);
    let (delta, unsure, _, verified) = sent(State::KvDelta);
    assert!(delta % 28_672 == 0 && (unsure..unsure + verified).contains(&(delta / 28_672)), "{delta} {unsure}");
    // The context is the prompt (391 visual tokens, two markers, 30 of text) and the answer before the token.
    let (full, _, contexts, _) = sent(State::FullKv);
    assert_eq!(full, 28_672 * contexts);
}

fn verified(verify: VerifySettings, engine: EngineKind) -> RunSpec {
    let policy = Speculative { verify, ..Speculative::default() };
    spec(System::Speculative(policy), engine, 6, 60).text_only(100).iid(0.8)
}

#[test]
fn literal_verification_takes_an_iteration_a_draft() {
    for engine in EngineKind::ALL {
        let verify = VerifySettings { time: VerifyTime::Literal, ..VerifySettings::default() };
        let (literal, log) = run_logged(&verified(verify, engine));
        let (at_once, _) = run_logged(&verified(VerifySettings::default(), engine));
        let (drafts, rounds) = (literal.metrics.verified, literal.metrics.rounds);
        assert_eq!((drafts, rounds), (at_once.metrics.verified, at_once.metrics.rounds), "the same verdicts");
        let iterations = log.steps.iter().filter(|step| step.kind == Kind::Verify).count() as u64;
        assert_eq!(iterations, drafts, "T_verify = N_draft t_verify");
        let prompts = literal.cloud.iterations - iterations;
        assert_eq!(at_once.cloud.iterations, rounds + prompts);
        assert!(literal.metrics.e2e.sum_ns() > at_once.metrics.e2e.sum_ns());
    }
}

#[test]
fn batches_of_a_pipeline_keep_their_order_however_long_they_take() {
    let verify = VerifySettings { time: VerifyTime::Literal, ..VerifySettings::default() };
    let draft_during_verify = DraftDuringVerify::Pipelined(4);
    for engine in EngineKind::ALL {
        let policy = Speculative { verify, draft_during_verify, n_draft: 4, ..Speculative::default() };
        // The last batch is of one token, and would be through before the one that it follows.
        let (outcome, _) = run_logged(&spec(System::Speculative(policy), engine, 9, 61).clients(3).iid(1.0));
        assert_eq!(outcome.metrics.accepted, outcome.metrics.drafted, "{engine:?}: all agree, so none is rejected");
        assert_eq!(outcome.metrics.output_tokens, 9 * 61);
    }
}

#[test]
fn verification_without_the_link_takes_a_round_trip_less() {
    let verify = VerifySettings { rtt: VerifyRtt::None, ..VerifySettings::default() };
    let [over, past] =
        [VerifySettings::default(), verify].map(|verify| run_logged(&verified(verify, EngineKind::Vllm)));
    assert_eq!(over.0.metrics.rounds, past.0.metrics.rounds);
    let rounds = past.0.metrics.rounds;
    // 8 bytes a draft up and 16 a verdict down at 400 Mbit/s: 20 ns a byte.
    let link = rounds * (20_000_000 + 16 * 20) + past.0.metrics.verified * 160;
    let saved = over.0.metrics.e2e.sum_ns() - past.0.metrics.e2e.sum_ns();
    // A first batch may wait for the cloud's prompt in either case, and is then no sooner.
    let waits = u128::from(link) - saved;
    assert!(waits < 6 * 20_000_000 && saved > 0, "{saved} ns, {link} ns on the link");
    // The bytes are counted all the same, without headers, and conserved.
    for (outcome, log) in [&over, &past] {
        for traffic in [outcome.up, outcome.down] {
            assert_eq!((traffic.sent, traffic.lost), (traffic.received, Bytes::ZERO));
        }
        assert_eq!(outcome.up.sent, log.requests.iter().map(|row| row.uplink).sum());
    }
    assert_eq!((over.0.up, over.0.down), (past.0.up, past.0.down));
    let mut far = verified(verify, EngineKind::Vllm);
    far.link.hops[0].set_rtt(SimDuration::from_ms(500));
    let far = run_logged(&far).0;
    // Only the upload of the prompt takes half of it; the edge reads its own prompt meanwhile.
    assert!(far.metrics.e2e.sum_ns() - past.0.metrics.e2e.sum_ns() <= 6 * 240_000_000);
}

#[test]
fn what_is_compared_changes_the_bytes_up_and_nothing_else() {
    let runs =
        [(VerifyRule::Greedy, 8), (VerifyRule::StochasticTopk(50), 300), (VerifyRule::FullDistribution, 303_872)].map(
            |(rule, bytes)| {
                let verify = VerifySettings { rule, ..VerifySettings::default() };
                (bytes, run_logged(&verified(verify, EngineKind::Vllm)).0)
            },
        );
    for (bytes, outcome) in &runs {
        let metrics = &outcome.metrics;
        assert_eq!(outcome.up.sent.as_u64(), 6 * 400 + bytes * metrics.drafted);
        let (_, greedy) = &runs[0];
        let counts = |outcome: &Outcome| {
            let metrics = &outcome.metrics;
            (metrics.drafted, metrics.accepted, metrics.rounds, outcome.down, outcome.cloud.iterations)
        };
        assert_eq!(counts(outcome), counts(greedy));
    }
    assert!(runs[2].1.makespan > runs[0].1.makespan, "300 kB a token take their time");
}

#[test]
fn no_way_of_verifying_beats_the_bound_of_one_and_one_nth() {
    // A verdict brings one token that the edge has not drafted.
    let edge = run_logged(&spec(crate::common::edge_only(), EngineKind::Graph, 3, 300).text_only(30)).0.metrics;
    let own = edge.tpot.count() as f64 * 1e9 / edge.tpot.sum_ns() as f64;
    let rtt_free = VerifySettings { rtt: VerifyRtt::None, ..VerifySettings::default() };
    let mut closest: f64 = 0.0;
    for n_draft in [1, 2, 4, 8] {
        let (n, verify) = (DraftLength::Fixed(n_draft), rtt_free);
        let policies = [
            System::Speculative(Speculative { n_draft, verify, ..Speculative::default() }),
            System::Msao(Msao { n_draft: n, verify, ..unpruned() }),
            System::Msao(Msao { n_draft: n, verify, low_confidence: LowConfidence::Continue, ..unpruned() }),
        ];
        for policy in policies {
            let mut spec = spec(policy, EngineKind::Graph, 3, 300).text_only(30).iid(1.0);
            // A cloud that takes no time that matters.
            spec.pools[0].tier = crate::common::tier("h200-sxm", "qwen2-vl-2b", EngineKind::Graph);
            let metrics = run_logged(&spec).0.metrics;
            let rate = metrics.output_tokens as f64 / (metrics.e2e.sum_ns() - edge.ttft.sum_ns()) as f64 * 1e9;
            // Where doubt ends batches early, N is what they have on average.
            let mean = metrics.drafted as f64 / metrics.rounds as f64;
            let bound = own * (1.0 + 1.0 / mean);
            assert!(
                mean <= f64::from(n_draft) + 1.0 && rate <= bound,
                "{:?}: {rate} tok/s, bound {bound}",
                spec.policy
            );
            closest = closest.max(rate / bound);
        }
    }
    assert!(closest > 0.7, "the bound would hold for anything as slow as {closest} of it");
}

#[test]
fn a_round_trip_a_modality_delays_the_upload_and_nothing_else() {
    // Text and picture: two round trips in place of half of one. States of a model are no modality.
    let (nothing, all) = (0..=0, 30_000_000..=30_000_000);
    // The edge drafts or decodes meanwhile.
    let hidden = 0..=30_000_000;
    let delays = [
        (cloud_only(), all.clone()),
        (System::TokenDropping(TokenDropping::default()), all),
        // The plan knows of the delay, behind which the edge's prompt hides.
        (System::CloudPruned(CloudPruned::default()), 25_000_000..=30_000_000),
        (edge_only(), nothing.clone()),
        (layer_split(8), nothing.clone()),
        (mindfusion(8, true, true), nothing.clone()),
        (mindfusion(8, true, false), nothing),
        (blocking(4), hidden.clone()),
        (pipelined(4, 3), hidden.clone()),
        (msao(), hidden.clone()),
        (msao_of(Semantics::Trust), hidden),
    ];
    let extra = |policy: &System| -> Vec<u64> {
        let base = spec(policy.clone(), EngineKind::Vllm, 2, 10);
        let mut printed = base.clone();
        printed.link.rtt_per_modality = true;
        let [base, printed] = [&base, &printed].map(|spec| run_logged(spec).1.e2e_ns());
        base.iter().map(|(request, ns)| printed[request] - ns).collect()
    };
    for (policy, expected) in delays {
        let extra = extra(&policy);
        assert!(extra.iter().all(|ns| expected.contains(ns)), "{policy:?}: {extra:?}");
    }
    // The bandit knows of the delay, and tries the edge first.
    assert_eq!(extra(&ucb_route())[0], 0);
}
