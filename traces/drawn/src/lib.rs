//! Questions and pictures of our own, drawn by code: nothing is downloaded, and what is right is known.
//!
//! A picture shows coloured shapes on a coloured background, with a little noise; a question asks for a colour, a place, a number, a
//! shape, or yes or no. [`drawn`] is a pure function: the same seed, number and kind give the same question, and with the same size
//! the same picture. The words do not depend on the size.
//!
//! Not a benchmark: a score here says whether a model looks at the picture and can be compared between policies on the same model, not
//! with published results. `docs/questions.md` says more.

mod ask;
mod graded;
mod scene;

pub use graded::{Lesson, SIDE_PX, Topic, lesson};

use ask::Asked;
use kernel::{Stream, Streams, draw};
use scene::Scene;
use std::path::PathBuf;
use traces::questions::{ANNOTATORS, Question};

/// Sides of a picture whose size is not given, in pixels: what tiny models take without resizing, as whole patches.
const SIDES_PX: [u32; 3] = [84, 112, 140];

/// Options of a question with choices, where there are as many.
const OPTIONS: usize = 4;

/// Annotators who give the usual answer; the others say it in another way, where there is one. Either is right.
const USUAL: usize = 6;

/// The kinds of generated questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Open ones in the words that the tiny models of the tests were fitted on, answered by a sentence, without an instruction.
    Sentence,
    /// Open ones: as many answered by a word or two, as VQAv2's, as by a sentence.
    Open,
    /// With options to choose from, as MMBench's.
    Choice,
    /// As many open ones as ones with options.
    Mixed,
    /// Graded ones, easy and hard, which the trained pair was fitted on; pictures have one size.
    Graded,
}

/// A drawn question and its pictures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// The question; its images are named, not written.
    pub question: Question,
    /// The pictures: one, or two of a graded question that compares.
    pub pictures: Vec<Pixels>,
}

/// A picture of 8 bits a channel, red, green and blue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pixels {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Rows of pixels, three bytes each.
    pub rgb: Vec<u8>,
}

/// Question `number` of a seed, with a picture of `size` (columns and rows, in pixels), or of one drawn too. Graded questions
/// have pictures of [`SIDE_PX`], whatever `size` is.
///
/// # Panics
/// If a side is 0.
pub fn drawn(seed: u64, number: u64, kind: Kind, size: Option<(u32, u32)>) -> Drawn {
    let streams = Streams::new(seed);
    if kind == Kind::Graded {
        let (question, pictures) = graded::question(streams, seed, number);
        return Drawn { question, pictures };
    }
    let mut dice = Dice(streams.stream("questions/size", number));
    let drawn_size = (*dice.one_of(&SIDES_PX), *dice.one_of(&SIDES_PX));
    let mut dice = Dice(streams.stream("questions", number));
    let (asked, scene) = match form(kind, number) {
        Form::Sentence => {
            let scene = Scene::of_one(&mut dice);
            (ask::in_a_sentence(&scene, &mut dice), scene)
        }
        Form::Word | Form::Choice => {
            let scene = Scene::of_several(&mut dice);
            (ask::in_a_word(&scene, &mut dice), scene)
        }
    };
    let id = format!("drawn-{seed}-{number}");
    let image = PathBuf::from(format!("pictures/{id}.png"));
    let question = match form(kind, number) {
        Form::Choice => with_options(asked, id, image, &mut dice),
        form => annotated(asked, id, image, form == Form::Sentence),
    };
    let mut noise = streams.stream("questions/noise", number);
    Drawn { question, pictures: vec![scene.picture(size.unwrap_or(drawn_size), &mut noise)] }
}

/// The form of an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Sentence,
    Word,
    Choice,
}

/// In turn, so that any run of questions has its share of each.
fn form(kind: Kind, number: u64) -> Form {
    match (kind, number % 4) {
        (Kind::Sentence, _) | (Kind::Open, 0 | 2) | (Kind::Mixed, 0) => Form::Sentence,
        (Kind::Open, _) | (Kind::Mixed, 2) => Form::Word,
        (Kind::Choice | Kind::Mixed | Kind::Graded, _) => Form::Choice,
    }
}

/// The open question, with ten annotators.
fn annotated(asked: Asked, id: String, image: PathBuf, bare: bool) -> Question {
    let other = asked.other.unwrap_or_else(|| asked.right.clone());
    let mut answers = vec![asked.right; USUAL];
    answers.resize(ANNOTATORS, other);
    let instruction = bare.then(String::new);
    Question { id, images: vec![image], question: asked.question, choices: Vec::new(), answers, instruction }
}

/// The question with the right answer somewhere among wrong ones.
fn with_options(asked: Asked, id: String, image: PathBuf, dice: &mut Dice) -> Question {
    let mut wrong = asked.wrong;
    dice.shuffle(&mut wrong);
    wrong.truncate(OPTIONS - 1);
    let mut choices = wrong;
    choices.push(asked.right.clone());
    dice.shuffle(&mut choices);
    let place = choices.iter().position(|choice| *choice == asked.right).expect("it was put there");
    let letter = ('A'..).nth(place).expect("there are 26 of them");
    let answers = vec![letter.to_string()];
    Question { id, images: vec![image], question: asked.question, choices, answers, instruction: None }
}

impl Pixels {
    /// The picture as a PNG file.
    pub fn png(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.width, self.height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header().expect("memory takes a header");
        writer.write_image_data(&self.rgb).expect("as many bytes as the header says");
        writer.finish().expect("memory takes the end");
        bytes
    }
}

/// A stream of draws.
pub(crate) struct Dice(Stream);

impl Dice {
    /// Uniform among 0 to `count` - 1.
    fn below(&mut self, count: usize) -> usize {
        // Below `count`, as the draw is below 1 by 2^-54 at least.
        (draw::uniform(&mut self.0) * count as f64) as usize
    }

    fn one_of<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    fn shuffle<T>(&mut self, list: &mut [T]) {
        for end in (1..list.len()).rev() {
            let with = self.below(end + 1);
            list.swap(end, with);
        }
    }
}

#[cfg(test)]
mod tests;
