//! Settings of the plan: refusals, what is used, what is idle, and the time of planning.

use super::*;
use Solver::{Exact, GpEi, Random};

fn settings(coarse_solver: Solver) -> PlanSettings {
    PlanSettings { coarse_solver, ..PlanSettings::default() }
}

fn uniform(share: Ratio) -> PlanSettings {
    PlanSettings { modality_awareness: Awareness::Uniform(share), ..PlanSettings::default() }
}

/// A plan that may cost no right answer.
fn whole(settings: PlanSettings) -> PlanSettings {
    PlanSettings { quality_loss_max: Ratio::ZERO, ..settings }
}

const HALF: Ratio = Ratio::new(0.5);

#[test]
fn settings_without_sense_are_refused_by_key() {
    let xi = |xi| PlanSettings { xi, ..PlanSettings::default() };
    let takes =
        |seconds| PlanSettings { planning_time: Some(SimDuration::from_secs(seconds)), ..PlanSettings::default() };
    let table = [
        (PlanSettings::default(), None),
        (takes(3600), None),
        (takes(3601), Some("plan.planning_time")),
        (uniform(HALF), None),
        (uniform(Ratio::ZERO), Some("plan.modality_awareness.uniform")),
        (xi(0.0), None),
        (xi(-0.1), Some("plan.xi")),
        (xi(f64::INFINITY), Some("plan.xi")),
        (settings(GpEi(5)), Some("plan.coarse_solver.gp_ei")),
        (settings(GpEi(6)), None),
        (settings(GpEi(200)), None),
        (settings(GpEi(201)), Some("plan.coarse_solver.gp_ei")),
        (settings(Random(0)), Some("plan.coarse_solver.random")),
        (settings(Random(1)), None),
        (settings(Random(100_000)), None),
        (settings(Random(100_001)), Some("plan.coarse_solver.random")),
    ];
    for (settings, want) in table {
        assert_eq!(settings.check().err().map(|(key, _)| key), want, "{settings:?}");
    }
}

#[test]
fn a_plan_uses_the_probe_and_prunes_as_its_settings_say() {
    let (protect, literal) =
        (MasSettings::default(), MasSettings { text_bound: TextBound::Literal, ..MasSettings::default() });
    // (settings, MAS, probes, prunes, prunes text)
    let table = [
        (settings(Exact), protect, [true, true, false]),
        (settings(Exact), literal, [true, true, true]),
        (settings(Solver::None), protect, [true, false, false]),
        (settings(Solver::None), literal, [true, false, false]),
        (whole(settings(Exact)), literal, [true, false, false]),
        (uniform(HALF), protect, [false, true, true]),
        (whole(uniform(HALF)), protect, [false, true, true]),
    ];
    for (settings, mas, [probes, prunes, prunes_text]) in table {
        let want = Uses { probes, prunes, prunes_text, ..Uses::default() };
        assert_eq!(settings.uses(&mas), want, "{settings:?} {mas:?}");
    }
}

/// Idle keys in the order in which they are named.
fn idle(settings: &PlanSettings, mas: &MasSettings, asked: [bool; 3]) -> Vec<&'static str> {
    let [pictures, moves, more_than_text] = asked;
    let idle = settings.idle(mas, Asked { pictures, moves, more_than_text });
    idle.into_iter().map(|(key, _)| key).collect()
}

const QUALITY: &str = "plan.quality_loss_max";
const UPLOAD: &str = "plan.upload_time_max";
const STAGE: &str = "plan.prune_stage";
const RHO: &str = "plan.rho_meaning";
const SHARE: &str = "plan.solver_share";
const XI: &str = "plan.xi";
const SOLVER: &str = "plan.coarse_solver";
const TIME: &str = "plan.planning_time";

#[test]
fn keys_that_no_solver_reads_are_idle() {
    let table: [(PlanSettings, &[&str]); 9] = [
        (settings(Exact), &[SHARE, XI]),
        (settings(GpEi(50)), &[]),
        (settings(Random(20)), &[XI]),
        (settings(Solver::None), &[QUALITY, UPLOAD, STAGE, RHO, SHARE, XI]),
        (whole(settings(GpEi(50))), &[UPLOAD, STAGE, RHO]),
        (whole(settings(Solver::None)), &[QUALITY, UPLOAD, STAGE, RHO, SHARE, XI]),
        (uniform(HALF), &["mas", SOLVER, TIME, QUALITY, UPLOAD, SHARE, XI, RHO]),
        (whole(uniform(HALF)), &["mas", SOLVER, TIME, QUALITY, UPLOAD, SHARE, XI, RHO]),
        (
            PlanSettings { coarse_solver: GpEi(50), ..uniform(HALF) },
            &["mas", SOLVER, TIME, QUALITY, UPLOAD, SHARE, RHO],
        ),
    ];
    for (settings, want) in table {
        assert_eq!(idle(&settings, &MasSettings::default(), [true; 3]), want, "{settings:?}");
    }
}

