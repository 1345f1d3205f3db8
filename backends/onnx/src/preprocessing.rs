//! Pictures as the vision tower takes them: resized to whole patches, normalised, and cut into patches.

use crate::error::{Result, refused};
use crate::folder::{Folder, MOST_MERGED};
use crate::patches::Patches;
use crate::picture::Picture;
use serde_json::Value;

/// The form in which a model takes its pictures.
#[derive(Clone, Debug, PartialEq)]
pub struct Preprocessing {
    patch: u32,
    frames: u32,
    merge: u32,
    least_pixels: f64,
    most_pixels: f64,
    scale: f64,
    mean: [f64; 3],
    deviation: [f64; 3],
    /// True if no file says all this, so that it is as in the family's first release.
    assumed: bool,
}

/// Pixels of a picture as a tower takes it, at most: patches take 24 bytes a pixel. Published models go to 12,845,056.
const MOST_PIXELS: f64 = (32 << 20) as f64;

/// The longest side over the shortest that the family accepts.
const MOST_SLENDER: u32 = 200;

impl Preprocessing {
    /// Reads what `processor_config.json` has under `image_processor`, or else `preprocessor_config.json`, as transformers does.
    /// Keys that are in neither have the values of the family's first release.
    pub(crate) fn of(folder: &Folder) -> Result<Self> {
        let nested =
            folder.json("processor_config.json")?.get_mut("image_processor").map(Value::take).unwrap_or_default();
        let (config, file) = match nested {
            Value::Object(_) => (nested, "processor_config.json"),
            _ => (folder.json("preprocessor_config.json")?, "preprocessor_config.json"),
        };
        let read = Self::read(&config, folder.config.merge);
        match read.fault(&config) {
            Some(fault) => refused(format!("{}: {fault}", folder.path().join(file).display())),
            None => Ok(read),
        }
    }

    fn read(config: &Value, merge: u32) -> Self {
        let side = |key: &str, default| config[key].as_u64().map_or(default, |n| u32::try_from(n).unwrap_or(u32::MAX));
        let pixels =
            |key: &str, edge: &str, default| config[key].as_f64().or(config["size"][edge].as_f64()).unwrap_or(default);
        let three = |key: &str, default: [f64; 3]| {
            let read = |values: &Vec<Value>| {
                <[f64; 3]>::try_from(values.iter().filter_map(Value::as_f64).collect::<Vec<_>>()).ok()
            };
            config[key].as_array().and_then(read).unwrap_or(default)
        };
        Self {
            patch: side("patch_size", 14),
            frames: side("temporal_patch_size", 2),
            merge: side("merge_size", merge),
            least_pixels: pixels("min_pixels", "shortest_edge", 56.0 * 56.0),
            most_pixels: pixels("max_pixels", "longest_edge", 28.0 * 28.0 * 1280.0),
            scale: config["rescale_factor"].as_f64().unwrap_or(1.0 / 255.0),
            mean: three("image_mean", [0.481_454_66, 0.457_827_5, 0.408_210_73]),
            deviation: three("image_std", [0.268_629_54, 0.261_302_58, 0.275_777_11]),
            assumed: config.is_null(),
        }
    }

    /// The first thing in a configuration that cannot be, or that is not done here.
    fn fault(&self, config: &Value) -> Option<String> {
        if !(config.is_object() || config.is_null()) {
            return Some("expected an object".to_owned());
        }
        let sides = [
            ("patch_size", self.patch, 128),
            ("temporal_patch_size", self.frames, 16),
            ("merge_size", self.merge, MOST_MERGED),
        ];
        if let Some((key, _, most)) = sides.into_iter().find(|(_, side, most)| !(1..=*most).contains(side)) {
            return Some(format!("{key}: expected a whole number from 1 to {most}"));
        }
        let is_three = |key: &str| {
            let given = config[key].as_array().map(|values| values.iter().filter_map(Value::as_f64).count());
            config[key].is_null() || given == Some(3)
        };
        if let Some(key) = ["image_mean", "image_std"].into_iter().find(|key| !is_three(key)) {
            return Some(format!("{key}: expected three numbers"));
        }
        if self.deviation.contains(&0.0) {
            return Some("image_std: expected three numbers that are not 0".to_owned());
        }
        let (least, most) = (self.least_pixels, self.most_pixels);
        if !(least >= 1.0 && least <= most && least <= MOST_PIXELS) {
            return Some(format!("{least} to {most} pixels; expected a range that begins with 1 to {MOST_PIXELS}"));
        }
        let steps = ["do_resize", "do_rescale", "do_normalize"].into_iter().find(|step| config[*step] == false);
        if let Some(step) = steps {
            return Some(format!(
                "{step} is false; only towers that take resized and normalised pictures are supported"
            ));
        }
        let resample = config["resample"].as_u64().filter(|method| *method != 3);
        resample.map(|method| format!("resample is {method}; only 3, bicubic, is supported"))
    }

