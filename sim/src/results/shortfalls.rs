//! Requests that were rejected, and answers that were cut: told on stderr, from the file that a results folder then has, or from
//! the runs of a shard.

use super::runs::Run;
use crate::terminal::{Failure, say};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use tables::{Shortfall, ShortfallRow, Shortfalls, TableReader};

/// The file in a results folder.
pub const FILE: &str = "shortfalls.parquet";

/// A policy's sums over points, for one reason.
#[derive(Default)]
struct Sum {
    requests: u64,
    of_requests: u64,
    points: BTreeSet<u64>,
}

/// Sums by policy and reason.
#[derive(Default)]
struct Sums(BTreeMap<(String, Shortfall), Sum>);

impl Sums {
    /// Adds a policy at a point.
    fn add(&mut self, policy: &str, point: u64, reason: Shortfall, [requests, of_requests]: [u64; 2]) {
        let sum = self.0.entry((policy.to_owned(), reason)).or_default();
        sum.requests += requests;
        sum.of_requests += of_requests;
        sum.points.insert(point);
    }

    fn say(self) {
        for ((policy, reason), Sum { requests, of_requests, points }) in self.0 {
            let place = if points.len() > 1 { format!(" at {} points", points.len()) } else { String::new() };
            say(format_args!("sim: warning: {policy}: {requests} of {of_requests} requests{place} {}", reason.words()));
        }
    }
}

/// Says for each policy how many of its requests were rejected or cut, and why; nothing where none was.
///
/// # Errors
/// If the file is there and cannot be read.
pub fn warn(folder: &Path) -> Result<(), Failure> {
    let path = folder.join(FILE);
    if !path.exists() {
        return Ok(());
    }
    let table = TableReader::<ShortfallRow>::open(&path)?;
    let mut sums = Sums::default();
    for group in 0..table.groups() {
        for row in table.group(group)? {
            sums.add(&row.policy, row.point, row.reason, [row.requests, row.of_requests]);
        }
    }
    sums.say();
    Ok(())
}

/// The runs of a shard, as far as they have come.
#[derive(Default)]
pub struct OfRuns {
    sums: Sums,
    cell: Cell,
}

/// The runs of a policy at a point.
#[derive(Default)]
struct Cell {
    policy: String,
    point: u64,
    counts: Shortfalls,
    of_requests: u64,
}

impl OfRuns {
    /// Adds a run; those of a point and policy come one after another.
    pub fn add(&mut self, run: &Run) {
        let Ok(sample) = &run.result else { return };
        if (self.cell.point, &self.cell.policy) != (run.label.point, &run.policy) {
            self.end_cell();
            (self.cell.point, self.cell.policy) = (run.label.point, run.policy.clone());
        }
        self.cell.counts += sample.shortfalls;
        self.cell.of_requests += sample.submitted;
    }

    fn end_cell(&mut self) {
        let Cell { policy, point, counts, of_requests } = std::mem::take(&mut self.cell);
        for (reason, requests) in counts.iter() {
            self.sums.add(&policy, point, reason, [requests, of_requests]);
        }
    }

    /// Says what [`warn`] says of a folder with these runs.
    pub fn warn(mut self) {
        self.end_cell();
        self.sums.say();
    }
}
