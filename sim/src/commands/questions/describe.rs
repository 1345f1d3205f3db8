//! `sim questions describe`: counts and sizes of a file's questions.

use crate::terminal::Failure;
use serde::Serialize;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use traces::picture;
use traces::questions::{self, Question};

/// The description of a file.
#[derive(Serialize)]
struct Description {
    questions: usize,
    open: usize,
    choice: usize,
    own_instruction: usize,
    pictures: usize,
    pictures_per_question_mean: f64,
    picture_width_px: Spread,
    picture_height_px: Spread,
    picture_bytes: Spread,
    question_words: Spread,
    answer_words: Option<Spread>,
    choices: Option<Spread>,
}

/// Least, mean and greatest of some numbers.
#[derive(Clone, Copy, Serialize)]
struct Spread {
    min: u64,
    mean: f64,
    max: u64,
}

/// The description, as text or JSON.
pub fn told(file: &Path, as_json: bool) -> Result<String, Failure> {
    let told = Description::of(&questions::read(file)?)?;
    if as_json {
        return Ok(serde_json::to_string(&told).expect("numbers are JSON") + "\n");
    }
    Ok(told.text(file))
}

impl Description {
    fn of(all: &[Question]) -> Result<Self, Failure> {
        let choice = all.iter().filter(|question| question.is_choice()).count();
        let shown = all.iter().map(|question| question.images.len()).sum::<usize>();
        let pictures: BTreeSet<&Path> = all.iter().flat_map(|question| &question.images).map(AsRef::as_ref).collect();
        let mut sizes = Vec::new();
        let mut bytes = Vec::new();
        for path in &pictures {
            sizes.push(picture::size(path)?);
            let metadata = fs::metadata(path).map_err(|error| Failure::io("read", path, &error))?;
            bytes.push(metadata.len());
        }
        let open = || all.iter().filter(|question| !question.is_choice());
        let options = all.iter().map(|question| question.choices.len() as u64).filter(|count| *count > 0);
        let some = "a file has a question, and a question a picture";
        Ok(Self {
            questions: all.len(),
            open: all.len() - choice,
            choice,
            own_instruction: all.iter().filter(|question| question.instruction.is_some()).count(),
            pictures: pictures.len(),
            pictures_per_question_mean: shown as f64 / all.len() as f64,
            picture_width_px: Spread::of(sizes.iter().map(|(width, _)| u64::from(*width))).expect(some),
            picture_height_px: Spread::of(sizes.iter().map(|(_, height)| u64::from(*height))).expect(some),
            picture_bytes: Spread::of(bytes.into_iter()).expect(some),
            question_words: Spread::of(all.iter().map(|question| words(&question.question))).expect(some),
            answer_words: Spread::of(open().flat_map(|question| &question.answers).map(|answer| words(answer))),
            choices: Spread::of(options),
        })
    }

    fn text(&self, file: &Path) -> String {
        let of = |spread: Option<Spread>| spread.map_or_else(String::new, Spread::text);
        let instruction = match self.own_instruction {
            0 => "the customary one of its kind".to_owned(),
            own => format!("{own} have their own, the others the customary one of their kind"),
        };
        let lines = [
            ("questions", format!("{}: {} open, {} with options", self.questions, self.open, self.choice)),
            ("instruction", instruction),
            ("words of a question", self.question_words.text()),
            ("words of a reference", of(self.answer_words)),
            ("options", of(self.choices)),
            ("pictures", format!("{}, {:.2} a question", self.pictures, self.pictures_per_question_mean)),
            ("width, px", self.picture_width_px.text()),
            ("height, px", self.picture_height_px.text()),
            ("bytes of a file", self.picture_bytes.text()),
        ];
        let told = lines.iter().filter(|(_, text)| !text.is_empty());
        let told: String = told.map(|(what, text)| format!("{what:<21} {text}\n")).collect();
        format!("{}\n{told}", file.display())
    }
}

impl Spread {
    fn of(numbers: impl Iterator<Item = u64>) -> Option<Self> {
        let (mut count, mut sum, mut min, mut max) = (0_u64, 0_u64, u64::MAX, 0);
        for number in numbers {
            (count, sum, min, max) = (count + 1, sum + number, min.min(number), max.max(number));
        }
        (count > 0).then(|| Self { min, mean: sum as f64 / count as f64, max })
    }

    fn text(self) -> String {
        if self.min == self.max {
            return self.min.to_string();
        }
        format!("{} to {}, {:.1} on average", self.min, self.max, self.mean)
    }
}

fn words(text: &str) -> u64 {
    text.split_whitespace().count() as u64
}
