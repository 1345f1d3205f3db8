//! The execution provider of each operator, read from the profile that ONNX Runtime writes of a session.
//!
//! A provider that lacks an operator leaves it to the processor, and the library says nothing. Its profile does: an event for each
//! node that ran, with its operator and its provider.

use crate::error::{OnnxError, Result, failed};
use crate::session::Loaded;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Nodes of one operator of a graph that one provider ran.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Placed {
    /// Name of the graph's file, without its ending.
    pub graph: String,
    /// Execution provider, as ONNX Runtime calls it.
    pub provider: String,
    /// Operator.
    pub operator: String,
    /// Number of different nodes.
    pub nodes: usize,
}

/// An event of a profile; sessions have others too.
#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    cat: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    args: Arguments,
}

#[derive(Default, Deserialize)]
struct Arguments {
    op_name: Option<String>,
    provider: Option<String>,
}

/// Ends the profile of a graph and says which provider ran which operators; none if the graph has no profile.
///
/// # Errors
/// The library cannot end the profile, or its file is not as expected.
pub(crate) fn ended(loaded: &mut Loaded) -> Result<Vec<Placed>> {
    if !loaded.profiled {
        return Ok(Vec::new());
    }
    loaded.profiled = false;
    let file = loaded.session.end_profiling().map_err(failed("end a profile"))?;
    let graph = loaded.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let text = std::fs::read_to_string(&file).map_err(|error| unread(Path::new(&file), &error.to_string()))?;
    let found = placed(&graph, &text).map_err(|error| unread(Path::new(&file), &error))?;
    // It is ours alone: nobody misses it, and a leftover does no harm.
    let _ = std::fs::remove_file(&file);
    Ok(found)
}

fn unread(file: &Path, why: &str) -> OnnxError {
    OnnxError::Refused(format!("cannot read the profile {} of ONNX Runtime: {why}", file.display()))
}

/// Operators by provider, from the text of a profile.
fn placed(graph: &str, text: &str) -> std::result::Result<Vec<Placed>, String> {
    let events: Vec<Event> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut nodes: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for event in events.into_iter().filter(|event| event.cat == "Node") {
        let (Some(operator), Some(provider)) = (event.args.op_name, event.args.provider) else { continue };
        // A node has several events: one for its kernel, others for what surrounds it.
        let node = event.name.strip_suffix("_kernel_time").map(str::to_owned);
        nodes.entry((provider, operator)).or_default().extend(node);
    }
    let placed = |((provider, operator), names): ((String, String), BTreeSet<String>)| Placed {
        graph: graph.to_owned(),
        provider,
        operator,
        nodes: names.len(),
    };
    Ok(nodes.into_iter().map(placed).filter(|one| one.nodes > 0).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_counted_by_provider_and_operator() {
        let event = |cat: &str, name: &str, args: &str| format!(r#"{{"cat":"{cat}","name":"{name}","args":{args}}}"#);
        let on = |op: &str, provider: &str| format!(r#"{{"op_name":"{op}","provider":"{provider}"}}"#);
        let cuda = on("MatMul", "CUDAExecutionProvider");
        let events = [
            event("Session", "model_loading", "{}"),
            event("Node", "/a_kernel_time", &cuda),
            event("Node", "/a_kernel_time", &cuda),
            event("Node", "/a_fence_before", &cuda),
            event("Node", "/b_kernel_time", &cuda),
            event("Node", "/c_kernel_time", &on("Shape", "CPUExecutionProvider")),
        ];
        let found = placed("decoder", &format!("[{}]", events.join(",\n"))).unwrap();
        let told: Vec<_> = found.iter().map(|one| (&*one.provider, &*one.operator, one.nodes)).collect();
        assert_eq!(told, [("CPUExecutionProvider", "Shape", 1), ("CUDAExecutionProvider", "MatMul", 2)]);
        assert!(placed("decoder", "[{").is_err());
    }
}
