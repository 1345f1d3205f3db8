//! The accuracy model: the probability that an answer is right. An assumption, except for the numbers that carry a
//! source.
//!
//! A request's difficulty for a model is a standard normal; the two models' difficulties have correlation .85. A model
//! answers rightly if its difficulty lies below the quantile of its accuracy on the dataset.
//!
//! Pruning to retention r loses the share a (r^-b - 1) of right answers on average; of a small model, whose pictures have few
//! tokens, m (1 - r)^p. Each request has a factor on it,
//! exp(N(-.18, .6)) with mean 1. Compression by rho loses .05 rho^4.

use crate::request::{Input, Kept};
use kernel::{Streams, draw};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::Ratio;

/// Accuracy lost to pruned visual tokens: the share `a (r^-b - 1)` of right answers at retention r, fitted to a
/// paper's table. A form of its own has the small pair that ships.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PruningLoss {
    /// LLaVA-1.5 on VQAv2 by FastV: a = .0133, b = 1.41.
    LlavaFastv,
    /// LLaVA-1.5 on VQAv2 by SparseVLM: a = .0031, b = 1.61.
    LlavaSparsevlm,
    /// LLaVA-1.5 on VQAv2 by VisionZip: a = .0234, b = .47.
    LlavaVisionzip,
    /// Qwen2.5-VL-7B on MMBench by VisPruner: a = .0267, b = .91.
    #[default]
    QwenVispruner,
    /// Qwen2.5-VL-7B on MMBench by DivPrune: a = .0568, b = .60.
    QwenDivprune,
    /// The trained pair's target on drawn pictures of 16 tokens, by MAS: m (1 - r)^p, m = .605, p = 1.65.
    SmallDrawnPictures,
}

/// The form of a loss by pruning, over the retention r.
#[derive(Clone, Copy)]
enum Form {
    /// a (r^-b - 1).
    Kept(f64, f64),
    /// m (1 - r)^p.
    Dropped(f64, f64),
}

impl PruningLoss {
    fn form(self) -> Form {
        match self {
            Self::LlavaFastv => Form::Kept(0.0133, 1.41),
            Self::LlavaSparsevlm => Form::Kept(0.0031, 1.61),
            Self::LlavaVisionzip => Form::Kept(0.0234, 0.47),
            Self::QwenVispruner => Form::Kept(0.0267, 0.91),
            Self::QwenDivprune => Form::Kept(0.0568, 0.60),
            Self::SmallDrawnPictures => Form::Dropped(0.605, 1.65),
        }
    }

    /// The model that the table is of.
    pub fn model(self) -> &'static str {
        match self {
            Self::LlavaFastv | Self::LlavaSparsevlm | Self::LlavaVisionzip => "llava-1.5-7b",
            Self::QwenVispruner | Self::QwenDivprune => "qwen2.5-vl-7b",
            Self::SmallDrawnPictures => "trained-target",
        }
    }

    /// Mean share of right answers lost at `retention`.
    pub fn loss(self, retention: f64) -> f64 {
        // Most modalities of most requests are whole, and a power costs more than all the rest.
        if retention == 1.0 {
            return 0.0;
        }
        match self.form() {
            Form::Kept(a, b) => a * (libm::pow(retention, -b) - 1.0),
            Form::Dropped(m, p) => m * libm::pow(1.0 - retention, p),
        }
    }

    /// The retention at which the mean loss is `loss`; the inverse of [`loss`](Self::loss).
    pub fn retention_at(self, loss: f64) -> f64 {
        match self.form() {
            Form::Kept(a, b) => libm::pow(1.0 + loss / a, -1.0 / b),
            Form::Dropped(m, p) => (1.0 - libm::pow(loss / m, 1.0 / p)).max(0.0),
        }
    }
}

/// Share of right answers lost to compressing the payload by `compression`: .05 rho^4.
pub fn compression_loss(compression: f64) -> f64 {
    let square = compression * compression;
    0.05 * square * square
}

/// The compression at which [`compression_loss`] is `loss`, at most [`MAX_COMPRESSION`].
pub fn compression_at(loss: f64) -> f64 {
    (loss / 0.05).max(0.0).sqrt().sqrt().min(MAX_COMPRESSION)
}

