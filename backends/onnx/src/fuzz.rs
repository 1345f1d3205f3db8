//! No model folder and no chat template, however broken, makes a reader panic or go on for ever; a refusal is one line.

use crate::template::{Place, Template};
use crate::write::{Attention, Recipe, Release, write};
use crate::{Dimensions, Folder, Preprocessing, Text};
use fuzzing::{Count, Dice, bytes, fuzz, json, telling};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// Templates of public families by their shape.
fn families() -> Vec<String> {
    let families: toml::Table = include_str!("template/families.toml").parse().expect("TOML");
    let families = families["family"].as_array().expect("families");
    families.iter().map(|family| family["source"].as_str().expect("a text").to_owned()).collect()
}

/// Pieces that are put into templates.
const PIECES: [&str; 26] = [
    "{% for m in messages %}",
    "{% for i in range(99) %}",
    "{% endfor %}",
    "{% set ns = namespace(x='ab', y=[]) %}",
    "{% set ns.x = ns.x ~ ns.x %}",
    "{% set ns.y = [ns.y, ns.y] %}",
    "{% set ns.x = ns.x * 99 %}",
    "{% set x %}",
    "{% endset %}",
    "{{ m.content }}",
    "{{ ns.x }}",
    "{{ messages | tojson(indent=2) }}",
    "{{ ns.y | string | replace('[', 'b') }}",
    "{{ x.split('a') | join(', ') }}",
    "{{ '%5s %d' | format(x, 3) }}",
    "{{ messages[0]['content'][-1:] | batch(3) | list }}",
    "{% macro f(a) %}",
    "{% endmacro %}",
    "{{ f(f(1)) }}",
    "{% generation %}",
    "{% endgeneration %}",
    "{% if x is defined and x > 'a' %}",
    "{% else %}",
    "{% endif %}",
    "{% break %}",
    "{#",
];

/// A template of a family with damage, or one of pieces.
fn template(families: &[String], dice: &mut Dice) -> String {
    let mut source = if dice.one_in(3) { String::new() } else { dice.one_of(families).clone() };
    for _ in 0..dice.below(6) {
        let tags = source.match_indices("{%").map(|(place, _)| place).chain([source.len()]).collect::<Vec<_>>();
        let (place, piece): (usize, &str) = (*dice.one_of(&tags), *dice.one_of(&PIECES));
        source.insert_str(place, piece);
    }
    if dice.one_in(2) {
        let mut content = source.into_bytes();
        bytes(&mut content, dice);
        source = String::from_utf8_lossy(&content).into_owned();
    }
    source
}

#[test]
fn fuzz_templates() {
    fuzz("templates", &[Count::goal("templates"), Count::part("rendered", 20)], || {
        let families = families();
        let tokens = json!({"bos_token": "<s>", "eos_token": {"content": "</s>"}});
        move |dice, counts| {
            let source = template(&families, dice);
            let rendered = telling(
                || source.clone(),
                || {
                    let place = Place { marker: "<I>".to_owned(), whole: "<S><I><E>".to_owned() };
                    Template::new(&source, &[&tokens], place).conversation(dice.place(3), "What?")
                },
            );
            counts.add("templates");
            match rendered {
                Ok(_) => counts.add("rendered"),
                Err(told) => assert!(told.lines().count() <= 1, "{told}\nby\n{source}"),
            }
        }
    });
}

/// Files of a model, and how often one is damaged: once in so many times a tokenizer, which takes longest to read.
const CONFIGURATIONS: [&str; 6] = [
    "config.json",
    "preprocessor_config.json",
    "generation_config.json",
    "tokenizer_config.json",
    "chat_template.json",
    "processor_config.json",
];
const GRAPHS: [&str; 3] = ["onnx/decoder_model_merged.onnx", "onnx/embed_tokens.onnx", "onnx/vision_encoder.onnx"];
const TOKENIZER_ONE_IN: u64 = 256;

