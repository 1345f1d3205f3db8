//! `summary.csv` and `summary.parquet`: a row for each point and policy, means over replications with 95 % confidence
//! half-widths from Student's t. Written as the runs come, so that it takes no more memory for more points.

use super::classes::ClassSample;
use super::metrics::Sample;
use super::runs::{Run, varied};
use super::shares::per;
use super::shortfalls;
use super::swept::Swept;
use crate::terminal::Failure;
use engine::RegretSums;
use reports::Estimate;
use std::path::{Path, PathBuf};
use tables::{
    ClassRow, CsvFile, Metric, MetricEstimates, RegretRow, ShortfallRow, Shortfalls, SummaryRow, TableError,
    TableWriter,
};

/// Writes the summary's files from runs in the order of the grid.
pub struct Summary {
    folder: PathBuf,
    swept: Swept,
    parquet: TableWriter<SummaryRow>,
    csv: CsvFile<SummaryRow>,
    /// Made when the first plan's solver was compared with the exact one.
    regret: Option<CsvFile<RegretRow>>,
    /// Made for the first policy whose requests are of several classes.
    classes: Option<(TableWriter<ClassRow>, CsvFile<ClassRow>)>,
    /// Made when the first request was rejected, or the first answer cut.
    shortfalls: Option<TableWriter<ShortfallRow>>,
    /// The runs of the policy and point that is being read.
    cell: Vec<Run>,
}

impl Summary {
    /// Begins the files in `folder`, for a scenario that varies these keys.
    pub fn create(folder: &Path, swept: Swept) -> Result<Self, TableError> {
        let columns = swept.columns();
        Ok(Self {
            folder: folder.to_owned(),
            swept,
            parquet: TableWriter::create_varied(&folder.join("summary.parquet"), &columns, &[])?,
            csv: CsvFile::create(&folder.join("summary.csv"), &columns)?,
            regret: None,
            classes: None,
            shortfalls: None,
            cell: Vec::new(),
        })
    }

    /// Adds a run; those of a point and policy come one after another.
    pub fn add(&mut self, run: Run) -> Result<(), TableError> {
        let same = |last: &Run| last.label.point == run.label.point && last.policy == run.policy;
        if !self.cell.last().is_none_or(same) {
            self.end_cell()?;
        }
        self.cell.push(run);
        Ok(())
    }

    /// Writes the rest and the ends of the files.
    pub fn finish(mut self) -> Result<(), Failure> {
        self.end_cell()?;
        self.parquet.finish()?;
        self.csv.finish()?;
        self.regret.map(CsvFile::finish).transpose()?;
        self.shortfalls.map(TableWriter::finish).transpose()?;
        if let Some((parquet, csv)) = self.classes {
            parquet.finish()?;
            csv.finish()?;
        }
        Ok(())
    }

    fn end_cell(&mut self) -> Result<(), TableError> {
        let runs = std::mem::take(&mut self.cell);
        let Some(first) = runs.first() else { return Ok(()) };
        let samples: Vec<&Sample> = runs.iter().filter_map(|run| run.result.as_ref().ok()).collect();
        let numbers = self.swept.numbers(&first.label);
        let row = SummaryRow { numbers, ..row(first, (runs.len() - samples.len()) as u64, &samples) };
        self.csv.write(&row)?;
        self.parquet.write(row)?;
        self.write_shortfalls(first, &samples)?;
        self.write_classes(first, &samples)?;
        let regret = samples.iter().map(|sample| sample.regret).sum::<RegretSums>();
        if regret.requests > 0 { self.write_regret(&regret_row(first, &regret)) } else { Ok(()) }
    }

