//! The latencies of answers, of all or of a class, as metrics.

use engine::{Durations, Metrics, OfClass};
use tables::Metric;

/// The latencies of answers.
#[derive(Clone, Copy)]
pub struct Latencies<'a> {
    /// Time to first token.
    pub ttft: &'a Durations,
    /// Time per output token after the first.
    pub tpot: &'a Durations,
    /// End-to-end latency.
    pub e2e: &'a Durations,
}

impl<'a> Latencies<'a> {
    /// Those of all answers.
    pub fn of_all(metrics: &'a Metrics) -> Self {
        Self { ttft: &metrics.ttft, tpot: &metrics.tpot, e2e: &metrics.e2e }
    }

    /// Those of the answers to a class.
    pub fn of_class(class: &'a OfClass) -> Self {
        Self { ttft: &class.ttft, tpot: &class.tpot, e2e: &class.e2e }
    }

    /// The value of a metric of latency; none of another one, or without an answer.
    pub fn value(&self, metric: Metric) -> Option<f64> {
        let (durations, statistic) = self.statistic(metric)?;
        statistic.map_or_else(|| durations.mean_ms(), |share| durations.quantile_ms(share))
    }

    /// The latencies that a metric is of, and its share if it is a percentile; none of another metric.
    pub fn statistic(&self, metric: Metric) -> Option<(&'a Durations, Option<f64>)> {
        Some(match metric {
            Metric::E2eMean => (self.e2e, None),
            Metric::E2eP50 => (self.e2e, Some(0.5)),
            Metric::E2eP90 => (self.e2e, Some(0.9)),
            Metric::E2eP95 => (self.e2e, Some(0.95)),
            Metric::E2eP99 => (self.e2e, Some(0.99)),
            Metric::TtftMean => (self.ttft, None),
            Metric::TtftP50 => (self.ttft, Some(0.5)),
            Metric::TtftP90 => (self.ttft, Some(0.9)),
            Metric::TtftP95 => (self.ttft, Some(0.95)),
            Metric::TtftP99 => (self.ttft, Some(0.99)),
            Metric::TpotMean => (self.tpot, None),
            Metric::TpotP50 => (self.tpot, Some(0.5)),
            Metric::TpotP90 => (self.tpot, Some(0.9)),
            Metric::TpotP95 => (self.tpot, Some(0.95)),
            Metric::TpotP99 => (self.tpot, Some(0.99)),
            _ => return None,
        })
    }
}
