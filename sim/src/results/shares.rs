//! Shares of sums and of counts.

use engine::Deadlines;

/// The share of deadlines that were missed, per cent; none without any.
pub fn missed_pct(deadlines: Deadlines) -> Option<f64> {
    per(100.0 * deadlines.missed as f64, deadlines.all)
}

/// A share of a sum; none of nothing.
pub fn per(sum: f64, count: u64) -> Option<f64> {
    (count > 0).then(|| sum / count as f64)
}
