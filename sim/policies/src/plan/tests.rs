mod eq11;
mod settings;
mod state;

use super::*;
use crate::testbed::Prices;
use model::{
    accuracy::{PruningLoss, compression_at},
    audio::Audio,
    mas::TextBound,
    published::Benchmark,
    request::{ImageSize, Images},
    tokens::{Calibration, TokenProcess},
};
use units::BitsPerSecond;

/// A device on which reading a prompt takes so many milliseconds for the whole of all modalities.
struct Linear(f64);

impl Prices for Linear {
    fn prefill(&self, input: &Input) -> SimDuration {
        let share = |modality| input.kept[modality].retention / f64::from(input.prompt.modalities() - 1);
        let present = [Modality::Visual, Modality::Audio].into_iter().filter(|&modality| input.prompt.has(modality));
        SimDuration::from_secs_f64(self.0 * 1e-3 * present.map(share).sum::<f64>())
    }
    fn token(&self, _: u64) -> SimDuration {
        SimDuration::from_ms(5)
    }
    fn verify(&self, _: u64, _: u64) -> SimDuration {
        SimDuration::from_ms(5)
    }
    fn probe(&self, _: &Prompt) -> SimDuration {
        SimDuration::from_ms(4)
    }
    fn encode(&self, _: &Prompt) -> SimDuration {
        SimDuration::ZERO
    }
    fn prompt_tokens(&self, input: &Input) -> u64 {
        (391.0 * input.kept[Modality::Visual].retention) as u64 + input.tokens(Modality::Text)
    }
    fn hidden_bytes(&self) -> Bytes {
        Bytes::new(3072)
    }
    fn kv_bytes(&self) -> Bytes {
        Bytes::new(28_672)
    }
    fn encoded_bytes(&self, _: &Prompt) -> Bytes {
        Bytes::ZERO
    }
    fn prompt_state_bytes(&self, _: &Input, _: Ratio) -> Bytes {
        Bytes::ZERO
    }
}

/// A problem: what devices take, what the probe found, what memory is free.
#[derive(Clone, Copy)]
struct Case {
    edge_ms: f64,
    cloud_ms: f64,
    mas: f64,
    free_tokens: u64,
    audio: bool,
    rate: BitsPerSecond,
}

const CASE: Case = Case {
    edge_ms: 0.0,
    cloud_ms: 0.0,
    mas: 1.0,
    free_tokens: 1 << 20,
    audio: false,
    rate: BitsPerSecond::from_mbps(400),
};

fn prompt(audio: bool) -> Prompt {
    let size = ImageSize::Pixels { width: 640, height: 480 };
    let images = Images { count: 1, size, payload: Bytes::new(160_000), moving: false, encoded: false };
    let audio = audio.then(|| Audio::lasting(SimDuration::from_secs(5)));
    Prompt { request: 0, text_tokens: 30, images: Some(images), audio }
}

fn briefing() -> Briefing {
    let calibration = Calibration::sample(&TokenProcess::default(), 10, 1);
    Briefing {
        seed: 1,
        replication: 0,
        calibration: calibration.into(),
        pruning: PruningLoss::default(),
        benchmark: Benchmark::Other,
    }
}

/// The planner's view in such a case.
fn view<'p>(case: &Case, edge: &'p Linear, cloud: &'p Linear) -> View<'p> {
    View {
        platform: 0,
        uplink: case.rate,
        rtt: SimDuration::from_ms(20),
        way_up: SimDuration::from_ms(10),
        rtt_per_modality: false,
        edge_requests: 0,
        cloud_requests: 0.0,
        edge_free_tokens: case.free_tokens,
        edge,
        cloud,
    }
}

/// The plan of a request, and the time that it is charged.
fn planned(case: Case, prompt: Prompt, settings: &PlanSettings, mas: &MasSettings) -> (Plan, SimDuration) {
    let (edge, cloud) = (Linear(case.edge_ms), Linear(case.cloud_ms));
    let measured = Mas(PerModality::of(|modality| if prompt.has(modality) { case.mas } else { 1.0 }));
    Plans::default().make(settings, mas, &measured, prompt, &view(&case, &edge, &cloud), &briefing())
}

fn make(case: Case, prompt: Prompt, settings: &PlanSettings, mas: &MasSettings) -> Plan {
    planned(case, prompt, settings, mas).0
}

fn solve(case: Case) -> Input {
    make(case, prompt(case.audio), &PlanSettings::default(), &MasSettings::default()).input
}

fn visual(input: &Input) -> Kept {
    input.kept[Modality::Visual]
}

#[test]
fn a_slow_edge_prunes_down_to_the_quality_bound() {
    let kept = visual(&solve(Case { edge_ms: 1000.0, mas: 0.9, ..CASE }));
    assert!((kept.retention - PruningLoss::default().retention_at(0.02)).abs() < 1e-4, "{kept:?}");
    assert!(kept.compression < 0.1, "{kept:?}");
}

