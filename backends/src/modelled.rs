//! The backend of simulations: durations by the roofline or measured laws, outcomes by the token process.
//!
//! Token ids are synthetic. The target's token at position p of an answer is 2 p; a draft that disagrees is 2 p + 1. So
//! the cloud's backend compares ids, as a real one does, and needs to know nothing of the edge's.

mod state;

use crate::pricing::Reading;
use crate::{Compute, Coverage, Done, Pricing, Sequence, Tier, Work, profile::Meter};
use kernel::{Numbered, Streams};
use model::{
    decoding::{Draft, Token},
    load::{Cost, Load},
    request::{Input, Request},
    step::{Step, StepKind},
    tokens::{TokenOutcome, TokenProcess},
};
use state::{Encoding, State};
use units::{Flops, SimDuration};

/// See the module.
pub struct Modelled {
    pricing: Pricing,
    process: TokenProcess,
    streams: Streams,
    sequences: Numbered<State>,
    /// The counter of iterations, for a tier with measured laws.
    meter: Option<Meter>,
}

/// The kind of step that work is, as laws and `steps.parquet` have it.
fn kind_of(work: &Work<'_>) -> StepKind {
    match work {
        Work::Probe => StepKind::Probe,
        Work::Encode => StepKind::Encode,
        Work::Prefill { .. } => StepKind::Prefill,
        Work::Decode | Work::Own => StepKind::Decode,
        Work::Draft | Work::Expand { .. } => StepKind::Draft,
        Work::Judge { .. } | Work::Check { .. } => StepKind::Verify,
        Work::Verify { .. } | Work::Pass | Work::Piece { .. } => StepKind::Verify,
    }
}

impl Modelled {
    /// A backend for one tier of a run.
    pub fn new(tier: &Tier, process: TokenProcess, streams: Streams) -> Self {
        let meter = tier.profile.as_ref().map(|profile| Meter::new(profile, streams));
        Self { pricing: Pricing::new(tier), process, streams, sequences: Numbered::default(), meter }
    }

    #[inline]
    fn state(&mut self, sequence: Sequence) -> &mut State {
        self.sequences.get_mut(sequence)
    }

    /// Runs one item: what it adds to the batch and what comes of it.
    #[inline]
    fn item(&mut self, sequence: Sequence, work: &Work<'_>) -> (Load, Done) {
        match work {
            Work::Probe => {
                let flop = self.state(sequence).encoding.probe;
                (self.pricing.probe_load(flop), Done::Nothing)
            }
            Work::Encode => (Load::vision(self.state(sequence).encoding.encode), Done::Nothing),
            Work::Prefill { tokens, pictures, answer } => self.prefill(sequence, *tokens, *pictures, *answer),
            Work::Decode => self.decode(sequence),
            Work::Pass => {
                let state = self.state(sequence);
                let lost = state.again.take();
                let mut load = Pricing::pass_load(state.context(), false, 0);
                load.add(&lost.map_or(Load::NONE, |read| state.rest(read)));
                (load, Done::Nothing)
            }
            Work::Piece { tokens } => {
                let load = self.state(sequence).piece(*tokens);
                (self.pricing.on_layers(load), Done::Nothing)
            }
            Work::Draft => self.draft(sequence),
            Work::Own => {
                let (load, Done::Draft(draft)) = self.draft(sequence) else {
                    unreachable!("a draft step makes a draft")
                };
                let ends = draft.position + 1 == self.state(sequence).output_tokens;
                (load, Done::Draft(Draft { token: Token { ends, ..draft.token }, ..draft }))
            }
            Work::Verify { drafts, judged: true, bonus } => self.verify(sequence, drafts, 0, *bonus),
            Work::Check { drafts, stand } => self.verify(sequence, drafts, *stand, true),
            Work::Verify { drafts, .. } => self.take(sequence, drafts),
            Work::Expand { nodes, depth } => (self.state(sequence).level(*nodes, *depth), Done::Nothing),
            Work::Judge { drafts, parents } => self.judge(sequence, drafts, parents),
        }
    }

