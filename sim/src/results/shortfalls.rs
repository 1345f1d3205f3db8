//! Requests that were rejected, and answers that were cut: told on stderr, from the file that a results folder then has.

use crate::terminal::{Failure, say};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use tables::{Shortfall, ShortfallRow, TableReader};

/// The file in a results folder.
pub const FILE: &str = "shortfalls.parquet";

/// A policy's sums over points, for one reason.
#[derive(Default)]
struct Sum {
    requests: u64,
    of_requests: u64,
    points: BTreeSet<u64>,
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
    let mut sums: BTreeMap<(String, Shortfall), Sum> = BTreeMap::new();
    for group in 0..table.groups() {
        for row in table.group(group)? {
            let sum = sums.entry((row.policy.to_string(), row.reason)).or_default();
            sum.requests += row.requests;
            sum.of_requests += row.of_requests;
            sum.points.insert(row.point);
        }
    }
    for ((policy, reason), Sum { requests, of_requests, points }) in sums {
        let place = if points.len() > 1 { format!(" at {} points", points.len()) } else { String::new() };
        say(format_args!("sim: warning: {policy}: {requests} of {of_requests} requests{place} {}", reason.words()));
    }
    Ok(())
}