#[test]
fn mas_bounds_the_retention_from_below() {
    let kept = visual(&solve(Case { edge_ms: 1000.0, mas: 0.25, ..CASE }));
    assert_eq!(kept.retention, 0.75);
    assert!(kept.compression > 0.0);
}

#[test]
fn a_mas_of_zero_protects_everything() {
    assert_eq!(visual(&solve(Case { edge_ms: 1000.0, mas: 0.0, ..CASE })).retention, 1.0);
}

#[test]
fn fast_devices_spend_the_quality_on_compression() {
    // Nothing but the upload takes time. It carries beta (1 - rho): a scan of the whole range is the judge.
    let pruning = PruningLoss::default();
    let upload = |retention: f64| retention * (1.0 - compression_at(0.02 - pruning.loss(retention)));
    let least = pruning.retention_at(0.02);
    let scanned = (0..=100_000)
        .map(|step| upload(least + (1.0 - least) * f64::from(step) / 100_000.0))
        .fold(f64::INFINITY, f64::min);
    let kept = visual(&solve(CASE));
    assert!(upload(kept.retention) < scanned * 1.0001, "{} {scanned}", upload(kept.retention));
    assert!((kept.compression - compression_at(0.02 - pruning.loss(kept.retention))).abs() < 1e-6);
}

#[test]
fn memory_that_holds_only_a_part_forces_pruning() {
    let input = solve(Case { free_tokens: 300, ..CASE });
    assert!(Linear(0.0).prompt_tokens(&input) <= 300);
}

#[test]
fn a_bound_on_the_upload_forces_compression() {
    // 160 kB take 64 ms at 20 Mbps, and half a round trip comes on top.
    let case = Case { edge_ms: 1.0, rate: BitsPerSecond::from_mbps(20), ..CASE };
    let bound = PlanSettings { upload_time_max: Some(SimDuration::from_ms(35)), ..PlanSettings::default() };
    let input = make(case, prompt(false), &bound, &MasSettings::default()).input;
    let upload = case.rate.transfer_time(input.payload()) + SimDuration::from_ms(10);
    assert!(upload <= SimDuration::from_ms(35), "{upload:?}");
}

#[test]
fn two_free_modalities_share_the_quality() {
    let case = Case { edge_ms: 1000.0, audio: true, ..CASE };
    let input = solve(case);
    let loss = |modality| PruningLoss::default().loss(input.kept[modality].retention);
    let (seen, heard) = (loss(Modality::Visual), loss(Modality::Audio));
    assert!((seen + heard - 0.02).abs() < 2e-4, "{seen} {heard}");
    // The edge takes as long for each, so by symmetry each gives as much.
    assert!((seen - heard).abs() < 2e-3, "{seen} {heard}");
    assert_eq!(input.kept[Modality::Text], Kept::WHOLE);
}

#[test]
fn text_alone_needs_no_plan_unless_its_bound_is_literal() {
    let text = Prompt { request: 0, text_tokens: 3000, images: None, audio: None };
    let settings = PlanSettings::default();
    assert_eq!(make(CASE, text, &settings, &MasSettings::default()).input, Input::whole(text));
    let literal = MasSettings { text_bound: TextBound::Literal, ..MasSettings::default() };
    let kept = make(CASE, text, &settings, &literal).input.kept[Modality::Text];
    assert!(kept.retention < 0.6 && kept.compression == 0.0, "{kept:?}");
}

#[test]
fn the_printed_solver_is_compared_with_the_exact_one() {
    let solver = |coarse_solver| {
        let settings = PlanSettings { coarse_solver, ..PlanSettings::default() };
        let plan = make(Case { edge_ms: 30.0, mas: 0.6, ..CASE }, prompt(false), &settings, &MasSettings::default());
        plan.regret.expect("it was compared")
    };
    let (process, chance) = (solver(Solver::GpEi(50)), solver(Solver::Random(20)));
    assert_eq!((process.evaluations, chance.evaluations), (50, 20));
    let gap = process.gap.expect("50 looks find a plan that is allowed");
    assert!((-1e-6..0.2).contains(&gap), "{gap}");
    assert!(process.time > SimDuration::from_ms(5));
}

#[test]
fn a_share_of_the_requests_is_solved_as_printed_and_the_others_exactly() {
    let settings =
        PlanSettings { coarse_solver: Solver::Random(10), solver_share: Ratio::new(0.2), ..PlanSettings::default() };
    let compared = |request| {
        let prompt = Prompt { request, ..prompt(false) };
        make(CASE, prompt, &settings, &MasSettings::default()).regret.is_some()
    };
    let count = (0..500).filter(|&request| compared(request)).count();
    assert!((70..130).contains(&count), "{count}");
}

#[test]
fn no_solver_keeps_everything() {
    let settings = PlanSettings { coarse_solver: Solver::None, ..PlanSettings::default() };
    let plan = make(Case { edge_ms: 1000.0, ..CASE }, prompt(true), &settings, &MasSettings::default());
    assert_eq!((plan.input, plan.regret), (Input::whole(prompt(true)), None));
}
