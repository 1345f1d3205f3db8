//! Folders as the hub has them today: layouts, families, preprocessors, chat templates, precisions, and drafts of smaller
//! vocabularies. What a model runs for needs `../shared/models` and ONNX Runtime, and says so where it is skipped.

use crate::models::{Shared, refuses, text};
use crate::support::{Sim, aloud, repository};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// Files of a model.
const FILES: [&str; 7] = [
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.json",
    "preprocessor_config.json",
    "onnx",
];

/// A folder of the same model, in which these files are others; without content, they are missing.
fn changed(shared: &Shared, model: &str, name: &str, files: &[(&str, Option<String>)]) -> PathBuf {
    let (from, folder) = (shared.folder.join(model), shared.sim.path(name));
    fs::create_dir(&folder).unwrap();
    for file in FILES.iter().filter(|file| files.iter().all(|(changed, _)| changed != *file)) {
        std::os::unix::fs::symlink(from.join(file), folder.join(file)).unwrap();
    }
    for (file, content) in files {
        if let Some(content) = content {
            fs::write(folder.join(file), content).unwrap();
        }
    }
    folder
}

fn json_of(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn folder_text(folder: &Path) -> &str {
    folder.to_str().unwrap()
}

#[test]
fn other_layouts_are_named_with_what_is_supported() {
    let sim = Sim::new()
        .with("genai/genai_config.json", "{}")
        .with("genai/model.onnx", "")
        .with("flat/config.json", "{}")
        .with("flat/decoder_model.onnx", "")
        .with("gguf/model-Q4_K_M.gguf", "GGUF")
        .with("cache/models--a--b/snapshots/0123/config.json", "{}")
        .with("cache/models--a--b/refs/main", "0123")
        .with("torch/config.json", "{}")
        .with("torch/model.safetensors", "");
    for (folder, told) in [
        ("genai", "the layout of ONNX Runtime GenAI"),
        ("flat", "as Optimum exports it"),
        ("gguf", "is a model of llama.cpp (GGUF)"),
        ("cache", "a cache of the hub, with models--a--b"),
        ("cache/models--a--b", "its files are in cache/models--a--b/snapshots/0123"),
        ("torch", "weights without a graph"),
    ] {
        let output = sim.run(["models", "describe", folder]);
        refuses(&output, 2, &[folder, told, "expected a folder with config.json, tokenizer.json, and in onnx/"]);
    }
}

#[test]
fn shared_cases_of_families_and_layouts_are_named() {
    let cases = repository("../shared/cases/models");
    if !cases.is_dir() {
        return aloud("skipped: shared_cases_of_families_and_layouts_are_named: ../shared/cases is not here");
    }
    let described = |name: &str| Sim::new().run(["models", "describe", cases.join(name).to_str().unwrap()]);
    refuses(
        &described("qwen3vl"),
        2,
        &["the family `qwen3_vl` is not supported; expected one of qwen2_vl, qwen2_5_vl"],
    );
    refuses(&described("genai_qwen2_5_vl"), 2, &["ONNX Runtime GenAI (genai_config.json)", "expected a folder with"]);
}

/// The templates of the case, each in a folder of its own, against the same prompt written out.
#[test]
fn shared_cases_of_templates_render_as_in_transformers() {
    let test = "shared_cases_of_templates_render_as_in_transformers";
    let file = repository("../shared/cases/models/templates/templates.json");
    let Some(shared) = Shared::find(test) else { return };
    if !file.is_file() {
        return aloud(&format!("skipped: {test}: ../shared/cases is not here"));
    }
    let (templates, start) = (json_of(&file), "<|im_start|>user\n");
    let base = templates["base"].as_str().unwrap();
    let written = format!("{start}red?<|im_end|>\n<|im_start|>assistant\n");
    let year = shared.sim.shell("date -u '+%d %b %Y'").stdout;
    let cases = [("bos_variable", "<|endoftext|>"), ("strftime", year.trim()), ("macro", "a"), ("generation", "x")];
    let cases = cases.map(|(name, before)| {
        let source = templates["before_base"][name].as_str().unwrap();
        (name, format!("{source}{base}"), format!("{before}{written}"))
    });
    let alone = templates["text_only"].as_str().unwrap().to_owned();
    let cases = cases.into_iter().chain([("text_only", alone, format!("{start}red?<|im_end|>"))]);
    for (name, source, rendered) in cases {
        let tokens = json!({"bos_token": "<|endoftext|>"}).to_string();
        let template = json!({"chat_template": source}).to_string();
        let files = [("chat_template.json", Some(template)), ("tokenizer_config.json", Some(tokens))];
        let folder = changed(&shared, "draft", name, &files);
        let answered =
            |args: &[&str]| shared.run(folder_text(&folder), &text(&[args, &["--max-tokens", "4"]].concat()));
        assert_eq!(answered(&["--prompt", "red?"]), answered(&["--rendered", &rendered]), "{name}");
        // One for text alone has pictures before the question.
        if name == "text_only" {
            let picture = shared.path("golden/images/p01_describe_0.png");
            let place = "<|vision_start|><|image_pad|><|vision_end|>\n";
            let with = rendered.replace(start, &format!("{start}{place}"));
            let plain = answered(&["--prompt", "red?", "--image", &picture]);
            assert_eq!(plain, answered(&["--rendered", &with, "--image", &picture]));
        }
    }
}

#[test]
fn shared_models_refuse_templates_and_tokenizers_without_end() {
    let Some(shared) = Shared::find("shared_models_refuse_templates_and_tokenizers_without_end") else { return };
    let endless = "{% for a in range(99999) %}{% for b in range(99999) %}{{ a }}{% endfor %}{% endfor %}";
    let template = json!({"chat_template": endless}).to_string();
    let folder = changed(&shared, "draft", "endless", &[("chat_template.json", Some(template))]);
    let output = shared.raw(folder_text(&folder), &text(&["--prompt", "red?"]));
    refuses(&output, 2, &["the chat template beside", "it takes more than 1000000 steps"]);
    let doubled =
        "{% set n = namespace(x='ab') %}{% for i in range(60) %}{% set n.x = n.x ~ n.x %}{% endfor %}{{ n.x }}";
    let template = json!({"chat_template": doubled}).to_string();
    let folder = changed(&shared, "draft", "doubled", &[("chat_template.json", Some(template))]);
    let output = shared.raw(folder_text(&folder), &text(&["--prompt", "red?"]));
    refuses(&output, 2, &["the chat template beside", "it makes more than 16 MiB of text"]);
    let mut tokenizer = json_of(&shared.folder.join("draft/tokenizer.json"));
    tokenizer["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = json!("(?:a|(?=a)a)*b|.");
    let folder = changed(&shared, "draft", "slow", &[("tokenizer.json", Some(tokenizer.to_string()))]);
    let output = shared.raw(folder_text(&folder), &text(&["--prompt", &"a".repeat(200)]));
    refuses(&output, 2, &["the tokenizer", "takes too many steps on this text"]);
}

#[test]
fn shared_models_read_the_nested_preprocessor_and_miss_it_aloud() {
    let Some(shared) = Shared::find("shared_models_read_the_nested_preprocessor_and_miss_it_aloud") else { return };
    let flat = json_of(&shared.folder.join("draft/preprocessor_config.json"));
    let nested = json!({"processor_class": "Qwen2VLProcessor", "image_processor": flat}).to_string();
    let flat = ("preprocessor_config.json", None);
    let folder = changed(&shared, "draft", "nested", &[flat.clone(), ("processor_config.json", Some(nested))]);
    // Large enough to be shrunk to the configured most, and not to the family's.
    let picture = shared.path("golden/images/p09_resize_0.png");
    let args = text(&["--prompt", "red?", "--image", &picture, "--max-tokens", "4"]);
    let known = shared.raw("draft", &args);
    let read = shared.raw(folder_text(&folder), &args);
    assert_eq!((&read.stdout, &*read.stderr), (&known.stdout, ""));
    let folder = changed(&shared, "draft", "missing", &[flat]);
    let missed = shared.raw(folder_text(&folder), &args);
    assert_eq!(missed.code, Some(0), "{missed:#?}");
    assert!(missed.stderr.contains("has neither preprocessor_config.json nor processor_config.json"), "{missed:#?}");
    assert!(missed.stderr.contains("resized to 3136 to 1003520 pixels"), "{missed:#?}");
}

#[test]
fn shared_models_take_the_precisions_of_transformers_js() {
    let Some(shared) = Shared::find("shared_models_take_the_precisions_of_transformers_js") else { return };
    let mut config = json_of(&shared.folder.join("draft/config.json"));
    config["transformers.js_config"] = json!({"dtype": "q8"});
    let files = [("config.json", Some(config.to_string())), ("onnx", None)];
    let folder = changed(&shared, "draft", "q8", &files);
    fs::create_dir(folder.join("onnx")).unwrap();
    for graph in ["decoder_model_merged", "embed_tokens", "vision_encoder"] {
        let whole = shared.folder.join(format!("draft/onnx/{graph}.onnx"));
        for ending in ["", "_quantized"] {
            std::os::unix::fs::symlink(&whole, folder.join(format!("onnx/{graph}{ending}.onnx"))).unwrap();
        }
    }
    let described = shared.sim.done(["models", "describe", folder_text(&folder), "--json"]);
    let told: Value = serde_json::from_str(&described.stdout).unwrap();
    for graph in told["graphs"].as_array().unwrap() {
        assert!(graph["file"].as_str().unwrap().ends_with("_quantized.onnx"), "{graph}");
    }
    assert_eq!(described.stderr, "");
    fs::remove_file(folder.join("onnx/embed_tokens_quantized.onnx")).unwrap();
    let described = shared.sim.done(["models", "describe", folder_text(&folder)]);
    let told = "embed_tokens_quantized.onnx, which config.json names, is missing";
    assert!(described.stderr.contains(told), "{described:#?}");
    let asked = shared.sim.run(["models", "describe", folder_text(&folder), "--dtype", "q8"]);
    refuses(&asked, 2, &["no embed_tokens of dtype q8"]);
}

/// Eight tokens more behind the draft's, as a newer family has behind an older one's; and a draft that has no row for most tokens.
#[test]
fn shared_drafts_serve_targets_of_larger_vocabularies() {
    let Some(shared) = Shared::find("shared_drafts_serve_targets_of_larger_vocabularies") else { return };
    let mut tokenizer = json_of(&shared.folder.join("target/tokenizer.json"));
    let added = tokenizer["added_tokens"].as_array_mut().unwrap();
    for id in 694..702 {
        let mut token = added.last().unwrap().clone();
        (token["id"], token["content"]) = (json!(id), json!(format!("<|more_{id}|>")));
        added.push(token);
    }
    let target = changed(&shared, "target", "larger", &[("tokenizer.json", Some(tokenizer.to_string()))]);
    let mut config = json_of(&shared.folder.join("draft/config.json"));
    config["vocab_size"] = json!(400);
    let narrow = changed(&shared, "draft", "narrow", &[("config.json", Some(config.to_string()))]);
    let picture = shared.path("golden/images/p01_describe_0.png");
    let asked = ["--prompt", "Describe the picture.", "--image", &picture, "--max-tokens", "24"];
    let alone = shared.run(folder_text(&target), &text(&asked));
    for (draft, accepted) in [(shared.folder.join("draft"), 1), (narrow, 0)] {
        let drafted =
            shared.run(folder_text(&target), &text(&[&asked[..], &["--draft", folder_text(&draft)]].concat()));
        assert_eq!((&drafted["ids"], &drafted["text"]), (&alone["ids"], &alone["text"]));
        assert!(drafted["accepted"].as_u64().unwrap() >= accepted, "{drafted}");
    }
    // The other way round a draft's token may mean nothing.
    let draft = ["--prompt", "red?", "--draft", folder_text(&target)];
    refuses(&shared.raw("target", &text(&draft)), 2, &["token 694 is \"<|more_694|>\"", "and nothing in"]);
}