/// No plan compresses a payload by more than this share of its bytes.
pub const MAX_COMPRESSION: f64 = 0.95;

/// Correlation of a request's difficulties for the two models.
const CORRELATION: f64 = 0.85;

/// Mean and deviation of the logarithm of a request's sensitivity to pruning; the mean of the factor is 1.
const SENSITIVITY: (f64, f64) = (-0.18, 0.6);

/// Share of right answers of each model on a dataset, from whole inputs, e.g. `{ cloud = 0.785, edge = 0.7 }`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Accuracy {
    /// Share of right answers of the cloud's model.
    pub cloud: Ratio,
    /// Share of right answers of the edge's model.
    pub edge: Ratio,
}

/// Accuracies as far as they are known, and the relation of the two models.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct KnownAccuracy {
    /// Share of right answers of the cloud's model; none without a source.
    pub cloud: Option<Ratio>,
    /// Share of right answers of the edge's model; none without a source.
    pub edge: Option<Ratio>,
    /// True if both tiers run the same model, which finds the same requests hard.
    pub same_model: bool,
}

impl From<Accuracy> for KnownAccuracy {
    fn from(accuracy: Accuracy) -> Self {
        Self { cloud: Some(accuracy.cloud), edge: Some(accuracy.edge), same_model: false }
    }
}

/// The accuracy model of a dataset, with its quantiles precomputed.
///
/// ```
/// use kernel::Streams;
/// use model::accuracy::{Accuracy, AccuracyModel, PruningLoss};
/// use units::Ratio;
///
/// let accuracy = Accuracy { cloud: Ratio::new(0.8), edge: Ratio::new(0.6) };
/// let model = AccuracyModel::new(accuracy.into(), PruningLoss::default());
/// let is_right = |request| model.difficulty(Streams::new(1), request).cloud_right == Some(true);
/// let right = (0..2000).filter(|&request| is_right(request)).count();
/// assert!((1500..1700).contains(&right), "{right} of 2,000");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct AccuracyModel {
    cloud_quantile: Option<f64>,
    edge_quantile: Option<f64>,
    correlation: f64,
    pruning: PruningLoss,
}

/// The difficulty of one request: which model answers it rightly, and its sensitivity to pruning.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difficulty {
    /// True if the cloud's model is right on the whole input; none where its accuracy is not known.
    pub cloud_right: Option<bool>,
    /// True if the edge's model is right on the whole input; none where its accuracy is not known.
    pub edge_right: Option<bool>,
    /// The request's factor on the loss of pruning.
    sensitivity: f64,
}

impl AccuracyModel {
    /// The model of these accuracies and this loss by pruning.
    pub fn new(accuracy: KnownAccuracy, pruning: PruningLoss) -> Self {
        let quantile = |share: Option<Ratio>| share.map(|share| normal_quantile(share.as_f64()));
        Self {
            cloud_quantile: quantile(accuracy.cloud),
            edge_quantile: quantile(accuracy.edge),
            correlation: if accuracy.same_model { 1.0 } else { CORRELATION },
            pruning,
        }
    }

    /// Draws the difficulty of a request.
    pub fn difficulty(&self, streams: Streams, request: u64) -> Difficulty {
        let mut stream = streams.stream("difficulty", request);
        let cloud = draw::normal(&mut stream);
        let common = self.correlation;
        let edge = common * cloud + (1.0 - common * common).sqrt() * draw::normal(&mut stream);
        let sensitivity = draw::lognormal(SENSITIVITY.0, SENSITIVITY.1, &mut stream);
        Difficulty {
            cloud_right: self.cloud_quantile.map(|quantile| cloud < quantile),
            edge_right: self.edge_quantile.map(|quantile| edge < quantile),
            sensitivity,
        }
    }

