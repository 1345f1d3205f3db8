//! The warm-up of a run: its first requests, which no figure counts, and all that was done before its end.
//!
//! It ends when the first request behind it arrives, or at its time. It changes no event: the same requests are served at the
//! same times with it and without it.

use super::flow::Done;
use super::slot::SlotId;
use crate::workload;
use units::{ServerTime, SimDuration, SimTime};

/// The warm-up of a run, as far as it has come.
pub(crate) struct WarmUp {
    length: workload::WarmUp,
    /// Generation of its last request. Generations count arrivals, from 1.
    last: u32,
    /// Time at which its last request was sent.
    last_sent: SimTime,
    /// Its end; the end of time until the first request behind a number of them is there.
    end: SimTime,
    /// Work before its end, of whichever request.
    before: Before,
}

/// Work before the end of a warm-up.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Before {
    /// Busy time of the edges and of the cloud.
    pub(crate) busy: [ServerTime; 2],
    /// Tokens and answers.
    pub(crate) done: Done,
}

impl WarmUp {
    pub(crate) fn new(length: workload::WarmUp) -> Self {
        let end = match length {
            workload::WarmUp::Requests(0) => SimTime::ZERO,
            workload::WarmUp::Requests(_) => SimTime::MAX,
            workload::WarmUp::Time(time) => SimTime::ZERO + time,
        };
        Self { length, last: 0, last_sent: SimTime::ZERO, end, before: Before::default() }
    }

    /// A request is sent. True if the warm-up is over by that.
    pub(crate) fn admit(&mut self, generation: u32, now: SimTime) -> bool {
        let is_over = self.ends_with(generation, now);
        if is_over {
            self.end = now;
        } else if self.is_within(generation, now) {
            (self.last, self.last_sent) = (generation, now);
        }
        is_over
    }

    /// True if a request of this generation ends it by being sent now.
    #[inline]
    pub(crate) fn ends_with(&self, generation: u32, now: SimTime) -> bool {
        self.end == SimTime::MAX && !self.is_within(generation, now)
    }

    fn is_within(&self, generation: u32, now: SimTime) -> bool {
        match self.length {
            workload::WarmUp::Requests(requests) => u64::from(generation) <= requests,
            workload::WarmUp::Time(_) => now < self.end,
        }
    }

    /// Tokens were committed before its end that arrive behind it.
    pub(crate) fn take_back(&mut self, tokens: u64) {
        self.before.done.tokens -= tokens;
    }

    /// Busy time and tokens of a side before its end were counted elsewhere.
    pub(crate) fn add_before(&mut self, side: usize, busy: ServerTime, tokens: u64) {
        self.before.busy[side] += busy;
        self.before.done.tokens += tokens;
    }

    /// The place of a request among those that are counted, from 0; none of one of the warm-up.
    #[inline]
    pub(crate) fn place(&self, id: SlotId) -> Option<u32> {
        id.generation.checked_sub(self.last + 1)
    }

    /// True of its requests.
    #[inline]
    pub(crate) fn has(&self, id: SlotId) -> bool {
        id.generation <= self.last
    }

    /// Its requests so far.
    pub(crate) fn requests(&self) -> u64 {
        self.last.into()
    }

    /// Time at which its last request was sent.
    pub(crate) fn last_sent(&self) -> SimTime {
        self.last_sent
    }

    /// Its end, from which rates count.
    pub(crate) fn end(&self) -> SimTime {
        self.end
    }

    /// Work before its end.
    pub(crate) fn before(&self) -> &Before {
        &self.before
    }

    /// Tokens were committed.
    #[inline]
    pub(crate) fn commit(&mut self, tokens: u32, at: SimTime) {
        if at < self.end {
            self.before.done.tokens += u64::from(tokens);
        }
    }

    /// The last token of an answer was committed; `met` are its tokens if it met every limit.
    pub(crate) fn answer(&mut self, at: SimTime, met: Option<u32>) {
        if at < self.end {
            self.before.done.answer(met);
        }
    }

    /// An iteration on the edge (0) or in the cloud (1) has ended.
    #[inline]
    pub(crate) fn iterate(&mut self, side: usize, began: SimTime, ended: SimTime) {
        if began < self.end {
            let part: SimDuration = self.end.min(ended) - began;
            self.before.busy[side] += part;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_ms(ms)
    }

    /// Requests arrive at 0, 0, 10, 20 and 30 ms; iterations run from 5 to 15 and from 20 to 25 ms, the first of them while
    /// the third request arrives; a token is committed at the end of each.
    fn run(length: workload::WarmUp) -> WarmUp {
        let mut warm_up = WarmUp::new(length);
        (1..).zip([0, 0, 10]).for_each(|(generation, ms)| {
            warm_up.admit(generation, at(ms));
        });
        warm_up.iterate(1, at(5), at(15));
        warm_up.commit(1, at(15));
        warm_up.admit(4, at(20));
        warm_up.iterate(1, at(20), at(25));
        warm_up.commit(1, at(25));
        warm_up.admit(5, at(30));
        warm_up
    }

    #[test]
    fn a_warm_up_has_its_requests_and_what_was_done_before_its_end() {
        let [requests, time] = [workload::WarmUp::Requests, |ms| workload::WarmUp::Time(SimDuration::from_ms(ms))];
        // Length; its requests, its end, busy time and tokens before that.
        let cases = [
            (requests(0), 0, 0, 0, 0),
            (time(0), 0, 0, 0, 0),
            (requests(1), 1, 0, 0, 0),
            (requests(2), 2, 10, 5, 0),
            (requests(3), 3, 20, 10, 1),
            (time(10), 2, 10, 5, 0),
            (time(11), 3, 11, 6, 0),
            (time(23), 4, 23, 13, 1),
        ];
        for (length, expected, end, busy, tokens) in cases {
            let warm_up = run(length);
            let id = |generation| SlotId { index: 0, generation };
            let left_out = (1..=5).filter(|generation| warm_up.place(id(*generation)).is_none()).count() as u64;
            assert_eq!((left_out, warm_up.requests(), warm_up.end()), (expected, expected, at(end)), "{length:?}");
            assert_eq!(warm_up.place(id(5)), Some(4 - expected as u32), "{length:?}");
            let before = warm_up.before();
            assert_eq!(
                (before.busy[1].as_ns(), before.done.tokens),
                (u128::from(busy * 1_000_000u64), tokens),
                "{length:?}"
            );
            assert_eq!(before.busy[0], ServerTime::ZERO);
        }
    }
}
