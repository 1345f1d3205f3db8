//! Steps of a serving engine become iterations of its GPU.

use super::drafter;
use super::job::{Item, Job, Reading, Task};
use super::resources::Slot;
use super::state::State;
use super::world::World;
use crate::ledger::{Ledger, MemoryTally, SlotId};
use backends::{Compute, Done, Sequence};
use kernel::Numbered;
use serving::{Entry, Step, Work};

/// The requests in flight.
type Slots = Numbered<Slot>;

impl<'w, C: Compute> World<'w, C> {
    /// Puts the work of the next step into the iteration of a GPU.
    pub(super) fn pick_step(&self, state: &mut State<'w, C>, gpu: u32) {
        let on_edge = self.is_edge(gpu);
        let State { ledger: Ledger { slots, watch, .. }, gpus, computes, drafters, .. } = state;
        let (compute, drafter) = (&mut computes[self.tier(gpu)], &mut drafters[self.tier(gpu)]);
        let this = &mut gpus[gpu as usize];
        if this.repeats() {
            this.served.as_mut().expect("a serving engine").is_running = true;
            return;
        }
        this.running.clear();
        this.settled();
        let served = this.served.as_mut().expect("a serving engine");
        while this.running.is_empty() {
            if served.steps.is_empty() {
                served.form(&mut this.kv);
            }
            let Some(step) = served.steps.front() else { return };
            let sequence = |slots: &Slots, slot: SlotId| slots.get(slot.index).resources.sequence(on_edge);
            for slot in step.preempted.iter().filter_map(|id| served.owner(*id)) {
                let held = slots.get_mut(slot.index).resources.held(on_edge).as_ref();
                if let Some(job) = held.and_then(|held| held.engine.as_ref()?.job.as_ref())
                    && watch.is_on()
                {
                    Self::watch_preemption(watch, gpu, job);
                }
                let lost = compute.forget(sequence(slots, slot));
                drafter::forget(drafter.as_mut(), &mut slots.get_mut(slot.index).resources, on_edge);
                let tally = &mut slots.get_mut(slot.index).tally.memory;
                tally.preemptions += 1;
                tally.recomputed = tally.recomputed.saturating_add(lost);
            }
            for work in &step.work {
                // It may have ended since the step was formed.
                let Some(owner) = served.owner(work.id) else { continue };
                if work.entry != Entry::Running {
                    let sequence = sequence(slots, owner);
                    let tally = &mut slots.get_mut(owner.index).tally.memory;
                    let tokens = served.replica.sequence(work.id).map_or(0, serving::Sequence::tokens);
                    let looked_up = if served.replica.settings().prefix_cache { tokens } else { 0 };
                    find(work, compute, sequence, looked_up, tally);
                    let beside = slots.get(owner.index).resources.there(on_edge).beside.as_deref();
                    if work.computed > 0 {
                        let of = compute.prompt_tokens(sequence);
                        drafter::find(drafter.as_mut(), beside, work.computed, of);
                    }
                }
                let held = slots.get_mut(owner.index).resources.held(on_edge).as_ref();
                let job = held.and_then(|held| held.engine.as_ref()?.job).expect("the engine works on a job");
                let unread = || compute.unread_tokens(sequence(slots, owner));
                this.running.push(item(step, work, job, unread));
            }
            served.is_running = true;
            if this.running.is_empty() {
                served.end_step();
            }
        }
        served.form_ahead(&mut this.kv);
    }
}

/// Tokens that an admitted request has found in the cache need not be computed.
fn find<C: Compute>(work: &Work, compute: &mut C, sequence: Sequence, looked_up: u32, tally: &mut MemoryTally) {
    if work.computed > 0 {
        compute.find(sequence, work.computed);
    }
    if work.entry == Entry::Resumed {
        tally.recomputed = tally.recomputed.saturating_sub(work.computed);
    } else {
        tally.looked_up += u64::from(looked_up);
        tally.cached = tally.cached.saturating_add(work.computed);
    }
}

/// The item of a piece of work. `unread` says how many tokens its sequence has to read before its task.
fn item(step: &Step, work: &Work, job: Job, unread: impl FnOnce() -> u32) -> Item {
    let is_part = match job.task {
        Task::Prefill { .. } => false,
        Task::Answer => work.entry != Entry::Running || !work.samples || work.tokens > 1,
        _ => !work.samples,
    };
    let unread = if is_part { unread() } else { 0 };
    let is_piece = is_part && !work.samples && unread < work.tokens;
    let is_read_again = is_part && !is_piece && (unread > 0 || work.entry != Entry::Running);
    let is_chunk = is_read_again || matches!(job.task, Task::Prefill { .. });
    let pictures = step.encodings.iter().filter(|encoding| encoding.id == work.id).count() as u32;
    let chunk = if is_chunk || is_piece { work.tokens } else { 1 };
    // The last chunk is the last, however much the prompt had.
    let task = match job.task {
        Task::Prefill { then, .. } => Task::Prefill { left: chunk, then },
        task => task,
    };
    let step_tokens = if matches!(job.task, Task::Verify { .. } | Task::Speculate { .. }) { work.tokens } else { 0 };
    let reading = Reading { is_chunk, is_piece, step_tokens, goes_on: !work.samples, pictures };
    Item { job: Job { task, ..job }, chunk, reading, done: Done::Nothing }
}