    /// Runs a batch whose duration measured laws give.
    fn run_measured<'w>(&mut self, batch: impl Iterator<Item = (Sequence, Work<'w>)>, done: &mut Vec<Done>) -> Cost {
        let mut steps = [Step::NONE; StepKind::ALL.len()];
        for (sequence, work) in batch {
            let (item, outcome) = self.item(sequence, &work);
            steps[kind_of(&work) as usize].add(&self.pricing.seen(item));
            done.push(outcome);
        }
        let mut whole = Load::NONE;
        steps.iter().filter(|step| step.items > 0).for_each(|step| whole.add(&step.load));
        let roofline = self.pricing.roofline().iteration(&whole);
        let measured = match (&mut self.meter, self.pricing.profile()) {
            (Some(meter), Some(profile)) => meter.price(profile, &steps),
            _ => None,
        };
        Cost { duration: measured.unwrap_or(roofline.duration), ..roofline }
    }

    fn prefill(&mut self, sequence: Sequence, tokens: u32, pictures: u32, answer: bool) -> (Load, Done) {
        let Self { pricing, sequences, .. } = self;
        let state = sequences.get_mut(sequence);
        let (before, all) = match state.again {
            None => (state.read, state.prompt),
            Some(read) => (read, state.prompt + state.answer),
        };
        let after = before + tokens;
        assert!(after <= all, "sequence {sequence} has no {tokens} tokens left to read");
        let last = after == all;
        let mut load = pricing.prompt_load(u64::from(tokens), u64::from(before), last);
        if state.again.is_none() {
            state.read = after;
        } else {
            state.again = (!last).then_some(after);
        }
        if before == 0 && state.answer == 0 {
            load.add(&Load::vision(state.encoding.sound));
        }
        if pictures > 0 {
            load.add(&Load::vision(state.encoding.picture * f64::from(pictures)));
        }
        let makes = last && answer && pricing.makes_tokens();
        (load, if makes { Done::Token(state.append()) } else { Done::Nothing })
    }

    fn decode(&mut self, sequence: Sequence) -> (Load, Done) {
        let Self { pricing, sequences, .. } = self;
        let state = sequences.get_mut(sequence);
        let makes = pricing.makes_tokens();
        let lost = state.again.take();
        let mut load = match (makes, state.knows_next()) {
            (true, true) => Load::NONE,
            (true, false) => pricing.token_load(state.context().saturating_sub(1)),
            // The lower part of a model reads a token that the upper part has made.
            (false, _) => pricing.token_load(state.context()),
        };
        if let Some(read) = lost {
            load.add(&pricing.on_layers(state.rest(read)));
        }
        let token = state.append();
        (load, if makes { Done::Token(token) } else { Done::Nothing })
    }

    #[inline]
    fn draft(&mut self, sequence: Sequence) -> (Load, Done) {
        let Self { process, sequences, .. } = self;
        let state = sequences.get_mut(sequence);
        let draft = state.draft(process, state.answer);
        let load = state.pass(0);
        state.answer += 1;
        (load, Done::Draft(draft))
    }

    #[inline]
    fn verify(&mut self, sequence: Sequence, drafts: &[Token], stand: usize, bonus: bool) -> (Load, Done) {
        let state = self.state(sequence);
        let load = state.pass(drafts.len());
        let stands = state.answer + stand as u32;
        let agree = |(draft, position): &(&Token, u32)| *position < stands || draft.id == state.target(*position).id;
        // What is drafted behind the end of the answer agrees with nothing.
        let accepted = drafts.iter().zip(state.answer..state.output_tokens).take_while(agree).count();
        let rejects = accepted < drafts.len();
        state.answer += accepted as u32;
        let adds = (rejects || bonus) && state.answer < state.output_tokens;
        let token = adds.then(|| state.append());
        let ends = state.answer == state.output_tokens;
        (load, Done::Verified { accepted: accepted as u32, token, ends })
    }

    fn judge(&mut self, sequence: Sequence, drafts: &[Token], parents: &[Option<u16>]) -> (Load, Done) {
        let state = self.state(sequence);
        let load = state.pass(drafts.len());
        let (mut last, mut accepted) = (None, 0);
        while state.answer < state.output_tokens {
            let wanted = state.target(state.answer).id;
            let agrees = |place: &usize| parents[*place] == last && drafts[*place].id == wanted;
            let Some(place) = (0..drafts.len()).find(agrees) else { break };
            (last, accepted) = (Some(place as u16), accepted + 1);
            state.answer += 1;
        }
        let token = (state.answer < state.output_tokens).then(|| state.append());
        let ends = state.answer == state.output_tokens;
        (load, Done::Judged { accepted, last, token, ends })
    }

    /// Takes tokens as they are and makes the next one. What a real model would write behind tokens that are not its own is
    /// not known: it keeps to its own answer here.
    fn take(&mut self, sequence: Sequence, tokens: &[Token]) -> (Load, Done) {
        let state = self.state(sequence);
        let load = state.pass(tokens.len());
        state.answer += tokens.len() as u32;
        let token = (state.answer < state.output_tokens).then(|| state.append());
        let ends = state.answer == state.output_tokens;
        (load, Done::Verified { accepted: tokens.len() as u32, token, ends })
    }
}

