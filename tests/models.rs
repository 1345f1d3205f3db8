//! `sim models`: real models, through the real binary.
//!
//! The models lie in `../shared/models` and ONNX Runtime in `target/onnxruntime`, where `cargo xtask onnxruntime` puts it. Tests
//! that need either say that they were skipped; what is refused before a model runs is tested without them.

use crate::support::{Output, Sim, aloud, repository};
use serde_json::Value;
use std::path::{Path, PathBuf};

const CONFIG: &str =
    r#"{"model_type": "qwen2_vl", "image_token_id": 9, "eos_token_id": 3, "max_position_embeddings": 64}"#;

/// An ONNX file of an empty graph.
const EMPTY_GRAPH: [u8; 4] = [8, 9, 7 << 3 | 2, 0];

const GRAPHS: [&str; 3] = ["decoder_model_merged", "embed_tokens", "vision_encoder"];

/// A folder `m` that looks like a model until it is loaded.
fn hollow() -> Sim {
    let sim = Sim::new().with("m/config.json", CONFIG);
    GRAPHS.iter().fold(sim, |sim, graph| sim.with(&format!("m/onnx/{graph}.onnx"), EMPTY_GRAPH))
}

/// Runs `sim models` without whatever library the environment names.
fn models(sim: &Sim, args: &[&str]) -> Output {
    let line = format!("env -u ORT_DYLIB_PATH \"$SIM\" models {}", args.join(" "));
    sim.shell(&line)
}

/// A refusal: its exit code, and one line that says all of this.
pub fn refuses(output: &Output, code: i32, told: &[&str]) {
    assert_eq!(output.code, Some(code), "{output:#?}");
    assert_eq!(output.stdout, "", "{output:#?}");
    assert_eq!(output.stderr.lines().count(), 1, "{output:#?}");
    for told in told {
        assert!(output.stderr.contains(told), "{told:?}: {output:#?}");
    }
}

#[test]
fn a_folder_that_is_no_model_is_refused() {
    let sim = hollow();
    refuses(&models(&sim, &["describe", "nowhere"]), 2, &["nowhere is no folder"]);
    refuses(&models(&sim, &["describe", "m/onnx"]), 2, &["m/onnx/config.json is missing"]);
    refuses(
        &models(&sim, &["describe", "m", "--dtype", "q4"]),
        2,
        &["no decoder_model_merged of dtype q4", "there are"],
    );
    std::fs::remove_file(sim.path("m/onnx/decoder_model_merged.onnx")).unwrap();
    let told = ["no decoder_model_merged", "m/onnx/decoder_model_merged.onnx is missing"];
    refuses(&models(&sim, &["run", "m", "--prompt", "hi"]), 2, &told);
}

#[test]
fn a_graph_that_is_cut_short_is_refused() {
    let sim = hollow().with("m/onnx/embed_tokens.onnx", [8, 9, 7 << 3 | 2, 100, 1]);
    refuses(&models(&sim, &["run", "m", "--prompt", "hi"]), 2, &["m/onnx/embed_tokens.onnx is cut short, at 5 bytes"]);
    let sim = hollow().with("m/onnx/vision_encoder.onnx", "hello");
    refuses(&models(&sim, &["describe", "m"]), 2, &["m/onnx/vision_encoder.onnx is ", "no ONNX model"]);
}

/// Weights that lie in another file, as those of large models do.
#[test]
fn weights_that_are_cut_short_are_refused() {
    let field = |number: u8, bytes: &[u8]| [&[number << 3 | 2, u8::try_from(bytes.len()).unwrap()], bytes].concat();
    let entry = |key: &str, value: &str| field(13, &[field(1, key.as_bytes()), field(2, value.as_bytes())].concat());
    let tensor = [entry("location", "d.onnx_data"), entry("length", "8")].concat();
    let graph = field(7, &field(5, &tensor));
    let sim = hollow().with("m/onnx/decoder_model_merged.onnx", graph);
    refuses(&models(&sim, &["describe", "m"]), 2, &["cannot read m/onnx/d.onnx_data, the weights of m/onnx/decoder"]);
    let sim = sim.with("m/onnx/d.onnx_data", [0; 7]);
    refuses(&models(&sim, &["describe", "m"]), 2, &["m/onnx/d.onnx_data is cut short: 7 bytes", "needs 8"]);
}

