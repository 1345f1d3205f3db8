//! Tokens that were committed before they arrive: their arrival was known, and nobody looks at it.
//!
//! Work is counted up to the end of the warm-up and from the beginning of the drain on, and neither is known beforehand. Once it
//! is, it asks which of these tokens were still on the way.

use kernel::Key;
use std::collections::VecDeque;
use units::SimTime;

/// Tokens on the way, by the places of their arrivals in the order of events. Those that have arrived are forgotten by and by.
#[derive(Default)]
pub(crate) struct OnTheWay(VecDeque<(Key, u32)>);

impl OnTheWay {
    /// Tokens have been committed that arrive later.
    #[inline]
    pub(crate) fn add(&mut self, now: SimTime, arrival: Key, tokens: u32) {
        while self.0.front().is_some_and(|(arrival, _)| arrival.time() < now) {
            self.0.pop_front();
        }
        self.0.push_back((arrival, tokens));
    }

    /// Tokens with arrivals that `counts`.
    pub(crate) fn tokens(&self, counts: impl Fn(Key) -> bool) -> u64 {
        self.0.iter().filter(|(arrival, _)| counts(*arrival)).map(|(_, tokens)| u64::from(*tokens)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::{Phase, Target};

    #[test]
    fn tokens_are_on_the_way_until_they_arrive() {
        let at = SimTime::from_ns;
        let key = |ns, order| Key::new(at(ns), Phase::Happen, order, Target::component(0));
        let mut way = OnTheWay::default();
        let sent = [(1, key(5, 1), 1), (2, key(9, 2), 2), (3, key(6, 3), 4)];
        sent.into_iter().for_each(|(now, arrival, tokens)| way.add(at(now), arrival, tokens));
        let behind = |way: &OnTheWay, reached| way.tokens(|arrival| arrival > reached);
        assert_eq!(
            [key(3, 0), key(5, 0), key(5, 2), key(8, 0), key(9, 2)].map(|key| behind(&way, key)),
            [7, 7, 6, 2, 0]
        );
        way.add(at(7), key(12, 4), 8);
        assert_eq!(way.0.len(), 3, "the one of 5 ns has been forgotten, and that of 6 waits behind another");
        assert_eq!(behind(&way, key(7, 9)), 10);
    }
}
