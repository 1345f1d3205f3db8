//! The requests of warm-ups, which no figure shows, by their marks in `requests.parquet`.

use crate::frame::{self, ReportError};
use crate::runs::Runs;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use tables::RequestRow;

/// The requests of the warm-ups of a results folder.
#[derive(Default)]
pub(crate) struct WarmUps {
    /// By policy: point, replication and number of each request.
    requests: BTreeMap<String, BTreeSet<(u32, u32, u64)>>,
}

impl WarmUps {
    /// Reads them; nothing is read where no run has a warm-up.
    pub(crate) fn read(folder: &Path, runs: &Runs) -> Result<Self, ReportError> {
        let mut all = Self::default();
        if !runs.have_warm_up {
            return Ok(all);
        }
        let table = frame::open::<RequestRow>(folder)?;
        for group in 0..table.groups() {
            for row in table.group(group)?.into_iter().filter(|row| row.warm_up) {
                let of_policy = all.requests.entry(row.policy.to_string()).or_default();
                of_policy.insert((row.point, row.replication, row.request));
            }
        }
        Ok(all)
    }

    /// True if a request is of the warm-up of its run.
    pub(crate) fn has(&self, policy: &str, point: u32, replication: u32, request: u64) -> bool {
        self.requests.get(policy).is_some_and(|of_policy| of_policy.contains(&(point, replication, request)))
    }
}
