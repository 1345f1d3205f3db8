//! `manifest.json` and `scenario.toml` of a results folder: what was run, by what.

use crate::failure::Failure;
use crate::grid::Outcome;
use crate::scenario::Plan;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::Path;

const TOOL: &str = "msao-sim";

/// Version of the files in a results folder.
const SCHEMA_VERSION: u32 = 1;

/// Writes both files.
pub fn write(plan: &Plan, outcome: &Outcome, folder: &Path) -> Result<(), Failure> {
    let scenario = &plan.scenario;
    let text = scenario.resolved_text(plan.source.folder());
    let hash = Sha256::digest(text.as_bytes());
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    let manifest = json!({
        "tool": TOOL,
        "tool_version": env!("CARGO_PKG_VERSION"),
        "commit": env!("MSAO_SIM_COMMIT"),
        "schema_version": SCHEMA_VERSION,
        "scenario": scenario.name,
        "scenario_sha256": hash,
        "seed": scenario.seed,
        "mode": scenario.mode.name(),
        "backend": "roofline",
        "edge": { "device": scenario.edge.device, "model": scenario.edge.model, "engine": scenario.edge.engine },
        "cloud": { "device": scenario.cloud.device, "model": scenario.cloud.model, "engine": scenario.cloud.engine },
        "engines_differ": scenario.edge.engine != scenario.cloud.engine,
        "runs": outcome.runs,
        "requests": outcome.requests,
        "events": outcome.events,
        "journal_digest": format!("{:016x}", outcome.digest),
        "wall_s": outcome.wall_s,
    });
    let manifest = serde_json::to_string_pretty(&manifest).expect("a manifest is JSON") + "\n";
    for (name, text) in [("scenario.toml", &text), ("manifest.json", &manifest)] {
        let path = folder.join(name);
        fs::write(&path, text).map_err(|error| Failure::io("write", &path, &error))?;
    }
    Ok(())
}

/// Whether a folder holds results of this tool.
pub fn is_ours(folder: &Path) -> bool {
    let text = fs::read_to_string(folder.join("manifest.json")).unwrap_or_default();
    serde_json::from_str::<Value>(&text).is_ok_and(|manifest| manifest["tool"] == TOOL)
}
