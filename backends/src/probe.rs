//! The probe on a real model: what MSAO measures of a request (Eq. 3 to 6), from the output of the vision tower and the
//! embeddings of the text.
//!
//! Eq. 3 and Eq. 6 have learned heads, which the paper does not publish. A user may give fitted ones ([`Heads`]). Where there is
//! none, a stand-in without parameters takes its place, and [`Probe::methods`] names it for the reports:
//!
//! * *importance of a part*: `sigmoid(2 (d / mean(d) - 1))`, where d is how far its feature lies from the picture's median
//!   feature (channel by channel). Background is what most of a picture looks like; it comes out at .12, below the paper's
//!   tau_s of .3, and what sticks out comes out near 1. The scale is relative, so that the noise of an even picture is not blown
//!   up to a map; a picture without any difference is of one half everywhere.
//! * *relevance of a modality*: the [`cosine`] of its mean feature to the mean embedding of the text.
//!
//! Eq. 5 needs no training: random hyperplanes ([`Lsh`]) on the mean features of neighbouring pictures, where they are frames.
//!
//! It promises the same numbers for the same tensors on every machine. `docs/replay.md` has what was measured of the stand-ins.

use crate::pruning::Map;
use kernel::Streams;
use model::mas::relevance::{RelevanceHead, cosine, sigmoid};
use model::mas::spatial::{FeatureMap, SpatialHead, sparsity};
use model::mas::temporal::Lsh;
use model::mas::{Descriptor, Descriptors, TensorError};
use model::modality::{Modality, PerModality};
use onnx::{Model, OnnxError, Prompt, Result, Rows};
use serde::Deserialize;
use units::Ratio;

/// The learned parts of the probe, as far as there are any.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Heads {
    /// Eq. 3: a weight for each channel of a feature.
    pub spatial: Option<SpatialHead>,
    /// Eq. 6: of the width of embeddings, twice.
    pub relevance: Option<RelevanceHead>,
}

impl Heads {
    /// The heads of a TOML file's text: tables `[spatial]` (`pool`, `weights`, `bias`) and `[relevance]`
    /// ([`RelevanceWeights`](model::mas::relevance::RelevanceWeights)), either of which may be missing.
    ///
    /// # Errors The fault and its place, over several lines.
    pub fn parse(text: &str) -> std::result::Result<Self, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }
}

/// The probe.
#[derive(Clone, Debug)]
pub struct Probe {
    heads: Heads,
    streams: Streams,
    /// The planes of Eq. 5, and for which width, once they were needed.
    lsh: Option<(usize, Lsh)>,
}

/// A probe's findings.
#[derive(Clone, Debug, PartialEq)]
pub struct Probed {
    /// Descriptors of each modality.
    pub descriptors: Descriptors,
    /// Importance map of each picture, in their order.
    pub maps: Vec<Map>,
}

impl Probed {
    /// The findings with another threshold of Eq. 4.
    #[must_use]
    pub fn at(&self, tau_s: Ratio) -> Descriptors {
        let mut descriptors = self.descriptors;
        let parts: Vec<f32> = self.maps.iter().flat_map(|map| map.values.iter().copied()).collect();
        if let Some(visual) = &mut descriptors[Modality::Visual] {
            visual.spatial = sparsity(&parts, tau_s.as_f64());
        }
        descriptors
    }
}

/// A picture as the vision tower puts it.
#[derive(Clone, Copy, Debug)]
pub struct Encoded<'f> {
    /// Rows of merged patches; of a picture of several frames, those of all of them.
    pub height: usize,
    /// Merged patches of a row.
    pub width: usize,
    /// A feature each, row by row.
    pub features: &'f Rows,
}

/// Stand-in of Eq. 3, by name.
const DEVIATION: &str = "stand-in: deviation from the picture's median feature";
/// Stand-in of Eq. 6, by name.
const COSINE: &str = "stand-in: cosine of mean feature and mean text embedding";
/// Eq. 5, by name.
const PLANES: &str = "64 random hyperplanes on mean features of neighbouring pictures";
/// A head of the user's, by name.
const FITTED: &str = "fitted head";

impl Probe {
    /// A probe with these heads, and stand-ins for those that are missing. Its hyperplanes are those of the streams' seed.
    pub fn new(heads: Heads, streams: Streams) -> Self {
        Self { heads, streams, lsh: None }
    }

    /// The origin of each number, for reports: its name, and the head or stand-in.
    pub fn methods(&self) -> [(&'static str, &'static str); 3] {
        let or = |fitted: bool, stand_in| if fitted { FITTED } else { stand_in };
        [
            ("importance", or(self.heads.spatial.is_some(), DEVIATION)),
            ("similarity", PLANES),
            ("relevance", or(self.heads.relevance.is_some(), COSINE)),
        ]
    }

