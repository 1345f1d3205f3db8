//! The queue of free blocks: taken at the head, put back at either end, and left in the middle by blocks that are found
//! again. A doubly linked list over the numbers of blocks.

/// The end of the list.
const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Links {
    before: u32,
    after: u32,
}

/// The free blocks, the next one to be used first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FreeQueue {
    links: Vec<Links>,
    head: u32,
    tail: u32,
    len: u32,
}

impl FreeQueue {
    /// All of `blocks` blocks, by number.
    pub fn full(blocks: u32) -> Self {
        let mut queue =
            Self { links: vec![Links { before: NONE, after: NONE }; blocks as usize], head: NONE, tail: NONE, len: 0 };
        (0..blocks).for_each(|block| queue.push_back(block));
        queue
    }

    pub fn len(&self) -> u32 {
        self.len
    }

    pub fn pop_front(&mut self) -> Option<u32> {
        let block = self.head;
        (block != NONE).then(|| {
            self.remove(block);
            block
        })
    }

    pub fn push_back(&mut self, block: u32) {
        self.link(self.tail, block, NONE);
    }

    /// Puts blocks before all others, in their order.
    pub fn push_all_front(&mut self, blocks: impl DoubleEndedIterator<Item = u32>) {
        blocks.rev().for_each(|block| self.link(NONE, block, self.head));
    }

    /// Takes a block out of the middle.
    pub fn remove(&mut self, block: u32) {
        let Links { before, after } = self.links[block as usize];
        match before {
            NONE => self.head = after,
            before => self.links[before as usize].after = after,
        }
        match after {
            NONE => self.tail = before,
            after => self.links[after as usize].before = before,
        }
        self.len -= 1;
    }

    fn link(&mut self, before: u32, block: u32, after: u32) {
        self.links[block as usize] = Links { before, after };
        match before {
            NONE => self.head = block,
            before => self.links[before as usize].after = block,
        }
        match after {
            NONE => self.tail = block,
            after => self.links[after as usize].before = block,
        }
        self.len += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_leave_at_the_head_and_out_of_the_middle() {
        let mut queue = FreeQueue::full(5);
        queue.remove(2);
        assert_eq!(queue.pop_front(), Some(0));
        queue.push_back(0);
        queue.push_all_front([2].into_iter());
        queue.remove(0);
        queue.push_all_front([0].into_iter());
        assert_eq!(queue.len(), 5);
        let left: Vec<u32> = std::iter::from_fn(|| queue.pop_front()).collect();
        assert_eq!(left, [0, 2, 1, 3, 4]);
        assert_eq!(queue.len(), 0);
    }
}
