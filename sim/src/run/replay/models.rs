//! The models of a replay, loaded, and what is to be told of them.

use super::machine::Machine;
use crate::scenario::{Played, Replay};
use crate::terminal::{Failure, say};
use backends::onnx::{Folder, Graph, Model, Provider, Runtime};
use backends::real;
use model::model_spec::ModelSpec;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Both models on one runtime.
pub struct Models {
    /// The runtime that executes them.
    pub runtime: Runtime,
    /// The edge's.
    pub edge: Loaded,
    /// The cloud's.
    pub cloud: Loaded,
}

/// A model that is loaded.
pub struct Loaded {
    /// The model.
    pub model: Mutex<Model>,
    /// The dimensions by which arithmetic and memory are counted.
    pub spec: ModelSpec,
}

impl Models {
    /// Loads both. What is wrong with the folders is said before the library is looked for.
    ///
    /// # Errors
    /// A folder is refused, the models do not count in the same tokens, or the library or provider is not there.
    pub fn load(replay: &Replay, beside: &Path) -> Result<Self, Failure> {
        let folder = |played: &Played| -> Result<Folder, Failure> {
            let folder = Folder::read(&beside.join(&played.folder), played.dtype.as_deref())?;
            folder.check()?;
            Ok(folder)
        };
        let [edge, cloud] = [folder(&replay.edge)?, folder(&replay.cloud)?];
        let provider = match replay.provider {
            crate::scenario::Provider::Cpu => Provider::Cpu,
            crate::scenario::Provider::Cuda => Provider::Cuda,
        };
        let library = replay.library.as_ref().map(|file| beside.join(file));
        let runtime = Runtime::new(library.as_deref(), provider, Some(usize::from(replay.threads)))?;
        let load = |folder| -> Result<Loaded, Failure> {
            let model = Model::load(folder, &runtime)?;
            warn_of(&model)?;
            Ok(Loaded { spec: real::spec(&model)?, model: Mutex::new(model) })
        };
        let (edge, cloud) = (load(edge)?, load(cloud)?);
        edge.with(|edge| cloud.with(|cloud| edge.drafts_for(cloud)))?;
        Ok(Self { runtime, edge, cloud })
    }

    /// True if either has random weights, so that its answers mean nothing.
    pub fn are_random(&self) -> bool {
        [&self.edge, &self.cloud].into_iter().any(|one| one.with(|model| model.folder().config.random_weights))
    }

    /// For the manifest: what ran, on what.
    ///
    /// # Errors
    /// A file of a model can no longer be read.
    pub fn told(&self) -> Result<Value, Failure> {
        let library = self.runtime.library();
        let machine = Machine::of(self.runtime.provider());
        Ok(json!({
            "provider": self.runtime.provider().name(),
            "device_name": machine.device_name,
            "driver": machine.driver,
            "library": library.path(),
            "library_version": library.version(),
            "edge": self.edge.told()?,
            "cloud": self.cloud.told()?,
        }))
    }
}

/// Says what a model's folder lacks.
///
/// # Errors
/// A graph has gone.
pub fn warn_of(model: &Model) -> Result<(), Failure> {
    for warning in model.warnings()? {
        say(format_args!("sim: warning: {warning}"));
    }
    Ok(())
}

impl Loaded {
    /// Does something with the model.
    pub fn with<R>(&self, act: impl FnOnce(&mut Model) -> R) -> R {
        act(&mut self.model.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn told(&self) -> Result<Value, Failure> {
        let folder = self.with(|model| model.folder().clone());
        let hashes = files(&folder)?.into_iter().map(|file| {
            let name = file.strip_prefix(folder.path()).unwrap_or(&file).display().to_string();
            Ok((name, json!(sha256(&file)?)))
        });
        Ok(json!({
            "folder": folder.path(),
            "family": folder.config.family,
            "weights": if folder.config.random_weights { "random" } else { "given" },
            "parameters": self.spec.params(),
            "spec": self.spec,
            "sha256": hashes.collect::<Result<serde_json::Map<_, _>, Failure>>()?,
        }))
    }
}

/// The files that a model is made of: its graphs, their data, and its tokenizer and configuration.
fn files(folder: &Folder) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for graph in [Graph::Decoder, Graph::Embed, Graph::Vision] {
        let file = folder.graph(graph)?;
        let stem = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let beside = file.parent().unwrap_or(folder.path());
        let entries = beside.read_dir().map_err(|error| Failure::io("read", beside, &error))?;
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        // Weights of large graphs lie in files of the graph's name with an ending behind it.
        let mut parts: Vec<PathBuf> =
            names.filter(|name| name.starts_with(&stem)).map(|name| beside.join(name)).collect();
        parts.sort();
        files.append(&mut parts);
    }
    let beside = BESIDE.map(|name| folder.path().join(name));
    files.extend(beside.into_iter().filter(|file| file.is_file()));
    Ok(files)
}

/// The files beside the graphs that answers depend on.
const BESIDE: [&str; 9] = [
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "chat_template.jinja",
    "chat_template.json",
    "preprocessor_config.json",
    "processor_config.json",
];

fn sha256(file: &Path) -> Result<String, Failure> {
    let failed = |error| Failure::io("read", file, &error);
    let mut hash = Sha256::new();
    traces::input::for_each_piece(file, |piece| hash.update(piece)).map_err(failed)?;
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
