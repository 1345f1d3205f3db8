//! Sequences and their KV cache: who gets memory, and in what order.
//!
//! On each GPU memory is granted in the order in which it was asked for, and a request asks for the cloud's when it
//! sends its input, not when that arrives. So requests ask both tiers in one order, and two of them can never hold
//! what the other waits for, whatever overtakes what on the link. A sequence is granted its prompt and the longest
//! answer at once, so that it never has to be preempted.
//!
//! A serving engine hands out memory by itself, block by block (`served.rs`); nobody asks for it here.

use super::posts::Act;
use super::prompts;
use super::resources::{Held, Slot};
use super::routing::Change;
use super::served::InEngine;
use super::state::State;
use super::world::World;
use crate::ledger::{Ledger, SlotId};
use backends::{Compute, Sequence};
use model::{kv::KvSequence, request::Input};

impl<'w, C: Compute> World<'w, C> {
    /// Opens a request's sequence on its edge; returns the length of its prompt.
    pub(crate) fn open_on_edge(&self, state: &mut State<'w, C>, id: SlotId, input: &Input) -> u32 {
        let State { ledger: Ledger { slots, .. }, gpus, computes, requests, .. } = state;
        let slot = slots.get_mut(id.index);
        let tier = self.tier(slot.edge);
        let edge = &mut computes[tier];
        assert!(slot.resources.on_edge.is_none(), "a request has one sequence on its edge");
        let sequence = edge.open(&slot.about.request, input);
        let served = gpus[slot.edge as usize].served.is_some();
        let prompt = edge.prompt_tokens(sequence);
        let engine = served.then(|| self.of_class(slot, tier, prompt, input));
        slot.resources.on_edge = Some(Held::new(sequence, engine));
        requests.add(slot.edge);
        edge.prompt_tokens(sequence)
    }

    /// A request for the serving engine of a tier, with so many tokens of prompt and the priority of its class.
    fn of_class(&self, slot: &Slot, tier: usize, prompt: u32, input: &Input) -> InEngine {
        let priority = self.spec.workload.priority_of(slot.about.class);
        let request = prompts::request(slot, prompt, &self.prices[tier].pricing, input);
        InEngine::new(serving::Request { priority, ..request })
    }

    /// Gives a request a GPU of its pool, opens its sequence there, and asks for its memory.
    pub(crate) fn open_on_cloud(&self, state: &mut State<'w, C>, id: SlotId, input: &Input, awaits_input: bool) {
        if self.post_now(state, id, || Act::Open { input: Box::new(*input), awaits_input }) {
            state.ledger.slots.get_mut(id.index).about.serve_with(input);
            return;
        }
        let gpu = self.replica_for(state, id, input);
        let tier = self.tier(gpu);
        let work = self.expected_work(state, gpu, input);
        let slot = state.ledger.slots.get_mut(id.index);
        slot.about.serve_with(input);
        (slot.about.work, slot.about.was_sent) = (work, true);
        let edge = slot.edge;
        self.change_load(state, edge, gpu, Change::More(work));
        let slot = state.ledger.slots.get_mut(id.index);
        let sequence = state.computes[tier].open(&slot.about.request, input);
        let served = state.gpus[gpu as usize].served.is_some();
        let prompt = state.computes[tier].prompt_tokens(sequence);
        let engine = served.then(|| self.of_class(slot, tier, prompt, input));
        slot.resources.on_cloud = Some(Held::new(sequence, engine));
        slot.resources.cloud.gpu = Some(gpu);
        slot.resources.cloud.awaits_input = awaits_input.then(|| self.kernel.now());
        self.ask_for_memory(state, gpu, id);
    }

    /// The GPU and the sequence of a request in the cloud.
    pub(crate) fn on_cloud(&self, state: &State<'w, C>, id: SlotId) -> (u32, Sequence) {
        let slot = state.ledger.slots.get(id.index);
        (slot.resources.cloud.gpu.expect("a GPU"), slot.resources.on_cloud.as_ref().expect("a sequence").sequence)
    }

    /// Asks for the blocks of a request's sequence.
    pub(crate) fn ask_for_memory(&self, state: &mut State<'w, C>, gpu: u32, id: SlotId) {
        let this = &mut state.gpus[gpu as usize];
        if this.served.is_none() {
            this.asking.push_back(id);
            self.grant_memory(state, gpu);
        }
    }

    /// Grants blocks in order, as far as there are any.
    fn grant_memory(&self, state: &mut State<'w, C>, gpu: u32) {
        let on_edge = self.is_edge(gpu);
        let State { ledger: Ledger { slots, .. }, gpus, computes, .. } = state;
        let (this, compute) = (&mut gpus[gpu as usize], &computes[self.tier(gpu)]);
        while let Some(id) = this.asking.front() {
            let slot = slots.get_mut(id.index);
            let held = slot.resources.held(on_edge).as_mut().expect("who asks has a sequence");
            let prompt = u64::from(compute.prompt_tokens(held.sequence));
            held.kv = this.kv.allocate(prompt + self.spec.workload.reserved(&slot.about.request));
            if held.kv.is_none() {
                return;
            }
            this.asking.pop_front();
            if !this.prompts.is_empty() && this.server.poke() {
                self.schedule_batch(gpu);
            }
        }
    }

    /// Gives up a request's sequence on its edge.
    pub(crate) fn close_on_edge(&self, state: &mut State<'w, C>, id: SlotId) {
        let slot = state.ledger.slots.get_mut(id.index);
        let Some(held) = slot.resources.on_edge.take() else { return };
        let gpu = slot.edge;
        self.close_beside(state, gpu, &held);
        state.computes[self.tier(gpu)].close(held.sequence);
        if let Some(id) = held.engine.and_then(|engine| engine.id()) {
            self.leave(state, gpu, id);
        }
        state.requests.take(gpu);
        self.give_back(state, gpu, held.kv);
    }

    /// Gives up a request's sequence in the cloud, and what was still to be read of its prompt.
    pub(crate) fn close_on_cloud(&self, state: &mut State<'w, C>, id: SlotId) {
        let slot = state.ledger.slots.get_mut(id.index);
        let Some(held) = slot.resources.on_cloud.take() else { return };
        let (gpu, reading) =
            (slot.resources.cloud.gpu.expect("a sequence in the cloud has a GPU"), slot.resources.cloud.reading);
        let (edge, work, is_client) = (slot.edge, slot.about.work, slot.resources.cloud.ready);
        self.close_beside(state, gpu, &held);
        state.computes[self.tier(gpu)].close(held.sequence);
        if let Some(id) = held.engine.and_then(|engine| engine.id()) {
            self.leave(state, gpu, id);
        }
        if reading {
            state.gpus[gpu as usize].prompts.retain(|job| job.slot != id);
        }
        if held.kv.is_none() {
            state.gpus[gpu as usize].asking.retain(|asking| *asking != id);
            self.grant_memory(state, gpu);
        }
        self.change_load(state, edge, gpu, Change::Less(work));
        if is_client {
            self.count_client(state, gpu, false);
        }
        self.give_back(state, gpu, held.kv);
    }

    /// Gives blocks back to a GPU, and grants them to whoever asks first.
    fn give_back(&self, state: &mut State<'w, C>, gpu: u32, kv: Option<KvSequence>) {
        if let Some(kv) = kv {
            state.gpus[gpu as usize].kv.free(kv);
            self.grant_memory(state, gpu);
        }
    }
}
