//! A Gaussian process with a Matern 5/2 kernel (the MSAO paper, section 5.1.4), over points of the unit cube and values
//! that were standardised to mean 0 and deviation 1.
//!
//! It is ours rather than a crate's because of the determinism fence: friedrich 0.6 calls the platform's `exp`, stops
//! its fit by the wall clock, and brings 35 packages, nalgebra among them; egobox-gp 0.37 brings 90. What is needed here
//! is a Cholesky factor of at most some fifty rows, whose rows are added one by one.

use super::golden::golden_section;
use std::f64::consts::TAU;

/// Variance of the noise that is assumed of every value; keeps the factor regular where points coincide.
const NOISE: f64 = 1e-6;
/// Length scales that are considered, in sides of the unit cube.
const LENGTHS: (f64, f64) = (0.05, 5.0);
/// Golden-section steps of the fit: to about a per cent of the length scale.
const FIT_STEPS: u64 = 12;

/// A process of variance 1 with one length scale for all dimensions, conditioned on points and their values.
pub(super) struct Process {
    length: f64,
    points: Vec<Vec<f64>>,
    /// Distances between points; the lower triangle row by row, the diagonal with it.
    distances: Vec<f64>,
    /// The Cholesky factor of the covariances, laid out alike.
    factor: Vec<f64>,
    /// Inverse covariances times values.
    weights: Vec<f64>,
}

/// The posterior at a point: normal with this mean and deviation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Posterior {
    pub mean: f64,
    pub deviation: f64,
}

impl Process {
    /// A process without points, of a length scale in sides of the unit cube.
    pub fn new(length: f64) -> Self {
        Self { length, points: Vec::new(), distances: Vec::new(), factor: Vec::new(), weights: Vec::new() }
    }

    /// Adds a point; what the process expects changes with the next [`Process::condition`].
    pub fn add(&mut self, at: &[f64]) {
        self.distances.extend(self.points.iter().map(|point| distance(point, at)));
        self.distances.push(0.0);
        self.points.push(at.to_vec());
        let row = &self.distances[row(self.points.len() - 1)..];
        extend_factor(&mut self.factor, row, self.length);
    }

    /// Conditions the process on the values of all points, in their order.
    pub fn condition(&mut self, values: &[f64]) {
        self.weights.clear();
        self.weights.extend_from_slice(values);
        solve_lower(&self.factor, &mut self.weights);
        solve_upper(&self.factor, &mut self.weights);
    }

    /// Takes the length scale by which the values are likeliest, as golden section over its logarithm finds it.
    pub fn fit_length(&mut self, values: &[f64]) {
        let unlikelihood = |log_length: f64| -self.log_likelihood(values, libm::exp(log_length));
        let (best, _) = golden_section(unlikelihood, libm::log(LENGTHS.0), libm::log(LENGTHS.1), FIT_STEPS);
        self.length = libm::exp(best);
        self.factor = self.factor_at(self.length);
    }

    /// Logarithm of the density of the values, were the length scale this.
    fn log_likelihood(&self, values: &[f64], length: f64) -> f64 {
        let factor = self.factor_at(length);
        let mut whitened = values.to_vec();
        solve_lower(&factor, &mut whitened);
        let square = dot(&whitened, &whitened);
        let log_root: f64 = (0..values.len()).map(|i| libm::log(factor[row(i) + i])).sum();
        -0.5 * square - log_root - 0.5 * values.len() as f64 * libm::log(TAU)
    }

    fn factor_at(&self, length: f64) -> Vec<f64> {
        let mut factor = Vec::with_capacity(self.distances.len());
        (0..self.points.len()).for_each(|i| extend_factor(&mut factor, &self.distances[row(i)..=row(i) + i], length));
        factor
    }

    /// The posterior at a point, without the noise. `scratch` is overwritten.
    pub fn posterior(&self, at: &[f64], scratch: &mut Vec<f64>) -> Posterior {
        scratch.clear();
        scratch.extend(self.points.iter().map(|point| matern(distance(point, at) / self.length)));
        let mean = dot(scratch, &self.weights);
        solve_lower(&self.factor, scratch);
        let known = dot(scratch, scratch);
        Posterior { mean, deviation: (1.0 - known).max(0.0).sqrt() }
    }
}

/// Matern 5/2 of a distance in length scales.
fn matern(distance: f64) -> f64 {
    let scaled = 5f64.sqrt() * distance;
    (1.0 + scaled + scaled * scaled / 3.0) * libm::exp(-scaled)
}

fn dot(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(a, b)| a * b).sum()
}

fn distance(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
}

/// The start of row `i` of a lower triangle.
const fn row(i: usize) -> usize {
    i * (i + 1) / 2
}

/// Adds a row to the Cholesky factor, of a point so far from those before it (the last distance is its own, 0).
fn extend_factor(factor: &mut Vec<f64>, distances: &[f64], length: f64) {
    let before = distances.len() - 1;
    let mut added: Vec<f64> = distances[..before].iter().map(|distance| matern(distance / length)).collect();
    solve_lower(factor, &mut added);
    let left = 1.0 + NOISE - dot(&added, &added);
    // No less than the noise is left, but for rounding.
    added.push(left.max(0.5 * NOISE).sqrt());
    factor.append(&mut added);
}

