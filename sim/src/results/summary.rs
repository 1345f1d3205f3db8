//! `summary.csv` and `summary.parquet`: a row for each point and policy, means over replications with 95 % confidence
//! half-widths from Student's t. Written as the runs come, so that it takes no more memory for more points.

use crate::results::metrics::{Sample, metric_names, per};
use crate::results::runs::{ROWS_PER_GROUP, Run, label_columns};
use crate::terminal::Failure;
use engine::RegretSums;
use reports::Estimate;
use std::path::{Path, PathBuf};
use traces::TraceError;
use traces::log::{Column, CsvFile, TableFile, Values};

/// The table and the version of its columns.
const SUMMARY: (&str, u32) = ("summary", 3);

/// Writes the summary's files from runs in the order of the grid.
pub struct Summary {
    folder: PathBuf,
    varied: Vec<String>,
    parquet: TableFile,
    csv: CsvFile,
    /// Made when the first plan's solver was compared with the exact one.
    regret: Option<CsvFile>,
    cell: Vec<Run>,
    waiting: Vec<Cell>,
}

/// The runs of a policy at a point.
struct Cell {
    /// Any of them.
    run: Run,
    failed: u64,
    samples: Vec<Sample>,
}

impl Summary {
    /// Begins the files in `folder`, for a scenario that varies these keys.
    pub fn create(folder: &Path, varied: &[String]) -> Result<Self, TraceError> {
        let like = columns(varied, &[]);
        Ok(Self {
            folder: folder.to_owned(),
            varied: varied.to_vec(),
            parquet: TableFile::create(&folder.join("summary.parquet"), SUMMARY, &like, &[])?,
            csv: CsvFile::create(&folder.join("summary.csv"), &like)?,
            regret: None,
            cell: Vec::new(),
            waiting: Vec::new(),
        })
    }

    /// Adds a run; those of a point and policy come one after another.
    pub fn add(&mut self, run: Run) -> Result<(), TraceError> {
        let same = |last: &Run| last.label.point == run.label.point && last.policy == run.policy;
        if !self.cell.last().is_none_or(same) {
            self.end_cell()?;
        }
        self.cell.push(run);
        Ok(())
    }

    /// Writes what is left and the ends of the files.
    pub fn finish(mut self) -> Result<(), Failure> {
        self.end_cell()?;
        self.flush()?;
        self.parquet.finish()?;
        self.csv.finish()?;
        self.regret.map(CsvFile::finish).transpose()?;
        Ok(())
    }

    fn end_cell(&mut self) -> Result<(), TraceError> {
        let runs = std::mem::take(&mut self.cell);
        let Some(run) = runs.first().cloned() else { return Ok(()) };
        let samples: Vec<Sample> = runs.iter().filter_map(|run| run.result.as_ref().ok().cloned()).collect();
        self.waiting.push(Cell { run, failed: (runs.len() - samples.len()) as u64, samples });
        if self.waiting.len() >= ROWS_PER_GROUP { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), TraceError> {
        let columns = columns(&self.varied, &self.waiting);
        self.parquet.write(&columns)?;
        self.csv.write(&columns)?;
        self.flush_regret()?;
        self.waiting.clear();
        Ok(())
    }

    /// `regret.csv`: how the plan's solver fared against the exact one; only where another one was used.
    fn flush_regret(&mut self) -> Result<(), TraceError> {
        let cells: Vec<(&Run, RegretSums)> = self
            .waiting
            .iter()
            .map(|cell| (&cell.run, cell.samples.iter().map(|sample| sample.regret).sum::<RegretSums>()))
            .filter(|(_, sums)| sums.requests > 0)
            .collect();
        if cells.is_empty() {
            return Ok(());
        }
        let columns = regret_columns(&self.varied, &cells);
        if self.regret.is_none() {
            self.regret = Some(CsvFile::create(&self.folder.join("regret.csv"), &columns)?);
        }
        self.regret.as_mut().map_or(Ok(()), |regret| regret.write(&columns))
    }
}

fn regret_columns(varied: &[String], cells: &[(&Run, RegretSums)]) -> Vec<Column> {
    let of = |value: fn(&RegretSums) -> Option<f64>| Values::F64(cells.iter().map(|(_, sums)| value(sums)).collect());
    let mut columns = label_columns(varied, cells.iter().map(|(run, _)| (&*run.label, run.policy.as_str())));
    let values = [
        ("requests", Values::U64(cells.iter().map(|(_, sums)| sums.requests).collect())),
        ("infeasible_pct", of(|sums| per(100.0 * sums.infeasible as f64, sums.requests))),
        ("gap_pct_mean", of(|sums| per(100.0 * sums.gap, sums.requests - sums.infeasible))),
        ("gap_pct_max", of(|sums| (sums.requests > sums.infeasible).then_some(100.0 * sums.gap_max))),
        ("evaluations_mean", of(|sums| per(sums.evaluations as f64, sums.requests))),
        ("planning_ms_mean", of(|sums| per(sums.time.as_ms_f64(), sums.requests))),
    ];
    columns.extend(values.map(|(name, values)| column(name, values)));
    columns
}

fn column(name: &str, values: Values) -> Column {
    Column { name: name.to_owned(), values }
}

fn columns(varied: &[String], cells: &[Cell]) -> Vec<Column> {
    let mut columns = label_columns(varied, cells.iter().map(|cell| (&*cell.run.label, cell.run.policy.as_str())));
    let count = |of: fn(&Cell) -> u64| Values::U64(cells.iter().map(of).collect());
    let engine = |side: usize| Values::Text(cells.iter().map(|cell| cell.run.label.engines[side].clone()).collect());
    columns.extend([
        column("replications", count(|cell| cell.samples.len() as u64)),
        column("failed", count(|cell| cell.failed)),
        column("requests", count(|cell| cell.samples.iter().map(|sample| sample.submitted).sum())),
        column("completed", count(|cell| cell.samples.iter().map(|sample| sample.completed).sum())),
        column("rejected", count(|cell| cell.samples.iter().map(|sample| sample.rejected).sum())),
        column("edge_engine", engine(0)),
        column("cloud_engine", engine(1)),
    ]);
    for (index, name) in metric_names().enumerate() {
        let estimates: Vec<Option<Estimate>> = cells
            .iter()
            .map(|cell| cell.samples.iter().map(|sample| sample.metrics[index]).collect::<Option<Vec<f64>>>())
            .map(|values| values.filter(|values| !values.is_empty()).map(|values| Estimate::of(&values)))
            .collect();
        let mean = estimates.iter().map(|estimate| estimate.as_ref().map(|estimate| estimate.mean)).collect();
        let half = estimates.iter().map(|estimate| estimate.as_ref().and_then(|estimate| estimate.ci95)).collect();
        columns.push(column(name, Values::F64(mean)));
        columns.push(column(&format!("{name}_ci95"), Values::F64(half)));
    }
    columns
}
