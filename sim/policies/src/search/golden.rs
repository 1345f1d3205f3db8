//! Golden section by argmin.

use argmin::{
    core::{CostFunction, Error, Executor, State as _},
    solver::goldensectionsearch::GoldenSectionSearch,
};
use std::cell::RefCell;

/// The share of an interval that a step leaves is 1 minus this.
const SECTION: f64 = 0.381_966_011_250_105_2;

/// argmin ends where the interval is this part of the arguments' size. By default that is a hundredth, whatever the
/// number of steps; here the steps decide.
const TOLERANCE: f64 = 1e-12;

/// The least point of `function` that the search looked at, strictly between `low` and `high` (`low < high`), and its
/// value.
///
/// A step shrinks the interval by .618. Looks at `steps + 2` points. The least of a function with one valley; of
/// another function, some valley. Infinite values are taken for high ground.
pub(super) fn golden_section(function: impl FnMut(f64) -> f64, low: f64, high: f64, steps: u64) -> (f64, f64) {
    struct Cost<F>(RefCell<F>);
    impl<F: FnMut(f64) -> f64> CostFunction for Cost<F> {
        type Param = f64;
        type Output = f64;
        fn cost(&self, at: &f64) -> Result<f64, Error> {
            Ok((self.0.borrow_mut())(*at))
        }
    }
    // argmin's intervals are golden from the first step on only from this point.
    let first = low + SECTION * (high - low);
    let result = GoldenSectionSearch::new(low, high)
        .and_then(|solver| solver.with_tolerance(TOLERANCE))
        .and_then(|solver| {
            Executor::new(Cost(RefCell::new(function)), solver)
                .configure(|state| state.param(first).max_iters(steps))
                .timer(false)
                .ctrlc(false)
                .run()
        })
        .expect("argmin fails only for an empty interval or a failing function");
    let state = result.state();
    (*state.get_best_param().expect("argmin has looked at two points"), state.get_best_cost())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_decide_how_near() {
        let mut looks = 0;
        let valley = |x: f64| {
            looks += 1;
            (x - 700.3).abs()
        };
        let (best, value) = golden_section(valley, 0.0, 1000.0, 40);
        // .618^40 of 1,000 is 4e-6.
        assert!((best - 700.3).abs() < 1e-5, "{best}");
        assert_eq!(value, (best - 700.3).abs());
        assert_eq!(looks, 42);
    }

    #[test]
    fn the_first_looks_cut_the_interval_in_the_golden_ratio() {
        let mut looked = Vec::new();
        let (best, value) = golden_section(
            |x| {
                looked.push(x);
                x
            },
            2.0,
            12.0,
            2,
        );
        // 2 + 10 x .381966 and 2 + 10 x .618034; then .381966 of what is left, and again, as the function rises.
        let mut want = [5.819_660_112_5, 8.180_339_887_5, 4.360_679_775, 3.458_980_337_5];
        assert!(looked.len() == 4 && looked.iter().zip(want).all(|(x, want)| (x - want).abs() < 1e-9), "{looked:?}");
        want.sort_by(f64::total_cmp);
        assert!((best - want[0]).abs() < 1e-9 && value == best, "{best} {value}");
    }
}
