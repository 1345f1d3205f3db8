//! Real steps, modelled outcomes: for models whose weights are random. Their steps take real time, but their words
//! mean nothing. So tokens, entropies and acceptances come from the token process or from the trace of an earlier run.

use crate::real::Real;
use crate::{Compute, Done, Modelled, Sequence, Work};
use model::{
    decoding::{Draft, Token},
    load::Cost,
    mas::Descriptors,
    request::{Input, Request},
};
use units::{Ratio, SimDuration};

/// See the module.
pub struct Rehearsed<'m> {
    real: Real<'m>,
    outcomes: Modelled,
    /// The modelled sequence beside each real one.
    beside: Vec<Sequence>,
}

impl<'m> Rehearsed<'m> {
    /// A backend that takes the time of one and has the outcomes of the other.
    pub fn new(real: Real<'m>, outcomes: Modelled) -> Self {
        Self { real, outcomes, beside: Vec::new() }
    }

    fn modelled(&self, sequence: Sequence) -> Sequence {
        self.beside.get(sequence as usize).copied().unwrap_or_else(|| panic!("sequence {sequence} is not open"))
    }

    /// Brings the real answer to the length of the modelled one; which tokens it has does not matter.
    fn follow(&mut self, sequence: Sequence) {
        let length = self.outcomes.answer_tokens(self.modelled(sequence));
        self.real.truncate(sequence, length);
        while self.real.answer_tokens(sequence) < length {
            self.real.adopt(sequence, Token::default());
        }
    }

    /// The result of an item. The modelled prompt is as long as the simulation has it, so it is read whole with the
    /// real one's last chunk.
    fn outcome(&mut self, sequence: Sequence, work: Work<'_>, last: bool, done: &mut Vec<Done>) {
        let beside = self.modelled(sequence);
        let work = match work {
            Work::Prefill { .. } if !last => return done.push(Done::Nothing),
            // What the real one reads again the other has never forgotten.
            Work::Prefill { answer: true, .. } if self.outcomes.answer_tokens(beside) > 0 => Work::Decode,
            Work::Prefill { .. } if self.outcomes.context(beside) > 0 => return done.push(Done::Nothing),
            Work::Prefill { answer, pictures, .. } => {
                Work::Prefill { tokens: self.outcomes.prompt_tokens(beside), pictures, answer }
            }
            work => work,
        };
        self.outcomes.run(std::iter::once((beside, work)), done);
    }
}

impl Compute for Rehearsed<'_> {
    fn open(&mut self, request: &Request, input: &Input) -> Sequence {
        let sequence = self.real.open(request, input);
        let beside = self.outcomes.open(request, input);
        let place = sequence as usize;
        if place == self.beside.len() {
            self.beside.push(beside);
        } else {
            self.beside[place] = beside;
        }
        sequence
    }

    fn prompt_tokens(&self, sequence: Sequence) -> u32 {
        self.real.prompt_tokens(sequence)
    }

    fn answer_tokens(&self, sequence: Sequence) -> u32 {
        self.real.answer_tokens(sequence)
    }

    fn context(&self, sequence: Sequence) -> u64 {
        self.real.context(sequence)
    }

    fn run<'w>(&mut self, batch: impl Iterator<Item = (Sequence, Work<'w>)>, done: &mut Vec<Done>) -> Cost {
        let mut sum = Cost::NONE;
        let mut unread = Vec::with_capacity(1);
        for (sequence, work) in batch {
            // Modelled tokens are none of the real vocabulary's.
            let blank = vec![Token::default(); work.drafts()];
            let real = match work {
                Work::Verify { bonus, judged, .. } => Work::Verify { drafts: &blank, bonus, judged },
                Work::Check { stand, .. } => Work::Check { drafts: &blank, stand },
                work => work,
            };
            let cost = self.real.run(std::iter::once((sequence, real)), &mut unread);
            sum.add(&cost);
            let makes = matches!(work, Work::Prefill { answer: true, .. });
            let last = if makes { matches!(unread[..], [Done::Token(_)]) } else { self.real.has_read(sequence) };
            unread.clear();
            self.outcome(sequence, work, last, done);
            self.follow(sequence);
        }
        sum
    }

    fn known(&mut self, sequence: Sequence, work: &Work<'_>) -> Option<Done> {
        let done = self.outcomes.known(self.modelled(sequence), work)?;
        self.follow(sequence);
        Some(done)
    }

    fn truncate(&mut self, sequence: Sequence, answer_tokens: u32) {
        self.outcomes.truncate(self.modelled(sequence), answer_tokens);
        self.real.truncate(sequence, answer_tokens);
    }

    fn adopt(&mut self, sequence: Sequence, token: Token) {
        self.outcomes.adopt(self.modelled(sequence), token);
        self.real.adopt(sequence, Token::default());
    }

    fn preprocess(&mut self, request: &Request) -> Option<SimDuration> {
        self.real.preprocess(request)
    }

    fn probed(&mut self, sequence: Sequence, tau_s: Ratio) -> Option<Descriptors> {
        self.real.probed(sequence, tau_s)
    }

    fn agrees(&self, sequence: Sequence, draft: &Draft) -> Option<bool> {
        self.outcomes.agrees(self.modelled(sequence), draft)
    }

    fn answer_length(&self, sequence: Sequence) -> Option<u32> {
        self.outcomes.answer_length(self.modelled(sequence))
    }

    fn forget(&mut self, sequence: Sequence) -> u32 {
        self.real.forget(sequence)
    }

    fn find(&mut self, sequence: Sequence, tokens: u32) {
        self.real.find(sequence, tokens);
    }

    fn close(&mut self, sequence: Sequence) {
        self.real.close(sequence);
        self.outcomes.close(self.modelled(sequence));
    }

    fn open_sequences(&self) -> usize {
        self.real.open_sequences()
    }
}
