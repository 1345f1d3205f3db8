//! `runs.parquet` in both directions: runs as rows, and rows as runs, in memory or through parts of a sweep.

use super::class_runs::ClassRunsReader;
use super::metrics::Sample;
use crate::scenario::PointLabel;
use crate::terminal::Failure;
use backends::Coverage;
use engine::RegretSums;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tables::{RunRow, Shortfall, Shortfalls, TableError, TableReader, TableWriter, Text, VariedValues};
use units::SimDuration;

/// A run that has ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Its point.
    pub label: Arc<PointLabel>,
    /// Label of its policy; empty where the point as a whole cannot be run.
    pub policy: String,
    /// Its replication, from 0.
    pub replication: u32,
    /// Its seed.
    pub seed: u64,
    /// Its contribution to the tables, or the reason why it failed.
    pub result: Result<Sample, String>,
}

/// Sums over all runs.
#[derive(Debug, Default)]
pub struct Totals {
    /// Runs.
    pub runs: usize,
    /// Replications of each policy at each point.
    pub replications: u32,
    /// Requests over all runs.
    pub requests: u64,
    /// Events over all runs.
    pub events: u64,
    /// Digest of the digests, in order.
    pub digest: u64,
    /// Iterations of edge and cloud against the measured range, where profiles price them.
    pub coverage: [Coverage; 2],
    /// Seconds on the wall.
    pub wall_s: f64,
}

impl Totals {
    /// Adds a run that did not fail, in the order of the grid.
    pub fn add(&mut self, sample: &Sample) {
        self.requests += sample.submitted;
        self.events += sample.events;
        self.coverage.iter_mut().zip(sample.coverage).for_each(|(all, one)| all.add(one));
        self.digest = self.digest.rotate_left(7) ^ sample.digest;
    }
}

/// Writes runs, in the order of the grid.
pub struct RunsWriter(TableWriter<RunRow>);

impl RunsWriter {
    /// Begins the table at `path`, for a scenario that varies these keys, with `notes` in its metadata.
    pub fn create(path: &Path, varied: &[String], notes: &[(&str, &str)]) -> Result<Self, TableError> {
        TableWriter::create_varied(path, varied, notes).map(Self)
    }

    /// Begins a part of such a table.
    pub fn create_part(path: &Path, varied: &[String], notes: &[(&str, &str)]) -> Result<Self, TableError> {
        TableWriter::create_part(path, varied, notes).map(Self)
    }

    /// Adds a run.
    pub fn write(&mut self, run: &Run) -> Result<(), TableError> {
        self.0.write(row(run))
    }

    /// Writes the rest and the end of the file.
    pub fn finish(self) -> Result<(), TableError> {
        self.0.finish().map(drop)
    }
}

/// The runs of a table, in its order, with one group of them in memory.
///
/// The file is open only while it is read, since a merge has as many readers as there are shards.
pub struct RunsReader {
    path: PathBuf,
    notes: Vec<(String, String)>,
    groups: usize,
    next_group: usize,
    /// Open until the first group is read.
    opened: Option<TableReader<RunRow>>,
    waiting: std::vec::IntoIter<RunRow>,
    latest: Option<Arc<PointLabel>>,
    /// The figures by class, where they lie beside it.
    classes: Option<ClassRunsReader>,
}

impl RunsReader {
    /// Opens the table at `path`.
    ///
    /// # Errors
    /// If it is no whole table of runs.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let table = TableReader::<RunRow>::open(path)?;
        let (notes, groups, waiting) = (table.notes(), table.groups(), Vec::new().into_iter());
        let (path, opened) = (path.to_owned(), Some(table));
        Ok(Self { path, notes, groups, next_group: 0, opened, waiting, latest: None, classes: None })
    }

    /// The same runs with their figures by class.
    pub fn with_classes(self, classes: ClassRunsReader) -> Self {
        Self { classes: Some(classes), ..self }
    }

    /// The note in its metadata under a key.
    pub fn note(&self, key: &str) -> Option<&str> {
        self.notes.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// The next run.
    pub fn next(&mut self) -> Result<Option<Run>, Failure> {
        while self.waiting.len() == 0 && self.next_group < self.groups {
            let table = self.opened.take().map_or_else(|| TableReader::open(&self.path), Ok)?;
            self.waiting = table.group(self.next_group)?.into_iter();
            self.next_group += 1;
        }
        let Some(mut run) = self.waiting.next().map(|row| run(row, &mut self.latest)) else { return Ok(None) };
        if let Some(classes) = &mut self.classes {
            let classes = classes.next()?;
            run.result.iter_mut().for_each(|sample| sample.classes.clone_from(&classes));
        }
        Ok(Some(run))
    }
}

/// The values of the varied keys at a point, as tables have them.
pub fn varied(label: &PointLabel) -> VariedValues {
    VariedValues(label.values.iter().map(|value| value.as_str().into()).collect())
}

