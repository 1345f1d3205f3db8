//! A 4-ary implicit min-heap of packed keys with a lazy root.
//!
//! Most events schedule another one, so a pop is mostly followed by a push. The pop therefore only marks the root as
//! a hole; the push that follows fills it and sifts down once, instead of the pop sifting the last leaf down and the
//! push sifting the new one up. Four children share one cache line of 64 bytes.

use crate::Key;

/// The heap. `keys[0]` is a hole when `hole` is set.
#[derive(Default)]
pub(super) struct Heap {
    keys: Vec<Key>,
    hole: bool,
}

impl Heap {
    pub(super) fn len(&self) -> usize {
        self.keys.len() - usize::from(self.hole)
    }

    #[inline]
    pub(super) fn push(&mut self, key: Key) {
        if self.hole {
            self.hole = false;
            self.sift_down(key);
        } else {
            self.keys.push(key);
            self.sift_up(key);
        }
    }

    /// The smallest key, [`Key::NEVER`] if there is none. Fills a hole first.
    #[inline]
    pub(super) fn peek(&mut self) -> Key {
        if self.hole {
            self.fill_hole();
        }
        self.keys.first().copied().unwrap_or(Key::NEVER)
    }

    /// Removes the key that `peek` just returned.
    #[inline]
    pub(super) fn remove_peeked(&mut self) {
        debug_assert!(!self.hole && !self.keys.is_empty());
        self.hole = true;
    }

    fn fill_hole(&mut self) {
        self.hole = false;
        let last = self.keys.pop().expect("a hole is an element");
        if !self.keys.is_empty() {
            self.sift_down(last);
        }
    }

    fn sift_up(&mut self, key: Key) {
        let mut place = self.keys.len() - 1;
        while place > 0 {
            let parent = (place - 1) / 4;
            if self.keys[parent] <= key {
                break;
            }
            self.keys[place] = self.keys[parent];
            place = parent;
        }
        self.keys[place] = key;
    }

    fn sift_down(&mut self, key: Key) {
        let len = self.keys.len();
        let mut place = 0;
        loop {
            let first = 4 * place + 1;
            if first >= len {
                break;
            }
            let children = &self.keys[first..len.min(first + 4)];
            let (mut least, mut child) = (children[0], first);
            for (offset, &other) in children.iter().enumerate().skip(1) {
                if other < least {
                    (least, child) = (other, first + offset);
                }
            }
            if key <= least {
                break;
            }
            self.keys[place] = least;
            place = child;
        }
        self.keys[place] = key;
    }
}
