//! The standard library's binary heap as a queue, with which the benchmarks compare the fast one.

use super::{Lane, Queue};
use crate::Key;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// `std::collections::BinaryHeap` of keys.
#[derive(Default)]
pub struct BinaryQueue(BinaryHeap<Reverse<Key>>);

impl Queue for BinaryQueue {
    fn push(&mut self, key: Key, _: Option<Lane>) {
        self.0.push(Reverse(key));
    }

    fn pop_before(&mut self, limit: Key) -> Option<Key> {
        self.next().filter(|key| *key < limit)?;
        self.0.pop().map(|Reverse(key)| key)
    }

    fn next(&mut self) -> Option<Key> {
        self.0.peek().map(|Reverse(key)| *key)
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}
