//! MSAO (arXiv 2604.02945), Algorithm 1 at token level with lossless verification.
//!
//! Where the paper leaves a point open, the default here is the one that `docs/semantics.md` names: text is protected,
//! patches are dropped before the vision tower, a batch is verified in one iteration with k + 1 query tokens, the edge
//! waits for the verdict, a low-confidence token is left to the cloud together with the cache.

use crate::plan::{Bounds, Plans};
use crate::speculation::{Gate, Speculation};
use crate::testbed::count;
use crate::theta::{Theta, ThetaSettings};
use crate::{Briefing, Cloud, Edge, Policy, ServedBy, Testbed, Uses};
use model::{
    decoding::{Draft, Verdict},
    mas::{Mas, MasWeights},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::{Bytes, Ratio, SimDuration};

/// Settings of MSAO; the defaults are the paper's (section 5.1.4) where it gives one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Msao {
    /// Label of its rows; `msao` if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Weights of the MAS (Eq. 7).
    pub mas: MasWeights,
    /// eps_Q: share of right answers that pruning and compression may cost: 2 %.
    pub quality_loss_max: Ratio,
    /// T_max: bound on the upload of a modality (Eq. 11); none if absent, as the paper gives none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload_time_max: Option<SimDuration>,
    /// Time charged to a request for solving the plan. The exact solver takes about 2 us; the paper charges nothing.
    pub planning_time: SimDuration,
    /// The confidence threshold.
    pub theta: ThetaSettings,
    /// N_max: most tokens of a batch: 5.
    pub n_max: u32,
    /// Bytes of the intermediate state that goes up with a low-confidence token: one hidden state of the 2B.
    pub state_bytes: Bytes,
}

impl Default for Msao {
    fn default() -> Self {
        Self {
            label: None,
            mas: MasWeights::default(),
            quality_loss_max: Ratio::new(0.02),
            upload_time_max: None,
            planning_time: SimDuration::from_us(2),
            theta: ThetaSettings::default(),
            n_max: 5,
            state_bytes: Bytes::new(3072),
        }
    }
}

/// A plan that takes longer is a mistyped unit.
const LONGEST_PLANNING: SimDuration = SimDuration::from_secs(3600);

impl Gate for Theta {
    fn is_confident(&self, draft: &Draft) -> bool {
        draft.entropy_nats <= self.nats()
    }
    fn doubt(&mut self) {
        self.decay();
    }
    fn learn(&mut self, verdict: &Verdict) {
        Theta::learn(self, verdict);
    }
    fn theta_nats(&self) -> f32 {
        self.nats()
    }
}

/// Plans solved so far.
#[derive(Default)]
pub struct MsaoMemory(Plans);

impl Policy for Msao {
    type Memory = MsaoMemory;

    fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    fn uses(&self) -> Uses {
        let prunes = self.quality_loss_max > Ratio::ZERO;
        Uses { edge_model: true, cloud: true, drafts: true, probes: true, prunes }
    }

    fn idle(&self) -> Vec<(&'static str, &'static str)> {
        // The plan is the whole input then, however long its upload takes.
        let whole = self.quality_loss_max == Ratio::ZERO && self.upload_time_max.is_some();
        let why = "quality_loss_max is 0, so the plan has nothing to prune or compress";
        if whole { vec![("upload_time_max", why)] } else { Vec::new() }
    }

    fn calibration_samples(&self) -> u32 {
        self.theta.calibration_samples
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        count("n_max", self.n_max)?;
        if self.planning_time > LONGEST_PLANNING {
            return Err(("planning_time", format!("expected at most {LONGEST_PLANNING}")));
        }
        self.theta.check()
    }

    async fn serve<B: Testbed>(&self, bed: &B, briefing: &Briefing, memory: &MsaoMemory) -> ServedBy {
        let bounds = Bounds {
            quality_loss: self.quality_loss_max.as_f64(),
            upload: self.upload_time_max,
            pruning: briefing.pruning,
        };
        bed.edge().preprocess().await;
        let descriptors = bed.edge().probe().await;
        let mas = if bed.prompt().images.is_some() { Mas::of(&descriptors, &self.mas) } else { Mas::TEXT_ONLY };

        let input = memory.0.solve(bed.prompt(), &mas, &bed.view(), &bounds); // line 3
        bed.edge().think(self.planning_time).await;
        bed.edge().note_plan(mas, &input);
        let mut theta = self.theta.start(&briefing.calibration); // line 4
        let n_draft = self.theta.n_draft(&briefing.calibration, self.n_max); // line 5

        bed.cloud().open(&input); // goes on in the cloud while the edge reads its own prompt: the max( , ) of Eq. 14
        bed.edge().prefill(&input).await;
        Speculation { n_draft, window: 1, state: self.state_bytes }.run(bed, &mut theta).await; // lines 6 to 15
        ServedBy::Cloud
    }
}
