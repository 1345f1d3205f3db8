//! The metrics of a run: their better direction, words and units.
//!
//! One visible list, in the order of the columns of `runs.parquet`. A metric that is not in it is still read, compared and
//! printed, but nobody knows which way it is better: [`Metric::of`] says so.

/// The better direction of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// Less is better: latency, energy.
    Lower,
    /// More is better: accuracy, throughput.
    Higher,
    /// It describes, and does not judge: the share of requests that the cloud served.
    Neither,
}

/// A metric of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Name of the column, the unit last.
    pub name: &'static str,
    /// The better direction.
    pub better: Better,
    /// Words for a policy with less of it, and for one with more of it: `faster`, `slower`.
    pub words: [&'static str; 2],
    /// The unit, as text; empty for a number without one.
    pub unit: &'static str,
    /// Decimals that are printed.
    pub decimals: usize,
}

const TIME: [&str; 2] = ["faster", "slower"];
const RATE: [&str; 2] = ["slower", "faster"];
const RIGHT: [&str; 2] = ["less accurate", "more accurate"];
const AMOUNT: [&str; 2] = ["lower", "higher"];

const fn lower(name: &'static str, words: [&'static str; 2], unit: &'static str, decimals: usize) -> Metric {
    Metric { name, better: Better::Lower, words, unit, decimals }
}

const fn higher(name: &'static str, words: [&'static str; 2], unit: &'static str, decimals: usize) -> Metric {
    Metric { name, better: Better::Higher, words, unit, decimals }
}

const fn neither(name: &'static str, unit: &'static str, decimals: usize) -> Metric {
    Metric { name, better: Better::Neither, words: AMOUNT, unit, decimals }
}

/// Every metric of a run, in the order of the columns. A new one is a line here.
pub const METRICS: &[Metric] = &[
    lower("e2e_ms_mean", TIME, "ms", 1),
    lower("e2e_ms_p50", TIME, "ms", 1),
    lower("e2e_ms_p90", TIME, "ms", 1),
    lower("e2e_ms_p99", TIME, "ms", 1),
    lower("ttft_ms_mean", TIME, "ms", 1),
    lower("ttft_ms_p50", TIME, "ms", 1),
    lower("ttft_ms_p90", TIME, "ms", 1),
    lower("ttft_ms_p99", TIME, "ms", 1),
    lower("tpot_ms_mean", TIME, "ms", 2),
    lower("tpot_ms_p50", TIME, "ms", 2),
    lower("tpot_ms_p99", TIME, "ms", 2),
    lower("itl_ms_mean", TIME, "ms", 2),
    lower("itl_ms_p99", TIME, "ms", 2),
    lower("e2e_ms_eq14", TIME, "ms", 1),
    lower("e2e_ms_renewal", TIME, "ms", 1),
    higher("output_tokens_per_s", RATE, "tokens/s", 1),
    higher("output_tokens_per_s_per_request", RATE, "tokens/s", 1),
    higher("requests_per_s", RATE, "requests/s", 2),
    lower("makespan_s", TIME, "s", 2),
    higher("accuracy_pct", RIGHT, "%", 2),
    neither("output_tokens_per_request", "tokens", 1),
    neither("served_by_cloud_pct", "%", 1),
    neither("retention_mean", "", 3),
    higher("acceptance_rate", AMOUNT, "", 3),
    higher("tokens_per_round", AMOUNT, "tokens", 2),
    neither("drafted_tokens_per_request", "tokens", 1),
    lower("wasted_tokens_per_request", AMOUNT, "tokens", 1),
    lower("probe_ms_mean", TIME, "ms", 2),
    lower("probe_flop_pct", AMOUNT, "%", 2),
    lower("probe_memory_gb_peak", AMOUNT, "GB", 3),
    lower("edge_tflop_per_request", AMOUNT, "TFLOP", 2),
    lower("cloud_tflop_per_request", AMOUNT, "TFLOP", 2),
    neither("edge_utilisation_pct", "%", 1),
    neither("cloud_utilisation_pct", "%", 1),
    lower("edge_memory_gb_peak", AMOUNT, "GB", 2),
    lower("cloud_memory_gb_peak", AMOUNT, "GB", 2),
    lower("memory_gb_peak", AMOUNT, "GB", 2),
    lower("energy_j_per_request", AMOUNT, "J", 1),
    lower("energy_without_idle_j_per_request", AMOUNT, "J", 1),
    lower("uplink_mb_per_request", AMOUNT, "MB", 3),
    lower("downlink_mb_per_request", AMOUNT, "MB", 4),
];

impl Metric {
    /// The metric of that name; none if the list does not have it.
    pub fn known(name: &str) -> Option<Self> {
        METRICS.iter().find(|metric| metric.name == name).copied()
    }

    /// The metric of a column. An unknown column has no better direction.
    pub fn of(name: &str) -> Self {
        Self::known(name).unwrap_or(neither("", "", 3))
    }

    /// Its place in the list, behind all others if it is not there.
    pub(crate) fn place(name: &str) -> usize {
        METRICS.iter().position(|metric| metric.name == name).unwrap_or(METRICS.len())
    }
}

/// The refusal of a name that is not there.
pub(crate) fn unknown(what: &str, name: &str, known: &[&str]) -> String {
    let close = known.iter().map(|known| (strsim::damerau_levenshtein(name, known), known));
    let nearest = close.filter(|(distance, _)| *distance <= 1 + name.len() / 3).min_by_key(|(distance, _)| *distance);
    match nearest {
        Some((_, nearest)) => format!("no {what} {name}; did you mean {nearest}?"),
        None => format!("no {what} {name}; expected one of {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct() {
        for (place, metric) in METRICS.iter().enumerate() {
            assert_eq!(Metric::place(metric.name), place);
        }
    }

    #[test]
    fn more_of_what_is_better_higher_is_not_called_worse() {
        for metric in METRICS {
            let [_, more] = metric.words;
            match metric.better {
                Better::Lower => assert!(!["faster", "more accurate"].contains(&more), "{}", metric.name),
                Better::Higher => assert!(!["slower", "less accurate"].contains(&more), "{}", metric.name),
                Better::Neither => assert_eq!(metric.words, AMOUNT, "{}", metric.name),
            }
        }
    }

    #[test]
    fn the_nearest_is_named() {
        let known = ["e2e_ms_mean", "accuracy_pct"];
        assert_eq!(unknown("metric", "e2e_mean", &known), "no metric e2e_mean; did you mean e2e_ms_mean?");
        let none = "no metric zzz; expected one of e2e_ms_mean, accuracy_pct";
        assert_eq!(unknown("metric", "zzz", &known), none);
    }
}
