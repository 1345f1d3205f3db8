//! `runs.parquet`: a row for each run, that is for each replication of each policy at each point; and what a run is made
//! into on its way to the summary, in memory or through parts of a sweep.

use crate::results::metrics::{Sample, metric_names};
use crate::scenario::PointLabel;
use crate::terminal::Failure;
use backends::Coverage;
use engine::RegretSums;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use traces::TraceError;
use traces::log::{Column, TableFile, TableReader, Values};
use units::SimDuration;

/// The table and the version of its columns.
pub const RUNS: (&str, u32) = ("runs", 1);

/// Rows of a group, about: what is held in memory while parts are read or written.
pub const ROWS_PER_GROUP: usize = 128;

/// What came of a run.
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
    /// What it contributes, or why it failed.
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
    /// Iterations of edge and cloud against what was measured, where profiles price them.
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
pub struct RunsWriter {
    file: TableFile,
    varied: Vec<String>,
    waiting: Vec<Run>,
}

impl RunsWriter {
    /// Begins the table at `path`, for a scenario that varies these keys, with `notes` in its metadata.
    pub fn create(path: &Path, varied: &[String], notes: &[(&str, &str)]) -> Result<Self, TraceError> {
        let file = TableFile::create(path, RUNS, &encode(varied, &[]), notes)?;
        Ok(Self { file, varied: varied.to_vec(), waiting: Vec::new() })
    }

    /// Adds a run.
    pub fn write(&mut self, run: Run) -> Result<(), TraceError> {
        self.waiting.push(run);
        if self.waiting.len() >= ROWS_PER_GROUP { self.flush() } else { Ok(()) }
    }

    /// Writes what is left and the end of the file.
    pub fn finish(mut self) -> Result<(), TraceError> {
        self.flush()?;
        self.file.finish()
    }

    fn flush(&mut self) -> Result<(), TraceError> {
        self.file.write(&encode(&self.varied, &self.waiting))?;
        self.waiting.clear();
        Ok(())
    }
}

/// The runs of a table, in its order, with one group of them in memory.
///
/// The file is open only while it is read, since a merge has as many readers as there are shards.
pub struct RunsReader {
    path: PathBuf,
    notes: Vec<(String, String)>,
    groups: usize,
    varied: usize,
    next_group: usize,
    waiting: std::vec::IntoIter<Run>,
}

impl RunsReader {
    /// Opens the table at `path`, of a scenario that varies `varied` keys.
    ///
    /// # Errors
    /// If it is no whole table of runs.
    pub fn open(path: &Path, varied: usize) -> Result<Self, Failure> {
        let table = TableReader::open(path, RUNS)?;
        let waiting = Vec::new().into_iter();
        Ok(Self { path: path.to_owned(), notes: table.notes(), groups: table.groups(), varied, next_group: 0, waiting })
    }

    /// What its metadata says under a key.
    pub fn note(&self, key: &str) -> Option<&str> {
        self.notes.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// The next run.
    pub fn next(&mut self) -> Result<Option<Run>, Failure> {
        while self.waiting.len() == 0 && self.next_group < self.groups {
            let group = TableReader::open(&self.path, RUNS)?.group(self.next_group)?;
            self.waiting = decode(group, self.varied).into_iter();
            self.next_group += 1;
        }
        Ok(self.waiting.next())
    }
}

fn column(name: &str, values: Values) -> Column {
    Column { name: name.to_owned(), values }
}

/// The columns that say which point and policy a row is of, but for the number of the point.
pub fn label_columns<'r>(
    varied: &[String],
    rows: impl Iterator<Item = (&'r PointLabel, &'r str)> + Clone,
) -> Vec<Column> {
    let mut columns = vec![
        column("policy", Values::Text(rows.clone().map(|(_, policy)| policy.to_owned()).collect())),
        column("dataset", Values::Text(rows.clone().map(|(label, _)| label.dataset.clone()).collect())),
        column("bandwidth_mbps", Values::F64(rows.clone().map(|(label, _)| label.bandwidth_mbps).collect())),
    ];
    let value = |index: usize| rows.clone().map(|(label, _)| label.values[index].clone()).collect();
    columns.extend(varied.iter().enumerate().map(|(index, key)| column(key, Values::Text(value(index)))));
    columns
}

fn encode(varied: &[String], runs: &[Run]) -> Vec<Column> {
    let text = |of: &dyn Fn(&Run) -> String| Values::Text(runs.iter().map(of).collect());
    let place_count = |of: &dyn Fn(&Run) -> u64| Values::U64(runs.iter().map(of).collect());
    let sample = |run: &Run| run.result.as_ref().ok().cloned();
    let count = |of: &dyn Fn(&Sample) -> u64| {
        Values::U64(runs.iter().map(|run| sample(run).map_or(0, |one| of(&one))).collect())
    };
    let number = |of: &dyn Fn(&Sample) -> Option<f64>| {
        Values::F64(runs.iter().map(|run| run.result.as_ref().ok().and_then(of)).collect())
    };
    let mut columns = vec![
        column("point", place_count(&|run| run.label.point)),
        column("point_id", text(&|run| run.label.id.clone())),
    ];
    columns.extend(label_columns(varied, runs.iter().map(|run| (&*run.label, run.policy.as_str()))));
    columns.extend([
        column("replication", place_count(&|run| u64::from(run.replication))),
        column("seed", place_count(&|run| run.seed)),
        column("failed", text(&|run| run.result.as_ref().err().cloned().unwrap_or_default())),
        column(
            "journal_digest",
            text(&|run| sample(run).map_or_else(String::new, |one| format!("{:016x}", one.digest))),
        ),
        column("events", count(&|one| one.events)),
        column("requests", count(&|one| one.submitted)),
        column("completed", count(&|one| one.completed)),
        column("rejected", count(&|one| one.rejected)),
        column("edge_engine", text(&|run| run.label.engines[0].clone())),
        column("cloud_engine", text(&|run| run.label.engines[1].clone())),
    ]);
    columns.extend(metric_names().enumerate().map(|(index, name)| column(name, number(&|one| one.metrics[index]))));
    columns.extend([
        column("regret_requests", count(&|one| one.regret.requests)),
        column("regret_infeasible", count(&|one| one.regret.infeasible)),
        column("regret_gap_sum", number(&|one| Some(one.regret.gap))),
        column("regret_gap_max", number(&|one| Some(one.regret.gap_max))),
        column("regret_evaluations", count(&|one| one.regret.evaluations)),
        column("regret_planning_ns", count(&|one| one.regret.time.as_ns())),
    ]);
    columns
}

