//! Memories of edges, and the sums that edges report to each other.
//!
//! An edge's memory has what it learned by itself. Where memories are shared, each edge reports its sums; a report goes to the
//! cloud and on to every other edge, which takes a round trip.

use crate::plant::Reports;
use crate::routing::Learners;
use policies::{Learned, Memory};
use std::cell::RefCell;
use units::{SimDuration, SimTime};

/// The memories of a policy, one an edge.
pub(crate) struct Memories<M> {
    of_edges: Vec<M>,
    /// Reports of each edge, and behind them those of all together; none where edges keep to themselves.
    reports: Option<RefCell<Told>>,
}

struct Told {
    reports: Reports<Learned>,
    /// The sums of each edge, and of all.
    sums: Vec<Learned>,
}

impl<M> Memories<M> {
    /// The memories of so many edges, which report at this interval if they share.
    pub(crate) fn new<P>(policy: &P, edges: u32, learners: Learners, every: SimDuration) -> Self
    where
        M: Memory<P>,
    {
        let first = M::of(policy);
        let others: Vec<_> = (1..edges).map(|_| first.of_another_edge(policy)).collect();
        let is_shared = learners == Learners::Shared && first.learned().is_some();
        let many = edges as usize + 1;
        let told = || Told { reports: Reports::new(every, many), sums: vec![Learned::default(); many] };
        let of_edges = std::iter::once(first).chain(others).collect();
        Self { of_edges, reports: is_shared.then(|| RefCell::new(told())) }
    }

    /// The memory of an edge.
    pub(crate) fn of(&self, edge: u32) -> &M {
        &self.of_edges[edge as usize]
    }

    /// The reason why the policy cannot go on.
    pub(crate) fn fault<P>(&self) -> Option<String>
    where
        M: Memory<P>,
    {
        self.of_edges.first().and_then(Memory::fault)
    }

    /// True if edges report to each other.
    pub(crate) fn are_shared(&self) -> bool {
        self.reports.is_some()
    }

    /// An edge hears what others have reported, if a report takes this long.
    pub(crate) fn hear<P>(&self, edge: u32, now: SimTime, delay: SimDuration)
    where
        M: Memory<P>,
    {
        let Some(told) = &self.reports else { return };
        let reports = &mut told.borrow_mut().reports;
        let all = reports.seen(self.of_edges.len(), now, delay);
        let own = reports.seen(edge as usize, now, delay);
        self.of(edge).hear(all.minus(own));
    }

    /// An edge has learned something; its next report says so.
    pub(crate) fn tell<P>(&self, edge: u32, now: SimTime, delay: SimDuration)
    where
        M: Memory<P>,
    {
        let (Some(told), Some(own)) = (&self.reports, self.of(edge).learned()) else { return };
        let Told { reports, sums } = &mut *told.borrow_mut();
        let (edge, all) = (edge as usize, self.of_edges.len());
        sums[all] = sums[all].plus(own.minus(sums[edge]));
        sums[edge] = own;
        reports.change(edge, now, own, delay);
        reports.change(all, now, sums[all], delay);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// A count of what it saw, and of what it heard.
    #[derive(Default)]
    struct Seen {
        own: Cell<f64>,
        heard: Cell<f64>,
    }

    impl Memory<()> for Seen {
        fn of((): &()) -> Self {
            Self::default()
        }
        fn learned(&self) -> Option<Learned> {
            Some(Learned([self.own.get(), 0.0, 0.0, 0.0]))
        }
        fn hear(&self, others: Learned) {
            self.heard.set(others.0[0]);
        }
    }

    fn ms(ms: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_ms(ms)
    }

    #[test]
    fn others_hear_when_a_report_has_made_its_round_trip() {
        let (every, delay) = (SimDuration::from_ms(50), SimDuration::from_ms(20));
        let memories = Memories::<Seen>::new(&(), 3, Learners::Shared, every);
        let learn = |edge, at, count: f64| {
            let own = &memories.of(edge).own;
            own.set(own.get() + count);
            memories.tell(edge, ms(at), delay);
        };
        let hears = |edge, at| {
            memories.hear(edge, ms(at), delay);
            memories.of(edge).heard.get()
        };
        learn(0, 10, 1.0);
        learn(1, 60, 2.0);
        // The first report is of 50 ms, and there at 70; the second of 100 ms.
        assert_eq!([hears(2, 69), hears(2, 70), hears(0, 70), hears(1, 70)], [0.0, 1.0, 0.0, 1.0]);
        assert_eq!([hears(2, 120), hears(0, 120), hears(1, 120)], [3.0, 2.0, 1.0]);
    }

    #[test]
    fn edges_that_keep_to_themselves_hear_nothing() {
        let memories = Memories::<Seen>::new(&(), 2, Learners::Edge, SimDuration::ZERO);
        memories.of(0).own.set(1.0);
        memories.tell(0, ms(1), SimDuration::ZERO);
        memories.hear(1, ms(100), SimDuration::ZERO);
        assert!(!memories.are_shared() && memories.of(1).heard.get() == 0.0);
    }
}
