//! The part of a real prompt that a plan keeps.
//!
//! The plan's shares become tokens by the simulation's own rounding ([`VisionTower::retain`](model::vision::VisionTower::retain)),
//! so a pruned prompt has as many tokens as the simulated one of its size. Which ones stay is decided by the probe's
//! importances ([`Map`]). Where patches are dropped before the tower, it is given whole rows and columns, since it takes
//! nothing else, and so encodes a few more than the language model then reads.

use model::mas::spatial::kept_patches;
use model::modality::Modality;
use model::request::{Input, Kept, PruneStage, RhoMeaning};
use onnx::{Model, Prompt, Result, View};

/// The importance of the parts of one picture, on the probe's grid.
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    /// Rows; of a picture of several frames, those of all of them.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Importances in [0, 1], row by row.
    pub values: Vec<f32>,
}

impl Map {
    /// A map on which no region matters more, for pictures that nobody has probed: hashes of the places, so that what is dropped
    /// is spread evenly.
    pub fn even() -> Self {
        const SIDE: usize = 64;
        // Fibonacci hashing of a place that a first multiplication has mixed: its upper bits.
        let hash = |place: u64| {
            let mixed = (place ^ place >> 7).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            ((mixed ^ mixed >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 40) as f32 / (1 << 24) as f32
        };
        Self { height: SIDE, width: SIDE, values: (0..(SIDE * SIDE) as u64).map(hash).collect() }
    }

    /// The map on another grid of the same picture: of each part the importance at its middle. Another model may cut the
    /// picture otherwise than the one that probed.
    pub fn on(&self, height: usize, width: usize) -> Vec<f32> {
        let middle = |at: usize, from: usize, to: usize| ((2 * at + 1) * to / (2 * from)).min(to.saturating_sub(1));
        let columns: Vec<usize> = (0..width).map(|column| middle(column, width, self.width)).collect();
        let rows = (0..height).map(|row| middle(row, height, self.height) * self.width);
        rows.flat_map(|start| columns.iter().map(move |column| self.values[start + column])).collect()
    }
}

/// The prompt as a plan lets it through: what [`Input::patches`] counts, dropped from a real one. `maps` are those of its
/// pictures, in their order. A plan that keeps all gives the very same prompt.
///
/// Merging of tokens (`token_merge`) drops the least important ones: there is no real model here that merges them.
///
/// # Errors
/// The prompt is pruned already.
///
/// # Panics
/// There are fewer maps than pictures.
pub fn pruned(model: &Model, prompt: &Prompt, input: &Input, maps: &[Map]) -> Result<Prompt> {
    assert!(maps.len() >= prompt.views.len(), "{} maps for {} pictures", maps.len(), prompt.views.len());
    let views = prompt.views.iter().zip(maps).map(|(whole, map)| view(whole, input, map)).collect::<Result<_>>()?;
    model.pruned(prompt, views)
}

/// The kept part of one picture.
fn view(whole: &View, input: &Input, map: &Map) -> Result<View> {
    let Kept { retention, compression } = input.kept[Modality::Visual];
    let merged = match input.handling.rho_meaning {
        RhoMeaning::Bytes => 1.0,
        RhoMeaning::TokenMerge => 1.0 - compression,
    };
    let [frames, height, width] = whole.sides();
    let importance = map.on(frames * height, width);
    let encoded = match input.handling.prune_stage {
        PruneStage::PreVit => {
            let tokens = (whole.tokens() as f64 * retention).ceil() as usize;
            whole.clone().drop_lines(&importance, tokens)?
        }
        PruneStage::PostVit => whole.clone(),
    };
    // What the tower does not see has no feature to be kept: it comes behind the least important of the others.
    let mut seen = vec![f32::NAN; importance.len()];
    for place in encoded.kept() {
        seen[*place] = importance[*place].max(f32::MIN);
    }
    encoded.keep(kept_patches(&seen, retention * merged))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::request::{self, Handling, ImageSize, Images};
    use model::vision::VisionTower;
    use proptest::prelude::*;
    use units::Bytes;

    fn input(tokens: u32, retention: f64, compression: f64, handling: Handling) -> Input {
        let size = ImageSize::Tokens(tokens);
        let images = Some(Images { count: 1, size, payload: Bytes::new(9), moving: false, encoded: false });
        let mut input = Input::whole(request::Prompt { request: 0, text_tokens: 3, images, audio: None });
        input.kept[Modality::Visual] = Kept { retention, compression };
        input.handling = handling;
        input
    }

    fn tower() -> &'static VisionTower {
        model::model_spec::ModelSpec::named("qwen2-vl-2b").unwrap().vision.as_ref().unwrap()
    }

    #[test]
    fn by_hand() {
        let map = Map { height: 2, width: 3, values: vec![0.9, 0.2, 0.4, 0.8, 0.1, 0.3] };
        let whole = View::whole([1, 4, 6], 2);
        let kept = |stage, retention, rho_meaning| {
            let handling = Handling { prune_stage: stage, rho_meaning };
            view(&whole, &input(6, retention, 0.5, handling), &map).unwrap()
        };
        // Half of 6 are 3: the middle column goes, then no line of two may; of the four that are encoded, three are read.
        let early = kept(PruneStage::PreVit, 0.5, RhoMeaning::Bytes);
        assert_eq!((early.encoded_tokens(), early.kept()), (4, &[0, 2, 3][..]));
        let late = kept(PruneStage::PostVit, 0.5, RhoMeaning::Bytes);
        assert_eq!((late.encoded_tokens(), late.kept()), (6, &[0, 2, 3][..]));
        // Of all, half is merged away.
        let merged = kept(PruneStage::PreVit, 1.0, RhoMeaning::TokenMerge);
        assert_eq!((merged.encoded_tokens(), merged.kept()), (6, &[0, 2, 3][..]));
        assert_eq!(kept(PruneStage::PreVit, 1.0, RhoMeaning::Bytes), whole);
    }

    #[test]
    fn a_map_is_carried_over_to_other_grids() {
        let map = Map { height: 2, width: 2, values: vec![1.0, 2.0, 3.0, 4.0] };
        assert_eq!(map.on(2, 2), map.values);
        assert_eq!(map.on(1, 1), [4.0]);
        assert_eq!(map.on(2, 4), [1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0]);
        let even = Map::even().on(8, 8);
        let half = |parts: &[f32]| parts.iter().sum::<f32>() / 32.0;
        assert!((half(&even[..32]) - half(&even[32..])).abs() < 0.2, "{even:?}");
    }

    proptest! {
        /// As many tokens as in the simulation, whatever the plan, and the tower encodes at least those.
        #[test]
        fn tokens_are_those_of_the_simulation(
            rows in 1_u32..7, columns in 1_u32..7, retention in 0.01_f64..=1.0, compression in 0_f64..0.9,
            stage in 0..2, meaning in 0..2, values in prop::collection::vec(prop::num::f32::ANY, 36)
        ) {
            let handling = Handling {
                prune_stage: [PruneStage::PreVit, PruneStage::PostVit][stage as usize],
                rho_meaning: [RhoMeaning::Bytes, RhoMeaning::TokenMerge][meaning as usize],
            };
            let whole = View::whole([1, rows * 2, columns * 2], 2);
            let input = input(rows * columns, retention, compression, handling);
            let simulated = input.patches(tower());
            let view = view(&whole, &input, &Map { height: 6, width: 6, values }).unwrap();
            prop_assert_eq!(view.tokens() as u64, simulated.tokens);
            prop_assert!(view.encoded_tokens() as u64 * 4 >= simulated.patches);
        }
    }
}
