//! A sequence of the modelled backend: what of prompt and answer has been read, and what its next pass costs.

use crate::Pricing;
use model::{
    decoding::{Draft, Token},
    load::Load,
    tokens::{RequestTokens, TokenOutcome, TokenProcess},
};
use units::Flops;

/// A sequence.
pub(super) struct State {
    pub(super) tokens: RequestTokens,
    pub(super) output_tokens: u32,
    pub(super) prompt: u32,
    /// Tokens of the prompt that have been read.
    pub(super) read: u32,
    pub(super) answer: u32,
    /// Tokens of prompt and answer that have been read again, while a preempted sequence is read again.
    pub(super) again: Option<u32>,
    /// Tokens of the next pass that have passed the model in pieces.
    pub(super) ahead: u32,
    /// Apart, since no token needs it.
    pub(super) encoding: Box<Encoding>,
}

/// Arithmetic on pictures and sound.
pub(super) struct Encoding {
    /// Encoding the sound.
    pub(super) sound: Flops,
    /// Encoding a picture.
    pub(super) picture: Flops,
    /// The probe's layers.
    pub(super) probe: Flops,
    /// The cloud model's vision tower, where the pictures are sent as its output.
    pub(super) encode: Flops,
}

impl State {
    #[inline]
    pub(super) fn context(&self) -> u64 {
        self.again.map_or(u64::from(self.read) + u64::from(self.answer), u64::from)
    }

    /// True while the last logits of the prompt are those of the next token.
    #[inline]
    pub(super) fn knows_next(&self) -> bool {
        self.answer == 0 && self.read == self.prompt && self.again.is_none()
    }

    /// The tokens behind which the next one of an answer is made, where nothing else is to be read for it.
    #[inline]
    pub(super) fn plain_context(&self) -> Option<u64> {
        let is_plain = self.again.is_none() && !self.knows_next();
        is_plain.then(|| self.context().saturating_sub(1))
    }

    /// Tokens that have passed the model: all but the newest of the answer.
    pub(super) fn passed(&self) -> u32 {
        (self.prompt + self.answer).saturating_sub(u32::from(self.answer > 0))
    }

    /// A pass of what the model has not read, and of so many tokens behind it.
    #[inline]
    pub(super) fn pass(&mut self, behind: usize) -> Load {
        let lost = self.again.take();
        let mut load = match std::mem::take(&mut self.ahead) {
            0 => Pricing::pass_load(self.context(), self.knows_next(), behind),
            ahead => self.last_piece(behind, ahead.into()),
        };
        if let Some(read) = lost {
            load.add(&self.rest(read));
        }
        load
    }

    /// A pass of so many nodes of this depth below the newest token.
    pub(super) fn level(&mut self, nodes: u32, depth: u32) -> Load {
        if depth == 0 || self.ahead > 0 {
            return self.pass(nodes as usize - 1);
        }
        let lost = self.again.take().map_or(Load::NONE, |read| self.rest(read));
        let mut load = Load::verify(nodes.into(), self.context() + u64::from(depth) - 1);
        load.add(&lost);
        load
    }

    /// The last piece of a pass, of which so many tokens have passed in others. It has one token at least, since the last
    /// logits are its own.
    #[cold]
    fn last_piece(&self, behind: usize, ahead: u64) -> Load {
        let all = behind as u64 + u64::from(!self.knows_next());
        Load::verify(all.saturating_sub(ahead).max(1), u64::from(self.passed()) + ahead)
    }

    /// A piece of the next pass. The first of its tokens are those that are still to be read again.
    #[cold]
    pub(super) fn piece(&mut self, tokens: u32) -> Load {
        let again = self.again.take().map_or(Load::NONE, |read| self.rest(read));
        let tokens = tokens.saturating_sub(again.query_tokens as u32);
        let mut load = Load::verify(tokens.into(), (self.passed() + self.ahead).into());
        load.add(&again);
        self.ahead += tokens;
        load
    }

    /// Reading the rest of what had passed when a sequence was forgotten, where so many tokens have been read again.
    #[cold]
    pub(super) fn rest(&self, read: u32) -> Load {
        let rest = self.passed().saturating_sub(read);
        if rest == 0 { Load::NONE } else { Load::prefill_chunk(rest.into(), read.into()) }
    }

    /// The draft at a position of the answer.
    #[inline]
    pub(super) fn draft(&self, process: &TokenProcess, position: u32) -> Draft {
        let TokenOutcome { agrees, entropy_nats } = process.outcome(&self.tokens, position);
        let target = self.target(position);
        let token = if agrees { target } else { Token { id: target.id + 1, ends: false } };
        Draft { token, position, entropy_nats }
    }

    /// Appends the target's next token.
    #[inline]
    pub(super) fn append(&mut self) -> Token {
        self.answer += 1;
        self.target(self.answer - 1)
    }

    /// The target's token at a position.
    #[inline]
    pub(super) fn target(&self, position: u32) -> Token {
        Token { id: 2 * position, ends: position + 1 == self.output_tokens }
    }
}
