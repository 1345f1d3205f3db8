//! The models of `../shared/models` against what PyTorch and transformers computed: see the README there.
//!
//! They are no part of the repository, and ONNX Runtime is not linked: where either is missing these tests have nothing to test,
//! and each says so past the runner's capture.

use onnx::{
    Answer, Finish, Folder, Model, OnnxError, Patches, Picture, Prompt, Provider, Runtime, generate,
    npy::{self, Values},
    speculate,
};
use serde_json::Value;
use std::io::Write;
use std::path::PathBuf;

#[path = "golden/pruning.rs"]
mod pruning;
#[path = "golden/reading.rs"]
mod reading;

const MODELS: [&str; 3] = ["draft", "target", "draft_random"];

/// Entropies and logits agree within this.
const TOLERANCE: f64 = 1e-3;

/// The shared models and the library, where both are there.
struct Golden {
    folder: PathBuf,
    prompts: Vec<Value>,
    runtime: Runtime,
}

impl Golden {
    fn find(test: &str) -> Option<Self> {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/models");
        let Ok(golden) = std::fs::read_to_string(folder.join("golden/golden.json")) else {
            return skipped(test, "../shared/models is not here");
        };
        let runtime = match Runtime::new(None, Provider::Cpu, Some(1)) {
            Ok(runtime) => runtime,
            Err(OnnxError::Unavailable(why)) => return skipped(test, &why),
            Err(error) => panic!("{error}"),
        };
        let golden: Value = serde_json::from_str(&golden).unwrap();
        Some(Self { folder, prompts: golden["prompts"].as_array().unwrap().clone(), runtime })
    }

    fn model(&self, name: &str) -> Model {
        Model::load(Folder::read(&self.folder.join(name), None).unwrap(), &self.runtime).unwrap()
    }

    fn floats(&self, path: &str) -> (Vec<usize>, Vec<f32>) {
        let array = npy::read(&self.folder.join("golden").join(path)).unwrap();
        match array.values {
            Values::Floats(values) => (array.shape, values),
            Values::Integers(_) => panic!("{path}: integers"),
        }
    }

    /// The stored pixels of a prompt's images.
    fn stored(&self, prompt: &Value) -> Vec<Patches> {
        let image = |image: &Value| Patches {
            grid: <[u32; 3]>::try_from(numbers(&image["grid_thw"])).unwrap(),
            values: self.floats(image["pixel_values"].as_str().unwrap()).1,
        };
        prompt["images"].as_array().unwrap().iter().map(image).collect()
    }

    /// A prompt of stored tokens and pixels.
    fn prompt(&self, model: &Model, prompt: &Value) -> Prompt {
        model.prompt(&numbers(&prompt["input_ids"]), self.stored(prompt), true).unwrap()
    }
}

fn skipped(test: &str, why: &str) -> Option<Golden> {
    // Not `eprintln!`, which the runner captures and shows of failed tests only.
    let _ = writeln!(std::io::stderr(), "skipped: {test}: {why}");
    None
}

fn numbers(value: &Value) -> Vec<u32> {
    value.as_array().unwrap().iter().map(|n| u32::try_from(n.as_u64().unwrap()).unwrap()).collect()
}

fn id(prompt: &Value) -> &str {
    prompt["id"].as_str().unwrap()
}

fn wanted(prompt: &Value) -> usize {
    usize::try_from(prompt["max_new_tokens"].as_u64().unwrap()).unwrap()
}