#[test]
fn a_library_that_is_not_there_is_unavailable() {
    let sim = hollow().with("lib.so", "hello");
    let told = ["no ONNX Runtime at gone.so, which --ort-lib names", "cargo xtask onnxruntime"];
    refuses(&models(&sim, &["describe", "m", "--ort-lib", "gone.so"]), 4, &told);
    let told = ["cannot load ONNX Runtime from lib.so", "cargo xtask onnxruntime"];
    refuses(&models(&sim, &["describe", "m", "--ort-lib", "lib.so"]), 4, &told);
    let named = sim.shell("ORT_DYLIB_PATH=gone.so \"$SIM\" models describe m");
    refuses(&named, 4, &["no ONNX Runtime at gone.so, which ORT_DYLIB_PATH names"]);
}

/// A shared library that says that it is ONNX Runtime 1.20, and nothing else.
#[test]
fn a_library_that_is_too_old_is_unavailable() {
    let source = "struct B { const void *(*api)(unsigned); const char *(*version)(void); };\n\
                  static const void *api(unsigned v) { return 0; }\n\
                  static const char *version(void) { return \"1.20.1\"; }\n\
                  static const struct B base = { api, version };\n\
                  const struct B *OrtGetApiBase(void) { return &base; }\n";
    let sim = hollow().with("old.c", source);
    if sim.shell("cc -shared -fPIC -o old.so old.c").code != Some(0) {
        aloud("skipped: a_library_that_is_too_old_is_unavailable: no C compiler `cc` on this machine");
        return;
    }
    let told = ["cannot load ONNX Runtime from ./old.so", "it is version 1.20.1, too old; 1.24 or newer is needed"];
    refuses(&models(&sim, &["describe", "m", "--ort-lib", "./old.so"]), 4, &told);
}

#[test]
fn a_question_is_asked_in_one_way() {
    let sim = hollow();
    for args in [
        &["run", "m"][..],
        &["run", "m", "--prompt", "a", "--rendered", "b"],
        &["run", "m", "--ids", "i", "--gamma", "2"],
    ] {
        let output = models(&sim, args);
        assert_eq!(output.code, Some(2), "{output:#?}");
        assert!(output.stderr.contains("Usage: sim models run"), "{output:#?}");
    }
}

/// The shared models and the library, where both are there.
pub struct Shared {
    pub sim: Sim,
    pub folder: PathBuf,
    prompts: Vec<Value>,
}

impl Shared {
    pub fn find(test: &str) -> Option<Self> {
        let folder = repository("../shared/models");
        let Ok(golden) = std::fs::read_to_string(folder.join("golden/golden.json")) else {
            aloud(&format!("skipped: {test}: ../shared is not here"));
            return None;
        };
        let sim = Sim::new();
        let output = models(&sim, &["describe", folder.join("draft").to_str().unwrap()]);
        if output.code == Some(4) {
            aloud(&format!("skipped: {test}: {}", output.stderr.trim()));
            return None;
        }
        let golden: Value = serde_json::from_str(&golden).unwrap();
        Some(Self {
            sim,
            folder: folder.canonicalize().unwrap(),
            prompts: golden["prompts"].as_array().unwrap().clone(),
        })
    }

    pub fn path(&self, name: &str) -> String {
        self.folder.join(name).to_str().unwrap().to_owned()
    }

    fn prompt(&self, id: &str) -> &Value {
        self.prompts.iter().find(|prompt| prompt["id"] == id).unwrap()
    }

    /// Asks a model; the JSON that it prints.
    pub fn run(&self, model: &str, args: &[String]) -> Value {
        let output = self.raw(model, args);
        assert_eq!(output.code, Some(0), "{output:#?}");
        serde_json::from_str(&output.stdout).unwrap()
    }

    pub fn raw(&self, model: &str, args: &[String]) -> Output {
        let folder = if Path::new(model).is_absolute() { model.to_owned() } else { self.path(model) };
        let asked = ["models", "run", &folder, "--threads", "1", "--json"].map(str::to_owned);
        self.sim.run(asked.iter().chain(args))
    }