    /// Probes a whole prompt with a model's own tower and embeddings. `moving` pictures are the frames of one video.
    ///
    /// # Errors
    /// A graph fails, its output has a NaN or infinity, or a head is of another width than the model.
    pub fn run(&mut self, model: &mut Model, prompt: &Prompt, moving: bool, tau_s: Ratio) -> Result<Probed> {
        let features = prompt.images.iter().map(|image| model.features(image)).collect::<Result<Vec<_>>>()?;
        let image_token = model.folder().config.image_token;
        let words: Vec<u32> = prompt.ids.iter().copied().filter(|id| *id != image_token).collect();
        // Nothing to embed where there are only pictures: their relevance is then that of the text, none.
        let width = features.first().map_or(1, |features| features.width);
        let text = if words.is_empty() { Rows { width, values: Vec::new() } } else { model.embeddings(&words)? };
        let pictures = features.iter().zip(&prompt.views).map(|(features, view)| {
            let [frames, height, width] = view.sides();
            Encoded { height: frames * height, width, features }
        });
        let probed = self.measure(&pictures.collect::<Vec<_>>(), &text, moving, tau_s);
        probed.map_err(|error| {
            OnnxError::Refused(format!(
                "the probe of {}: {error}; a head has to be fitted to this model",
                model.folder().path().display()
            ))
        })
    }

