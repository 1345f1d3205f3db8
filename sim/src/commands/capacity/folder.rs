//! The results folder of `sim capacity`: the runs of all values or choices, and the table of the answers.

use super::args::Args;
use crate::results::runs::{Run, Totals};
use crate::results::{self, manifest, whole_file};
use crate::run::grid::write_tables;
use crate::scenario::{Plan, Scenario};
use crate::terminal::{Failure, say};
use std::path::PathBuf;
use std::time::Instant;
use tables::{Row, TableWriter};

/// A results folder in the making.
pub struct Making {
    results: results::Results,
    replications: u32,
    started: Instant,
}

/// The last line that is told: runs, their time, and the folder.
pub struct Told(String);

impl Told {
    /// Tells it.
    pub fn say(&self) {
        say(format_args!("{}", self.0));
    }
}

impl Making {
    /// Begins the folder that the arguments name.
    ///
    /// # Errors
    /// If anything but earlier results is in the way, or the place cannot be written to.
    pub fn begin(args: &Args, scenario: &Scenario) -> Result<Self, Failure> {
        let default: PathBuf = ["results", &format!("{}-capacity", scenario.name)].iter().collect();
        let results = results::Results::begin(args.out.as_ref().unwrap_or(&default))?;
        Ok(Self { results, replications: scenario.replications, started: Instant::now() })
    }

    /// Writes the runs, and the rows of the answers as `NAME.parquet` and `NAME.csv`; the folder, and what is told last.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn finish<R: Row + Clone>(
        self,
        args: &Args,
        plan: &Plan,
        runs: &[Run],
        (name, rows): (&str, &[R]),
    ) -> Result<(PathBuf, Told), Failure> {
        let Self { results, replications, started } = self;
        let mut totals = Totals { runs: runs.len(), replications, ..Totals::default() };
        runs.iter().filter_map(|run| run.result.as_ref().ok()).for_each(|sample| totals.add(sample));
        totals.wall_s = started.elapsed().as_secs_f64();
        write_tables(plan, runs.iter(), results.folder())?;
        manifest::write(plan, &totals, None, results.folder())?;
        let mut table = TableWriter::create(&results.folder().join(format!("{name}.parquet")))?;
        rows.iter().try_for_each(|row| table.write(row.clone()))?;
        table.finish()?;
        let csv = tables::csv_text(rows.iter().cloned(), &[]);
        whole_file::write(&results.folder().join(format!("{name}.csv")), &csv)?;
        if !args.no_report {
            let report = reports::write_report(results.folder());
            report.map_err(|error| Failure::bug(error.to_string()))?;
        }
        let folder = results.finish()?;
        let told = format!("{} runs in {:.2} s; results in {}", totals.runs, totals.wall_s, folder.display());
        Ok((folder, Told(told)))
    }
}
