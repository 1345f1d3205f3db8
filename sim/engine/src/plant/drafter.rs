//! A small model that drafts beside the model of a GPU, as vLLM runs one.
//!
//! In every iteration the GPU's own model reads prompts and verifies drafts. Then the small one reads as much of those prompts, and
//! drafts for every answer that goes on, a pass a token, all requests together. The iteration takes as long as both.

use super::beside::Beside;
use super::job::{Item, Task};
use super::posts::Act;
use super::resources::{Held, Resources};
use super::state::State;
use super::world::World;
use crate::ledger::{Ledger, SlotId, TokenRecord};
use backends::{Compute, Done, Sequence, Work};
use model::{
    decoding::{Draft, Token},
    load::Cost,
    request::Input,
};

/// A request that the small model works on in an iteration.
struct Along {
    slot: SlotId,
    sequence: Sequence,
    /// The part of its prompt that is read.
    reads: Option<Work<'static>>,
    /// The token that the GPU's own model has made behind the prompt.
    behind: Option<Token>,
    /// The answer goes on, and drafts are made for it.
    drafts: bool,
}

impl<'w, C: Compute> World<'w, C> {
    /// Opens the sequence of the small model beside a request's own.
    pub(crate) fn open_beside(&self, state: &mut State<'w, C>, id: SlotId, on_edge: bool, input: &Input, n_draft: u32) {
        if !on_edge && self.post_now(state, id, || Act::OpenBeside { input: Box::new(*input), n_draft }) {
            return;
        }
        let slot = state.ledger.slots.get_mut(id.index);
        let gpu = if on_edge { slot.edge } else { slot.resources.cloud.gpu.expect("a GPU") };
        let drafter = state.drafters[self.tier(gpu)].as_mut().expect("a policy that drafts beside has its model");
        let sequence = drafter.open(&slot.about.request, input);
        let held = slot.resources.held(on_edge).as_mut().expect("a sequence");
        let (drafts, tokens) = Default::default();
        held.beside = Some(Box::new(Beside { sequence, n_draft, drafts, tokens }));
    }

    /// Closes the sequence of the small model beside a request's own, if there is one.
    pub(crate) fn close_beside(&self, state: &mut State<'w, C>, gpu: u32, held: &Held) {
        if let Some((beside, drafter)) = held.beside.as_ref().zip(state.drafters[self.tier(gpu)].as_mut()) {
            drafter.close(beside.sequence);
        }
    }

    /// Lets the small model of a GPU keep up with the iteration that its own has just run, and draft for the next.
    pub(super) fn run_beside(&self, state: &mut State<'w, C>, gpu: u32) -> Cost {
        let (tier, on_edge) = (self.tier(gpu), self.is_edge(gpu));
        let State { ledger, gpus, computes, drafters, .. } = state;
        let Some(drafter) = &mut drafters[tier] else { return Cost::NONE };
        let items = gpus[gpu as usize].running.iter();
        let along: Vec<Along> =
            items.filter_map(|item| keep_up(ledger, &computes[tier], drafter, on_edge, item)).collect();
        let (mut cost, mut done) = (Cost::NONE, Vec::new());
        if along.iter().any(|one| one.reads.is_some()) {
            cost.add(&drafter.run(along.iter().filter_map(|one| Some((one.sequence, one.reads?))), &mut done));
        }
        for one in &along {
            one.behind.into_iter().for_each(|token| drafter.adopt(one.sequence, token));
        }
        let mut drafting: Vec<&Along> = along.iter().filter(|one| one.drafts).collect();
        while !drafting.is_empty() {
            done.clear();
            cost.add(&drafter.run(drafting.iter().map(|one| (one.sequence, Work::Draft)), &mut done));
            let mut made = done.iter();
            drafting.retain(|one| {
                let Some(Done::Draft(draft)) = made.next() else { unreachable!("a draft step makes drafts") };
                let slot = ledger.slots.get_mut(one.slot.index);
                slot.tally.drafted += 1;
                beside(&mut slot.resources, on_edge).expect("a drafted request").take(*draft)
            });
        }
        cost
    }
}

/// The part of a request that the small model of its edge or of its GPU in the cloud has.
pub(super) fn beside(resources: &mut Resources, on_edge: bool) -> Option<&mut Beside> {
    resources.held(on_edge).as_mut()?.beside.as_deref_mut()
}

