//! Metrics of a run: the one list that tables, figures, page, comparisons, the regression gate and searches read.

use crate::{
    cell::{Cell, Optional, Several},
    columns::GroupColumns,
};
use parquet::{data_type::DoubleType, errors::ParquetError, schema::types::TypePtr};
use serde_json::Value;
use std::ops::{Index, IndexMut};

/// The direction in which a metric is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// Less is better: latency, energy.
    Lower,
    /// More is better: accuracy, throughput.
    Higher,
    /// Neither is better; the metric describes and does not judge: the share of requests that the cloud served.
    Neither,
}

/// The facts about a metric, each declared once.
#[derive(Clone, Copy, Debug)]
pub struct MetricDoc {
    /// The name of the column, with the unit in it.
    pub column: &'static str,
    /// The direction in which the metric is better.
    pub better: Better,
    /// The words for a policy with less and for one with more of the metric: `faster`, `slower`.
    pub words: [&'static str; 2],
    /// The unit; empty for a number without one.
    pub unit: &'static str,
    /// Decimals in tables.
    pub decimals: usize,
    /// The heading in tables for people.
    pub heading: &'static str,
    /// The title of an axis of a figure.
    pub axis: &'static str,
    /// The meaning, a sentence.
    pub meaning: &'static str,
}

const TIME: [&str; 2] = ["faster", "slower"];
const RATE: [&str; 2] = ["slower", "faster"];
const RIGHT: [&str; 2] = ["less accurate", "more accurate"];
const AMOUNT: [&str; 2] = ["lower", "higher"];

macro_rules! metrics {
    ($(
        $(#[doc = $meaning:literal])+
        $metric:ident = $column:literal, $better:ident, $words:ident, $unit:literal, $decimals:literal, $heading:literal, $axis:literal;
    )+) => {
        /// A metric of a run, in the order of the columns.
        ///
        /// ```
        /// use tables::{Better, Metric};
        /// assert_eq!(Metric::E2eMean.column(), "e2e_ms_mean");
        /// assert_eq!(Metric::named("accuracy_pct").map(Metric::better), Ok(Better::Higher));
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Metric {
            $( $(#[doc = $meaning])+ $metric, )+
        }

        impl Metric {
            /// Every metric, in the order of the columns.
            pub const ALL: &'static [Self] = &[$( Self::$metric, )+];

            /// The facts about the metric.
            pub const fn doc(self) -> MetricDoc {
                match self {
                    $( Self::$metric => MetricDoc {
                        column: $column,
                        better: Better::$better,
                        words: $words,
                        unit: $unit,
                        decimals: $decimals,
                        heading: $heading,
                        axis: $axis,
                        meaning: concat!($($meaning),+).trim_ascii(),
                    }, )+
                }
            }
        }
    };
}

#[cfg(test)]
mod walkthrough;

metrics! {
    /// Mean end-to-end latency of completed requests, from submission to the last token.
    E2eMean = "e2e_ms_mean", Lower, TIME, "ms", 1, "E2E ms", "end-to-end latency, ms";
    /// Median end-to-end latency.
    E2eP50 = "e2e_ms_p50", Lower, TIME, "ms", 1, "E2E p50", "median end-to-end latency, ms";
    /// 90th percentile of end-to-end latency.
    E2eP90 = "e2e_ms_p90", Lower, TIME, "ms", 1, "E2E p90", "90th percentile of end-to-end latency, ms";
    /// 95th percentile of end-to-end latency.
    E2eP95 = "e2e_ms_p95", Lower, TIME, "ms", 1, "E2E p95", "95th percentile of end-to-end latency, ms";
    /// 99th percentile of end-to-end latency.
    E2eP99 = "e2e_ms_p99", Lower, TIME, "ms", 1, "p99", "99th percentile of end-to-end latency, ms";
    /// Mean time to the first token, from submission.
    TtftMean = "ttft_ms_mean", Lower, TIME, "ms", 1, "TTFT ms", "time to first token, ms";
    /// Median time to the first token.
    TtftP50 = "ttft_ms_p50", Lower, TIME, "ms", 1, "TTFT p50", "median time to first token, ms";
    /// 90th percentile of the time to the first token.
    TtftP90 = "ttft_ms_p90", Lower, TIME, "ms", 1, "TTFT p90", "90th percentile of time to first token, ms";
    /// 95th percentile of the time to the first token.
    TtftP95 = "ttft_ms_p95", Lower, TIME, "ms", 1, "TTFT p95", "95th percentile of time to first token, ms";
    /// 99th percentile of the time to the first token.
    TtftP99 = "ttft_ms_p99", Lower, TIME, "ms", 1, "TTFT p99", "99th percentile of time to first token, ms";
    /// Mean time per output token after the first, each request counted once.
    TpotMean = "tpot_ms_mean", Lower, TIME, "ms", 2, "TPOT ms", "time per output token, ms";
    /// Median time per output token.
    TpotP50 = "tpot_ms_p50", Lower, TIME, "ms", 2, "TPOT p50", "median time per output token, ms";
    /// 90th percentile of the time per output token.
    TpotP90 = "tpot_ms_p90", Lower, TIME, "ms", 2, "TPOT p90", "90th percentile of time per output token, ms";
    /// 95th percentile of the time per output token.
    TpotP95 = "tpot_ms_p95", Lower, TIME, "ms", 2, "TPOT p95", "95th percentile of time per output token, ms";
    /// 99th percentile of the time per output token.
    TpotP99 = "tpot_ms_p99", Lower, TIME, "ms", 2, "TPOT p99", "99th percentile of time per output token, ms";
    /// Mean inter-token latency: the gap between two tokens, each gap counted once.
    ItlMean = "itl_ms_mean", Lower, TIME, "ms", 2, "ITL ms", "inter-token latency, ms";
    /// 99th percentile of inter-token latency.
    ItlP99 = "itl_ms_p99", Lower, TIME, "ms", 2, "ITL p99", "99th percentile of inter-token latency, ms";
    /// Mean end-to-end latency of a request that is alone, by MSAO's closed form (Eq. 14).
    E2eEq14 = "e2e_ms_eq14", Lower, TIME, "ms", 1, "E2E Eq. 14", "end-to-end latency by Eq. 14, ms";
    /// Mean end-to-end latency of a request that is alone, by the renewal form of drafting and verifying.
    E2eRenewal = "e2e_ms_renewal", Lower, TIME, "ms", 1, "E2E renewal", "end-to-end latency by the renewal form, ms";
    /// Output tokens of all requests for each second from the end of the warm-up to the last arrival; of closed loops and traces to
    /// the end of the run.
    OutputRate = "output_tokens_per_s", Higher, RATE, "tokens/s", 1, "tok/s", "output, tokens/s";
    /// Output tokens of a request for each second of its latency, mean over requests.
    OwnOutputRate = "output_tokens_per_s_per_request", Higher, RATE, "tokens/s", 1, "tok/s a request", "output of a request, tokens/s";
    /// Completed requests for each second from the end of the warm-up to the last arrival; of closed loops and traces to the end of
    /// the run.
    RequestRate = "requests_per_s", Higher, RATE, "requests/s", 2, "requests/s", "completed, requests/s";
    /// Share of the requests that were sent which met every limit of `slo`; those that were rejected missed it.
    Attainment = "slo_attainment_pct", Higher, AMOUNT, "%", 1, "SLO met %", "requests that met the SLO, %";
    /// Requests that met every limit of `slo` for each second, counted as `requests_per_s`.
    Goodput = "goodput_requests_per_s", Higher, RATE, "requests/s", 2, "good requests/s", "requests that met the SLO, requests/s";
    /// Output tokens of the requests that met every limit of `slo` for each second, counted as `output_tokens_per_s`.
    GoodputTokens = "goodput_tokens_per_s", Higher, RATE, "tokens/s", 1, "good tok/s", "output that met the SLO, tokens/s";
    /// Share of the periodic requests whose answer was not there at their deadline, `arrivals.periodic.deadline` or the period; none
    /// without any.
    DeadlineMisses = "deadline_miss_pct", Lower, AMOUNT, "%", 1, "missed %", "missed deadlines, %";
    /// Growth of the number of requests in flight over the second half of the arrivals, as a share of these: near 0 below the
    /// capacity; none of closed loops and traces.
    Backlog = "backlog_growth_pct", Lower, AMOUNT, "%", 2, "backlog %", "growth of the backlog, % of arrivals";
    /// Time from the start of the run, or the end of its warm-up, to its last event.
    Makespan = "makespan_s", Lower, TIME, "s", 2, "makespan s", "makespan, s";
    /// Expected share of right answers, counted where answers were judged; none where the accuracy of a model that answered is not known.
    Accuracy = "accuracy_pct", Higher, RIGHT, "%", 2, "accuracy %", "accuracy, %";
    /// Output tokens of a completed request.
    OutputTokens = "output_tokens_per_request", Neither, AMOUNT, "tokens", 1, "tokens", "output, tokens a request";
    /// Share of completed requests that the cloud's model answered.
    ServedByCloud = "served_by_cloud_pct", Neither, AMOUNT, "%", 1, "cloud %", "served by the cloud, %";
    /// Mean share of visual tokens that were kept.
    Retention = "retention_mean", Neither, AMOUNT, "", 3, "kept", "share of visual tokens kept";
    /// Share of verified drafts that stand in the answer.
    AcceptanceRate = "acceptance_rate", Higher, AMOUNT, "", 3, "accepted", "share of drafts accepted";
    /// Output tokens for each round of drafting and verifying.
    TokensPerRound = "tokens_per_round", Higher, AMOUNT, "tokens", 2, "tokens/round", "output, tokens a round";
    /// Drafted tokens of a completed request.
    DraftedTokens = "drafted_tokens_per_request", Neither, AMOUNT, "tokens", 1, "drafted", "drafted, tokens a request";
    /// Drafted tokens of a completed request that do not stand in its answer.
    WastedTokens = "wasted_tokens_per_request", Lower, AMOUNT, "tokens", 1, "wasted", "wasted drafts, tokens a request";
    /// Mean time of the probe that measures the modalities.
    ProbeMean = "probe_ms_mean", Lower, TIME, "ms", 2, "probe ms", "probe, ms";
    /// Work of the probe, in per cent of the prefill of the edge's model.
    ProbeFlop = "probe_flop_pct", Lower, AMOUNT, "%", 2, "probe FLOP %", "probe, % of the work of a prefill";
    /// Peak memory of the probe.
    ProbeMemory = "probe_memory_gb_peak", Lower, AMOUNT, "GB", 3, "probe GB", "memory of the probe, GB";
    /// Work of the edge for a completed request, in 10^12 operations.
    EdgeFlop = "edge_tflop_per_request", Lower, AMOUNT, "TFLOP", 2, "edge TFLOP", "computing of the edge, TFLOP a request";
    /// Work of the cloud for a completed request, in 10^12 operations.
    CloudFlop = "cloud_tflop_per_request", Lower, AMOUNT, "TFLOP", 2, "cloud TFLOP", "computing of the cloud, TFLOP a request";
    /// Share of the run, from the end of its warm-up on, in which the edge's GPUs compute.
    EdgeUtilisation = "edge_utilisation_pct", Neither, AMOUNT, "%", 1, "edge busy %", "utilisation of the edge, %";
    /// Share of the run, from the end of its warm-up on, in which the cloud's GPUs compute.
    CloudUtilisation = "cloud_utilisation_pct", Neither, AMOUNT, "%", 1, "cloud busy %", "utilisation of the cloud, %";
    /// Peak memory of an edge: weights, activations and KV cache.
    EdgeMemory = "edge_memory_gb_peak", Lower, AMOUNT, "GB", 2, "edge GB", "peak memory of the edge, GB";
    /// Peak memory of the cloud: weights, activations and KV cache.
    CloudMemory = "cloud_memory_gb_peak", Lower, AMOUNT, "GB", 2, "cloud GB", "peak memory of the cloud, GB";
    /// Peak memory of both tiers, or of one, as `memory_scope` says.
    Memory = "memory_gb_peak", Lower, AMOUNT, "GB", 2, "memory GB", "peak memory, GB";
    /// Energy for a completed request, idle power included: that of the tiers that the policy uses, and of radio and network where
    /// `costs` states them.
    Energy = "energy_j_per_request", Lower, AMOUNT, "J", 1, "J/request", "energy, J a request";
    /// Energy for a completed request, above idle power.
    EnergyWithoutIdle = "energy_without_idle_j_per_request", Lower, AMOUNT, "J", 1, "J above idle", "energy above idle, J a request";
    /// Energy of the edges for a completed request, idle power included; nothing where they ran nothing.
    EdgeEnergy = "edge_energy_j_per_request", Lower, AMOUNT, "J", 1, "edge J", "energy of the edge, J a request";
    /// Energy of the edges for a completed request, above idle power.
    EdgeWork = "edge_work_j_per_request", Lower, AMOUNT, "J", 1, "edge J above idle", "energy of the edge above idle, J a request";
    /// Energy of the cloud for a completed request, idle power included; nothing where it ran nothing.
    CloudEnergy = "cloud_energy_j_per_request", Lower, AMOUNT, "J", 1, "cloud J", "energy of the cloud, J a request";
    /// Energy of the cloud for a completed request, above idle power.
    CloudWork = "cloud_work_j_per_request", Lower, AMOUNT, "J", 1, "cloud J above idle", "energy of the cloud above idle, J a request";
    /// Energy of the edge's radio for a completed request, by byte and by the time that it is awake; none without `costs.radio`.
    RadioEnergy = "radio_energy_j_per_request", Lower, AMOUNT, "J", 2, "radio J", "energy of the radio, J a request";
    /// Energy of the network for the bytes of a completed request; none without `costs.network_nj_per_bit`.
    NetworkEnergy = "network_energy_j_per_request", Lower, AMOUNT, "J", 2, "network J", "energy of the network, J a request";
    /// Expected right answers for 1,000 joules of `energy_j_per_request`; none where the accuracy is not known.
    RightAnswers = "right_answers_per_kj", Higher, AMOUNT, "", 2, "right/kJ", "right answers for 1,000 joules";
    /// Price of a completed request, by the hours of the devices that its policy uses and the bytes on the link, in the currency of
    /// `costs`; none where nothing has a price.
    Price = "cost_per_request", Lower, AMOUNT, "", 5, "cost", "cost of a request";
    /// Price of 1,000 output tokens, as `cost_per_request`.
    TokenPrice = "cost_per_1000_tokens", Lower, AMOUNT, "", 5, "cost/1000 tok", "cost of 1,000 tokens";
    /// Bytes from edge to cloud for a completed request, in 10^6 bytes.
    Uplink = "uplink_mb_per_request", Lower, AMOUNT, "MB", 3, "up MB", "uplink, MB a request";
    /// Bytes from cloud to edge for a completed request, in 10^6 bytes.
    Downlink = "downlink_mb_per_request", Lower, AMOUNT, "MB", 4, "down MB", "downlink, MB a request";
    /// Bytes of pictures, sound and text for a completed request that left the edge as such, in 10^6 bytes: pruned and compressed ones
    /// count, hidden states and pictures that a vision tower has encoded do not.
    RawUpload = "raw_upload_mb_per_request", Lower, AMOUNT, "MB", 3, "raw MB", "raw input that left the edge, MB a request";
    /// Preemptions of a completed request: a serving engine took its blocks for another one.
    Preemptions = "preemptions_per_request", Lower, AMOUNT, "", 2, "preempted", "preemptions a request";
    /// Tokens that were computed again after preemptions, for a completed request.
    RecomputedTokens = "recomputed_tokens_per_request", Lower, AMOUNT, "tokens", 1, "recomputed", "computed again, tokens a request";
    /// Share of the prompts' tokens that was found in a prefix cache, where there is one.
    PrefixHitRate = "prefix_hit_rate_pct", Higher, AMOUNT, "%", 1, "hits %", "prefix cache hits, % of prompt tokens";
}

impl Metric {
    /// The number of metrics.
    pub const COUNT: usize = Self::ALL.len();

    /// The name of the column.
    pub const fn column(self) -> &'static str {
        self.doc().column
    }

    /// The direction in which the metric is better.
    pub const fn better(self) -> Better {
        self.doc().better
    }

    /// The metric of that column; none if there is no such metric.
    pub fn of_column(column: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|metric| metric.column() == column)
    }

    /// The metric of that column.
    ///
    /// # Errors
    ///
    /// If there is no such metric; the message names the nearest.
    pub fn named(column: &str) -> Result<Self, String> {
        Self::of_column(column).ok_or_else(|| {
            let known: Vec<&str> = Self::ALL.iter().map(|metric| metric.column()).collect();
            unknown("metric", column, &known)
        })
    }
}

impl std::fmt::Display for Metric {
    /// Writes the name of the column.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.column())
    }
}

/// The message about a name that is not there: the nearest known one, or all of them.
pub fn unknown(what: &str, name: &str, known: &[&str]) -> String {
    let close = known.iter().map(|known| (strsim::damerau_levenshtein(name, known), known));
    let nearest = close.filter(|(distance, _)| *distance <= 1 + name.len() / 3).min_by_key(|(distance, _)| *distance);
    match nearest {
        Some((_, nearest)) => format!("no {what} {name}; did you mean {nearest}?"),
        None => format!("no {what} {name}; expected one of {}", listed(known)),
    }
}

/// Characters of a list of names in a message, at most: a message has two lines and a hint.
const LIST_CHARS: usize = 90;

/// Names with commas between them: of a long list the first ones, and how many more there are.
///
/// ```
/// assert_eq!(tables::listed(&["bandwidth", "rtt"]), "bandwidth, rtt");
/// let many = vec!["a_long_name"; 20];
/// assert!(tables::listed(&many).ends_with("a_long_name and 14 more"));
/// ```
pub fn listed(names: &[impl AsRef<str>]) -> String {
    let chars =
        |names: &[_]| names.iter().map(|name: &_| AsRef::<str>::as_ref(name).chars().count() + 2).sum::<usize>();
    let fits = (1..=names.len()).rev().find(|count| chars(&names[..*count]) <= LIST_CHARS).unwrap_or(1);
    let told = names.iter().take(fits).map(AsRef::as_ref).collect::<Vec<&str>>().join(", ");
    match names.len().saturating_sub(fits) {
        0 => told,
        // A single name is as short as its count.
        1 => format!("{told}, {}", names[fits].as_ref()),
        more => format!("{told} and {more} more"),
    }
}

/// A value of each metric; none where the metric does not apply.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricValues([Option<f64>; Metric::COUNT]);

/// A mean of each metric, with the half-width of its interval where there is one.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricEstimates([Option<(f64, Option<f64>)>; Metric::COUNT]);

/// A container with a value for each metric.
macro_rules! by_metric {
    ($of:ident, $value:ty) => {
        impl Default for $of {
            fn default() -> Self {
                Self([None; Metric::COUNT])
            }
        }

        impl $of {
            /// The value of each metric, in the order of the columns.
            pub fn each(value: impl Fn(Metric) -> $value) -> Self {
                Self(std::array::from_fn(|place| value(Metric::ALL[place])))
            }
        }

        impl Index<Metric> for $of {
            type Output = $value;

            fn index(&self, metric: Metric) -> &Self::Output {
                &self.0[metric as usize]
            }
        }

        impl IndexMut<Metric> for $of {
            fn index_mut(&mut self, metric: Metric) -> &mut Self::Output {
                &mut self.0[metric as usize]
            }
        }
    };
}

by_metric!(MetricValues, Option<f64>);
by_metric!(MetricEstimates, Option<(f64, Option<f64>)>);

impl Cell for MetricValues {
    type Buffer = Several<Optional<DoubleType>>;
    const TYPE: &'static str = "number or none";