    /// True if no file of the folder says how pictures are taken.
    pub fn is_assumed(&self) -> bool {
        self.assumed
    }

    /// The fewest and the most pixels that a picture is resized to.
    pub fn pixels(&self) -> (u64, u64) {
        (self.least_pixels as u64, self.most_pixels as u64)
    }

    /// Pixels of the side of the square that becomes one token.
    pub fn token_side(&self) -> u64 {
        u64::from(self.patch * self.merge)
    }

    /// Values of one patch.
    pub fn patch_values(&self) -> usize {
        (3 * self.frames * self.patch * self.patch) as usize
    }

    /// Width and height that a picture is resized to: whole merged patches, the pixels within the model's bounds.
    ///
    /// # Errors
    /// The picture is too slender.
    pub fn size(&self, width: u32, height: u32) -> Result<(u32, u32)> {
        if width == 0 || height == 0 || width.max(height) > MOST_SLENDER * width.min(height) {
            return refused(format!(
                "an image of {width} x {height} pixels; expected sides of at most {MOST_SLENDER} to 1"
            ));
        }
        let factor = f64::from(self.patch * self.merge);
        let (wide, high) = (f64::from(width), f64::from(height));
        let whole = |side: f64| (side / factor).round_ties_even() * factor;
        let (mut columns, mut rows) = (whole(wide), whole(high));
        if columns * rows > self.most_pixels {
            let shrink = (wide * high / self.most_pixels).sqrt();
            let below = |side: f64| ((side / shrink / factor).floor() * factor).max(factor);
            (columns, rows) = (below(wide), below(high));
        } else if columns * rows < self.least_pixels {
            let grow = (self.least_pixels / (wide * high)).sqrt();
            let above = |side: f64| (side * grow / factor).ceil() * factor;
            (columns, rows) = (above(wide), above(high));
        }
        let (columns, rows) = (columns.max(factor), rows.max(factor));
        if columns * rows > MOST_PIXELS {
            return refused(format!(
                "an image that is resized to {columns} x {rows} pixels; expected at most {MOST_PIXELS} pixels; set max_pixels lower"
            ));
        }
        Ok((columns as u32, rows as u32))
    }

    /// Visual tokens of a picture.
    ///
    /// # Errors
    /// The picture is too slender.
    pub fn tokens(&self, width: u32, height: u32) -> Result<usize> {
        let side = self.patch * self.merge;
        let (width, height) = self.size(width, height)?;
        Ok((width / side) as usize * (height / side) as usize)
    }

    /// A picture as patches.
    ///
    /// # Errors
    /// The picture is too slender.
    pub fn patches(&self, picture: &Picture) -> Result<Patches> {
        let (width, height) = self.size(picture.width, picture.height)?;
        let resized = picture.resized(width, height);
        Ok(self.cut(&resized))
    }

    /// Cuts a picture of whole merged patches, in the order in which they are merged: `[rows / merge, columns / merge, merge,
    /// merge]` patches of `[channels, frames, patch, patch]`; a still picture fills all frames.
    fn cut(&self, picture: &Picture) -> Patches {
        let (patch, merge) = (self.patch as usize, self.merge as usize);
        let width = picture.width as usize;
        let (rows, columns) = (picture.height as usize / patch, width / patch);
        let levels = self.levels();
        let mut values = Vec::with_capacity(rows * columns * self.patch_values());
        for block_row in 0..rows / merge {
            for block_column in 0..columns / merge {
                for within in 0..merge * merge {
                    let top = (block_row * merge + within / merge) * patch;
                    let left = (block_column * merge + within % merge) * patch;
                    for (channel, level) in levels.iter().enumerate() {
                        let start = values.len();
                        for row in top..top + patch {
                            let pixels = (left..left + patch).map(|column| (row * width + column) * 3 + channel);
                            values.extend(pixels.map(|at| level[usize::from(picture.bytes[at])]));
                        }
                        for _ in 1..self.frames {
                            values.extend_from_within(start..start + patch * patch);
                        }
                    }
                }
            }
        }
        Patches { grid: [1, rows as u32, columns as u32], values }
    }

