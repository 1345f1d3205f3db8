//! A folder with a model, in the layout of the hub: which files it has and what its configurations say.

use crate::error::{Result, refused};
use crate::graph::Outline;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The endings of a graph's file, the preferred first: full precision, then half, then quantised.
pub const DTYPES: [&str; 8] = ["fp32", "fp16", "int8", "uint8", "quantized", "q4", "q4f16", "bnb4"];

/// The graphs of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Graph {
    /// Pictures to features.
    Vision,
    /// Tokens to embeddings.
    Embed,
    /// Embeddings to logits.
    Decoder,
}

impl Graph {
    /// The name of its file, without dtype and ending.
    pub fn name(self) -> &'static str {
        match self {
            Self::Vision => "vision_encoder",
            Self::Embed => "embed_tokens",
            Self::Decoder => "decoder_model_merged",
        }
    }
}

/// A model's folder.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
    /// The dtype that was asked for.
    dtype: Option<String>,
    /// The configurations' content.
    pub config: Config,
}

/// The configurations' content, as far as replays need it.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The family, for instance `qwen2_vl`.
    pub family: String,
    /// Stands for a picture's features in a prompt.
    pub image_token: u32,
    /// Tokens that end an answer.
    pub ends: Vec<u32>,
    /// The most tokens that prompt and answer may have.
    pub context: usize,
    /// Patches along each side that are merged into one token.
    pub merge: u32,
    /// True if the weights are random, so that answers say nothing and drafts are hardly ever accepted.
    pub random_weights: bool,
    /// Dtypes that the configuration names, by graph or for all.
    dtypes: Value,
}

impl Folder {
    /// Reads a folder's configurations.
    ///
    /// # Errors
    /// It is no folder, or its `config.json` is missing, no JSON, or without what is needed.
    pub fn read(path: &Path, dtype: Option<&str>) -> Result<Self> {
        if !path.is_dir() {
            return refused(format!("{} is no folder; a model is a folder with config.json and onnx/", path.display()));
        }
        if let Some(dtype) = dtype.filter(|dtype| !DTYPES.contains(dtype)) {
            return refused(format!("no dtype `{dtype}`; expected one of {}", DTYPES.join(", ")));
        }
        let config = Config::read(path)?;
        Ok(Self { path: path.to_owned(), dtype: dtype.map(str::to_owned), config })
    }

    /// Path of the folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file of a graph: of the dtype asked for, or the one that the configuration names, or the first that there is.
    ///
    /// # Errors
    /// There is none; the message names those that there are.
    pub fn graph(&self, graph: Graph) -> Result<PathBuf> {
        let file = |dtype: &str| {
            let ending = if dtype == "fp32" { String::new() } else { format!("_{dtype}") };
            self.path.join("onnx").join(format!("{}{ending}.onnx", graph.name()))
        };
        let configured = self.config.dtypes.as_str().or(self.config.dtypes[graph.name()].as_str());
        let wanted = self.dtype.as_deref().map(|dtype| (dtype, "asked for"));
        if let Some((dtype, by)) = wanted.or(configured.map(|dtype| (dtype, "named in config.json"))) {
            let path = file(dtype);
            if path.is_file() {
                return Ok(path);
            }
            // A configuration may name what the folder was not given; what was asked for is taken or refused.
            if by == "asked for" {
                return refused(format!(
                    "no {} of dtype {dtype}: {} is missing; {}",
                    graph.name(),
                    path.display(),
                    self.there(graph)
                ));
            }
        }
        match DTYPES.iter().map(|dtype| file(dtype)).find(|path| path.is_file()) {
            Some(path) => Ok(path),
            None => {
                refused(format!("no {}: {} is missing; {}", graph.name(), file("fp32").display(), self.there(graph)))
            }
        }
    }

    /// The graphs of its kind that there are, for a message.
    fn there(&self, graph: Graph) -> String {
        let entries = self.path.join("onnx").read_dir().into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let mut names: Vec<_> =
            names.filter(|name| name.starts_with(graph.name()) && name.ends_with(".onnx")).collect();
        names.sort();
        if names.is_empty() {
            format!(
                "expected {}/onnx/ with vision_encoder, embed_tokens and decoder_model_merged, as the hub lays them out",
                self.path.display()
            )
        } else {
            format!("there are {}", names.join(", "))
        }
    }

    /// Checks that all graphs are there and whole, which takes no library.
    ///
    /// # Errors
    /// One is missing, cut short, or no graph.
    pub fn check(&self) -> Result<()> {
        [Graph::Decoder, Graph::Embed, Graph::Vision]
            .into_iter()
            .try_for_each(|graph| self.graph(graph).and_then(|file| Outline::read(&file)).map(drop))
    }

    /// A JSON file of the folder, or null where there is none.
    pub(crate) fn json(&self, name: &str) -> Result<Value> {
        json(&self.path, name)
    }
}

