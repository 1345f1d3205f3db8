//! A 4-ary implicit min-heap of packed keys with a lazy root.
//!
//! Most events schedule another one, so a pop is mostly followed by a push. The pop therefore only marks the root as
//! a hole; the push that follows fills it and sifts down once, instead of the pop sifting the last leaf down and the
//! push sifting the new one up. Four siblings are a family and fill one cache line of 64 bytes; missing ones are
//! [`Key::NEVER`], so that the least of a family is always found by the same three compares, without a branch that
//! could be mispredicted.

use crate::Key;
use std::hint::select_unpredictable;

/// The heap. Node `i` is slot `i % 4` of family `i / 4`; the root is node [`ROOT`], and the children of node `i` are
/// family `i - 2`.
#[derive(Default)]
pub(super) struct Heap {
    families: Vec<Family>,
    /// Nodes, with the root's hole.
    nodes: usize,
    /// The root has been taken.
    hole: bool,
}

#[derive(Clone, Copy)]
#[repr(align(64))]
struct Family([Key; 4]);

/// The last of the first family, whose other slots stay empty.
const ROOT: usize = 3;

impl Family {
    const EMPTY: Self = Self([Key::NEVER; 4]);

    /// The least of the four and its slot.
    #[inline]
    fn least(&self) -> (Key, usize) {
        let [a, b, c, d] = self.0;
        let (low, high) = (usize::from(b < a), 2 + usize::from(d < c));
        let slot = select_unpredictable(self.0[high] < self.0[low], high, low);
        (self.0[slot], slot)
    }
}

impl Heap {
    pub(super) fn len(&self) -> usize {
        self.nodes - usize::from(self.hole)
    }

    #[inline]
    pub(super) fn push(&mut self, key: Key) {
        if self.hole {
            self.hole = false;
            return self.sift_down(key);
        }
        let node = ROOT + self.nodes;
        if node / 4 >= self.families.len() {
            self.families.push(Family::EMPTY);
        }
        self.nodes += 1;
        self.sift_up(node, key);
    }

    /// The smallest key, [`Key::NEVER`] if there is none. Fills a hole first.
    #[inline]
    pub(super) fn peek(&mut self) -> Key {
        if self.hole {
            self.fill_hole();
        }
        self.families.first().map_or(Key::NEVER, |family| family.0[ROOT])
    }

    /// Removes the key that `peek` just returned.
    #[inline]
    pub(super) fn remove_peeked(&mut self) {
        debug_assert!(!self.hole && self.nodes > 0);
        self.hole = true;
    }

    fn fill_hole(&mut self) {
        self.hole = false;
        self.nodes -= 1;
        let last = std::mem::replace(self.slot(ROOT + self.nodes), Key::NEVER);
        if self.nodes > 0 {
            self.sift_down(last);
        }
    }

    #[inline]
    fn slot(&mut self, node: usize) -> &mut Key {
        &mut self.families[node / 4].0[node % 4]
    }

    fn sift_up(&mut self, mut node: usize, key: Key) {
        while node > ROOT {
            let parent = node / 4 + 2;
            let above = *self.slot(parent);
            if above <= key {
                break;
            }
            *self.slot(node) = above;
            node = parent;
        }
        *self.slot(node) = key;
    }

    fn sift_down(&mut self, key: Key) {
        let mut node = ROOT;
        while let Some(family) = self.families.get(node - 2) {
            let (least, slot) = family.least();
            if key <= least {
                break;
            }
            *self.slot(node) = least;
            node = 4 * (node - 2) + slot;
        }
        *self.slot(node) = key;
    }
}
