//! The oracle of the other queues: a sorted vector, too simple to be wrong.

use super::{Lane, Queue};
use crate::Key;

/// All pending events in one vector, latest first. Every insertion searches and shifts; for tests only.
#[derive(Default)]
pub struct SortedQueue(Vec<Key>);

impl Queue for SortedQueue {
    fn push(&mut self, key: Key, _: Option<Lane>) {
        let place = self.0.partition_point(|other| *other > key);
        self.0.insert(place, key);
    }

    fn pop_before(&mut self, limit: Key) -> Option<Key> {
        self.next().filter(|key| *key < limit)?;
        self.0.pop()
    }

    fn next(&mut self) -> Option<Key> {
        self.0.last().copied()
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}
