//! Blocks for the tokens of a step.

use crate::replica::Replica;
use crate::request::Id;
use crate::sequence::Sequence;

impl Replica {
    /// Blocks that a request lacks for its first `tokens` tokens.
    pub(crate) fn missing_blocks(&self, sequence: &Sequence, tokens: u32) -> u32 {
        let blocks = tokens.min(self.settings.context).div_ceil(self.settings.block_tokens);
        blocks.saturating_sub(sequence.blocks.len() as u32)
    }

    /// Takes free blocks for a request.
    pub(crate) fn take_blocks(&mut self, id: Id, blocks: u32) {
        let held = &mut self.sequences[id].blocks;
        held.extend((0..blocks).map(|_| self.blocks.take()));
    }

    /// Gives their keys to the blocks that the first `tokens` tokens fill, if they are known.
    #[inline(always)]
    pub(crate) fn name_blocks(&mut self, id: Id, tokens: u32) {
        if self.settings.prefix_cache {
            let sequence = &mut self.sequences[id];
            let full = tokens.min(sequence.tokens()) / self.settings.block_tokens;
            if sequence.request.is_private {
                sequence.nameable = sequence.nameable.max(full);
            } else if full > sequence.keyed {
                self.name_first_blocks(id, full);
            }
        }
    }

    /// Gives their keys to all full blocks of a request that only it can find again.
    pub(crate) fn name_private_blocks(&mut self, id: Id) {
        let sequence = &mut self.sequences[id];
        let full = std::mem::take(&mut sequence.nameable);
        if full > sequence.keyed {
            self.name_first_blocks(id, full);
        }
    }

    fn name_first_blocks(&mut self, id: Id, full: u32) {
        let sequence = &mut self.sequences[id];
        let keys = sequence.keys.first(full, &sequence.request, self.settings.block_tokens);
        let unnamed = sequence.blocks.iter().zip(keys).skip(sequence.keyed as usize);
        unnamed.for_each(|(block, key)| self.blocks.name(*block, *key));
        sequence.keyed = full;
    }
}
