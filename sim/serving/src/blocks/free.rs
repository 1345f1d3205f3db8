//! The queue of free blocks: taken at the head, put back at either end, and left in the middle by blocks that are found
//! again.
//!
//! A block without a key is as good as any other without one. So those that lie next to each other in the queue are one place in
//! it, and have no numbers while they are free: a request whose blocks nobody can find leaves nothing behind.

/// The end of the list.
const NONE: u32 = u32::MAX;
/// Places of unkeyed blocks begin here. The place of a keyed block is its number, which is less.
const FIRST_RUN: u32 = 1 << 31;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Links {
    before: u32,
    after: u32,
}

/// Unkeyed blocks in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    links: Links,
    blocks: u32,
}

/// The free blocks, the next one to be used first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FreeQueue {
    /// Links of the blocks that were ever given a number; those of a block that is not in the queue, or has no key, mean nothing.
    links: Vec<Links>,
    /// Numbers that unkeyed blocks had.
    numbers: Vec<u32>,
    runs: Vec<Run>,
    /// Runs of which nothing is left.
    gone: Vec<u32>,
    head: u32,
    tail: u32,
    len: u32,
}

impl FreeQueue {
    /// So many blocks without keys.
    pub fn full(blocks: u32) -> Self {
        let (links, numbers, runs, gone) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut queue = Self { links, numbers, runs, gone, head: NONE, tail: NONE, len: 0 };
        if blocks > 0 {
            queue.begin_run(blocks, NONE, NONE);
        }
        queue.len = blocks;
        queue
    }

    pub fn len(&self) -> u32 {
        self.len
    }

    /// Takes the next block. One without a key is given a number.
    pub fn pop_front(&mut self) -> Option<u32> {
        let place = Some(self.head).filter(|head| *head != NONE)?;
        self.len -= 1;
        if place < FIRST_RUN {
            self.unlink(place);
            return Some(place);
        }
        let run = &mut self.runs[(place - FIRST_RUN) as usize];
        run.blocks -= 1;
        if run.blocks == 0 {
            self.end_run(place);
        }
        Some(self.numbers.pop().unwrap_or_else(|| {
            self.links.push(Links { before: NONE, after: NONE });
            self.links.len() as u32 - 1
        }))
    }

    /// Puts a block with a key behind all others.
    pub fn push_back(&mut self, keyed: u32) {
        self.link(self.tail, keyed, NONE);
        self.len += 1;
    }

    /// Puts a block without a key behind all others, which gives its number back.
    pub fn push_unkeyed_back(&mut self, number: u32) {
        match self.run_at(self.tail) {
            Some(run) => run.blocks += 1,
            None => self.begin_run(1, self.tail, NONE),
        }
        self.numbers.push(number);
        self.len += 1;
    }

    /// Puts a block without a key before all others, which gives its number back.
    pub fn push_unkeyed_front(&mut self, number: u32) {
        match self.run_at(self.head) {
            Some(run) => run.blocks += 1,
            None => self.begin_run(1, NONE, self.head),
        }
        self.numbers.push(number);
        self.len += 1;
    }

    /// Takes a block with a key out of the middle.
    pub fn remove(&mut self, keyed: u32) {
        let Links { before, after } = self.links[keyed as usize];
        self.unlink(keyed);
        self.len -= 1;
        // Two runs that were apart are one now.
        if let Some(Run { blocks, .. }) = self.run_at(after).copied()
            && let Some(run) = self.run_at(before)
        {
            run.blocks += blocks;
            self.end_run(after);
        }
    }

    fn run_at(&mut self, place: u32) -> Option<&mut Run> {
        (FIRST_RUN..NONE).contains(&place).then(|| &mut self.runs[(place - FIRST_RUN) as usize])
    }

    fn begin_run(&mut self, blocks: u32, before: u32, after: u32) {
        let run = Run { links: Links { before, after }, blocks };
        let place = if let Some(place) = self.gone.pop() {
            self.runs[(place - FIRST_RUN) as usize] = run;
            place
        } else {
            self.runs.push(run);
            FIRST_RUN + self.runs.len() as u32 - 1
        };
        self.link(before, place, after);
    }

    fn end_run(&mut self, place: u32) {
        self.unlink(place);
        self.gone.push(place);
    }

    fn links(&mut self, place: u32) -> &mut Links {
        match place.checked_sub(FIRST_RUN) {
            Some(run) => &mut self.runs[run as usize].links,
            None => &mut self.links[place as usize],
        }
    }

    fn unlink(&mut self, place: u32) {
        let Links { before, after } = *self.links(place);
        match before {
            NONE => self.head = after,
            before => self.links(before).after = after,
        }
        match after {
            NONE => self.tail = before,
            after => self.links(after).before = before,
        }
    }

    fn link(&mut self, before: u32, place: u32, after: u32) {
        *self.links(place) = Links { before, after };
        match before {
            NONE => self.head = place,
            before => self.links(before).after = place,
        }
        match after {
            NONE => self.tail = place,
            after => self.links(after).before = place,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    #[test]
    fn no_block_is_no_block() {
        assert_eq!(FreeQueue::full(0).pop_front(), None);
    }

    #[test]
    fn numbers_of_unkeyed_blocks_are_given_again() {
        let mut queue = FreeQueue::full(1_000_000);
        for _ in 0..100 {
            let taken: Vec<u32> = (0..3).map(|_| queue.pop_front().unwrap()).collect();
            taken.into_iter().for_each(|number| queue.push_unkeyed_back(number));
        }
        assert_eq!((queue.links.len(), queue.runs.len(), queue.len()), (3, 1, 1_000_000));
    }

    proptest! {
        /// A plain queue in which each block has a number, and none is merged with another.
        #[test]
        fn runs_are_a_plain_queue(steps in prop::collection::vec((0..5, 0..20_usize), 1..200)) {
            let mut queue = FreeQueue::full(6);
            let mut plain: VecDeque<Option<u32>> = VecDeque::from([None; 6]);
            let mut held = Vec::new();
            for (step, pick) in steps {
                match step {
                    0 => {
                        let (taken, expected) = (queue.pop_front(), plain.pop_front());
                        prop_assert_eq!(taken.is_some(), expected.is_some());
                        if let Some(keyed) = expected.flatten() {
                            prop_assert_eq!(taken, Some(keyed));
                        }
                        prop_assert!(taken.is_none_or(|number| !held.contains(&number) && !plain.contains(&Some(number))));
                        held.extend(taken);
                    }
                    4 => {
                        let keyed: Vec<u32> = plain.iter().copied().flatten().collect();
                        if let Some(number) = keyed.get(pick) {
                            queue.remove(*number);
                            plain.retain(|one| *one != Some(*number));
                            held.push(*number);
                        }
                    }
                    _ if pick < held.len() => {
                        let number = held.swap_remove(pick);
                        match step {
                            1 => { queue.push_back(number); plain.push_back(Some(number)); }
                            2 => { queue.push_unkeyed_back(number); plain.push_back(None); }
                            _ => { queue.push_unkeyed_front(number); plain.push_front(None); }
                        }
                    }
                    _ => {}
                }
                prop_assert_eq!(queue.len() as usize, plain.len());
            }
        }
    }
}
