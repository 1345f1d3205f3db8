//! Pictures as towers see them: grids of patches.

/// A grid of patches: frames, rows and columns, before merging.
pub type Grid = [u32; 3];

/// A picture cut into patches.
#[derive(Clone, Debug, PartialEq)]
pub struct Patches {
    /// Frames, rows and columns of patches.
    pub grid: Grid,
    /// All values, patch by patch.
    pub values: Vec<f32>,
}

/// Tokens that a picture takes.
pub fn tokens(grid: Grid, merge: u32) -> usize {
    let [frames, rows, columns] = grid.map(|side| side as usize);
    let merge = merge.max(1) as usize;
    frames * (rows / merge) * (columns / merge)
}
