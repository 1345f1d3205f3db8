//! Blocks of prompts, by which a trace says what prompts share.

use std::ops::Range;

/// The blocks of a prompt, in order. Equal numbers are equal tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocks {
    /// Tokens of a block; the last one of a prompt may have fewer.
    pub tokens: u32,
    /// Numbers of the blocks.
    pub numbers: Box<[u64]>,
}

/// The blocks of the prompts of a trace, by the places of its requests.
///
/// ```
/// use traces::requests::{BlockList, Blocks};
/// let mut list = BlockList::default();
/// list.push(Some(&Blocks { tokens: 512, numbers: [0, 7].into() }));
/// list.push(None);
/// assert_eq!(list.of(0).collect::<Vec<_>>(), [(0, 512), (7, 512)]);
/// assert_eq!(list.of(1).count(), 0);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockList {
    /// Tokens of a block, the same for all prompts of a trace.
    tokens: u32,
    /// Numbers of all blocks, prompt after prompt.
    numbers: Vec<u64>,
    /// The end of each prompt among them.
    ends: Vec<usize>,
}

impl BlockList {
    /// Adds the next request.
    pub fn push(&mut self, blocks: Option<&Blocks>) {
        if let Some(blocks) = blocks {
            self.tokens = blocks.tokens;
            self.numbers.extend(&blocks.numbers);
        }
        self.ends.push(self.numbers.len());
    }

    /// The blocks of a request: number and tokens, in order.
    pub fn of(&self, request: usize) -> impl Iterator<Item = (u64, u32)> {
        self.numbers[self.range(request)].iter().map(|number| (*number, self.tokens))
    }

    /// The blocks of some of the requests; none if they have none.
    pub fn part(&self, requests: Range<usize>) -> Option<Self> {
        let mut part = Self { tokens: self.tokens, ..Self::default() };
        for request in requests.start..requests.end.min(self.ends.len()) {
            part.numbers.extend(&self.numbers[self.range(request)]);
            part.ends.push(part.numbers.len());
        }
        (!part.numbers.is_empty()).then_some(part)
    }

    fn range(&self, request: usize) -> Range<usize> {
        let start = request.checked_sub(1).map_or(0, |before| self.ends[before]);
        start..self.ends[request]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_has_the_blocks_of_its_requests() {
        let mut list = BlockList::default();
        for numbers in [&[1, 2][..], &[], &[3], &[1, 4]] {
            let blocks = Blocks { tokens: 16, numbers: numbers.into() };
            list.push((!numbers.is_empty()).then_some(&blocks));
        }
        let part = list.part(2..9).unwrap();
        assert_eq!(part.of(0).collect::<Vec<_>>(), [(3, 16)]);
        assert_eq!(part.of(1).collect::<Vec<_>>(), [(1, 16), (4, 16)]);
        assert_eq!(list.part(1..2), None);
        assert_eq!(BlockList::default().part(0..5), None);
    }
}
