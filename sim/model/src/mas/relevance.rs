//! Relevance of each modality to the prompt on real embeddings (MSAO, Eq. 6), and its normalisation.

use super::tensor::{TensorError, dot, entries, expect_finite, expect_length, expect_some};
use serde::{Deserialize, Serialize};

/// The weights of a [`RelevanceHead`], not yet checked, from a file or a fit. Matrices are row-major.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelevanceWeights {
    /// P: entries of the prompt's embedding.
    pub prompt: usize,
    /// Z: entries of a modality's representation.
    pub modality: usize,
    /// N: hidden units.
    pub hidden: usize,
    /// First layer, N x (P + Z): of each hidden unit the weights of the prompt, then those of the modality.
    pub inner_weights: Vec<f32>,
    /// First layer, N.
    pub inner_bias: Vec<f32>,
    /// Second layer, N.
    pub outer_weights: Vec<f32>,
    /// Second layer.
    pub outer_bias: f32,
}

/// The MLP of Eq. 6 on `[p; z_m]`.
///
/// The paper says no more than MLP. Assumptions of ours: two layers with ReLU between them, and one head for all
/// modalities, whose representations therefore have the same length.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RelevanceWeights")]
pub struct RelevanceHead(RelevanceWeights);

impl TryFrom<RelevanceWeights> for RelevanceHead {
    type Error = TensorError;

    fn try_from(weights: RelevanceWeights) -> Result<Self, TensorError> {
        Self::new(weights)
    }
}

impl RelevanceHead {
    /// A head of these weights.
    ///
    /// # Errors
    ///
    /// If a dimension is 0, an array has another length than the dimensions say, or a number is NaN or infinite.
    pub fn new(weights: RelevanceWeights) -> Result<Self, TensorError> {
        let RelevanceWeights { prompt, modality, hidden, .. } = weights;
        expect_some("entries of the prompt", prompt)?;
        expect_some("entries of the modality", modality)?;
        expect_some("hidden units", hidden)?;
        let what = "inner weights of the relevance head";
        let row = prompt.checked_add(modality).ok_or(TensorError::TooLarge { what })?;
        let arrays = [
            (what, entries(what, &[hidden, row])?, &weights.inner_weights[..]),
            ("inner biases of the relevance head", hidden, &weights.inner_bias),
            ("outer weights of the relevance head", hidden, &weights.outer_weights),
            ("outer bias of the relevance head", 1, &[weights.outer_bias]),
        ];
        for (what, expected, array) in arrays {
            expect_length(what, expected, array.len())?;
            expect_finite(what, array)?;
        }
        Ok(Self(weights))
    }

    /// alpha_m of Eq. 6: a score without bounds, finite; its scale means something only to [`softmax`] or [`sigmoid`].
    ///
    /// `prompt` is p (P entries), `modality` is z_m (Z entries).
    ///
    /// # Errors
    ///
    /// If one of them has another length, or an entry is NaN or infinite.
    pub fn alpha(&self, prompt: &[f32], modality: &[f32]) -> Result<f64, TensorError> {
        let head = &self.0;
        for (what, expected, vector) in
            [("entries of the prompt", head.prompt, prompt), ("entries of the modality", head.modality, modality)]
        {
            expect_length(what, expected, vector.len())?;
            expect_finite(what, vector)?;
        }
        let rows = head.inner_weights.chunks_exact(head.prompt + head.modality);
        let units = rows.zip(&head.inner_bias).map(|(row, &bias)| {
            let (of_prompt, of_modality) = row.split_at(head.prompt);
            (dot(of_prompt, prompt) + dot(of_modality, modality) + f64::from(bias)).max(0.0)
        });
        let sum = units.zip(&head.outer_weights).fold(0.0, |sum, (unit, &weight)| sum + f64::from(weight) * unit);
        Ok(sum + f64::from(head.outer_bias))
    }
}

