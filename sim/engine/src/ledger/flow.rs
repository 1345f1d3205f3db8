//! The flow of requests: counts over all of them, also those of the warm-up, which the invariants are about.

use super::recorder::RequestRecord;
use tables::{Shortfalls, Status};
use units::SimTime;

/// Work that was done, of which rates are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Tokens that were committed.
    pub tokens: u64,
    /// Requests that were answered.
    pub answered: u64,
    /// Those of them that met every limit on their latencies.
    pub met: u64,
    /// Tokens of the answers that met every limit.
    pub met_tokens: u64,
}

impl Done {
    /// An answer is whole; `met` are its tokens if it met every limit.
    pub(crate) fn answer(&mut self, met: Option<u32>) {
        self.answered += 1;
        self.met += u64::from(met.is_some());
        self.met_tokens += u64::from(met.unwrap_or(0));
    }

    /// The work that is not in `others`.
    pub(crate) fn without(self, others: &[&Self]) -> Self {
        others.iter().fold(self, |left, other| Self {
            tokens: left.tokens - other.tokens,
            answered: left.answered - other.answered,
            met: left.met - other.met,
            met_tokens: left.met_tokens - other.met_tokens,
        })
    }
}

/// Counts over all requests of a run.
#[derive(Default)]
pub(crate) struct Flow {
    /// Requests that were sent.
    pub(crate) submitted: u64,
    /// Requests that were answered.
    pub(crate) completed: u64,
    /// Requests that were turned away.
    pub(crate) rejected: u64,
    /// Requests whose answer came too late.
    pub(crate) timed_out: u64,
    /// Requests that were rejected, and answers that were cut, by reason.
    pub(crate) shortfalls: Shortfalls,
    /// Tokens of all answers, those that came too late included.
    pub(crate) output_tokens: u64,
    /// Requests that met every limit on their latencies.
    pub(crate) met: u64,
    /// Tokens of their answers.
    pub(crate) met_tokens: u64,
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

    /// Requests in flight.
    pub(crate) fn in_flight(&self) -> u64 {
        self.in_flight
    }

    /// The work for all requests that have ended.
    pub(crate) fn done(&self) -> Done {
        let Self { output_tokens: tokens, completed: answered, met, met_tokens, .. } = *self;
        Done { tokens, answered, met, met_tokens }
    }

    /// A request has ended; `met` are the tokens of its answer if it met every limit.
    pub(crate) fn end(&mut self, now: SimTime, record: &RequestRecord, met: Option<u32>) {
        self.step(now);
        self.in_flight -= 1;
        self.time_in_flight_ns += u128::from((now - record.submit).as_ns());
        self.met += u64::from(met.is_some());
        self.met_tokens += u64::from(met.unwrap_or(0));
        match record.status {
            Status::Rejected => {
                self.rejected += 1;
                return;
            }
            Status::TimedOut => self.timed_out += 1,
            Status::Completed => self.completed += 1,
        }
        self.output_tokens += u64::from(record.request.output_tokens);
        self.drafted += u64::from(record.drafted);
        self.accepted += u64::from(record.accepted);
    }

    fn step(&mut self, now: SimTime) {
        self.in_flight_area_ns += u128::from(self.in_flight) * u128::from((now - self.changed).as_ns());
        self.changed = now;
    }
}
