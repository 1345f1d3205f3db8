//! MSAO (arXiv 2604.02945), Algorithm 1.
//!
//! Where the paper leaves a point open, the default here is the one that `docs/semantics.md` names, and each alternative
//! is a key.

use crate::plan::{PlanSettings, Plans, probe_and_plan};
use crate::route::Router;
use crate::speculation::{CacheAtLowConfidence, Gate, LowConfidence, Speculation, StateSize, Unsure, read_prompt};
use crate::testbed::{count, idle_if};
use crate::theta::{DraftLength, Reset, Theta, ThetaSettings};
use crate::twin::{Alone, Drafting, Twin};
use crate::verification::{BonusToken, DraftDuringVerify, VerifySettings};
use crate::{Asked, Briefing, Edge, Idle, Policy, ServedBy, Testbed, Uses, View, trust};
use model::{mas::MasSettings, request::Input};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::cell::Cell;
use units::Bytes;

/// Settings of MSAO; the defaults are the paper's (section 5.1.4) where it gives one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Msao {
    /// Label of its rows; `msao` if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What "offloading" means.
    pub semantics: Semantics,
    /// Tokens of a batch (line 5).
    pub n_draft: DraftLength,
    /// N_max: most tokens of a batch: 5.
    pub n_max: u32,
    /// Whether the edge drafts on while verdicts are on their way.
    pub draft_during_verify: DraftDuringVerify,
    /// Whether a batch that is accepted whole brings a token of the cloud's own.
    pub bonus_token: BonusToken,
    /// What the edge does at a token that is not sure enough.
    pub low_confidence: LowConfidence,
    /// What becomes of tokens that were drafted and not sent at that moment.
    pub cache_at_low_confidence: CacheAtLowConfidence,
    /// The intermediate state that goes up with a token that is not sure enough.
    pub state_bytes: State,
    /// How the MAS is worked out (Eq. 4 to 7).
    pub mas: MasSettings,
    /// How the coarse plan is made (line 3).
    pub plan: PlanSettings,
    /// The confidence threshold (lines 4, 10 and 13).
    pub theta: ThetaSettings,
    /// How drafts are verified.
    pub verify: VerifySettings,
}

impl Default for Msao {
    fn default() -> Self {
        Self {
            label: None,
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

/// What MSAO's "offloading" means; its Algorithm 1 says one thing and its section 5.3.4 another.
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

/// The intermediate state of line 12; the paper does not say what it is.
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

/// What MSAO keeps between requests: plans solved so far, and a threshold that is not reset.
#[derive(Default)]
pub struct MsaoMemory {
    plans: Plans,
    theta_nats: Cell<Option<f32>>,
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

impl Policy for Msao {
    type Memory = MsaoMemory;

    fn label(&self) -> Option<&str> {
        self.label.as_deref()
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

    async fn serve<B: Testbed>(&self, bed: &B, briefing: &Briefing, memory: &MsaoMemory) -> ServedBy {
        bed.edge().preprocess().await;
        // Boxed, as what comes before the drafting, so that drafting, which every request waits in, stays small.
        let input = Box::pin(probe_and_plan(bed, &self.mas, &self.plan, briefing, &memory.plans)).await; // line 3
        if let Semantics::Route(router) = self.semantics {
            return Box::pin(router.choose(bed).serve(bed, &input)).await;
        }
        let speculation = self.speculation(&bed.view(), &input);
        Box::pin(read_prompt(bed, input)).await;
        let mut theta = self.start(briefing, memory); // lines 4 and 5
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

    fn twin(&self, alone: &Alone<'_>) -> Twin {
        let planned = self.plan.time(&self.mas, alone);
        if let Semantics::Route(router) = self.semantics {
            return router.twin(alone).after(planned);
        }
        let theta = self.start(alone.briefing, &MsaoMemory::default());
        let (confident, acceptance) = alone.tokens.below(theta.nats());
        let speculation = self.speculation(&alone.view, alone.input);
        let drafting = Drafting { n_draft: theta.n_draft(), confident, acceptance, speculation: &speculation };
        let twin = match self.low_confidence {
            _ if self.semantics == Semantics::Trust => alone.trusting(&drafting),
            LowConfidence::Continue => alone.drafting(&drafting.without_stops(alone.tokens.below(f32::INFINITY).1)),
            LowConfidence::Wait | LowConfidence::RestOnCloud => alone.drafting(&drafting),
        };
        twin.after(planned)
    }
}

impl Msao {
    /// The threshold at the start of a request.
    fn start<'c>(&'c self, briefing: &'c Briefing, memory: &MsaoMemory) -> Theta<'c> {
        let mut theta = self.theta.start(self.n_draft, self.n_max, &briefing.calibration);
        if let (Reset::Persistent, Some(nats)) = (self.theta.reset, memory.theta_nats.get()) {
            theta.resume(nats);
        }
        theta
    }

    /// How a request is drafted and verified.
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
