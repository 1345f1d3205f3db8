//! Puts the parts of a sweep together: `runs.parquet`, the summary and the manifest, the same bytes whatever the parts were.
//! Reads a group of rows of each part at a time, so that it takes no more memory for more points.

use super::folder::Folder;
use super::point::is_bug;
use super::split::Split;
use crate::commands::report;
use crate::results::making::{MakingFolder, replace, sync_folder};
use crate::results::manifest;
use crate::results::runs::{Run, RunsReader, RunsWriter, Totals, varied};
use crate::results::summary::Summary;
use crate::results::swept::Swept;
use crate::scenario::Plan;
use crate::terminal::Failure;
use reports::Report;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use tables::{CsvFile, FailureRow};

/// The written files, in their order; the manifest comes last and says that all are there.
const FILES: [&str; 10] = [
    "runs.parquet",
    "summary.parquet",
    "summary.csv",
    "classes.parquet",
    "classes.csv",
    "regret.csv",
    "shortfalls.parquet",
    "failures.csv",
    "report",
    "manifest.json",
];

/// Points of a sweep that is drawn: a report holds all of its runs in memory.
const MOST_DRAWN: u64 = 20_000;

/// The result of a merge.
pub struct Merged {
    /// Runs that failed.
    pub failed: u64,
    /// True if one of them met a bug.
    pub bugs: bool,
    /// The sums.
    pub totals: Totals,
    /// The report, where it was written.
    pub report: Option<Report>,
}

/// Puts all parts together, with the report of what came out, if it is wanted and the sweep is not too large for one.
///
/// # Errors
/// If a part is missing, is of something else, or lacks a point.
pub fn merge(folder: &Folder, plan: &Plan, with_report: bool) -> Result<Merged, Failure> {
    let _lock = folder.lock()?;
    folder.refuse_strangers()?;
    let missing = folder.missing()?;
    if !missing.is_empty() {
        let (what, remedy) = match folder.split() {
            Split::Ranges(_) => ("parts", "go on with --resume"),
            Split::Shards(_) => ("shards", "--missing says which; run them"),
        };
        let path = folder.path().display();
        return Err(Failure::refused(format!("{path}: {} {what} are missing; {remedy}", missing.len())));
    }
    let failed = |error| Failure::io("write in the folder", folder.path(), &error);
    let making = MakingFolder::begin(folder.path(), "merge").map_err(failed)?;
    let mut merged = tables(folder, plan, making.path())?;
    manifest::write_sweep(plan, folder.plan_sha256(), &merged.totals, merged.failed, making.path())?;
    if with_report && plan.points() <= MOST_DRAWN {
        // The page shows it; it stands in the folder since the sweep was begun.
        fs::copy(folder.path().join("scenario.toml"), making.path().join("scenario.toml")).map_err(failed)?;
        merged.report = Some(report::write(making.path(), folder.path())?);
    }
    for name in FILES {
        let (from, to) = (making.path().join(name), folder.path().join(name));
        if !from.exists() {
            continue;
        }
        let synced = fs::File::open(&from).and_then(|file| file.sync_all());
        // A folder is not renamed over another: it is exchanged for it.
        let put = || if from.is_dir() { replace(&from, &to) } else { fs::rename(&from, &to) };
        synced.and_then(|()| put()).map_err(failed)?;
    }
    sync_folder(folder.path());
    drop(making);
    folder.tidy();
    Ok(merged)
}

fn tables(folder: &Folder, plan: &Plan, into: &Path) -> Result<Merged, Failure> {
    let mut table = RunsWriter::create(&into.join("runs.parquet"), &plan.varied, &[])?;
    let mut summary = Summary::create(into, Swept::of(plan))?;
    let mut failures: Option<CsvFile<FailureRow>> = None;
    let (mut failed, mut bugs) = (0, false);
    let mut totals = Totals { replications: plan.scenario.replications, ..Totals::default() };
    let mut parts = Parts { folder, plan, open: BTreeMap::new() };
    for point in 0..plan.points() {
        for run in parts.runs_of(point)? {
            totals.runs += 1;
            match &run.result {
                Ok(sample) => totals.add(sample),
                Err(reason) => {
                    failed += 1;
                    bugs |= is_bug(reason);
                    let file = match &mut failures {
                        Some(file) => file,
                        none => none.insert(CsvFile::create(&into.join("failures.csv"), &plan.varied)?),
                    };
                    file.write(&failure(&run, reason))?;
                }
            }
            table.write(&run)?;
            summary.add(run)?;
        }
    }
    parts.finish()?;
    table.finish()?;
    summary.finish()?;
    failures.map(CsvFile::finish).transpose()?;
    Ok(Merged { failed, bugs, totals, report: None })
}

fn failure(run: &Run, reason: &str) -> FailureRow {
    FailureRow {
        point: run.label.point,
        point_id: run.label.id.as_str().into(),
        policy: run.policy.as_str().into(),
        dataset: run.label.dataset.as_str().into(),
        bandwidth_mbps: run.label.bandwidth_mbps,
        varied: varied(&run.label),
        replication: u64::from(run.replication),
        reason: reason.into(),
    }
}

/// The parts that are being read, each with the run that comes next.
struct Parts<'f> {
    folder: &'f Folder,
    plan: &'f Plan,
    open: BTreeMap<u64, (RunsReader, Option<Run>)>,
}

impl Parts<'_> {
    /// The runs of a point; points are asked for in rising order.
    fn runs_of(&mut self, point: u64) -> Result<Vec<Run>, Failure> {
        let part = self.folder.split().part_of(point);
        if let std::collections::btree_map::Entry::Vacant(vacant) = self.open.entry(part) {
            let mut reader = self.folder.reader(part)?;
            let first = reader.next()?;
            vacant.insert((reader, first));
        }
        let (reader, next) = self.open.get_mut(&part).expect("a part that was just opened");
        let mut runs = Vec::new();
        while let Some(run) = next.take_if(|run| run.label.point == point) {
            runs.push(run);
            *next = reader.next()?;
        }
        if runs.is_empty() {
            return Err(self.broken(part, &format!("has no row of point {point}")));
        }
        if next.is_none() {
            // Ranges are read one after another; what has been read is closed.
            let after = self.folder.split().points_of(part, self.plan.points()).find(|after| *after > point);
            if after.is_none() {
                self.open.remove(&part);
            }
        }
        Ok(runs)
    }

    /// Makes sure that nothing is left.
    fn finish(self) -> Result<(), Failure> {
        match self.open.iter().find(|(_, (_, next))| next.is_some()) {
            Some((part, _)) => Err(self.broken(*part, "has rows of points that are not its own")),
            None => Ok(()),
        }
    }

    fn broken(&self, part: u64, what: &str) -> Failure {
        let name = self.folder.split().file_name(part);
        let path = self.folder.path().join("parts").join(name);
        Failure::refused(format!("{}: {what}; remove it and run it again", path.display()))
    }
}
