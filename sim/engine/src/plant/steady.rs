//! Steps that are as the one before: each request of the batch gets its next token, and nobody comes or ends. Their items stay.
//!
//! The scheduler of a serving engine need not be asked about them, while nobody lacks memory either. It is told of all of them
//! together, before anybody looks at it or changes it.

use super::gpu::Gpu;
use super::job::{Item, Reading, Task};
use super::served::{Served, Steady};
use super::state::State;
use super::world::World;
use backends::{Compute, Done};
use model::kv::KvPool;

/// Finding out what is to come takes as long as a few steps.
const FEWEST: u32 = 4;

impl Served {
    /// Tells the scheduler of the steps that it does not know of, and of the one that runs. The next one is formed by it again.
    #[inline]
    pub(super) fn settle(&mut self, kv: &mut KvPool) {
        let Steady { left, untold } = std::mem::take(&mut self.steady);
        if left > 0 || untold > 0 {
            self.tell(untold, kv);
        }
    }

    #[cold]
    fn tell(&mut self, untold: u32, kv: &mut KvPool) {
        let told = self.replica.advance(self.steps.front_mut(), untold);
        assert_eq!(told.steps, untold, "the batch has not changed");
        self.note_use(kv);
        if self.is_running && self.steps.is_empty() {
            self.form(kv);
        }
        self.form_ahead(kv);
    }
}

impl Gpu {
    /// The scheduler of this GPU, which knows of all steps.
    #[inline]
    pub(super) fn settled(&mut self) -> Option<&mut Served> {
        let served = self.served.as_deref_mut()?;
        served.settle(&mut self.kv);
        Some(served)
    }

    /// True if the next step is as the last, whose items are still there.
    #[inline]
    pub(super) fn repeats(&self) -> bool {
        self.served.as_deref().is_some_and(|served| served.steady.left > 0)
    }

    /// True if the items of the step that has run are those of the next, unless more come. A scheduler is not told.
    fn keep(&mut self) -> bool {
        let queues_stay = self.kind.batches && self.streams.is_empty();
        let stays = self.served.as_deref().map_or(queues_stay, |served| served.steady.left > 0);
        let goes_on = stays && self.running.iter().all(is_token);
        if let Some(served) = self.served.as_deref_mut().filter(|_| goes_on) {
            (served.steady.left, served.steady.untold) = (served.steady.left - 1, served.steady.untold + 1);
            served.is_running = false;
        }
        goes_on
    }

    /// Looks how many of the next steps are as the one that is over. False if they are too few.
    fn foresee(&mut self) -> bool {
        let Some(served) = self.served.as_deref_mut() else { return false };
        if !self.prompts.is_empty() || !self.running.iter().all(is_token) {
            return false;
        }
        // An answer may end with the last of them.
        let steps = served.replica.steady_steps(served.steps.front()).saturating_sub(1);
        let next = || served.replica.at_work().map(|id| served.owner(id));
        if steps < FEWEST || !next().eq(self.running.iter().map(|item| Some(item.job.slot))) {
            return false;
        }
        served.steady.left = steps;
        true
    }
}

/// True of an item that has made a token of an answer that goes on, and has done nothing else.
fn is_token(item: &Item) -> bool {
    let goes_on = |done: &Done| matches!(done, Done::Token(token) if !token.ends);
    matches!(item.job.task, Task::Answer) && goes_on(&item.done) && item.reading == Reading::default()
}

impl<'w, C: Compute> World<'w, C> {
    /// Ends a step after which the batch stays. False if it may not.
    #[inline]
    pub(super) fn end_steady_step(&self, state: &mut State<'w, C>, gpu: u32) -> bool {
        if !self.may_repeat(state, gpu) || !state.gpus[gpu as usize].keep() {
            return false;
        }
        self.end_service(state, gpu);
        for place in 0..state.gpus[gpu as usize].running.len() {
            let slot = state.gpus[gpu as usize].running[place].job.slot;
            self.emit(state, gpu, slot, 1, false);
        }
        true
    }

    /// Takes the items of an iteration that is over out, unless the next ones are the same.
    #[inline]
    pub(super) fn clear_unless_steady(&self, state: &mut State<'w, C>, gpu: u32) {
        let may_repeat = self.may_repeat(state, gpu);
        let this = &mut state.gpus[gpu as usize];
        // One request on an edge has a stretch of its own.
        let has_stretch = self.is_edge(gpu) && this.running.len() < 2;
        if !may_repeat || has_stretch || !this.foresee() {
            this.running.clear();
        }
    }

    /// True if steps of a GPU may be as the one before: nothing runs beside them, and no request leaves in the middle.
    #[inline]
    fn may_repeat(&self, state: &State<'w, C>, gpu: u32) -> bool {
        self.spec.looks_ahead() && state.drafters[self.tier(gpu)].is_none() && self.ranks(gpu).len() == 1
    }
}