    /// The value of each of the 256 levels of a channel.
    fn levels(&self) -> [[f32; 256]; 3] {
        let level = |channel: usize, level: usize| {
            ((level as f64 * self.scale - self.mean[channel]) / self.deviation[channel]) as f32
        };
        std::array::from_fn(|channel| std::array::from_fn(|byte| level(channel, byte)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As the published models have it.
    fn published() -> Preprocessing {
        of(&[("preprocessor_config.json", r#"{"max_pixels": 12845056}"#)]).unwrap()
    }

    #[test]
    fn a_frame_of_720_lines_has_1196_tokens() {
        let (width, height) = published().size(1280, 720).unwrap();
        assert_eq!((width / 14, height / 14), (92, 52));
        assert!(published().size(2010, 10).unwrap_err().to_string().contains("2010 x 10"));
    }

    #[test]
    fn patches_lie_in_the_order_in_which_they_are_merged() {
        // Each pixel of a patch carries the patch's number; patches are numbered along the rows.
        let (columns, rows) = (4_u32, 2_u32);
        let number = |x: u32, y: u32| (y / 14 * columns + x / 14) as u8;
        let bytes = (0..rows * 14).flat_map(|y| (0..columns * 14).flat_map(move |x| [number(x, y); 3])).collect();
        let published = published();
        let patches = published.cut(&Picture { width: columns * 14, height: rows * 14, bytes });
        assert_eq!(patches.grid, [1, rows, columns]);
        let first: Vec<_> = patches.values.chunks(published.patch_values()).map(|patch| patch[0]).collect();
        let wanted = [0_usize, 1, 4, 5, 2, 3, 6, 7].map(|number| published.levels()[0][number]);
        assert_eq!(first, wanted);
    }

    fn of(files: &[(&str, &str)]) -> Result<Preprocessing> {
        let folder = tempfile::tempdir().unwrap();
        let config = r#"{"image_token_id": 1, "eos_token_id": 2, "max_position_embeddings": 8}"#;
        for (name, text) in [("config.json", config)].iter().chain(files) {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Preprocessing::of(&Folder::read(folder.path(), None).unwrap())
    }

    #[test]
    fn the_nested_configuration_goes_first() {
        let nested =
            r#"{"processor_class": "P", "image_processor": {"size": {"shortest_edge": 4096, "longest_edge": 8192}}}"#;
        let (flat, empty) = (r#"{"max_pixels": 50000}"#, r#"{"processor_class": "P"}"#);
        let both = of(&[("processor_config.json", nested), ("preprocessor_config.json", flat)]).unwrap();
        assert_eq!((both.pixels(), both.is_assumed()), ((4096, 8192), false));
        let other = of(&[("processor_config.json", empty), ("preprocessor_config.json", flat)]).unwrap();
        assert_eq!((other.pixels(), other.is_assumed()), ((3136, 50_000), false));
        let none = of(&[("processor_config.json", empty)]).unwrap();
        assert_eq!((none.pixels(), none.is_assumed()), ((3136, 1_003_520), true));
    }

    #[test]
    fn pictures_that_a_folder_would_make_huge_are_refused() {
        let large = of(&[("preprocessor_config.json", r#"{"max_pixels": 1e18}"#)]).unwrap();
        assert!(large.size(4000, 4000).is_ok());
        let told = large.size(13_000, 13_000).unwrap_err().to_string();
        assert!(
            told.contains("resized to 13020 x 12992 pixels; expected at most 33554432")
                || told.contains("set max_pixels lower"),
            "{told}"
        );
    }

    #[test]
    fn configurations_of_other_pictures_are_refused() {
        for (config, told) in [
            ("[1]", "preprocessor_config.json: expected an object"),
            (r#"{"patch_size": 0}"#, "preprocessor_config.json: patch_size: expected a whole number from 1 to 128"),
            (r#"{"merge_size": 99999999999}"#, "merge_size: expected"),
            (r#"{"image_std": [0.5, 0, 0.5]}"#, "image_std: expected three numbers that are not 0"),
            (r#"{"min_pixels": 1e18, "max_pixels": 1e19}"#, "pixels; expected a range that begins with 1 to 33554432"),
            (r#"{"min_pixels": 100, "max_pixels": 50}"#, "100 to 50 pixels; expected a range"),
            (r#"{"image_std": [0.5]}"#, "image_std: expected three numbers"),
            (r#"{"image_mean": "dark"}"#, "image_mean: expected three numbers"),
            (r#"{"do_resize": false}"#, "do_resize is false"),
            (r#"{"resample": 2}"#, "resample is 2; only 3, bicubic, is supported"),
        ] {
            let message = of(&[("preprocessor_config.json", config)]).unwrap_err().to_string();
            assert!(message.contains(told), "{message}");
        }
    }

    proptest! {
        /// Sides are whole merged patches, the pixels within the bounds, and the shape about the same.
        #[test]
        fn sizes_keep_their_promise(width in 8_u32..4000, height in 8_u32..4000) {
            prop_assume!(width.max(height) <= 20 * width.min(height));
            let (w, h) = published().size(width, height).unwrap();
            prop_assert!(w % 28 == 0 && h % 28 == 0);
            prop_assert!(f64::from(w * h) <= published().most_pixels);
            prop_assert!(f64::from(w * h) >= published().least_pixels);
        }
    }
}
