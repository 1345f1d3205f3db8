//! The queue of free blocks: taken at the head, put back at either end, and left in the middle by blocks that are found
//! again. A doubly linked list over the numbers of blocks; all blocks that were never used are one place in it.

/// The end of the list.
const NONE: u32 = u32::MAX;
/// The place of the blocks that were never used. Block `n` has place `n + 1`.
const FRESH: u32 = 0;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Links {
    before: u32,
    after: u32,
}

/// The free blocks, the next one to be used first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FreeQueue {
    /// Links of the fresh ones, and of each block that was ever used.
    links: Vec<Links>,
    head: u32,
    tail: u32,
    len: u32,
    /// All blocks, free or not.
    blocks: u32,
}

impl FreeQueue {
    /// All of `blocks` blocks, by number.
    pub fn full(blocks: u32) -> Self {
        let mut queue = Self { links: Vec::new(), head: NONE, tail: NONE, len: 0, blocks };
        queue.links.push(Links { before: NONE, after: NONE });
        if blocks > 0 {
            queue.link(NONE, FRESH, NONE);
        }
        queue.len = blocks;
        queue
    }

    pub fn len(&self) -> u32 {
        self.len
    }

    pub fn pop_front(&mut self) -> Option<u32> {
        match self.head {
            NONE => None,
            FRESH => Some(self.pop_fresh()),
            place => {
                self.remove(place - 1);
                Some(place - 1)
            }
        }
    }

    pub fn push_back(&mut self, block: u32) {
        self.link(self.tail, block + 1, NONE);
        self.len += 1;
    }

    /// Puts blocks before all others, in their order.
    pub fn push_all_front(&mut self, blocks: impl DoubleEndedIterator<Item = u32>) {
        for block in blocks.rev() {
            self.link(NONE, block + 1, self.head);
            self.len += 1;
        }
    }

    /// Takes a block that was used before out of the middle.
    pub fn remove(&mut self, block: u32) {
        self.unlink(block + 1);
        self.len -= 1;
    }

    /// The next block that was never used.
    fn pop_fresh(&mut self) -> u32 {
        let block = self.links.len() as u32 - 1;
        self.links.push(Links { before: NONE, after: NONE });
        self.len -= 1;
        if block + 1 == self.blocks {
            self.unlink(FRESH);
        }
        block
    }

    fn unlink(&mut self, place: u32) {
        let Links { before, after } = self.links[place as usize];
        match before {
            NONE => self.head = after,
            before => self.links[before as usize].after = after,
        }
        match after {
            NONE => self.tail = before,
            after => self.links[after as usize].before = before,
        }
    }

    fn link(&mut self, before: u32, place: u32, after: u32) {
        self.links[place as usize] = Links { before, after };
        match before {
            NONE => self.head = place,
            before => self.links[before as usize].after = place,
        }
        match after {
            NONE => self.tail = place,
            after => self.links[after as usize].before = place,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rest(queue: &mut FreeQueue) -> Vec<u32> {
        std::iter::from_fn(|| queue.pop_front()).collect()
    }

    #[test]
    fn blocks_leave_at_the_head_and_out_of_the_middle() {
        let mut queue = FreeQueue::full(5);
        assert_eq!([queue.pop_front(), queue.pop_front(), queue.pop_front()], [Some(0), Some(1), Some(2)]);
        queue.push_back(2);
        queue.push_back(0);
        queue.push_all_front([1].into_iter());
        queue.remove(2);
        assert_eq!(queue.len(), 4);
        assert_eq!(rest(&mut queue), [1, 3, 4, 0], "fresh blocks keep their place");
        assert_eq!(queue.len(), 0);
        queue.push_back(3);
        queue.push_all_front([4, 2].into_iter());
        assert_eq!(rest(&mut queue), [4, 2, 3]);
    }

    #[test]
    fn no_block_is_no_block() {
        assert_eq!(FreeQueue::full(0).pop_front(), None);
    }
}