    /// Probes tensors: the tower's output for each picture, and embeddings of the text. All pictures are one modality, so the
    /// sparsity is that of all their parts together.
    ///
    /// # Errors
    /// Tensors do not fit each other or a head, or one has a NaN or infinity.
    pub fn measure(
        &mut self,
        pictures: &[Encoded<'_>],
        text: &Rows,
        moving: bool,
        tau_s: Ratio,
    ) -> std::result::Result<Probed, TensorError> {
        let maps = pictures.iter().map(|picture| self.map(picture)).collect::<std::result::Result<Vec<_>, _>>()?;
        let visual = if pictures.is_empty() {
            None
        } else {
            let parts: Vec<f32> = maps.iter().flat_map(|map| map.values.iter().copied()).collect();
            let frames: Vec<Vec<f32>> = pictures.iter().map(|picture| mean(picture.features)).collect();
            Some(Descriptor {
                spatial: sparsity(&parts, tau_s.as_f64()),
                similarity: if moving { self.similarity(&frames)? } else { None },
                relevance: self.relevance(pictures, text)?,
            })
        };
        let descriptors = PerModality::of(|modality| match modality {
            Modality::Text => Some(Descriptor::default()),
            Modality::Visual => visual,
            Modality::Audio => None,
        });
        Ok(Probed { descriptors, maps })
    }

    /// Eq. 3 of one picture.
    fn map(&self, picture: &Encoded<'_>) -> std::result::Result<Map, TensorError> {
        let Encoded { height, width, features } = *picture;
        let features = FeatureMap::new(height, width, features.width, &features.values)?;
        let values = match &self.heads.spatial {
            Some(head) => head.importance(&features)?,
            None => standing_out(picture.features),
        };
        Ok(Map { height, width, values })
    }

    /// Eq. 5: how alike neighbouring frames are, if there are two.
    fn similarity(&mut self, frames: &[Vec<f32>]) -> std::result::Result<Option<f64>, TensorError> {
        let width = frames.first().map_or(0, Vec::len);
        if self.lsh.as_ref().is_none_or(|(planes, _)| *planes != width) {
            self.lsh = Some((width, Lsh::new(width, Lsh::DEFAULT_PLANES, self.streams)?));
        }
        let (_, lsh) = self.lsh.as_ref().expect("it was just made");
        lsh.mean_similarity(frames.iter().map(Vec::as_slice))
    }

    /// Eq. 6 of the pictures, over the text's own, which counts as 0 wherever descriptors are used.
    fn relevance(&self, pictures: &[Encoded<'_>], text: &Rows) -> std::result::Result<f64, TensorError> {
        let prompt = mean(text);
        let parts: usize = pictures.iter().map(|picture| picture.features.count()).sum();
        let mut modality = vec![0.0; text.width];
        for picture in pictures {
            let share = picture.features.count() as f32 / parts.max(1) as f32;
            modality.resize(picture.features.width, 0.0);
            modality.iter_mut().zip(mean(picture.features)).for_each(|(sum, one)| *sum += share * one);
        }
        match &self.heads.relevance {
            Some(head) => Ok(head.alpha(&prompt, &modality)? - head.alpha(&prompt, &prompt)?),
            None => Ok(cosine(&prompt, &modality)? - cosine(&prompt, &prompt)?),
        }
    }
}

/// The mean row.
fn mean(rows: &Rows) -> Vec<f32> {
    let mut sums = vec![0.0; rows.width];
    for row in rows.values.chunks_exact(rows.width.max(1)) {
        sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += f64::from(*value));
    }
    sums.into_iter().map(|sum| (sum / rows.count().max(1) as f64) as f32).collect()
}

/// The median of every channel; of an even number the mean of the two in the middle.
fn median(rows: &Rows) -> Vec<f32> {
    let count = rows.count();
    let mut channel = Vec::with_capacity(count);
    let median = |at: usize| {
        channel.clear();
        channel.extend(rows.values.iter().skip(at).step_by(rows.width));
        let (below, upper, _) = channel.select_nth_unstable_by(count / 2, f32::total_cmp);
        if count.is_multiple_of(2) {
            let lower = below.iter().copied().max_by(f32::total_cmp).expect("half of two or more");
            return f32::midpoint(lower, *upper);
        }
        *upper
    };
    if count == 0 { vec![0.0; rows.width] } else { (0..rows.width).map(median).collect() }
}

/// Stand-in for Eq. 3: how much each feature stands out from the median one.
fn standing_out(features: &Rows) -> Vec<f32> {
    let median = median(features);
    let away = |feature: &[f32]| {
        let differences = feature.iter().zip(&median).map(|(a, b)| f64::from(*a) - f64::from(*b));
        differences.map(|difference| difference * difference).sum::<f64>().sqrt()
    };
    let away: Vec<f64> = features.values.chunks_exact(features.width.max(1)).map(away).collect();
    let usual = away.iter().sum::<f64>() / away.len().max(1) as f64;
    let score = |away: f64| if usual > 0.0 { 2.0 * (away / usual - 1.0) } else { 0.0 };
    away.into_iter().map(|away| sigmoid(score(away)) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::mas::{Mas, MasSettings};
    use proptest::prelude::*;

    fn rows(width: usize, values: &[f32]) -> Rows {
        Rows { width, values: values.to_vec() }
    }

    fn probe() -> Probe {
        Probe::new(Heads::default(), Streams::new(1))
    }

    const TAU_S: f64 = 0.3;

    #[test]
    fn what_stands_out_is_important() {
        // The median is (1, 0); distances 0, 0, 0, 4, so their mean is 1: scores -2, -2, -2, 6.
        let features = rows(2, &[1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 4.0]);
        assert_eq!(median(&features), [1.0, 0.0]);
        let picture = Encoded { height: 2, width: 2, features: &features };
        let found = probe().measure(&[picture], &rows(2, &[1.0, 1.0]), false, Ratio::new(TAU_S)).unwrap();
        let (low, high) = (sigmoid(-2.0) as f32, sigmoid(6.0) as f32);
        assert_eq!(found.maps, [Map { height: 2, width: 2, values: vec![low, low, low, high] }]);
        let visual = found.descriptors[Modality::Visual].unwrap();
        // The mean feature is (1, 1), the text's direction.
        assert_eq!((visual.spatial, visual.similarity), (0.75, None));
        assert!(visual.relevance.abs() < 1e-7, "{}", visual.relevance);
        assert_eq!(found.descriptors[Modality::Text], Some(Descriptor::default()));
        assert_eq!(found.descriptors[Modality::Audio], None);
        // As relevant as the text and three quarters background: 1 - .5 (1 - .6 .75).
        let mas = Mas::of(&found.descriptors, &MasSettings::default()).0[Modality::Visual];
        assert!((mas - 0.725).abs() < 1e-7, "{mas}");
    }

    #[test]
    fn nothing_stands_out_of_an_even_picture() {
        let features = rows(1, &[3.0; 6]);
        let picture = Encoded { height: 2, width: 3, features: &features };
        let found = probe().measure(&[picture], &rows(1, &[1.0]), false, Ratio::new(TAU_S)).unwrap();
        assert_eq!(found.maps[0].values, [0.5; 6]);
        assert_eq!(found.descriptors[Modality::Visual].unwrap().spatial, 0.0);
    }

    #[test]
    fn frames_that_repeat_are_alike() {
        let (one, other) = (rows(2, &[1.0, 0.0]), rows(2, &[-1.0, 0.0]));
        let frame = |features| Encoded { height: 1, width: 1, features };
        let similarity = |frames: &[Encoded<'_>], moving| {
            let found = probe().measure(frames, &rows(2, &[1.0, 0.0]), moving, Ratio::new(TAU_S)).unwrap();
            found.descriptors[Modality::Visual].unwrap().similarity
        };
        assert_eq!(similarity(&[frame(&one), frame(&one)], true), Some(1.0));
        assert_eq!(similarity(&[frame(&one), frame(&one), frame(&other)], true), Some(0.5));
        assert_eq!(similarity(&[frame(&one)], true), None);
        assert_eq!(similarity(&[frame(&one), frame(&one)], false), None);
    }

    #[test]
    fn words_alone_have_no_map() {
        let found = probe().measure(&[], &rows(2, &[1.0, 0.0]), false, Ratio::new(TAU_S)).unwrap();
        assert!(found.maps.is_empty() && found.descriptors[Modality::Visual].is_none());
    }

    #[test]
    fn heads_of_the_user_take_the_place_of_stand_ins() {
        let text = "
            [spatial]
            pool = 1
            weights = [1.0, 0.0]
            bias = 0.0
            [relevance]
            prompt = 2
            modality = 2
            hidden = 1
            inner_weights = [0.0, 0.0, 1.0, 0.0]
            inner_bias = [0.0]
            outer_weights = [3.0]
            outer_bias = 5.0
        ";
        let mut probe = Probe::new(Heads::parse(text).unwrap(), Streams::new(1));
        assert_eq!(probe.methods().map(|(_, by)| by), [FITTED, PLANES, FITTED]);
        assert_eq!(super::tests::probe().methods().map(|(_, by)| by), [DEVIATION, PLANES, COSINE]);
        let features = rows(2, &[2.0, 9.0, 0.0, 9.0]);
        let picture = Encoded { height: 1, width: 2, features: &features };
        let found = probe.measure(&[picture], &rows(2, &[0.5, 0.0]), false, Ratio::new(TAU_S)).unwrap();
        assert_eq!(found.maps[0].values, [sigmoid(2.0) as f32, 0.5]);
        // 3 max(0, 1) + 5 of the pictures, 3 max(0, .5) + 5 of the text.
        assert_eq!(found.descriptors[Modality::Visual].unwrap().relevance, 1.5);
        let narrow = rows(1, &[1.0]);
        let misfit = Encoded { height: 1, width: 1, features: &narrow };
        let error = probe.measure(&[misfit], &narrow, false, Ratio::new(TAU_S)).unwrap_err().to_string();
        assert_eq!(error, "channels of the feature map: 2 expected, 1 came");
    }

    #[test]
    fn heads_that_are_broken_are_told_with_their_line() {
        for (text, told) in [
            ("[spatial]\nweights = [1.0]\nbias = 0.0\npool = 2", "an odd number expected, 2 came"),
            ("[spatal]\nweights = [1.0]", "unknown field `spatal`"),
            ("[spatial]\nweights = 1.0", "line 2"),
        ] {
            let error = Heads::parse(text).unwrap_err();
            assert!(error.contains(told) && error.contains("line"), "{error}");
        }
        assert_eq!(Heads::parse(""), Ok(Heads::default()));
    }

    #[test]
    fn broken_features_are_told() {
        let text = rows(1, &[1.0]);
        let features = rows(1, &[f32::NAN]);
        let picture = Encoded { height: 1, width: 1, features: &features };
        let error = probe().measure(&[picture], &text, false, Ratio::new(TAU_S)).unwrap_err().to_string();
        assert_eq!(error, "values of the feature map: a finite number expected at index 0");
        let features = rows(2, &[1.0, 1.0]);
        let picture = Encoded { height: 1, width: 1, features: &features };
        assert!(probe().measure(&[picture], &text, false, Ratio::new(TAU_S)).is_err());
    }

    proptest! {
        /// Importances are shares, and neither the scale of features nor a constant added to all of them changes them.
        #[test]
        fn maps_know_no_scale(values in prop::collection::vec(-50_i8..50, 24), power in 0_i32..8, shift in -9_i8..9) {
            let scale = libm::ldexp(1.0, power) as f32;
            let moved = |value: &i8| f32::from(*value) * scale + f32::from(shift) * scale;
            let plain = standing_out(&rows(2, &values.iter().map(|value| f32::from(*value)).collect::<Vec<_>>()));
            let other = standing_out(&rows(2, &values.iter().map(moved).collect::<Vec<_>>()));
            prop_assert!(plain.iter().all(|share| (0.0..=1.0).contains(share)));
            prop_assert!(plain.iter().zip(&other).all(|(a, b)| (a - b).abs() < 1e-5), "{:?} {:?}", plain, other);
        }

        #[test]
        fn the_median_is_in_the_middle(values in prop::collection::vec(-9_f32..9.0, 1..20)) {
            let middle = f64::from(median(&rows(1, &values))[0]);
            let below = values.iter().filter(|value| f64::from(**value) < middle - 1e-6).count();
            let above = values.iter().filter(|value| f64::from(**value) > middle + 1e-6).count();
            prop_assert!(below <= values.len() / 2 && above <= values.len() / 2);
        }
    }
}
