//! KV blocks of a replica. They have numbers where one can be found again by its content; elsewhere it is enough to count them,
//! since a block is as good as any other.

mod free;
mod numbered;

use crate::content::Key;
use crate::engines::Rules;
use crate::settings::Settings;
use numbered::Numbered;

/// The blocks of a replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Blocks {
    /// With a prefix cache.
    Numbered(Numbered),
    /// Without one: so many are free.
    Counted(u32),
}

/// The blocks that a request holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    numbers: Vec<u32>,
    /// Those without a number.
    counted: u32,
}

impl Held {
    /// Blocks that were found in a prefix cache.
    pub(crate) fn found(numbers: Vec<u32>) -> Self {
        Self { numbers, counted: 0 }
    }

    #[inline]
    pub(crate) fn len(&self) -> u32 {
        self.numbers.len() as u32 + self.counted
    }

    /// The numbers of those that have one.
    pub(crate) fn numbers(&self) -> &[u32] {
        &self.numbers
    }
}

impl Blocks {
    /// The blocks of an idle replica: all are free, and none has a key.
    pub(crate) fn new(rules: &Rules, settings: &Settings) -> Self {
        if settings.prefix_cache {
            Self::Numbered(Numbered::new(settings.blocks, rules.reuses_unkeyed_first))
        } else {
            Self::Counted(settings.blocks)
        }
    }

    /// The number of free blocks.
    #[inline]
    pub(crate) fn free(&self) -> u32 {
        match self {
            Self::Numbered(blocks) => blocks.free(),
            Self::Counted(free) => *free,
        }
    }

    /// The number of blocks with a key.
    pub(crate) fn keyed(&self) -> u32 {
        self.numbered().map_or(0, Numbered::keyed)
    }

    /// Blocks that lost their key since the last call.
    pub(crate) fn take_lost_keys(&mut self) -> u32 {
        self.numbered_mut().map_or(0, Numbered::take_lost_keys)
    }

    /// The blocks of the longest run of keys from the first on.
    pub(crate) fn find(&self, keys: &[Key]) -> Vec<u32> {
        self.numbered().map_or_else(Vec::new, |blocks| blocks.find(keys))
    }

    /// The number of free ones among blocks that were found.
    pub(crate) fn idle(&self, found: &[u32]) -> u32 {
        self.numbered().map_or(0, |blocks| blocks.idle(found))
    }

    /// Holds blocks that were found by their keys.
    pub(crate) fn hold(&mut self, found: &[u32]) {
        self.numbered_mut().into_iter().for_each(|blocks| blocks.hold(found));
    }

    /// Takes so many free blocks for a request; they lose their keys.
    ///
    /// # Panics
    /// If there are not as many: the caller has counted them.
    pub(crate) fn take(&mut self, blocks: u32, held: &mut Held) {
        match self {
            Self::Numbered(numbered) => held.numbers.extend((0..blocks).map(|_| numbered.take())),
            Self::Counted(free) => {
                *free = free.checked_sub(blocks).expect("the caller has counted the free blocks");
                held.counted += blocks;
            }
        }
    }

    /// Gives their keys to blocks of a request, behind so many that have theirs.
    pub(crate) fn name(&mut self, held: &Held, keyed: usize, keys: &[Key]) {
        if let Self::Numbered(blocks) = self {
            let unnamed = held.numbers.iter().zip(keys).skip(keyed);
            unnamed.for_each(|(block, key)| blocks.name(*block, *key));
        }
    }

    /// Lets the blocks of a request go.
    pub(crate) fn release(&mut self, held: &mut Held) {
        match self {
            Self::Numbered(blocks) => blocks.release(&mut held.numbers),
            Self::Counted(free) => *free += std::mem::take(&mut held.counted),
        }
    }

    fn numbered(&self) -> Option<&Numbered> {
        if let Self::Numbered(blocks) = self { Some(blocks) } else { None }
    }

    fn numbered_mut(&mut self) -> Option<&mut Numbered> {
        if let Self::Numbered(blocks) = self { Some(blocks) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counted_blocks_are_taken_and_let_go() {
        let settings = Settings { blocks: 9, prefix_cache: false, ..Settings::default() };
        let (mut blocks, mut held) = (Blocks::new(&Rules::llamacpp(), &settings), Held::default());
        blocks.take(4, &mut held);
        blocks.take(3, &mut held);
        blocks.name(&held, 0, &[1, 2]);
        assert_eq!((blocks.free(), held.len(), held.numbers(), blocks.keyed()), (2, 7, &[][..], 0));
        blocks.release(&mut held);
        assert_eq!((blocks.free(), held.len(), blocks.take_lost_keys()), (9, 0, 0));
    }
}