impl Config {
    fn read(folder: &Path) -> Result<Self> {
        let config = json(folder, "config.json")?;
        let path = folder.join("config.json");
        if config.is_null() {
            return refused(format!("{} is missing; a model is a folder with config.json and onnx/", path.display()));
        }
        let generation = json(folder, "generation_config.json")?;
        // Newer configurations have the language model's part one level deeper.
        let text = |key: &str| Some(&config[key]).filter(|v| !v.is_null()).or(Some(&config["text_config"][key]));
        let number = |key: &str| text(key).and_then(Value::as_u64);
        let needed = |key: &str| match number(key) {
            Some(number) => Ok(number),
            None => refused(format!("{}: no number `{key}`", path.display())),
        };
        let ends = [&generation["eos_token_id"], &config["eos_token_id"], &config["text_config"]["eos_token_id"]];
        let ends = ends.into_iter().map(tokens).find(|ends| !ends.is_empty()).unwrap_or_default();
        if ends.is_empty() {
            return refused(format!("{}: no `eos_token_id`, nor in generation_config.json", path.display()));
        }
        let token = needed("image_token_id")?;
        Ok(Self {
            family: config["model_type"].as_str().unwrap_or("unknown").to_owned(),
            image_token: u32::try_from(token)
                .or_else(|_| refused(format!("{}: image_token_id {token}", path.display())))?,
            ends,
            context: usize::try_from(needed("max_position_embeddings")?).unwrap_or(usize::MAX),
            merge: config["vision_config"]["spatial_merge_size"]
                .as_u64()
                .and_then(|n| u32::try_from(n).ok())
                .unwrap_or(2),
            random_weights: config["msao_sim"]["weights"] == "random",
            dtypes: config["transformers.js_config"]["dtype"].clone(),
        })
    }
}

/// One token or several.
fn tokens(value: &Value) -> Vec<u32> {
    let token = |value: &Value| value.as_u64().and_then(|token| u32::try_from(token).ok());
    match value {
        Value::Array(values) => values.iter().filter_map(token).collect(),
        value => token(value).into_iter().collect(),
    }
}

fn json(folder: &Path, name: &str) -> Result<Value> {
    let path = folder.join(name);
    match std::fs::read_to_string(&path) {
        Ok(text) => serde_json::from_str(&text).or_else(|error| refused(format!("{}: {error}", path.display()))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Value::Null),
        Err(error) => refused(format!("cannot read {}: {error}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = r#"{"model_type": "qwen2_5_vl", "image_token_id": 9, "eos_token_id": 3,
        "text_config": {"max_position_embeddings": 64}, "vision_config": {"spatial_merge_size": 2}}"#;

    fn folder(config: &str, files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("onnx")).unwrap();
        std::fs::write(folder.path().join("config.json"), config).unwrap();
        for file in files {
            std::fs::write(folder.path().join("onnx").join(file), "").unwrap();
        }
        folder
    }

    fn decoder(config: &str, files: &[&str], dtype: Option<&str>) -> std::result::Result<String, String> {
        let folder = folder(config, files);
        let read = Folder::read(folder.path(), dtype).and_then(|folder| folder.graph(Graph::Decoder));
        read.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
            .map_err(|error| error.to_string().replace(&folder.path().display().to_string(), "D"))
    }

    #[test]
    fn nested_and_flat_configurations_are_read() {
        let nested = folder(CONFIG, &[]);
        let config = Folder::read(nested.path(), None).unwrap().config;
        assert_eq!((config.image_token, config.context, config.ends.as_slice()), (9, 64, &[3][..]));
        std::fs::write(nested.path().join("generation_config.json"), r#"{"eos_token_id": [4, 5]}"#).unwrap();
        assert_eq!(Folder::read(nested.path(), None).unwrap().config.ends, [4, 5]);
    }

    #[test]
    fn the_dtype_asked_for_is_taken_or_refused() {
        let both = ["decoder_model_merged.onnx", "decoder_model_merged_q4f16.onnx"];
        assert_eq!(decoder(CONFIG, &both, None).unwrap(), both[0]);
        assert_eq!(decoder(CONFIG, &both, Some("q4f16")).unwrap(), both[1]);
        assert_eq!(decoder(CONFIG, &both[1..], None).unwrap(), both[1]);
        let message = decoder(CONFIG, &both, Some("int8")).unwrap_err();
        assert!(message.ends_with("there are decoder_model_merged.onnx, decoder_model_merged_q4f16.onnx"), "{message}");
        assert!(
            decoder(CONFIG, &both, Some("int3")).unwrap_err().starts_with("no dtype `int3`; expected one of fp32, ")
        );
    }

    #[test]
    fn the_configuration_names_a_dtype_for_a_graph() {
        let config =
            CONFIG.replacen('{', r#"{"transformers.js_config": {"dtype": {"decoder_model_merged": "q4"}}, "#, 1);
        let files = ["decoder_model_merged.onnx", "decoder_model_merged_q4.onnx"];
        assert_eq!(decoder(&config, &files, None).unwrap(), files[1]);
        assert_eq!(decoder(&config, &files[..1], None).unwrap(), files[0]);
    }

    #[test]
    fn what_is_missing_is_named() {
        assert!(
            decoder(CONFIG, &[], None)
                .unwrap_err()
                .starts_with("no decoder_model_merged: D/onnx/decoder_model_merged.onnx")
        );
        assert_eq!(
            decoder("{}", &[], None).unwrap_err(),
            "D/config.json: no `eos_token_id`, nor in generation_config.json"
        );
        assert!(decoder("{", &[], None).unwrap_err().starts_with("D/config.json: EOF"));
        assert!(
            Folder::read(Path::new("/no/such"), None).unwrap_err().to_string().starts_with("/no/such is no folder")
        );
    }
}
