//! `summary.csv` and `summary.parquet`: a row for each point and policy, means over replications with 95 % confidence
//! half-widths from Student's t.

use crate::failure::Failure;
use crate::scenario::{Grid, MemoryScope};
use engine::{Durations, Outcome, RegretSums, TierOutcome};
use policies::Uses;
use statrs::distribution::{ContinuousCDF, StudentsT};
use std::path::Path;
use traces::log::{Column, TableWriter, Values};

/// Version of the summary's columns.
const VERSION: u32 = 2;

/// What a run contributes to the summary.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Digest of its events.
    pub digest: u64,
    /// Its events.
    pub events: u64,
    /// How the plan's solver fared.
    pub regret: RegretSums,
    submitted: u64,
    completed: u64,
    rejected: u64,
    /// Metric by name, in the order of the columns; none where it does not apply.
    metrics: Vec<(&'static str, Option<f64>)>,
}

/// Reads off a run what the summary needs.
pub fn sample(outcome: &Outcome, scope: MemoryScope, uses: Uses) -> Sample {
    let metrics = &outcome.metrics;
    let groups = [
        latencies(outcome),
        twin(outcome),
        rates(outcome),
        speculation(outcome),
        probing(outcome),
        resources(outcome, scope, uses),
    ];
    Sample {
        regret: metrics.regret,
        digest: outcome.journal.digest(),
        events: outcome.events,
        submitted: metrics.submitted,
        completed: metrics.completed,
        rejected: metrics.rejected,
        metrics: groups.concat(),
    }
}

