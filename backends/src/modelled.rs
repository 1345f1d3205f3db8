//! The backend of simulations: durations by the roofline, outcomes by the token process.
//!
//! Token ids are synthetic. The target's token at position p of an answer is 2 p; a draft that disagrees is 2 p + 1. So
//! the cloud's backend compares ids, as a real one does, and needs to know nothing of the edge's.

use crate::pricing::{each_picture, prompt_tokens, vision_flop};
use crate::{Compute, Done, Sequence, Work};
use kernel::Streams;
use model::{
    decoding::{Draft, Token},
    device::Device,
    engine_kind::EngineProfile,
    model_spec::ModelSpec,
    request::{Input, Request},
    roofline::{Cost, Load, Roofline},
    tokens::{RequestTokens, TokenProcess},
    vision::VisionTower,
};
use units::{Flops, Ratio};

/// A model on a device, with what a simulation assumes of it.
#[derive(Clone, Debug)]
pub struct Tier {
    /// The device.
    pub device: Device,
    /// The model that it serves.
    pub model: ModelSpec,
    /// The engine that serves it.
    pub engine: EngineProfile,
    /// The share of another model's layers, counted from below, that the device runs besides, for a layer split; on
    /// the cloud, what is left of its own.
    pub split: Option<(ModelSpec, EngineProfile, Ratio)>,
    /// Layers of the vision tower that the probe runs.
    pub probe_blocks: u64,
}

/// See the module.
pub struct Modelled {
    main: Roofline,
    split: Option<(Roofline, Option<VisionTower>, Ratio)>,
    tower: Option<VisionTower>,
    probe_blocks: u64,
    process: TokenProcess,
    streams: Streams,
    sequences: Vec<Option<State>>,
    free: Vec<Sequence>,
}

/// A sequence.
#[derive(Clone, Copy)]
struct State {
    tokens: RequestTokens,
    output_tokens: u32,
    prompt: u32,
    /// Tokens of the prompt that have been read.
    read: u32,
    answer: u32,
    vision: Flops,
    probe: Flops,
    split_prompt: u32,
    split_vision: Flops,
}

impl State {
    fn context(&self) -> u64 {
        u64::from(self.read) + u64::from(self.answer)
    }

    /// Appends the target's next token.
    fn append(&mut self) -> Token {
        self.answer += 1;
        self.target(self.answer - 1)
    }

    /// The target's token at a position.
    fn target(&self, position: u32) -> Token {
        Token { id: 2 * position, ends: position + 1 == self.output_tokens }
    }
}

#[inline]
fn open_state(sequences: &mut [Option<State>], sequence: Sequence) -> &mut State {
    let state = sequences.get_mut(sequence as usize).and_then(Option::as_mut);
    state.unwrap_or_else(|| panic!("sequence {sequence} is not open"))
}

impl Modelled {
    /// A backend for one tier of a run.
    pub fn new(tier: &Tier, process: TokenProcess, streams: Streams) -> Self {
        let split = tier
            .split
            .as_ref()
            .map(|(model, engine, share)| (Roofline::new(&tier.device, model, engine), model.vision.clone(), *share));
        Self {
            main: Roofline::new(&tier.device, &tier.model, &tier.engine),
            split,
            tower: tier.model.vision.clone(),
            probe_blocks: tier.probe_blocks,
            process,
            streams,
            sequences: Vec::new(),
            free: Vec::new(),
        }
    }

    #[inline]
    fn state(&mut self, sequence: Sequence) -> &mut State {
        open_state(&mut self.sequences, sequence)
    }

    /// Runs one item: what it adds to the batch and what comes of it.
    #[inline]
    fn item(&mut self, sequence: Sequence, work: &Work<'_>) -> (Load, Done) {
        match work {
            Work::Probe => (Load::vision(self.state(sequence).probe), Done::Nothing),
            Work::Prefill { tokens, answer } => self.prefill(sequence, *tokens, *answer),
            Work::Decode => {
                let state = self.state(sequence);
                (Load::decode(state.context()), Done::Token(state.append()))
            }
            Work::Draft => self.draft(sequence),
            Work::Verify { drafts, bonus } => self.verify(sequence, drafts, *bonus),
            Work::LowerLayers => (self.split_pass(sequence, false), Done::Nothing),
            Work::UpperLayers => {
                let load = self.split_pass(sequence, true);
                let state = self.state(sequence);
                state.read = state.split_prompt;
                (load, Done::Token(state.append()))
            }
        }
    }

    fn prefill(&mut self, sequence: Sequence, tokens: u32, answer: bool) -> (Load, Done) {
        let state = self.state(sequence);
        let mut load = Load::prefill_chunk(u64::from(tokens), u64::from(state.read));
        if state.read == 0 {
            load.add(&Load::vision(state.vision));
        }
        state.read += tokens;
        assert!(state.read <= state.prompt, "sequence {sequence} has no {tokens} tokens left to read");
        if state.read < state.prompt {
            return (load, Done::Nothing);
        }
        (load.with_head(), if answer { Done::Token(state.append()) } else { Done::Nothing })
    }

