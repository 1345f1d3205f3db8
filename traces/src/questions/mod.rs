//! Questions about pictures with reference answers: what a replay asks real models, and how their answers are scored.
//!
//! A file of questions is JSONL, an object a line; [`read`] and [`write`] are its two ends, [`vqav2`] and [`mmbench`] make it of the
//! published benchmarks. A question without choices is open and scored by VQAv2's accuracy; one with choices is scored by MMBench's
//! matching of option letters. `docs/questions.md` has the keys, the rules and their sources.
//!
//! Not here: pictures themselves are neither decoded nor changed, only their headers are read ([`crate::picture`]).

mod choice;
mod contractions;
mod file;
pub mod mmbench;
mod normal;
mod open_ended;
pub mod vqav2;

pub use file::{read, write, write_to};
pub use normal::normalised;

use crate::error::shown;
use std::path::PathBuf;

/// Annotators of an open question in VQAv2.
pub const ANNOTATORS: usize = 10;

/// The instruction behind an open question, so that an answer has the form of the references.
pub const OPEN_INSTRUCTION: &str = "Answer the question using a single word or phrase.";

/// The instruction behind a question with choices.
pub const CHOICE_INSTRUCTION: &str = "Answer with the option's letter from the given choices directly.";

/// A question about pictures with reference answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Its name, unique in its file.
    pub id: String,
    /// The pictures, in the order in which they are shown.
    pub images: Vec<PathBuf>,
    /// The question's text.
    pub question: String,
    /// The options A, B, C and so on; none: an open question.
    pub choices: Vec<String>,
    /// Reference answers. An open question has those of ten annotators, or one on which all agree; a question with
    /// choices has the right letter.
    pub answers: Vec<String>,
    /// The instruction behind the question. If absent, the usual sentence of its kind; if empty, none.
    pub instruction: Option<String>,
}

impl Question {
    /// True if there are options to choose from.
    pub fn is_choice(&self) -> bool {
        !self.choices.is_empty()
    }

    /// The prompt of a model: the question, the options a line each (`A. ...`), and the instruction.
    pub fn prompt(&self) -> String {
        let mut lines = vec![self.question.clone()];
        lines.extend(letters().zip(&self.choices).map(|(letter, text)| format!("{letter}. {text}")));
        lines.extend(Some(self.instruction()).filter(|instruction| !instruction.is_empty()).map(str::to_owned));
        lines.join("\n")
    }

    /// The sentence after the question: its own, or the customary one of its kind.
    pub fn instruction(&self) -> &str {
        let customary = if self.is_choice() { CHOICE_INSTRUCTION } else { OPEN_INSTRUCTION };
        self.instruction.as_deref().unwrap_or(customary)
    }

    /// The score of an answer, from 0 to 1. An open question has VQAv2's accuracy; one with choices 1 for the right
    /// option, else 0.
    pub fn score(&self, answer: &str) -> f64 {
        if self.is_choice() {
            let right = self.answers.first().and_then(|answer| answer.chars().next());
            let chosen = choice::chosen(answer, &self.choices);
            return if chosen.is_some() && chosen == right { 1.0 } else { 0.0 };
        }
        open_ended::accuracy(answer, &self.answers)
    }

    /// Checks that it can be asked and scored. The error has the value found and the one expected.
    fn fault(&self) -> Result<(), (String, String)> {
        let fault = |found: String, expected: &str| Err((found, expected.to_owned()));
        if self.id.trim().is_empty() || self.question.trim().is_empty() {
            return fault("an empty id or question".into(), "some text");
        }
        if self.images.is_empty() {
            return fault("no images".into(), "at least one picture");
        }
        if self.is_choice() { self.fault_of_choices() } else { self.fault_of_answers() }
    }

    fn fault_of_choices(&self) -> Result<(), (String, String)> {
        let fault = |found: String, expected: String| Err((found, expected));
        let count = self.choices.len();
        let last = match letters().nth(count - 1) {
            Some(last) if count > 1 => last,
            _ => return fault(format!("{count} choices"), "2 to 26, or none of an open question".into()),
        };
        if let Some((letter, _)) = letters().zip(&self.choices).find(|(_, text)| text.trim().is_empty()) {
            return fault(format!("an empty choice {letter}"), "some text".into());
        }
        let is_letter = |answer: &String| answer.len() == 1 && letters().take(count).any(|one| answer.starts_with(one));
        match self.answers.as_slice() {
            [answer] if is_letter(answer) => Ok(()),
            answers => {
                fault(format!("the answer \"{}\"", shown(&answers.join(", "))), format!("one letter from A to {last}"))
            }
        }
    }

    fn fault_of_answers(&self) -> Result<(), (String, String)> {
        let expected = "the answers of 10 annotators, or one on which all agree";
        if self.answers.len() != 1 && self.answers.len() != ANNOTATORS {
            return Err((format!("{} answers", self.answers.len()), expected.into()));
        }
        if self.answers.iter().all(|answer| answer.trim().is_empty()) {
            return Err(("answers without any text".into(), expected.into()));
        }
        Ok(())
    }
}

/// The letters of options.
pub(crate) fn letters() -> impl Iterator<Item = char> {
    'A'..='Z'
}

#[cfg(test)]
mod tests;
