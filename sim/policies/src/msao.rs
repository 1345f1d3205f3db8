//! MSAO (arXiv 2604.02945), Algorithm 1.
//!
//! Where the paper leaves a point open, the default here is the one that `docs/semantics.md` names, and each alternative
//! is a key.

use crate::closed_form::{Alone, ClosedForms, Drafting};
use crate::plan::{Awareness, PlanSettings, Plans, probe_and_plan};
use crate::route::{Router, Score};
use crate::settings::{Idle, count, idle_if};
use crate::speculation::{CacheAtLowConfidence, Gate, LowConfidence, Speculation, StateSize, Unsure, read_prompt};
use crate::theta::{DraftLength, Reset, Theta, ThetaSettings};
use crate::trust;
use crate::verification::{BonusToken, DraftDuringVerify, VerifySettings};
use crate::{About, Asked, Briefing, Edge, Memory, Policy, ServedBy, Shared, Testbed, Uses, View};
use model::{mas::MasSettings, request::Input};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::cell::Cell;
use units::{Bytes, Ratio};

/// Settings of MSAO; the defaults are the paper's (section 5.1.4) where it gives one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Msao {
    /// The meaning of "offloading".
    pub semantics: Semantics,
    /// Tokens of a batch (line 5).
    pub n_draft: DraftLength,
    /// N_max: most tokens of a batch: 5.
    pub n_max: u32,
    /// The edge waits for verdicts, or drafts on meanwhile.
    pub draft_during_verify: DraftDuringVerify,
    /// The token of the cloud's own that a batch brings when it is accepted whole.
    pub bonus_token: BonusToken,
    /// The edge's next step at a token that is not sure enough.
    pub low_confidence: LowConfidence,
    /// The fate of tokens that were drafted and not sent at that moment.
    pub cache_at_low_confidence: CacheAtLowConfidence,
    /// The intermediate state that goes up with a token that is not sure enough.
    pub state_bytes: State,
    /// Settings of the MAS (Eq. 4 to 7).
    pub mas: MasSettings,
    /// Settings of the coarse plan (line 3).
    pub plan: PlanSettings,
    /// The confidence threshold (lines 4, 10 and 13).
    pub theta: ThetaSettings,
    /// Settings of the verification.
    pub verify: VerifySettings,
}

impl Default for Msao {
    fn default() -> Self {
        Self {
            semantics: Semantics::default(),
            n_draft: DraftLength::default(),
            n_max: 5,
            draft_during_verify: DraftDuringVerify::default(),
            bonus_token: BonusToken::default(),
            low_confidence: LowConfidence::default(),
            cache_at_low_confidence: CacheAtLowConfidence::default(),
            state_bytes: State::default(),
            mas: MasSettings::default(),
            plan: PlanSettings::default(),
            theta: ThetaSettings::default(),
            verify: VerifySettings::default(),
        }
    }
}

/// The meaning of MSAO's "offloading": its Algorithm 1 says one thing and its section 5.3.4 another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Semantics {
    /// Tokens are drafted at the edge and verified in the cloud: Algorithm 1, lossless.
    #[default]
    Alg1,
    /// Whole requests go to the edge or to the cloud: section 5.3.4.
    Route(Router),
    /// Tokens that the edge is sure of are not verified.
    Trust,
}

/// The intermediate state of line 12, which the paper does not define.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// One hidden state of the edge's model: 3,072 B for Qwen2-VL-2B.
    #[default]
    Hidden,
    /// Nothing but the ids that go with every batch.
    IdsOnly,
    /// Keys and values of the tokens that the cloud has not seen: 28,672 B each for Qwen2-VL-2B.
    KvDelta,
    /// Keys and values of the whole context.
    FullKv,
}

/// MSAO's memory: the plans solved so far, by any edge, and the edge's own threshold, where that is not reset.
pub struct MsaoMemory {
    plans: Shared<Plans>,
    theta_nats: Cell<Option<f32>>,
}

impl Memory<Msao> for MsaoMemory {
    fn of(_: &Msao) -> Self {
        Self { plans: Shared::default(), theta_nats: Cell::default() }
    }

