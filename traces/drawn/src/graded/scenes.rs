//! The scenes of graded questions: one, two that have nothing to do with each other, or two frames of one.

use crate::Dice;
use crate::scene::{COLORS, DIGITS, FIGURES, Figure, QUARTERS, Scene, Shape};

/// The scene or scenes of a question.
pub enum Shown {
    /// One picture.
    One(Scene),
    /// Two pictures that are compared.
    Two([Scene; 2]),
    /// Two frames, and what happened between them.
    Frames([Scene; 2], Change),
}

/// The one thing that differs between two frames.
pub enum Change {
    /// Nothing differs.
    Nothing,
    /// A shape has another colour.
    Turned(Shape),
    /// A shape is in another place.
    Moved(Shape),
    /// A shape is not there any more.
    Gone(Shape),
    /// A shape has another form, the second one.
    Became(Shape, Figure),
}

impl Shown {
    /// The scenes of a number: every eighth has two pictures to compare, every eighth two frames.
    pub fn drawn(dice: &mut Dice, number: u64) -> Self {
        let first = varied(dice);
        match number % 8 {
            3 => {
                let mut second = varied(dice);
                if dice.below(2) == 0 && second.shapes.iter().all(|shape| shape.color != first.background) {
                    second.background = first.background;
                }
                Self::Two([first, second])
            }
            7 => {
                let (second, change) = changed(&first, dice);
                Self::Frames([first, second], change)
            }
            _ => Self::One(first),
        }
    }

    /// The scenes, in their order.
    pub fn scenes(&self) -> Vec<&Scene> {
        match self {
            Self::One(scene) => vec![scene],
            Self::Two(scenes) | Self::Frames(scenes, _) => scenes.iter().collect(),
        }
    }
}

/// One to four shapes or digits, a quarter each; forms and colours may come twice.
fn varied(dice: &mut Dice) -> Scene {
    let (mut colors, mut places) = (COLORS, QUARTERS);
    dice.shuffle(&mut colors);
    dice.shuffle(&mut places);
    let count = 1 + dice.below(places.len());
    let mut shapes: Vec<Shape> = Vec::with_capacity(count);
    for place in places.into_iter().take(count) {
        let figure = match dice.below(12) {
            0..3 if !shapes.is_empty() => dice.one_of(&shapes).figure,
            3..6 => Figure::Digit(dice.below(DIGITS.len())),
            _ => *dice.one_of(&FIGURES),
        };
        shapes.push(Shape { figure, color: *dice.one_of(&colors[1..]), place });
    }
    Scene::of(colors[0], shapes)
}

/// The next frame of a scene, and what differs in it.
fn changed(first: &Scene, dice: &mut Dice) -> (Scene, Change) {
    let mut second = first.clone();
    let at = dice.below(first.shapes.len());
    let shape = first.shapes[at];
    let free: Vec<_> =
        QUARTERS.into_iter().filter(|place| first.shapes.iter().all(|shape| shape.place != *place)).collect();
    let change = match dice.below(6) {
        0 | 1 => Change::Nothing,
        2 => {
            let others: Vec<_> =
                COLORS.into_iter().filter(|color| ![shape.color, first.background].contains(color)).collect();
            second.shapes[at].color = *dice.one_of(&others);
            Change::Turned(second.shapes[at])
        }
        3 if !free.is_empty() => {
            second.shapes[at].place = *dice.one_of(&free);
            Change::Moved(second.shapes[at])
        }
        4 if first.shapes.len() > 1 => {
            second.shapes.remove(at);
            Change::Gone(shape)
        }
        _ => {
            let others: Vec<_> = FIGURES.into_iter().filter(|figure| *figure != shape.figure).collect();
            second.shapes[at].figure = *dice.one_of(&others);
            Change::Became(shape, second.shapes[at].figure)
        }
    };
    (second, change)
}
