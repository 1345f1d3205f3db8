//! Reports: loads of the cloud's replicas as edges know them, and what edges have learned as other edges know it.
//!
//! Whoever reports does so at the multiples of an interval, and a report takes a while to arrive. So others know the last report
//! that has come to them, and nothing newer. Nothing is scheduled for that: a value is kept with the number of the first report
//! that has it.

use std::collections::VecDeque;
use units::{SimDuration, SimTime};

/// The load of a replica.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Load {
    /// Requests that are assigned to it.
    pub(crate) requests: u32,
    /// Expected work of these requests, each by itself.
    pub(crate) work: SimDuration,
}

/// The values that each of several has reported.
pub(crate) struct Reports<T> {
    every: SimDuration,
    told: Vec<Told<T>>,
}

/// Values of one of them, each with the number of the first report that tells it, in order.
type Told<T> = VecDeque<(u64, T)>;

impl<T: Copy + Default> Reports<T> {
    /// Reports of so many; an interval of 0 reports every nanosecond.
    pub(crate) fn new(every: SimDuration, many: usize) -> Self {
        Self { every: every.max(SimDuration::from_ns(1)), told: (0..many).map(|_| Told::new()).collect() }
    }

    /// The number of the last report before or at an instant.
    fn number(&self, at: SimDuration) -> u64 {
        at.as_ns() / self.every.as_ns()
    }

    /// One of them has another value; of reports that take this long, those before one that has arrived are forgotten.
    pub(crate) fn change(&mut self, of: usize, now: SimTime, value: T, delay: SimDuration) {
        // The report of this very instant has been sent.
        let next = self.number(now.since_start()) + 1;
        let told = &mut self.told[of];
        match told.back_mut() {
            Some((first, last)) if *first == next => *last = value,
            _ => told.push_back((next, value)),
        }
        self.seen(of, now, delay);
    }

    /// The value of the last report that has arrived, if each takes this long; that of nothing before the first.
    pub(crate) fn seen(&mut self, of: usize, now: SimTime, delay: SimDuration) -> T {
        let arrived = now.since_start().as_ns().checked_sub(delay.as_ns()).map(SimDuration::from_ns);
        let Some(newest) = arrived.map(|at| self.number(at)) else { return T::default() };
        let told = &mut self.told[of];
        while told.get(1).is_some_and(|(first, _)| *first <= newest) {
            told.pop_front();
        }
        told.front().filter(|(first, _)| *first <= newest).map(|(_, value)| *value).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_ms(ms)
    }

    fn of(requests: u32) -> Load {
        Load { requests, ..Load::default() }
    }

    #[test]
    fn a_load_is_seen_when_its_report_has_arrived() {
        let mut reports = Reports::new(SimDuration::from_ms(50), 1);
        let delay = SimDuration::from_ms(10);
        let mut change = |at, requests| reports.change(0, ms(at), of(requests), delay);
        change(20, 1);
        change(30, 2);
        // The report of 100 ms has the load before this change.
        change(100, 5);
        change(130, 7);
        let mut seen = |at| reports.seen(0, ms(at), delay).requests;
        for (at, requests) in [(105, 2), (110, 2), (159, 2), (160, 7), (500, 7)] {
            assert_eq!(seen(at), requests, "at {at} ms");
        }
    }

    #[test]
    fn nothing_is_known_before_the_first_report() {
        let mut reports = Reports::new(SimDuration::from_ms(50), 2);
        let delay = SimDuration::from_ms(10);
        reports.change(1, ms(1), of(3), delay);
        let mut seen = |replica, at| reports.seen(replica, ms(at), delay).requests;
        assert_eq!([seen(1, 0), seen(1, 59), seen(0, 60), seen(1, 60)], [0, 0, 0, 3]);
    }

    #[test]
    fn without_an_interval_the_delay_alone_makes_a_load_old() {
        let mut reports = Reports::new(SimDuration::ZERO, 1);
        let delay = SimDuration::from_ms(10);
        for at in 1..=100 {
            reports.change(0, ms(at), of(at as u32), delay);
        }
        assert_eq!(reports.seen(0, ms(100), delay), of(89));
        assert!(reports.told[0].len() < 13, "reports that have arrived are forgotten");
    }
}
