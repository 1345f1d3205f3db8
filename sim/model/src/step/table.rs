//! Measured durations over new tokens, context and batch, linear between them and never falling.
//!
//! A table has no answer outside of its grid, or in holes of it.

use serde::{Deserialize, Serialize};

/// One measured point: new tokens of an item, its context, items, and the duration in milliseconds.
pub type MeasuredPoint = ([f64; 3], f64);

/// A grid of durations; see the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// New tokens of each item, ascending.
    pub tokens: Vec<f64>,
    /// Tokens that each item has in the cache, ascending.
    pub context_tokens: Vec<f64>,
    /// Items, ascending.
    pub batch: Vec<f64>,
    /// Duration of each cell, ms: batch within context within tokens; below 0 where nothing was measured.
    pub duration_ms: Vec<f64>,
}

/// The entry of a cell without a measurement.
const HOLE: f64 = -1.0;

/// The two knots around a place, and how far it is from the first towards the second.
#[derive(Clone, Copy)]
struct Between {
    low: usize,
    high: usize,
    share: f64,
}

fn between(knots: &[f64], at: f64) -> Option<Between> {
    let (first, last) = (*knots.first()?, *knots.last()?);
    // Knots are whole numbers, but for means over a generation.
    if at < first - 0.5 || at > last + 0.5 {
        return None;
    }
    let at = at.clamp(first, last);
    let high = knots.partition_point(|knot| *knot < at);
    if high == 0 || knots[high] == at {
        return Some(Between { low: high, high, share: 0.0 });
    }
    let (low, above) = (knots[high - 1], knots[high]);
    Some(Between { low: high - 1, high, share: (at - low) / (above - low) })
}

impl Table {
    /// The table of measured points: the mean of those that coincide, holes between neighbours of a line filled linearly,
    /// and then raised where it would fall. `None` without any point.
    pub fn of(points: &[MeasuredPoint]) -> Option<Self> {
        let knots = |axis: usize| {
            let mut knots: Vec<f64> = points.iter().map(|(at, _)| at[axis]).collect();
            knots.sort_by(f64::total_cmp);
            knots.dedup();
            knots
        };
        let (tokens, context_tokens, batch) = (knots(0), knots(1), knots(2));
        if points.is_empty() {
            return None;
        }
        let cells = tokens.len() * context_tokens.len() * batch.len();
        let mut table = Self { tokens, context_tokens, batch, duration_ms: vec![HOLE; cells] };
        let mut sums = vec![(0.0, 0u32); cells];
        for (at, duration_ms) in points {
            let place = table.place_of(*at);
            sums[place].0 += duration_ms;
            sums[place].1 += 1;
        }
        for (cell, (sum, count)) in table.duration_ms.iter_mut().zip(sums) {
            if count > 0 {
                *cell = sum / f64::from(count);
            }
        }
        table.fill();
        table.raise();
        Some(table)
    }

