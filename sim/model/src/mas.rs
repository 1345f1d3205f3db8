//! Modality Activation Sparsity (MSAO, Eq. 4 to 7) on the quantities that a probe measures.
//!
//! In simulation those quantities are descriptors drawn for each request; [`DescriptorLaw`] documents the law, an
//! assumption of ours, since the paper gives none. On real tensors Eq. 3 to 6 are in [`spatial`], [`temporal`] and
//! [`relevance`].

pub mod relevance;
pub mod spatial;
pub mod temporal;
mod tensor;

pub use tensor::TensorError;

use crate::modality::{Modality, PerModality};
use crate::request::Prompt;
use kernel::{Stream, Streams, draw};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::Ratio;

/// The probe's measurements of one modality.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Descriptor {
    /// rho_spatial: share of the importance map below tau_s (Eq. 4); 0 where there is no map.
    pub spatial: f64,
    /// Mean similarity of neighbouring frames (Eq. 5), if there are frames; gamma is 1 minus it.
    pub similarity: Option<f64>,
    /// Relevance alpha to the prompt (Eq. 6).
    pub relevance: f64,
}

/// The probe's measurements of a request, for each modality that it has.
pub type Descriptors = PerModality<Option<Descriptor>>;

/// The distributions from which a request's MAS descriptors are drawn. All defaults are assumptions: the paper gives
/// none.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DescriptorLaw {
    /// First parameter of the Beta distribution of spatial sparsity at tau_s = .3; default 3, an assumption.
    pub spatial_alpha: f64,
    /// Second parameter of the Beta distribution of spatial sparsity at tau_s = .3; default 3, an assumption.
    pub spatial_beta: f64,
    /// Standard deviation of the logits of an importance map. A smaller one makes the sparsity grow faster with tau_s.
    pub importance_deviation: f64,
    /// First parameter of the Beta distribution of the similarity of neighbouring frames; default 8, an assumption.
    pub similarity_alpha: f64,
    /// Second parameter of the Beta distribution of the similarity of neighbouring frames; default 2, an assumption.
    pub similarity_beta: f64,
    /// Mean of the relevance of pictures and audio above the text's, a normal variate; default 0, an assumption.
    pub relevance_mean: f64,
    /// Standard deviation of the relevance of pictures and audio above the text's; default .5, an assumption.
    pub relevance_deviation: f64,
}

impl Default for DescriptorLaw {
    fn default() -> Self {
        Self {
            spatial_alpha: 3.0,
            spatial_beta: 3.0,
            importance_deviation: 1.5,
            similarity_alpha: 8.0,
            similarity_beta: 2.0,
            relevance_mean: 0.0,
            relevance_deviation: 0.5,
        }
    }
}

/// tau_s of the paper, at which the law's spatial sparsity holds.
const PAPER_TAU_S: f64 = 0.3;

impl DescriptorLaw {
    /// Checks every number. The error has the name of the first bad one and the expected range.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let positive = [
            (self.spatial_alpha, "spatial_alpha"),
            (self.spatial_beta, "spatial_beta"),
            (self.importance_deviation, "importance_deviation"),
            (self.similarity_alpha, "similarity_alpha"),
            (self.similarity_beta, "similarity_beta"),
        ];
        match positive.iter().find(|(value, _)| !(value.is_finite() && *value > 0.0)) {
            Some((_, name)) => Err((name, "expected a finite number above 0")),
            // Exponentials of relevances are summed up: far beyond these, they overflow.
            None if !(-100.0..=100.0).contains(&self.relevance_mean) => Err(("relevance_mean", "expected -100 to 100")),
            None if !(0.0..=50.0).contains(&self.relevance_deviation) => {
                Err(("relevance_deviation", "expected 0 to 50"))
            }
            None => Ok(()),
        }
    }

    /// The descriptors of a request, as a probe with threshold `tau_s` would find them: spatial sparsity Beta(3, 3),
    /// similarity of frames Beta(8, 2), relevance N(0, .5) over the text's, which is 0.
    pub fn draw(&self, streams: Streams, prompt: &Prompt, tau_s: Ratio) -> Descriptors {
        let stream = &mut streams.stream("descriptors", prompt.request);
        let visual = prompt.images.map(|images| {
            let (spatial, relevance) = (self.spatial(tau_s, stream), self.relevance(stream));
            Descriptor { spatial, relevance, similarity: images.moving.then(|| self.similarity(stream)) }
        });
        let audio = prompt.audio.map(|_| Descriptor {
            spatial: 0.0,
            relevance: self.relevance(stream),
            similarity: Some(self.similarity(stream)),
        });
        PerModality::of(|modality| match modality {
            Modality::Text => Some(Descriptor::default()),
            Modality::Visual => visual,
            Modality::Audio => audio,
        })
    }

    fn relevance(&self, stream: &mut Stream) -> f64 {
        self.relevance_mean + self.relevance_deviation * draw::normal(stream)
    }

    fn similarity(&self, stream: &mut Stream) -> f64 {
        draw::beta(self.similarity_alpha, self.similarity_beta, stream)
    }

    /// Share of a map below `tau_s`, where the logits of a map are normal: the drawn share is that at the paper's
    /// threshold, and the logistic function stands in for the normal one (1.702 makes them agree within .01).
    fn spatial(&self, tau_s: Ratio, stream: &mut Stream) -> f64 {
        let share = draw::beta(self.spatial_alpha, self.spatial_beta, stream);
        let tau_s = tau_s.as_f64();
        if tau_s == PAPER_TAU_S {
            return share;
        }
        let logit = |p: f64| libm::log(p / (1.0 - p));
        let moved = 1.702 * (logit(tau_s) - logit(PAPER_TAU_S)) / self.importance_deviation;
        relevance::sigmoid(logit(share) + moved)
    }
}

