//! A search for the least cost: the simplex method of Nelder and Mead, by argmin, begun again from where it ended until that
//! gains nothing.

use argmin::core::{CostFunction, Error, Executor, State};
use argmin::solver::neldermead::NelderMead;

/// The effort of a search.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// First distance of the corners from the start, along each axis.
    pub step: f64,
    /// Searches, each from where the last ended, at most.
    pub rounds: u32,
    /// Moves of the simplex in a round, at most.
    pub moves: u64,
    /// Deviation of the costs at the corners at which a round ends.
    pub tolerance: f64,
}

/// The place of the least cost that is found from a start, and that cost.
pub fn minimise(cost: &impl Fn(&[f64]) -> f64, start: Vec<f64>, effort: Effort) -> (Vec<f64>, f64) {
    let count = start.len();
    let mut best = start;
    let mut least = cost(&best);
    for round in 0..effort.rounds {
        // Corners on alternating sides, nearer with each round.
        let step = effort.step / f64::from(1 + round / 2) * if round % 2 == 0 { 1.0 } else { -1.0 };
        let corner = |axis: usize| {
            let mut corner = best.clone();
            corner[axis] += if axis.is_multiple_of(2) { step } else { -step };
            corner
        };
        let corners: Vec<Vec<f64>> = std::iter::once(best.clone()).chain((0..count).map(corner)).collect();
        let solver = NelderMead::new(corners).with_sd_tolerance(effort.tolerance).expect("a tolerance above 0");
        let searched = Executor::new(Costly(cost), solver)
            .configure(|state| state.max_iters(effort.moves))
            .timer(false)
            .ctrlc(false)
            .run()
            .expect("argmin fails only where the cost does, and this one does not");
        let (at, cost) = (searched.state().get_best_param().cloned(), searched.state().get_best_cost());
        let gain = least - cost;
        if let Some(at) = at.filter(|_| gain > 0.0) {
            best = at;
            least = cost;
        }
        if round > 1 && gain < 1e-3 * least {
            break;
        }
    }
    (best, least)
}

/// A cost, for argmin.
struct Costly<'c, F>(&'c F);

impl<F: Fn(&[f64]) -> f64> CostFunction for Costly<'_, F> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, at: &Vec<f64>) -> Result<f64, Error> {
        Ok((self.0)(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bottom_of_a_bent_valley_is_found() {
        // Rosenbrock's function, least at (1, 1).
        let valley = |at: &[f64]| (1.0 - at[0]).powi(2) + 100.0 * (at[1] - at[0] * at[0]).powi(2);
        let effort = Effort { step: 1.2, rounds: 8, moves: 300, tolerance: 1e-9 };
        let (at, cost) = minimise(&valley, vec![-1.2, 1.0], effort);
        assert!((at[0] - 1.0).abs() < 1e-3 && (at[1] - 1.0).abs() < 1e-3 && cost < 1e-6, "{at:?} {cost}");
    }
}
