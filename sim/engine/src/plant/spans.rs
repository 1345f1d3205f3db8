//! Spans of watched requests: their jobs, iterations and messages, and their time on the processor. The ledger's
//! `watch.rs` knows which requests are watched.

use super::job::{Item, Job, Task};
use super::link::Passage;
use super::message::{Body, Message};
use super::state::State;
use super::world::World;
use crate::ledger::{Kind, Lane, Ledger, Phase, SlotId, SpanRecord, Watch};
use backends::Compute;
use kernel::{Numbered, Service};
use units::{Bytes, SimDuration, SimTime};

/// The kind of a job as tables name it, and the tokens that go through the model.
pub(crate) fn describe(item: &Item, messages: &Numbered<Message>) -> (Kind, u32) {
    if item.reading.is_chunk {
        return (Kind::Prefill, item.chunk);
    }
    if item.reading.is_piece {
        return (Kind::Verify, item.chunk);
    }
    match item.job.task {
        Task::Probe { .. } => (Kind::Probe, 0),
        Task::Prefill { .. } => unreachable!("a prompt is read in chunks"),
        Task::Answer | Task::Own { .. } => (Kind::Decode, 1),
        Task::Encode { .. } => (Kind::Encode, 0),
        Task::Draft { .. } => (Kind::Draft, 1),
        Task::Expand { nodes, .. } => (Kind::Draft, nodes),
        Task::Verify { before: 1.., .. } => (Kind::Verify, 1),
        Task::Verify { message, .. } => {
            let drafts = messages.get(message).drafts();
            // Behind the prompt, whose last logits are known, they pass alone.
            let all = drafts.count() + u32::from(drafts.start > 0);
            (Kind::Verify, of_step(item.reading.step_tokens, all))
        }
        Task::Speculate { drafts } => {
            (Kind::Verify, if item.reading.step_tokens > 0 { item.reading.step_tokens } else { drafts + 1 })
        }
        Task::Lower { .. } => (Kind::LowerLayers, 1),
        Task::Upper { .. } => (Kind::UpperLayers, 1),
    }
}

/// The tokens of a job that a step took. A GPU without a serving engine says 0 and takes all of them.
fn of_step(step_tokens: u32, all: u32) -> u32 {
    if step_tokens > 0 { all.min(step_tokens) } else { all }
}

impl<'w, C: Compute> World<'w, C> {
    /// A job begins to wait for a GPU.
    #[cold]
    pub(crate) fn watch_job(&self, state: &mut State<'w, C>, gpu: u32, slot: SlotId) {
        let ticket = state.gpus[gpu as usize].next_ticket();
        state.ledger.watch.wait(slot, (gpu, ticket), self.kernel.now());
    }

    /// A request loses its blocks while its job waits for the next step.
    #[cold]
    pub(crate) fn watch_preemption(watch: &mut Watch, gpu: u32, job: &Job) {
        if let Some((_, phase)) = watch.waiting.get_mut(&(job.slot.generation, gpu, job.ticket)) {
            *phase = Phase::Preempted;
        }
    }

    /// An iteration begins: what waited for it, and what runs in it.
    #[cold]
    pub(crate) fn watch_iteration(&self, state: &mut State<'w, C>, gpu: u32, start: SimTime, duration: SimDuration) {
        let on_edge = self.is_edge(gpu);
        let (lane, unit) = if on_edge { (Lane::EdgeGpu, gpu) } else { (Lane::CloudGpu, gpu - self.edges()) };
        let State { ledger: Ledger { slots, recorder, watch, .. }, gpus, messages, computes, .. } = state;
        let (this, compute) = (&gpus[gpu as usize], &computes[self.tier(gpu)]);
        for item in &this.running {
            let Job { slot, ticket, task } = item.job;
            let Some(watched) = watch.live.get(&slot.generation) else { continue };
            let of = slots.get(slot.index);
            let resources = &of.resources;
            let held = if on_edge { &resources.on_edge } else { &resources.on_cloud };
            let (kind, tokens) = describe(item, messages);
            let running = SpanRecord {
                request: watched.request,
                edge: watched.edge,
                lane,
                unit,
                kind,
                phase: Phase::Running,
                round: match task {
                    Task::Draft { .. } | Task::Expand { .. } | Task::Own { .. } => watched.batches + 1,
                    Task::Verify { message, .. } => round(messages.get(message), of.committed.tokens),
                    Task::Lower { .. } | Task::Upper { .. } => of.committed.tokens + 1,
                    _ => 0,
                },
                tokens,
                context_tokens: compute.context(held.as_ref().expect("a sequence").sequence),
                bytes: Bytes::ZERO,
                batch: this.running.len() as u32,
                start,
                duration,
            };
            let place = (slot.generation, gpu, ticket);
            let since = watch.waiting.remove(&place).expect("who runs has waited");
            let (since, phase) = since;
            waited(&running, since, phase).iter().for_each(|span| recorder.span(span));
            recorder.span(&running);
            // What is not done with it waits again from its end on.
            let goes_on = matches!(task, Task::Prefill { .. } | Task::Answer | Task::Verify { before: 1.., .. });
            let goes_on = goes_on || matches!(task, Task::Speculate { .. });
            if goes_on || item.reading.goes_on {
                watch.waiting.insert(place, (start + duration, Phase::Queued));
            }
        }
    }

