//! Replications, their mean and standard error, and the row of the table.

use kernel::Streams;

/// Independent replications of every case.
const REPLICATIONS: u32 = 32;
/// Tolerance of a simulated mean: with 31 degrees of freedom a right simulator is refused once in 2,700 figures.
const STANDARD_ERRORS: f64 = 4.0;
/// A case whose standard error is larger would accept a wrong simulator.
const BLUNT: f64 = 0.025;
/// Relative error that rounding every duration to whole nanoseconds may add; only seen where nothing is random.
const ROUNDING: f64 = 1e-8;

/// Simulates a case in independent replications and compares its figures with what theory wants.
pub fn compare<const N: usize>(case: &str, wanted: [(&str, f64); N], run: impl Fn(Streams) -> [f64; N]) {
    // A seed of its own for every case, or all would be off the same way.
    let streams = Streams::new(Streams::new(2026).keyed(case, 0).bits(0));
    let runs: Vec<[f64; N]> = (0..REPLICATIONS).map(|index| run(streams.replication(index))).collect();
    // After "test name ... " of the test harness.
    println!();
    for (figure, (name, theory)) in wanted.into_iter().enumerate() {
        let (mean, error) = mean_and_error(&runs.iter().map(|run| run[figure]).collect::<Vec<_>>());
        let percent = |x: f64| 100.0 * x / theory;
        let row = format!("{case:<28} {name:<16} {theory:>10.6} {mean:>10.6} {:>+8.3} %", percent(mean - theory));
        println!("{row}  s.e. {:.3} %", percent(error));
        assert!(error <= BLUNT * theory, "too blunt to tell: {row}");
        assert!((mean - theory).abs() <= STANDARD_ERRORS * error + ROUNDING * theory, "{row}, s.e. {error}");
    }
}

/// Mean of the replications and the standard error of that mean.
fn mean_and_error(figures: &[f64]) -> (f64, f64) {
    let n = figures.len() as f64;
    let mean = figures.iter().sum::<f64>() / n;
    let square = figures.iter().map(|figure| (figure - mean) * (figure - mean)).sum::<f64>();
    (mean, (square / (n - 1.0) / n).sqrt())
}
