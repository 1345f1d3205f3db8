use super::*;
use crate::scene::{COLORS, Figure, QUARTERS, Shape};
use crate::{Kind, drawn};
use std::collections::{BTreeMap, BTreeSet};

fn graded(number: u64) -> (Question, Vec<Pixels>) {
    let drawn = drawn(3, number, Kind::Graded, Some((8, 8)));
    (drawn.question, drawn.pictures)
}

#[test]
fn graded_questions_are_frozen() {
    // The trained pair was fitted on these words and pictures: a change here makes its answers wrong.
    let told: Vec<String> = (0..24)
        .map(|number| {
            let (question, pictures) = graded(number);
            let sum = pictures.iter().flat_map(|picture| &picture.rgb);
            let sum = sum.fold(0_u64, |sum, level| sum.wrapping_mul(31).wrapping_add(u64::from(*level)));
            format!("{} {sum:016x} {:?} {:?}", question.id, question.prompt(), question.answers)
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn right_answers_score_one_and_pictures_have_their_size() {
    for number in 0..400 {
        let (question, pictures) = graded(number);
        assert_eq!(question.score(&question.answers[0]), 1.0, "{question:?}");
        assert_eq!(question.score("a whale"), 0.0);
        assert_eq!(pictures.len(), if number % 4 == 3 { 2 } else { 1 });
        assert_eq!(question.images.len(), pictures.len());
        assert!(pictures.iter().all(|picture| (picture.width, picture.height) == (SIDE_PX, SIDE_PX)));
    }
}

#[test]
fn every_topic_comes_easy_and_hard_and_in_both_forms() {
    let mut seen: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for number in 0..2_000 {
        let id = graded(number).0.id;
        let parts: Vec<&str> = id.split('-').collect();
        seen.entry(parts[0].to_owned()).or_default().extend(parts[1..3].iter().map(|part| (*part).to_owned()));
    }
    assert_eq!(seen.len(), Topic::ALL.len());
    for topic in Topic::ALL {
        let parts = if topic == Topic::Description { 3 } else { 4 };
        assert_eq!(seen[topic.name()].len(), parts, "{}", topic.name());
    }
}

#[test]
fn questions_that_could_be_guessed_have_balanced_answers() {
    let mut counts: BTreeMap<(String, String), f64> = BTreeMap::new();
    for number in 0..8_000 {
        let (question, _) = graded(number);
        let topic = question.id.split('-').take(2).collect::<Vec<_>>().join("-");
        *counts.entry((topic, question.answers[0].clone())).or_default() += 1.0;
    }
    for topic in ["relation-easy", "comparison-easy", "change-easy"] {
        let [yes, no] = ["yes", "no"].map(|answer| counts[&(topic.to_owned(), answer.to_owned())]);
        assert!((0.25..0.75).contains(&(yes / (yes + no))), "{topic}: {yes} {no}");
    }
}

#[test]
fn no_lesson_is_asked_again() {
    let asked: BTreeSet<Vec<u8>> = (0..40).map(|number| graded(number).1.remove(0).rgb).collect();
    let taught: BTreeSet<Vec<u8>> = (0..40).map(|number| lesson(3, number, 2).pictures.remove(0).rgb).collect();
    assert_eq!((asked.len(), taught.len()), (40, 40));
    assert!(asked.is_disjoint(&taught));
}

#[test]
fn answers_about_a_scene_by_hand() {
    // Two digits above each other, a disc beside the upper one.
    let [red, blue, white] =
        ["red", "blue", "white"].map(|name| *COLORS.iter().find(|color| color.name == name).unwrap());
    let shapes = [(Figure::Digit(4), red, 0), (Figure::Disc, blue, 1), (Figure::Digit(7), red, 2)];
    let shapes = shapes.map(|(figure, color, at)| Shape { figure, color, place: QUARTERS[at] });
    let shown = Shown::One(Scene::of(white, shapes.to_vec()));
    let mut dice = Dice(Streams::new(1).stream("test", 0));
    let told: BTreeMap<String, String> =
        (0..2_000).map(|_| ask::about(&shown, &mut dice)).map(|told| (told.question, told.sentence)).collect();
    for (question, sentence) in [
        ("What color is the background?", "The background is white."),
        ("What color is the 7?", "The 7 is red."),
        ("Where is the disc?", "The disc is at the top right."),
        ("What is at the top right?", "It is a disc."),
        ("How many things are there?", "I see 3 things."),
        ("How many red things are there?", "I see 2 red things."),
        ("How many numbers are there?", "I see 2 numbers."),
        ("How many discs are there?", "I see 1 discs."),
        ("What is above the 7?", "The 4 is above the 7."),
        ("What is right of the 4?", "The disc is right of the 4."),
        ("What is below the disc?", "Nothing is below the disc."),
        ("Is the disc above the 7?", "The disc is above the 7."),
        ("Is the 7 right of the disc?", "The 7 is not right of the disc."),
        ("What is the largest number?", "The largest number is 7."),
        ("What number is at the top left?", "The number is 4."),
        (
            "Describe the picture.",
            "I see a red 4 at the top left and a blue disc at the top right and a red 7 at the bottom left on a white background.",
        ),
    ] {
        assert_eq!(told.get(question).map(String::as_str), Some(sentence), "{question}");
    }
}