/// The small target that `sim models write tiny` makes, in a folder of its own.
struct Model {
    folder: tempfile::TempDir,
    /// Its files as they were written.
    whole: Vec<(&'static str, Vec<u8>)>,
}

impl Model {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let release = Release::named("tiny").expect("a release");
        let (name, shape) = release.models[1];
        let recipe = Recipe { shape, dtype: release.dtype, attention: Attention::Fused, seed: 1 };
        write(&[(name, recipe)], &folder.path().join("m"), &mut |_| ()).expect("a model");
        let path = folder.path().join("m").join(name);
        // Newer folders have the one nested in the other.
        let nested = fs::read_to_string(path.join("preprocessor_config.json")).expect("a file");
        fs::write(path.join("processor_config.json"), format!("{{\"image_processor\": {nested}}}")).expect("a file");
        let template = "{% for message in messages %}{{ message.content }}{% endfor %}";
        fs::write(path.join("chat_template.json"), format!("{{\"chat_template\": \"{template}\"}}")).expect("a file");
        let read = |file: &'static str| (file, fs::read(path.join(file)).expect("a file"));
        let whole = CONFIGURATIONS.into_iter().chain(GRAPHS).chain(["tokenizer.json"]).map(read).collect();
        Self { folder, whole }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("m").join("target")
    }

    /// Damages one file; the file and what it was.
    fn damaged(&self, dice: &mut Dice) -> (PathBuf, &[u8], String) {
        let place = match dice.below(TOKENIZER_ONE_IN) {
            0 => self.whole.len() - 1,
            _ if dice.one_in(20) => CONFIGURATIONS.len() + dice.place(GRAPHS.len()),
            _ => dice.place(CONFIGURATIONS.len()),
        };
        let (name, whole) = &self.whole[place];
        let mut content = whole.clone();
        match serde_json::from_slice::<Value>(whole) {
            Ok(mut document) if !dice.one_in(6) => {
                (0..=dice.below(3)).for_each(|_| json(&mut document, dice));
                content = document.to_string().into_bytes();
            }
            _ => bytes(&mut content, dice),
        }
        let path = self.path().join(name);
        fs::write(&path, &content).expect("a file");
        (path, whole, format!("{name}:\n{}", String::from_utf8_lossy(&content[..content.len().min(4000)])))
    }
}

/// Reads a folder as far as a model does before its library is loaded; the first refusal.
fn read(path: &Path, with_text: bool) -> crate::Result<()> {
    let folder = Folder::read(path, None)?;
    folder.check()?;
    folder.warnings()?;
    let pictures = Preprocessing::of(&folder)?;
    for (width, height) in [(56, 56), (1, 199), (640, 480), (3000, 2000)] {
        pictures.tokens(width, height)?;
    }
    Dimensions::of(&folder)?;
    if with_text {
        let text = Text::of(&folder)?;
        text.tokens(&text.rendered(1, "What is red?")?)?;
    }
    Ok(())
}

#[test]
fn fuzz_folders() {
    fuzz(
        "model folders",
        &[Count::goal("folders"), Count::part("read whole", 50), Count::part("with text", 200)],
        || {
            let model = Model::new();
            move |dice, counts| {
                let (path, whole, told) = model.damaged(dice);
                let is_text = ["tokenizer", "chat_template"].iter().any(|name| told.starts_with(name));
                let with_text = told.starts_with("tokenizer.json") || is_text && dice.one_in(16);
                let read = telling(|| told.clone(), || read(&model.path(), with_text));
                counts.add("folders");
                if with_text {
                    counts.add("with text");
                }
                match read {
                    Ok(()) => counts.add("read whole"),
                    Err(refusal) => assert_eq!(refusal.to_string().lines().count(), 1, "{refusal}\nby {told}"),
                }
                fs::write(path, whole).expect("a file");
            }
        },
    );
}
