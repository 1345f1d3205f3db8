//! `manifest.json` and `scenario.toml` of a results folder: what was run, by what.

use crate::results::runs::Totals;
use crate::scenario::{self, Plan};
use crate::terminal::Failure;
use reports::TOOL;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::Path;

/// The facts of a replay that its manifest states.
pub struct ReplayFacts {
    /// The models, their provider and the machine: the value of the key `replay`.
    pub facts: Value,
    /// A sentence for the table and the page.
    pub remark: String,
    /// Names of the edge's model and of the cloud's.
    pub models: [String; 2],
}

/// Writes both files.
///
/// # Errors
/// If a file cannot be written.
pub fn write(plan: &Plan, totals: &Totals, replay: Option<ReplayFacts>, folder: &Path) -> Result<(), Failure> {
    let mut manifest = manifest(plan, totals);
    if let Some(replay) = replay {
        add_replay(&mut manifest, replay);
    }
    manifest["wall_s"] = json!(totals.wall_s);
    write_file(folder, "scenario.toml", &plan.scenario.resolved_text(plan.source.folder()))?;
    write_manifest(folder, &manifest)
}

/// Adds what a replay played. That the models are none of the papers' is an assumption like any other.
fn add_replay(manifest: &mut Value, replay: ReplayFacts) {
    manifest["backend"] = json!("onnx");
    manifest["replay"] = replay.facts;
    manifest["remark"] = json!(replay.remark);
    for (side, name) in ["edge", "cloud"].into_iter().zip(replay.models) {
        manifest[side]["model"] = json!(name);
        manifest["assumptions"][format!("{side}.model")] = json!(name);
    }
}

/// Writes the manifest of a sweep. It has no time of day and no duration, so a sweep that was killed and resumed has the same.
///
/// # Errors
/// If the file cannot be written.
pub fn write_sweep(plan: &Plan, plan_sha256: &str, totals: &Totals, failed: u64, folder: &Path) -> Result<(), Failure> {
    let mut manifest = manifest(plan, totals);
    manifest["plan_sha256"] = json!(plan_sha256);
    manifest["points"] = json!(plan.points());
    manifest["failed_runs"] = json!(failed);
    write_manifest(folder, &manifest)
}

/// The hash of a plan's resolved scenario.
fn scenario_hash(plan: &Plan) -> String {
    let hash = Sha256::digest(plan.scenario.resolved_text(plan.source.folder()).as_bytes());
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// True if a folder has the results of this plan, by this version of the program and of its model.
pub fn is_of(plan: &Plan, folder: &Path) -> bool {
    let text = std::fs::read_to_string(folder.join("manifest.json")).ok();
    let found: Option<Value> = text.and_then(|text| serde_json::from_str(&text).ok());
    let ours = json!([TOOL, env!("CARGO_PKG_VERSION"), reports::MODEL_VERSION, scenario_hash(plan)]);
    let theirs =
        |found: Value| json!([found["tool"], found["tool_version"], found["model_version"], found["scenario_sha256"]]);
    found.is_some_and(|found| theirs(found) == ours)
}

fn manifest(plan: &Plan, totals: &Totals) -> Value {
    let scenario = &plan.scenario;
    let profiled = scenario.is_profiled();
    let mut assumptions = scenario::assumptions(scenario);
    assumptions.extend(scenario::profiled(&plan.source, scenario).into_iter().map(|(key, said)| (key, json!(said))));
    let hash = scenario_hash(plan);
    let mut manifest = json!({
        "tool": TOOL,
        "tool_version": env!("CARGO_PKG_VERSION"),
        "commit": env!("MSAO_SIM_COMMIT"),
        "schema_version": reports::MANIFEST_VERSION,
        "model_version": reports::MODEL_VERSION,
        "scenario": scenario.name,
        "scenario_sha256": hash,
        "seed": scenario.seed,
        "mode": scenario.mode.name(),
        "backend": if profiled { "profile" } else { "roofline" },
        "edge": scenario.side(true),
        "cloud": scenario.side(false),
        "engines_differ": scenario.engines()[0] != scenario.engines()[1],
        "assumptions": assumptions,
        "swept_defaults": scenario::defaults_of(plan.varied.iter().map(String::as_str)),
        "policies": scenario::policies(scenario),
        "runs": totals.runs,
        "requests": totals.requests,
        "events": totals.events,
        "journal_digest": format!("{:016x}", totals.digest),
    });
    let remarks: Vec<String> = [scenario.remark(), scenario::remark_on_start(plan), scenario::remark_on_figures(plan)]
        .into_iter()
        .flatten()
        .collect();
    if !remarks.is_empty() {
        manifest["remark"] = json!(remarks.join(" "));
    }
    if scenario.is_fleet() {
        manifest["groups"] = json!(scenario.groups().iter().map(|group| group.name).collect::<Vec<_>>());
        manifest["pools"] = json!(scenario.clouds().iter().map(|pool| pool.name).collect::<Vec<_>>());
    }
    if profiled {
        let pct = totals.coverage.map(|coverage| coverage.pct());
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

/// True if a folder holds results of this tool.
pub fn is_ours(folder: &Path) -> bool {
    let text = fs::read_to_string(folder.join("manifest.json")).unwrap_or_default();
    serde_json::from_str::<Value>(&text).is_ok_and(|manifest| manifest["tool"] == TOOL)
}
