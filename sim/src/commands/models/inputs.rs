//! The input of a model: text and pictures, or stored tokens and pixels.

use super::args::Run;
use crate::terminal::{Failure, say};
use backends::onnx::npy::{self, Values};
use backends::onnx::{Grid, Model, Patches, Picture, Prompt, tokens};
use std::path::Path;

/// The prompt that was asked for.
pub fn prompt(asked: &Run, model: &Model) -> Result<Prompt, Failure> {
    let images = images(asked, model)?;
    if let Some(file) = &asked.ids {
        let ids = ids(file)?;
        let config = &model.folder().config;
        let places = ids.iter().filter(|id| **id == config.image_token).count();
        let needed: usize = images.iter().map(|image| tokens(image.grid, config.merge)).sum();
        // Stored tokens are expanded, unless they have one place an image.
        let expanded = places == needed || places != images.len();
        return Ok(model.prompt(&ids, images, expanded)?);
    }
    let rendered = match (&asked.rendered, &asked.prompt) {
        (Some(rendered), _) => rendered.clone(),
        (None, question) => model.text().rendered(images.len(), question.as_deref().unwrap_or_default())?,
    };
    Ok(model.prompt(&model.text().tokens(&rendered)?, images, false)?)
}

/// All images as patches: stored ones as they are, the others decoded and cut.
fn images(asked: &Run, model: &Model) -> Result<Vec<Patches>, Failure> {
    let decoded = || {
        let read = |file: &std::path::PathBuf| {
            let picture = Picture::read(file)?;
            let patches = model.preprocessing().patches(&picture);
            patches.map_err(|error| Failure::refused(format!("{}: {error}", file.display())))
        };
        asked.image.iter().map(read).collect::<Result<Vec<_>, _>>()
    };
    if asked.pixels.is_empty() {
        return decoded();
    }
    let count = asked.pixels.len();
    let told = |what: &str, number: usize| {
        Failure::refused(format!("{number} {what} for {count} --pixels; expected one each, or none"))
    };
    if !asked.grid.is_empty() && asked.grid.len() != count {
        return Err(told("--grid", asked.grid.len()));
    }
    if !asked.image.is_empty() && asked.image.len() != count {
        return Err(told("--image", asked.image.len()));
    }
    let mut grids = asked.grid.iter().map(|grid| written(grid)).collect::<Result<Vec<_>, _>>()?;
    if grids.is_empty() {
        grids = decoded()?.into_iter().map(|image| image.grid).collect();
    }
    let stored = |(at, file): (usize, &std::path::PathBuf)| stored(file, grids.get(at).copied(), model);
    asked.pixels.iter().enumerate().map(stored).collect()
}

/// Stored pixels: `[patches, values]`.
fn stored(file: &Path, grid: Option<Grid>, model: &Model) -> Result<Patches, Failure> {
    let width = model.preprocessing().patch_values();
    let array = npy::read(file)?;
    let (rows, values) = match (array.shape.as_slice(), array.values) {
        ([rows, columns], Values::Floats(values)) if *columns == width => (*rows, values),
        (shape, _) => {
            let shape = shape.to_vec();
            return Err(Failure::refused(format!(
                "{}: an array of shape {shape:?}, expected floats of shape [patches, {width}]",
                file.display()
            )));
        }
    };
    let grid = match grid {
        Some(grid) => grid,
        None => squarest(file, rows, model.folder().config.merge)?,
    };
    if grid.iter().map(|side| *side as usize).product::<usize>() != rows {
        return Err(Failure::refused(format!("{}: {rows} patches, expected those of a grid {grid:?}", file.display())));
    }
    Ok(Patches { grid, values })
}

/// The most square grid of whole merged patches, landscape where it is not square: a file of pixels does not have its own.
fn squarest(file: &Path, patches: usize, merge: u32) -> Result<Grid, Failure> {
    let side = merge.max(1) as usize;
    let blocks = patches / (side * side);
    let rows = (1..=blocks).take_while(|rows| rows * rows <= blocks).filter(|rows| blocks.is_multiple_of(*rows)).last();
    let Some(rows) = rows.filter(|_| blocks * side * side == patches) else {
        return Err(Failure::refused(format!(
            "{}: {patches} patches, expected a multiple of {}",
            file.display(),
            side * side
        )));
    };
    let grid = [1, rows * side, blocks / rows * side].map(|side| u32::try_from(side).unwrap_or(u32::MAX));
    if rows != 1 || blocks != 1 {
        say(format_args!(
            "sim: warning: {}: its {patches} patches are taken as a grid of {} x {}; say --grid 1,ROWS,COLUMNS if it is another",
            file.display(),
            grid[1],
            grid[2]
        ));
    }
    Ok(grid)
}

/// A grid as it is written: `1,8,8`.
fn written(grid: &str) -> Result<Grid, Failure> {
    let sides: Option<Vec<u32>> =
        grid.split([',', 'x']).map(|side| side.trim().parse().ok().filter(|n| *n > 0)).collect();
    sides.and_then(|sides| Grid::try_from(sides).ok()).ok_or_else(|| {
        Failure::refused(format!("--grid {grid}: expected frames, rows and columns of patches, for instance 1,8,8"))
    })
}

/// Stored tokens: an array of NumPy's, or numbers between brackets, commas and spaces.
fn ids(file: &Path) -> Result<Vec<u32>, Failure> {
    let told =
        |found: &str| Failure::refused(format!("{}: found {found}, expected whole numbers below 2^32", file.display()));
    if file.extension().is_some_and(|ending| ending == "npy") {
        return match npy::read(file)?.values {
            Values::Integers(ids) => {
                ids.iter().map(|id| u32::try_from(*id).map_err(|_| told(&id.to_string()))).collect()
            }
            Values::Floats(_) => Err(told("floats")),
        };
    }
    let text = traces::input::read_text(file).map_err(|error| Failure::io("read", file, &error))?;
    let words = text.split(|c: char| c.is_whitespace() || "[],".contains(c)).filter(|word| !word.is_empty());
    words.map(|word| word.parse().map_err(|_| told(&format!("`{word}`")))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grids_are_written_or_guessed() {
        assert_eq!(written("1,8,6").unwrap(), [1, 8, 6]);
        assert_eq!(written("1x8x6").unwrap(), [1, 8, 6]);
        assert!(written("8,6").unwrap_err().to_string().contains("for instance 1,8,8"));
        let guess = |patches| squarest(Path::new("p.npy"), patches, 2);
        assert_eq!(guess(64).unwrap(), [1, 8, 8]);
        assert_eq!(guess(48).unwrap(), [1, 6, 8]);
        assert!(guess(6).unwrap_err().to_string().contains("6 patches, expected a multiple of 4"));
        assert!(guess(0).is_err());
    }

    #[test]
    fn tokens_are_read_from_text() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ids.json");
        std::fs::write(&file, "[1, 2,\n 3]").unwrap();
        assert_eq!(ids(&file).unwrap(), [1, 2, 3]);
        std::fs::write(&file, "[1, -2]").unwrap();
        assert!(ids(&file).unwrap_err().to_string().contains("found `-2`"));
    }
}
