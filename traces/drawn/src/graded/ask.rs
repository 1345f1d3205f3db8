//! The questions of each topic, with the right answers.

use super::scenes::{Change, Shown};
use super::{Grade, Told, Topic, singular};
use crate::Dice;
use crate::ask::plural;
use crate::scene::{COLORS, FIGURES, Figure, Place, Scene, Shape};

impl Told {
    fn new(topic: Topic, grade: Grade, question: impl Into<String>, word: &str, sentence: String) -> Self {
        Self { topic, grade, question: question.into(), word: Some(word.to_owned()), sentence }
    }
}

/// A question about what is shown.
pub fn about(shown: &Shown, dice: &mut Dice) -> Told {
    let scene = match shown {
        Shown::Two(scenes) => return comparison(scenes, dice),
        Shown::Frames(_, change) => return of_change(change, dice),
        Shown::One(scene) => scene,
    };
    let asked = match dice.below(8) {
        0 => shape(scene, dice),
        1 => place(scene, dice),
        2 => Some(count(scene, dice)),
        3 => relation(scene, dice),
        4 | 5 => digit(scene, dice),
        6 => Some(description(scene)),
        _ => None,
    };
    asked.unwrap_or_else(|| color(scene, dice))
}

fn color(scene: &Scene, dice: &mut Dice) -> Told {
    if dice.below(3) == 0 {
        let word = scene.background.name;
        let sentence = format!("The background is {word}.");
        return Told::new(Topic::Color, Grade::Easy, "What color is the background?", word, sentence);
    }
    let Shape { figure, color, place } = *dice.one_of(&scene.shapes);
    let what = if scene.count(figure) == 1 { figure.name().to_owned() } else { format!("thing at the {}", place.name) };
    let sentence = format!("The {what} is {}.", color.name);
    Told::new(Topic::Color, Grade::Hard, format!("What color is the {what}?"), color.name, sentence)
}

fn shape(scene: &Scene, dice: &mut Dice) -> Option<Told> {
    let Shape { figure, place, .. } = *dice.one_of(&scene.shapes);
    if let Figure::Digit(_) = figure {
        return None;
    }
    let (name, sentence) = (figure.name(), format!("It is a {}.", figure.name()));
    Some(match scene.shapes.len() {
        1 => Told::new(Topic::Shape, Grade::Easy, "What is in the picture?", name, sentence),
        _ => Told::new(Topic::Shape, Grade::Hard, format!("What is at the {}?", place.name), name, sentence),
    })
}

fn place(scene: &Scene, dice: &mut Dice) -> Option<Told> {
    let Shape { figure, color, place } = *dice.one_of(&scene.shapes);
    let alike = scene.shapes.iter().filter(|other| other.figure == figure);
    if alike.filter(|other| other.color == color).count() > 1 {
        return None;
    }
    let (what, grade) = match scene.count(figure) {
        1 => (figure.name().to_owned(), Grade::Easy),
        _ => (format!("{} {}", color.name, figure.name()), Grade::Hard),
    };
    let sentence = format!("The {what} is at the {}.", place.name);
    Some(Told::new(Topic::Place, grade, format!("Where is the {what}?"), place.name, sentence))
}

/// Things, things of a colour, or things of a form.
fn count(scene: &Scene, dice: &mut Dice) -> Told {
    const DIGITS: [&str; 5] = ["0", "1", "2", "3", "4"];
    let (grade, what, count) = match dice.below(3) {
        0 => (Grade::Easy, "things".to_owned(), scene.shapes.len()),
        1 => {
            let there = dice.one_of(&scene.shapes).color;
            let color = if dice.below(4) == 0 { *dice.one_of(&COLORS) } else { there };
            let count = scene.shapes.iter().filter(|shape| shape.color == color).count();
            (Grade::Hard, format!("{} things", color.name), count)
        }
        _ => {
            let there = dice.one_of(&scene.shapes).figure;
            let figure = if dice.below(4) == 0 { *dice.one_of(&FIGURES) } else { there };
            match figure {
                Figure::Digit(_) => (Grade::Hard, "numbers".to_owned(), scene.digits().len()),
                _ => (Grade::Hard, plural(figure), scene.count(figure)),
            }
        }
    };
    let word = DIGITS[count];
    Told::new(Topic::Count, grade, format!("How many {what} are there?"), word, format!("I see {word} {what}."))
}

/// A direction, and the step to it along columns and rows of quarters.
const DIRECTIONS: [(&str, [i32; 2]); 4] =
    [("left of", [-1, 0]), ("right of", [1, 0]), ("above", [0, -1]), ("below", [0, 1])];

