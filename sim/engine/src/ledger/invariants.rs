//! Invariants of the ledger, checked at the end of every run, in release too.

use super::{Ledger, Share, Shortfall, Side};
use crate::violation::{Violation, require};

/// Relative difference between two sums of the same numbers in another order. A sum of n numbers errs by at most n 2^-53
/// of itself, so this is enough for 10^9 iterations, and far below one share.
const ROUNDING: f64 = 1e-6;

impl<R> Ledger<'_, R> {
    /// Checks all of them, given the work of the edges and of the cloud.
    pub(crate) fn check(&self, work: &[Share; 2]) -> Result<(), Violation> {
        self.conservation_of_requests()?;
        self.conservation_of_work(work)?;
        self.littles_law()?;
        require(self.slots.is_empty(), || format!("{} requests left", self.slots.len()))
    }

    /// Requests in = completed + rejected + timed out.
    fn conservation_of_requests(&self) -> Result<(), Violation> {
        let flow = &self.flow;
        let ended = flow.completed + flow.rejected + flow.timed_out;
        require(flow.submitted == ended, || format!("{} requests in and {ended} ended", flow.submitted))?;
        let late = flow.shortfalls[Shortfall::TimedOut];
        require(flow.timed_out == late, || format!("{} timed out, {late} with a reason", flow.timed_out))?;
        let reasons = flow.shortfalls.iter().filter(|(reason, _)| reason.is_rejection());
        let reasons = reasons.map(|(_, count)| count).sum::<u64>();
        require(flow.rejected == reasons, || format!("{} rejected, {reasons} with a reason", flow.rejected))?;
        require(flow.accepted <= flow.verified && flow.verified <= flow.drafted, || {
            format!("{} drafted, {} verified, {} accepted", flow.drafted, flow.verified, flow.accepted)
        })?;
        let (counted, warm_up) = (self.metrics.submitted, self.warm_up.requests());
        require(flow.submitted == counted + warm_up, || {
            format!("{} requests in, {counted} counted and {warm_up} of the warm-up", flow.submitted)
        })
    }

    /// Sums of the requests' shares = work of the tiers: busy time to the nanosecond, with the nanoseconds that did not divide
    /// evenly; FLOP and joules within [`ROUNDING`]. There is no work without a request.
    fn conservation_of_work(&self, work: &[Share; 2]) -> Result<(), Violation> {
        for side in [Side::Edge, Side::Cloud] {
            let (work, shares) = (&work[side as usize], &self.costs[side as usize]);
            let undivided = self.undivided[side as usize];
            require(shares.busy + undivided == work.busy, || {
                format!("{side:?}: busy for {}, shares of {} and {undivided} undivided", work.busy, shares.busy)
            })?;
            let sums = [("FLOP", work.flop.as_f64(), shares.flop.as_f64()), ("J", work.joules, shares.joules)];
            for (unit, work, shares) in sums {
                let equal = (work - shares).abs() <= ROUNDING * work;
                require(equal, || format!("{side:?}: work of {work} {unit}, shares of {shares} {unit}"))?;
            }
        }
        Ok(())
    }

    /// The integral of the requests in flight = the sum of their times in flight, in integer nanoseconds.
    fn littles_law(&self) -> Result<(), Violation> {
        let flow = &self.flow;
        require(flow.in_flight_area_ns == flow.time_in_flight_ns, || {
            format!("Little's law: area {}, sum of times {}", flow.in_flight_area_ns, flow.time_in_flight_ns)
        })
    }
}
