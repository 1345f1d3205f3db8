//! Model folders as the hub has them. What asks a model needs ONNX Runtime, and says so where it is skipped.

use super::ends;
use crate::support::{Output, Sim, aloud};
use serde_json::{Value, json};
use std::fs;

/// The small pair that `sim models write` makes, in `tiny`; none where there is no ONNX Runtime.
fn tiny(test: &str) -> Option<Sim> {
    let sim = Sim::new();
    sim.done("models write tiny --out tiny".split(' '));
    let described = sim.run("models describe tiny/target".split(' '));
    if described.code == Some(4) {
        aloud(&format!("skipped: {test}: {}", described.stderr.trim()));
        return None;
    }
    assert_eq!(described.code, Some(0), "{described:#?}");
    Some(sim)
}

fn parsed(sim: &Sim, file: &str) -> Value {
    serde_json::from_str(&sim.text(file)).expect("JSON")
}

/// Asks a model for four tokens.
fn asked(sim: &Sim, model: &str, more: &[&str]) -> Output {
    sim.run([&["models", "run", model, "--threads", "1", "--json", "--max-tokens", "4"], more].concat())
}

fn answer(sim: &Sim, model: &str, more: &[&str]) -> Value {
    let output = asked(sim, model, more);
    assert_eq!(output.code, Some(0), "{output:#?}");
    serde_json::from_str(&output.stdout).expect("JSON")
}

/// Each template says the same as the prompt that transformers would have made of it.
pub fn templates(test: &str) {
    let Some(sim) = tiny(test) else { return };
    let tokens = json!({"bos_token": "<|endoftext|>"}).to_string();
    let sim = sim.with("tiny/target/tokenizer_config.json", tokens);
    let turn = "{% for m in messages %}<|im_start|>{{ m.role }}\n{% for c in m.content %}{{ c.text }}{% endfor %}<|im_end|>\n{% endfor %}";
    let plain = "<|im_start|>user\nred?<|im_end|>\n";
    let year = sim.shell("date -u +%Y").stdout;
    let cases = [
        ("bos_variable", format!("{{{{ bos_token }}}}{turn}"), format!("<|endoftext|>{plain}")),
        ("macro", format!("{{% macro f(c) %}}{{{{ c }}}}{{% endmacro %}}{{{{ f('b') }}}}{turn}"), format!("b{plain}")),
        ("strftime", format!("{{{{ strftime_now('%Y') }}}}{turn}"), format!("{}{plain}", year.trim())),
        ("generation", format!("{{% generation %}}y{{% endgeneration %}}{turn}"), format!("y{plain}")),
        (
            "text_only",
            "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>{% endfor %}".to_owned(),
            plain.trim_end().to_owned(),
        ),
    ];
    for (name, template, rendered) in cases {
        fs::write(sim.path("tiny/target/chat_template.json"), json!({"chat_template": template}).to_string())
            .expect("a file");
        let by_template = answer(&sim, "tiny/target", &["--prompt", "red?"]);
        assert_eq!(by_template, answer(&sim, "tiny/target", &["--rendered", &rendered]), "{name}");
    }
}

pub fn other_families_and_layouts(_: &str) {
    let config =
        json!({"model_type": "qwen3_vl", "image_token_id": 9, "eos_token_id": 3, "max_position_embeddings": 64});
    let sim = Sim::new().with("qwen3/config.json", config.to_string()).with("qwen3/onnx/embed_tokens.onnx", "");
    let sim =
        sim.with("genai/genai_config.json", "{\"model\": {\"type\": \"qwen2_5_vl\"}}").with("genai/vision.onnx", "");
    let described = |folder: &str| sim.run(["models", "describe", folder]);
    ends(&described("qwen3"), 2, "the family `qwen3_vl` is not supported; expected one of qwen2_vl, qwen2_5_vl");
    ends(&described("genai"), 2, "the layout of ONNX Runtime GenAI (genai_config.json)");
    ends(&described("genai"), 2, "expected a folder with config.json, tokenizer.json, and in onnx/");
}

pub fn nested_preprocessor(test: &str) {
    let Some(sim) = tiny(test) else { return };
    sim.done("questions draw --out drawn --count 1 --size 448x448".split(' '));
    let picture = format!("drawn/pictures/{}", sim.names("drawn/pictures")[0]);
    let ask = || asked(&sim, "tiny/target", &["--prompt", "red?", "--image", &picture]);
    let mut flat = parsed(&sim, "tiny/target/preprocessor_config.json");
    flat["max_pixels"] = json!(56 * 56);
    fs::write(sim.path("tiny/target/preprocessor_config.json"), flat.to_string()).expect("a file");
    let known = ask();
    fs::remove_file(sim.path("tiny/target/preprocessor_config.json")).expect("a file");
    let nested = json!({"processor_class": "Qwen2VLProcessor", "image_processor": flat}).to_string();
    fs::write(sim.path("tiny/target/processor_config.json"), nested).expect("a file");
    let read = ask();
    assert_eq!((&read.stdout, read.code, &*read.stderr), (&known.stdout, Some(0), ""), "{read:#?}");
    fs::remove_file(sim.path("tiny/target/processor_config.json")).expect("a file");
    let missed = ask();
    ends(&missed, 0, "has neither preprocessor_config.json nor processor_config.json");
    assert_ne!(missed.stdout, known.stdout);
}

pub fn larger_vocabularies(test: &str) {
    let Some(sim) = tiny(test) else { return };
    let mut tokenizer = parsed(&sim, "tiny/target/tokenizer.json");
    let added = tokenizer["added_tokens"].as_array_mut().expect("tokens");
    let last = added.last().cloned().expect("a token");
    let next = last["id"].as_u64().expect("an id") + 1;
    for id in next..next + 8 {
        let mut token = last.clone();
        (token["id"], token["content"]) = (json!(id), json!(format!("<|more_{id}|>")));
        added.push(token);
    }
    let alone = answer(&sim, "tiny/target", &["--prompt", "red?"]);
    let sim = sim.with("tiny/target/tokenizer.json", tokenizer.to_string());
    let drafted = answer(&sim, "tiny/target", &["--prompt", "red?", "--draft", "tiny/draft"]);
    assert_eq!(drafted["ids"], alone["ids"]);
    // The other way round a draft's token may mean nothing in the target.
    let turned = asked(&sim, "tiny/draft", &["--prompt", "red?", "--draft", "tiny/target"]);
    ends(&turned, 2, &format!("token {next} is \"<|more_{next}|>\""));
}

pub fn precisions(test: &str) {
    let Some(sim) = tiny(test) else { return };
    let mut config = parsed(&sim, "tiny/draft/config.json");
    config["transformers.js_config"] = json!({"dtype": "q8"});
    let sim = sim.with("tiny/draft/config.json", config.to_string());
    let described = || sim.run("models describe tiny/draft --json".split(' '));
    ends(&described(), 0, "_quantized.onnx, which config.json names, is missing");
    for graph in ["decoder_model_merged", "embed_tokens", "vision_encoder"] {
        let file = |ending: &str| sim.path(&format!("tiny/draft/onnx/{graph}{ending}.onnx"));
        fs::copy(file(""), file("_quantized")).expect("a graph");
    }
    let output = described();
    assert_eq!((output.code, &*output.stderr), (Some(0), ""), "{output:#?}");
    let told: Value = serde_json::from_str(&output.stdout).expect("JSON");
    for graph in told["graphs"].as_array().expect("graphs") {
        assert!(graph["file"].as_str().is_some_and(|file| file.ends_with("_quantized.onnx")), "{graph}");
    }
}
