//! `manifest.json` and `scenario.toml` of a results folder: what was run, by what.

use crate::failure::Failure;
use crate::replay::Studio;
use crate::runs::Outcome;
use crate::scenario::{self, Plan};
use crate::sweep::Merged;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::Path;

/// How this program calls itself in files.
pub const TOOL: &str = "msao-sim";

/// Writes both files.
pub fn write(plan: &Plan, outcome: &Outcome, studio: Option<&Studio>, folder: &Path) -> Result<(), Failure> {
    let mut manifest = manifest(plan, outcome);
    if let Some(studio) = studio {
        tell_of_replay(&mut manifest, studio)?;
    }
    manifest["wall_s"] = json!(outcome.wall_s);
    write_file(folder, "scenario.toml", &plan.scenario.resolved_text(plan.source.folder()))?;
    write_manifest(folder, &manifest)
}

/// What was played, by what. That the models are none of the papers' is an assumption like any other.
fn tell_of_replay(manifest: &mut Value, studio: &Studio) -> Result<(), Failure> {
    manifest["backend"] = json!("onnx");
    manifest["replay"] = studio.told()?;
    manifest["remark"] = json!(studio.remark());
    for (side, name) in ["edge", "cloud"].into_iter().zip(studio.names()) {
        manifest[side]["model"] = json!(name);
        manifest["assumptions"][format!("{side}.model")] = json!(name);
    }
    Ok(())
}

/// Writes the manifest of a sweep: no time of day and no duration, so that it is the same however often the sweep was killed.
pub fn write_sweep(plan: &Plan, plan_sha256: &str, merged: &Merged, folder: &Path) -> Result<(), Failure> {
    let mut manifest = manifest(plan, &merged.outcome);
    manifest["plan_sha256"] = json!(plan_sha256);
    manifest["points"] = json!(plan.points());
    manifest["failed_runs"] = json!(merged.failed);
    write_manifest(folder, &manifest)
}

fn manifest(plan: &Plan, outcome: &Outcome) -> Value {
    let scenario = &plan.scenario;
    let profiled = scenario.edge.profile.is_some() || scenario.cloud.profile.is_some();
    let mut assumptions = scenario::assumptions(scenario);
    assumptions.extend(scenario::profiled(&plan.source, scenario).into_iter().map(|(key, said)| (key, json!(said))));
    let hash = Sha256::digest(scenario.resolved_text(plan.source.folder()).as_bytes());
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut manifest = json!({
        "tool": TOOL,
        "tool_version": env!("CARGO_PKG_VERSION"),
        "commit": env!("MSAO_SIM_COMMIT"),
        "schema_version": reports::MANIFEST_VERSION,
        "scenario": scenario.name,
        "scenario_sha256": hash,
        "seed": scenario.seed,
        "mode": scenario.mode.name(),
        "backend": if profiled { "profile" } else { "roofline" },
        "edge": { "device": scenario.edge.device, "model": scenario.edge.model, "engine": scenario.edge.engine },
        "cloud": { "device": scenario.cloud.device, "model": scenario.cloud.model, "engine": scenario.cloud.engine },
        "engines_differ": scenario.edge.engine != scenario.cloud.engine,
        "assumptions": assumptions,
        "swept_defaults": scenario::defaults_of(plan.varied.iter().map(String::as_str)),
        "policies": scenario::policies(scenario),
        "runs": outcome.runs,
        "requests": outcome.requests,
        "events": outcome.events,
        "journal_digest": format!("{:016x}", outcome.digest),
    });
    if profiled {
        let pct = outcome.coverage.map(|coverage| coverage.pct());
        manifest["profile_coverage_pct"] = json!({ "edge": pct[0], "cloud": pct[1] });
    }
    manifest
}

fn write_manifest(folder: &Path, manifest: &Value) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(manifest).expect("a manifest is JSON") + "\n";
    write_file(folder, "manifest.json", &text)
}

fn write_file(folder: &Path, name: &str, text: &str) -> Result<(), Failure> {
    let path = folder.join(name);
    fs::write(&path, text).map_err(|error| Failure::io("write", &path, &error))
}

/// Whether a folder holds results of this tool.
pub fn is_ours(folder: &Path) -> bool {
    let text = fs::read_to_string(folder.join("manifest.json")).unwrap_or_default();
    serde_json::from_str::<Value>(&text).is_ok_and(|manifest| manifest["tool"] == TOOL)
}
