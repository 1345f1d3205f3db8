//! The requests in flight whose edges are simulated elsewhere, by their generations.

use crate::ledger::SlotId;
use std::collections::VecDeque;

/// The slots of the requests in flight, by their generations.
#[derive(Default)]
pub(super) struct Names {
    first: u32,
    slots: VecDeque<Option<u32>>,
}

impl Names {
    pub(super) fn insert(&mut self, id: SlotId) {
        if self.slots.is_empty() {
            self.first = id.generation;
        }
        self.slots.push_back(Some(id.index));
    }

    /// The name of a request; one that nobody has if it is no longer in flight.
    pub(super) fn get(&self, generation: u32) -> SlotId {
        let place = generation.checked_sub(self.first);
        let index = place.and_then(|place| *self.slots.get(place as usize)?).unwrap_or(u32::MAX);
        SlotId { index, generation }
    }

    pub(super) fn remove(&mut self, generation: u32) {
        self.slots[(generation - self.first) as usize] = None;
        while self.slots.front().is_some_and(Option::is_none) {
            self.slots.pop_front();
            self.first += 1;
        }
    }
}
