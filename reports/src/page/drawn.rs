//! The drawn figures, each as it stands in its file, those of one name side by side; and what is not drawn, and why.

use super::document::section as whole_section;
use super::folder::Folder;
use crate::figure::lacking::origin;
use crate::figure::{FIGURES, Figure};
use crate::timeline;
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
                            // On a narrow screen it scrolls, with the keyboard too.
                            div.paper tabindex="0" role="group" aria-label=(title) { (PreEscaped(svg)) }
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

/// True if a figure of the list is not drawn in some folder.
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
                (missing(folder))
            }
        },
    )
}

/// The figures that are not drawn in a folder: for lack of tables, or because the scenario does not ask for them.
fn missing(folder: &Folder) -> Markup {
    let undrawn = FIGURES.iter().zip(&folder.figures).filter(|(_, svg)| svg.is_none()).map(|(figure, _)| figure);
    let (lacking, others): (Vec<&Figure>, Vec<&Figure>) = undrawn.partition(|figure| !lacks(folder, figure).is_empty());
    html! {
        ul.missing {
            @for figure in lacking { li { (figure.title) " " code { (figure.name) } ": needs " (lacks(folder, figure).join(" and ")) } }
            @if !folder.has(timeline::NEEDS) { li { "Timeline " code { (timeline::FILE) } ": needs " (origin(timeline::NEEDS)) } }
            @for figure in &others { li { (figure.title) " " code { (figure.name) } } }
        }
        @if !others.is_empty() {
            p.note { "Figures that need no other file show a key or metric that this scenario does not vary or measure, or it has too many points for them." }
        }
    }
}

/// Tables that a figure needs and the folder does not have, and how to come by them.
fn lacks(folder: &Folder, figure: &Figure) -> Vec<String> {
    figure.lacks(&folder.path).map(origin).collect()
}
