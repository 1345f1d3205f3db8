//! Search of the coarse plan's bounded problem: exactly, by chance, or by the Bayesian optimisation that the MSAO paper
//! prints (section 5.1.4, for Eq. 11).
//!
//! All of them look at points through a [`Watch`], so all of them answer alike: with the best point that keeps the
//! constraints or, where none was seen, with the one that breaks them least.

pub(crate) mod exact;
mod golden;
mod gp;
pub(crate) mod gp_ei;
pub(crate) mod random;
#[cfg(test)]
mod tests;

use kernel::{Stream, draw};

/// A bounded problem: the least `value` where `violation` is zero.
pub(crate) trait Objective {
    /// Lowest and highest of each dimension, `low <= high`, both finite, in the unit of the dimension.
    fn bounds(&self) -> &[(f64, f64)];

    /// The value of the problem at a point within the bounds, one coordinate a dimension.
    fn evaluate(&self, at: &[f64]) -> Evaluation;
}

/// The value of a problem at one point. Both numbers are finite.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Evaluation {
    /// The minimised value; seconds, for the plan. Without meaning where a constraint is broken.
    pub value: f64,
    /// 0 where every constraint holds, else how far outside, on any positive scale.
    pub violation: f64,
}

impl Evaluation {
    fn feasible(&self) -> bool {
        self.violation <= 0.0
    }

    /// Feasible before infeasible, then less value, or less violation.
    fn better_than(&self, other: &Self) -> bool {
        match (self.feasible(), other.feasible()) {
            (true, true) => self.value < other.value,
            (false, false) => self.violation < other.violation,
            (feasible, _) => feasible,
        }
    }
}

/// The answer of a search.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Found {
    /// The best feasible point seen, or the least violating one; a coordinate a dimension, in its unit.
    pub at: Vec<f64>,
    /// The objective there; seconds, for the plan.
    pub value: f64,
    /// True if every constraint holds there.
    pub feasible: bool,
    /// Number of evaluations of the objective.
    pub evaluations: u32,
}

/// Looks at points of a problem, remembers the best and counts.
///
/// Searches see the unit cube: a coordinate from 0 to 1 for each dimension whose bounds differ, and none for the rest.
struct Watch<'o> {
    objective: &'o dyn Objective,
    /// The dimensions whose bounds differ.
    free: Vec<usize>,
    /// The best point so far, in the unit cube. `None` only before the first look.
    best: Option<(Vec<f64>, Evaluation)>,
    evaluations: u32,
}

impl<'o> Watch<'o> {
    fn new(objective: &'o dyn Objective) -> Self {
        let bounds = objective.bounds().iter().enumerate();
        let free = bounds.filter(|(_, (low, high))| low < high).map(|(dimension, _)| dimension).collect();
        Self { objective, free, best: None, evaluations: 0 }
    }

    /// Dimensions of the unit cube.
    fn dimensions(&self) -> usize {
        self.free.len()
    }

    /// Evaluates the objective at a point of the unit cube.
    fn look(&mut self, unit: &[f64]) -> Evaluation {
        let seen = self.objective.evaluate(&self.outside(unit));
        self.evaluations += 1;
        if self.best.as_ref().is_none_or(|(_, best)| seen.better_than(best)) {
            self.best = Some((unit.to_vec(), seen));
        }
        seen
    }

    /// A point of the unit cube in the units of the problem; 0 and 1 are the bounds to the last bit.
    fn outside(&self, unit: &[f64]) -> Vec<f64> {
        let bounds = self.objective.bounds();
        let mut at: Vec<f64> = bounds.iter().map(|(low, _)| *low).collect();
        for (dimension, x) in self.free.iter().zip(unit) {
            let (low, high) = bounds[*dimension];
            at[*dimension] = if *x >= 1.0 { high } else { (low + x * (high - low)).clamp(low, high) };
        }
        at
    }

    /// The best point so far, in the unit cube, and what it is worth.
    fn best(&self) -> (&[f64], Evaluation) {
        let (unit, seen) = self.best.as_ref().expect("a search looks before it asks for the best");
        (unit, *seen)
    }

    fn found(self) -> Found {
        let (unit, seen) = self.best();
        let (at, feasible) = (self.outside(unit), seen.feasible());
        Found { at, value: seen.value, feasible, evaluations: self.evaluations }
    }
}

/// A point drawn uniformly from the unit cube.
fn uniform(dimensions: usize, stream: &mut Stream) -> Vec<f64> {
    (0..dimensions).map(|_| draw::uniform(stream)).collect()
}
