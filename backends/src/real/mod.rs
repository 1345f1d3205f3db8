//! The backend of replays: each step is executed by a real model, takes as long as it took, and makes the model's own tokens.
//!
//! One machine plays both tiers, one item at a time: a batch takes the sum of its items. Arithmetic, bytes and memory are
//! counted as those of modelled backends, from the model's dimensions; only time is measured ([`TimeScale`] scales it).
//!
//! A step passes on what the model has not read yet: the token made last, or nothing behind a prompt, whose last logits give
//! the first token of the answer. What fails is kept in [`Notes`]; from then on every answer ends at once, and whoever runs
//! this looks there.

mod calibration;
mod questions;
mod rehearsed;
mod replayed;
mod scale;
mod spec;
mod state;

pub use calibration::{calibration, recorded, warm_up};
pub use questions::{Answered, Notes, Questions};
pub use rehearsed::Rehearsed;
pub use replayed::Replayed;
pub use scale::TimeScale;
pub use spec::spec;

use crate::pruning::{Map, pruned};

use crate::{Compute, Done, Pricing, Probe, Sequence, Tier, Work};
use kernel::Numbered;
use model::{
    decoding::{Draft, Token},
    load::{Cost, Load},
    mas::Descriptors,
    modality::Modality,
    request::{Input, Request},
};
use onnx::{Model, OnnxError, Patches, Prompt, Result, timed};
use questions::first_words;
use state::State;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use units::{Ratio, SimDuration};

/// See the module.
pub struct Real<'m> {
    model: &'m Mutex<Model>,
    questions: &'m dyn Questions,
    notes: Rc<RefCell<Notes>>,
    pricing: Pricing,
    scale: TimeScale,
    probe: Probe,
    sequences: Numbered<State>,
    /// Pictures that were cut into patches lately.
    cut: VecDeque<(u64, Rc<Vec<Patches>>)>,
}

/// Requests whose patches are kept.
const CUT: usize = 8;

impl<'m> Real<'m> {
    /// A backend for one tier of a run; both tiers share `notes`. Others may run on the same model.
    pub fn new(
        tier: &Tier,
        model: &'m Mutex<Model>,
        questions: &'m dyn Questions,
        scale: TimeScale,
        probe: Probe,
        notes: Rc<RefCell<Notes>>,
    ) -> Self {
        let pricing = Pricing::new(tier);
        Self { model, questions, notes, pricing, scale, probe, sequences: Numbered::default(), cut: VecDeque::new() }
    }

    /// The sequence, which is open.
    fn state(&self, sequence: Sequence) -> &State {
        self.sequences.get(sequence)
    }

    fn state_mut(&mut self, sequence: Sequence) -> &mut State {
        self.sequences.get_mut(sequence)
    }

    /// The model, for one operation; other backends may have sequences of their own on it.
    fn model(&self) -> MutexGuard<'m, Model> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True if the sequence has read its prompt.
    fn has_read(&self, sequence: Sequence) -> bool {
        let state = self.state(sequence);
        state.read == state.prompt_tokens()
    }

    /// True if a step has failed.
    fn has_failed(&self) -> bool {
        self.notes.borrow().failed.is_some()
    }

    fn fail(&self, error: OnnxError) {
        self.notes.borrow_mut().failed.get_or_insert(error);
    }

    /// The pictures of a request, cut into patches.
    fn patches(&mut self, request: u64) -> Result<Rc<Vec<Patches>>> {
        if let Some((_, patches)) = self.cut.iter().find(|(known, _)| *known == request) {
            return Ok(patches.clone());
        }
        let pictures = self.questions.pictures(request)?;
        let model = self.model();
        let patches = pictures.iter().map(|picture| model.preprocessing().patches(picture));
        let patches = Rc::new(patches.collect::<Result<Vec<_>>>()?);
        self.cut.truncate(CUT - 1);
        self.cut.push_front((request, patches.clone()));
        Ok(patches)
    }

    /// The prompt of a request as a plan lets it through.
    fn prompt(&mut self, input: &Input) -> Result<Prompt> {
        let request = input.prompt.request;
        let patches = self.patches(request)?;
        let words = first_words(&self.questions.text(request), input.kept[Modality::Text].retention);
        let model = self.model();
        let rendered = model.text().rendered(patches.len(), &words)?;
        let prompt = model.prompt(&model.text().tokens(&rendered)?, patches.to_vec(), false)?;
        if input.is_whole() {
            return Ok(prompt);
        }
        let notes = self.notes.borrow();
        let maps = notes.importances.get(&request).cloned();
        let maps = maps.unwrap_or_else(|| vec![Map::even(); prompt.views.len()]);
        pruned(&model, &prompt, input, &maps)
    }