fn relation(scene: &Scene, dice: &mut Dice) -> Option<Told> {
    let singular = singular(scene);
    if singular.is_empty() {
        return None;
    }
    let shape = *dice.one_of(&singular);
    let (direction, step) = *dice.one_of(&DIRECTIONS);
    let name = shape.figure.name();
    let others: Vec<Shape> = singular.into_iter().filter(|other| other.figure != shape.figure).collect();
    if dice.below(2) == 0 && !others.is_empty() {
        let other = *dice.one_of(&others);
        let holds = is_towards(other.place, shape.place, step);
        let (word, not) = if holds { ("yes", "") } else { ("no", "not ") };
        let (question, sentence) = (
            format!("Is the {} {direction} the {name}?", other.figure.name()),
            format!("The {} is {not}{direction} the {name}.", other.figure.name()),
        );
        return Some(Told::new(Topic::Relation, Grade::Easy, question, word, sentence));
    }
    let beside = scene.shapes.iter().find(|other| next_to(other.place, shape.place) == step);
    let (word, subject) = match beside {
        Some(other) => (other.figure.name(), format!("The {}", other.figure.name())),
        None => ("nothing", "Nothing".to_owned()),
    };
    let question = format!("What is {direction} the {name}?");
    Some(Told::new(Topic::Relation, Grade::Hard, question, word, format!("{subject} is {direction} the {name}.")))
}

/// Columns and rows of quarters from one place to another.
fn next_to(place: Place, from: Place) -> [i32; 2] {
    let [[x, y], [from_x, from_y]] = [place, from].map(Place::quarter);
    [x - from_x, y - from_y]
}

/// True if a place lies in a direction of another, however far off.
fn is_towards(place: Place, from: Place, step: [i32; 2]) -> bool {
    let between = next_to(place, from);
    between[0] * step[0] + between[1] * step[1] > 0
}

fn digit(scene: &Scene, dice: &mut Dice) -> Option<Told> {
    let digits = scene.digits();
    let largest = digits.iter().max_by_key(|shape| shape.figure)?.figure.name();
    if digits.len() > 1 && dice.below(2) == 0 {
        let sentence = format!("The largest number is {largest}.");
        return Some(Told::new(Topic::Digit, Grade::Hard, "What is the largest number?", largest, sentence));
    }
    let Shape { figure, place, .. } = *dice.one_of(&digits);
    let name = figure.name();
    let sentence = format!("The number is {name}.");
    Some(match digits.len() {
        1 => Told::new(Topic::Digit, Grade::Easy, "What number is in the picture?", name, sentence),
        _ => Told::new(Topic::Digit, Grade::Hard, format!("What number is at the {}?", place.name), name, sentence),
    })
}

fn description(scene: &Scene) -> Told {
    let article = |name: &str| if name.starts_with('o') { "an" } else { "a" };
    let mut shapes = scene.shapes.clone();
    shapes.sort_by_key(|shape| shape.place.quarter().into_iter().rev().collect::<Vec<_>>());
    let told = |shape: &Shape| {
        let Shape { figure, color, place } = shape;
        format!("{} {} {} at the {}", article(color.name), color.name, figure.name(), place.name)
    };
    let told: Vec<String> = shapes.iter().map(told).collect();
    let background = scene.background.name;
    let sentence = format!("I see {} on {} {background} background.", told.join(" and "), article(background));
    let grade = if shapes.len() > 2 { Grade::Hard } else { Grade::Easy };
    let question = "Describe the picture.".to_owned();
    Told { topic: Topic::Description, grade, question, word: None, sentence }
}

fn comparison(scenes: &[Scene; 2], dice: &mut Dice) -> Told {
    if dice.below(2) == 0 {
        let same = scenes[0].background == scenes[1].background;
        let (word, verb) = if same { ("yes", "is") } else { ("no", "is not") };
        let sentence = format!("The background {verb} the same.");
        return Told::new(Topic::Comparison, Grade::Easy, "Is the background the same?", word, sentence);
    }
    let [first, second] = scenes.each_ref().map(|scene| scene.shapes.len());
    let (word, subject) = match first.cmp(&second) {
        std::cmp::Ordering::Greater => ("first", "The first"),
        std::cmp::Ordering::Less => ("second", "The second"),
        std::cmp::Ordering::Equal => ("neither", "Neither"),
    };
    let sentence = format!("{subject} picture has more things.");
    Told::new(Topic::Comparison, Grade::Hard, "Which picture has more things?", word, sentence)
}

fn of_change(change: &Change, dice: &mut Dice) -> Told {
    let (word, what, sentence) = match change {
        Change::Nothing => ("no", "nothing", "Nothing changed.".to_owned()),
        Change::Turned(shape) => {
            ("yes", shape.figure.name(), format!("The {} turned {}.", shape.figure.name(), shape.color.name))
        }
        Change::Moved(shape) => {
            ("yes", shape.figure.name(), format!("The {} moved to the {}.", shape.figure.name(), shape.place.name))
        }
        Change::Gone(shape) => ("yes", shape.figure.name(), format!("The {} is gone.", shape.figure.name())),
        Change::Became(shape, figure) => {
            ("yes", shape.figure.name(), format!("The {} became a {}.", shape.figure.name(), figure.name()))
        }
    };
    if dice.below(2) == 0 {
        let sentence = if word == "no" { "Nothing changed." } else { "Something changed." };
        return Told::new(Topic::Change, Grade::Easy, "Did anything change?", word, sentence.to_owned());
    }
    Told::new(Topic::Change, Grade::Hard, "What changed?", what, sentence)
}
