//! The resolved scenario, and the commands that give the same numbers again.

use super::document::section as whole_section;
use super::folder::Folder;
use maud::{Markup, html};
use tables::{StepRow, TableDoc, TokenRow};

pub(super) fn scenario_section(folders: &[Folder]) -> Markup {
    whole_section(
        "scenario",
        "The resolved scenario",
        html! {
            p.note { "Every key with its value, defaults included." }
            @for folder in folders {
                details {
                    summary { @if let Some(name) = &folder.name { (name) " · " } code { "scenario.toml" } }
                    pre tabindex="0" { code { (folder.scenario) } }
                }
            }
        },
    )
}

pub(super) fn section(folders: &[Folder]) -> Markup {
    whole_section(
        "reproduce",
        "How to reproduce",
        html! {
            p.note {
                "The same scenario, seed and version give the same numbers, whatever the number of threads."
            }
            @for folder in folders {
                @if let Some(name) = &folder.name { h3 { (name) } }
                pre tabindex="0" { code { (commands(folder)) } }
                @if let Some(digest) = folder.manifest["journal_digest"].as_str() {
                    p.note { "The digest of all events, in " code { "manifest.json" } ", is then " code { (digest) } " again." }
                }
            }
        },
    )
}

/// The commands to type.
fn commands(folder: &Folder) -> String {
    let manifest = |key: &str| folder.manifest[key].as_str().unwrap_or("unknown").to_owned();
    let checkout = match manifest("commit").as_str() {
        "unknown" => String::new(),
        commit => format!("git checkout {commit}\n"),
    };
    let flag = |table: &TableDoc| if folder.has(table) { format!(" --{}", table.name) } else { String::new() };
    let sweep = if folder.is_sweep() { "sweep " } else { "" };
    format!(
        "# {} {}: build it in its repository, and put target/release into the PATH\n{checkout}\
         cargo build --release --bin sim\n\n# in this results folder\n\
         sim {sweep}scenario.toml{}{} --out again\nsim report again\n",
        manifest("tool"),
        manifest("tool_version"),
        flag(&StepRow::DOC),
        flag(&TokenRow::DOC),
    )
}
