//! Pictures as the vision tower takes them: decoded, resized to whole patches, normalised, and cut into patches.

use crate::error::{Result, refused};
use crate::folder::Folder;
use crate::patches::Patches;
use crate::resample;
use serde_json::Value;
use std::io::Cursor;
use std::path::Path;

/// A picture of 8 bits a channel, red, green and blue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Rows of pixels, three bytes each.
    pub bytes: Vec<u8>,
}

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
}

/// The longest side over the shortest that the family accepts.
const MOST_SLENDER: u32 = 200;

impl Picture {
    /// Reads a PNG or JPEG.
    ///
    /// # Errors
    /// The file cannot be read, or is neither.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) => return refused(format!("cannot read {}: {error}", path.display())),
        };
        let decoded = if bytes.starts_with(b"\x89PNG") {
            png(&bytes)
        } else if bytes.starts_with(&[0xff, 0xd8]) {
            jpeg(bytes)
        } else {
            Err("no image; expected a PNG or JPEG".to_owned())
        };
        decoded.or_else(|fault| refused(format!("{}: {fault}", path.display())))
    }

    /// The same picture, resized as Pillow's bicubic does.
    fn resized(&self, width: u32, height: u32) -> Self {
        if (width, height) == (self.width, self.height) {
            return self.clone();
        }
        let (from, to) = ((self.width, self.height), (width, height));
        let sides = |(width, height): (u32, u32)| (width as usize, height as usize);
        let bytes = resample::resize(&self.bytes, sides(from), sides(to));
        Self { width, height, bytes }
    }
}

fn png(bytes: &[u8]) -> std::result::Result<Picture, String> {
    let told = |error: png::DecodingError| format!("no PNG that can be read: {error}");
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(told)?;
    let size = reader.output_buffer_size().ok_or("a PNG too large to be read")?;
    let mut samples = vec![0; size];
    let frame = reader.next_frame(&mut samples).map_err(told)?;
    samples.truncate(frame.buffer_size());
    // Transparency is dropped, not painted over: so do Pillow and the models' own preprocessing.
    let bytes = match frame.color_type {
        png::ColorType::Rgb => samples,
        png::ColorType::Rgba => samples.as_chunks::<4>().0.iter().flat_map(|p| [p[0], p[1], p[2]]).collect(),
        png::ColorType::Grayscale => samples.iter().flat_map(|p| [*p; 3]).collect(),
        png::ColorType::GrayscaleAlpha => samples.as_chunks::<2>().0.iter().flat_map(|p| [p[0]; 3]).collect(),
        png::ColorType::Indexed => return Err("a PNG whose palette is missing".to_owned()),
    };
    Ok(Picture { width: frame.width, height: frame.height, bytes })
}

fn jpeg(bytes: Vec<u8>) -> std::result::Result<Picture, String> {
    let told = |error: zune_jpeg::errors::DecodeErrors| format!("no JPEG that can be read: {error}");
    let options =
        zune_core::options::DecoderOptions::default().jpeg_set_out_colorspace(zune_core::colorspace::ColorSpace::RGB);
    let mut decoder = zune_jpeg::JpegDecoder::new_with_options(zune_core::bytestream::ZCursor::new(bytes), options);
    let bytes = decoder.decode().map_err(told)?;
    let (width, height) = decoder.dimensions().ok_or("a JPEG without a size")?;
    let side = |side: usize| u32::try_from(side).map_err(|_| "a JPEG too large to be read".to_owned());
    Ok(Picture { width: side(width)?, height: side(height)?, bytes })
}

impl Preprocessing {
    /// Reads `preprocessor_config.json`; what it leaves out is as in the family's first release.
    pub(crate) fn of(folder: &Folder) -> Result<Self> {
        let config = folder.json("preprocessor_config.json")?;
        let side = |key: &str, default| config[key].as_u64().and_then(|n| u32::try_from(n).ok()).unwrap_or(default);
        let pixels =
            |key: &str, edge: &str, default| config[key].as_f64().or(config["size"][edge].as_f64()).unwrap_or(default);
        let three = |key: &str, default: [f64; 3]| {
            let read = |values: &Vec<Value>| {
                <[f64; 3]>::try_from(values.iter().filter_map(Value::as_f64).collect::<Vec<_>>()).ok()
            };
            config[key].as_array().and_then(read).unwrap_or(default)
        };
        let read = Self {
            patch: side("patch_size", 14),
            frames: side("temporal_patch_size", 2),
            merge: side("merge_size", folder.config.merge),
            least_pixels: pixels("min_pixels", "shortest_edge", 56.0 * 56.0),
            most_pixels: pixels("max_pixels", "longest_edge", 28.0 * 28.0 * 1280.0),
            scale: config["rescale_factor"].as_f64().unwrap_or(1.0 / 255.0),
            mean: three("image_mean", [0.481_454_66, 0.457_827_5, 0.408_210_73]),
            deviation: three("image_std", [0.268_629_54, 0.261_302_58, 0.275_777_11]),
        };
        if read.patch == 0 || read.frames == 0 || read.merge == 0 || read.deviation.contains(&0.0) {
            return refused(format!("{}/preprocessor_config.json: a size or deviation is 0", folder.path().display()));
        }
        Ok(read)
    }

    /// The fewest and the most pixels that a picture is resized to.
    pub fn pixels(&self) -> (u64, u64) {
        (self.least_pixels as u64, self.most_pixels as u64)
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
        Ok((columns.max(factor) as u32, rows.max(factor) as u32))
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
        let folder = tempfile::tempdir().unwrap();
        let config = r#"{"image_token_id": 1, "eos_token_id": 2, "max_position_embeddings": 8}"#;
        std::fs::write(folder.path().join("config.json"), config).unwrap();
        std::fs::write(folder.path().join("preprocessor_config.json"), r#"{"max_pixels": 12845056}"#).unwrap();
        Preprocessing::of(&Folder::read(folder.path(), None).unwrap()).unwrap()
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

    #[test]
    fn what_is_no_image_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("i.png");
        for (bytes, told) in [
            (&b"hello"[..], "no image; expected a PNG or JPEG"),
            (b"\x89PNG\r\n\x1a\n", "no PNG that can be read"),
            (&[0xff, 0xd8, 0xff], "no JPEG that can be read"),
        ] {
            std::fs::write(&path, bytes).unwrap();
            let message = Picture::read(&path).unwrap_err().to_string();
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

        #[test]
        fn broken_pictures_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = png(&[b"\x89PNG\r\n\x1a\n", &bytes[..]].concat());
            let _ = jpeg([&[0xff, 0xd8], &bytes[..]].concat());
        }
    }
}