/// Brings the small model's part of an item to where the GPU's own model is, but for what it has to run for that.
fn keep_up<C: Compute>(
    ledger: &mut Ledger<'_, Resources>,
    own: &C,
    drafter: &mut C,
    on_edge: bool,
    item: &Item,
) -> Option<Along> {
    let id = item.job.slot;
    let resources = &mut ledger.slots.get_mut(id.index).resources;
    let theirs = resources.sequence(on_edge);
    let beside = beside(resources, on_edge)?;
    let sequence = beside.sequence;
    let along = Along { slot: id, sequence, reads: None, behind: None, drafts: false };
    match (item.job.task, item.done) {
        (Task::Prefill { .. }, done) => {
            let behind = if let Done::Token(token) = done { Some(token) } else { None };
            let tokens = due(own, theirs, drafter, sequence, behind.is_some());
            let (pictures, answer) = (item.reading.pictures, false);
            let reads = (tokens > 0).then_some(Work::Prefill { tokens, pictures, answer });
            Some(Along { reads, behind, drafts: behind.is_some_and(|token| !token.ends), ..along })
        }
        (Task::Speculate { .. }, Done::Verified { accepted, token, ends }) => {
            let verified = std::mem::take(&mut beside.drafts);
            beside.tokens.clear();
            drafter.truncate(sequence, own.answer_tokens(theirs) - u32::from(token.is_some()));
            token.into_iter().for_each(|token| drafter.adopt(sequence, token));
            log(ledger, id, &verified, accepted);
            ledger.judge(id, accepted, verified.len() as u32);
            Some(Along { drafts: !ends, ..along })
        }
        _ => None,
    }
}

/// Tokens of its prompt that the small model reads in an iteration: as much of its own as the other has read of its.
fn due<C: Compute>(own: &C, theirs: Sequence, drafter: &C, sequence: Sequence, is_last: bool) -> u32 {
    let (all, of) = (drafter.prompt_tokens(sequence), own.prompt_tokens(theirs));
    let read = if is_last { all } else { likewise(all, own.context(theirs).min(u64::from(of)), of) };
    u64::from(read).saturating_sub(drafter.context(sequence)) as u32
}

/// The same part of `all` tokens as `part` is of `of`, rounded down: 150 of 500 where it is 300 of 1,000.
fn likewise(all: u32, part: u64, of: u32) -> u32 {
    (u64::from(all) * part / u64::from(of.max(1))) as u32
}

/// Writes the rows of drafts that have been judged, if a log is kept.
fn log(ledger: &mut Ledger<'_, Resources>, id: SlotId, drafts: &[Draft], accepted: u32) {
    if !ledger.wants_tokens {
        return;
    }
    let slot = ledger.slots.get_mut(id.index);
    let (request, edge, round) = (slot.about.request.prompt.request, slot.edge, slot.tally.logged);
    slot.tally.logged += 1;
    let row = |draft: &Draft| TokenRecord {
        request,
        edge,
        round,
        position: draft.position,
        entropy_nats: draft.entropy_nats,
        theta_nats: f32::INFINITY,
        accepted: false,
        verified: true,
    };
    let mut rows: Vec<TokenRecord> = drafts.iter().map(row).collect();
    ledger.write_log(&mut rows, Some(&|place| place < accepted as usize));
}

/// Lets the small model's part of a request go with its blocks, which both models share.
pub(super) fn forget<C: Compute>(drafter: Option<&mut C>, resources: &mut Resources, on_edge: bool) {
    if let Some((beside, drafter)) = beside(resources, on_edge).zip(drafter) {
        drafter.forget(beside.sequence);
    }
}

/// Lets the small model find as much of a request in the cache as the other has found, of so many tokens of its prompt.
pub(super) fn find<C: Compute>(drafter: Option<&mut C>, beside: Option<&Beside>, found: u32, of: u32) {
    let Some((Beside { sequence, .. }, drafter)) = beside.zip(drafter) else { return };
    let unread = drafter.unread_tokens(*sequence);
    let share = likewise(drafter.prompt_tokens(*sequence), u64::from(found), of);
    if unread > 0 {
        drafter.find(*sequence, unread.min(share));
    }
}

#[cfg(test)]
mod tests {
    use super::likewise;

    #[test]
    fn the_small_model_reads_and_finds_the_same_part() {
        assert_eq!(likewise(500, 300, 1000), 150);
        assert_eq!(likewise(500, 999, 1000), 499, "a token is whole");
        assert_eq!(likewise(500, 1000, 1000), 500);
        assert_eq!(likewise(500, 0, 0), 0, "of an empty prompt nothing");
    }
}
