//! `sim models describe`: what a folder has.

use backends::onnx::{Model, Runtime};
use serde_json::json;

/// The description, as text or JSON.
pub fn told(model: &Model, runtime: &Runtime, as_json: bool) -> String {
    let found = model.describe();
    if as_json {
        let mut object = json!(found);
        object["provider"] = json!(runtime.provider().name());
        object["library_version"] = json!(runtime.library().version());
        return object.to_string() + "\n";
    }
    let ends: Vec<_> = found.end_tokens.iter().map(u32::to_string).collect();
    let mut text = format!(
        "{}: {}\n\
         weights         {}\n\
         context         {} tokens\n\
         tokenizer       {} tokens; an answer ends with {}\n\
         decoder         {} layers, {} key and value heads of {}; {} attention\n\
         KV cache        {} bytes a token, {}\n\
         executed by     ONNX Runtime {} on {}\n",
        found.folder.display(),
        found.family,
        if found.random_weights { "random" } else { "as they were given" },
        found.context_tokens,
        found.tokens,
        ends.join(" or "),
        found.layers,
        found.kv_heads,
        found.head_size,
        if found.fused_attention { "fused" } else { "plain" },
        found.kv_bytes_per_token,
        found.kv_type,
        runtime.library().version(),
        runtime.provider().name(),
    );
    for graph in &found.graphs {
        text += &format!("{}: {} nodes, {} bytes\n", graph.file.display(), graph.nodes, graph.bytes);
        for (way, outlets) in [("takes", &graph.inputs), ("gives", &graph.outputs)] {
            text.extend(outlets.iter().map(|outlet| format!("  {way} {outlet}\n")));
        }
    }
    text
}