/// The temporal term of Eq. 7.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TemporalSign {
    /// The similarity of neighbouring frames: redundancy raises the MAS, as the text around Eq. 5 and 7 wants it.
    #[default]
    Corrected,
    /// gamma = 1 - similarity, as Eq. 7 is printed: novelty raises the MAS.
    Literal,
}

/// The normalisation of relevance scores into the shares b of Eq. 7.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Relevance {
    /// Over the modalities of the request, as printed: each of K equal ones gets 1 / K.
    #[default]
    Softmax,
    /// Each modality by itself.
    Sigmoid,
}

/// Pruning of text: forbidden (`protect_text`, default), or bounded by the MAS as any modality (`literal`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TextBound {
    /// Text is kept whole.
    #[default]
    ProtectText,
    /// beta >= 1 - MAS holds for text as for any modality.
    Literal,
}

/// Settings of the MAS (Eq. 4 to 7). The defaults of tau_s and the weights are the paper's (section 5.1.4).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MasSettings {
    /// Importance below which a patch counts as background (tau_s of Eq. 4), from 0 to 1; default .3.
    pub tau_s: Ratio,
    /// Weight of the spatial sparsity in Eq. 7, from 0 to 1; default .6.
    pub lambda_spatial: Ratio,
    /// Weight of the temporal term in Eq. 7, from 0 to 1; default .4.
    pub lambda_temporal: Ratio,
    /// Temporal term of Eq. 7: the similarity of frames (`corrected`, default) or 1 minus it (`literal`).
    pub temporal_sign: TemporalSign,
    /// Normalisation of relevance scores: `softmax` over the request's modalities (default) or `sigmoid` of each.
    pub relevance: Relevance,
    /// Pruning of text: forbidden (`protect_text`, default), or bounded by the MAS as any modality (`literal`).
    pub text_bound: TextBound,
}

impl Default for MasSettings {
    fn default() -> Self {
        Self {
            tau_s: Ratio::new(PAPER_TAU_S),
            lambda_spatial: Ratio::new(0.6),
            lambda_temporal: Ratio::new(0.4),
            temporal_sign: TemporalSign::default(),
            relevance: Relevance::default(),
            text_bound: TextBound::default(),
        }
    }
}

/// MAS of each modality, in [0, 1]. High means redundant or irrelevant, so that the modality may be pruned. It is 1
/// for a modality that the request does not have.
///
/// ```
/// use model::mas::{Descriptor, Mas, MasSettings};
/// use model::modality::{Modality, PerModality};
///
/// // Text and a still picture, equally relevant; half of the picture's patches are background.
/// let picture = Descriptor { spatial: 0.5, ..Descriptor::default() };
/// let descriptors = PerModality::of(|modality| match modality {
///     Modality::Text => Some(Descriptor::default()),
///     Modality::Visual => Some(picture),
///     Modality::Audio => None,
/// });
/// let settings = MasSettings::default();
/// let mas = Mas::of(&descriptors, &settings);
/// assert_eq!(mas.0[Modality::Visual], 0.65); // 1 - 1/2 (1 - .6 x .5)
/// assert!(mas.least(Modality::Visual, &settings) <= 0.35001, "at least 35 % of the picture stays");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mas(pub PerModality<f64>);

impl Mas {
    /// Eq. 7: `1 - b (1 - lambda_spatial rho - lambda_temporal gamma)` for each modality.
    pub fn of(descriptors: &Descriptors, settings: &MasSettings) -> Self {
        // alpha is a difference to the text's, so no exponential overflows that a probe could mean.
        let total: f64 = descriptors.iter().filter_map(|(_, one)| one.map(|one| libm::exp(one.relevance))).sum();
        Self(PerModality::of(|modality| {
            let Some(one) = descriptors[modality] else { return 1.0 };
            let share = match settings.relevance {
                Relevance::Softmax => libm::exp(one.relevance) / total,
                Relevance::Sigmoid => relevance::sigmoid(one.relevance),
            };
            let temporal = one.similarity.map_or(0.0, |similarity| match settings.temporal_sign {
                TemporalSign::Corrected => similarity,
                TemporalSign::Literal => 1.0 - similarity,
            });
            let redundancy =
                settings.lambda_spatial.as_f64() * one.spatial + settings.lambda_temporal.as_f64() * temporal;
            // With weights that sum to more than 1 the printed formula would leave [0, 1].
            1.0 - share * (1.0 - redundancy).max(0.0)
        }))
    }

    /// The smallest share of a modality's tokens that may be kept (the last constraint of Eq. 11).
    pub fn least(&self, modality: Modality, settings: &MasSettings) -> f64 {
        if modality == Modality::Text && settings.text_bound == TextBound::ProtectText {
            return 1.0;
        }
        1.0 - self.0[modality]
    }
}

#[cfg(test)]
mod tests;