    fn columns(_: &str, _: &[String]) -> Vec<TypePtr> {
        Metric::ALL.iter().flat_map(|metric| <Option<f64>>::columns(metric.column(), &[])).collect()
    }

    fn push(self, buffer: &mut Self::Buffer) {
        buffer.push_each(self.0.into_iter());
    }

    fn read(columns: &mut GroupColumns<'_>) -> Result<Vec<Self>, ParquetError> {
        let mut rows = vec![Self::default(); columns.rows()];
        for metric in Metric::ALL {
            let values = <Option<f64>>::read(columns)?;
            rows.iter_mut().zip(values).for_each(|(row, value)| row[*metric] = value);
        }
        Ok(rows)
    }

    fn values(&self, row: &mut Vec<Value>) {
        row.extend(self.0.iter().copied().map(Value::from));
    }
}

impl Cell for MetricEstimates {
    type Buffer = Several<Optional<DoubleType>>;
    const TYPE: &'static str = "number or none";

    fn columns(_: &str, _: &[String]) -> Vec<TypePtr> {
        let pair = |metric: &Metric| {
            let column = metric.column();
            [column.to_owned(), format!("{column}_ci95")].map(|name| <Option<f64>>::columns(&name, &[])).concat()
        };
        Metric::ALL.iter().flat_map(pair).collect()
    }

