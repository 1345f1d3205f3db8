//! A folder with a model, in the layout of the hub: which files it has and what its configurations say.

use crate::error::{Result, refused};
use crate::graph::Outline;
use crate::layout;
use serde_json::Value;
use std::path::{Path, PathBuf};
use traces::input;

/// The precisions of a graph's file by their names in transformers.js, the preferred first: full, then half, then quantised.
pub const DTYPES: [&str; 12] =
    ["fp32", "fp16", "int8", "uint8", "q8", "q4", "q4f16", "bnb4", "q2", "q2f16", "q1", "q1f16"];

/// The families whose graphs are understood.
const FAMILIES: [&str; 2] = ["qwen2_vl", "qwen2_5_vl"];

/// Patches along each side that are merged into one token, at most.
pub(crate) const MOST_MERGED: u32 = 16;

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
    dtype: Option<Dtype>,
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
    /// The tokens that stand for a picture in a prompt: its marker, with one on either side where there are such.
    pub(crate) place: Vec<u32>,
    /// Rows of the embedding, where they are stated.
    pub(crate) vocabulary: Option<u64>,
    /// Dtypes that the configuration names, by graph or for all.
    dtypes: Value,
}

/// A precision, as the ending of a file's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Dtype(&'static str);

impl Dtype {
    /// The precision of a name; `quantized` is the ending of `q8`, and goes by both.
    fn named(name: &str) -> Result<Self> {
        let name = if name == "quantized" { "q8" } else { name };
        match DTYPES.iter().find(|known| **known == name) {
            Some(known) => Ok(Self(known)),
            None => refused(format!("no dtype `{name}`; expected one of {}", DTYPES.join(", "))),
        }
    }

    /// The end of its files' names.
    fn ending(self) -> String {
        match self.0 {
            "fp32" => String::new(),
            "q8" => "_quantized".to_owned(),
            name => format!("_{name}"),
        }
    }
}

impl Folder {
    /// Reads a folder's configurations.
    ///
    /// # Errors
    /// It is no folder, or its `config.json` is missing, no JSON, or without what is needed.
    pub fn read(path: &Path, dtype: Option<&str>) -> Result<Self> {
        if !path.is_dir() {
            return refused(format!("{} is no folder; {}", path.display(), layout::SUPPORTED));
        }
        let dtype = dtype.map(Dtype::named).transpose()?;
        if let Some(found) = layout::other(path) {
            return refused(format!("{}: {found}; {}", path.display(), layout::SUPPORTED));
        }
        let config = Config::read(path)?;
        Ok(Self { path: path.to_owned(), dtype, config })
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
        let missing = |dtype: Dtype, of: &str| {
            let path = self.file(graph, dtype);
            refused(format!("no {}{of}: {} is missing; {}", graph.name(), path.display(), self.there(graph)))
        };
        // What was asked for is taken or refused; a configuration may name what the folder was not given.
        if let Some(dtype) = self.dtype {
            let path = self.file(graph, dtype);
            return if path.is_file() { Ok(path) } else { missing(dtype, &format!(" of dtype {}", dtype.0)) };
        }
        let configured = self.configured(graph)?;
        let known = configured.into_iter().chain(DTYPES.map(Dtype));
        let there = known.map(|dtype| self.file(graph, dtype)).find(|path| path.is_file());
        there.map_or_else(|| missing(configured.unwrap_or(Dtype("fp32")), ""), Ok)
    }

    fn file(&self, graph: Graph, dtype: Dtype) -> PathBuf {
        self.path.join("onnx").join(format!("{}{}.onnx", graph.name(), dtype.ending()))
    }

    /// The dtype that the configuration names for a graph, or for all.
    fn configured(&self, graph: Graph) -> Result<Option<Dtype>> {
        let dtypes = &self.config.dtypes;
        let named = dtypes.as_str().or(dtypes[graph.name()].as_str()).filter(|name| *name != "auto");
        named.map(Dtype::named).transpose().or_else(|error| {
            refused(format!("{}: transformers.js_config: {error}", self.path.join("config.json").display()))
        })
    }

    /// Sentences about what the folder lacks, and what is taken in its place.
    ///
    /// # Errors
    /// A graph is missing altogether.
    pub fn warnings(&self) -> Result<Vec<String>> {
        let mut warnings = Vec::new();
        for graph in [Graph::Decoder, Graph::Embed, Graph::Vision] {
            let (taken, configured) = (self.graph(graph)?, self.configured(graph)?);
            let wanted = configured.filter(|_| self.dtype.is_none()).map(|dtype| self.file(graph, dtype));
            if let Some(wanted) = wanted.filter(|wanted| *wanted != taken) {
                warnings.push(format!(
                    "{}, which config.json names, is missing; {} is taken",
                    wanted.display(),
                    taken.display()
                ));
            }
        }
        Ok(warnings)
    }

