//! M-RoPE: where each token of a prompt stands in time, height and width.
//!
//! Text counts on in all three. A picture's tokens share one time; height and width run over its merged grid. What follows a
//! picture starts behind the largest position so far, so that a prompt with pictures ends at a smaller position than its
//! length: their difference is the delta, by which all later tokens are shifted.

use crate::error::{Result, refused};
use crate::patches::{Grid, tokens};
use crate::pruning::View;

/// Positions of a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Positions {
    /// Time, height and width of every token.
    pub rows: [Vec<i64>; 3],
    /// Shift from a token's index in the cache to its position, behind the prompt.
    pub delta: i64,
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
    /// The positions of an expanded prompt that has these views of its pictures.
    ///
    /// Pruning moves nothing. A kept token has its position in the whole picture, and the text that follows starts
    /// behind the whole picture. The delta then makes up for the missing tokens too.
    ///
    /// # Errors
    /// Its places for pictures are not those of the views.
    pub fn of(ids: &[u32], image_token: u32, views: &[View]) -> Result<Self> {
        let places = ids.iter().filter(|id| **id == image_token).count();
        let needed: usize = views.iter().map(View::tokens).sum();
        if places != needed {
            return refused(format!(
                "the prompt has {places} image tokens, and its {} images need {needed}; expected as many",
                views.len()
            ));
        }
        let mut rows = [const { Vec::new() }; 3];
        let (mut next, mut at) = (0, 0);
        let mut views = views.iter();
        while at < ids.len() {
            if ids[at] == image_token
                && let Some(view) = views.next()
            {
                for offsets in view.offsets() {
                    rows.iter_mut().zip(offsets).for_each(|(row, offset)| row.push(next + offset as i64));
                }
                at += view.tokens();
                next += view.sides().into_iter().max().unwrap_or(0) as i64;
            } else {
                rows.iter_mut().for_each(|row| row.push(next));
                next += 1;
                at += 1;
            }
        }
        Ok(Self { delta: next - ids.len() as i64, rows })
    }
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
        let positions = Positions::of(&ids, IMAGE, &[View::whole([1, 4, 6], 2)]).unwrap();
        assert_eq!(positions.rows[0], [0, 1, 2, 2, 2, 2, 2, 2, 5]);
        assert_eq!(positions.rows[1], [0, 1, 2, 2, 2, 3, 3, 3, 5]);
        assert_eq!(positions.rows[2], [0, 1, 2, 3, 4, 2, 3, 4, 5]);
        assert_eq!(positions.delta, 6 - 9);
    }

    #[test]
    fn what_is_kept_of_a_picture_stays_where_it_was() {
        let view = View::whole([1, 4, 6], 2).keep(vec![1, 5]).unwrap();
        let positions = Positions::of(&[1, 2, IMAGE, IMAGE, 3], IMAGE, &[view]).unwrap();
        assert_eq!(positions.rows, [[0, 1, 2, 2, 5], [0, 1, 2, 3, 5], [0, 1, 3, 4, 5]].map(|row| row.to_vec()));
        // The token behind the prompt stands at 6, as behind the whole prompt of 9.
        assert_eq!(positions.delta, 6 - 5);
    }

    #[test]
    fn pictures_without_places_are_refused() {
        assert!(expand(&[1], IMAGE, &[[1, 2, 2]], 2).unwrap_err().to_string().contains("places for 0 images, and 1"));
        assert!(
            Positions::of(&[IMAGE], IMAGE, &[View::whole([1, 4, 4], 2)]).unwrap_err().to_string().contains("need 4")
        );
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
            let views: Vec<_> = grids.iter().map(|grid| View::whole(*grid, 2)).collect();
            let positions = Positions::of(&ids, IMAGE, &views).unwrap();
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
            let positions = Positions::of(&vec![1; length], IMAGE, &[]).unwrap();
            let places: Vec<i64> = (0..length as i64).collect();
            prop_assert_eq!(positions, Positions { rows: [places.clone(), places.clone(), places], delta: 0 });
        }
    }
}