    fn of_another_edge(&self, _: &Msao) -> Self {
        Self { plans: self.plans.clone(), theta_nats: Cell::default() }
    }
}

/// Keys of drafting, which routed requests have no use for.
const DECODING: [&str; 9] = [
    "n_draft",
    "n_max",
    "draft_during_verify",
    "bonus_token",
    "low_confidence",
    "cache_at_low_confidence",
    "state_bytes",
    "theta",
    "verify",
];
/// Keys of batches, which a system without verification does not send.
const VERIFYING: [&str; 6] =
    ["n_draft", "n_max", "draft_during_verify", "bonus_token", "low_confidence", "cache_at_low_confidence"];

impl About for Msao {
    fn needs_the_cloud_at_once(&self) -> bool {
        self.verify.is_off_the_link() || matches!(self.semantics, Semantics::Route(Router::JoinShortestQueue))
    }

    fn uses(&self) -> Uses {
        let plain = Uses { edge_model: true, cloud: true, ..self.plan.uses(&self.mas) };
        match self.semantics {
            Semantics::Alg1 => Uses { drafts: true, ..plain },
            Semantics::Route(_) => Uses { edge_answers: true, ..plain },
            Semantics::Trust => Uses { drafts: true, trusts: true, edge_answers: true, ..plain },
        }
    }

    fn idle(&self, asked: Asked) -> Vec<Idle> {
        let routed = matches!(self.semantics, Semantics::Route(_));
        let trusts = self.semantics == Semantics::Trust;
        let blocking = self.draft_during_verify == DraftDuringVerify::Blocking;
        let fixed = matches!(self.n_draft, DraftLength::Fixed(_));
        let flushed = self.low_confidence != LowConfidence::Wait;
        [
            idle_if(routed, &DECODING, "semantics.route sends whole requests, nothing is drafted"),
            idle_if(trusts, &VERIFYING, "semantics = \"trust\" sends no batches of drafts"),
            idle_if(!blocking, &["bonus_token"], "only blocking drafts leave room for a bonus"),
            idle_if(fixed, &["n_max"], "n_draft is fixed"),
            idle_if(flushed, &["cache_at_low_confidence"], "only low_confidence = \"wait\" leaves a choice"),
            self.theta.idle(self.n_draft, trusts),
            self.plan.idle(&self.mas, asked),
        ]
        .concat()
    }

    fn calibration_samples(&self) -> u32 {
        self.theta.calibration_samples
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        count("n_max", self.n_max)?;
        self.n_draft.check()?;
        self.draft_during_verify.check()?;
        if self.cache_at_low_confidence == CacheAtLowConfidence::Persist && self.draft_during_verify.window() > 1 {
            let reason = "a cache that persists needs `draft_during_verify = \"blocking\"`".to_owned();
            return Err(("cache_at_low_confidence", reason));
        }
        if let Semantics::Route(router) = self.semantics {
            router.check("semantics.route.score.auc")?;
        }
        self.verify.check()?;
        self.plan.check()?;
        self.theta.check()
    }

    fn examples() -> Vec<(&'static str, Self)> {
        let of = |semantics| Self { semantics, ..Self::default() };
        let then = |low_confidence| Self { low_confidence, ..Self::default() };
        let cache = |cache_at_low_confidence| Self { cache_at_low_confidence, ..Self::default() };
        let pipelined = Self { draft_during_verify: DraftDuringVerify::Pipelined(3), ..Self::default() };
        let unprobed =
            PlanSettings { modality_awareness: Awareness::Uniform(Ratio::new(0.5)), ..PlanSettings::default() };
        let persistent = ThetaSettings { reset: Reset::Persistent, ..ThetaSettings::default() };
        vec![
            ("", Self::default()),
            ("route", of(Semantics::Route(Router::JoinShortestQueue))),
            ("score", of(Semantics::Route(Router::Score(Score::default())))),
            ("trust", of(Semantics::Trust)),
            ("pipelined", pipelined),
            ("continue", then(LowConfidence::Continue)),
            ("rest_on_cloud", then(LowConfidence::RestOnCloud)),
            ("discard", cache(CacheAtLowConfidence::Discard)),
            ("persist", cache(CacheAtLowConfidence::Persist)),
            ("uniform", Self { plan: unprobed, ..Self::default() }),
            ("persistent", Self { theta: persistent, ..Self::default() }),
        ]
    }