    /// Runs one item: what it counts for and what comes of it.
    fn item(&mut self, sequence: Sequence, work: &Work<'_>) -> Result<(Load, Done)> {
        let load = self.pricing.seen(self.load(sequence, work));
        let model = &mut *self.model();
        if let Work::Probe = work {
            return self.probe(sequence, model).map(|()| (load, Done::Nothing));
        }
        let state = self.state_mut(sequence);
        let done = match work {
            Work::Probe | Work::Encode => panic!("a real model runs its own vision tower alone"),
            Work::Prefill { tokens, answer, .. } => match state.read(model, *tokens)? {
                Some(choice) if *answer => Done::Token(state.append(choice.token)),
                _ => Done::Nothing,
            },
            Work::Decode => {
                let choice = state.next(model)?;
                Done::Token(state.append(choice.token))
            }
            Work::Pass => {
                state.pass(model, &[])?;
                Done::Nothing
            }
            // It passes with the rest of its batch, which takes the time of all.
            Work::Piece { .. } => Done::Nothing,
            Work::Draft | Work::Own => {
                let position = state.answer_tokens();
                let choice = state.next(model)?;
                let token = state.append(choice.token);
                Done::Draft(Draft { token, position, entropy_nats: choice.entropy as f32 })
            }
            Work::Verify { drafts, bonus, judged: true } => state.judge(model, drafts, 0, *bonus)?,
            Work::Check { drafts, stand } => state.judge(model, drafts, *stand, true)?,
            Work::Verify { drafts, .. } => state.take(model, drafts)?,
            Work::Expand { .. } | Work::Judge { .. } => panic!("a real model drafts and judges sequences alone"),
        };
        Ok((load, done))
    }

    /// The load of an item, whatever its measured time.
    fn load(&self, sequence: Sequence, work: &Work<'_>) -> Load {
        let (state, pricing) = (self.state(sequence), &self.pricing);
        let pass = |known, behind| Pricing::pass_load(state.context(), known, behind);
        let known = state.known().is_some();
        match work {
            Work::Probe => Load::vision(pricing.encoder_flop(state.patches())),
            Work::Encode | Work::Piece { .. } | Work::Expand { .. } | Work::Judge { .. } => Load::NONE,
            Work::Prefill { tokens, .. } => {
                let (read, last) = (state.read, state.read + *tokens == state.prompt_tokens());
                let mut load = pricing.prompt_load(u64::from(*tokens), u64::from(read), last);
                if read == 0 {
                    load.add(&Load::vision(pricing.encoder_flop(state.patches())));
                }
                load
            }
            Work::Pass => pass(false, 0),
            Work::Decode | Work::Draft | Work::Own | Work::Verify { .. } | Work::Check { .. } => {
                pass(known, work.drafts())
            }
        }
    }

    /// Runs the vision tower and finds out what matters; nothing is cached of it but the findings.
    fn probe(&mut self, sequence: Sequence, model: &mut Model) -> Result<()> {
        let state = self.state(sequence);
        let (request, moving) = (state.request, state.moving);
        let prompt = state.prompt.clone();
        let found = self.probe.run(model, &prompt, moving, Ratio::ZERO)?;
        self.notes.borrow_mut().importances.insert(request, found.maps.clone());
        self.state_mut(sequence).found = Some(found);
        Ok(())
    }

    /// Once something has failed: the shortest way to the end of a run.
    fn given_up(&mut self, sequence: Sequence, work: &Work<'_>) -> Done {
        let state = self.state_mut(sequence);
        let end = Token { id: 0, ends: true };
        let done = match work {
            Work::Probe | Work::Encode | Work::Pass | Work::Piece { .. } | Work::Expand { .. } => Done::Nothing,
            Work::Prefill { tokens, answer, .. } => {
                state.read = (state.read + *tokens).min(state.prompt_tokens());
                if *answer && state.read == state.prompt_tokens() { Done::Token(end) } else { Done::Nothing }
            }
            Work::Decode => Done::Token(end),
            Work::Draft | Work::Own => {
                Done::Draft(Draft { token: end, position: state.answer_tokens(), entropy_nats: 0.0 })
            }
            Work::Verify { .. } | Work::Check { .. } | Work::Judge { .. } => {
                Done::Verified { accepted: 0, token: Some(end), ends: true }
            }
        };
        if done != Done::Nothing {
            state.append(end.id);
        }
        done
    }
}

