//! Modality Activation Sparsity (MSAO, Eq. 4 to 7) on the quantities that a probe measures.
//!
//! In simulation those quantities are descriptors drawn for each request; [`Descriptors::draw`] documents the law, an
//! assumption of ours, since the paper gives none.

use kernel::{Streams, draw};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::Ratio;

pub mod relevance;
pub mod spatial;
pub mod temporal;

/// What the probe measures of one request with pictures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Descriptors {
    /// rho_spatial: share of the spatial map below tau_s (Eq. 4).
    pub spatial: f64,
    /// Relevance alpha of the pictures minus that of the text (Eq. 6); softmax needs only the difference.
    pub relevance: f64,
}

/// The law of the descriptors.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DescriptorLaw {
    /// First parameter of the Beta law of the spatial sparsity.
    pub spatial_alpha: f64,
    /// Second parameter of the Beta law of the spatial sparsity.
    pub spatial_beta: f64,
    /// Mean of the normal law of the pictures' relevance over the text's.
    pub relevance_mean: f64,
    /// Deviation of the normal law of the pictures' relevance over the text's.
    pub relevance_deviation: f64,
}

impl Default for DescriptorLaw {
    fn default() -> Self {
        Self { spatial_alpha: 3.0, spatial_beta: 3.0, relevance_mean: 0.0, relevance_deviation: 0.5 }
    }
}

impl DescriptorLaw {
    /// Whether every number makes sense; the name of the first that does not.
    pub fn check(&self) -> Result<(), &'static str> {
        let positive = |value: f64| value.is_finite() && value > 0.0;
        if !positive(self.spatial_alpha) {
            Err("spatial_alpha")
        } else if !positive(self.spatial_beta) {
            Err("spatial_beta")
        } else if !self.relevance_mean.is_finite() {
            Err("relevance_mean")
        } else if !(self.relevance_deviation.is_finite() && self.relevance_deviation >= 0.0) {
            Err("relevance_deviation")
        } else {
            Ok(())
        }
    }
}

impl Descriptors {
    /// The descriptors of a request: spatial sparsity Beta(3, 3) (mean one half), relevance N(0, .5) by default.
    pub fn draw(law: &DescriptorLaw, streams: Streams, request: u64) -> Self {
        let mut stream = streams.stream("descriptors", request);
        Self {
            spatial: draw::beta(law.spatial_alpha, law.spatial_beta, &mut stream),
            relevance: law.relevance_mean + law.relevance_deviation * draw::normal(&mut stream),
        }
    }
}

/// Weights of Eq. 7. Pictures have no temporal term.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MasWeights {
    /// lambda_spatial, .6 in the paper.
    pub lambda_spatial: Ratio,
}

impl Default for MasWeights {
    fn default() -> Self {
        Self { lambda_spatial: Ratio::new(0.6) }
    }
}

/// MAS of the pictures of a request: high means redundant or irrelevant, so that it may be pruned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mas {
    /// Of the visual modality, in [0, 1]; 1 without pictures.
    pub visual: f64,
}

impl Mas {
    /// A request of text alone: nothing visual is needed.
    pub const TEXT_ONLY: Self = Self { visual: 1.0 };

    /// Eq. 7 with the softmax of Eq. 6 over text and pictures: `1 - b (1 - lambda_spatial rho)`.
    pub fn of(descriptors: &Descriptors, weights: &MasWeights) -> Self {
        let relevance = 1.0 / (1.0 + libm::exp(-descriptors.relevance));
        Self { visual: 1.0 - relevance * (1.0 - weights.lambda_spatial.as_f64() * descriptors.spatial) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn by_hand() {
        // b = 1/2, rho = 1/2: 1 - .5 (1 - .3) = .65.
        let mas = Mas::of(&Descriptors { spatial: 0.5, relevance: 0.0 }, &MasWeights::default());
        assert!((mas.visual - 0.65).abs() < 1e-15);
    }

    proptest! {
        #[test]
        fn sparser_raises_it_and_more_relevant_lowers_it(
            spatial in 0.0f64..0.99, relevance in -5.0f64..5.0, step in 0.001f64..0.01
        ) {
            let mas = |spatial, relevance| Mas::of(&Descriptors { spatial, relevance }, &MasWeights::default()).visual;
            let here = mas(spatial, relevance);
            prop_assert!((0.0..=1.0).contains(&here));
            prop_assert!(mas(spatial + step, relevance) > here);
            prop_assert!(mas(spatial, relevance + step) < here);
        }
    }
}
