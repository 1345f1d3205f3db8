//! The section on requests that were rejected and answers that were cut; there as soon as there is one.

use super::document::section as whole_section;
use super::folder::Folder;
use maud::{Markup, html};

/// Rows that the section shows, at most.
const MOST: usize = 100;

/// True if a folder has any.
pub(super) fn are_there(folders: &[Folder]) -> bool {
    folders.iter().any(|folder| !folder.shortfalls.is_empty())
}

pub(super) fn section(folders: &[Folder]) -> Markup {
    if !are_there(folders) {
        return html! {};
    }
    let several = folders.len() > 1;
    let rows = folders.iter().flat_map(|folder| folder.shortfalls.iter().map(move |told| (folder, told)));
    let rows: Vec<_> = rows.collect();
    whole_section(
        "shortfalls",
        "Rejected and cut",
        html! {
            p.warning {
                "Not every request was served as it was asked for. The figures are those of the answered requests alone."
            }
            @if rows.len() > MOST {
                p.note { "Shown are the first " (MOST) " of " (rows.len()) " rows; all stand in shortfalls.parquet." }
            }
            ul {
                @for (folder, told) in rows.iter().take(MOST) {
                    li {
                        @if several { (folder.name.as_deref().unwrap_or_default()) ": " }
                        (place(folder, &told.identity)) ": " (told.requests) " of " (told.of_requests) " requests "
                        (told.reason.words())
                    }
                }
            }
        },
    )
}

/// The policy and its point, as far as points differ.
fn place(folder: &Folder, identity: &[String]) -> String {
    let Some((policy, values)) = identity.split_first() else { return String::new() };
    let pairs = folder.runs.keys.iter().zip(values).enumerate();
    let varied = pairs.filter(|(key, _)| folder.runs.varies(*key)).map(|(_, (key, value))| (&**key, &**value));
    let at = crate::runs::place(varied);
    if at.is_empty() { policy.clone() } else { format!("{policy} at {at}") }
}
