//! The head of the page: the finding, then what was run, by what, and how much of it.

use super::folder::Folder;
use crate::finding::finding;
use drawing::grouped;
use maud::{Markup, html};
use serde_json::Value;

/// The runs: a list for one folder, a table for several; and a warning if their models differ.
pub(super) fn section(folders: &[Folder], warning: Option<&str>) -> Markup {
    let facts: Vec<Vec<(&str, String)>> = folders.iter().map(facts).collect();
    html! {
        header.run {
            @match folders {
                [only] => {
                    h1 { (only.title()) }
                    (found(only))
                    @if !only.description.is_empty() { p.lead { (only.description) } }
                    dl { @for (name, value) in &facts[0] { div { dt { (name) } dd { (value) } } } }
                }
                _ => {
                    h1 { @for (place, folder) in folders.iter().enumerate() { @if place > 0 { ", " } (label(folder)) } }
                    @for folder in folders { (found(folder)) }
                    p.lead { (folders.len()) " results side by side" }
                    (table(folders, &facts))
                }
            }
            @if let Some(warning) = warning { p.warning role="note" { strong { "Warning: " } (warning) "." } }
        }
    }
}

/// The finding of a folder, under its name among several.
fn found(folder: &Folder) -> Markup {
    let sentences = finding(&folder.runs);
    html! {
        @if !sentences.is_empty() {
            p.finding { @if folder.name.is_some() { strong { (label(folder)) } ": " } (sentences.join(" ")) }
        }
    }
}

fn label(folder: &Folder) -> &str {
    folder.name.as_deref().unwrap_or_default()
}

fn table(folders: &[Folder], facts: &[Vec<(&str, String)>]) -> Markup {
    let value = |fact: &str, of: &[(&str, String)]| {
        of.iter().find(|(name, _)| *name == fact).map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let mut names: Vec<&str> = vec!["Scenario", "Description"];
    for (name, _) in facts.iter().flatten() {
        if !names.contains(name) {
            names.push(name);
        }
    }
    let cell = |fact: &str, place: usize| match fact {
        "Scenario" => folders[place].title(),
        "Description" => folders[place].description.clone(),
        other => value(other, &facts[place]),
    };
    html! {
        div.scroll tabindex="0" role="region" aria-label="What was run" {
            table.facts {
                thead { tr { th scope="col" { "results" } @for folder in folders { th scope="col" { (label(folder)) } } } }
                tbody {
                    @for name in names {
                        tr { th scope="row" { (name) } @for place in 0..folders.len() { td { (cell(name, place)) } } }
                    }
                }
            }
        }
    }
}

/// The provider and machine of a replay.
fn executed(replay: &Value) -> String {
    let of = |key: &str| replay[key].as_str();
    let told = of("library_version").zip(of("provider")).zip(of("device_name"));
    told.map_or_else(String::new, |((version, provider), device)| {
        format!("ONNX Runtime {version}, {provider}, {device}; one step at a time")
    })
}

/// The probe's methods in a replay.
fn probe(methods: &Value) -> String {
    let told = methods.as_object().into_iter().flatten();
    let told: Vec<String> = told.filter_map(|(what, how)| Some(format!("{what}: {}", how.as_str()?))).collect();
    told.join("; ")
}

/// The facts of the manifest, in words.
fn facts(folder: &Folder) -> Vec<(&'static str, String)> {
    let manifest = &folder.manifest;
    let written = |key: &str| match &manifest[key] {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.as_u64().map_or(number.to_string(), |whole| grouped(whole as f64, 0)),
        _ => String::new(),
    };
    let tier = |side: &str| {
        let of = |key: &str| manifest[side][key].as_str().unwrap_or("?").to_owned();
        format!("{} on {}, {}", of("model"), of("device"), of("engine"))
    };
    let replications = folder.runs.cells.iter().map(|cell| folder.runs.seeds(cell).len()).max().unwrap_or(0);
    let tool = format!("{} {}, commit {}", written("tool"), written("tool_version"), written("commit"));
    let model = manifest["model_version"].as_u64().unwrap_or(0).to_string();
    let mut facts = vec![
        ("Mode", written("mode")),
        ("Backend", written("backend")),
        ("Remark", written("remark")),
        ("Executed by", executed(&manifest["replay"])),
        ("Probe", probe(&manifest["replay"]["probe"])),
        ("Edge", tier("edge")),
        ("Cloud", tier("cloud")),
        ("Policies", folder.runs.policies().join(", ")),
        ("Seed", manifest["seed"].to_string()),
        ("Replications", replications.to_string()),
        ("Points", written("points")),
        ("Runs", written("runs")),
        ("Runs that failed", written("failed_runs")),
        ("Requests", written("requests")),
        ("Events", written("events")),
        ("Tool", tool),
        ("Model version", model),
        ("Journal digest", written("journal_digest")),
    ];
    facts.retain(|(_, value)| !value.is_empty());
    facts
}
