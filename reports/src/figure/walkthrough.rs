//! The walk-through of CONTRIBUTING.md is true: its figure compiles as it stands, and its lines are like the others.

// The names that a file of this folder finds in `super`.
use super::{Figure, Folder, Prepared, layout};

mod energy_by_rate;

use crate::fixture::{self, Cell};

const CONTRIBUTING: &str = include_str!("../../../CONTRIBUTING.md");

fn svg(cells: &[Cell]) -> Option<String> {
    let folder = fixture::folder(cells);
    let figure = energy_by_rate::FIGURE;
    let drawing = (figure.prepare)(&Folder::new(folder.path())).expect("tables that can be read")?;
    Some(drawing::svg(&*drawing, figure.title).expect("a drawing"))
}

#[test]
fn the_figure_is_drawn() {
    let rate = ("output_tokens_per_s", [20.0, 30.0].as_slice());
    let cell = |metrics: &[(&'static str, &[f64])]| Cell::new("msao", "0.3", metrics);
    let drawn = svg(&[cell(&[rate, ("energy_j_per_request", &[90.0, 110.0])])]).expect("a figure");
    for text in ["Energy against output rate", "msao", "output, tokens/s", "energy, J a request"] {
        assert!(drawn.contains(&format!("\n{text}\n")), "{text} in {drawn}");
    }
    assert_eq!(svg(&[cell(&[rate])]), None, "a metric that is not there has no figure");
}

#[test]
fn the_document_has_the_file_verbatim() {
    let file = include_str!("walkthrough/energy_by_rate.rs");
    assert!(CONTRIBUTING.contains(&format!("```rust\n{file}```\n")), "copy walkthrough/energy_by_rate.rs into it");
}

/// The two lines, put for `mindfusion_traffic`, are those that the house has, and a figure stands nowhere else.
#[test]
fn the_lines_are_like_the_others() {
    let lines = |name: &str| [format!("\nmod {name};\n"), format!("    {name}::FIGURE,\n")];
    let (code, _) = include_str!("mod.rs").split_once("#[cfg(test)]").expect("code and tests");
    for (ours, example) in lines("mindfusion_traffic").iter().zip(lines("energy_by_rate")) {
        assert!(code.contains(ours), "{ours}");
        assert!(CONTRIBUTING.contains(&example), "{example}");
    }
    assert_eq!(code.matches("mindfusion_traffic").count(), 2);
}
