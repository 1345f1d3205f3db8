//! M-RoPE: where each token of a prompt stands in time, height and width.
//!
//! Text counts on in all three. A picture's tokens share one time; height and width run over its merged grid. What follows a
//! picture starts behind the largest position so far, so that a prompt with pictures ends at a smaller position than its
//! length: their difference is the delta, by which all later tokens are shifted.

use crate::error::{Result, refused};

/// A grid of patches: frames, rows and columns, before merging.
pub type Grid = [u32; 3];

/// Positions of a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Positions {
    /// Time, height and width of every token.
    pub rows: [Vec<i64>; 3],
    /// What a token's place in the cache is shifted by, behind the prompt.
    pub delta: i64,
}

/// Tokens that a picture takes.
pub fn tokens(grid: Grid, merge: u32) -> usize {
    let [frames, rows, columns] = grid.map(|side| side as usize);
    let merge = merge.max(1) as usize;
    frames * (rows / merge) * (columns / merge)
}

/// A prompt with one token a picture becomes one with all.
///
/// # Errors
/// There are more or fewer such tokens than pictures.
pub fn expand(ids: &[u32], image_token: u32, grids: &[Grid], merge: u32) -> Result<Vec<u32>> {
    let there = ids.iter().filter(|id| **id == image_token).count();
    if there != grids.len() {
        return refused(format!(
            "the prompt has places for {there} images, and {} are given; expected one each",
            grids.len()
        ));
    }
    let mut grids = grids.iter();
    let mut expanded = Vec::with_capacity(ids.len());
    for id in ids {
        let times = if *id == image_token { grids.next().map_or(0, |grid| tokens(*grid, merge)) } else { 1 };
        expanded.extend(std::iter::repeat_n(*id, times));
    }
    Ok(expanded)
}

impl Positions {
    /// Of an expanded prompt.
    ///
    /// # Errors
    /// Its places for pictures are not those of the grids.
    pub fn of(ids: &[u32], image_token: u32, grids: &[Grid], merge: u32) -> Result<Self> {
        let places = ids.iter().filter(|id| **id == image_token).count();
        let needed: usize = grids.iter().map(|grid| tokens(*grid, merge)).sum();
        if places != needed {
            return refused(format!(
                "the prompt has {places} image tokens, and its {} images need {needed}; expected as many",
                grids.len()
            ));
        }
        let mut rows = [const { Vec::new() }; 3];
        let (mut next, mut at) = (0, 0);
        let mut grids = grids.iter();
        while at < ids.len() {
            if ids[at] == image_token
                && let Some(grid) = grids.next()
            {
                at += picture(&mut rows, *grid, merge, next);
                let largest = |row: &Vec<i64>| row.last().copied().unwrap_or(0);
                next = rows.iter().map(largest).max().unwrap_or(0) + 1;
            } else {
                rows.iter_mut().for_each(|row| row.push(next));
                next += 1;
                at += 1;
            }
        }
        Ok(Self { delta: next - ids.len() as i64, rows })
    }
}

/// Adds a picture's positions, from `start` on; how many they are.
fn picture(rows: &mut [Vec<i64>; 3], grid: Grid, merge: u32, start: i64) -> usize {
    let merge = merge.max(1);
    let sides = [grid[0], grid[1] / merge, grid[2] / merge].map(i64::from);
    for frame in 0..sides[0] {
        for row in 0..sides[1] {
            for column in 0..sides[2] {
                for (axis, offset) in rows.iter_mut().zip([frame, row, column]) {
                    axis.push(start + offset);
                }
            }
        }
    }
    tokens(grid, merge)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const IMAGE: u32 = 9;

    #[test]
    fn a_picture_between_words() {
        let ids = expand(&[1, 2, IMAGE, 3], IMAGE, &[[1, 4, 6]], 2).unwrap();
        assert_eq!(ids.len(), 3 + 6);
        let positions = Positions::of(&ids, IMAGE, &[[1, 4, 6]], 2).unwrap();
        assert_eq!(positions.rows[0], [0, 1, 2, 2, 2, 2, 2, 2, 5]);
        assert_eq!(positions.rows[1], [0, 1, 2, 2, 2, 3, 3, 3, 5]);
        assert_eq!(positions.rows[2], [0, 1, 2, 3, 4, 2, 3, 4, 5]);
        assert_eq!(positions.delta, 6 - 9);
    }

    #[test]
    fn pictures_without_places_are_refused() {
        assert!(expand(&[1], IMAGE, &[[1, 2, 2]], 2).unwrap_err().to_string().contains("places for 0 images, and 1"));
        assert!(Positions::of(&[IMAGE], IMAGE, &[[1, 4, 4]], 2).unwrap_err().to_string().contains("need 4"));
    }

    proptest! {
        /// Whatever the pictures: text positions go up by one, all rows are as long as the prompt, and the token behind the
        /// prompt stands behind all others.
        #[test]
        fn text_counts_on(words in prop::collection::vec(0_usize..4, 1..5), sides in prop::collection::vec((1_u32..6, 1_u32..6), 4)) {
            let mut ids = Vec::new();
            let mut grids = Vec::new();
            for (count, (rows, columns)) in words.iter().zip(&sides) {
                ids.extend(std::iter::repeat_n(1, *count));
                ids.push(IMAGE);
                grids.push([1, rows * 2, columns * 2]);
            }
            ids.push(1);
            let ids = expand(&ids, IMAGE, &grids, 2).unwrap();
            let positions = Positions::of(&ids, IMAGE, &grids, 2).unwrap();
            let next = ids.len() as i64 + positions.delta;
            for row in &positions.rows {
                prop_assert_eq!(row.len(), ids.len());
                prop_assert_eq!(*row.last().unwrap(), next - 1);
                prop_assert!(row.iter().all(|position| (0..next).contains(position)));
            }
            for at in 1..ids.len() {
                if ids[at] != IMAGE && ids[at - 1] != IMAGE {
                    prop_assert_eq!(positions.rows[0][at], positions.rows[0][at - 1] + 1);
                }
            }
        }

        #[test]
        fn without_pictures_positions_are_places(length in 1_usize..50) {
            let positions = Positions::of(&vec![1; length], IMAGE, &[], 2).unwrap();
            let places: Vec<i64> = (0..length as i64).collect();
            prop_assert_eq!(positions, Positions { rows: [places.clone(), places.clone(), places], delta: 0 });
        }
    }
}
