//! `--tolerance`: the gate that a validation passes or not. It passes only if every request was compared.

use super::figures::Comparison;
use crate::terminal::{Failure, say};

/// Reads a tolerance in per cent: `10`, `10%` or `10 %`.
///
/// # Errors
/// If it is no finite number of 0 or more.
pub fn percent(text: &str) -> Result<f64, String> {
    let number = text.trim().trim_end_matches('%').trim_end();
    let percent = number.parse::<f64>().ok().filter(|percent| percent.is_finite() && *percent >= 0.0);
    percent.ok_or_else(|| "expected a finite number of per cent from 0 up, as in --tolerance 10".to_owned())
}

/// Fails if any policy is off by more, or if a request of any of them was not compared.
pub fn within(compared: &[Comparison], tolerance: Option<f64>) -> Result<(), Failure> {
    let parts: Vec<String> = compared.iter().filter(|one| !is_judged(one)).map(Comparison::covered).collect();
    let Some(tolerance) = tolerance else {
        parts.iter().for_each(|part| say(format_args!("sim: warning: {part}")));
        return Ok(());
    };
    let off = compared.iter().filter_map(|one| Some((one.worst_pct()?, &one.policy)));
    match off.max_by(|a, b| a.0.total_cmp(&b.0)) {
        Some((off, policy)) if off > tolerance => Err(Failure::regression(format!(
            "{policy}: mean or P50 of E2E is off by {off:.1} %, expected at most {tolerance} %"
        ))),
        _ if compared.is_empty() => {
            Err(Failure::regression(format!("--tolerance {tolerance}: 0 requests were compared: no policy has any")))
        }
        _ if !parts.is_empty() => Err(Failure::regression(format!(
            "--tolerance {tolerance} cannot be judged, as not all requests were compared: {}",
            parts.join("; ")
        ))),
        _ => Ok(()),
    }
}

/// True if all requests were compared, and both errors exist.
fn is_judged(one: &Comparison) -> bool {
    one.coverage.is_whole() && one.worst_pct().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tolerances_are_finite_and_not_negative() {
        for (text, expected) in [("10", 10.0), ("0", 0.0), ("2.5 %", 2.5), (" 1e1% ", 10.0)] {
            assert_eq!(percent(text), Ok(expected), "{text}");
        }
        for text in ["nan", "NaN", "inf", "-inf", "-1", "-0.001", "", "%", "ten", "1e999"] {
            assert!(percent(text).is_err(), "{text}");
        }
    }
}