/// beta_m of §4.1.3: `exp(alpha_m)` over the sum of them all, in the order given; empty for no modality.
///
/// The greatest score is subtracted first, so no finite scores overflow. A NaN or +infinity among them, or nothing but
/// -infinity, makes every share NaN.
pub fn softmax(alphas: &[f64]) -> Vec<f64> {
    let greatest = alphas.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut shares: Vec<f64> = alphas.iter().map(|alpha| libm::exp(alpha - greatest)).collect();
    let total: f64 = shares.iter().sum();
    for share in &mut shares {
        *share /= total;
    }
    shares
}

/// `1 / (1 + exp(-x))`, in [0, 1]; NaN of NaN. Of Eq. 3, and the alternative to [`softmax`] for each modality alone.
pub fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-x))
}

/// Stand-in for alpha_m (Eq. 6) where no fitted [`RelevanceHead`] exists: the cosine of the angle between p and z_m,
/// in [-1, 1]. It is ours, not the paper's, and has no parameters.
///
/// Both vectors must come from one embedding space, or the angle means nothing. 0 if either is all zeros. As a cosine
/// is bounded, the [`softmax`] of two such scores stays within .119 and .881.
///
/// # Errors
///
/// If the vectors differ in length, or an entry is NaN or infinite.
pub fn cosine(prompt: &[f32], modality: &[f32]) -> Result<f64, TensorError> {
    expect_length("entries of the modality", prompt.len(), modality.len())?;
    expect_finite("entries of the prompt", prompt)?;
    expect_finite("entries of the modality", modality)?;
    let lengths = dot(prompt, prompt).sqrt() * dot(modality, modality).sqrt();
    Ok(if lengths > 0.0 { (dot(prompt, modality) / lengths).clamp(-1.0, 1.0) } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn weights() -> RelevanceWeights {
        RelevanceWeights {
            prompt: 2,
            modality: 1,
            hidden: 2,
            inner_weights: vec![1.0, 0.0, 1.0, -1.0, 1.0, -1.0],
            inner_bias: vec![0.5, 1.0],
            outer_weights: vec![2.0, 10.0],
            outer_bias: -1.0,
        }
    }

    #[test]
    fn alpha_by_hand() {
        let head = RelevanceHead::new(weights()).unwrap();
        // p = (1, 2), z = (3): units max(0, 1 + 0 + 3 + .5) = 4.5 and max(0, -1 + 2 - 3 + 1) = 0; 2 * 4.5 - 1 = 8.
        assert_eq!(head.alpha(&[1.0, 2.0], &[3.0]), Ok(8.0));
        // z = (-1): units max(0, 1 - 1 + .5) = .5 and max(0, -1 + 2 + 1 + 1) = 3; 2 * .5 + 10 * 3 - 1 = 30.
        assert_eq!(head.alpha(&[1.0, 2.0], &[-1.0]), Ok(30.0));
    }

    #[test]
    fn shares_by_hand() {
        // exp(0) : exp(ln 3) = 1 : 3.
        let shares = softmax(&[0.0, libm::log(3.0)]);
        assert!((shares[0] - 0.25).abs() < 1e-15 && (shares[1] - 0.75).abs() < 1e-15, "{shares:?}");
        assert_eq!(softmax(&[1e308, 1e308]), [0.5, 0.5]);
        assert_eq!(softmax(&[-1e308, 1e308]), [0.0, 1.0]);
        assert_eq!(softmax(&[7.0]), [1.0]);
        assert!(softmax(&[]).is_empty());
        assert_eq!(softmax(&[f64::NEG_INFINITY, 0.0]), [0.0, 1.0]);
        for bad in [[f64::NAN, 0.0], [f64::INFINITY, 0.0], [f64::NEG_INFINITY; 2]] {
            assert!(softmax(&bad).iter().all(|share| share.is_nan()), "{bad:?}");
        }
    }

    #[test]
    fn sigmoid_by_hand() {
        assert_eq!(sigmoid(0.0), 0.5);
        // 1 / (1 + exp(-ln 3)) = 1 / (1 + 1/3) = 3/4.
        assert!((sigmoid(libm::log(3.0)) - 0.75).abs() < 1e-15);
        assert_eq!([sigmoid(f64::NEG_INFINITY), sigmoid(-1e9), sigmoid(1e9)], [0.0, 0.0, 1.0]);
        assert!(sigmoid(f64::NAN).is_nan());
    }

    #[test]
    fn cosine_by_hand() {
        // (3 * 4 + 4 * 3) / (5 * 5) = 24/25.
        assert!((cosine(&[3.0, 4.0], &[4.0, 3.0]).unwrap() - 0.96).abs() < 1e-15);
        assert_eq!(cosine(&[1.0, 0.0], &[0.0, 1.0]), Ok(0.0));
        assert_eq!(cosine(&[0.0, 0.0], &[0.0, 1.0]), Ok(0.0));
        assert_eq!(cosine(&[], &[]), Ok(0.0));
        assert_eq!(cosine(&[f32::MAX, f32::MAX], &[f32::MAX, f32::MAX]).map(|c| c > 0.999_999), Ok(true));
        // softmax(-1, 1) = 1 / (1 + e^2) = .119 and .881.
        assert!((softmax(&[-1.0, 1.0])[0] - 0.119).abs() < 5e-4);
    }

    #[test]
    fn what_does_not_fit_is_refused_with_both_numbers() {
        let message = |error: TensorError| error.to_string();
        let head = RelevanceHead::new(weights()).unwrap();
        let prompt = head.alpha(&[1.0], &[3.0]).unwrap_err();
        assert_eq!(message(prompt), "entries of the prompt: 2 expected, 1 came");
        let modality = head.alpha(&[1.0, 2.0], &[3.0, 4.0]).unwrap_err();
        assert_eq!(message(modality), "entries of the modality: 1 expected, 2 came");
        let nan = head.alpha(&[1.0, f32::NAN], &[3.0]).unwrap_err();
        assert_eq!(message(nan), "entries of the prompt: a finite number expected at index 1");
        let cosine_of = |p: &[f32], z: &[f32]| cosine(p, z).map_err(message);
        assert_eq!(cosine_of(&[1.0, 2.0], &[1.0]), Err("entries of the modality: 2 expected, 1 came".into()));
        assert!(cosine_of(&[f32::INFINITY], &[1.0]).is_err());
    }

    #[test]
    fn wrong_weights_are_refused() {
        let refusal = |spoil: fn(&mut RelevanceWeights)| {
            let mut weights = weights();
            spoil(&mut weights);
            RelevanceHead::new(weights).unwrap_err().to_string()
        };
        assert_eq!(refusal(|w| w.hidden = 3), "inner weights of the relevance head: 9 expected, 6 came");
        assert_eq!(refusal(|w| w.prompt = 0), "entries of the prompt: at least 1 expected, 0 came");
        assert_eq!(refusal(|w| w.modality = 0), "entries of the modality: at least 1 expected, 0 came");
        assert_eq!(refusal(|w| w.hidden = 0), "hidden units: at least 1 expected, 0 came");
        assert!(refusal(|w| w.prompt = usize::MAX).contains("too large"));
        assert!(refusal(|w| w.hidden = usize::MAX).contains("too large"));
        assert!(refusal(|w| w.inner_bias.push(0.0)).contains("2 expected, 3 came"));
        assert!(refusal(|w| w.outer_weights.clear()).contains("2 expected, 0 came"));
        assert!(refusal(|w| w.inner_weights[4] = f32::NAN).contains("index 4"));
        assert!(refusal(|w| w.outer_bias = f32::INFINITY).contains("outer bias"));
    }

    #[test]
    fn a_head_is_read_and_checked() {
        let head = RelevanceHead::new(weights()).unwrap();
        let text = toml::to_string(&head).unwrap();
        assert_eq!(toml::from_str::<RelevanceHead>(&text).unwrap(), head);
        let refusal = |text: &str| toml::from_str::<RelevanceHead>(text).unwrap_err().to_string();
        assert!(refusal(&text.replace("hidden = 2", "hidden = 3")).contains("9 expected, 6 came"));
        assert!(refusal(&format!("{text}\nlayers = 2")).contains("layers"));
    }

    fn vector(n: usize) -> impl Strategy<Value = Vec<f32>> {
        prop::collection::vec(-10.0f32..10.0, n)
    }

    fn scores() -> impl Strategy<Value = Vec<f64>> {
        prop::collection::vec(-50.0f64..50.0, 1..6)
    }

    proptest! {
        #[test]
        fn shares_sum_to_one_and_keep_the_order(alphas in scores()) {
            let shares = softmax(&alphas);
            prop_assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-14);
            for (a, share) in alphas.iter().zip(&shares) {
                for (b, other) in alphas.iter().zip(&shares) {
                    prop_assert!(a <= b || share >= other);
                }
            }
        }

        #[test]
        fn only_differences_of_scores_count(alphas in scores(), shift in -1e3f64..1e3) {
            let shifted: Vec<f64> = alphas.iter().map(|alpha| alpha + shift).collect();
            for (share, other) in softmax(&alphas).iter().zip(softmax(&shifted)) {
                prop_assert!((share - other).abs() < 1e-12);
            }
        }

        #[test]
        fn of_two_modalities_softmax_is_the_sigmoid_of_the_difference(a in -50.0f64..50.0, b in -50.0f64..50.0) {
            prop_assert!((softmax(&[a, b])[0] - sigmoid(a - b)).abs() < 1e-14);
        }

        #[test]
        fn sigmoid_rises_and_is_odd_around_a_half(x in -30.0f64..30.0, step in 0.001f64..1.0) {
            prop_assert!(sigmoid(x + step) >= sigmoid(x));
            prop_assert!((sigmoid(x) + sigmoid(-x) - 1.0).abs() < 1e-15);
        }

        #[test]
        fn cosine_is_symmetric_bounded_and_blind_to_length(a in vector(6), b in vector(6), scale in 0.01f32..100.0) {
            let here = cosine(&a, &b).unwrap();
            prop_assert!((-1.0..=1.0).contains(&here));
            prop_assert_eq!(cosine(&b, &a), Ok(here));
            let scaled: Vec<f32> = a.iter().map(|x| scale * x).collect();
            prop_assert!((cosine(&scaled, &b).unwrap() - here).abs() < 1e-6);
        }

        #[test]
        fn a_head_without_rectified_units_is_affine(p in vector(2), z in vector(1), q in vector(2), y in vector(1)) {
            // A bias so great that no unit is at zero: then alpha(middle) is the mean of the alphas.
            let mut weights = weights();
            weights.inner_bias = vec![1e3, 1e3];
            let head = RelevanceHead::new(weights).unwrap();
            let middle = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a + b) / 2.0).collect::<Vec<f32>>();
            let mean = (head.alpha(&p, &z).unwrap() + head.alpha(&q, &y).unwrap()) / 2.0;
            prop_assert!((head.alpha(&middle(&p, &q), &middle(&z, &y)).unwrap() - mean).abs() < 1e-4);
        }

        #[test]
        fn any_embeddings_give_a_number_or_an_error(
            p in prop::collection::vec(prop::num::f32::ANY, 2), z in prop::collection::vec(prop::num::f32::ANY, 1)
        ) {
            match RelevanceHead::new(weights()).unwrap().alpha(&p, &z) {
                Ok(alpha) => prop_assert!(alpha.is_finite()),
                Err(_) => prop_assert!(p.iter().chain(&z).any(|x| !x.is_finite())),
            }
        }
    }
}
