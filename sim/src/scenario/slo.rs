//! The `[slo]` table: limits on the latencies of requests.

use super::Source;
use crate::terminal::Failure;
use model::latency::LatencyLimits;
use reports::Constraint;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::SimDuration;

/// The key of the targets of a table: `slo`, or that of a class.
fn key(at: &str) -> String {
    format!("{at}.targets")
}

/// Service level objectives: limits on the latencies of requests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Slo {
    /// Targets, e.g. `["ttft_ms_p99 <= 500 ms", "e2e_ms_p99 <= 2 s"]`: a percentile of TTFT, TPOT or E2E and its limit, at most one
    /// for each latency. A request meets them if its own latencies are within the limits.
    pub targets: Vec<String>,
}

impl Slo {
    /// True if there is no target.
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }

    /// The targets; `at` is the key of the table.
    ///
    /// # Errors
    /// At the key, with the target that is none, and what was expected.
    pub fn read(&self, source: &Source, at: &str) -> Result<Vec<Constraint>, Failure> {
        let read = |text: &String| text.parse().map_err(|reason: String| source.refuse_key(&key(at), &reason));
        self.targets.iter().map(read).collect()
    }

    /// The limits of a request.
    ///
    /// # Errors
    /// Those of [`Self::read`], and one if a target is no percentile of a latency with its limit.
    pub fn limits(&self, source: &Source, at: &str) -> Result<LatencyLimits, Failure> {
        let mut limits = LatencyLimits::default();
        for target in self.read(source, at)? {
            let limit = of_request(&mut limits, &target).ok_or_else(|| {
                let expected = "expected a percentile of ttft, tpot or e2e at most a time, as in ttft_ms_p99 <= 500 ms";
                source.refuse_key(&key(at), &format!("{target}: {expected}"))
            })?;
            if limit.is_some() {
                let what = format!("{target}: this latency has a limit before; expected one for each");
                return Err(source.refuse_key(&key(at), &what));
            }
            let ns = (target.value() * 1e6).round() as u64;
            *limit = Some(SimDuration::from_ns(ns));
        }
        Ok(limits)
    }
}

/// The limit that a target sets; none if it is no percentile of a latency that may be at most something.
fn of_request<'l>(limits: &'l mut LatencyLimits, target: &Constraint) -> Option<&'l mut Option<SimDuration>> {
    let (latency, statistic) = target.metric().split_once("_ms_p")?;
    let is_percentile = tables::Metric::named(target.metric()).is_ok() && statistic.parse::<u32>().is_ok();
    if !is_percentile || !target.is_upper() || target.value() < 0.0 {
        return None;
    }
    match latency {
        "ttft" => Some(&mut limits.ttft),
        "tpot" => Some(&mut limits.tpot),
        "e2e" => Some(&mut limits.e2e),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::read::testing::source;

    /// The limits of these targets, or the refusal.
    fn limits(targets: &[&str]) -> Result<LatencyLimits, String> {
        let (source, _) = source("name = \"x\"\nworkload.dataset = \"vqav2\"\n[policy.cloud_only]\n");
        let slo = Slo { targets: targets.iter().map(|target| (*target).to_owned()).collect() };
        slo.limits(&source, "slo").map_err(|failure| failure.to_string())
    }

    #[test]
    fn targets_are_limits_of_a_request() {
        let ms = |ms| Some(SimDuration::from_ms(ms));
        let all = limits(&["ttft_ms_p99 <= 500 ms", "tpot_ms_p50 < 50", "e2e_ms_p95 <= 2 s"]);
        assert_eq!(all, Ok(LatencyLimits { ttft: ms(500), tpot: ms(50), e2e: ms(2000) }));
        assert_eq!(limits(&[]), Ok(LatencyLimits::default()));
    }

    #[test]
    fn what_is_no_limit_of_a_request_is_refused() {
        for target in [
            "ttft_ms_mean <= 1 s",
            "ttft_ms_p98 <= 1 s",
            "itl_ms_p99 <= 1 s",
            "e2e_ms_p99 >= 1 s",
            "accuracy_pct <= 3",
            "e2e_ms_p99 <= -1",
        ] {
            let refused = limits(&[target]).expect_err(target);
            assert!(refused.contains("expected a percentile of ttft, tpot or e2e"), "{refused}");
        }
        assert!(limits(&["e2e_ms_p99 2 s"]).expect_err("no sign").contains("one of <= >= < >"));
        let twice = limits(&["e2e_ms_p99 <= 2 s", "e2e_ms_p50 <= 1 s"]).expect_err("two limits");
        assert!(twice.contains("has a limit before"), "{twice}");
    }
}
