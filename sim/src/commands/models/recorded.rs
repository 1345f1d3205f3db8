//! Prompts with recorded answers, that a pair of models is held to.

use crate::terminal::Failure;
use backends::onnx::npy::{self, Values};
use backends::onnx::{Grid, Model, Patches, Prompt, generate};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// Entropies of a model, in nats, agree within this where no file says otherwise.
const TOLERANCE_NATS: f64 = 1e-3;

/// The most tokens of an answer where no file says otherwise.
const WANTED: usize = 24;

/// Questions where no file has any: with so many pictures.
const QUESTIONS: [(usize, &str); 4] =
    [(0, "What is this?"), (1, "What is in the picture?"), (1, "Where is it?"), (0, "Tell me about the house.")];

/// The recorded answer of a model.
#[derive(Clone, Debug, Deserialize)]
pub struct Expected {
    /// Its tokens.
    #[serde(rename = "greedy_ids")]
    pub ids: Vec<u32>,
    /// The entropy behind each, in nats.
    #[serde(rename = "entropy")]
    pub entropies: Vec<f64>,
}

/// A prompt with the answers of both models.
pub struct Recorded {
    /// Its name.
    pub id: String,
    /// Tokens and pictures.
    pub prompt: Prompt,
    /// The most tokens of an answer.
    pub wanted: usize,
    /// Answers of the draft and of the target.
    pub answers: [Expected; 2],
}

/// All prompts, and how much the entropies of draft and target may be off.
pub struct Answers {
    /// The prompts.
    pub prompts: Vec<Recorded>,
    /// Tolerances of draft and target, in nats.
    pub tolerances_nats: [f64; 2],
}

#[derive(Deserialize)]
struct File {
    conventions: Conventions,
    prompts: Vec<WrittenPrompt>,
}

#[derive(Deserialize)]
struct Conventions {
    tolerance: Tolerances,
}

#[derive(Deserialize)]
struct Tolerances {
    draft: Tolerance,
    target: Tolerance,
}

#[derive(Deserialize)]
struct Tolerance {
    entropy: f64,
}

#[derive(Deserialize)]
struct WrittenPrompt {
    id: String,
    input_ids: Vec<u32>,
    images: Vec<WrittenImage>,
    max_new_tokens: usize,
    draft: Expected,
    target: Expected,
}

#[derive(Deserialize)]
struct WrittenImage {
    pixel_values: PathBuf,
    grid_thw: Grid,
}

/// Reads a file of recorded answers; pixels lie beside it.
///
/// # Errors
/// The file or an array of it is refused, or the target does not take a prompt.
pub fn read(file: &Path, target: &Model) -> Result<Answers, Failure> {
    let text = traces::input::read_text(file).map_err(|error| Failure::io("read", file, &error))?;
    let read: File = serde_json::from_str(&text).map_err(|error| {
        Failure::refused(format!(
            "{}: {error}; expected recorded answers: conventions.tolerance, and prompts with input_ids, images, \
             max_new_tokens, and greedy_ids and entropy of draft and target",
            file.display()
        ))
    })?;
    let beside = file.parent().unwrap_or(Path::new(""));
    let tolerances_nats = [read.conventions.tolerance.draft.entropy, read.conventions.tolerance.target.entropy];
    let recorded = |one: WrittenPrompt| {
        let images = one.images.iter().map(|image| stored(beside, image)).collect::<Result<_, _>>()?;
        let prompt = target.prompt(&one.input_ids, images, true)?;
        Ok(Recorded { id: one.id, prompt, wanted: one.max_new_tokens, answers: [one.draft, one.target] })
    };
    let prompts = read.prompts.into_iter().map(recorded).collect::<Result<Vec<_>, Failure>>()?;
    if prompts.is_empty() {
        return Err(Failure::refused(format!("{}: found no prompt; expected at least one", file.display())));
    }
    Ok(Answers { prompts, tolerances_nats })
}

/// Stored pixels of an image.
fn stored(beside: &Path, image: &WrittenImage) -> Result<Patches, Failure> {
    let file = beside.join(&image.pixel_values);
    match npy::read(&file)?.values {
        Values::Floats(values) => Ok(Patches { grid: image.grid_thw, values }),
        Values::Integers(_) => {
            Err(Failure::refused(format!("{}: found whole numbers, expected floats", file.display())))
        }
    }
}

/// Answers of a pair of models, draft first, to a few prompts of ours.
///
/// # Errors
/// A model fails.
pub fn of_pair([draft, target]: [&mut Model; 2]) -> Result<Answers, Failure> {
    let mut prompts = Vec::new();
    for (number, (pictures, question)) in (1_u32..).zip(QUESTIONS) {
        let picture = super::shapes::picture(56 * number, 84);
        let patches = (0..pictures).map(|_| target.preprocessing().patches(&picture));
        let patches = patches.collect::<Result<Vec<_>, _>>()?;
        let rendered = target.text().rendered(pictures, question)?;
        let prompt = target.prompt(&target.text().tokens(&rendered)?, patches, false)?;
        let answer = |model: &mut Model| -> Result<Expected, Failure> {
            let (answer, _) = generate(model, &prompt, WANTED)?;
            Ok(Expected { ids: answer.ids, entropies: answer.entropies })
        };
        let answers = [answer(draft)?, answer(target)?];
        prompts.push(Recorded { id: question.to_owned(), prompt, wanted: WANTED, answers });
    }
    Ok(Answers { prompts, tolerances_nats: [TOLERANCE_NATS; 2] })
}
