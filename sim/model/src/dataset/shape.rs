//! The shape of a dataset: the sizes and lengths of its requests, and the accuracies of the models on it.

use super::{Draw, Law, Pixels, Size, Spread};
use crate::vision::{MAX_ASPECT, is_too_elongated};
use crate::{accuracy::Accuracy, published::Benchmark};
use kernel::{Stream, Streams};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use units::SimDuration;

/// A dataset by the shape of its requests. Each quantity is a constant, a list with weights, or a named distribution.
///
/// ```
/// use model::dataset::Shape;
///
/// let text = r#"
/// size = [["640x480", 3], ["480x640", 1]]
/// text_tokens = { uniform = { from = 27, to = 38 } }
/// output_tokens = { geometric = { mean = 1.6, plus = 1 } }
/// "#;
/// let shape: Shape = toml::from_str(text).expect("a shape");
/// assert!(shape.has_pictures() && !shape.moves());
/// assert_eq!(shape.check(), Ok(()));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// Description of the dataset, in a sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Size of each picture, or of each frame of a video; no pictures if absent. E.g. `"640x480"`,
    /// `[["640x480", 3], ["480x640", 1]]`, or `{ width = 640, height = { uniform = { from = 300, to = 500 } } }`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Size>,
    /// Number of pictures of a request, all of one size; 1 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pictures: Option<Law<u32>>,
    /// Number of frames of a video, instead of pictures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frames: Option<Law<u32>>,
    /// Length of the sound, e.g. `"4 s"`; no sound if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sound: Option<Law<SimDuration>>,
    /// Text tokens of the prompt, chat template included; at least 1.
    pub text_tokens: Law<u32>,
    /// Tokens of the answer.
    pub output_tokens: Law<u32>,
    /// Share of right answers of each model on whole inputs, whichever models they are; those of `accuracy.source` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<Accuracy>,
    /// Benchmark by which published accuracies go, e.g. of methods that drop tokens; the mean of VQAv2 and MMBench if absent.
    #[serde(default, skip_serializing_if = "Benchmark::is_other")]
    pub benchmark: Benchmark,
    /// Source of each key's figures, by key, e.g. `{ text_tokens = "an assumption" }`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sources: BTreeMap<String, String>,
}

/// The pictures or the video of a request, as they are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// Number of pictures, or of frames.
    pub count: u32,
    /// True if they are the frames of a video.
    pub moving: bool,
}

/// Widest and highest picture: the most that a JPEG can have.
const WIDEST: u32 = 65_535;

/// Most pictures or frames of a request.
const MOST_PICTURES: u32 = 100_000;

/// Most tokens of a prompt or an answer.
const MOST_TOKENS: u32 = 1 << 24;

/// Longest sound.
const LONGEST: SimDuration = SimDuration::from_secs(3600);

impl Shape {
    /// Prompts of text alone, all of one length, with answers of one length.
    pub fn text(text_tokens: u32, output_tokens: u32) -> Self {
        Self {
            description: String::new(),
            size: None,
            pictures: None,
            frames: None,
            sound: None,
            text_tokens: Spread::Constant(text_tokens),
            output_tokens: Spread::Constant(output_tokens),
            accuracy: None,
            benchmark: Benchmark::Other,
            sources: BTreeMap::new(),
        }
    }

    /// This with pictures of one size.
    pub fn with_size(self, width: u32, height: u32) -> Self {
        Self { size: Some(Spread::Constant(Pixels { width, height })), ..self }
    }

    /// True if requests may have pictures or a video.
    pub fn has_pictures(&self) -> bool {
        self.size.is_some()
    }

    /// True if requests may have a video or sound.
    pub fn moves(&self) -> bool {
        self.size.is_some() && self.frames.is_some() || self.sound.is_some()
    }

    /// True if requests have nothing but text.
    pub fn is_text(&self) -> bool {
        self.size.is_none() && self.sound.is_none()
    }

    /// Draws the number of pictures or frames of a request; one picture if the shape says neither.
    ///
    /// The count has a stream of its own, and so has the sound: a shape that has them draws the same sizes and lengths.
    pub fn draw_count(&self, streams: Streams, request: u64) -> Drawn {
        let law = self.frames.as_ref().or(self.pictures.as_ref());
        let count = law.map_or(1, |law| law.draw(&mut streams.stream("input/pictures", request)));
        Drawn { count, moving: self.frames.is_some() }
    }

    /// Draws the length of the sound of a request, if it has any.
    pub fn draw_sound(&self, streams: Streams, request: u64) -> Option<SimDuration> {
        let law = self.sound.as_ref()?;
        Some(law.draw(&mut streams.stream("input/sound", request))).filter(|length| *length > SimDuration::ZERO)
    }

    /// Draws the size of the pictures of a request, if it may have any.
    pub fn draw_size(&self, stream: &mut Stream) -> Option<Pixels> {
        self.size.as_ref().map(|size| size.draw(stream))
    }