    /// The stored inputs of a prompt as arguments.
    fn stored(&self, prompt: &Value) -> Vec<String> {
        let file = self.sim.path("ids.json");
        std::fs::write(&file, prompt["input_ids"].to_string()).unwrap();
        let mut args = vec!["--ids".to_owned(), file.to_str().unwrap().to_owned()];
        for image in prompt["images"].as_array().unwrap() {
            let grid: Vec<_> = image["grid_thw"].as_array().unwrap().iter().map(Value::to_string).collect();
            let pixels = self.path(&format!("golden/{}", image["pixel_values"].as_str().unwrap()));
            args.extend(["--pixels".to_owned(), pixels, "--grid".to_owned(), grid.join(",")]);
        }
        args.extend(["--max-tokens".to_owned(), prompt["max_new_tokens"].to_string()]);
        args
    }

    /// Its images as arguments.
    fn images(&self, prompt: &Value) -> Vec<String> {
        let images = prompt["images"].as_array().unwrap().iter();
        images
            .flat_map(|image| ["--image".to_owned(), self.path(&format!("golden/{}", image["png"].as_str().unwrap()))])
            .collect()
    }
}

pub fn text(args: &[&str]) -> Vec<String> {
    args.iter().map(|arg| (*arg).to_owned()).collect()
}

#[test]
fn shared_models_answer_stored_inputs_text_and_images() {
    let Some(shared) = Shared::find("shared_models_answer_stored_inputs_text_and_images") else { return };
    for (model, id) in [("target", "p05_two_images"), ("draft", "p14_length_limit"), ("target", "p07_count")] {
        let prompt = shared.prompt(id);
        let golden = &prompt[model];
        let stored = shared.run(model, &shared.stored(prompt));
        assert_eq!(stored["ids"], golden["greedy_ids"], "{id}");
        assert_eq!(stored["text"], golden["greedy_text"], "{id}");
        assert_eq!(stored["finish"], golden["finish"], "{id}");
        assert!(stored.get("rounds").is_none());
        let entropies = stored["entropies"].as_array().unwrap().iter().zip(golden["entropy"].as_array().unwrap());
        for (ours, theirs) in entropies {
            assert!((ours.as_f64().unwrap() - theirs.as_f64().unwrap()).abs() < 1e-3, "{id}");
        }
        let limit = text(&["--max-tokens", &prompt["max_new_tokens"].to_string()]);
        let rendered = text(&["--rendered", prompt["rendered_prompt"].as_str().unwrap()]);
        let drawn = shared.run(model, &[shared.images(prompt), rendered, limit.clone()].concat());
        assert_eq!(drawn["ids"], golden["greedy_ids"], "{id}");
        let content = &prompt["messages"][0]["content"];
        let asked = content.as_array().and_then(|parts| parts.last()).map_or(content, |part| &part["text"]);
        let question = text(&["--prompt", asked.as_str().unwrap()]);
        let plain = shared.run(model, &[shared.images(prompt), question, limit].concat());
        assert_eq!(plain, drawn, "{id}");
    }
}

#[test]
fn shared_draft_and_target_print_rounds() {
    let Some(shared) = Shared::find("shared_draft_and_target_print_rounds") else { return };
    let prompt = shared.prompt("p01_describe");
    for (draft, gamma) in [("draft", "2"), ("draft_random", "4")] {
        let more = text(&["--draft", &shared.path(draft), "--gamma", gamma, "--timings"]);
        let mut answer = shared.run("target", &[shared.stored(prompt), more].concat());
        let trace = &prompt["speculative"][format!("{draft}/gamma{gamma}")];
        assert_eq!(answer["ids"], prompt["target"]["greedy_ids"]);
        for key in ["rounds", "proposed", "accepted", "accepted_per_round"] {
            assert_eq!(answer[key], trace[key], "{draft} {key}");
        }
        let timings = answer["timings"].take();
        assert_eq!(timings["provider"], "cpu");
        assert!(timings["tokens_per_s"].as_f64().unwrap() > 0.0, "{timings}");
    }
}

