//! The drawn figures, each as it stands in its file, those of one name side by side; and what is not drawn, and why.

use super::document::section as whole_section;
use super::folder::Folder;
use crate::figure::{FIGURES, Figure};
use maud::{Markup, PreEscaped, html};

pub(super) fn section(folders: &[Folder]) -> Markup {
    let is_drawn = |place: &usize| folders.iter().any(|folder| folder.figures[*place].is_some());
    let drawn: Vec<usize> = (0..FIGURES.len()).filter(is_drawn).collect();
    whole_section(
        "figures",
        "Figures",
        html! {
            @if drawn.is_empty() { p.note { "None is drawn yet: " code { "sim report" } " draws what these results have the data for." } }
            ul.index { @for place in &drawn { li { a href={ "#figure-" (FIGURES[*place].name) } { (FIGURES[*place].title) } } } }
        @for place in drawn { (figure(folders, place)) }
        },
    )
}

fn figure(folders: &[Folder], place: usize) -> Markup {
    let Figure { name, title, .. } = FIGURES[place];
    html! {
        section.drawn id={ "figure-" (name) } aria-label=(title) {
            // The drawing says it too.
            h3.unseen { (title) }
            div.beside {
                @for folder in folders {
                    @if let Some(svg) = &folder.figures[place] {
                        figure {
                            div.paper { (PreEscaped(svg)) }
                            figcaption {
                                @if let Some(name) = &folder.name { strong { (name) } " " }
                                span.files {
                                    code { (name) } " as "
                                    a href={ (folder.to_report) (name) ".svg" } { "SVG" } " · "
                                    a href={ (folder.to_report) (name) ".png" } { "PNG" }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Whether a figure of the list is not drawn in some folder.
pub(super) fn some_are_missing(folders: &[Folder]) -> bool {
    folders.iter().any(|folder| folder.figures.iter().any(Option::is_none))
}

pub(super) fn missing_section(folders: &[Folder]) -> Markup {
    if !some_are_missing(folders) {
        return html! {};
    }
    whole_section(
        "missing",
        "Figures that are not drawn",
        html! {
            @for folder in folders {
                @if let Some(name) = &folder.name { h3 { (name) } }
                ul.missing {
                    @for (figure, _) in FIGURES.iter().zip(&folder.figures).filter(|(_, svg)| svg.is_none()) {
                        li { strong { (figure.title) } " " code { (figure.name) } " — " (why(folder, figure)) }
                    }
                }
            }
        },
    )
}

/// What a figure lacks here.
fn why(folder: &Folder, figure: &Figure) -> String {
    let missing: Vec<String> =
        figure.needs.iter().filter(|table| !folder.has(table)).map(|table| format!("{table}.parquet")).collect();
    if missing.is_empty() {
        let tables: Vec<String> = figure.needs.iter().map(|table| format!("{table}.parquet")).collect();
        format!("{} is here, but does not have what it shows, or has too many points for it", tables.join(", "))
    } else {
        format!("needs {}, which is not here", missing.join(" and "))
    }
}
