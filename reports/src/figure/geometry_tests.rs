//! Every figure, drawn from folders that are hard to draw: no text covers another, is struck through, leaves the sheet or is too
//! pale to be read.

use super::{FIGURES, Figure, Folder};
use crate::fixture::awkward::{self, Awkward};
use rayon::prelude::*;

/// The figures of a folder: name and defects of each.
///
/// With `FIGURES_OUT=FOLDER` they are written there too, to be looked at.
fn looked_at(awkward: &Awkward) -> Vec<(&'static str, Vec<String>)> {
    let written = awkward.write();
    let folder = Folder::new(written.path());
    let there = FIGURES.iter().filter(|figure| figure.lacks(written.path()).next().is_none());
    let look = |figure: &Figure| {
        let prepared = (figure.prepare)(&folder).unwrap_or_else(|error| panic!("{}: {error}", figure.name));
        let drawing = prepared?;
        let defects = drawing::geometry(&*drawing).expect("a drawing").defects();
        if let Ok(into) = std::env::var("FIGURES_OUT") {
            let file = format!("{into}/{}-{}.png", figure.name, awkward.name.replace(' ', "_"));
            std::fs::write(file, drawing::png(&*drawing).expect("a drawing")).expect("a file");
        }
        let told = |defect| format!("{} of {}: {defect}", figure.name, awkward.name);
        Some((figure.name, defects.into_iter().map(told).collect()))
    };
    there.filter_map(look).collect()
}

#[test]
fn no_text_of_a_figure_is_hidden_cut_or_pale() {
    let all: Vec<(&str, Vec<String>)> = awkward::all().par_iter().flat_map(looked_at).collect();
    let drawn = |name: &str| all.iter().any(|(own, _)| *own == name);
    let undrawn: Vec<&str> = FIGURES.iter().map(|figure| figure.name).filter(|name| !drawn(name)).collect();
    let defects: Vec<&str> = all.iter().flat_map(|(_, defects)| defects).map(String::as_str).collect();
    assert!(undrawn.is_empty(), "drawn from no folder: {undrawn:?}");
    assert!(defects.is_empty(), "{} defects:\n{}", defects.len(), defects.join("\n"));
}
