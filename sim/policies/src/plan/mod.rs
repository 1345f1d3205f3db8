//! The coarse plan (Eq. 11; Algorithm 1 line 3), once a request: the share of each modality that is kept, and its
//! compression.

mod problem;
mod solver;
#[cfg(test)]
mod tests;

pub use solver::Solver;

use crate::about::{Asked, Uses};
use crate::closed_form::Alone;
use crate::policy::Memory;
use crate::settings::{Idle, idle_if};
use crate::testbed::{Briefing, Edge, Plan, Testbed, View};
use model::{
    mas::{Mas, MasSettings, Relevance, TextBound},
    modality::{Modality, PerModality},
    request::{Handling, Input, Kept, Prompt, PruneStage, RhoMeaning},
};
use problem::{Bounds, Problem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{cell::RefCell, collections::BTreeMap};
use units::{Bytes, Ratio, SimDuration};

/// Settings of the plan; the defaults are the paper's (section 5.1.4) where it gives one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PlanSettings {
    /// The share that is kept follows the MAS, or is the same for all.
    pub modality_awareness: Awareness,
    /// eps_Q: share of right answers that pruning and compression may cost: 2 %.
    pub quality_loss_max: Ratio,
    /// T_max: bound on the upload (Eq. 11); none if absent, as the paper gives none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload_time_max: Option<SimDuration>,
    /// The stage at which patches are dropped.
    pub prune_stage: PruneStage,
    /// The data that compression takes away.
    pub rho_meaning: RhoMeaning,
    /// The solver of Eq. 11.
    pub coarse_solver: Solver,
    /// Share of the requests on which a solver other than `exact` is used and compared with it; the others use `exact`.
    pub solver_share: Ratio,
    /// xi of the expected improvement: .1, on an objective scaled to deviation 1 (on raw seconds it would be larger than
    /// the whole range).
    pub xi: f64,
    /// Time charged to a request for solving the plan. If absent, the solver's time on one core.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planning_time: Option<SimDuration>,
}

impl Default for PlanSettings {
    fn default() -> Self {
        Self {
            modality_awareness: Awareness::default(),
            quality_loss_max: Ratio::new(0.02),
            upload_time_max: None,
            prune_stage: PruneStage::default(),
            rho_meaning: RhoMeaning::default(),
            coarse_solver: Solver::default(),
            solver_share: Ratio::ONE,
            xi: 0.1,
            planning_time: None,
        }
    }
}

/// The rule for the share that is kept of each modality.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Awareness {
    /// The probe measures it, and the plan obeys it.
    #[default]
    Mas,
    /// The same share of every modality of every request is kept, text included, and nothing is probed: the paper's
    /// "uniform offloading policy regardless of input modality complexity".
    Uniform(Ratio),
}

/// Keys that only a solved plan reads; the last two are of pictures.
const UNSOLVED: [&str; 4] = ["plan.quality_loss_max", "plan.upload_time_max", "plan.prune_stage", "plan.rho_meaning"];

/// A plan that takes longer is a mistyped unit.
const LONGEST_PLANNING: SimDuration = SimDuration::from_secs(3600);

impl PlanSettings {
    /// Refuses settings that make no sense: key and reason.
    pub(crate) fn check(&self) -> Result<(), (&'static str, String)> {
        if self.planning_time.is_some_and(|time| time > LONGEST_PLANNING) {
            return Err(("plan.planning_time", format!("expected at most {LONGEST_PLANNING}")));
        }
        if self.modality_awareness == Awareness::Uniform(Ratio::ZERO) {
            return Err(("plan.modality_awareness.uniform", "expected a share above 0".to_owned()));
        }
        if !(self.xi.is_finite() && self.xi >= 0.0) {
            return Err(("plan.xi", "expected a finite number of at least 0".to_owned()));
        }
        self.coarse_solver.check()
    }

    /// `true` if requests are probed.
    pub(crate) fn probes(&self) -> bool {
        self.modality_awareness == Awareness::Mas
    }

