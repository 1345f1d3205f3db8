//! Questions about a scene, with the right answers.

use super::Dice;
use super::scene::{COLORS, FIGURES, Figure, QUARTERS, Scene, Shape};

/// A question of a scene, before it is open or has options.
#[derive(Debug)]
pub struct Asked {
    pub question: String,
    pub right: String,
    /// The same in other words.
    pub other: Option<String>,
    /// Wrong answers of the same sort as the right one.
    pub wrong: Vec<String>,
}

impl Asked {
    fn new(question: impl Into<String>, right: &str, all: impl IntoIterator<Item = &'static str>) -> Self {
        let wrong = all.into_iter().filter(|answer| *answer != right).map(str::to_owned).collect();
        Self { question: question.into(), right: right.to_owned(), other: None, wrong }
    }

    fn or(self, other: &str) -> Self {
        Self { other: Some(other.to_owned()), ..self }
    }
}

/// A question of a scene of one shape, answered by a sentence: the very words that the tiny models of the tests were fitted on.
/// What is asked for in a word is right in a word, too.
pub fn in_a_sentence(scene: &Scene, dice: &mut Dice) -> Asked {
    let Shape { figure, color, place } = scene.shapes[0];
    let (figure, color, background) = (figure.name(), color.name, scene.background.name);
    let asked = |question: String, right: String| Asked { question, right, other: None, wrong: Vec::new() };
    match dice.below(4) {
        0 => asked(format!("What color is the {figure}?"), format!("The {figure} is {color}.")).or(color),
        1 => asked("What color is the background?".into(), format!("The background is {background}.")).or(background),
        2 => asked(format!("Where is the {figure}?"), format!("The {figure} is at the {}.", place.name)).or(place.name),
        _ => asked(
            "Describe the image.".into(),
            format!("The image shows a {color} {figure} at the {} on a {background} background.", place.name),
        ),
    }
}

/// A question of a scene of several shapes, answered by a word or two.
pub fn in_a_word(scene: &Scene, dice: &mut Dice) -> Asked {
    let shape = *dice.one_of(&scene.shapes);
    let alone = scene.count(shape.figure) == 1;
    let name = shape.figure.name();
    let colors = COLORS.map(|color| color.name);
    match dice.below(6) {
        0 if alone => Asked::new(format!("What color is the {name}?"), shape.color.name, colors),
        1 => where_is(shape),
        2 => how_many(scene, dice),
        3 => is_there(scene, shape, dice),
        4 => {
            let question = format!("What shape is at the {}?", shape.place.name);
            Asked::new(question, name, FIGURES.map(Figure::name))
        }
        _ => Asked::new("What color is the background?", scene.background.name, colors),
    }
}

/// No other shape has its colour.
fn where_is(shape: Shape) -> Asked {
    let question = format!("Where is the {} {}?", shape.color.name, shape.figure.name());
    Asked::new(question, shape.place.name, QUARTERS.map(|place| place.name)).or(shape.place.other)
}

fn how_many(scene: &Scene, dice: &mut Dice) -> Asked {
    const DIGITS: [&str; 5] = ["0", "1", "2", "3", "4"];
    const WORDS: [&str; 5] = ["zero", "one", "two", "three", "four"];
    let (of, count) = if dice.below(2) == 0 {
        ("shapes".to_owned(), scene.shapes.len())
    } else {
        let figure = dice.one_of(&scene.shapes).figure;
        (plural(figure), scene.count(figure))
    };
    Asked::new(format!("How many {of} are there?"), DIGITS[count], DIGITS).or(WORDS[count])
}

/// As often yes as no; if no, the form is there in another colour, so that both have to be looked at.
fn is_there(scene: &Scene, shape: Shape, dice: &mut Dice) -> Asked {
    let is_there = dice.below(2) == 0;
    let absent: Vec<_> =
        COLORS.iter().filter(|color| scene.shapes.iter().all(|shape| shape.color != **color)).collect();
    let color = if is_there { shape.color } else { **dice.one_of(&absent) };
    let article = if color.name.starts_with('o') { "an" } else { "a" };
    let question = format!("Is there {article} {} {}?", color.name, shape.figure.name());
    Asked::new(question, if is_there { "yes" } else { "no" }, ["yes", "no"])
}

/// The name of several of a form.
pub fn plural(figure: Figure) -> String {
    let name = figure.name();
    format!("{name}{}", if name.ends_with('s') { "es" } else { "s" })
}
