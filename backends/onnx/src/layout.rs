//! Layouts of model folders that are not ours, by what gives them away: their names help more than what is missing.

use std::path::Path;

/// The layout that is read, for messages.
pub const SUPPORTED: &str = "expected a folder with config.json, tokenizer.json, and in onnx/ the graphs vision_encoder, \
                             embed_tokens and decoder_model_merged, as the hub's onnx-community publishes them";

/// The layout of a folder, in words, if it has the marks of another and no `onnx/`.
pub fn other(folder: &Path) -> Option<String> {
    let names: Vec<String> =
        folder.read_dir().ok()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    let has = |name: &str| names.iter().any(|known| known == name);
    let ends = |ending: &str| names.iter().find(|name| name.ends_with(ending));
    if has("onnx") {
        return None;
    }
    if has("snapshots") && has("refs") {
        return Some(snapshot(folder));
    }
    if let Some(model) = names.iter().find(|name| name.starts_with("models--")) {
        return Some(format!(
            "a cache of the hub, with {model} and others; name the folder of one model in its snapshots/"
        ));
    }
    if has("genai_config.json") {
        return Some("the layout of ONNX Runtime GenAI (genai_config.json), which is not supported".to_owned());
    }
    if let Some(file) = ends(".gguf") {
        return Some(format!("{file} is a model of llama.cpp (GGUF), which is not supported"));
    }
    if has("openvino_config.json") || ends("_model.xml").is_some() {
        return Some("a model of OpenVINO, which is not supported".to_owned());
    }
    if let Some(file) = ends(".onnx").filter(|_| has("config.json")) {
        return Some(format!("{file} lies beside config.json, as Optimum exports it; this layout is not supported"));
    }
    if let Some(file) = ends(".safetensors").or(ends("pytorch_model.bin")) {
        return Some(format!(
            "{file} has weights without a graph, which is not supported; export it to ONNX, or take an export"
        ));
    }
    None
}

/// A model's folder in a cache of the hub: where its files are.
fn snapshot(folder: &Path) -> String {
    let mut snapshots: Vec<_> = folder
        .join("snapshots")
        .read_dir()
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    snapshots.sort();
    let named = snapshots.first().map(|path| format!("; its files are in {}", path.display())).unwrap_or_default();
    format!("the root of a model in a cache of the hub{named}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_are_told_by_their_files() {
        for (files, told) in [
            (&["genai_config.json", "model.onnx", "vision.onnx"][..], "the layout of ONNX Runtime GenAI"),
            (&["config.json", "model.Q4_K_M.gguf"], "model.Q4_K_M.gguf is a model of llama.cpp"),
            (
                &["config.json", "decoder_model.onnx"],
                "decoder_model.onnx lies beside config.json, as Optimum exports it",
            ),
            (&["config.json", "model-00001-of-00002.safetensors"], "has weights without a graph"),
            (&["config.json", "openvino_language_model.xml"], "a model of OpenVINO"),
            (&["refs/main", "snapshots/abc/config.json"], "its files are in D/snapshots/abc"),
            (&["models--a--b/refs/main"], "a cache of the hub, with models--a--b"),
            (&["config.json", "onnx/vision_encoder.onnx", "a.gguf"], ""),
            (&["config.json"], ""),
        ] {
            let folder = tempfile::tempdir().unwrap();
            for file in files {
                let path = folder.path().join(file);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, "").unwrap();
            }
            let found = other(folder.path()).unwrap_or_default().replace(&folder.path().display().to_string(), "D");
            assert!(found.contains(told) && found.is_empty() == told.is_empty(), "{files:?}: {found}");
        }
    }
}