    /// The parts of the testbed that planning uses.
    pub(crate) fn uses(&self, mas: &MasSettings) -> Uses {
        let plans = self.coarse_solver != Solver::None && self.quality_loss_max > Ratio::ZERO;
        let text = plans && mas.text_bound == TextBound::Literal;
        let uniform = !self.probes();
        Uses { probes: !uniform, prunes: uniform || plans, prunes_text: uniform || text, ..Uses::default() }
    }

    /// Settings that have no effect beside the others.
    pub(crate) fn idle(&self, mas: &MasSettings, asked: Asked) -> Vec<Idle> {
        let solved = self.probes() && self.coarse_solver != Solver::None;
        let searched = solved && self.coarse_solver != Solver::Exact;
        let whole = self.quality_loss_max == Ratio::ZERO;
        let solver = "only gp_ei and random are used for a share of the requests";
        [
            idle_if(!self.probes(), &["mas"], "modality_awareness.uniform measures no MAS"),
            idle_if(!self.probes(), &["plan.coarse_solver"], "modality_awareness.uniform solves nothing"),
            idle_if(!self.probes(), &["plan.planning_time"], "modality_awareness.uniform solves nothing"),
            idle_if(!self.probes(), &UNSOLVED[..2], "modality_awareness.uniform solves nothing"),
            idle_if(self.probes() && !solved, &UNSOLVED, "coarse_solver = \"none\" keeps everything"),
            idle_if(solved && whole, &UNSOLVED[1..], "quality_loss_max is 0: nothing can be pruned or compressed"),
            idle_if(!searched, &["plan.solver_share"], solver),
            idle_if(!matches!(self.coarse_solver, Solver::GpEi(_)), &["plan.xi"], "only gp_ei has a xi"),
            idle_if(!self.probes(), &["plan.rho_meaning"], "modality_awareness.uniform compresses nothing"),
            self.idle_on(mas, asked),
        ]
        .concat()
    }

    /// Settings that have no effect on such requests.
    fn idle_on(&self, mas: &MasSettings, asked: Asked) -> Vec<Idle> {
        let problem = [&UNSOLVED[..], &["plan.coarse_solver", "plan.solver_share", "plan.xi"]].concat();
        // The MAS of text alone is 0 by the softmax: all of it has to be kept.
        let whole = mas.text_bound == TextBound::ProtectText || mas.relevance == Relevance::Softmax;
        [
            idle_if(self.probes() && whole && !asked.more_than_text, &problem, "text alone is kept whole"),
            idle_if(!asked.pictures, &UNSOLVED[2..], "no request has pictures"),
            idle_if(!asked.pictures, &["mas.tau_s", "mas.lambda_spatial"], "no request has pictures"),
            idle_if(!asked.moves, &["mas.lambda_temporal", "mas.temporal_sign"], "no request has a video or sound"),
        ]
        .concat()
    }

    /// Time of probing and planning on an idle platform.
    pub(crate) fn time(&self, mas: &MasSettings, alone: &Alone<'_>) -> SimDuration {
        if !self.probes() {
            return SimDuration::ZERO;
        }
        let prompt = &alone.input.prompt;
        let text = mas.text_bound == TextBound::Literal && !(prompt.is_text() && mas.relevance == Relevance::Softmax);
        let free = prompt.modalities() as usize - usize::from(!text);
        let solved = if free == 0 { SimDuration::ZERO } else { self.coarse_solver.time(free) };
        alone.probe() + self.planning_time.unwrap_or(solved)
    }

    fn handling(&self) -> Handling {
        Handling { prune_stage: self.prune_stage, rho_meaning: self.rho_meaning }
    }
}

/// Probes a request and plans it: MSAO's work before any model reads anything.
pub(crate) async fn probe_and_plan<B: Testbed>(
    bed: &B,
    mas: &MasSettings,
    settings: &PlanSettings,
    briefing: &Briefing,
    plans: &Plans,
) -> Input {
    let prompt = bed.prompt();
    if let Awareness::Uniform(share) = settings.modality_awareness {
        let kept = PerModality::of(|_| Kept { retention: share.as_f64(), compression: 0.0 });
        let input = Input { prompt, kept, handling: settings.handling() };
        bed.edge().note_plan(&Plan { mas: None, input, regret: None });
        return input;
    }
    let measured = Mas::of(&bed.edge().probe(mas.tau_s).await, mas);
    let (plan, time) = plans.make(settings, mas, &measured, prompt, &bed.view(), briefing);
    bed.edge().think(settings.planning_time.unwrap_or(time)).await;
    bed.edge().note_plan(&plan);
    plan.input
}

