//! Pruned pictures: the rows and columns that the vision tower encodes, and the tokens that the language model reads.
//!
//! Towers take whole grids. So before a tower, whole rows and columns of merged patches are dropped
//! ([`View::drop_lines`]). Behind a tower, any tokens may be kept ([`View::keep`]). A kept token stands where it
//! stands in the whole picture, and the text behind the picture goes on as if nothing were missing: neighbours keep
//! their distances, and pruning moves no word. Which tokens are worth keeping is the caller's affair; importances come
//! in as plain numbers.

use crate::error::{Result, refused};
use crate::patches::{Grid, Patches};
use std::cmp::Ordering;

/// The part of one picture that a prompt has, in merged patches: one of them is one token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Frames, rows and columns of the whole picture.
    sides: [usize; 3],
    /// Rows and columns of it that the tower encodes, ascending.
    rows: Vec<usize>,
    columns: Vec<usize>,
    /// Tokens that the language model reads, as places in the whole picture, row by row, ascending.
    kept: Vec<usize>,
}

impl View {
    /// All of a picture of these patches, of which `merge` times `merge` become one token.
    pub fn whole(grid: Grid, merge: u32) -> Self {
        let merge = merge.max(1);
        let sides = [grid[0], grid[1] / merge, grid[2] / merge].map(|side| side as usize);
        let [frames, rows, columns] = sides;
        Self {
            sides,
            rows: (0..rows).collect(),
            columns: (0..columns).collect(),
            kept: (0..frames * rows * columns).collect(),
        }
    }

    /// Frames, rows and columns of the whole picture, in merged patches.
    pub fn sides(&self) -> [usize; 3] {
        self.sides
    }

    /// Tokens that the language model reads.
    pub fn tokens(&self) -> usize {
        self.kept.len()
    }

    /// Tokens of the whole picture.
    pub fn whole_tokens(&self) -> usize {
        self.sides.iter().product()
    }

    /// Tokens that the tower encodes.
    pub fn encoded_tokens(&self) -> usize {
        self.sides[0] * self.rows.len() * self.columns.len()
    }

    /// Places of the tokens that the language model reads, in the whole picture, row by row.
    pub fn kept(&self) -> &[usize] {
        &self.kept
    }

    /// True if nothing is missing.
    pub fn is_whole(&self) -> bool {
        self.kept.len() == self.whole_tokens() && self.encoded_tokens() == self.whole_tokens()
    }