    #[inline]
    fn draft(&mut self, sequence: Sequence) -> (Load, Done) {
        let Self { process, sequences, .. } = self;
        let state = open_state(sequences, sequence);
        let position = state.answer;
        let outcome = process.outcome(&state.tokens, position);
        let target = state.target(position);
        let token = if outcome.agrees { target } else { Token { id: target.id + 1, ends: false } };
        let load = Load::decode(state.context());
        state.answer += 1;
        (load, Done::Draft(Draft { token, position, entropy_nats: outcome.entropy_nats }))
    }

    #[inline]
    fn verify(&mut self, sequence: Sequence, drafts: &[Token], bonus: bool) -> (Load, Done) {
        let state = self.state(sequence);
        let load = Load::verify(drafts.len() as u64 + 1, state.context());
        let agree = |(draft, position): &(&Token, u32)| draft.id == state.target(*position).id;
        // What is drafted behind the end of the answer agrees with nothing.
        let accepted = drafts.iter().zip(state.answer..state.output_tokens).take_while(agree).count();
        let rejects = accepted < drafts.len();
        state.answer += accepted as u32;
        if (rejects || bonus) && state.answer < state.output_tokens {
            state.answer += 1;
        }
        let ends = state.answer == state.output_tokens;
        (load, Done::Verified { accepted: accepted as u32, ends })
    }

    /// The load of one side of a layer split, over the prompt or over one token.
    fn split_pass(&mut self, sequence: Sequence, upper: bool) -> Load {
        let share = self.split.as_ref().expect("a tier of a layer split").2;
        let state = self.state(sequence);
        let first = if upper { state.read == 0 } else { state.answer == 0 };
        let mut load = if first {
            Load::prefill_chunk(u64::from(state.split_prompt), 0)
        } else {
            Load::decode(u64::from(state.split_prompt) + u64::from(state.answer))
        };
        load = load.on_layers(share);
        load.head_rows = u64::from(upper);
        if first && !upper {
            load.add(&Load::vision(state.split_vision));
        }
        if !upper {
            state.answer += 1;
        }
        load
    }
}

impl Compute for Modelled {
    fn open(&mut self, request: &Request, input: &Input) -> Sequence {
        let prompt = |tower| u32::try_from(prompt_tokens(tower, input)).expect("a prompt of fewer than 2^32 tokens");
        let tower = self.tower.as_ref();
        let split_tower = self.split.as_ref().and_then(|(_, tower, _)| tower.as_ref());
        let state = State {
            tokens: self.process.request(self.streams, request.prompt.request),
            output_tokens: request.output_tokens,
            prompt: prompt(tower),
            read: 0,
            answer: 0,
            vision: vision_flop(tower, input),
            probe: each_picture(tower, input, |tower, whole| tower.blocks_flop(whole.patches, self.probe_blocks)),
            split_prompt: prompt(split_tower),
            split_vision: vision_flop(split_tower, input),
        };
        match self.free.pop() {
            Some(sequence) => {
                self.sequences[sequence as usize] = Some(state);
                sequence
            }
            None => {
                self.sequences.push(Some(state));
                self.sequences.len() as Sequence - 1
            }
        }
    }

    fn prompt_tokens(&self, sequence: Sequence) -> u32 {
        self.sequences[sequence as usize].as_ref().expect("an open sequence").prompt
    }

    fn answer_tokens(&self, sequence: Sequence) -> u32 {
        self.sequences[sequence as usize].as_ref().expect("an open sequence").answer
    }

    fn context(&self, sequence: Sequence) -> u64 {
        self.sequences[sequence as usize].as_ref().expect("an open sequence").context()
    }

    #[inline]
    fn run<'w>(&mut self, batch: impl Iterator<Item = (Sequence, Work<'w>)>, done: &mut Vec<Done>) -> Cost {
        let mut load = Load::NONE;
        let mut split = false;
        for (sequence, work) in batch {
            let (item, outcome) = self.item(sequence, &work);
            load.add(&item);
            done.push(outcome);
            split |= matches!(work, Work::LowerLayers | Work::UpperLayers);
        }
        match (&self.split, split) {
            (Some((roofline, ..)), true) => roofline.iteration(&load),
            _ => self.main.iteration(&load),
        }
    }

    fn set_answer(&mut self, sequence: Sequence, answer_tokens: u32) {
        self.state(sequence).answer = answer_tokens;
    }

    fn close(&mut self, sequence: Sequence) {
        let state = self.sequences.get_mut(sequence as usize).and_then(Option::take);
        assert!(state.is_some(), "sequence {sequence} is not open");
        self.free.push(sequence);
    }

    fn open_sequences(&self) -> usize {
        self.sequences.len() - self.free.len()
    }
}
