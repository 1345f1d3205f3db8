//! The probe and what it makes of real prompts, on the models of `../shared/models`: see the README there. Without them, or
//! without ONNX Runtime, there is nothing to test, and each test says so past the runner's capture.
#![cfg(feature = "onnx")]

use backends::{Heads, Map, Probe, pruned};
use kernel::Streams;
use model::modality::{Modality, PerModality};
use model::request::{Handling, Input, Kept, Prompt as Visible, PruneStage, RhoMeaning};
use onnx::{Folder, Model, OnnxError, Picture, Prompt, Provider, Runtime, generate};
use std::io::Write;
use std::path::PathBuf;
use units::Ratio;

const TAU_S: Ratio = Ratio::new(0.3);

fn model(test: &str, name: &str) -> Option<Model> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/models").join(name);
    let why = match Runtime::new(None, Provider::Cpu, Some(1)) {
        Ok(runtime) if folder.is_dir() => {
            return Some(Model::load(Folder::read(&folder, None).unwrap(), &runtime).unwrap());
        }
        Ok(_) => "../shared/models is not here".to_owned(),
        Err(OnnxError::Unavailable(why)) => why,
        Err(error) => panic!("{error}"),
    };
    // Not `eprintln!`, which the runner captures and shows of failed tests only.
    let _ = writeln!(std::io::stderr(), "skipped: {test}: {why}");
    None
}

/// A square of tokens, from a row and column on, on an even ground; 28 pixels a token.
struct Drawn {
    tokens: [u32; 2],
    at: [u32; 2],
    side: u32,
    colours: [[u8; 3]; 2],
}

impl Drawn {
    fn is_square(&self, row: u32, column: u32) -> bool {
        let [top, left] = self.at;
        (top..top + self.side).contains(&row) && (left..left + self.side).contains(&column)
    }

    fn picture(&self) -> Picture {
        let [rows, columns] = self.tokens;
        let (height, width) = (rows * 28, columns * 28);
        let pixel = |y: u32, x: u32| {
            let colour = self.colours[usize::from(self.is_square(y / 28, x / 28))];
            // A little grain, as photographs have: never two equal parts.
            let grain = (x * 7 + y * 13 + x * y % 11) % 9;
            colour.map(|level| level.saturating_add(grain as u8))
        };
        let bytes = (0..height).flat_map(|y| (0..width).flat_map(move |x| pixel(y, x))).collect();
        Picture { width, height, bytes }
    }

    fn prompt(&self, model: &Model) -> Prompt {
        let patches = model.preprocessing().patches(&self.picture()).unwrap();
        let text = model.text().rendered(1, "Where is the square?").unwrap();
        model.prompt(&model.text().tokens(&text).unwrap(), vec![patches], false).unwrap()
    }
}

/// Squares in all corners of pictures of several sizes and colours.
fn drawn() -> Vec<Drawn> {
    const COLOURS: [[u8; 3]; 6] =
        [[220, 40, 40], [40, 170, 60], [40, 70, 220], [235, 220, 50], [240, 240, 240], [15, 15, 15]];
    let mut all = Vec::new();
    for (number, tokens) in [[3, 4], [4, 4], [5, 6], [6, 4]].into_iter().enumerate() {
        for corner in 0..4 {
            let side = tokens[0] / 2;
            let at = [(tokens[0] - side) * (corner / 2), (tokens[1] - side) * (corner % 2)];
            let ground = (number + corner as usize) % 6;
            all.push(Drawn { tokens, at, side, colours: [COLOURS[ground], COLOURS[(ground + 2 + number % 3) % 6]] });
        }
    }
    all
}

/// The share of pairs in which a part of the square is more important than one of the ground.
fn share_above(map: &Map, drawn: &Drawn) -> f64 {
    let parts: Vec<(f32, bool)> = map
        .values
        .iter()
        .enumerate()
        .map(|(at, value)| {
            let at = u32::try_from(at).unwrap();
            (*value, drawn.is_square(at / drawn.tokens[1], at % drawn.tokens[1]))
        })
        .collect();
    let of = |square: bool| parts.iter().filter(move |part| part.1 == square).map(|part| part.0);
    let pairs = of(true).count() * of(false).count();
    of(true).map(|one| of(false).filter(|other| one > *other).count()).sum::<usize>() as f64 / pairs as f64
}

