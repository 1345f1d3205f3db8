//! The dimensions of a real model, so that its FLOP, bytes and KV cache are counted as those of any other model.

use model::format::Storage;
use model::model_spec::ModelSpec;
use model::vision::{Attention, Resize, VisionTower};
use onnx::{Dimensions, Folder, Model, Preprocessing, Result};

/// The specification of a model that is loaded.
///
/// # Errors
/// Its configuration lacks a dimension.
pub fn spec(model: &Model) -> Result<ModelSpec> {
    let folder = model.folder();
    let Dimensions { layers, hidden, intermediate, heads, kv_heads, head_size, vocabulary, tied_head, .. } =
        Dimensions::of(folder)?;
    let described = model.describe();
    let [vision, embed, decoder] = [0, 1, 2].map(|graph| described.graphs[graph].bytes as f64);
    let dimensions = [layers, hidden, intermediate, heads, kv_heads, head_size, vocabulary];
    // Prompts are held to the folder's own window when they are counted, so the specification has none.
    let spec = ModelSpec { qkv_bias: true, tied_head, ..ModelSpec::dense(name(folder), dimensions) };
    // A head that is the embedding is stored twice: in the graph of each.
    let stored = spec.lm_layer_params() + spec.embedding_params() + spec.vocab * spec.hidden;
    let bytes_per_weight = (embed + decoder) / stored as f64;
    let tower = tower(folder, model.preprocessing(), (vision / bytes_per_weight) as u64)?;
    let kv = described.kv_bytes_per_token / (2 * layers * kv_heads * head_size).max(1);
    let storage = Storage { kv, ..Storage::uniform(bytes_per_weight) };
    Ok(ModelSpec { vision: Some(tower), ..spec.stored(storage) })
}

/// A folder goes by its own name.
fn name(folder: &Folder) -> String {
    let path = std::path::absolute(folder.path()).unwrap_or_else(|_| folder.path().to_owned());
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

fn tower(folder: &Folder, preprocessing: &Preprocessing, params: u64) -> Result<VisionTower> {
    let Dimensions { hidden: language, tower, .. } = Dimensions::of(folder)?;
    let merged = tower.hidden * tower.merge * tower.merge;
    let (min_pixels, max_pixels) = preprocessing.pixels();
    Ok(VisionTower {
        layers: tower.layers,
        hidden: tower.hidden,
        intermediate: tower.intermediate,
        gated_mlp: tower.gated_mlp,
        patch_values: tower.patch_values,
        class_tokens: 0,
        attention: match tower.window {
            Some((patches, full_every)) => Attention::Window { patches, full_every },
            None => Attention::Full,
        },
        patches_per_token: tower.merge * tower.merge,
        projector: [merged, merged, language],
        projectors: 1,
        resize: Resize::Qwen { token_side: preprocessing.token_side(), min_pixels, max_pixels },
        params,
    })
}