/// The columns of a group, taken one after another in the order in which [`encode`] puts them.
struct Columns(std::vec::IntoIter<Column>);

impl Columns {
    fn next(&mut self) -> Values {
        self.0.next().expect("a table of this version has these columns").values
    }

    fn texts(&mut self) -> Vec<String> {
        let Values::Text(values) = self.next() else { unreachable!("a column of text in this version") };
        values
    }

    fn counts(&mut self) -> Vec<u64> {
        let Values::U64(values) = self.next() else { unreachable!("a column of counts in this version") };
        values
    }

    fn numbers(&mut self) -> Vec<Option<f64>> {
        let Values::F64(values) = self.next() else { unreachable!("a column of numbers in this version") };
        values
    }
}

/// What [`encode`] made columns of.
fn decode(columns: Vec<Column>, varied: usize) -> Vec<Run> {
    let mut columns = Columns(columns.into_iter());
    let (points, ids) = (columns.counts(), columns.texts());
    let (policies, datasets, bandwidths) = (columns.texts(), columns.texts(), columns.numbers());
    let values: Vec<_> = (0..varied).map(|_| columns.texts()).collect();
    let (replications, seeds) = (columns.counts(), columns.counts());
    let (failed, digests, events) = (columns.texts(), columns.texts(), columns.counts());
    let (submitted, completed, rejected) = (columns.counts(), columns.counts(), columns.counts());
    let engines = [columns.texts(), columns.texts()];
    let metrics: Vec<_> = metric_names().map(|_| columns.numbers()).collect();
    let (regretted, infeasible) = (columns.counts(), columns.counts());
    let (gaps, gap_maxima) = (columns.numbers(), columns.numbers());
    let (evaluations, planning) = (columns.counts(), columns.counts());
    let sample = |row: usize| Sample {
        digest: u64::from_str_radix(&digests[row], 16).unwrap_or(0),
        events: events[row],
        submitted: submitted[row],
        completed: completed[row],
        rejected: rejected[row],
        regret: RegretSums {
            requests: regretted[row],
            infeasible: infeasible[row],
            gap: gaps[row].unwrap_or(0.0),
            gap_max: gap_maxima[row].unwrap_or(0.0),
            evaluations: evaluations[row],
            time: SimDuration::from_ns(planning[row]),
        },
        coverage: <[Coverage; 2]>::default(),
        metrics: metrics.iter().map(|values| values[row]).collect(),
    };
    let mut last: Option<Arc<PointLabel>> = None;
    let mut label = |row: usize| match &last {
        Some(label) if label.point == points[row] => label.clone(),
        _ => {
            let label = Arc::new(PointLabel {
                point: points[row],
                id: ids[row].clone(),
                dataset: datasets[row].clone(),
                bandwidth_mbps: bandwidths[row],
                values: values.iter().map(|values| values[row].clone()).collect(),
                engines: [engines[0][row].clone(), engines[1][row].clone()],
            });
            last.insert(label).clone()
        }
    };
    let run = |row: usize| Run {
        label: label(row),
        policy: policies[row].clone(),
        replication: u32::try_from(replications[row]).unwrap_or(u32::MAX),
        seed: seeds[row],
        result: if failed[row].is_empty() { Ok(sample(row)) } else { Err(failed[row].clone()) },
    };
    (0..points.len()).map(run).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(point: u64, replication: u32) -> Run {
        let label = PointLabel {
            point,
            id: format!("{point:016x}"),
            dataset: "vqav2".to_owned(),
            bandwidth_mbps: (point != 3).then_some(200.0),
            values: vec![format!("{point} ms")],
            engines: ["vllm".to_owned(), "hf".to_owned()],
        };
        let sample = Sample {
            digest: u64::MAX - point,
            events: 7,
            submitted: 5,
            completed: 4,
            rejected: 1,
            regret: RegretSums { requests: 2, gap: 0.25, time: SimDuration::from_ns(9), ..RegretSums::default() },
            coverage: <[Coverage; 2]>::default(),
            metrics: metric_names().zip(0..).map(|(_, n)| (n % 3 > 0).then_some(f64::from(n) / 7.0)).collect(),
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
        runs.iter().for_each(|run| writer.write(run.clone()).expect("written"));
        writer.finish().expect("whole");
        let mut reader = RunsReader::open(file.path(), 1).expect("a table of runs");
        assert_eq!(reader.note("plan"), Some("abc"));
        for run in &runs {
            assert_eq!(reader.next().expect("readable").as_ref(), Some(run));
        }
        assert_eq!(reader.next().expect("readable"), None);
    }
}