/// Measured time, scaled.
fn scaled(took: Duration, scale: f64) -> SimDuration {
    SimDuration::from_secs_f64(took.as_secs_f64() * scale)
}

impl Compute for Real<'_> {
    fn open(&mut self, request: &Request, input: &Input) -> Sequence {
        let prompt = if self.has_failed() { None } else { Some(self.prompt(input)) };
        let prompt = match prompt {
            Some(Ok(prompt)) => prompt,
            failed => {
                if let Some(Err(error)) = failed {
                    self.fail(error);
                }
                Prompt { ids: vec![0], images: Vec::new(), views: Vec::new() }
            }
        };
        let ends = self.model().folder().config.ends.clone();
        let state = State::new(&input.prompt, prompt, request.output_tokens, ends);
        self.sequences.insert(state)
    }

    fn prompt_tokens(&self, sequence: Sequence) -> u32 {
        self.state(sequence).prompt_tokens()
    }

    fn answer_tokens(&self, sequence: Sequence) -> u32 {
        self.state(sequence).answer_tokens()
    }

    fn context(&self, sequence: Sequence) -> u64 {
        self.state(sequence).context()
    }

    fn run<'w>(&mut self, batch: impl Iterator<Item = (Sequence, Work<'w>)>, done: &mut Vec<Done>) -> Cost {
        let mut sum = Cost::NONE;
        for (sequence, work) in batch {
            if self.has_failed() {
                done.push(self.given_up(sequence, &work));
                continue;
            }
            let (item, took) = timed(|| self.item(sequence, &work));
            let (load, outcome) = item.unwrap_or_else(|error| {
                self.fail(error);
                (Load::NONE, self.given_up(sequence, &work))
            });
            let cost = self.pricing.roofline().iteration(&load);
            sum.add(&Cost { duration: scaled(took, self.scale.of(&work)), ..cost });
            done.push(outcome);
        }
        sum
    }

    fn known(&mut self, sequence: Sequence, work: &Work<'_>) -> Option<Done> {
        if self.has_failed() || self.state(sequence).known().is_none() || !work.wants_one_token() {
            return None;
        }
        match self.item(sequence, work) {
            Ok((_, done)) => Some(done),
            Err(error) => {
                self.fail(error);
                Some(self.given_up(sequence, work))
            }
        }
    }

    fn truncate(&mut self, sequence: Sequence, answer_tokens: u32) {
        let model = self.model();
        self.state_mut(sequence).truncate(&model, answer_tokens);
    }

    fn adopt(&mut self, sequence: Sequence, token: Token) {
        self.state_mut(sequence).append(token.id);
    }

    fn preprocess(&mut self, request: &Request) -> Option<SimDuration> {
        if self.has_failed() {
            return None;
        }
        let (cut, took) = timed(|| self.patches(request.prompt.request));
        if let Err(error) = cut {
            self.fail(error);
        }
        let took = scaled(took, self.scale.preprocess);
        self.notes.borrow_mut().preprocessed.push((request.prompt.request, took));
        Some(took)
    }

    fn probed(&mut self, sequence: Sequence, tau_s: Ratio) -> Option<Descriptors> {
        let (found, request) = (self.state(sequence).found.as_ref()?.at(tau_s), self.state(sequence).request);
        self.notes.borrow_mut().probed.insert(request, found);
        Some(found)
    }

    fn grade(&mut self, sequence: Sequence) -> Option<f64> {
        if self.has_failed() {
            return None;
        }
        let (request, ids) = (self.state(sequence).request, self.state(sequence).answer().to_vec());
        let text = self.model().text().text(&ids);
        let text = match text {
            Ok(text) => text,
            Err(error) => {
                self.fail(error);
                return None;
            }
        };
        let score = self.questions.score(request, &text);
        let mut notes = self.notes.borrow_mut();
        notes.answers.push(Answered { request, ids, text, score });
        notes.importances.remove(&request);
        Some(score)
    }

    fn forget(&mut self, sequence: Sequence) -> u32 {
        self.state_mut(sequence).forget()
    }

    /// A model has no cache of other sequences' prefixes: it reads the tokens again, and nobody counts the time.
    fn find(&mut self, sequence: Sequence, tokens: u32) {
        if self.has_failed() {
            return;
        }
        let mut model = self.model();
        if let Err(error) = self.state_mut(sequence).read(&mut model, tokens).map(drop) {
            self.fail(error);
        }
    }

    fn close(&mut self, sequence: Sequence) {
        self.sequences.remove(sequence);
    }

    fn open_sequences(&self) -> usize {
        self.sequences.len()
    }
}