    /// A message's way over the link is known.
    #[cold]
    pub(crate) fn watch_message(&self, state: &mut State<'w, C>, message: u32, up: bool, passage: &Passage) {
        let State { ledger: Ledger { slots, recorder, watch, .. }, messages, .. } = state;
        let message = messages.get(message);
        let Some(watched) = watch.live.get(&message.slot.generation) else { return };
        let (kind, tokens, delay) = match &message.body {
            Body::Input { delay, .. } => (Kind::Input, 0, *delay),
            Body::Part { .. } => (if up { Kind::Input } else { Kind::Verdict }, 0, SimDuration::ZERO),
            Body::Ahead { tokens } => (Kind::Drafts, *tokens, SimDuration::ZERO),
            Body::Prompt => (Kind::Hidden, 0, SimDuration::ZERO),
            Body::Hidden { first, .. } if up => (Kind::Hidden, u32::from(!first), SimDuration::ZERO),
            Body::Hidden { .. } => (Kind::Token, 1, SimDuration::ZERO),
            Body::Tokens { count, .. } => (Kind::Token, *count, SimDuration::ZERO),
            Body::Drafts(drafts) if up => (Kind::Drafts, drafts.count(), SimDuration::ZERO),
            Body::Drafts(drafts) => {
                let verdict = drafts.verdict();
                (Kind::Verdict, verdict.accepted + u32::from(verdict.token.is_some()), SimDuration::ZERO)
            }
        };
        let sending = SpanRecord {
            request: watched.request,
            edge: watched.edge,
            lane: if up { Lane::Uplink } else { Lane::Downlink },
            unit: 0,
            kind,
            phase: Phase::Sending,
            round: round(message, slots.get(message.slot.index).committed.tokens),
            tokens,
            context_tokens: 0,
            bytes: message.wire,
            batch: 0,
            start: passage.started,
            duration: passage.left - passage.started,
        };
        let flying = passage.arrival.map(|arrival| {
            let duration = arrival + delay - passage.left;
            SpanRecord { phase: Phase::Flying, start: passage.left, duration, ..sending }
        });
        let waiting = waited(&sending, passage.since, passage.wait);
        waiting.iter().chain([&sending]).chain(&flying).for_each(|span| recorder.span(span));
    }

    /// A request gives up the link, which holds up its input.
    #[cold]
    pub(crate) fn watch_held_up(&self, state: &mut State<'w, C>, id: SlotId) {
        let Ledger { slots, recorder, watch, .. } = &mut state.ledger;
        let Some(watched) = watch.live.get(&id.generation) else { return };
        let since = slots.get(id.index).resources.cloud.awaits_input.expect("an input on its way");
        recorder.span(&SpanRecord {
            lane: Lane::Uplink,
            kind: Kind::Input,
            phase: Phase::Queued,
            start: since,
            duration: self.kernel.now() - since,
            ..SpanRecord::of(watched.request, watched.edge)
        });
    }

    /// A processor has been asked for some time.
    #[cold]
    pub(crate) fn watch_processor(
        &self,
        state: &mut State<'w, C>,
        id: SlotId,
        (lane, unit): (Lane, u32),
        kind: Kind,
        service: Service,
    ) {
        let Ledger { recorder, watch, .. } = &mut state.ledger;
        let Some(watched) = watch.live.get(&id.generation) else { return };
        let running = SpanRecord {
            lane,
            unit,
            kind,
            phase: Phase::Running,
            start: service.start,
            duration: service.end - service.start,
            ..SpanRecord::of(watched.request, watched.edge)
        };
        let waiting = waited(&running, self.kernel.now(), Phase::Queued);
        waiting.iter().chain([&running]).for_each(|span| recorder.span(span));
    }
}

/// The wait before a span, if there was one.
fn waited(span: &SpanRecord, since: SimTime, phase: Phase) -> Option<SpanRecord> {
    let wait = SpanRecord { phase, start: since, duration: span.start - since, ..*span };
    (wait.duration > SimDuration::ZERO).then_some(wait)
}

/// The round that a message belongs to: that of its batch of drafts, or of its token for hidden states.
fn round(message: &Message, committed: u32) -> u32 {
    match &message.body {
        Body::Drafts(drafts) => drafts.round,
        Body::Hidden { .. } => committed + 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::of_step;

    #[test]
    fn a_step_takes_what_it_has_room_for_of_a_job() {
        assert_eq!([of_step(3, 5), of_step(9, 5), of_step(0, 5)], [3, 5, 5]);
    }
}