impl Compute for Modelled {
    const TREES: bool = true;

    fn open(&mut self, request: &Request, input: &Input) -> Sequence {
        let Self { pricing, .. } = self;
        let Reading { tokens, sound, picture } = pricing.reading(input);
        let prompt = u32::try_from(tokens).expect("a prompt of fewer than 2^32 tokens");
        let encoded = input.prompt.images.is_some_and(|images| images.encoded);
        let state = State {
            tokens: self.process.request(self.streams, request.prompt.request, request.output_tokens),
            output_tokens: request.output_tokens,
            prompt,
            read: 0,
            answer: 0,
            again: None,
            ahead: 0,
            encoding: Box::new(Encoding {
                sound,
                picture,
                probe: pricing.probe_flop(&input.prompt),
                encode: if encoded { pricing.encode_flop(&input.prompt) } else { Flops::ZERO },
            }),
        };
        self.sequences.insert(state)
    }

    fn prompt_tokens(&self, sequence: Sequence) -> u32 {
        self.sequences.get(sequence).prompt
    }

    fn answer_tokens(&self, sequence: Sequence) -> u32 {
        self.sequences.get(sequence).answer
    }

    fn context(&self, sequence: Sequence) -> u64 {
        self.sequences.get(sequence).context()
    }

    fn unread_tokens(&self, sequence: Sequence) -> u32 {
        let state = self.sequences.get(sequence);
        state.again.map_or(state.prompt - state.read, |read| state.passed().saturating_sub(read))
    }