type Metrics = Vec<(&'static str, Option<f64>)>;

fn latencies(outcome: &Outcome) -> Metrics {
    let Outcome { metrics, .. } = outcome;
    let quantile = |durations: &Durations, p| durations.quantile_ms(p);
    vec![
        ("e2e_ms_mean", metrics.e2e.mean_ms()),
        ("e2e_ms_p50", quantile(&metrics.e2e, 0.5)),
        ("e2e_ms_p90", quantile(&metrics.e2e, 0.9)),
        ("e2e_ms_p99", quantile(&metrics.e2e, 0.99)),
        ("ttft_ms_mean", metrics.ttft.mean_ms()),
        ("ttft_ms_p50", quantile(&metrics.ttft, 0.5)),
        ("ttft_ms_p90", quantile(&metrics.ttft, 0.9)),
        ("ttft_ms_p99", quantile(&metrics.ttft, 0.99)),
        ("tpot_ms_mean", metrics.tpot.mean_ms()),
        ("tpot_ms_p50", quantile(&metrics.tpot, 0.5)),
        ("tpot_ms_p99", quantile(&metrics.tpot, 0.99)),
        ("itl_ms_mean", metrics.itl.mean_ms()),
        ("itl_ms_p99", quantile(&metrics.itl, 0.99)),
    ]
}

/// What closed forms say of the same latency; see `policies::Twin`.
fn twin(outcome: &Outcome) -> Metrics {
    let twin = &outcome.metrics.twin;
    vec![
        ("e2e_ms_eq14", per(1e3 * twin.eq14_s, twin.requests)),
        ("e2e_ms_renewal", per(1e3 * twin.renewal_s, twin.requests)),
    ]
}

fn probing(outcome: &Outcome) -> Metrics {
    let (probe, twin) = (&outcome.metrics.probe, &outcome.metrics.twin);
    let probes = probe.time.count() > 0;
    vec![
        ("probe_ms_mean", probe.time.mean_ms()),
        ("probe_flop_pct", per(100.0 * twin.probe_flop, twin.requests).filter(|_| probes)),
        ("probe_memory_gb_peak", probes.then(|| probe.memory.as_gb_f64())),
    ]
}

fn rates(outcome: &Outcome) -> Metrics {
    let Outcome { metrics, makespan, .. } = outcome;
    let per_second = |count: u64| Some(count as f64 / makespan.as_secs_f64()).filter(|rate| rate.is_finite());
    vec![
        ("output_tokens_per_s", per_second(metrics.output_tokens)),
        ("output_tokens_per_s_per_request", per(metrics.own_rate, metrics.completed)),
        ("requests_per_s", per_second(metrics.completed)),
        ("makespan_s", Some(makespan.as_secs_f64())),
        ("accuracy_pct", per(100.0 * metrics.correct, metrics.completed)),
        ("output_tokens_per_request", per(metrics.output_tokens as f64, metrics.completed)),
        ("served_by_cloud_pct", per(100.0 * metrics.by_cloud as f64, metrics.completed)),
        ("retention_mean", per(metrics.retention, metrics.completed)),
    ]
}

fn speculation(outcome: &Outcome) -> Metrics {
    let metrics = &outcome.metrics;
    let speculated = metrics.rounds > 0;
    let committed = metrics.output_tokens as f64;
    vec![
        ("acceptance_rate", per(metrics.accepted as f64, metrics.verified)),
        ("tokens_per_round", if speculated { per(committed, metrics.rounds) } else { None }),
        ("drafted_tokens_per_request", per(metrics.drafted as f64, metrics.completed)),
        ("wasted_tokens_per_request", per((metrics.drafted - metrics.accepted) as f64, metrics.completed)),
    ]
}

fn resources(outcome: &Outcome, scope: MemoryScope, uses: Uses) -> Metrics {
    let Outcome { edge, cloud, up, down, makespan, metrics, .. } = outcome;
    let utilisation = |tier: &TierOutcome| {
        let most = makespan.as_secs_f64() * f64::from(tier.gpus);
        Some(100.0 * tier.busy.as_secs_f64() / most).filter(|share| share.is_finite())
    };
    // A tier that ran nothing needs no model in its memory.
    let memory_gb = |tier: &TierOutcome| if tier.iterations > 0 { tier.memory.as_gb_f64() } else { 0.0 };
    let peak = match scope {
        MemoryScope::Total => memory_gb(edge) + memory_gb(cloud),
        MemoryScope::Paper if uses.edge_model => memory_gb(edge),
        MemoryScope::Paper => memory_gb(cloud),
    };
    let work = edge.work_joules + cloud.work_joules;
    let idle = edge.idle_joules + cloud.idle_joules;
    let completed = metrics.completed;
    vec![
        ("edge_tflop_per_request", per(edge.flop.as_tflop_f64(), completed)),
        ("cloud_tflop_per_request", per(cloud.flop.as_tflop_f64(), completed)),
        ("edge_utilisation_pct", utilisation(edge)),
        ("cloud_utilisation_pct", utilisation(cloud)),
        ("edge_memory_gb_peak", Some(memory_gb(edge))),
        ("cloud_memory_gb_peak", Some(memory_gb(cloud))),
        ("memory_gb_peak", Some(peak)),
        ("energy_j_per_request", per(work + idle, completed)),
        ("energy_without_idle_j_per_request", per(work, completed)),
        ("uplink_mb_per_request", per(up.sent.as_mb_f64(), completed)),
        ("downlink_mb_per_request", per(down.sent.as_mb_f64(), completed)),
    ]
}

fn per(sum: f64, count: u64) -> Option<f64> {
    (count > 0).then(|| sum / count as f64)
}

/// Writes both files.
pub fn write(grid: &Grid, cells: &[Vec<Sample>], folder: &Path) -> Result<(), Failure> {
    let table = TableWriter::new("summary", VERSION, columns(grid, cells));
    table.write_csv(&folder.join("summary.csv"))?;
    table.write_parquet(&folder.join("summary.parquet"))?;
    write_regret(grid, cells, &folder.join("regret.csv"))
}

/// `regret.csv`: how the plan's solver fared against the exact one; only where another one was used.
fn write_regret(grid: &Grid, cells: &[Vec<Sample>], path: &Path) -> Result<(), Failure> {
    let sums: Vec<RegretSums> = cells.iter().map(|samples| samples.iter().map(|sample| sample.regret).sum()).collect();
    if sums.iter().all(|sums| sums.requests == 0) {
        return Ok(());
    }
    let of = |value: fn(&RegretSums) -> Option<f64>| Values::F64(sums.iter().map(value).collect());
    let mut columns = point_columns(grid);
    let values = [
        ("requests", Values::U64(sums.iter().map(|sums| sums.requests).collect())),
        ("infeasible_pct", of(|sums| per(100.0 * sums.infeasible as f64, sums.requests))),
        ("gap_pct_mean", of(|sums| per(100.0 * sums.gap, sums.requests - sums.infeasible))),
        ("gap_pct_max", of(|sums| (sums.requests > sums.infeasible).then_some(100.0 * sums.gap_max))),
        ("evaluations_mean", of(|sums| per(sums.evaluations as f64, sums.requests))),
        ("planning_ms_mean", of(|sums| per(sums.time.as_ms_f64(), sums.requests))),
    ];
    columns.extend(values.map(|(name, values)| column(name, values)));
    TableWriter::new("regret", VERSION, columns).write_csv(path)?;
    Ok(())
}

fn column(name: &str, values: Values) -> Column {
    Column { name: name.to_owned(), values }
}

/// What says which policy and point a row is of.
fn point_columns(grid: &Grid) -> Vec<Column> {
    let rows: Vec<_> = grid.points.iter().flat_map(|point| point.cells.iter().map(move |cell| (point, cell))).collect();
    let mut columns = vec![
        column("policy", Values::Text(rows.iter().map(|(_, cell)| cell.policy.clone()).collect())),
        column("dataset", Values::Text(rows.iter().map(|(point, _)| point.dataset.clone()).collect())),
        column("bandwidth_mbps", Values::F64(rows.iter().map(|(point, _)| Some(point.bandwidth_mbps)).collect())),
    ];
    for (index, key) in grid.varied.iter().enumerate() {
        columns.push(column(key, Values::Text(rows.iter().map(|(point, _)| point.values[index].clone()).collect())));
    }
    columns
}

fn columns(grid: &Grid, cells: &[Vec<Sample>]) -> Vec<Column> {
    let mut columns = point_columns(grid);
    let total =
        |count: fn(&Sample) -> u64| Values::U64(cells.iter().map(|samples| samples.iter().map(count).sum()).collect());
    columns.push(column("replications", Values::U64(cells.iter().map(|samples| samples.len() as u64).collect())));
    columns.push(column("requests", total(|sample| sample.submitted)));
    columns.push(column("completed", total(|sample| sample.completed)));
    columns.push(column("rejected", total(|sample| sample.rejected)));
    for (name, side) in [("edge_engine", 0), ("cloud_engine", 1)] {
        let names = grid.points.iter().flat_map(|point| vec![point.engines[side].to_owned(); point.cells.len()]);
        columns.push(column(name, Values::Text(names.collect())));
    }
    let metrics = cells.first().and_then(|samples| samples.first()).map_or(0, |sample| sample.metrics.len());
    for index in 0..metrics {
        let name = cells[0][0].metrics[index].0;
        let estimates: Vec<Option<Estimate>> = cells
            .iter()
            .map(|samples| samples.iter().map(|sample| sample.metrics[index].1).collect::<Option<Vec<f64>>>())
            .map(|values| values.map(|values| Estimate::of(&values)))
            .collect();
        let mean = estimates.iter().map(|estimate| estimate.as_ref().map(|estimate| estimate.mean)).collect();
        let half = estimates.iter().map(|estimate| estimate.as_ref().and_then(|estimate| estimate.ci95)).collect();
        columns.push(column(name, Values::F64(mean)));
        columns.push(column(&format!("{name}_ci95"), Values::F64(half)));
    }
    columns
}

/// A mean over replications, folded in their order.
struct Estimate {
    mean: f64,
    /// Half-width of the 95 % confidence interval; none from a single replication.
    ci95: Option<f64>,
}

impl Estimate {
    fn of(values: &[f64]) -> Self {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let ci95 = (values.len() > 1).then(|| {
            let variance = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / (n - 1.0);
            let t = StudentsT::new(0.0, 1.0, n - 1.0).expect("at least one degree of freedom").inverse_cdf(0.975);
            t * (variance / n).sqrt()
        });
        Self { mean, ci95 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_students() {
        // Mean 2, deviation 1, t(.975, 2) = 4.302653.
        let estimate = Estimate::of(&[1.0, 2.0, 3.0]);
        assert_eq!(estimate.mean, 2.0);
        let half = estimate.ci95.expect("three replications");
        assert!((half - 4.302_652_73 / 3.0f64.sqrt()).abs() < 1e-6, "{half}");
        assert_eq!(Estimate::of(&[5.0]).ci95, None);
    }
}