    /// Checks that the grid is whole. The error says what is wrong.
    pub fn check(&self) -> Result<(), &'static str> {
        let ascending = |knots: &[f64]| !knots.is_empty() && knots.windows(2).all(|pair| pair[0] < pair[1]);
        match self {
            _ if !ascending(&self.tokens) => Err("tokens"),
            _ if !ascending(&self.context_tokens) => Err("context_tokens"),
            _ if !ascending(&self.batch) => Err("batch"),
            _ if self.duration_ms.len() != self.tokens.len() * self.context_tokens.len() * self.batch.len() => {
                Err("duration_ms")
            }
            _ if self.duration_ms.iter().any(|ms| !ms.is_finite() || *ms == 0.0) => Err("duration_ms"),
            _ => Ok(()),
        }
    }

    fn lengths(&self) -> [usize; 3] {
        [self.tokens.len(), self.context_tokens.len(), self.batch.len()]
    }

    fn index(&self, at: [usize; 3]) -> usize {
        (at[0] * self.context_tokens.len() + at[1]) * self.batch.len() + at[2]
    }

    fn place_of(&self, at: [f64; 3]) -> usize {
        let place = |knots: &[f64], at: f64| knots.partition_point(|knot| *knot < at);
        self.index([place(&self.tokens, at[0]), place(&self.context_tokens, at[1]), place(&self.batch, at[2])])
    }

    /// Duration at a point, ms; `None` outside of the measured grid.
    #[inline]
    pub fn ms(&self, tokens: f64, context_tokens: f64, batch: f64) -> Option<f64> {
        let axes = [
            between(&self.tokens, tokens)?,
            between(&self.context_tokens, context_tokens)?,
            between(&self.batch, batch)?,
        ];
        let mut sum = 0.0;
        for corner in 0..8usize {
            let mut weight = 1.0;
            let mut at = [0; 3];
            for (axis, between) in axes.iter().enumerate() {
                let high = corner >> axis & 1 == 1;
                weight *= if high { between.share } else { 1.0 - between.share };
                at[axis] = if high { between.high } else { between.low };
            }
            if weight > 0.0 {
                let ms = self.duration_ms[self.index(at)];
                if ms < 0.0 {
                    return None;
                }
                sum += weight * ms;
            }
        }
        Some(sum)
    }

    /// The place of a cell along the axes.
    fn at(&self, cell: usize) -> [usize; 3] {
        let [_, contexts, batches] = self.lengths();
        [cell / batches / contexts, cell / batches % contexts, cell % batches]
    }

    fn knots(&self, axis: usize) -> &[f64] {
        [&self.tokens, &self.context_tokens, &self.batch][axis]
    }

    /// Fills holes that lie between two known cells of a line, as often as that finds any.
    fn fill(&mut self) {
        loop {
            let holes = (0..self.duration_ms.len()).filter(|cell| self.duration_ms[*cell] < 0.0);
            let filled: Vec<(usize, f64)> = holes.filter_map(|cell| Some((cell, self.filling(cell)?))).collect();
            if filled.is_empty() {
                return;
            }
            for (cell, ms) in filled {
                self.duration_ms[cell] = ms;
            }
        }
    }

    /// The mean of the interpolations along the lines through a hole.
    fn filling(&self, cell: usize) -> Option<f64> {
        let at = self.at(cell);
        let along = |axis: usize| {
            let known = |place: &usize| {
                let mut other = at;
                other[axis] = *place;
                let ms = self.duration_ms[self.index(other)];
                (ms > 0.0).then_some((self.knots(axis)[*place], ms))
            };
            let below = (0..at[axis]).rev().find_map(|place| known(&place))?;
            let above = (at[axis] + 1..self.lengths()[axis]).find_map(|place| known(&place))?;
            let share = (self.knots(axis)[at[axis]] - below.0) / (above.0 - below.0);
            Some(below.1 + share * (above.1 - below.1))
        };
        let said: Vec<f64> = (0..3).filter_map(along).collect();
        (!said.is_empty()).then(|| said.iter().sum::<f64>() / said.len() as f64)
    }

    /// Raises every cell to its largest lower neighbour on any axis.
    fn raise(&mut self) {
        for cell in 0..self.duration_ms.len() {
            if self.duration_ms[cell] < 0.0 {
                continue;
            }
            let at = self.at(cell);
            for axis in 0..3 {
                // The nearest known cell below on this axis has been raised itself.
                let below = (0..at[axis]).rev().find_map(|place| {
                    let mut other = at;
                    other[axis] = place;
                    let ms = self.duration_ms[self.index(other)];
                    (ms > 0.0).then_some(ms)
                });
                self.duration_ms[cell] = self.duration_ms[cell].max(below.unwrap_or(0.0));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn grid() -> Vec<MeasuredPoint> {
        let mut points = Vec::new();
        for batch in [1.0, 4.0, 16.0] {
            for context in [0.0, 100.0, 1000.0] {
                points.push(([1.0, context, batch], 5.0 + batch + context / 100.0));
            }
        }
        points
    }

    #[test]
    fn a_table_repeats_what_was_measured_and_is_linear_between() {
        let table = Table::of(&grid()).unwrap();
        assert_eq!(table.ms(1.0, 100.0, 4.0), Some(10.0));
        assert_eq!(table.ms(1.0, 550.0, 4.0), Some(14.5));
        assert!((table.ms(1.0, 0.0, 10.0).unwrap() - 15.0).abs() < 1e-12);
        assert_eq!(table.check(), Ok(()));
    }

    #[test]
    fn outside_and_in_holes_there_is_no_answer() {
        let mut points = grid();
        let table = Table::of(&points).unwrap();
        assert_eq!(table.ms(1.0, 1001.0, 4.0), None);
        assert_eq!(table.ms(2.0, 100.0, 4.0), None);
        assert_eq!(table.ms(1.0, 100.0, 17.0), None);
        // Without a corner of the grid, the points that need that corner are not known; a hole inside a line is
        // filled.
        points.retain(|(at, _)| *at != [1.0, 1000.0, 16.0] && *at != [1.0, 100.0, 4.0]);
        let table = Table::of(&points).unwrap();
        assert_eq!(table.ms(1.0, 900.0, 15.0), None);
        assert_eq!(table.ms(1.0, 100.0, 4.0), Some(10.0));
    }

    #[test]
    fn a_fall_is_raised() {
        let mut points = grid();
        points[4].1 = 2.0;
        let table = Table::of(&points).unwrap();
        assert_eq!(table.ms(1.0, 100.0, 4.0), Some(9.0), "what context 0 and batch 4 take");
    }

    proptest! {
        #[test]
        fn a_table_never_falls(durations in proptest::collection::vec(0.1f64..100.0, 27),
                               (a, b) in ([0.0f64..8.0, 0.0..8.0, 0.0..8.0], [0.0f64..4.0, 0.0..4.0, 0.0..4.0])) {
            let points: Vec<MeasuredPoint> = (0..27).map(|n| {
                ([n / 9, n / 3 % 3, n % 3].map(|at| (4 * at) as f64), durations[n])
            }).collect();
            let table = Table::of(&points).unwrap();
            let more = [0, 1, 2].map(|axis| (a[axis] + b[axis]).min(8.0));
            let (less, more) = (table.ms(a[0], a[1], a[2]).unwrap(), table.ms(more[0], more[1], more[2]).unwrap());
            prop_assert!(less > 0.0 && less <= more * (1.0 + 1e-12));
        }
    }
}
