//! What a run contributes to the tables of a results folder: its metrics, one line each.

use crate::scenario::MemoryScope;
use backends::Coverage;
use engine::{ClosedFormSums, LatencySum, Outcome, RegretSums, TierOutcome};
use policies::Uses;

/// What a run contributes.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Digest of its events.
    pub digest: u64,
    /// Its events.
    pub events: u64,
    /// Requests that were sent.
    pub submitted: u64,
    /// Requests that were answered.
    pub completed: u64,
    /// Requests that were turned away.
    pub rejected: u64,
    /// How the plan's solver fared.
    pub regret: RegretSums,
    /// Iterations of edge and cloud against what was measured; of runs that are read back nothing.
    pub coverage: [Coverage; 2],
    /// A value for each of [`METRICS`]; none where it does not apply.
    pub metrics: Vec<Option<f64>>,
}

impl Sample {
    /// Reads off a run what the tables need.
    pub fn of(outcome: &Outcome, memory_scope: MemoryScope, uses: Uses) -> Self {
        let facts = Facts { outcome, memory_scope, uses };
        let metrics = &outcome.metrics;
        Self {
            digest: outcome.journal.digest(),
            events: outcome.events,
            submitted: metrics.submitted,
            completed: metrics.completed,
            rejected: metrics.rejected,
            regret: metrics.regret,
            coverage: [&outcome.edge, &outcome.cloud].map(|tier| tier.coverage.unwrap_or_default()),
            metrics: METRICS.iter().map(|(_, value)| value(&facts)).collect(),
        }
    }
}

/// What metrics are read off.
struct Facts<'a> {
    outcome: &'a Outcome,
    memory_scope: MemoryScope,
    uses: Uses,
}

/// A metric: the name of its column, with the unit last, and its value.
type Metric = (&'static str, fn(&Facts<'_>) -> Option<f64>);