/// Solves `L x = b` in place, for as many rows as `b` has.
fn solve_lower(factor: &[f64], b: &mut [f64]) {
    for i in 0..b.len() {
        let (known, rest) = b.split_at_mut(i);
        let coefficients = &factor[row(i)..=row(i) + i];
        rest[0] = (rest[0] - dot(&coefficients[..i], known)) / coefficients[i];
    }
}

/// Solves `L^T x = b` in place.
fn solve_upper(factor: &[f64], b: &mut [f64]) {
    for i in (0..b.len()).rev() {
        let coefficients = &factor[row(i)..=row(i) + i];
        b[i] /= coefficients[i];
        let x = b[i];
        b[..i].iter_mut().zip(coefficients).for_each(|(b, l)| *b -= l * x);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(length: f64, points: &[&[f64]], values: &[f64]) -> Process {
        let mut process = Process::new(length);
        points.iter().for_each(|point| process.add(point));
        process.condition(values);
        process
    }

    #[test]
    fn the_kernel_by_hand() {
        // (1 + sqrt 5 r + 5 r^2 / 3) exp(-sqrt 5 r), by 40-digit arithmetic.
        assert_eq!(matern(0.0), 1.0);
        assert!((matern(1.0) - 0.523_994_108_831_820_3).abs() < 1e-15);
        assert!((matern(2.0) - 0.138_660_219_138_504_3).abs() < 1e-15);
    }

    #[test]
    fn two_points_by_hand() {
        // The inverse of [[a, k], [k, a]] is [[a, -k], [-k, a]] / (a^2 - k^2); a = 1 + 1e-6, k = matern(1), values
        // (1, -1/2), looked at a quarter of the way; by 40-digit arithmetic.
        let values = [1.0, -0.5];
        let process = process(1.0, &[&[0.0], &[1.0]], &values);
        let at = process.posterior(&[0.25], &mut Vec::new());
        assert!((at.mean - 0.700_616_659_387_961_3).abs() < 1e-14, "{at:?}");
        assert!((at.deviation - 0.228_731_313_417_552_38).abs() < 1e-13, "{at:?}");
        // -y K^-1 y / 2 - ln det K / 2 - ln 2 pi
        let likelihood = process.log_likelihood(&values, 1.0);
        assert!((likelihood + 2.900_099_428_063_142_5).abs() < 1e-14, "{likelihood}");
    }

    #[test]
    fn it_runs_through_the_data_and_falls_back_to_the_prior_far_away() {
        let points: [&[f64]; 4] = [&[0.1, 0.2], &[0.8, 0.3], &[0.5, 0.9], &[0.4, 0.4]];
        let values = [0.3, -1.2, 1.4, -0.5];
        let process = process(0.5, &points, &values);
        let mut scratch = Vec::new();
        for (point, value) in points.iter().zip(values) {
            let at = process.posterior(point, &mut scratch);
            assert!((at.mean - value).abs() < 1e-4 && at.deviation < 2e-3, "{at:?}");
        }
        let far = process.posterior(&[50.0, -50.0], &mut scratch);
        assert!(far.mean.abs() < 1e-12 && (far.deviation - 1.0).abs() < 1e-12, "{far:?}");
    }

    #[test]
    fn rows_added_one_by_one_make_the_factor_of_the_covariances() {
        let points: [&[f64]; 4] = [&[0.1], &[0.15], &[0.6], &[1.0]];
        let process = process(0.4, &points, &[0.0; 4]);
        for (i, one) in points.iter().enumerate() {
            for (j, other) in points.iter().enumerate().take(i + 1) {
                let product: f64 = (0..=j).map(|k| process.factor[row(i) + k] * process.factor[row(j) + k]).sum();
                let noise = if i == j { NOISE } else { 0.0 };
                assert!((product - matern((one[0] - other[0]).abs() / 0.4) - noise).abs() < 1e-14);
            }
        }
    }

    #[test]
    fn the_fit_takes_the_likeliest_length() {
        let points: Vec<[f64; 1]> = (0..12).map(|i| [f64::from(i) / 11.0]).collect();
        for waves in [1.0, 3.0] {
            let mut process = Process::new(1.0);
            points.iter().for_each(|point| process.add(point));
            let values: Vec<f64> = points.iter().map(|x| 1.4 * libm::sin(waves * TAU * x[0])).collect();
            process.fit_length(&values);
            let fitted = process.log_likelihood(&values, process.length);
            let scanned = (0..=200)
                .map(|i| process.log_likelihood(&values, 0.05 * libm::pow(100.0, f64::from(i) / 200.0)))
                .fold(f64::NEG_INFINITY, f64::max);
            assert!(fitted > scanned - 0.01, "{waves} waves: {fitted} of {scanned} at {}", process.length);
        }
    }

    #[test]
    fn points_that_coincide_do_not_break_it() {
        let process = process(0.5, &[[0.5].as_slice(); 40], &[0.7; 40]);
        let at = process.posterior(&[0.5], &mut Vec::new());
        assert!((at.mean - 0.7).abs() < 1e-4 && at.deviation < 1e-2, "{at:?}");
    }
}
