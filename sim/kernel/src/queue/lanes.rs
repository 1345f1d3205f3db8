//! The queue that runs: monotone lanes in front of a 4-ary heap.
//!
//! Events with a constant delay are scheduled in the order in which they happen. A ring buffer holds them at the cost
//! of a push and a compare. With nearly constant delays, an event overtakes the few that it precedes.
//!
//! An event far out of order in its lane goes to the heap, so the order stays exact whatever the lane.

use super::heap::Heap;
use super::{Lane, Queue};
use crate::Key;
use std::collections::VecDeque;
use std::hint::select_unpredictable;

const LANES: usize = 4;

/// The most events of its lane that an event overtakes; they fit the ring's last cache lines.
const REACH: usize = 32;

/// Monotone lanes in front of a heap; see the module.
#[derive(Default)]
pub struct LaneQueue {
    lanes: [VecDeque<Key>; LANES],
    heads: [Head; LANES],
    heap: Heap,
}

/// The first key of a lane, kept beside the others so that finding the next event touches one cache line.
#[derive(Clone, Copy)]
struct Head(Key);

impl Default for Head {
    fn default() -> Self {
        Self(Key::NEVER)
    }
}

impl Queue for LaneQueue {
    #[inline]
    fn push(&mut self, key: Key, lane: Option<Lane>) {
        let Some(lane) = lane.map(usize::from) else { return self.heap.push(key) };
        let ring = &mut self.lanes[lane];
        let mut place = ring.len();
        if place > REACH && ring[place - 1 - REACH] > key {
            return self.heap.push(key);
        }
        ring.push_back(key);
        while place > 0 && ring[place - 1] > key {
            ring.swap(place - 1, place);
            place -= 1;
        }
        if place == 0 {
            self.heads[lane].0 = key;
        }
    }

    #[inline]
    fn pop_before(&mut self, limit: Key) -> Option<Key> {
        let (mut least, mut from) = (self.heap.peek(), LANES);
        for (lane, head) in self.heads.iter().enumerate() {
            // Which is least is a coin's throw, and a branch that guesses wrong costs more than all of this.
            let less = head.0 < least;
            least = select_unpredictable(less, head.0, least);
            from = select_unpredictable(less, lane, from);
        }
        if least >= limit {
            return None;
        }
        if from < LANES {
            let ring = &mut self.lanes[from];
            ring.pop_front();
            self.heads[from].0 = ring.front().copied().unwrap_or_else(|| {
                // Begin anew at the front of the ring, which is in the cache.
                ring.clear();
                Key::NEVER
            });
        } else {
            self.heap.remove_peeked();
        }
        Some(least)
    }

    fn next(&mut self) -> Option<Key> {
        let least = self.heads.iter().map(|head| head.0).fold(self.heap.peek(), Key::min);
        (least < Key::NEVER).then_some(least)
    }

    fn len(&self) -> usize {
        self.heap.len() + self.lanes.iter().map(VecDeque::len).sum::<usize>()
    }
}