    /// Writes `classes.parquet` and `classes.csv`: a row for each class, where there are classes.
    fn write_classes(&mut self, first: &Run, samples: &[&Sample]) -> Result<(), TableError> {
        let Some(one) = samples.first() else { return Ok(()) };
        for place in 0..one.classes.len() {
            let of: Vec<&ClassSample> = samples.iter().map(|sample| &sample.classes[place]).collect();
            let row = ClassRow {
                point: first.label.point,
                policy: first.policy.as_str().into(),
                dataset: first.label.dataset.as_str().into(),
                bandwidth_mbps: first.label.bandwidth_mbps,
                varied: varied(&first.label),
                class: of[0].name.clone(),
                requests: of.iter().map(|one| one.submitted).sum(),
                completed: of.iter().map(|one| one.completed).sum(),
                metrics: estimates(|metric| of.iter().map(|one| one.metrics[metric]).collect()),
            };
            let (parquet, csv) = match &mut self.classes {
                Some(files) => files,
                none => {
                    let parquet = self.folder.join("classes.parquet");
                    let csv = CsvFile::create(&self.folder.join("classes.csv"), &self.swept.varied)?;
                    none.insert((TableWriter::create_varied(&parquet, &self.swept.varied, &[])?, csv))
                }
            };
            csv.write(&row)?;
            parquet.write(row)?;
        }
        Ok(())
    }

    /// Writes `shortfalls.parquet`: a row for each reason, only where there is one.
    fn write_shortfalls(&mut self, first: &Run, samples: &[&Sample]) -> Result<(), TableError> {
        let mut counts = Shortfalls::default();
        samples.iter().for_each(|sample| counts += sample.shortfalls);
        for (reason, requests) in counts.iter() {
            let file = match &mut self.shortfalls {
                Some(file) => file,
                none => none.insert(TableWriter::create_varied(
                    &self.folder.join(shortfalls::FILE),
                    &self.swept.varied,
                    &[],
                )?),
            };
            file.write(ShortfallRow {
                point: first.label.point,
                policy: first.policy.as_str().into(),
                dataset: first.label.dataset.as_str().into(),
                bandwidth_mbps: first.label.bandwidth_mbps,
                varied: varied(&first.label),
                reason,
                requests,
                of_requests: samples.iter().map(|sample| sample.submitted).sum(),
            })?;
        }
        Ok(())
    }

    /// Writes `regret.csv`: the plan's solver against the exact one, only where another one was used.
    fn write_regret(&mut self, row: &RegretRow) -> Result<(), TableError> {
        let file = match &mut self.regret {
            Some(file) => file,
            none => none.insert(CsvFile::create(&self.folder.join("regret.csv"), &self.swept.varied)?),
        };
        file.write(row)
    }
}

fn regret_row(run: &Run, sums: &RegretSums) -> RegretRow {
    RegretRow {
        policy: run.policy.as_str().into(),
        dataset: run.label.dataset.as_str().into(),
        bandwidth_mbps: run.label.bandwidth_mbps,
        varied: varied(&run.label),
        requests: sums.requests,
        infeasible_pct: per(100.0 * sums.infeasible as f64, sums.requests),
        gap_pct_mean: per(100.0 * sums.gap, sums.requests - sums.infeasible),
        gap_pct_max: (sums.requests > sums.infeasible).then_some(100.0 * sums.gap_max),
        evaluations_mean: per(sums.evaluations as f64, sums.requests),
        planning_ms_mean: per(sums.time.as_ms_f64(), sums.requests),
    }
}

fn row(run: &Run, failed: u64, samples: &[&Sample]) -> SummaryRow {
    let sum = |of: fn(&Sample) -> u64| samples.iter().map(|sample| of(sample)).sum();
    let [edge_engine, cloud_engine] = run.label.engines.each_ref().map(|engine| engine.as_str().into());
    SummaryRow {
        policy: run.policy.as_str().into(),
        dataset: run.label.dataset.as_str().into(),
        bandwidth_mbps: run.label.bandwidth_mbps,
        varied: varied(&run.label),
        replications: samples.len() as u64,
        failed,
        requests: sum(|sample| sample.submitted),
        completed: sum(|sample| sample.completed),
        rejected: sum(|sample| sample.rejected),
        timed_out: sum(|sample| sample.timed_out),
        edge_engine,
        cloud_engine,
        metrics: estimates(|metric| samples.iter().map(|sample| sample.metrics[metric]).collect()),
        ..SummaryRow::default()
    }
}

/// The mean of each metric over runs. A metric that does not apply to one of them has none.
fn estimates(values: impl Fn(Metric) -> Option<Vec<f64>>) -> MetricEstimates {
    MetricEstimates::each(|metric| {
        let estimate = values(metric).filter(|values| !values.is_empty()).map(|values| Estimate::of(&values));
        estimate.map(|estimate| (estimate.mean, estimate.ci95))
    })
}