/// Plans that were solved before, by quantised state: requests that look alike get the same plan.
#[derive(Default)]
pub struct Plans(RefCell<BTreeMap<State, PerModality<Kept>>>);

impl<P> Memory<P> for Plans {
    fn of(_: &P) -> Self {
        Self::default()
    }
}

/// The state that a plan depends on. It is quantised so that between neighbours the objective changes by a few per cent, and
/// the best plan by less.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    platform: u32,
    /// `1 - MAS` of each modality, where that binds: where less must not be kept for the quality's sake, it is 0.
    least_64ths: [u32; 3],
    prompt_tokens_16ths: u64,
    payload_16ths_of_octave: i32,
    audio_tokens: u32,
    uplink_mbps: u64,
    free_blocks: u64,
}

impl Plans {
    /// The plan of a request, and the time of making it.
    fn make(
        &self,
        settings: &PlanSettings,
        mas: &MasSettings,
        measured: &Mas,
        prompt: Prompt,
        view: &View<'_>,
        briefing: &Briefing,
    ) -> (Plan, SimDuration) {
        let bounds = Bounds {
            quality_loss: settings.quality_loss_max.as_f64(),
            upload: settings.upload_time_max,
            pruning: briefing.pruning,
        };
        let plan = |input, regret| Plan { mas: Some(*measured), input, regret };
        let least = |measured: &Mas| PerModality::of(|modality| measured.least(modality, mas));
        let problem = |prompt, least| Problem { prompt, view, bounds: &bounds, handling: settings.handling(), least };
        let whole = problem(prompt, least(measured));
        if whole.prompt.is_text() && whole.free().is_empty() {
            return (plan(whole.input(PerModality::default()), None), SimDuration::ZERO);
        }
        if settings.coarse_solver == Solver::None {
            return (plan(whole.input(PerModality::default()), None), SimDuration::ZERO);
        }
        if settings.coarse_solver != Solver::Exact && solver::is_chosen(settings.solver_share, prompt.request) {
            let (kept, regret) = settings.coarse_solver.solve(&whole, settings.xi);
            return (plan(whole.input(kept), regret), settings.coarse_solver.time(whole.free().len()));
        }
        let (state, seen) = State::of(&whole);
        let kept = *self.0.borrow_mut().entry(state).or_insert_with(|| solver::exact(&problem(seen, state.least())));
        (plan(whole.input(kept), None), Solver::Exact.time(whole.free().len()))
    }
}

impl State {
    /// The state of a request, and the prompt that stands for all of that state.
    fn of(problem: &Problem<'_>) -> (Self, Prompt) {
        let Problem { prompt, view, bounds, least, .. } = problem;
        let quality = bounds.pruning.retention_at(bounds.quality_loss);
        let payload = prompt.bytes(Modality::Visual).as_u64().max(1);
        let payload_16ths = libm::round(16.0 * libm::log2(payload as f64));
        let state = Self {
            platform: view.platform,
            // Rounded up: what must be kept is kept.
            least_64ths: Modality::ALL.map(|modality| match least[modality] {
                least if least <= quality => 0,
                least => (least * 64.0).ceil() as u32,
            }),
            prompt_tokens_16ths: view.edge.prompt_tokens(&Input::whole(*prompt)) / 16,
            payload_16ths_of_octave: payload_16ths as i32,
            audio_tokens: prompt.audio.map_or(0, |audio| audio.tokens),
            uplink_mbps: view.uplink.as_u64() / 1_000_000,
            // Memory binds only where little is left.
            free_blocks: (view.edge_free_tokens / 16).min(1024),
        };
        let mut seen = *prompt;
        if let Some(images) = &mut seen.images {
            images.payload = Bytes::new(libm::exp2(payload_16ths / 16.0) as u64);
        }
        (state, seen)
    }

    fn least(&self) -> PerModality<f64> {
        PerModality::of(|modality| f64::from(self.least_64ths[modality as usize]) / 64.0)
    }
}