fn largest_difference(ours: &[f32], theirs: &[f32]) -> f32 {
    assert_eq!(ours.len(), theirs.len());
    ours.iter().zip(theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// Compares an answer with what is golden for a model.
fn check(answer: &Answer, golden: &Value, what: &str) {
    assert_eq!(answer.ids, numbers(&golden["greedy_ids"]), "{what}");
    let finish = if golden["finish"] == "eos" { Finish::Eos } else { Finish::Length };
    assert_eq!(answer.finish, finish, "{what}");
    let entropies: Vec<f64> = golden["entropy"].as_array().unwrap().iter().map(|e| e.as_f64().unwrap()).collect();
    assert_eq!(answer.entropies.len(), entropies.len(), "{what}");
    for (at, (ours, theirs)) in answer.entropies.iter().zip(&entropies).enumerate() {
        assert!((ours - theirs).abs() <= TOLERANCE, "{what}: token {at}: entropy {ours}, expected {theirs}");
    }
}

#[test]
fn shared_prompts_become_the_golden_tokens_and_positions() {
    let Some(golden) = Golden::find("shared_prompts_become_the_golden_tokens_and_positions") else { return };
    for name in MODELS {
        let model = golden.model(name);
        for prompt in &golden.prompts {
            let tokens = model.text().tokens(prompt["rendered_prompt"].as_str().unwrap()).unwrap();
            let read = model.prompt(&tokens, golden.stored(prompt), false).unwrap();
            assert_eq!(read.ids, numbers(&prompt["input_ids"]), "{name} {}", id(prompt));
            let positions = model.positions(&read).unwrap();
            let rows = positions.rows.map(|row| row.into_iter().map(|p| u32::try_from(p).unwrap()).collect::<Vec<_>>());
            let theirs: Vec<_> = prompt["position_ids"].as_array().unwrap().iter().map(numbers).collect();
            assert_eq!(rows.to_vec(), theirs, "{name} {}", id(prompt));
            assert_eq!(positions.delta, prompt["rope_delta"].as_i64().unwrap(), "{name} {}", id(prompt));
        }
    }
}

#[test]
fn shared_questions_are_rendered_by_the_chat_template() {
    let Some(golden) = Golden::find("shared_questions_are_rendered_by_the_chat_template") else { return };
    let model = golden.model("target");
    let mut checked = 0;
    for prompt in &golden.prompts {
        let messages = prompt["messages"].as_array().unwrap();
        if messages.len() == 1 {
            let content = &messages[0]["content"];
            let last = content.as_array().and_then(|parts| parts.last()).map_or(content, |part| &part["text"]);
            let images = prompt["images"].as_array().unwrap().len();
            let rendered = model.text().rendered(images, last.as_str().unwrap()).unwrap();
            assert_eq!(rendered, prompt["rendered_prompt"].as_str().unwrap(), "{}", id(prompt));
            checked += 1;
        }
    }
    assert!(checked > 10);
}

#[test]
fn shared_images_become_the_golden_pixels() {
    let Some(golden) = Golden::find("shared_images_become_the_golden_pixels") else { return };
    let model = golden.model("draft");
    for image in golden.prompts.iter().flat_map(|prompt| prompt["images"].as_array().unwrap()) {
        let file = image["png"].as_str().unwrap();
        let picture = Picture::read(&golden.folder.join("golden").join(file)).unwrap();
        let ours = model.preprocessing().patches(&picture).unwrap();
        assert_eq!(ours.grid.to_vec(), numbers(&image["grid_thw"]), "{file}");
        let (_, theirs) = golden.floats(image["pixel_values"].as_str().unwrap());
        let difference = largest_difference(&ours.values, &theirs);
        assert!(difference <= 1e-5, "{file}: {difference}");
    }
}

#[test]
fn shared_vision_towers_give_the_golden_features() {
    let Some(golden) = Golden::find("shared_vision_towers_give_the_golden_features") else { return };
    for name in ["draft", "target"] {
        let mut model = golden.model(name);
        for prompt in &golden.prompts {
            for (at, patches) in golden.stored(prompt).iter().enumerate() {
                let ours = model.features(patches).unwrap();
                let file = format!("npy/{}_{at}.{name}.image_features.npy", id(prompt));
                let (shape, theirs) = golden.floats(&file);
                assert_eq!(shape[1], ours.width, "{file}");
                let difference = largest_difference(&ours.values, &theirs);
                assert!(difference <= 1e-3, "{file}: {difference}");
            }
        }
    }
}

#[test]
fn shared_models_answer_with_the_golden_tokens_and_entropies() {
    let Some(golden) = Golden::find("shared_models_answer_with_the_golden_tokens_and_entropies") else { return };
    for name in ["draft", "target"] {
        let mut model = golden.model(name);
        for prompt in &golden.prompts {
            let what = format!("{name} {}", id(prompt));
            let read = golden.prompt(&model, prompt);
            let (_, logits) = model.open(&read).unwrap();
            let (_, theirs) = golden.floats(&format!("npy/{}.{name}.prefill_last_logits.npy", id(prompt)));
            let difference = largest_difference(&logits.row(0).unwrap().to_vec(), &theirs);
            assert!(f64::from(difference) <= TOLERANCE, "{what}: logits off by {difference}");
            let (answer, spent) = generate(&mut model, &read, wanted(prompt)).unwrap();
            check(&answer, &prompt[name], &what);
            assert_eq!(model.text().text(&answer.ids).unwrap(), prompt[name]["greedy_text"], "{what}");
            assert!(spent.decode_inside <= spent.decode, "{what}");
            assert_eq!(spent.steps as usize, answer.ids.len() - 1, "{what}");
        }
    }
}

#[test]
fn shared_pairs_draft_what_the_trace_says() {
    let Some(golden) = Golden::find("shared_pairs_draft_what_the_trace_says") else { return };
    for (name, gammas) in [("draft", [1, 2, 4, 8]), ("draft_random", [1, 2, 4, 8])] {
        check_pairs(&golden, name, &gammas);
    }
}

/// Bound memory, as it is used on a GPU, tried on a CPU.
#[test]
fn shared_pairs_draft_the_same_with_bound_memory() {
    let Some(mut golden) = Golden::find("shared_pairs_draft_the_same_with_bound_memory") else { return };
    golden.runtime = golden.runtime.bound();
    check_pairs(&golden, "draft", &[4]);
}

/// Drafts every prompt and compares answers with the target's own, and rounds with the trace.
fn check_pairs(golden: &Golden, name: &str, gammas: &[usize]) {
    let (mut target, mut draft) = (golden.model("target"), golden.model(name));
    for prompt in &golden.prompts {
        for gamma in gammas {
            let what = format!("{name}/gamma{gamma}");
            let read = golden.prompt(&target, prompt);
            let (answer, _) = speculate(&mut target, &mut draft, &read, *gamma, wanted(prompt)).unwrap();
            check(&answer, &prompt["target"], &format!("{what} {}", id(prompt)));
            let trace = &prompt["speculative"][&what];
            let accepted: Vec<_> = answer.rounds.iter().map(|round| round.accepted as u32).collect();
            assert_eq!(accepted, numbers(&trace["accepted_per_round"]), "{what} {}", id(prompt));
            let proposed: usize = answer.rounds.iter().map(|round| round.proposed).sum();
            assert_eq!(proposed as u64, trace["proposed"].as_u64().unwrap(), "{what} {}", id(prompt));
        }
    }
}

#[test]
fn shared_tokens_are_verified_in_one_pass() {
    let Some(golden) = Golden::find("shared_tokens_are_verified_in_one_pass") else { return };
    let mut target = golden.model("target");
    for prompt in golden.prompts.iter().filter(|prompt| prompt["verify_example"].is_object()) {
        let example = &prompt["verify_example"];
        let read = golden.prompt(&target, prompt);
        let (mut sequence, _) = target.open(&read).unwrap();
        let past = usize::try_from(example["past_length"].as_u64().unwrap()).unwrap();
        let answer = numbers(&prompt["target"]["greedy_ids"]);
        target.step(&mut sequence, &answer[..past - read.ids.len()], 1).unwrap();
        let fed = numbers(&example["fed_ids"]);
        let logits = target.step(&mut sequence, &fed, fed.len()).unwrap();
        let (shape, theirs) = golden.floats(example["logits"].as_str().unwrap());
        let rows: Vec<f32> = (0..fed.len()).flat_map(|row| logits.row(row).unwrap().to_vec()).collect();
        assert_eq!(shape.iter().product::<usize>(), rows.len());
        assert!(f64::from(largest_difference(&rows, &theirs)) <= TOLERANCE, "{}", id(prompt));
        for (row, token) in numbers(&example["argmax"]).into_iter().enumerate() {
            assert_eq!(logits.row(row).unwrap().choice().unwrap().token, token, "{} row {row}", id(prompt));
        }
    }
}

#[test]
fn shared_rollbacks_leave_no_trace() {
    let Some(golden) = Golden::find("shared_rollbacks_leave_no_trace") else { return };
    let mut model = golden.model("target");
    let prompt = golden.prompts.iter().find(|prompt| id(prompt) == "p06_story").unwrap();
    let read = golden.prompt(&model, prompt);
    let answer = numbers(&prompt["target"]["greedy_ids"]);
    let (mut plain, _) = model.open(&read).unwrap();
    let (mut tried, _) = model.open(&read).unwrap();
    let mut squeezed = false;
    for (at, token) in answer.iter().enumerate() {
        let ours = model.step(&mut plain, &[*token], 1).unwrap();
        // Nine wrong tokens each time, so that holes are squeezed out several times.
        model.step(&mut tried, &[7; 9], 1).unwrap();
        let before = tried.slots();
        model.rollback(&mut tried, read.ids.len() + at);
        assert_eq!(tried.tokens(), read.ids.len() + at);
        let theirs = model.step(&mut tried, &[*token], 1).unwrap();
        squeezed |= tried.slots() < before;
        let difference = largest_difference(&ours.row(0).unwrap().to_vec(), &theirs.row(0).unwrap().to_vec());
        assert!(difference < 1e-4, "token {at}: {difference}");
    }
    assert!(squeezed);
    assert_eq!(plain.slots(), plain.tokens());
    assert!(plain.bytes() > 0);
}

#[test]
fn shared_contexts_end_in_a_message() {
    let Some(golden) = Golden::find("shared_contexts_end_in_a_message") else { return };
    let mut model = golden.model("draft");
    let context = model.folder().config.context;
    let refusal = model.prompt(&vec![5; context], vec![], false).unwrap_err().to_string();
    assert!(refusal.contains(&format!("a prompt of {context} tokens; the context of")), "{refusal}");
    let full = model.prompt(&vec![5; context - 2], vec![], false).unwrap();
    let (answer, _) = generate(&mut model, &full, 100).unwrap();
    assert!(answer.finish == Finish::Eos || answer.ids.len() == 3, "{answer:?}");
    let (mut sequence, _) = model.open(&full).unwrap();
    let refusal = model.step(&mut sequence, &[5; 3], 1).err().unwrap().to_string();
    assert!(refusal.starts_with("3 tokens behind 2046; the context has 2048"), "{refusal}");
    assert_eq!(sequence.tokens(), context - 2);
    assert!(model.prompt(&[u32::MAX], vec![], false).unwrap_err().to_string().contains("the tokenizer"));
}
