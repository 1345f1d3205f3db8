//! Graded questions: topics from colours to changes between two frames, easy ones and hard ones, answered in a word or a sentence.
//!
//! The trained pair was fitted on them. Its lessons come from another stream than the questions of a replay, so no picture
//! of a lesson is asked about again.

mod ask;
mod scenes;

use crate::scene::Scene;
use crate::{Dice, Pixels};
use kernel::Streams;
use scenes::Shown;
use std::path::PathBuf;
use traces::questions::Question;

/// Columns and rows of a graded picture, in pixels: sixteen visual tokens.
pub const SIDE_PX: u32 = 112;

/// The instruction behind a question that wants a word.
const BRIEFLY: &str = "Briefly.";

/// The topic of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// The colour of a shape or of the background.
    Color,
    /// The form of a shape.
    Shape,
    /// The place of a shape.
    Place,
    /// A number of things.
    Count,
    /// The place of a shape relative to another.
    Relation,
    /// A drawn digit.
    Digit,
    /// A description of all that is there.
    Description,
    /// Two unrelated pictures.
    Comparison,
    /// Two frames, of which the second may differ in one thing.
    Change,
}

impl Topic {
    /// Every topic.
    pub const ALL: [Self; 9] = [
        Self::Color,
        Self::Shape,
        Self::Place,
        Self::Count,
        Self::Relation,
        Self::Digit,
        Self::Description,
        Self::Comparison,
        Self::Change,
    ];

    /// The topic's name, as ids of questions have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Color => "color",
            Self::Shape => "shape",
            Self::Place => "place",
            Self::Count => "count",
            Self::Relation => "relation",
            Self::Digit => "digit",
            Self::Description => "description",
            Self::Comparison => "comparison",
            Self::Change => "change",
        }
    }
}

/// The grade of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grade {
    Easy,
    Hard,
}

/// A question with its answers, before it is put into either form.
struct Told {
    topic: Topic,
    grade: Grade,
    question: String,
    /// The answer in a word or two; none if only a sentence will do.
    word: Option<String>,
    sentence: String,
}

/// One or two pictures, and questions about them.
pub struct Lesson {
    /// The questions with their answers.
    pub questions: Vec<Question>,
    /// The pictures, in the order in which they are shown.
    pub pictures: Vec<Pixels>,
}

/// Question `number` of a seed, with its pictures.
pub(crate) fn question(streams: Streams, seed: u64, number: u64) -> (Question, Vec<Pixels>) {
    let Lesson { mut questions, pictures } = asked(streams, ["graded", "graded/noise"], (seed, number), 1);
    (questions.remove(0), pictures)
}

/// Lesson `number` of a seed: so many questions about the same pictures. None of its pictures is a replay's.
pub fn lesson(seed: u64, number: u64, questions: usize) -> Lesson {
    asked(Streams::new(seed), ["lessons", "lessons/noise"], (seed, number), questions)
}

fn asked(streams: Streams, names: [&'static str; 2], (seed, number): (u64, u64), count: usize) -> Lesson {
    let mut dice = Dice(streams.stream(names[0], number));
    let shown = Shown::drawn(&mut dice, number);
    let mut noise = streams.stream(names[1], number);
    let pictures: Vec<Pixels> =
        shown.scenes().into_iter().map(|scene| scene.picture((SIDE_PX, SIDE_PX), &mut noise)).collect();
    let questions =
        (0..count).map(|_| in_form(ask::about(&shown, &mut dice), &mut dice, (seed, number), pictures.len()));
    Lesson { questions: questions.collect(), pictures }
}

/// The question in one of its forms; its id has topic, grade and form.
fn in_form(told: Told, dice: &mut Dice, (seed, number): (u64, u64), pictures: usize) -> Question {
    let Told { topic, grade, question, word, sentence } = told;
    let word = word.filter(|_| dice.below(2) == 0);
    let grade = match grade {
        Grade::Easy => "easy",
        Grade::Hard => "hard",
    };
    let form = if word.is_some() { "word" } else { "sentence" };
    let id = format!("{}-{grade}-{form}-{seed}-{number}", topic.name());
    let images = (1..=pictures).map(|picture| PathBuf::from(format!("pictures/{id}-{picture}.png"))).collect();
    let instruction = Some(if word.is_some() { BRIEFLY.to_owned() } else { String::new() });
    let answers = vec![word.unwrap_or(sentence)];
    Question { id, images, question, choices: Vec::new(), answers, instruction }
}

/// The shapes of a scene that no other shape of it has the form of.
fn singular(scene: &Scene) -> Vec<crate::scene::Shape> {
    scene.shapes.iter().filter(|shape| scene.count(shape.figure) == 1).copied().collect()
}

#[cfg(test)]
mod tests;
