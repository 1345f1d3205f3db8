//! Our graphs with fitted weights: those of `../shared/models`, whose shapes are those of the tiny pair. PyTorch computed what
//! the fitted models see and say, so that this holds our operators to the families' own.
//!
//! They are no part of the repository, and ONNX Runtime is not linked: where either is missing the test says so.

use super::proto;
use super::weights::Weight;
use super::{Attention, Dtype, Recipe, Release};
use crate::npy::{self, Values};
use crate::{Folder, Model, OnnxError, Patches, Provider, Runtime};
use prost::Message;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

const TEST: &str = "shared_weights_in_our_graphs_give_the_golden_answers";

/// A matrix or a list, and its sides.
type Array = (Vec<usize>, Vec<f32>);

/// The weights of an exported model by our names.
struct Fitted {
    arrays: BTreeMap<String, Array>,
}

impl Fitted {
    fn read(folder: &Path) -> Self {
        let mut arrays = BTreeMap::new();
        for name in ["decoder_model_merged", "embed_tokens", "vision_encoder"] {
            let bytes = std::fs::read(folder.join(format!("onnx/{name}.onnx"))).unwrap();
            let graph = proto::Model::decode(&*bytes).unwrap().graph.unwrap();
            let by_name: BTreeMap<_, _> =
                graph.initializer.iter().map(|tensor| (tensor.name.clone(), tensor)).collect();
            for tensor in graph.initializer.iter().filter(|tensor| tensor.data_type == 1) {
                let array = array(tensor);
                // A tower's or a decoder's module has one letter as its name; an embedding is all that there is.
                let name = match tensor.name.split_once('.') {
                    _ if name == "embed_tokens" => "model.embed_tokens.weight",
                    Some((_, name)) => name,
                    None => continue,
                };
                // As linear layers have them, outputs first; convolutions are matrices too.
                let array = if name.starts_with("model.") { array } else { transposed(array) };
                arrays.insert(name.to_owned(), array);
            }
            for node in graph.node.iter().filter(|node| node.op_type == "MatMul" && name.starts_with("decoder")) {
                let Some(tensor) = node.input.iter().find_map(|input| by_name.get(input)) else { continue };
                let path = node.name.trim_start_matches('/').trim_end_matches("/MatMul").replace('/', ".");
                arrays.insert(format!("{path}.weight"), array(tensor));
            }
        }
        Self { arrays }
    }

    fn fill(&self, weight: &Weight, start: u64, values: &mut [f32]) {
        let (sides, array) = self.arrays.get(&weight.name).unwrap_or_else(|| panic!("no {}", weight.name));
        assert_eq!(sides.iter().map(|side| *side as u64).collect::<Vec<_>>(), weight.sides, "{}", weight.name);
        values.copy_from_slice(&array[start as usize..][..values.len()]);
    }
}

fn array(tensor: &proto::Tensor) -> Array {
    let values = tensor.raw_data.as_ref().map_or(&[][..], |bytes| bytes.as_chunks().0);
    (tensor.dims.iter().map(|side| *side as usize).collect(), values.iter().map(|v| f32::from_le_bytes(*v)).collect())
}

fn transposed((sides, values): Array) -> Array {
    if sides.len() < 2 {
        return (sides, values);
    }
    let (rows, columns) = (sides[0], values.len() / sides[0]);
    let turned = (0..values.len()).map(|at| values[at % rows * columns + at / rows]).collect();
    (vec![columns, rows], turned)
}

/// The golden prompts, if they and the library are here.
fn golden() -> Option<(PathBuf, Vec<Value>, Runtime)> {
    let skipped = |why: &str| {
        // Not `eprintln!`, which the runner captures and shows of failed tests only.
        let _ = writeln!(std::io::stderr(), "skipped: {TEST}: {why}");
        None
    };
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/models");
    let Ok(golden) = std::fs::read_to_string(folder.join("golden/golden.json")) else {
        return skipped("../shared/models is not here");
    };
    let runtime = match Runtime::new(None, Provider::Cpu, Some(1)) {
        Ok(runtime) => runtime,
        Err(OnnxError::Unavailable(why)) => return skipped(&why),
        Err(error) => panic!("{error}"),
    };
    let golden: Value = serde_json::from_str(&golden).unwrap();
    Some((folder, golden["prompts"].as_array().unwrap().clone(), runtime))
}

fn floats(path: &Path) -> Vec<f32> {
    match npy::read(path).unwrap().values {
        Values::Floats(values) => values,
        Values::Integers(_) => panic!("{}: integers", path.display()),
    }
}

fn numbers(value: &Value) -> Vec<u32> {
    value.as_array().unwrap().iter().map(|n| u32::try_from(n.as_u64().unwrap()).unwrap()).collect()
}

fn largest_difference(ours: &[f32], theirs: &[f32]) -> f32 {
    assert_eq!(ours.len(), theirs.len());
    ours.iter().zip(theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn shared_weights_in_our_graphs_give_the_golden_answers() {
    let Some((shared, prompts, runtime)) = golden() else { return };
    for (name, shape) in Release::named("tiny").unwrap().models {
        let fitted = Fitted::read(&shared.join(name));
        for attention in [Attention::Plain, Attention::Fused] {
            let folder = tempfile::tempdir().unwrap();
            let recipe = Recipe { shape: *shape, dtype: Dtype::Fp32, attention, seed: 0 };
            recipe.fill(folder.path(), &|weight, at, values| fitted.fill(weight, at, values), &mut |_| {}).unwrap();
            let mut model = Model::load(Folder::read(folder.path(), None).unwrap(), &runtime).unwrap();
            for prompt in &prompts {
                check(&mut model, name, prompt, &shared.join("golden"), &format!("{name} {attention:?}"));
            }
        }
    }
}

/// Compares what a model sees in the pictures of a prompt, and the logits of its first token, with the golden ones.
fn check(model: &mut Model, name: &str, prompt: &Value, golden: &Path, what: &str) {
    let id = prompt["id"].as_str().unwrap();
    let image = |image: &Value| Patches {
        grid: <[u32; 3]>::try_from(numbers(&image["grid_thw"])).unwrap(),
        values: floats(&golden.join(image["pixel_values"].as_str().unwrap())),
    };
    let images: Vec<_> = prompt["images"].as_array().unwrap().iter().map(image).collect();
    for (at, patches) in images.iter().enumerate() {
        let theirs = floats(&golden.join(format!("npy/{id}_{at}.{name}.image_features.npy")));
        let difference = largest_difference(&model.features(patches).unwrap().values, &theirs);
        assert!(difference < 1e-4, "{what} {id}: features off by {difference}");
    }
    let read = model.prompt(&numbers(&prompt["input_ids"]), images, true).unwrap();
    let (_, logits) = model.open(&read).unwrap();
    let theirs = floats(&golden.join(format!("npy/{id}.{name}.prefill_last_logits.npy")));
    let difference = largest_difference(&logits.row(0).unwrap().to_vec(), &theirs);
    assert!(difference < 1e-4, "{what} {id}: logits off by {difference}");
}
