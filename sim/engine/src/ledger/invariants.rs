//! What must hold of the ledger at the end of every run, checked in release too.

use super::Ledger;
use crate::violation::{Violation, require};

impl<R> Ledger<'_, R> {
    /// Checks all of them.
    pub(crate) fn check(&self) -> Result<(), Violation> {
        self.conservation_of_requests()?;
        self.littles_law()?;
        require(self.slots.len() == 0, || format!("{} requests left", self.slots.len()))
    }

    /// Requests in = completed + rejected.
    fn conservation_of_requests(&self) -> Result<(), Violation> {
        let metrics = &self.metrics;
        require(metrics.submitted == metrics.completed + metrics.rejected, || {
            format!(
                "{} requests in, {} completed and {} rejected",
                metrics.submitted, metrics.completed, metrics.rejected
            )
        })?;
        require(metrics.accepted <= metrics.verified && metrics.verified <= metrics.drafted, || {
            format!("{} drafted, {} verified, {} accepted", metrics.drafted, metrics.verified, metrics.accepted)
        })
    }

    /// The integral of the requests in flight = the sum of their times in flight, in integer nanoseconds.
    fn littles_law(&self) -> Result<(), Violation> {
        let metrics = &self.metrics;
        require(metrics.in_flight_area_ns == metrics.time_in_flight_ns, || {
            format!("Little's law: area {}, sum of times {}", metrics.in_flight_area_ns, metrics.time_in_flight_ns)
        })
    }
}
