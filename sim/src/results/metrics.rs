//! The metrics of a run, one line each, for the tables of a results folder.

use super::classes::{self, ClassSample};
use super::latencies::Latencies;
use super::shares::{missed_pct, per};
use super::spent::{Part, Spent};
use crate::scenario::{Costs, MemoryScope};
use backends::Coverage;
use engine::{ClosedFormSums, LatencySum, Outcome, RegretSums, RunSpec, TierOutcome};
use policies::Uses;
use tables::{Metric, MetricValues, Shortfall, Shortfalls};

/// The figures of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Digest of its events.
    pub digest: u64,
    /// Its events.
    pub events: u64,
    /// Requests of the warm-up, which nothing below counts.
    pub warm_up: u64,
    /// Requests that were sent.
    pub submitted: u64,
    /// Requests that were answered.
    pub completed: u64,
    /// Requests that were turned away.
    pub rejected: u64,
    /// Requests whose answer came too late.
    pub timed_out: u64,
    /// Requests that were rejected, and answers that were cut, by reason.
    pub shortfalls: Shortfalls,
    /// Regrets of the plan's solver.
    pub regret: RegretSums,
    /// Iterations of edge and cloud against what was measured; of runs that are read back nothing.
    pub coverage: [Coverage; 2],
    /// The value of each metric; none where it does not apply.
    pub metrics: MetricValues,
    /// The figures of each class; of runs that are read back none.
    pub classes: Vec<ClassSample>,
}

impl Sample {
    /// Reads off a run what the tables need.
    pub fn of(outcome: &Outcome, memory_scope: MemoryScope, costs: Costs, spec: &RunSpec) -> Self {
        let spent = Spent { outcome, spec, costs };
        let facts = Facts { outcome, memory_scope, spent, uses: spec.policy.uses(), slo: spec.has_limits() };
        let metrics = &outcome.metrics;
        Self {
            digest: outcome.journal.digest(),
            events: outcome.events,
            warm_up: outcome.warm_up,
            submitted: metrics.submitted,
            completed: metrics.completed,
            rejected: metrics.rejected,
            timed_out: metrics.shortfalls[Shortfall::TimedOut],
            shortfalls: metrics.shortfalls,
            regret: metrics.regret,
            coverage: [&outcome.edge, &outcome.cloud].map(|tier| tier.coverage.unwrap_or_default()),
            metrics: MetricValues::each(|metric| facts.value(metric)),
            classes: classes::of(outcome, spec),
        }
    }
}

/// The facts from which metrics are computed.
struct Facts<'a> {
    outcome: &'a Outcome,
    memory_scope: MemoryScope,
    /// Energy and price by part.
    spent: Spent<'a>,
    uses: Uses,
    /// True if requests have limits that they meet or miss.
    slo: bool,
}

