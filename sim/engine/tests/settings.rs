//! Every setting of MSAO and of plain speculation with every other: runs end, every invariant holds, every answer is committed whole.

use crate::common::run_logged;
use crate::common::strategies::{any_spec, config};
use engine::{RunSpec, Status};
use model::request::{PruneStage, RhoMeaning};
use policies::{
    AcceptRule, Awareness, BonusToken, CacheAtLowConfidence, DraftDuringVerify, DraftLength, EntropyUnits,
    LowConfidence, Msao, PlanSettings, Reset, Router, Score, Semantics, Solver, Speculative, State, System,
    ThetaSettings, VerifyRtt, VerifyRule, VerifySettings, VerifyTime,
};
use proptest::prelude::*;
use units::Ratio;

fn one_of<T: Clone + std::fmt::Debug + 'static>(all: &[T]) -> impl Strategy<Value = T> + use<T> {
    prop::sample::select(all.to_vec())
}

fn semantics() -> impl Strategy<Value = Semantics> {
    let score = Score { auc: Ratio::new(0.8), cloud_share: Ratio::new(0.4) };
    let router = one_of(&[Router::JoinShortestQueue, Router::Score(score), Router::Static(Ratio::new(0.5))]);
    prop_oneof![5 => Just(Semantics::Alg1), 3 => Just(Semantics::Trust), 1 => router.prop_map(Semantics::Route)]
}

fn draft_length() -> impl Strategy<Value = DraftLength> {
    let rules = one_of(&[DraftLength::Line5, DraftLength::Recompute, DraftLength::AcceptTarget]);
    prop_oneof![rules, (1u32..8).prop_map(DraftLength::Fixed)]
}

fn drafting() -> impl Strategy<Value = DraftDuringVerify> {
    prop_oneof![Just(DraftDuringVerify::Blocking), (2u32..6).prop_map(DraftDuringVerify::Pipelined)]
}

prop_compose! {
    fn verify()(
        time in one_of(&[VerifyTime::OneIteration, VerifyTime::Literal]),
        rtt in one_of(&[VerifyRtt::Full, VerifyRtt::None]),
        rule in one_of(&[VerifyRule::Greedy, VerifyRule::StochasticTopk(20), VerifyRule::FullDistribution]),
    ) -> VerifySettings {
        VerifySettings { time, rtt, rule }
    }
}

prop_compose! {
    fn theta()(
        percentile in 0.05f64..0.99, least in prop_oneof![Just(0.0), 0.0f64..1.0], delta in 0.3f64..=1.0,
        p_target in 0.05f64..0.95, weight in 0.0f64..=1.0, calibration_samples in 1u32..300,
        accept_rule in one_of(&[
            AcceptRule::EmaRecover, AcceptRule::EmaEntropy, AcceptRule::Static, AcceptRule::Quantile,
        ]),
        reset in one_of(&[Reset::PerRequest, Reset::Persistent]),
        entropy_units in one_of(&[EntropyUnits::Nats, EntropyUnits::Normalised, EntropyUnits::LiteralCap1]),
    ) -> ThetaSettings {
        let min_percentile = Ratio::new(least * percentile);
        let [percentile, delta, p_target, acceptance_weight] = [percentile, delta, p_target, weight].map(Ratio::new);
        ThetaSettings {
            percentile, min_percentile, delta, p_target, accept_rule, acceptance_weight, reset, entropy_units,
            calibration_samples,
        }
    }
}

prop_compose! {
    fn plan()(
        modality_awareness in one_of(&[Awareness::Mas, Awareness::Mas, Awareness::Uniform(Ratio::new(0.6))]),
        coarse_solver in one_of(&[Solver::Exact, Solver::None, Solver::Random(20)]),
        prune_stage in one_of(&[PruneStage::PreVit, PruneStage::PostVit]),
        rho_meaning in one_of(&[RhoMeaning::Bytes, RhoMeaning::TokenMerge]),
    ) -> PlanSettings {
        PlanSettings { modality_awareness, coarse_solver, prune_stage, rho_meaning, ..PlanSettings::default() }
    }
}

prop_compose! {
    fn any_msao()(
        semantics in semantics(), n_draft in draft_length(), n_max in 1u32..9, draft_during_verify in drafting(),
        bonus_token in one_of(&[BonusToken::WhenBlocking, BonusToken::Never]),
        low_confidence in one_of(&[LowConfidence::Wait, LowConfidence::Continue, LowConfidence::RestOnCloud]),
        cache_at_low_confidence in one_of(&[
            CacheAtLowConfidence::Flush, CacheAtLowConfidence::Discard, CacheAtLowConfidence::Persist,
        ]),
        state_bytes in one_of(&[State::Hidden, State::IdsOnly, State::KvDelta, State::FullKv]),
        plan in plan(), theta in theta(), verify in verify(),
    ) -> Msao {
        Msao {
            semantics, n_draft, n_max, draft_during_verify, bonus_token, low_confidence, cache_at_low_confidence,
            state_bytes, plan, theta, verify, ..Msao::default()
        }
    }
}

prop_compose! {
    fn any_speculative()(
        n_draft in 1u32..9, draft_during_verify in drafting(), verify in verify(),
        bonus_token in one_of(&[BonusToken::WhenBlocking, BonusToken::Never]),
    ) -> Speculative {
        Speculative { n_draft, draft_during_verify, bonus_token, verify }
    }
}

fn policy() -> impl Strategy<Value = System> {
    let policies =
        prop_oneof![5 => any_msao().prop_map(System::Msao), 1 => any_speculative().prop_map(System::Speculative)];
    policies.prop_filter("refused by its own check", |system| system.check().is_ok())
}

/// Any run of MSAO, with memory for everybody or for one or two requests at a time.
fn any_run() -> impl Strategy<Value = RunSpec> {
    (any_spec(policy().boxed()), one_of(&[None, None, Some(1), Some(2)])).prop_map(|(mut spec, room)| {
        if let Some(requests) = room {
            spec.workload.max_output_tokens = Some(64);
            // Room for so many of the longest requests that there are: 5 pictures of 1,196 tokens, text and sound.
            let blocks = (5 * 1198 + 30 + 500 + 64u64).div_ceil(16) * requests;
            spec.pools[0].kv_blocks = Some(blocks);
            spec.edges[0].kv_blocks = Some(blocks);
        }
        spec
    })
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn every_answer_is_committed_whole(spec in any_run()) {
        // `run_logged` panics if a run is not sound: all invariants are checked in it.
        let (outcome, log) = run_logged(&spec);
        let metrics = &outcome.metrics;
        prop_assert_eq!(log.requests.len() as u64, spec.workload.requests);
        prop_assert_eq!(metrics.completed, spec.workload.requests);
        prop_assert!(metrics.accepted <= metrics.verified && metrics.verified <= metrics.drafted);
        for row in &log.requests {
            prop_assert_eq!(row.status, Status::Completed);
            let moments = row.moments.expect("an answered request");
            prop_assert_eq!(moments.tokens, row.request.output_tokens, "{:?}", row);
            prop_assert!(row.submit <= moments.first_token && moments.first_token <= moments.last_token);
            prop_assert!(row.accepted <= row.drafted, "{:?}", row);
            prop_assert!(row.correct.is_some_and(|correct| (0.0..=1.0).contains(&correct)));
        }
        prop_assert_eq!(metrics.itl.sum_ns(), metrics.e2e.sum_ns() - metrics.ttft.sum_ns());
    }
}
