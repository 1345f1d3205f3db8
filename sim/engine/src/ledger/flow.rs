//! The flow of requests: counts over all of them, also those of the warm-up, which the invariants are about.

use super::recorder::RequestRecord;
use tables::Shortfalls;
use units::SimTime;

/// Counts over all requests of a run.
#[derive(Default)]
pub(crate) struct Flow {
    /// Requests that were sent.
    pub(crate) submitted: u64,
    /// Requests that were answered.
    pub(crate) completed: u64,
    /// Requests that were turned away.
    pub(crate) rejected: u64,
    /// Requests that were rejected, and answers that were cut, by reason.
    pub(crate) shortfalls: Shortfalls,
    /// Tokens of all answers.
    pub(crate) output_tokens: u64,
    /// Tokens drafted.
    pub(crate) drafted: u64,
    /// Drafted tokens on which a verdict was given.
    pub(crate) verified: u64,
    /// Drafted tokens accepted.
    pub(crate) accepted: u64,
    /// Requests in flight times time, for Little's law.
    pub(crate) in_flight_area_ns: u128,
    /// Times in flight, summed: the other side of Little's law.
    pub(crate) time_in_flight_ns: u128,
    in_flight: u64,
    /// Time of the last request that was sent or has ended.
    pub(crate) changed: SimTime,
}

impl Flow {
    /// A request was sent.
    pub(crate) fn submit(&mut self, now: SimTime) {
        self.step(now);
        self.submitted += 1;
        self.in_flight += 1;
    }

    /// A request has ended.
    pub(crate) fn end(&mut self, now: SimTime, record: &RequestRecord) {
        self.step(now);
        self.in_flight -= 1;
        self.time_in_flight_ns += u128::from((now - record.submit).as_ns());
        match &record.moments {
            None => self.rejected += 1,
            Some(moments) => {
                self.completed += 1;
                self.output_tokens += u64::from(moments.tokens);
                self.drafted += u64::from(record.drafted);
                self.accepted += u64::from(record.accepted);
            }
        }
    }

    fn step(&mut self, now: SimTime) {
        self.in_flight_area_ns += u128::from(self.in_flight) * u128::from((now - self.changed).as_ns());
        self.changed = now;
    }
}
