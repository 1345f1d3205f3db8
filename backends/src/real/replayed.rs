//! The backend of a replay, whatever its outcomes are: the model's own, or modelled ones. It is one type, so that the engine compiles
//! its policies for replays once.

use super::{Real, Rehearsed};
use crate::{Compute, Done, Sequence, Work};
use model::{
    decoding::{Draft, Token},
    load::Cost,
    mas::Descriptors,
    request::{Input, Request},
};
use units::{Ratio, SimDuration};

/// A real model that plays a tier.
pub enum Replayed<'m> {
    /// Its words are its own.
    Own(Box<Real<'m>>),
    /// Its weights are random, so its outcomes are modelled.
    Rehearsed(Box<Rehearsed<'m>>),
}

/// Passes a call on to whichever backend it is.
macro_rules! either {
    ($this:expr, $backend:ident => $call:expr) => {
        match $this {
            Self::Own($backend) => $call,
            Self::Rehearsed($backend) => $call,
        }
    };
}

impl Compute for Replayed<'_> {
    fn open(&mut self, request: &Request, input: &Input) -> Sequence {
        either!(self, backend => backend.open(request, input))
    }

    fn prompt_tokens(&self, sequence: Sequence) -> u32 {
        either!(self, backend => backend.prompt_tokens(sequence))
    }

    fn answer_tokens(&self, sequence: Sequence) -> u32 {
        either!(self, backend => backend.answer_tokens(sequence))
    }

    fn context(&self, sequence: Sequence) -> u64 {
        either!(self, backend => backend.context(sequence))
    }

    fn run<'w>(&mut self, batch: impl Iterator<Item = (Sequence, Work<'w>)>, done: &mut Vec<Done>) -> Cost {
        either!(self, backend => backend.run(batch, done))
    }

    fn known(&mut self, sequence: Sequence, work: &Work<'_>) -> Option<Done> {
        either!(self, backend => backend.known(sequence, work))
    }

    fn truncate(&mut self, sequence: Sequence, answer_tokens: u32) {
        either!(self, backend => backend.truncate(sequence, answer_tokens));
    }

    fn adopt(&mut self, sequence: Sequence, token: Token) {
        either!(self, backend => backend.adopt(sequence, token));
    }

    fn preprocess(&mut self, request: &Request) -> Option<SimDuration> {
        either!(self, backend => backend.preprocess(request))
    }

    fn probed(&mut self, sequence: Sequence, tau_s: Ratio) -> Option<Descriptors> {
        either!(self, backend => backend.probed(sequence, tau_s))
    }

    fn grade(&mut self, sequence: Sequence) -> Option<f64> {
        either!(self, backend => backend.grade(sequence))
    }

    fn agrees(&self, sequence: Sequence, draft: &Draft) -> Option<bool> {
        either!(self, backend => backend.agrees(sequence, draft))
    }

    fn answer_length(&self, sequence: Sequence) -> Option<u32> {
        either!(self, backend => backend.answer_length(sequence))
    }

    fn forget(&mut self, sequence: Sequence) -> u32 {
        either!(self, backend => backend.forget(sequence))
    }

    fn find(&mut self, sequence: Sequence, tokens: u32) {
        either!(self, backend => backend.find(sequence, tokens));
    }

    fn close(&mut self, sequence: Sequence) {
        either!(self, backend => backend.close(sequence));
    }

    fn open_sequences(&self) -> usize {
        either!(self, backend => backend.open_sequences())
    }
}