    /// The graphs of its kind that there are, for a message.
    fn there(&self, graph: Graph) -> String {
        let entries = self.path.join("onnx").read_dir().into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let mut names: Vec<_> =
            names.filter(|name| name.starts_with(graph.name()) && name.ends_with(".onnx")).collect();
        names.sort();
        if names.is_empty() { layout::SUPPORTED.to_owned() } else { format!("there are {}", names.join(", ")) }
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
            return refused(format!("{} is missing; {}", path.display(), layout::SUPPORTED));
        }
        let family = config["model_type"].as_str();
        if let Some(family) = family.filter(|family| !FAMILIES.contains(family)) {
            return refused(format!(
                "{}: the family `{family}` is not supported; expected one of {}",
                path.display(),
                FAMILIES.join(", ")
            ));
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
        let merge = &config["vision_config"]["spatial_merge_size"];
        let merge = match merge.as_u64().and_then(|side| u32::try_from(side).ok()) {
            _ if merge.is_null() => 2,
            Some(side @ 1..=MOST_MERGED) => side,
            _ => {
                return refused(format!(
                    "{}: vision_config.spatial_merge_size: expected a whole number from 1 to {MOST_MERGED}",
                    path.display()
                ));
            }
        };
        Ok(Self {
            family: family.unwrap_or("unknown").to_owned(),
            image_token: u32::try_from(token)
                .or_else(|_| refused(format!("{}: image_token_id {token}", path.display())))?,
            ends,
            context: usize::try_from(needed("max_position_embeddings")?).unwrap_or(usize::MAX),
            merge,
            random_weights: config["msao_sim"]["weights"] == "random",
            place: ["vision_start_token_id", "image_token_id", "vision_end_token_id"]
                .iter()
                .flat_map(|key| number(key).and_then(|id| u32::try_from(id).ok()))
                .collect(),
            vocabulary: number("vocab_size"),
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
    match input::read_text(&path) {
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
    fn the_configuration_names_a_dtype_for_a_graph_or_for_all() {
        let config =
            |dtype: &str| CONFIG.replacen('{', &format!(r#"{{"transformers.js_config": {{"dtype": {dtype}}}, "#), 1);
        let files =
            ["decoder_model_merged.onnx", "decoder_model_merged_quantized.onnx", "decoder_model_merged_q4.onnx"];
        for (dtype, wanted) in [
            (r#"{"decoder_model_merged": "q4"}"#, files[2]),
            (r#"{"embed_tokens": "q4"}"#, files[0]),
            (r#""q8""#, files[1]),
            (r#""quantized""#, files[1]),
            (r#""auto""#, files[0]),
            (r#""fp32""#, files[0]),
            // Named, but not given.
            (r#""fp16""#, files[0]),
        ] {
            assert_eq!(decoder(&config(dtype), &files, None).unwrap(), wanted, "{dtype}");
        }
        assert_eq!(decoder(CONFIG, &files, Some("q8")).unwrap(), files[1]);
        let message = decoder(&config(r#""q3""#), &files, None).unwrap_err();
        assert!(
            message.starts_with("D/config.json: transformers.js_config: no dtype `q3`; expected one of"),
            "{message}"
        );
        let graphs = ["embed_tokens.onnx", "vision_encoder.onnx", files[0]];
        let folder = folder(&config(r#""q8""#), &graphs);
        let warnings = Folder::read(folder.path(), None).unwrap().warnings().unwrap();
        assert_eq!(warnings.len(), 3);
        assert!(warnings[0].contains("decoder_model_merged_quantized.onnx, which config.json names, is missing"));
    }

    #[test]
    fn other_families_are_named() {
        let message = decoder(&CONFIG.replace("qwen2_5_vl", "qwen3_vl"), &[], None).unwrap_err();
        assert_eq!(
            message,
            "D/config.json: the family `qwen3_vl` is not supported; expected one of qwen2_vl, qwen2_5_vl"
        );
    }

    #[test]
    fn what_is_missing_is_named() {
        let missing = decoder(CONFIG, &[], None).unwrap_err();
        assert!(
            missing
                .starts_with("no decoder_model_merged: D/onnx/decoder_model_merged.onnx is missing; expected a folder")
        );
        assert_eq!(
            decoder("{}", &[], None).unwrap_err(),
            "D/config.json: no `eos_token_id`, nor in generation_config.json"
        );
        for side in ["0", "17", "-1", "1e99", "\"2\"", "4294967298"] {
            let config = CONFIG.replace("\"spatial_merge_size\": 2", &format!("\"spatial_merge_size\": {side}"));
            let told = decoder(&config, &[], None).unwrap_err();
            let expected = "D/config.json: vision_config.spatial_merge_size: expected a whole number from 1 to 16";
            assert_eq!(told, expected, "{side}");
        }
        assert!(decoder("{", &[], None).unwrap_err().starts_with("D/config.json: EOF"));
        assert!(
            Folder::read(Path::new("/no/such"), None).unwrap_err().to_string().starts_with("/no/such is no folder")
        );
    }
}