#[test]
fn shared_folders_are_described() {
    let Some(shared) = Shared::find("shared_folders_are_described") else { return };
    let described = |args: &[&str]| shared.sim.done([&["models", "describe"], args].concat()).stdout;
    let text = described(&[&shared.path("draft")]);
    assert!(text.contains("2 layers, 2 key and value heads of 16; plain attention"), "{text}");
    assert!(text.contains("takes grid_thw i64 [?, 3]"), "{text}");
    let target: Value = serde_json::from_str(&described(&[&shared.path("target"), "--json"])).unwrap();
    assert_eq!((&target["layers"], &target["context_tokens"]), (&Value::from(4), &Value::from(2048)));
    assert_eq!(target["kv_bytes_per_token"], 2 * 4 * 2 * 16 * 4);
    assert!(target["graphs"][0]["inputs"].to_string().contains("image_grid_thw"), "{target}");
}

#[test]
fn shared_models_refuse_what_they_cannot_read() {
    let Some(shared) = Shared::find("shared_models_refuse_what_they_cannot_read") else { return };
    let file = |name: &str, content: &[u8]| {
        std::fs::write(shared.sim.path(name), content).unwrap();
        name.to_owned()
    };
    let image = file("i.png", b"hello");
    let refused = |args: &[&str], code, told: &[&str]| refuses(&shared.raw("draft", &text(args)), code, told);
    refused(&["--image", &image, "--prompt", "hi"], 2, &["i.png: found no picture; expected a PNG, JPEG or WebP"]);
    refused(&["--image", "gone.png", "--prompt", "hi"], 2, &["gone.png: found no such file"]);
    let long = file("long.json", format!("{:?}", vec![5; 3000]).as_bytes());
    refused(&["--ids", &long], 2, &["a prompt of 3000 tokens; the context of", "has 2048"]);
    refused(&["--rendered", "<|image_pad|>"], 2, &["places for 1 images, and 0 are given"]);
    refused(&["--ids", &file("big.json", b"[1, 4000]")], 2, &["token 4000; the tokenizer of", "has 694"]);
    refused(&["--prompt", "hi", "--provider", "cuda"], 4, &["`cuda`"]);
}

/// NaN pixels become NaN logits, as broken weights would.
#[test]
fn shared_models_report_broken_logits() {
    let Some(shared) = Shared::find("shared_models_report_broken_logits") else { return };
    let prompt = shared.prompt("p01_describe");
    let mut args = shared.stored(prompt);
    let pixels = args.iter_mut().find(|arg| arg.ends_with(".npy")).unwrap();
    let mut bytes = std::fs::read(&*pixels).unwrap();
    let end = bytes.len();
    bytes[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    *pixels = shared.sim.path("nan.npy").to_str().unwrap().to_owned();
    std::fs::write(&*pixels, bytes).unwrap();
    refuses(&shared.raw("target", &args), 2, &["the model's logits are broken: 1024 of 1024 are NaN or infinite"]);
}

#[test]
fn shared_models_of_other_tokenizers_do_not_draft() {
    let Some(shared) = Shared::find("shared_models_of_other_tokenizers_do_not_draft") else { return };
    let other = shared.sim.path("other");
    std::fs::create_dir_all(other.join("onnx")).unwrap();
    for name in ["config.json", "preprocessor_config.json", "onnx/vision_encoder.onnx"]
        .iter()
        .copied()
        .chain(["onnx/embed_tokens.onnx", "onnx/decoder_model_merged.onnx"])
    {
        std::fs::copy(shared.folder.join("draft").join(name), other.join(name)).unwrap();
    }
    let tokenizer = std::fs::read_to_string(shared.folder.join("draft/tokenizer.json")).unwrap();
    let changed = tokenizer.replace("<|video_pad|>", "<|audio_pad|>");
    assert_ne!(changed, tokenizer);
    std::fs::write(other.join("tokenizer.json"), changed).unwrap();
    let args = text(&["--prompt", "hi", "--draft", other.to_str().unwrap()]);
    let told = ["draft and target have different tokenizers: token 693 is \"<|audio_pad|>\"", "\"<|video_pad|>\""];
    refuses(&shared.raw("target", &args), 2, &told);
    // Without its chat template, a question cannot be put.
    let args = text(&["--prompt", "hi"]);
    refuses(&shared.raw(other.to_str().unwrap(), &args), 2, &["no chat template", "--rendered"]);
}