    #[inline]
    fn run<'w>(&mut self, batch: impl Iterator<Item = (Sequence, Work<'w>)>, done: &mut Vec<Done>) -> Cost {
        if self.meter.is_some() {
            return self.run_measured(batch, done);
        }
        let (mut load, mut decoding, mut context) = (Load::NONE, 0, 0);
        let is_whole = self.pricing.is_whole();
        for (sequence, work) in batch {
            // Most items of a large batch are plain tokens, whose loads are worked out together.
            if is_whole
                && matches!(work, Work::Decode)
                && let Some(behind) = self.state(sequence).plain_context()
            {
                (decoding, context) = (decoding + 1, context + behind);
                done.push(Done::Token(self.state(sequence).append()));
                continue;
            }
            let (item, outcome) = self.item(sequence, &work);
            load.add(&self.pricing.seen(item));
            done.push(outcome);
        }
        load.add(&Load::decode_many(decoding, context));
        self.pricing.roofline().iteration(&load)
    }

    #[inline]
    fn known(&mut self, sequence: Sequence, work: &Work<'_>) -> Option<Done> {
        let known = self.state(sequence).knows_next() && work.wants_one_token() && self.pricing.makes_tokens();
        known.then(|| self.item(sequence, work).1)
    }

    #[inline]
    fn look_ahead(&self, sequence: Sequence, work: &Work<'_>, mut step: impl FnMut(Cost, Done) -> bool) -> bool {
        let state = self.sequences.get(sequence);
        // The counter of measured steps gives each its noise, and something has to be read again in the others' first.
        let is_plain = self.meter.is_none() && !state.knows_next() && state.again.is_none() && state.ahead == 0;
        if !is_plain || !self.pricing.makes_tokens() {
            return false;
        }
        for (position, context) in (state.answer..).zip(state.context()..) {
            let (load, done) = match work {
                Work::Draft => {
                    (Pricing::pass_load(context, false, 0), Done::Draft(state.draft(&self.process, position)))
                }
                Work::Decode => {
                    (self.pricing.token_load(context.saturating_sub(1)), Done::Token(state.target(position)))
                }
                _ => return false,
            };
            if !step(self.pricing.roofline().iteration(&self.pricing.seen(load)), done) {
                break;
            }
        }
        true
    }

    #[inline]
    fn take_steps(&mut self, sequence: Sequence, steps: u32) {
        self.state(sequence).answer += steps;
    }

    fn coverage(&self) -> Option<Coverage> {
        self.meter.as_ref().map(|meter| meter.coverage)
    }

    #[inline]
    fn truncate(&mut self, sequence: Sequence, answer_tokens: u32) {
        let state = self.state(sequence);
        state.answer = state.answer.min(answer_tokens);
        if let Some(read) = &mut state.again {
            *read = (*read).min((state.prompt + state.answer).saturating_sub(u32::from(state.answer > 0)));
        }
    }

    #[inline]
    fn adopt(&mut self, sequence: Sequence, _: Token) {
        self.state(sequence).answer += 1;
    }

    fn preprocess(&mut self, request: &Request) -> Option<SimDuration> {
        let profile = self.pricing.profile()?;
        let noise = self.streams.keyed("noise/preprocess", request.prompt.request);
        profile.preprocess(self.pricing.visual_tokens(&Input::whole(request.prompt)), noise)
    }

    fn candidates(&mut self, sequence: Sequence, path: &[Token], most: u32) -> Vec<Draft> {
        let Self { process, sequences, .. } = self;
        let state = sequences.get(sequence);
        let is_right = path.iter().zip(state.answer..).all(|(token, at)| token.id == state.target(at).id);
        let position = state.answer + path.len() as u32;
        let TokenOutcome { entropy_nats, .. } = process.outcome(&state.tokens, position);
        let rank = process.rank(&state.tokens, position);
        let target = state.target(position);
        // Ids of tokens that are not the target's are odd, and each candidate has its own. An answer of other tokens is as long.
        let other = |place: u32| Token { id: 2 * (position + (place << 16)) + 1, ends: target.ends };
        let token = |place: u32| if is_right && place == rank { target } else { other(place) };
        (0..most).map(|place| Draft { token: token(place), position, entropy_nats }).collect()
    }

    fn agrees(&self, _: Sequence, draft: &Draft) -> Option<bool> {
        Some(draft.token.id == 2 * draft.position)
    }

    fn is_behind(&self, sequence: Sequence) -> bool {
        self.pricing.makes_tokens() && self.sequences.get(sequence).answer > 0
    }

    fn answer_length(&self, sequence: Sequence) -> Option<u32> {
        Some(self.sequences.get(sequence).output_tokens)
    }

    fn forget(&mut self, sequence: Sequence) -> u32 {
        let state = self.state(sequence);
        state.ahead = 0;
        if state.read < state.prompt {
            return std::mem::take(&mut state.read);
        }
        state.again.replace(0).unwrap_or(state.passed())
    }

    fn find(&mut self, sequence: Sequence, tokens: u32) {
        let state = self.state(sequence);
        *state.again.as_mut().unwrap_or(&mut state.read) = tokens;
    }

    fn close(&mut self, sequence: Sequence) {
        self.sequences.remove(sequence);
    }

    fn open_sequences(&self) -> usize {
        self.sequences.len()
    }
}
