//! Blocks for the tokens of a step.

use crate::replica::Replica;
use crate::request::Id;
use crate::sequence::Sequence;
use crate::settings::Settings;

impl Replica {
    /// Blocks that a request lacks for its first `tokens` tokens.
    pub(crate) fn missing_blocks(&self, sequence: &Sequence, tokens: u32) -> u32 {
        let blocks = tokens.min(self.settings.context).div_ceil(self.settings.block_tokens);
        blocks.saturating_sub(sequence.blocks.len())
    }

    /// Takes free blocks for a request.
    pub(crate) fn take_blocks(&mut self, id: Id, blocks: u32) {
        self.blocks.take(blocks, &mut self.sequences[id].blocks);
    }

    /// Gives their keys to the blocks that the first `tokens` tokens fill, if they are known.
    #[inline(always)]
    pub(crate) fn name_blocks(&mut self, id: Id, tokens: u32) {
        if let Some(full) = newly_full(&self.settings, &self.sequences[id], tokens) {
            self.name_full_blocks(id, full);
        }
    }

    /// A block of a request has become full. One that nobody else can look for gets its key when it is lost.
    pub(crate) fn name_full_blocks(&mut self, id: Id, full: u32) {
        let sequence = &mut self.sequences[id];
        sequence.nameable = full;
        if !sequence.request.is_private {
            self.name_first_blocks(id, full);
        }
    }

    /// Gives their keys to all full blocks of a request that only it can find again.
    pub(crate) fn name_private_blocks(&mut self, id: Id) {
        let sequence = &self.sequences[id];
        if sequence.nameable > sequence.keyed {
            self.name_first_blocks(id, sequence.nameable);
        }
    }

    fn name_first_blocks(&mut self, id: Id, full: u32) {
        let sequence = &mut self.sequences[id];
        let keys = sequence.keys.first(full, &sequence.request, self.settings.block_tokens);
        self.blocks.name(&sequence.blocks, sequence.keyed as usize, keys);
        sequence.keyed = full;
    }
}

/// The blocks that the first `tokens` tokens of a request fill, if they are known and one of them is newly full.
#[inline(always)]
pub(crate) fn newly_full(settings: &Settings, sequence: &Sequence, tokens: u32) -> Option<u32> {
    let full = tokens.min(sequence.tokens()) / settings.block_tokens;
    (settings.prefix_cache && full > sequence.nameable).then_some(full)
}