/// Every metric, in the order of the columns.
const METRICS: &[Metric] = &[
    ("e2e_ms_mean", |run| run.outcome.metrics.e2e.mean_ms()),
    ("e2e_ms_p50", |run| run.outcome.metrics.e2e.quantile_ms(0.5)),
    ("e2e_ms_p90", |run| run.outcome.metrics.e2e.quantile_ms(0.9)),
    ("e2e_ms_p99", |run| run.outcome.metrics.e2e.quantile_ms(0.99)),
    ("ttft_ms_mean", |run| run.outcome.metrics.ttft.mean_ms()),
    ("ttft_ms_p50", |run| run.outcome.metrics.ttft.quantile_ms(0.5)),
    ("ttft_ms_p90", |run| run.outcome.metrics.ttft.quantile_ms(0.9)),
    ("ttft_ms_p99", |run| run.outcome.metrics.ttft.quantile_ms(0.99)),
    ("tpot_ms_mean", |run| run.outcome.metrics.tpot.mean_ms()),
    ("tpot_ms_p50", |run| run.outcome.metrics.tpot.quantile_ms(0.5)),
    ("tpot_ms_p99", |run| run.outcome.metrics.tpot.quantile_ms(0.99)),
    ("itl_ms_mean", |run| run.outcome.metrics.itl.mean_ms()),
    ("itl_ms_p99", |run| run.outcome.metrics.itl.quantile_ms(0.99)),
    // The same latency by closed forms, where the policy has them; see `policies::ClosedForms`.
    ("e2e_ms_eq14", |run| run.closed_form_ms(|forms| forms.eq14)),
    ("e2e_ms_renewal", |run| run.closed_form_ms(|forms| forms.renewal)),
    ("output_tokens_per_s", |run| run.per_second(run.outcome.metrics.output_tokens)),
    ("output_tokens_per_s_per_request", |run| run.per_request(run.outcome.metrics.own_rate)),
    ("requests_per_s", |run| run.per_second(run.outcome.metrics.completed)),
    ("makespan_s", |run| Some(run.outcome.makespan.as_secs_f64())),
    ("accuracy_pct", |run| run.per_request(100.0 * run.outcome.metrics.correct)),
    ("output_tokens_per_request", |run| run.per_request(run.outcome.metrics.output_tokens as f64)),
    ("served_by_cloud_pct", |run| run.per_request(100.0 * run.outcome.metrics.by_cloud as f64)),
    ("retention_mean", |run| run.per_request(run.outcome.metrics.retention)),
    ("acceptance_rate", |run| per(run.outcome.metrics.accepted as f64, run.outcome.metrics.verified)),
    ("tokens_per_round", |run| per(run.outcome.metrics.output_tokens as f64, run.outcome.metrics.rounds)),
    ("drafted_tokens_per_request", |run| run.per_request(run.outcome.metrics.drafted as f64)),
    ("wasted_tokens_per_request", |run| {
        run.per_request((run.outcome.metrics.drafted - run.outcome.metrics.accepted) as f64)
    }),
    ("probe_ms_mean", |run| run.outcome.metrics.probe.time.mean_ms()),
    ("probe_flop_pct", |run| run.probe_flop_pct()),
    ("probe_memory_gb_peak", |run| run.probes().then(|| run.outcome.metrics.probe.memory.as_gb_f64())),
    ("edge_tflop_per_request", |run| run.per_request(run.outcome.edge.flop.as_tflop_f64())),
    ("cloud_tflop_per_request", |run| run.per_request(run.outcome.cloud.flop.as_tflop_f64())),
    ("edge_utilisation_pct", |run| run.utilisation_pct(&run.outcome.edge)),
    ("cloud_utilisation_pct", |run| run.utilisation_pct(&run.outcome.cloud)),
    ("edge_memory_gb_peak", |run| Some(memory_gb(&run.outcome.edge))),
    ("cloud_memory_gb_peak", |run| Some(memory_gb(&run.outcome.cloud))),
    ("memory_gb_peak", |run| Some(run.memory_gb_peak())),
    ("energy_j_per_request", |run| run.per_request(run.work_joules() + run.idle_joules())),
    ("energy_without_idle_j_per_request", |run| run.per_request(run.work_joules())),
    ("uplink_mb_per_request", |run| run.per_request(run.outcome.up.sent.as_mb_f64())),
    ("downlink_mb_per_request", |run| run.per_request(run.outcome.down.sent.as_mb_f64())),
];

/// The names of all metrics, in the order of the columns.
pub fn metric_names() -> impl Iterator<Item = &'static str> {
    METRICS.iter().map(|(name, _)| *name)
}

/// The place of a metric among them.
///
/// # Errors
/// That there is no such metric, and which is nearest.
pub fn metric_index(name: &str) -> Result<usize, String> {
    metric_names().position(|known| known == name).ok_or_else(|| {
        let distance = |known: &&str| strsim::damerau_levenshtein(known, name);
        let nearest = metric_names().min_by_key(distance).unwrap_or_default();
        format!(
            "{name}: no such metric; did you mean {nearest}? (known: {})",
            metric_names().collect::<Vec<_>>().join(", ")
        )
    })
}

impl Facts<'_> {
    fn per_request(&self, sum: f64) -> Option<f64> {
        per(sum, self.outcome.metrics.completed)
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
        finite(count as f64 / self.outcome.makespan.as_secs_f64())
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

    fn work_joules(&self) -> f64 {
        self.outcome.edge.work_joules + self.outcome.cloud.work_joules
    }

    fn idle_joules(&self) -> f64 {
        self.outcome.edge.idle_joules + self.outcome.cloud.idle_joules
    }
}

/// A tier that ran nothing needs no model in its memory.
fn memory_gb(tier: &TierOutcome) -> f64 {
    if tier.iterations > 0 { tier.memory.as_gb_f64() } else { 0.0 }
}

/// A share of a sum; none of nothing.
pub fn per(sum: f64, count: u64) -> Option<f64> {
    (count > 0).then(|| sum / count as f64)
}

fn finite(value: f64) -> Option<f64> {
    Some(value).filter(|value| value.is_finite())
}