#[test]
fn keys_that_no_request_needs_are_idle() {
    let solver = settings(GpEi(50));
    let default = MasSettings::default();
    let mas = |relevance, text_bound| MasSettings { relevance, text_bound, ..default };
    let pictures = ["mas.tau_s", "mas.lambda_spatial"];
    let moves = ["mas.lambda_temporal", "mas.temporal_sign"];
    let unseen = [&[STAGE, RHO][..], &pictures].concat();
    let unplanned = [&[QUALITY, UPLOAD, STAGE, RHO, SOLVER, SHARE, XI][..], &unseen, &moves].concat();
    let spoken = [&unseen[..], &moves].concat();
    // (MAS, pictures, moves, more than text)
    let table = [
        (default, [true; 3], vec![]),
        (default, [true, false, true], moves.to_vec()),
        (default, [false, true, true], unseen.clone()),
        (default, [false; 3], unplanned.clone()),
        (mas(Relevance::Sigmoid, TextBound::ProtectText), [false; 3], unplanned.clone()),
        (mas(Relevance::Softmax, TextBound::Literal), [false; 3], unplanned),
        (mas(Relevance::Sigmoid, TextBound::Literal), [false; 3], spoken),
    ];
    for (mas, asked, want) in table {
        assert_eq!(idle(&solver, &mas, asked), want, "{mas:?} {asked:?}");
    }
    let kept = idle(&uniform(HALF), &default, [false; 3]);
    assert!(kept.iter().filter(|key| **key == SOLVER).count() == 1, "nothing is probed, whatever is asked: {kept:?}");
}

#[test]
fn planning_takes_the_probe_and_the_solver() {
    let text = Prompt { images: None, ..prompt(false) };
    let literal = |relevance| MasSettings { text_bound: TextBound::Literal, relevance, ..MasSettings::default() };
    let (default, softmax, sigmoid) =
        (MasSettings::default(), literal(Relevance::Softmax), literal(Relevance::Sigmoid));
    let fixed = PlanSettings { planning_time: Some(SimDuration::from_ms(7)), ..PlanSettings::default() };
    // Microseconds: 4,000 of the probe; 15 for one free modality, 4,000 for more.
    let table = [
        (settings(Exact), default, prompt(false), 4015),
        (settings(Exact), default, prompt(true), 8000),
        (settings(Exact), softmax, prompt(false), 8000), // text is free as well
        (settings(Exact), default, text, 4000),
        (settings(Exact), softmax, text, 4000), // the MAS of text alone is 0
        (settings(Exact), sigmoid, text, 4015),
        (fixed, default, prompt(false), 11_000),
        (uniform(HALF), default, prompt(false), 0),
    ];
    let (edge, cloud, briefing) = (Linear(0.0), Linear(0.0), briefing());
    for (settings, mas, prompt, us) in table {
        let alone = Alone {
            view: view(&CASE, &edge, &cloud),
            input: &Input::whole(prompt),
            output_tokens: 1,
            preprocess: SimDuration::ZERO,
            tokens: &briefing.calibration,
            briefing: &briefing,
        };
        assert_eq!(settings.time(&mas, &alone), SimDuration::from_us(us), "{settings:?} {mas:?} {prompt:?}");
    }
}

#[test]
fn solvers_take_the_documented_time() {
    // 8 us for each pair of evaluations of the process, .4 us for a random plan.
    let table = [
        (Exact, 0, 15),
        (Exact, 1, 15),
        (Exact, 2, 4000),
        (GpEi(50), 1, 20_000),
        (Random(20), 1, 8),
        (Random(100), 1, 40),
        (Solver::None, 2, 0),
    ];
    for (solver, free, us) in table {
        assert_eq!(solver.time(free), SimDuration::from_us(us), "{solver:?} {free}");
    }
}
