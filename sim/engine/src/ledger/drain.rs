//! The drain of an open loop: what is left to do when its last request has arrived.
//!
//! Rates count from the end of the warm-up to the drain, since in the drain nothing arrives. Closed loops and traces have no drain:
//! the clients of a closed loop end it, and a trace is played as it was.

use super::flow::Done;
use units::SimTime;

/// The drain of a run, as far as it has come, and the backlog before it.
pub(crate) struct Drain {
    /// Requests of the run.
    requests: u64,
    /// Generation of the request in the middle of those that are counted, once the first of them has come, and the requests in flight
    /// when it came.
    middle: Option<(u64, Option<u64>)>,
    /// Time of the last arrival; the end of time until it is known.
    begins: SimTime,
    backlog: Option<Backlog>,
    /// Work behind its beginning, of whichever request.
    after: Done,
}

/// The requests in flight in the second half of the arrivals that are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// Arrivals in that half.
    pub arrivals: u64,
    /// Requests in flight at its beginning.
    pub first: u64,
    /// Requests in flight at its end, which is the last arrival.
    pub last: u64,
}

impl Drain {
    pub(crate) fn new(requests: u64) -> Self {
        Self { requests, middle: None, begins: SimTime::MAX, backlog: None, after: Done::default() }
    }

    /// A request that is counted has come, after which so many are in flight.
    pub(crate) fn admit(&mut self, generation: u32, in_flight: u64) {
        let generation = u64::from(generation);
        let (middle, found) =
            self.middle.get_or_insert((generation + self.requests.saturating_sub(generation) / 2, None));
        if generation == *middle {
            *found = Some(in_flight);
        }
    }

    /// The last request has arrived, of this generation, after which so many are in flight.
    pub(crate) fn begin(&mut self, now: SimTime, generation: u32, in_flight: u64) {
        self.begins = now;
        self.backlog = self.middle.and_then(|(middle, found)| {
            let arrivals = u64::from(generation).checked_sub(middle)?;
            Some(Backlog { arrivals, first: found?, last: in_flight })
        });
    }

    /// Tokens were committed before its beginning that arrive behind it.
    pub(crate) fn count(&mut self, tokens: u64) {
        self.after.tokens += tokens;
    }

    /// Its beginning; the end of time where there is none.
    pub(crate) fn begins(&self) -> SimTime {
        self.begins
    }

    /// The backlog before it; none where there is no drain, or no second half before it.
    pub(crate) fn backlog(&self) -> Option<Backlog> {
        self.backlog
    }

    /// Work behind its beginning.
    pub(crate) fn after(&self) -> &Done {
        &self.after
    }

    /// Tokens were committed.
    #[inline]
    pub(crate) fn commit(&mut self, tokens: u32, at: SimTime) {
        if at > self.begins {
            self.after.tokens += u64::from(tokens);
        }
    }

    /// The last token of an answer was committed; `met` are its tokens if it met every limit.
    pub(crate) fn answer(&mut self, at: SimTime, met: Option<u32>) {
        if at > self.begins {
            self.after.answer(met);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_behind_the_last_arrival_is_of_the_drain() {
        let at = SimTime::from_ns;
        let mut drain = Drain::new(9);
        drain.commit(5, at(7));
        drain.answer(at(7), Some(5));
        assert_eq!((*drain.after(), drain.backlog()), (Done::default(), None));
        drain.begin(at(10), 9, 3);
        drain.commit(1, at(10));
        drain.commit(2, at(11));
        drain.answer(at(10), Some(9));
        drain.answer(at(12), Some(4));
        drain.answer(at(13), None);
        assert_eq!(*drain.after(), Done { tokens: 2, answered: 2, met: 1, met_tokens: 4 });
        assert_eq!((drain.begins(), drain.backlog()), (at(10), None), "no request is counted");
    }

    #[test]
    fn the_backlog_is_that_of_the_second_half() {
        let backlog = |first: u32, last: u32| {
            let mut drain = Drain::new(9);
            (first..=last).for_each(|generation| drain.admit(generation, 10 * u64::from(generation)));
            drain.begin(SimTime::from_ns(1), last, 1000);
            drain.backlog()
        };
        let of = |arrivals, first| Some(Backlog { arrivals, first, last: 1000 });
        assert_eq!(backlog(1, 9), of(4, 50));
        assert_eq!(backlog(4, 9), of(3, 60));
        assert_eq!(backlog(9, 9), of(0, 90));
        // The last turns of sessions come behind the last arrival.
        assert_eq!((backlog(1, 6), backlog(1, 4)), (of(1, 50), None));
    }
}
