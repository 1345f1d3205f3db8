//! Blocks with numbers: free ones, held ones, and those that are found again by their content.
//!
//! A block has a key from the step in which its last token is scheduled until it is taken for something else, also while
//! it is free. Equal blocks are not merged: a key may stand for several, and lookups find the oldest.

use std::collections::BTreeMap;

use super::free::FreeQueue;
use crate::content::Key;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Block {
    /// Requests that hold it.
    holders: u32,
    /// Its key, and the place of the block among those with that key.
    key: Option<(Key, u64)>,
}

/// The blocks of a replica with a prefix cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Numbered {
    /// Those that have, or had, a number.
    blocks: Vec<Block>,
    free: FreeQueue,
    /// Blocks by key, the oldest first.
    by_key: BTreeMap<(Key, u64), u32>,
    /// Keys given so far.
    given: u64,
    /// Blocks that lost their key since the last step.
    lost_keys: u32,
    reuses_unkeyed_first: bool,
}

impl Numbered {
    /// `blocks` free blocks without keys.
    pub fn new(blocks: u32, reuses_unkeyed_first: bool) -> Self {
        Self {
            blocks: Vec::new(),
            free: FreeQueue::full(blocks),
            by_key: BTreeMap::new(),
            given: 0,
            lost_keys: 0,
            reuses_unkeyed_first,
        }
    }

    /// The number of free blocks.
    pub fn free(&self) -> u32 {
        self.free.len()
    }

    /// The number of blocks with a key.
    pub fn keyed(&self) -> u32 {
        self.by_key.len() as u32
    }

    /// Blocks that lost their key since the last call.
    pub fn take_lost_keys(&mut self) -> u32 {
        std::mem::take(&mut self.lost_keys)
    }

    /// The blocks of the longest run of keys from the first on.
    pub fn find(&self, keys: &[Key]) -> Vec<u32> {
        let oldest = |key: &Key| self.by_key.range((*key, 0)..=(*key, u64::MAX)).next().map(|(_, block)| *block);
        keys.iter().map_while(oldest).collect()
    }

    /// The number of free ones among these blocks.
    pub fn idle(&self, blocks: &[u32]) -> u32 {
        blocks.iter().filter(|block| self.blocks[**block as usize].holders == 0).count() as u32
    }

    /// Holds blocks that were found by their keys.
    pub fn hold(&mut self, found: &[u32]) {
        for &number in found {
            let block = &mut self.blocks[number as usize];
            if block.holders == 0 {
                self.free.remove(number);
            }
            block.holders += 1;
        }
    }

    /// Takes a free block, which loses its key.
    pub fn take(&mut self) -> u32 {
        let number = self.free.pop_front().expect("the caller has counted the free blocks");
        if number as usize == self.blocks.len() {
            self.blocks.push(Block::default());
        }
        let block = &mut self.blocks[number as usize];
        debug_assert_eq!(block.holders, 0, "a free block is held");
        block.holders = 1;
        if let Some(key) = block.key.take() {
            self.by_key.remove(&key);
            self.lost_keys += 1;
        }
        number
    }

    /// Gives a block its key.
    pub fn name(&mut self, number: u32, key: Key) {
        self.given += 1;
        debug_assert!(self.blocks[number as usize].key.is_none(), "a block has one key");
        self.blocks[number as usize].key = Some((key, self.given));
        self.by_key.insert((key, self.given), number);
    }

    /// Lets the blocks of a request go, the last one first: a prompt's tail is taken before its head.
    pub fn release(&mut self, held: &mut Vec<u32>) {
        for number in held.drain(..).rev() {
            let block = &mut self.blocks[number as usize];
            block.holders -= 1;
            match (block.holders, block.key) {
                (0, None) if self.reuses_unkeyed_first => self.free.push_unkeyed_front(number),
                (0, None) => self.free.push_unkeyed_back(number),
                (0, Some(_)) => self.free.push_back(number),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(blocks: &mut Numbered) -> Vec<u32> {
        (0..blocks.free()).map(|_| blocks.take()).collect()
    }

    #[test]
    fn a_freed_block_keeps_its_key_until_it_is_taken() {
        let mut blocks = Numbered::new(3, false);
        let mut held = vec![blocks.take(), blocks.take()];
        blocks.name(held[0], 7);
        blocks.name(held[1], 8);
        blocks.release(&mut held);
        assert_eq!((blocks.find(&[7, 8, 9]), blocks.idle(&[0, 1]), blocks.free()), (vec![0, 1], 2, 3));
        blocks.hold(&[0]);
        assert_eq!((blocks.idle(&[0, 1]), blocks.free()), (1, 2));
        assert_eq!(order(&mut blocks), [2, 1], "the tail of the prompt is taken before its head");
        assert_eq!((blocks.find(&[7, 8]), blocks.take_lost_keys(), blocks.keyed()), (vec![0], 1, 1));
    }

    #[test]
    fn lookups_find_the_oldest_of_equal_blocks() {
        let mut blocks = Numbered::new(2, false);
        let (mut first, mut second) = (vec![blocks.take()], vec![blocks.take()]);
        blocks.name(second[0], 7);
        blocks.name(first[0], 7);
        assert_eq!(blocks.find(&[7]), second);
        blocks.release(&mut second);
        blocks.take();
        assert_eq!(blocks.find(&[7]), first);
        blocks.release(&mut first);
    }

    #[test]
    fn blocks_without_a_key_are_used_again_first_where_the_engine_says_so() {
        for (unkeyed_first, expected) in [(false, [3, 2, 0, 1]), (true, [0, 1, 3, 2])] {
            let mut blocks = Numbered::new(4, unkeyed_first);
            let mut held: Vec<u32> = (0..4).map(|_| blocks.take()).collect();
            blocks.name(2, 7);
            blocks.name(3, 8);
            blocks.release(&mut held);
            assert_eq!(order(&mut blocks), expected);
        }
    }
}