    fn push(self, buffer: &mut Self::Buffer) {
        let pair = |estimate: &Option<(f64, Option<f64>)>| {
            [estimate.map(|(mean, _)| mean), estimate.and_then(|(_, half)| half)]
        };
        let pairs: Vec<Option<f64>> = self.0.iter().flat_map(pair).collect();
        buffer.push_each(pairs.into_iter());
    }

    fn read(columns: &mut GroupColumns<'_>) -> Result<Vec<Self>, ParquetError> {
        let mut rows = vec![Self::default(); columns.rows()];
        for metric in Metric::ALL {
            let (means, halves) = (<Option<f64>>::read(columns)?, <Option<f64>>::read(columns)?);
            for (row, (mean, half)) in rows.iter_mut().zip(means.into_iter().zip(halves)) {
                row[*metric] = mean.map(|mean| (mean, half));
            }
        }
        Ok(rows)
    }

    fn values(&self, row: &mut Vec<Value>) {
        for estimate in &self.0 {
            estimate.map(|(mean, _)| mean).values(row);
            estimate.and_then(|(_, half)| half).values(row);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unit_of;
    use std::collections::HashSet;

    #[test]
    fn columns_are_distinct_and_units_stand_in_their_names() {
        let columns: HashSet<&str> = Metric::ALL.iter().map(|metric| metric.column()).collect();
        assert_eq!(columns.len(), Metric::COUNT);
        for metric in Metric::ALL {
            let MetricDoc { column, unit, axis, meaning, .. } = metric.doc();
            assert_eq!(unit_of(column), unit, "{column}: the units that names end in are UNITS of dictionary.rs");
            assert!(unit.is_empty() || axis.contains(unit), "{column}: {axis}");
            assert!(meaning.ends_with('.'), "{column}");
            assert_eq!(Metric::named(column), Ok(*metric));
        }
    }

    #[test]
    fn more_of_a_metric_that_is_better_higher_is_not_called_worse() {
        for metric in Metric::ALL {
            let MetricDoc { words, better, column, .. } = metric.doc();
            let [_, more] = words;
            match better {
                Better::Lower => assert!(!["faster", "more accurate"].contains(&more), "{column}"),
                Better::Higher => assert!(!["slower", "less accurate"].contains(&more), "{column}"),
                Better::Neither => assert_eq!(words, AMOUNT, "{column}"),
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