#[test]
fn shared_towers_show_where_the_square_is() {
    for name in ["draft", "target"] {
        let Some(mut model) = model("shared_towers_show_where_the_square_is", name) else { return };
        let mut probe = Probe::new(Heads::default(), Streams::new(1));
        let (mut shares, mut grounds) = (Vec::new(), Vec::new());
        for drawn in drawn() {
            let prompt = drawn.prompt(&model);
            let found = probe.run(&mut model, &prompt, false, TAU_S).unwrap();
            assert_eq!(
                (found.maps[0].height, found.maps[0].width),
                (drawn.tokens[0] as usize, drawn.tokens[1] as usize)
            );
            shares.push(share_above(&found.maps[0], &drawn));
            let visual = found.descriptors[Modality::Visual].unwrap();
            let ground = 1.0 - f64::from(drawn.side * drawn.side) / f64::from(drawn.tokens[0] * drawn.tokens[1]);
            grounds.push((visual.spatial - ground).abs());
            assert!((-2.0..=0.0).contains(&visual.relevance) && visual.similarity.is_none());
        }
        let mean = |numbers: &[f64]| numbers.iter().sum::<f64>() / numbers.len() as f64;
        assert!(mean(&shares) > 0.95, "{name}: {shares:?}");
        assert!(mean(&grounds) < 0.1, "{name}: the sparsity is the share of the ground: {grounds:?}");
    }
}

#[test]
fn shared_frames_that_repeat_are_found_alike() {
    let Some(mut model) = model("shared_frames_that_repeat_are_found_alike", "draft") else { return };
    let drawn = drawn();
    let mut similarity = |frames: [&Drawn; 3]| {
        let pictures = frames.map(|frame| model.preprocessing().patches(&frame.picture()).unwrap());
        let text = model.text().rendered(3, "Where is the square?").unwrap();
        let prompt = model.prompt(&model.text().tokens(&text).unwrap(), pictures.to_vec(), false).unwrap();
        let mut probe = Probe::new(Heads::default(), Streams::new(1));
        let found = probe.run(&mut model, &prompt, true, TAU_S).unwrap();
        assert_eq!(found.maps.len(), 3);
        found.descriptors[Modality::Visual].unwrap().similarity.unwrap()
    };
    assert_eq!(similarity([&drawn[0], &drawn[0], &drawn[0]]), 1.0);
    let moving = similarity([&drawn[0], &drawn[5], &drawn[10]]);
    assert!(moving < 1.0, "{moving}");
}

#[test]
fn shared_plans_drop_what_they_say() {
    let Some(mut model) = model("shared_plans_drop_what_they_say", "target") else { return };
    let mut probe = Probe::new(Heads::default(), Streams::new(1));
    for drawn in drawn() {
        let whole = drawn.prompt(&model);
        let maps = probe.run(&mut model, &whole, false, TAU_S).unwrap().maps;
        let words = whole.ids.len() - whole.views[0].tokens();
        for (stage, retention) in
            [PruneStage::PreVit, PruneStage::PostVit].into_iter().flat_map(|s| [(s, 1.0), (s, 0.5), (s, 0.01)])
        {
            let visible = Visible { request: 0, text_tokens: words as u32, images: None, audio: None };
            let mut kept = PerModality::<Kept>::default();
            kept[Modality::Visual].retention = retention;
            let handling = Handling { prune_stage: stage, rho_meaning: RhoMeaning::Bytes };
            let less = pruned(&model, &whole, &Input { prompt: visible, kept, handling }, &maps).unwrap();
            let tokens = (whole.views[0].tokens() as f64 * retention).ceil() as usize;
            assert_eq!(less.ids.len(), words + tokens);
            if retention == 1.0 {
                assert_eq!(less, whole);
            } else {
                let early = stage == PruneStage::PreVit;
                assert_eq!(less.views[0].encoded_tokens() < whole.views[0].tokens(), early);
                assert!(!generate(&mut model, &less, 12).unwrap().0.ids.is_empty());
            }
            if stage == PruneStage::PostVit && retention == 0.01 {
                let place = u32::try_from(less.views[0].kept()[0]).unwrap();
                let (row, column) = (place / drawn.tokens[1], place % drawn.tokens[1]);
                assert!(drawn.is_square(row, column), "the last token is of the square: {row}, {column}");
            }
        }
    }
}