impl Facts<'_> {
    /// The value of a metric. Each metric of the list has its computation here, or this does not compile.
    fn value(&self, metric: Metric) -> Option<f64> {
        let outcome = self.outcome;
        let metrics = &outcome.metrics;
        let latency = || Latencies::of_all(metrics).value(metric);
        match metric {
            Metric::E2eMean | Metric::E2eP50 | Metric::E2eP90 | Metric::E2eP95 | Metric::E2eP99 => latency(),
            Metric::TtftMean | Metric::TtftP50 | Metric::TtftP90 | Metric::TtftP95 | Metric::TtftP99 => latency(),
            Metric::TpotMean | Metric::TpotP50 | Metric::TpotP90 | Metric::TpotP95 | Metric::TpotP99 => latency(),
            Metric::ItlMean => metrics.itl.mean_ms(),
            Metric::ItlP99 => metrics.itl.quantile_ms(0.99),
            Metric::E2eEq14 => self.closed_form_ms(|forms| forms.eq14),
            Metric::E2eRenewal => self.closed_form_ms(|forms| forms.renewal),
            Metric::OutputRate => self.per_second(outcome.window.done.tokens),
            Metric::OwnOutputRate => self.per_request(metrics.own_rate),
            Metric::RequestRate => self.per_second(outcome.window.done.answered),
            Metric::Attainment => per(100.0 * metrics.met as f64, metrics.submitted).filter(|_| self.slo),
            Metric::Goodput => self.per_second(outcome.window.done.met).filter(|_| self.slo),
            Metric::GoodputTokens => self.per_second(outcome.window.done.met_tokens).filter(|_| self.slo),
            Metric::DeadlineMisses => missed_pct(metrics.deadlines),
            Metric::Backlog => self.backlog_growth_pct(),
            Metric::Makespan => Some(outcome.makespan.as_secs_f64()),
            Metric::Accuracy => self.accuracy_pct(),
            Metric::OutputTokens => self.per_request(metrics.output_tokens as f64),
            Metric::ServedByCloud => self.per_request(100.0 * metrics.by_cloud as f64),
            Metric::Retention => self.per_request(metrics.retention),
            Metric::AcceptanceRate => per(metrics.accepted as f64, metrics.verified),
            Metric::TokensPerRound => per(metrics.output_tokens as f64, metrics.rounds),
            Metric::DraftedTokens => self.per_request(metrics.drafted as f64),
            Metric::WastedTokens => self.per_request((metrics.drafted - metrics.accepted) as f64),
            Metric::ProbeMean => metrics.probe.time.mean_ms(),
            Metric::ProbeFlop => self.probe_flop_pct(),
            Metric::ProbeMemory => self.probes().then(|| metrics.probe.memory.as_gb_f64()),
            Metric::EdgeFlop => self.per_request(outcome.edge.flop.as_tflop_f64()),
            Metric::CloudFlop => self.per_request(outcome.cloud.flop.as_tflop_f64()),
            Metric::EdgeUtilisation => self.utilisation_pct(&outcome.edge),
            Metric::CloudUtilisation => self.utilisation_pct(&outcome.cloud),
            Metric::EdgeMemory => Some(memory_gb(&outcome.edge)),
            Metric::CloudMemory => Some(memory_gb(&outcome.cloud)),
            Metric::Memory => Some(self.memory_gb_peak()),
            Metric::Energy => self.per_request(self.spent.all_j()),
            Metric::EnergyWithoutIdle => self.per_request(self.spent.all_work_j()),
            Metric::EdgeEnergy => self.per_request(self.spent.whole_j(Part::Edge)),
            Metric::EdgeWork => self.per_request(self.spent.work_j(Part::Edge)),
            Metric::CloudEnergy => self.per_request(self.spent.whole_j(Part::Cloud)),
            Metric::CloudWork => self.per_request(self.spent.work_j(Part::Cloud)),
            Metric::RadioEnergy => self.per_request(self.spent.radio_j()?),
            Metric::NetworkEnergy => self.per_request(self.spent.network_j()?),
            Metric::RightAnswers => finite(self.accuracy_pct()? * metrics.completed as f64 * 10.0 / self.spent.all_j()),
            Metric::Price => self.per_request(self.spent.price()?),
            Metric::TokenPrice => per(1000.0 * self.spent.price()?, metrics.output_tokens),
            Metric::Uplink => self.per_request(outcome.up.counted().as_mb_f64()),
            Metric::Downlink => self.per_request(outcome.down.counted().as_mb_f64()),
            Metric::RawUpload => self.per_request(metrics.raw_upload.as_mb_f64()),
            Metric::Preemptions => self.per_request(metrics.memory.preemptions as f64),
            Metric::RecomputedTokens => self.per_request(metrics.memory.recomputed as f64),
            Metric::PrefixHitRate => per(100.0 * metrics.memory.cached as f64, metrics.memory.looked_up),
        }
    }

    fn per_request(&self, sum: f64) -> Option<f64> {
        per(sum, self.outcome.metrics.completed)
    }

    /// A mean over some of the answers would be none of the policy's, so one unknown answer leaves the run without.
    fn accuracy_pct(&self) -> Option<f64> {
        let metrics = &self.outcome.metrics;
        self.per_request(100.0 * metrics.correct).filter(|_| metrics.graded == metrics.completed)
    }

    fn closed_form_ms(&self, form: fn(&ClosedFormSums) -> LatencySum) -> Option<f64> {
        let LatencySum { requests, seconds } = form(&self.outcome.metrics.closed_forms);
        per(1e3 * seconds, requests)
    }

    fn probe_flop_pct(&self) -> Option<f64> {
        let forms = &self.outcome.metrics.closed_forms;
        per(100.0 * forms.probe_flop, forms.requests).filter(|_| self.probes())
    }

    fn per_second(&self, count: u64) -> Option<f64> {
        finite(count as f64 / self.outcome.window.lasts.as_secs_f64())
    }

    fn backlog_growth_pct(&self) -> Option<f64> {
        let backlog = self.outcome.window.backlog?;
        per(100.0 * (backlog.last as f64 - backlog.first as f64), backlog.arrivals)
    }

    fn probes(&self) -> bool {
        self.outcome.metrics.probe.time.count() > 0
    }

    fn utilisation_pct(&self, tier: &TierOutcome) -> Option<f64> {
        let most = self.outcome.makespan.as_secs_f64() * f64::from(tier.gpus);
        finite(100.0 * tier.busy.as_secs_f64() / most)
    }

    fn memory_gb_peak(&self) -> f64 {
        let Outcome { edge, cloud, .. } = self.outcome;
        match self.memory_scope {
            MemoryScope::Total => memory_gb(edge) + memory_gb(cloud),
            MemoryScope::Paper if self.uses.edge_model => memory_gb(edge),
            MemoryScope::Paper => memory_gb(cloud),
        }
    }
}

/// A tier that ran nothing needs no model in its memory.
fn memory_gb(tier: &TierOutcome) -> f64 {
    if tier.iterations > 0 { tier.memory.as_gb_f64() } else { 0.0 }
}

fn finite(value: f64) -> Option<f64> {
    Some(value).filter(|value| value.is_finite())
}

#[cfg(test)]
mod walkthrough;
