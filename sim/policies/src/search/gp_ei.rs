//! Bayesian optimisation as the MSAO paper prints it (section 5.1.4): a Gaussian process with a Matern 5/2 kernel,
//! expected improvement with xi = .1, 50 iterations.
//!
//! Choices where the paper leaves something open:
//!
//! * **Units of xi.** A tenth of a second is more than the whole range of what is minimised. So xi applies to
//!   normalised numbers: points from the unit cube, values standardised to mean 0 and deviation 1 over what was seen.
//! * **Iterations** are evaluations, those of the start included. The start is [`START`] points drawn uniformly.
//! * **Constraints.** A point that breaks one enters the process with the worst feasible value seen, plus the spread of
//!   the feasible values times its violation's share of the greatest violation seen: worse than every feasible point
//!   by a margin in seconds, whatever unit violations come in. Until a feasible point is seen, violation is minimised.
//! * **Length scale**: the likeliest, fitted anew after every [`REFIT`] evaluations. Variance 1, noise 1e-6.
//! * **Greatest expected improvement**: the best of [`CANDIDATES`] points drawn uniformly, moved along the coordinates
//!   while it improves.

use super::{Evaluation, Found, Objective, Watch, gp::Process, uniform};
use kernel::Stream;
use std::f64::consts::{PI, SQRT_2};

/// Points drawn before the first fit.
const START: u32 = 5;
/// Evaluations between two fits of the length scale.
const REFIT: u32 = 5;
/// Points among which the greatest expected improvement is looked for.
const CANDIDATES: usize = 256;
/// Steps by which the best candidate is moved, in sides of the unit cube: halved from the first down to the last.
const STEPS: (f64, f64) = (0.1, 1e-3);
/// Moves of the best candidate at the most.
const MOVES: usize = 100;
/// Before the first fit; any will do.
const FIRST_LENGTH: f64 = 0.5;

/// The best of `n` evaluations (at least one), each where the expected improvement is greatest. An improvement has to
/// exceed the best value by `xi` standard deviations of the values seen.
pub(crate) fn solve(objective: &dyn Objective, n: u32, xi: f64, stream: &mut Stream) -> Found {
    let mut watch = Watch::new(objective);
    let dimensions = watch.dimensions();
    let mut process = Process::new(FIRST_LENGTH);
    let mut seen = Vec::new();
    for round in 0..n.max(1) {
        let at = if round < START || dimensions == 0 {
            uniform(dimensions, stream)
        } else {
            let (values, best) = standardised(&seen);
            if (round - START).is_multiple_of(REFIT) {
                process.fit_length(&values);
            }
            process.condition(&values);
            Hope { process: &process, target: best - xi, scratch: Vec::new() }.greatest(dimensions, stream)
        };
        seen.push(watch.look(&at));
        process.add(&at);
    }
    watch.found()
}

/// The values as the process is given them, and the best among them: the least feasible one, or if there is none the
/// least violating.
fn standardised(seen: &[Evaluation]) -> (Vec<f64>, f64) {
    let (mut values, best) = penalised(seen);
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / n;
    let deviation = if variance > 0.0 { variance.sqrt() } else { 1.0 };
    values.iter_mut().for_each(|value| *value = (*value - mean) / deviation);
    (values, (best - mean) / deviation)
}

fn penalised(seen: &[Evaluation]) -> (Vec<f64>, f64) {
    let feasible = || seen.iter().filter(|seen| seen.feasible()).map(|seen| seen.value);
    let (best, worst) = (feasible().fold(f64::INFINITY, f64::min), feasible().fold(f64::NEG_INFINITY, f64::max));
    let most = seen.iter().map(|seen| seen.violation).fold(0.0, f64::max);
    if best > worst {
        let least = seen.iter().map(|seen| seen.violation).fold(f64::INFINITY, f64::min);
        return (seen.iter().map(|seen| seen.violation / most).collect(), least / most);
    }
    // With one feasible value there is no spread; any will do, as the values are standardised.
    let spread = if worst > best { worst - best } else { 1.0 };
    let value = |seen: &Evaluation| {
        if seen.feasible() { seen.value } else { worst + spread * (seen.violation / most) }
    };
    (seen.iter().map(value).collect(), best)
}

/// The expected improvement over a target: xi below the best value seen.
struct Hope<'p> {
    process: &'p Process,
    target: f64,
    scratch: Vec<f64>,
}

impl Hope<'_> {
    fn at(&mut self, at: &[f64]) -> f64 {
        let there = self.process.posterior(at, &mut self.scratch);
        expected_improvement(self.target, there.mean, there.deviation)
    }

    /// The point at which it is greatest, among candidates and their neighbours.
    fn greatest(mut self, dimensions: usize, stream: &mut Stream) -> Vec<f64> {
        let mut best = uniform(dimensions, stream);
        let mut hope = self.at(&best);
        for _ in 1..CANDIDATES {
            let candidate = uniform(dimensions, stream);
            let there = self.at(&candidate);
            if there > hope {
                (best, hope) = (candidate, there);
            }
        }
        let (mut step, least) = STEPS;
        for _ in 0..MOVES {
            if !self.moved(&mut best, &mut hope, step) {
                step *= 0.5;
                if step < least {
                    break;
                }
            }
        }
        best
    }

    /// Moves `best` along the coordinates where that gives more hope; whether it did.
    fn moved(&mut self, best: &mut [f64], hope: &mut f64, step: f64) -> bool {
        let before = *hope;
        for axis in 0..best.len() {
            for to in [best[axis] - step, best[axis] + step] {
                let from = std::mem::replace(&mut best[axis], to.clamp(0.0, 1.0));
                let there = self.at(best);
                if there > *hope {
                    *hope = there;
                } else {
                    best[axis] = from;
                }
            }
        }
        *hope > before
    }
}

/// By how much a normal variable is expected to lie below `target`, where it does.
fn expected_improvement(target: f64, mean: f64, deviation: f64) -> f64 {
    let improvement = target - mean;
    if deviation <= 0.0 {
        return improvement.max(0.0);
    }
    let z = improvement / deviation;
    let below = 0.5 * libm::erfc(-z / SQRT_2);
    let density = libm::exp(-0.5 * z * z) / (2.0 * PI).sqrt();
    improvement * below + deviation * density
}

#[cfg(test)]
mod tests;
