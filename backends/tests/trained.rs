//! The trained pair computes what the net computed that trained it: logits behind prompts of held-out lessons.
#![cfg(feature = "onnx")]

use backends::onnx::write::{Attention, Dtype, Recipe, Release, write};
use backends::onnx::{Folder, Model, OnnxError, Picture, Provider, Runtime};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

/// Seed of the held-out lessons, and how many there are at least until eight of them are met.
const HELD: u64 = 2;
const LOOKED_AT: u64 = 40;

const TEST: &str = "graphs_of_the_trained_pair_give_the_logits_of_the_net_that_was_trained";

#[test]
fn graphs_of_the_trained_pair_give_the_logits_of_the_net_that_was_trained() {
    let runtime = match Runtime::new(None, Provider::Cpu, Some(1)) {
        Ok(runtime) => runtime,
        Err(OnnxError::Unavailable(why)) => {
            let _ = writeln!(std::io::stderr(), "skipped: {TEST}: {why}");
            return;
        }
        Err(error) => panic!("{error}"),
    };
    let folder = tempfile::tempdir().unwrap();
    for (name, shape) in Release::named("trained").unwrap().models {
        for attention in [Attention::Plain, Attention::Fused] {
            let out = folder.path().join(format!("{name}-{attention:?}"));
            write(&[("", Recipe { shape: *shape, dtype: Dtype::Fp32, attention, seed: 0 })], &out, &mut |_| {})
                .unwrap();
            let mut model = Model::load(Folder::read(&out, None).unwrap(), &runtime).unwrap();
            let golden = golden(name);
            let mut met = 0;
            for number in 0..LOOKED_AT {
                let lesson = drawn::lesson(HELD, number, 1);
                let Some((ids, expected)) = golden.get(&lesson.questions[0].id) else { continue };
                let difference = difference(&mut model, &lesson, ids, expected);
                assert!(difference < 1e-3, "{name} {attention:?} {number}: logits off by {difference}");
                met += 1;
            }
            assert_eq!(met, golden.len(), "{name}");
        }
    }
}

/// Prompts in tokens, and logits behind them, by the ids of questions.
fn golden(name: &str) -> BTreeMap<String, (Vec<u32>, Vec<f32>)> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("onnx/pair/{name}.golden.json"));
    let told: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let one = |told: Value| {
        let numbers = |key: &str| told[key].as_array().unwrap().iter().map(|n| n.as_f64().unwrap()).collect::<Vec<_>>();
        let ids = numbers("ids").into_iter().map(|id| id as u32).collect();
        let logits = numbers("logits").into_iter().map(|logit| logit as f32).collect();
        (told["question"].as_str().unwrap().to_owned(), (ids, logits))
    };
    told.into_iter().map(one).collect()
}

/// Largest difference of the logits behind a prompt, whose tokens have to be the same.
fn difference(model: &mut Model, lesson: &drawn::Lesson, ids: &[u32], expected: &[f32]) -> f32 {
    let read =
        |picture: &drawn::Pixels| Picture { width: picture.width, height: picture.height, bytes: picture.rgb.clone() };
    let pictures =
        lesson.pictures.iter().map(|picture| model.preprocessing().patches(&read(picture)).unwrap()).collect();
    let rendered = model.text().rendered(lesson.pictures.len(), &lesson.questions[0].prompt()).unwrap();
    let prompt = model.prompt(&model.text().tokens(&rendered).unwrap(), pictures, false).unwrap();
    assert_eq!(prompt.ids, ids, "{}", lesson.questions[0].id);
    let (_, logits) = model.open(&prompt).unwrap();
    let found = logits.row(0).unwrap().to_vec();
    assert_eq!(found.len(), expected.len());
    found.iter().zip(expected).map(|(found, expected)| (found - expected).abs()).fold(0.0, f32::max)
}