/// The row of a run. A failed run has no counts and no metrics.
fn row(run: &Run) -> RunRow {
    let label = &run.label;
    let [edge_engine, cloud_engine] = label.engines.each_ref().map(|engine| Text::from(engine.as_str()));
    let common = RunRow {
        point: label.point,
        point_id: label.id.as_str().into(),
        policy: run.policy.as_str().into(),
        dataset: label.dataset.as_str().into(),
        bandwidth_mbps: label.bandwidth_mbps,
        varied: varied(label),
        replication: u64::from(run.replication),
        seed: run.seed,
        edge_engine,
        cloud_engine,
        ..RunRow::default()
    };
    match &run.result {
        Err(reason) => RunRow { failed: reason.as_str().into(), ..common },
        Ok(sample) => RunRow {
            journal_digest: format!("{:016x}", sample.digest).into(),
            events: sample.events,
            warm_up: sample.warm_up,
            requests: sample.submitted,
            completed: sample.completed,
            timed_out: sample.timed_out,
            rejected: sample.rejected,
            rejected_edge_context: sample.shortfalls[Shortfall::EdgeContext],
            rejected_cloud_context: sample.shortfalls[Shortfall::CloudContext],
            rejected_edge_memory: sample.shortfalls[Shortfall::EdgeMemory],
            rejected_cloud_memory: sample.shortfalls[Shortfall::CloudMemory],
            cut: sample.shortfalls[Shortfall::Cut],
            metrics: sample.metrics.clone(),
            regret_requests: sample.regret.requests,
            regret_infeasible: sample.regret.infeasible,
            regret_gap_sum: Some(sample.regret.gap),
            regret_gap_max: Some(sample.regret.gap_max),
            regret_evaluations: sample.regret.evaluations,
            regret_planning_ns: sample.regret.time.as_ns(),
            ..common
        },
    }
}

/// The counts of a row by reason.
fn shortfalls(row: &RunRow) -> Shortfalls {
    let mut counts = Shortfalls::default();
    counts[Shortfall::EdgeContext] = row.rejected_edge_context;
    counts[Shortfall::CloudContext] = row.rejected_cloud_context;
    counts[Shortfall::EdgeMemory] = row.rejected_edge_memory;
    counts[Shortfall::CloudMemory] = row.rejected_cloud_memory;
    counts[Shortfall::TimedOut] = row.timed_out;
    counts[Shortfall::Cut] = row.cut;
    counts
}

/// The run of a row. Runs of one point share its label, which is `latest` if the row before had it.
fn run(row: RunRow, latest: &mut Option<Arc<PointLabel>>) -> Run {
    let label = match latest {
        Some(label) if label.point == row.point => label.clone(),
        _ => latest.insert(label(&row).into()).clone(),
    };
    let sample = || Sample {
        digest: u64::from_str_radix(&row.journal_digest, 16).unwrap_or(0),
        events: row.events,
        warm_up: row.warm_up,
        submitted: row.requests,
        completed: row.completed,
        rejected: row.rejected,
        timed_out: row.timed_out,
        shortfalls: shortfalls(&row),
        regret: RegretSums {
            requests: row.regret_requests,
            infeasible: row.regret_infeasible,
            gap: row.regret_gap_sum.unwrap_or(0.0),
            gap_max: row.regret_gap_max.unwrap_or(0.0),
            evaluations: row.regret_evaluations,
            time: SimDuration::from_ns(row.regret_planning_ns),
        },
        coverage: <[Coverage; 2]>::default(),
        metrics: row.metrics.clone(),
        classes: Vec::new(),
    };
    Run {
        label,
        policy: row.policy.to_string(),
        replication: u32::try_from(row.replication).unwrap_or(u32::MAX),
        seed: row.seed,
        result: if row.failed.is_empty() { Ok(sample()) } else { Err(row.failed.to_string()) },
    }
}

fn label(row: &RunRow) -> PointLabel {
    PointLabel {
        point: row.point,
        id: row.point_id.to_string(),
        dataset: row.dataset.to_string(),
        bandwidth_mbps: row.bandwidth_mbps,
        values: row.varied.0.iter().map(|value| value.to_string()).collect(),
        engines: [row.edge_engine.to_string(), row.cloud_engine.to_string()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tables::MetricValues;

    fn run(point: u64, replication: u32) -> Run {
        let label = PointLabel {
            point,
            id: format!("{point:016x}"),
            dataset: "vqav2".to_owned(),
            bandwidth_mbps: (point != 3).then_some(200.0),
            values: vec![format!("{point} ms")],
            engines: ["vllm".to_owned(), "hf".to_owned()],
        };
        let mut shortfalls = Shortfalls::default();
        Shortfall::ALL.iter().zip(1..).for_each(|(reason, count)| shortfalls[*reason] = count);
        let sample = Sample {
            digest: u64::MAX - point,
            events: 7,
            warm_up: 3,
            submitted: 5,
            completed: 4,
            rejected: 1,
            timed_out: 5,
            shortfalls,
            regret: RegretSums { requests: 2, gap: 0.25, time: SimDuration::from_ns(9), ..RegretSums::default() },
            coverage: <[Coverage; 2]>::default(),
            metrics: MetricValues::each(|metric| {
                (!(metric as u32).is_multiple_of(3)).then_some(f64::from(metric as u32) / 7.0)
            }),
            classes: Vec::new(),
        };
        let result = if point == 3 { Err("does not fit".to_owned()) } else { Ok(sample) };
        Run { label: label.into(), policy: "msao".to_owned(), replication, seed: 11, result }
    }

    #[test]
    fn runs_read_back() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let varied = ["link.rtt".to_owned()];
        let runs: Vec<Run> =
            (0..400).flat_map(|point| (0..2).map(move |replication| run(point, replication))).collect();
        let mut writer = RunsWriter::create(file.path(), &varied, &[("plan", "abc")]).expect("a table");
        runs.iter().for_each(|run| writer.write(run).expect("written"));
        writer.finish().expect("whole");
        let mut reader = RunsReader::open(file.path()).expect("a table of runs");
        assert_eq!(reader.note("plan"), Some("abc"));
        for run in &runs {
            assert_eq!(reader.next().expect("readable").as_ref(), Some(run));
        }
        assert_eq!(reader.next().expect("readable"), None);
    }
}
