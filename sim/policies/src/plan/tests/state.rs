//! The quantised state, worked by hand: requests that look alike share a plan.

use super::super::problem::{Bounds, Problem};
use super::*;

/// The state of a request with so many bytes of picture, and the bytes of the picture that stands for that state.
fn state(case: Case, payload: u64, least: f64) -> (State, u64) {
    let (edge, cloud) = (Linear(0.0), Linear(0.0));
    let mut prompt = prompt(case.audio);
    prompt.images.as_mut().unwrap().payload = Bytes::new(payload);
    let problem = Problem {
        prompt,
        view: &view(&case, &edge, &cloud),
        bounds: &Bounds { quality_loss: 0.02, upload: None, pruning: PruningLoss::default() },
        handling: Handling::default(),
        least: PerModality::of(|_| least),
    };
    let (state, seen) = State::of(&problem);
    (state, seen.images.unwrap().payload.as_u64())
}

#[test]
fn a_state_by_hand() {
    let (state, seen) = state(Case { free_tokens: 300, audio: true, ..CASE }, 160_000, 0.76);
    assert_eq!(state.least_64ths, [49; 3]); // .76 x 64 = 48.64, rounded up
    assert_eq!(state.least(), PerModality::of(|_| 49.0 / 64.0));
    assert_eq!(state.prompt_tokens_16ths, 26); // (391 + 30) / 16 = 26.3
    assert_eq!(state.payload_16ths_of_octave, 277); // 16 log2 160,000 = 276.60
    assert_eq!(seen, 162_772); // 2^(277 / 16) = 162,772.8
    assert_eq!(state.audio_tokens, 125); // 5 s of 25 tokens
    assert_eq!(state.uplink_mbps, 400);
    assert_eq!(state.free_blocks, 18); // 300 / 16 = 18.75
}

#[test]
fn neighbours_share_a_state_where_what_differs_does_not_bind() {
    let of = |payload, least| state(CASE, payload, least).0;
    let reference = of(160_000, 0.75);
    assert_eq!((reference.free_blocks, reference.audio_tokens), (1024, 0), "plenty of memory is one state");
    assert!(reference == of(161_000, 0.75), "16 log2 161,000 = 276.75 rounds to 277 as well");
    assert!(reference != of(155_872, 0.75), "a sixteenth of an octave below: 2^(276 / 16)");
    assert!(reference != of(160_000, 0.76));
    // The quality bound keeps .541 anyway.
    assert_eq!([0.2, 0.54].map(|least| of(160_000, least).least_64ths), [[0; 3]; 2]);
    assert_eq!(of(160_000, 0.55).least_64ths, [36; 3]); // .55 x 64 = 35.2
    assert!(of(0, 0.75) == of(1, 0.75), "no picture's logarithm is infinite");
}

#[test]
fn requests_of_one_state_are_planned_once() {
    let plans = Plans::default();
    let (edge, cloud) = (Linear(1000.0), Linear(0.0));
    let plan = |payload| {
        let mut prompt = prompt(false);
        prompt.images.as_mut().unwrap().payload = Bytes::new(payload);
        let measured = Mas(PerModality::of(|_| 0.9));
        let settings = PlanSettings::default();
        let view = view(&CASE, &edge, &cloud);
        plans.make(&settings, &MasSettings::default(), &measured, prompt, &view, &briefing()).0.input
    };
    let (one, other) = (plan(160_000), plan(161_000));
    assert_eq!((one.kept, plans.0.borrow().len()), (other.kept, 1));
    assert_eq!(other.prompt.images.unwrap().payload, Bytes::new(161_000), "the request keeps its own bytes");
    plan(320_000);
    assert_eq!(plans.0.borrow().len(), 2);
}

#[test]
fn planning_is_charged_by_what_is_free() {
    let settings = |coarse_solver| PlanSettings { coarse_solver, ..PlanSettings::default() };
    let text = Prompt { images: None, ..prompt(false) };
    let us = SimDuration::from_us;
    let table = [
        (Solver::Exact, prompt(false), 0.5, us(15)),
        (Solver::Exact, prompt(false), 0.0, us(15)), // nothing of the picture may be dropped
        (Solver::Exact, prompt(true), 0.5, us(4000)),
        (Solver::GpEi(6), prompt(false), 0.5, us(288)), // 8 x 6 x 6
        (Solver::None, prompt(true), 0.5, us(0)),
        (Solver::Exact, text, 0.5, us(0)),
    ];
    for (solver, prompt, mas, want) in table {
        let case = Case { mas, ..CASE };
        let time = planned(case, prompt, &settings(solver), &MasSettings::default()).1;
        assert_eq!(time, want, "{solver:?} {mas}");
    }
}

#[test]
fn a_plan_is_handled_as_its_settings_say() {
    let settings = PlanSettings {
        prune_stage: PruneStage::PostVit,
        rho_meaning: RhoMeaning::TokenMerge,
        ..PlanSettings::default()
    };
    let handling = make(CASE, prompt(false), &settings, &MasSettings::default()).input.handling;
    assert_eq!(handling, Handling { prune_stage: PruneStage::PostVit, rho_meaning: RhoMeaning::TokenMerge });
}