    fn closed_forms(&self, alone: &Alone<'_>) -> ClosedForms {
        let planned = self.plan.time(&self.mas, alone);
        if let Semantics::Route(router) = self.semantics {
            return router.closed_forms(alone).after(planned);
        }
        let theta = self.start(alone.briefing, None);
        let (confident, acceptance) = alone.tokens.below(theta.nats());
        let speculation = self.speculation(&alone.view, alone.input);
        let drafting = Drafting { n_draft: theta.n_draft(), confident, acceptance, speculation: &speculation };
        let forms = match self.low_confidence {
            _ if self.semantics == Semantics::Trust => alone.trusting(&drafting),
            LowConfidence::Continue => alone.drafting(&drafting.without_stops(alone.tokens.below(f32::INFINITY).1)),
            LowConfidence::Wait | LowConfidence::RestOnCloud => alone.drafting(&drafting),
        };
        forms.after(planned)
    }
}

impl Policy for Msao {
    type Memory = MsaoMemory;

    async fn serve<B: Testbed>(&self, bed: &B, briefing: &Briefing, memory: &MsaoMemory) -> ServedBy {
        bed.edge().preprocess().await;
        // Boxed, as what comes before the drafting, so that drafting, which every request waits in, stays small.
        let input = Box::pin(probe_and_plan(bed, &self.mas, &self.plan, briefing, &memory.plans)).await; // line 3
        if let Semantics::Route(router) = self.semantics {
            return Box::pin(router.choose(bed).serve(bed, &input)).await;
        }
        let speculation = self.speculation(&bed.view(), &input);
        Box::pin(read_prompt(bed, input)).await;
        let mut theta = self.start(briefing, memory.theta_nats.get()); // lines 4 and 5
        let served_by = if self.semantics == Semantics::Trust {
            trust::run(bed, &speculation, &mut theta).await;
            ServedBy::Both
        } else {
            speculation.run(bed, &mut theta).await; // lines 6 to 15
            ServedBy::Cloud
        };
        memory.theta_nats.set(Some(theta.nats()));
        served_by
    }
}

impl Msao {
    /// The threshold at the start of a request, behind another that has ended at so many nats.
    fn start<'c>(&'c self, briefing: &'c Briefing, before: Option<f32>) -> Theta<'c> {
        let mut theta = self.theta.start(self.n_draft, self.n_max, &briefing.calibration);
        if let (Reset::Persistent, Some(nats)) = (self.theta.reset, before) {
            theta.resume(nats);
        }
        theta
    }

    /// Settings of drafting and verifying a request.
    fn speculation(&self, view: &View<'_>, input: &Input) -> Speculation {
        let window = self.draft_during_verify.window();
        let (zero, kv) = (Bytes::ZERO, view.edge.kv_bytes());
        let (fixed, per_new_token, per_token) = match self.state_bytes {
            State::Hidden => (view.edge.hidden_bytes(), zero, zero),
            State::IdsOnly => (zero, zero, zero),
            State::KvDelta => (zero, kv, zero),
            State::FullKv => (zero, zero, kv),
        };
        let prompt_tokens = view.edge.prompt_tokens(input);
        Speculation {
            window,
            bonus: self.bonus_token.is_wanted(window),
            verify: self.verify.verify(),
            unsure: Unsure {
                then: self.low_confidence,
                cache: self.cache_at_low_confidence,
                state: StateSize { fixed, per_new_token, per_token, prompt_tokens },
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fate_of_unsent_drafts_is_open_only_where_the_edge_waits() {
        let asked = Asked { pictures: true, moves: true, more_than_text: true };
        let is_idle = |low_confidence| {
            let idle = Msao { low_confidence, ..Msao::default() }.idle(asked);
            idle.iter().any(|(key, _)| *key == "cache_at_low_confidence")
        };
        assert!(!is_idle(LowConfidence::Wait));
        assert!(is_idle(LowConfidence::Continue) && is_idle(LowConfidence::RestOnCloud));
    }
}