    /// Probability that an answer is right, given its author and the input read; none where the author's accuracy is not
    /// known. The losses of the modalities add up, each by the same law (an assumption: no source has it for text or sound).
    pub fn correct(&self, difficulty: &Difficulty, by_cloud: bool, input: &Input) -> Option<f64> {
        let right = if by_cloud { difficulty.cloud_right } else { difficulty.edge_right };
        if !right? {
            return Some(0.0);
        }
        let loss = |kept: &Kept| {
            difficulty.sensitivity * self.pruning.loss(kept.retention) + compression_loss(kept.compression)
        };
        let loss: f64 = input.kept.iter().map(|(_, kept)| loss(kept)).sum();
        Some((1.0 - loss).max(0.0))
    }

    /// Probability that the edge's model answers wrongly: the share of requests that a perfect router would send to the
    /// cloud. None where its accuracy is not known.
    pub fn edge_error(&self) -> Option<f64> {
        self.edge_quantile.map(|quantile| 1.0 - normal_share(quantile))
    }
}

/// Quantile of the standard normal, by bisection on the distribution function. It takes a few dozen steps, twice a
/// run, and is portable to the last bit.
fn normal_quantile(p: f64) -> f64 {
    if p <= 0.0 {
        return f64::NEG_INFINITY;
    }
    if p >= 1.0 {
        return f64::INFINITY;
    }
    let (mut low, mut high) = (-40.0, 40.0);
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if normal_share(middle) < p { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// Share of the standard normal below a value.
fn normal_share(value: f64) -> f64 {
    0.5 * libm::erfc(-value / std::f64::consts::SQRT_2)
}

/// A router's score of a request: the share of requests that look easier for the edge's model.
///
/// Behind it is a normal variate with a higher mean where the edge's model is wrong. The distance d of the means gives
/// the AUC, Phi(d / sqrt 2). An AUC of one half is a coin, and so is every score where nothing is known of the edge's errors.
#[derive(Clone, Copy, Debug)]
pub struct Score {
    shift: f64,
    edge_error: f64,
}

impl Score {
    /// The scores of a router with this AUC, where the edge's model is wrong on the share `edge_error` of requests.
    pub fn new(auc: Ratio, edge_error: Option<f64>) -> Self {
        let shift = normal_quantile(auc.as_f64()) * std::f64::consts::SQRT_2;
        edge_error.map_or(Self { shift: 0.0, edge_error: 0.0 }, |edge_error| Self { shift, edge_error })
    }

    /// The score of a request, uniform over all requests.
    pub fn draw(&self, difficulty: &Difficulty, streams: Streams, request: u64) -> f64 {
        let shift = if difficulty.edge_right == Some(false) { self.shift } else { 0.0 };
        let seen = shift + draw::normal(&mut streams.stream("score", request));
        (1.0 - self.edge_error) * normal_share(seen) + self.edge_error * normal_share(seen - self.shift)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{modality::Modality, request::Prompt};

    fn ratio(x: f64) -> Ratio {
        Ratio::new(x)
    }

    #[test]
    fn normal_quantiles() {
        assert!(normal_quantile(0.5).abs() < 1e-12);
        assert!((normal_quantile(0.975) - 1.959_963_984_540_054).abs() < 1e-12);
        assert!((normal_quantile(0.62) + normal_quantile(0.38)).abs() < 1e-12);
    }

    #[test]
    fn each_model_has_its_accuracy_and_they_agree_more_than_by_chance() {
        let model =
            AccuracyModel::new(Accuracy { cloud: ratio(0.77), edge: ratio(0.62) }.into(), PruningLoss::default());
        let n = 100_000;
        let all: Vec<Difficulty> = (0..n).map(|r| model.difficulty(Streams::new(9), r)).collect();
        let share = |keep: fn(&Difficulty) -> bool| all.iter().filter(|d| keep(d)).count() as f64 / n as f64;
        assert!((share(|d| d.cloud_right == Some(true)) - 0.77).abs() < 0.005);
        assert!((share(|d| d.edge_right == Some(true)) - 0.62).abs() < 0.005);
        // Bivariate normal orthant for these margins and correlation .85: .594.
        assert!((share(|d| d.cloud_right == Some(true) && d.edge_right == Some(true)) - 0.594).abs() < 0.006);
        let mean = all.iter().map(|d| d.sensitivity).sum::<f64>() / n as f64;
        assert!((mean - 1.0).abs() < 0.01, "{mean}");
    }

    #[test]
    fn an_accuracy_without_a_source_stays_unknown() {
        let cloud_alone = KnownAccuracy { cloud: Some(ratio(0.77)), edge: None, same_model: false };
        let model = AccuracyModel::new(cloud_alone, PruningLoss::default());
        let both =
            AccuracyModel::new(Accuracy { cloud: ratio(0.77), edge: ratio(0.62) }.into(), PruningLoss::default());
        let whole = Input::whole(Prompt { request: 0, text_tokens: 9, images: None, audio: None });
        for request in 0..50 {
            let difficulty = model.difficulty(Streams::new(9), request);
            let of_both = both.difficulty(Streams::new(9), request);
            assert_eq!(difficulty, Difficulty { edge_right: None, ..of_both }, "{request}");
            assert_eq!(model.correct(&difficulty, false, &whole), None);
            assert_eq!(model.correct(&difficulty, true, &whole), both.correct(&of_both, true, &whole));
        }
        assert_eq!(model.edge_error(), None);
    }

    #[test]
    fn one_model_on_both_tiers_is_right_on_the_same_requests() {
        let same = |cloud, edge| {
            let accuracy = KnownAccuracy { cloud: Some(ratio(cloud)), edge: Some(ratio(edge)), same_model: true };
            AccuracyModel::new(accuracy, PruningLoss::default())
        };
        let drawn = |model: AccuracyModel| (0..2000).map(move |request| model.difficulty(Streams::new(9), request));
        assert!(drawn(same(0.77, 0.77)).all(|one| one.cloud_right == one.edge_right));
        // With coarser weights it fails on more of them, and on no others.
        let coarser: Vec<Difficulty> = drawn(same(0.77, 0.75)).collect();
        let only = |edge, cloud| {
            coarser.iter().filter(|one| one.edge_right == Some(edge) && one.cloud_right == Some(cloud)).count()
        };
        assert_eq!(only(true, false), 0);
        assert!((20..60).contains(&only(false, true)), "{}", only(false, true));
    }

    #[test]
    fn a_score_of_unknown_errors_is_a_coin() {
        let model = AccuracyModel::new(KnownAccuracy::default(), PruningLoss::default());
        let score = Score::new(ratio(0.95), model.edge_error());
        let drawn = |request| score.draw(&model.difficulty(Streams::new(9), request), Streams::new(9), request);
        let mean = (0..10_000).map(drawn).sum::<f64>() / 10_000.0;
        assert!((mean - 0.5).abs() < 0.01, "{mean}");
    }

    #[test]
    fn losses_and_their_inverses() {
        assert_eq!(PruningLoss::default().loss(1.0), 0.0);
        let retention = PruningLoss::default().retention_at(0.02);
        assert!((retention - 0.541).abs() < 0.001, "{retention}");
        assert!((PruningLoss::default().loss(retention) - 0.02).abs() < 1e-12);
        assert!((compression_loss(compression_at(0.01)) - 0.01).abs() < 1e-12);
        assert_eq!(compression_at(1.0), MAX_COMPRESSION);
    }

    #[test]
    fn losses_by_hand() {
        // a (r^-b - 1) at a quarter: 4^b - 1 of a.
        let table = [
            (PruningLoss::LlavaFastv, 0.0133, 1.41),
            (PruningLoss::LlavaSparsevlm, 0.0031, 1.61),
            (PruningLoss::LlavaVisionzip, 0.0234, 0.47),
            (PruningLoss::QwenVispruner, 0.0267, 0.91),
            (PruningLoss::QwenDivprune, 0.0568, 0.60),
        ];
        for (law, a, b) in table {
            assert!((law.loss(0.25) - a * (libm::pow(4.0, b) - 1.0)).abs() < 1e-12, "{law:?}");
            assert!((law.retention_at(law.loss(0.25)) - 0.25).abs() < 1e-12, "{law:?}");
        }
        // m (1 - r)^p: m at nothing, and none of more than m.
        let small = PruningLoss::SmallDrawnPictures;
        assert!(
            (small.loss(0.0) - 0.605).abs() < 1e-12 && (small.loss(0.5) - 0.605 * libm::pow(0.5, 1.65)).abs() < 1e-12
        );
        assert!((small.retention_at(small.loss(0.25)) - 0.25).abs() < 1e-12 && small.retention_at(0.9) == 0.0);
        // .05 rho^4: .05 x .0625, .05 x .6561.
        assert!((compression_loss(0.5) - 0.003125).abs() < 1e-15 && (compression_loss(0.9) - 0.032805).abs() < 1e-15);
        // The factor on a request's loss by pruning, exp(N(-.18, .6)), has a mean of exp(-.18 + .6^2 / 2) = 1.
        assert_eq!(SENSITIVITY.0 + SENSITIVITY.1 * SENSITIVITY.1 / 2.0, 0.0);
        // Pruning acts by that factor, compression does not: 1 - 2 x .0267 (2^.91 - 1) - .003125.
        let model = AccuracyModel::new(Accuracy { cloud: ratio(1.0), edge: ratio(1.0) }.into(), PruningLoss::default());
        let difficulty = Difficulty { cloud_right: Some(true), edge_right: Some(false), sensitivity: 2.0 };
        let mut input = Input::whole(Prompt { request: 0, text_tokens: 9, images: None, audio: None });
        input.kept[Modality::Visual] = Kept { retention: 0.5, compression: 0.5 };
        let want = 1.0 - 2.0 * 0.0267 * (libm::pow(2.0, 0.91) - 1.0) - 0.003125;
        assert!((model.correct(&difficulty, true, &input).unwrap() - want).abs() < 1e-12);
        assert_eq!(model.correct(&difficulty, false, &input), Some(0.0));
    }

    #[test]
    fn pruning_only_takes_from_right_answers() {
        let model = AccuracyModel::new(Accuracy { cloud: ratio(1.0), edge: ratio(0.0) }.into(), PruningLoss::default());
        let difficulty = model.difficulty(Streams::new(9), 0);
        let input = |retention, compression| {
            let prompt = Prompt { request: 0, text_tokens: 9, images: None, audio: None };
            let mut input = Input::whole(prompt);
            input.kept[Modality::Visual] = Kept { retention, compression };
            input
        };
        assert_eq!(model.correct(&difficulty, true, &input(1.0, 0.0)), Some(1.0));
        assert_eq!(model.correct(&difficulty, false, &input(1.0, 0.0)), Some(0.0));
        let visual = model.correct(&difficulty, true, &input(0.5, 0.3));
        assert!(visual < Some(1.0));
        let mut both = input(0.5, 0.3);
        both.kept[Modality::Text].retention = 0.8;
        assert!(model.correct(&difficulty, true, &both) < visual);
        assert_eq!(model.correct(&difficulty, true, &input(0.001, 0.0)), Some(0.0));
    }

    #[test]
    fn a_score_has_its_auc_and_is_uniform() {
        let model =
            AccuracyModel::new(Accuracy { cloud: ratio(0.77), edge: ratio(0.62) }.into(), PruningLoss::default());
        let score = Score::new(ratio(0.75), model.edge_error());
        let streams = Streams::new(9);
        let drawn = |request| {
            let difficulty = model.difficulty(streams, request);
            (score.draw(&difficulty, streams, request), difficulty.edge_right == Some(true))
        };
        let mut all: Vec<(f64, bool)> = (0..20_000).map(drawn).collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        // AUC: the share of (wrong, right) pairs in which the wrong one scores higher.
        let (mut right, mut above) = (0u64, 0u64);
        for (_, edge_right) in &all {
            if *edge_right { right += 1 } else { above += right }
        }
        let auc = above as f64 / (right * (all.len() as u64 - right)) as f64;
        assert!((auc - 0.75).abs() < 0.01, "{auc}");
        assert!((all[10_000].0 - 0.5).abs() < 0.01 && (all[2_000].0 - 0.1).abs() < 0.01);
    }
}
