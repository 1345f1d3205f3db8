//! Shapes of steps that are measured one by one, and how each is executed.

use super::args::Measure;
use crate::terminal::Failure;
use backends::onnx::{Model, Patches, Picture, timed, tokens};
use model::step::StepKind;
use std::time::Duration;

/// Work of one step of one sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A prompt of so many tokens of text, read at once.
    Prefill(u32),
    /// One token behind a context.
    Decode(u32),
    /// Several tokens at once behind a context, with logits for each.
    Verify { context: u32, tokens: u32 },
    /// A picture of so many pixels through the vision tower alone.
    Encode { width: u32, height: u32 },
}

/// Measurements of a shape, as a row of a table names it.
pub struct Measured {
    /// Kind of step.
    pub kind: StepKind,
    /// Tokens in the cache.
    pub context_tokens: u32,
    /// New tokens; of a picture the visual ones.
    pub new_tokens: u32,
    /// Duration of each repeat.
    pub durations: Vec<Duration>,
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Prefill(tokens) => write!(f, "prefill of {tokens} tokens"),
            Self::Decode(context) => write!(f, "decode behind {context} tokens"),
            Self::Verify { context, tokens } => write!(f, "verify of {tokens} tokens behind {context}"),
            Self::Encode { width, height } => write!(f, "encode of {width} x {height} pixels"),
        }
    }
}

impl Shape {
    /// The shapes that were asked for, each list from its start; a 0 in a list asks for nothing.
    ///
    /// # Errors
    /// The size of a picture is none.
    pub fn asked(asked: &Measure) -> Result<Vec<Self>, Failure> {
        let some = |list: &[u32]| list.iter().copied().filter(|number| *number > 0).collect::<Vec<_>>();
        let mut shapes: Vec<Self> = some(&asked.prefill).into_iter().map(Self::Prefill).collect();
        shapes.extend(some(&asked.context).into_iter().map(Self::Decode));
        let context = asked.verify_context;
        shapes.extend(some(&asked.verify).into_iter().map(|tokens| Self::Verify { context, tokens }));
        for size in asked.pictures.iter().filter(|size| *size != "0") {
            shapes.push(picture_size(size)?);
        }
        if shapes.is_empty() {
            return Err(Failure::refused(
                "no shape to measure; expected numbers above 0 in one of --prefill, --context, --verify and --pictures",
            ));
        }
        Ok(shapes)
    }

    /// Runs the shape once, and then so often with a watch.
    ///
    /// # Errors
    /// The model has no room for the shape, or fails.
    pub fn measured(self, model: &mut Model, repeats: u32) -> Result<Measured, Failure> {
        let (kind, context_tokens, new_tokens) = match self {
            Self::Prefill(tokens) => (StepKind::Prefill, 0, tokens),
            Self::Decode(context) => (StepKind::Decode, context, 1),
            Self::Verify { context, tokens } => (StepKind::Verify, context, tokens),
            Self::Encode { width, height } => return encoded(model, &picture(width, height), repeats),
        };
        let durations = match self {
            Self::Prefill(_) => prefilled(model, new_tokens, repeats)?,
            _ => appended(model, context_tokens, new_tokens, repeats)?,
        };
        Ok(Measured { kind, context_tokens, new_tokens, durations })
    }
}

fn picture_size(size: &str) -> Result<Shape, Failure> {
    let sides: Option<Vec<u32>> = size.split('x').map(|side| side.parse().ok().filter(|n| *n > 0)).collect();
    match sides.as_deref() {
        Some([width, height]) => Ok(Shape::Encode { width: *width, height: *height }),
        _ => Err(Failure::refused(format!(
            "--pictures {size}: expected width and height in pixels, for instance 672x448; 0 for none"
        ))),
    }
}

/// Tokens of text that any tokenizer has, and that mean nothing.
fn words(count: u32) -> Vec<u32> {
    (0..count).map(|at| 5 + at % 90).collect()
}

/// A picture with slopes of colour: no two of its patches are alike.
pub fn picture(width: u32, height: u32) -> Picture {
    let level = |at: u32, side: u32| (at * 255 / side.max(1)) as u8;
    let pixel = |x: u32, y: u32| [level(x, width), level(y, height), level(x + y, width + height)];
    let bytes = (0..height).flat_map(|y| (0..width).flat_map(move |x| pixel(x, y))).collect();
    Picture { width, height, bytes }
}

/// Times of an act that was done once before.
fn watched(repeats: u32, mut act: impl FnMut() -> Result<Duration, Failure>) -> Result<Vec<Duration>, Failure> {
    act()?;
    (0..repeats).map(|_| act()).collect()
}

/// Times of a whole prompt: embedding, graph, and the choice of a token.
fn prefilled(model: &mut Model, count: u32, repeats: u32) -> Result<Vec<Duration>, Failure> {
    let prompt = model.prompt(&words(count), Vec::new(), true)?;
    watched(repeats, || {
        let (read, took) = timed(|| model.open(&prompt).and_then(|(_, logits)| logits.row(0)?.choice()));
        read?;
        Ok(took)
    })
}

/// Times of a few tokens behind a context, which is as it was after each.
fn appended(model: &mut Model, context: u32, count: u32, repeats: u32) -> Result<Vec<Duration>, Failure> {
    let prompt = model.prompt(&words(context), Vec::new(), true)?;
    let (mut sequence, _) = model.open(&prompt)?;
    let (tokens, held) = (words(count), sequence.tokens());
    watched(repeats, || {
        let step = || -> backends::onnx::Result<()> {
            let logits = model.step(&mut sequence, &tokens, tokens.len())?;
            (0..tokens.len()).try_for_each(|row| logits.row(row)?.choice().map(drop))
        };
        let (done, took) = timed(step);
        done?;
        model.rollback(&mut sequence, held);
        Ok(took)
    })
}

/// Times of the vision tower on a picture that is cut into patches already.
fn encoded(model: &mut Model, picture: &Picture, repeats: u32) -> Result<Measured, Failure> {
    let patches: Patches = model.preprocessing().patches(picture)?;
    let visual = tokens(patches.grid, model.folder().config.merge);
    let durations = watched(repeats, || {
        let (features, took) = timed(|| model.features(&patches));
        features?;
        Ok(took)
    })?;
    let new_tokens = u32::try_from(visual).unwrap_or(u32::MAX);
    Ok(Measured { kind: StepKind::Encode, context_tokens: 0, new_tokens, durations })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_pictures_are_read_or_refused() {
        assert_eq!(picture_size("672x448").unwrap(), Shape::Encode { width: 672, height: 448 });
        for broken in ["672", "0x4", "axb", "1x2x3", ""] {
            assert!(picture_size(broken).unwrap_err().to_string().contains("for instance 672x448"), "{broken}");
        }
    }

    #[test]
    fn patches_of_the_picture_differ() {
        let picture = picture(56, 28);
        assert_eq!(picture.bytes.len(), 56 * 28 * 3);
        assert_ne!(picture.bytes[..3], picture.bytes[28 * 3..28 * 3 + 3]);
    }
}