    /// Checks every quantity. The error has the key, and what was found and expected.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        fn of<T, L: Draw<T>>(
            law: Option<&L>,
            key: &'static str,
            (least, most): (T, T),
        ) -> Result<(), (&'static str, String)> {
            law.map_or(Ok(()), |law| law.check(least, most).map_err(|expected| (key, expected)))
        }
        let square = |side| Pixels { width: side, height: side };
        of(self.size.as_ref(), "size", (square(1), square(WIDEST)))?;
        if let Some(long) = self.sizes().find(|size| is_too_elongated(size.width, size.height)) {
            let expected = format!("expected sides of which none is longer than {MAX_ASPECT} times the other");
            return Err(("size", format!("found {long}; {expected}")));
        }
        of(self.pictures.as_ref(), "pictures", (0, MOST_PICTURES))?;
        of(self.frames.as_ref(), "frames", (1, MOST_PICTURES))?;
        of(self.sound.as_ref(), "sound", (SimDuration::ZERO, LONGEST))?;
        of(Some(&self.text_tokens), "text_tokens", (1, MOST_TOKENS))?;
        of(Some(&self.output_tokens), "output_tokens", (1, MOST_TOKENS))?;
        if self.pictures.is_some() && self.frames.is_some() {
            return Err(("frames", "expected pictures or frames, not both; leave one of them out".to_owned()));
        }
        self.check_sources()
    }

    /// The sizes that are stated one by one.
    fn sizes(&self) -> impl Iterator<Item = Pixels> + '_ {
        let (constant, weighted) = match &self.size {
            Some(Spread::Constant(size)) => (Some(*size), [].as_slice()),
            Some(Spread::Weighted(sizes)) => (None, sizes.as_slice()),
            Some(Spread::Drawn(_)) | None => (None, [].as_slice()),
        };
        constant.into_iter().chain(weighted.iter().map(|(size, _)| *size))
    }

    fn check_sources(&self) -> Result<(), (&'static str, String)> {
        const KEYS: [&str; 8] =
            ["size", "pictures", "frames", "sound", "text_tokens", "output_tokens", "accuracy", "benchmark"];
        match self.sources.keys().find(|key| !KEYS.contains(&key.as_str())) {
            Some(key) => Err(("sources", format!("found `{key}`; expected keys of the dataset: {}", KEYS.join(", ")))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(keys: &str) -> Shape {
        let text = format!("text_tokens = 30\noutput_tokens = 9\n{keys}");
        toml::from_str(&text).unwrap_or_else(|error| panic!("{keys}: {error}"))
    }

    #[test]
    fn modalities_follow_from_the_keys() {
        for (keys, pictures, moves) in [
            ("", false, false),
            ("size = \"640x480\"", true, false),
            ("size = \"640x480\"\npictures = 3", true, false),
            ("size = \"640x480\"\nframes = 8", true, true),
            ("frames = 8", false, false),
            ("sound = \"4 s\"", false, true),
        ] {
            let shape = shape(keys);
            assert_eq!((shape.has_pictures(), shape.moves()), (pictures, moves), "{keys}");
            assert_eq!(shape.is_text(), !pictures && !moves, "{keys}");
        }
    }

    #[test]
    fn every_quantity_is_checked() {
        for (keys, key) in [
            ("size = \"0x480\"", "size"),
            ("size = \"640x65536\"", "size"),
            ("size = \"2x401\"", "size"),
            ("size = [[\"640x480\", 1], [\"401x2\", 1]]", "size"),
            ("size = [[\"640x480\", 0]]", "size"),
            ("pictures = 100_001", "pictures"),
            ("frames = 0", "frames"),
            ("frames = 8\npictures = 2", "frames"),
            ("sound = \"2 h\"", "sound"),
            ("sources.tokens = \"a guess\"", "sources"),
        ] {
            assert_eq!(shape(keys).check().map_err(|(key, _)| key), Err(key), "{keys}");
        }
        assert_eq!(
            Shape { output_tokens: Spread::Constant(0), ..Shape::text(9, 9) }.check().map_err(|e| e.0),
            Err("output_tokens")
        );
        assert_eq!(Shape::text(0, 9).check().map_err(|e| e.0), Err("text_tokens"));
        assert_eq!(shape("size = \"2x400\"").check(), Ok(()));
        assert_eq!(
            shape("size = \"640x480\"\npictures = 0\nsound = \"1 s\"\nsources.size = \"a guess\"").check(),
            Ok(())
        );
    }

    #[test]
    fn counts_and_sounds_are_drawn_beside_the_rest() {
        let shape = shape("size = \"640x480\"\npictures = [[0, 1], [3, 1]]\nsound = [[\"0 s\", 1], [\"4 s\", 1]]");
        let streams = Streams::new(1);
        let counts: Vec<u32> = (0..400).map(|request| shape.draw_count(streams, request).count).collect();
        let sounds = (0..400).filter(|request| shape.draw_sound(streams, *request).is_some()).count();
        let some = counts.iter().filter(|count| **count == 3).count();
        assert!(counts.iter().all(|count| [0, 3].contains(count)));
        assert!((160..240).contains(&some) && (160..240).contains(&sounds), "{some}, {sounds}");
    }
}
