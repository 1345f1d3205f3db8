use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

const KINDS: [Kind; 4] = [Kind::Sentence, Kind::Open, Kind::Choice, Kind::Mixed];

/// Small pictures: words do not depend on the size.
fn small(seed: u64, number: u64, kind: Kind) -> Drawn {
    drawn(seed, number, kind, Some((8, 8)))
}

#[test]
fn the_words_and_pictures_are_frozen() {
    // A change here changes what was published of this set.
    let told: Vec<String> = (0..8)
        .map(|number| {
            let Drawn { question, pictures } = drawn(1, number, Kind::Mixed, None);
            let picture = &pictures[0];
            let sum = picture.rgb.iter().fold(0_u64, |sum, level| sum.wrapping_mul(31).wrapping_add(u64::from(*level)));
            let choices = question.choices.join("/");
            let answers: BTreeSet<&str> = question.answers.iter().map(String::as_str).collect();
            let size = format!("{}x{}", picture.width, picture.height);
            format!("{} {size} {sum:016x} {} [{choices}] {answers:?}", question.id, question.question)
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_is_right_scores_one_and_what_is_wrong_nothing(seed: u64, number: u64, kind in prop::sample::select(&KINDS)) {
        let question = small(seed, number, kind).question;
        for answer in &question.answers {
            prop_assert_eq!(question.score(answer), 1.0, "{:?}", question);
        }
        if question.is_choice() {
            let letters: Vec<String> = ('A'..).take(question.choices.len()).map(String::from).collect();
            let scores: f64 = letters.iter().map(|letter| question.score(letter)).sum();
            let texts: f64 = question.choices.iter().map(|text| question.score(text)).sum();
            prop_assert_eq!((scores, texts), (1.0, 1.0), "{:?}", question);
            let distinct: BTreeSet<_> = question.choices.iter().collect();
            prop_assert_eq!(distinct.len(), question.choices.len());
        } else {
            prop_assert_eq!(question.answers.len(), 10);
            prop_assert_eq!(question.score("a whale"), 0.0);
        }
    }

    #[test]
    fn distractors_score_nothing(seed: u64, number: u64) {
        let mut dice = Dice(Streams::new(seed).stream("test", number));
        let scene = Scene::of_several(&mut dice);
        let asked = ask::in_a_word(&scene, &mut dice);
        let wrong = asked.wrong.clone();
        let question = annotated(asked, "q".into(), "a.png".into(), false);
        for wrong in wrong {
            prop_assert_eq!(question.score(&wrong), 0.0, "{} of {:?}", wrong, question);
        }
    }

    #[test]
    fn a_question_is_a_function_of_its_number(seed: u64, number: u64, kind in prop::sample::select(&KINDS)) {
        let once = small(seed, number, kind);
        prop_assert_eq!(&small(seed, number, kind), &once);
        prop_assert_eq!(drawn(seed, number, kind, Some((9, 5))).question, once.question);
    }
}

#[test]
fn numbers_and_seeds_differ() {
    let all: BTreeSet<Vec<u8>> =
        (0..20).flat_map(|number| [1, 2].map(|seed| small(seed, number, Kind::Open).pictures.remove(0).rgb)).collect();
    assert_eq!(all.len(), 40);
}

#[test]
fn a_mixed_set_has_all_forms_and_answers_are_spread() {
    let questions: Vec<Question> = (0..400).map(|number| small(7, number, Kind::Mixed).question).collect();
    let count = |holds: &dyn Fn(&Question) -> bool| questions.iter().filter(|question| holds(question)).count();
    assert_eq!(count(&Question::is_choice), 200);
    assert_eq!(count(&|question| question.instruction.is_some()), 100);
    for letter in ["A", "B", "C", "D"] {
        let right = count(&|question| question.answers[0] == letter);
        assert!((20..=80).contains(&right), "{letter} is right {right} times");
    }
    let [yes, no] = ["yes", "no"].map(|word| count(&|question| question.answers[0] == word));
    assert!(yes > 0 && no > 0, "{yes} {no}");
}

#[test]
fn a_picture_shows_each_shape_in_its_place_and_nowhere_else() {
    for number in 0..60 {
        let mut dice = Dice(Streams::new(3).stream("test", number));
        let scene = if number % 3 == 0 { Scene::of_one(&mut dice) } else { Scene::of_several(&mut dice) };
        let picture = scene.picture((42, 60), &mut Streams::new(3).stream("noise", number));
        let pixels: Vec<&[u8]> = picture.rgb.chunks(3).collect();
        // Five standard deviations of the noise; colors are twice as far apart.
        let is = |at: usize, color: scene::Color| pixels[at].iter().zip(&color.rgb).all(|(a, b)| a.abs_diff(*b) < 40);
        let mut shown = 0;
        for shape in &scene.shapes {
            let name = shape.place.name;
            let outside = |at: usize| match (at / 42 < 30, at % 42 < 21) {
                (true, _) if name.contains("bottom") => true,
                (false, _) if name.contains("top") => true,
                (_, true) if name.contains("right") => true,
                (_, false) => name.contains("left"),
                _ => false,
            };
            let places: Vec<usize> = (0..pixels.len()).filter(|at| is(*at, shape.color)).collect();
            assert!(!places.iter().any(|at| outside(*at)), "{scene:?}");
            assert!(places.len() > pixels.len() / 32, "{} pixels of {scene:?}", places.len());
            shown += places.len();
        }
        let background = (0..pixels.len()).filter(|at| is(*at, scene.background)).count();
        assert_eq!(shown + background, pixels.len(), "{scene:?}");
    }
}

#[test]
fn a_png_holds_the_pixels() {
    let picture = drawn(1, 1, Kind::Open, Some((31, 17))).pictures.remove(0);
    let bytes = picture.png();
    let mut reader = png::Decoder::new(std::io::Cursor::new(&bytes)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut pixels).unwrap();
    assert_eq!((frame.width, frame.height, frame.color_type), (31, 17, png::ColorType::Rgb));
    assert_eq!(pixels, picture.rgb);
}