    /// Drops rows and columns before the tower, as long as at least `tokens` of the picture's tokens are left, and one.
    ///
    /// One at a time, the row or column goes whose tokens that are left have the least mean importance, of those that may go;
    /// of equals the one of the longer side, then the last. `importance` has a number a token of the whole picture.
    ///
    /// # Errors
    /// There are more or fewer numbers than tokens, or single tokens were dropped before.
    pub fn drop_lines(mut self, importance: &[f32], tokens: usize) -> Result<Self> {
        self.expect_numbers(importance)?;
        if self.tokens() < self.encoded_tokens() {
            return refused("lines of a picture that has lost single tokens; expected lines to be dropped first");
        }
        let least = tokens.clamp(1, self.whole_tokens().max(1));
        loop {
            let [rows, columns] = [self.rows.len(), self.columns.len()];
            let left = |rows: usize, columns: usize| self.sides[0] * rows * columns;
            let mut lines = Vec::new();
            if rows > 1 && left(rows - 1, columns) >= least {
                lines.extend(
                    (0..rows).map(|at| (self.mean(importance, &self.rows[at..=at], &self.columns), rows, at, true)),
                );
            }
            if columns > 1 && left(rows, columns - 1) >= least {
                let mean = |at: usize| self.mean(importance, &self.rows, &self.columns[at..=at]);
                lines.extend((0..columns).map(|at| (mean(at), columns, at, false)));
            }
            let order = |a: &(f64, usize, usize, bool), b: &(f64, usize, usize, bool)| -> Ordering {
                a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)).then(b.2.cmp(&a.2))
            };
            match lines.into_iter().min_by(order) {
                Some((.., at, true)) => _ = self.rows.remove(at),
                Some((.., at, false)) => _ = self.columns.remove(at),
                None => break,
            }
        }
        let kept = std::mem::take(&mut self.kept);
        self.kept = kept.into_iter().filter(|place| self.encoded(*place).is_some()).collect();
        Ok(self)
    }

    /// Keeps these tokens of those that are left, and no others, for the language model; the tower encodes what it did.
    ///
    /// # Errors
    /// There are none, one of them is not left, or they do not ascend.
    pub fn keep(self, places: Vec<usize>) -> Result<Self> {
        let ascend = places.windows(2).all(|pair| pair[0] < pair[1]);
        if places.is_empty() || !ascend || !places.iter().all(|place| self.kept.binary_search(place).is_ok()) {
            return refused(format!(
                "{} tokens to keep of a picture that has {}; expected some of them, in ascending order",
                places.len(),
                self.kept.len()
            ));
        }
        Ok(Self { kept: places, ..self })
    }

    /// Mean importance of the tokens in these rows and columns; what is no number counts as none.
    fn mean(&self, importance: &[f32], rows: &[usize], columns: &[usize]) -> f64 {
        let [frames, height, width] = self.sides;
        let mut sum = 0.0;
        for frame in 0..frames {
            for row in rows {
                let start = (frame * height + row) * width;
                let numbers = columns.iter().map(|column| f64::from(importance[start + column]));
                sum += numbers.filter(|number| !number.is_nan()).sum::<f64>();
            }
        }
        sum / (frames * rows.len() * columns.len()).max(1) as f64
    }

    /// The row of the tower's output that a place of the whole picture has become, if it is encoded.
    fn encoded(&self, place: usize) -> Option<usize> {
        let [frame, row, column] = self.at(place);
        let (row, column) = (self.rows.binary_search(&row).ok()?, self.columns.binary_search(&column).ok()?);
        Some((frame * self.rows.len() + row) * self.columns.len() + column)
    }

    /// Frame, row and column of a place of the whole picture.
    fn at(&self, place: usize) -> [usize; 3] {
        let [_, height, width] = self.sides;
        [place / (height * width), place / width % height, place % width]
    }

    /// Frame, row and column of each token that is kept.
    pub(crate) fn offsets(&self) -> impl Iterator<Item = [usize; 3]> {
        self.kept.iter().map(|place| self.at(*place))
    }

    /// The rows of the tower's output that the language model reads; `None` if it reads all of them.
    pub(crate) fn features(&self) -> Option<Vec<usize>> {
        let rows = || self.kept.iter().map(|place| self.encoded(*place).expect("what is kept is encoded"));
        (self.kept.len() < self.encoded_tokens()).then(|| rows().collect())
    }

    /// The part of the whole picture that the tower encodes.
    pub(crate) fn patches(&self, whole: &Patches) -> Patches {
        if self.encoded_tokens() == self.whole_tokens() {
            return whole.clone();
        }
        let [frames, height, width] = self.sides;
        // Patches lie token by token, so a token is a run of values.
        let token = whole.values.len() / self.whole_tokens();
        let mut values = Vec::with_capacity(self.encoded_tokens() * token);
        for frame in 0..frames {
            for row in &self.rows {
                for column in &self.columns {
                    let start = ((frame * height + row) * width + column) * token;
                    values.extend_from_slice(&whole.values[start..start + token]);
                }
            }
        }
        let side = |whole: u32, all: usize, left: usize| whole / all as u32 * left as u32;
        let [frames, rows, columns] = whole.grid;
        let grid = [frames, side(rows, height, self.rows.len()), side(columns, width, self.columns.len())];
        Patches { grid, values }
    }

    fn expect_numbers(&self, importance: &[f32]) -> Result<()> {
        if importance.len() == self.whole_tokens() {
            return Ok(());
        }
        refused(format!(
            "{} importances for a picture of {} tokens; expected one each",
            importance.len(),
            self.whole_tokens()
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 3 rows of 4 tokens, 2 x 2 patches of one value each: that of their token.
    fn picture() -> (Patches, View) {
        let values = (0..12_u8).flat_map(|token| [f32::from(token); 4]).collect();
        (Patches { grid: [1, 6, 8], values }, View::whole([1, 6, 8], 2))
    }

    #[test]
    fn a_whole_view_changes_nothing() {
        let (patches, view) = picture();
        assert!(view.is_whole());
        assert_eq!((view.tokens(), view.encoded_tokens(), view.whole_tokens()), (12, 12, 12));
        assert_eq!(view.patches(&patches), patches);
        assert_eq!(view.features(), None);
        assert_eq!(view.clone().drop_lines(&[0.0; 12], 12).unwrap(), view);
        assert_eq!(view.clone().keep((0..12).collect()).unwrap(), view);
    }

    #[test]
    fn lines_of_least_importance_are_dropped() {
        let (patches, view) = picture();
        #[rustfmt::skip]
        let importance = [
            0.9, 0.1, 0.9, 0.9,
            0.2, 0.2, 0.2, 0.2,
            0.9, 0.1, 0.9, 0.9,
        ];
        // Of 12: column 1 (mean .133) leaves 9, row 1 then (.2) 6, which is what is wanted.
        let dropped = view.drop_lines(&importance, 6).unwrap();
        assert_eq!((&dropped.rows[..], &dropped.columns[..]), (&[0, 2][..], &[0, 2, 3][..]));
        assert_eq!(dropped.kept, [0, 2, 3, 8, 10, 11]);
        assert_eq!(dropped.features(), None);
        let smaller = dropped.patches(&patches);
        assert_eq!(smaller.grid, [1, 4, 6]);
        let tokens: Vec<_> = smaller.values.chunks(4).map(|token| token[0]).collect();
        assert_eq!(tokens, [0.0, 2.0, 3.0, 8.0, 10.0, 11.0]);
        // Of those the tower's second and last are given on.
        let kept = dropped.keep(vec![2, 11]).unwrap();
        assert_eq!((kept.encoded_tokens(), kept.features()), (6, Some(vec![1, 5])));
        assert_eq!(kept.offsets().collect::<Vec<_>>(), [[0, 0, 2], [0, 2, 3]]);
    }

    #[test]
    fn of_equals_the_longer_side_goes() {
        let even = View::whole([1, 8, 8], 2).drop_lines(&[0.5; 16], 4).unwrap();
        assert_eq!((&even.rows[..], &even.columns[..]), (&[0, 1][..], &[0, 1][..]));
        let least = View::whole([1, 8, 8], 2).drop_lines(&[0.5; 16], 0).unwrap();
        assert_eq!(least.kept, [0]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let (_, view) = picture();
        let told = |result: Result<View>| result.unwrap_err().to_string();
        assert!(told(view.clone().drop_lines(&[0.0; 3], 1)).contains("3 importances for a picture of 12 tokens"));
        let spotted = view.clone().keep(vec![1, 6]).unwrap();
        assert!(told(spotted.drop_lines(&[0.0; 12], 1)).contains("expected lines to be dropped first"));
        for places in [vec![], vec![12], vec![3, 2], vec![2, 2]] {
            assert!(told(view.clone().keep(places)).contains("expected some of them, in ascending order"));
        }
    }

    proptest! {
        /// The grid that is left has at least what was asked for, and no line more could go; its tokens stand where they did.
        #[test]
        fn as_few_lines_are_left_as_can_be(
            rows in 1_u32..7, columns in 1_u32..7, numbers in prop::collection::vec(0_f32..1.0, 36), share in 0_f64..1.0
        ) {
            let view = View::whole([1, rows * 2, columns * 2], 2);
            let all = view.whole_tokens();
            let wanted = ((all as f64 * share).ceil() as usize).max(1);
            let dropped = view.drop_lines(&numbers[..all], wanted).unwrap();
            let (rows, columns) = (dropped.rows.len(), dropped.columns.len());
            prop_assert_eq!(dropped.tokens(), rows * columns);
            prop_assert!(rows * columns >= wanted);
            prop_assert!(rows == 1 || (rows - 1) * columns < wanted);
            prop_assert!(columns == 1 || rows * (columns - 1) < wanted);
            let places = dropped.offsets().map(|[_, row, column]| (row, column)).collect::<Vec<_>>();
            prop_assert!(places.is_sorted());
            prop_assert!(places.iter().all(|(row, column)| dropped.rows.contains(row) && dropped.columns.contains(column)));
        }
    }
}
