//! The work of a job: what the backend is asked for, in an iteration or without one.

use super::job::{Item, Job, Task, Then};
use super::message::Message;
use super::resources::Held;
use super::state::State;
use super::world::World;
use crate::ledger::{Ledger, SlotId};
use backends::{Compute, Done, Work};
use kernel::Numbered;

/// The work of an item.
#[inline]
pub(super) fn work_of<'m>(item: &Item, messages: &'m Numbered<Message>, held: &'m Held) -> Work<'m> {
    let Item { job: Job { task, .. }, chunk, reading, .. } = *item;
    if reading.is_piece {
        return Work::Piece { tokens: chunk };
    }
    if !reading.is_chunk {
        if let (Task::Speculate { .. }, Some(beside)) = (task, &held.beside) {
            return beside.work();
        }
        return work_of_task(task, messages);
    }
    let makes = |then| matches!(then, Then::Answer | Then::Speculate | Then::Return(_));
    let answer = matches!(task, Task::Answer) || matches!(task, Task::Prefill { then, .. } if makes(then));
    Work::Prefill { tokens: chunk, pictures: reading.pictures, answer }
}

/// The work of a task as a whole.
#[inline]
fn work_of_task(task: Task, messages: &Numbered<Message>) -> Work<'_> {
    match task {
        Task::Probe { .. } => Work::Probe,
        Task::Encode { .. } => Work::Encode,
        Task::Prefill { .. } => unreachable!("a prompt is read in chunks"),
        Task::Speculate { .. } => unreachable!("drafts of the model beside this one are its request's"),
        Task::Draft { .. } => Work::Draft,
        Task::Expand { nodes, depth, .. } => Work::Expand { nodes, depth },
        Task::Own { .. } => Work::Own,
        Task::Verify { before: 1.., .. } => Work::Pass,
        Task::Verify { message, .. } => {
            let drafts = messages.get(message).drafts();
            if let Some(tree) = &drafts.tree {
                return Work::Judge { drafts: drafts.tokens(), parents: &tree.parents };
            }
            if drafts.stand > 0 {
                return Work::Check { drafts: drafts.tokens(), stand: drafts.stand as usize };
            }
            Work::Verify { drafts: drafts.tokens(), bonus: drafts.bonus, judged: drafts.judged }
        }
        Task::Answer | Task::Lower { .. } | Task::Upper { .. } => Work::Decode,
    }
}

impl<'w, C: Compute> World<'w, C> {
    /// The outcome of a job that wants the first token of an answer where the prompt has been read: its last logits have it.
    #[inline]
    pub(super) fn known(&self, state: &mut State<'w, C>, gpu: u32, slot: SlotId, task: Task) -> Option<Done> {
        let on_edge = self.is_edge(gpu);
        let State { ledger: Ledger { slots, .. }, messages, computes, .. } = state;
        match task {
            Task::Draft { .. } | Task::Own { .. } | Task::Expand { depth: 0, .. } => {}
            // A later batch may wait behind the one that has the first token.
            Task::Verify { message, .. } if messages.get(message).drafts().start == 0 => {}
            _ => return None,
        }
        let compute = &mut computes[self.tier(gpu)];
        let sequence = slots.get(slot.index).resources.sequence(on_edge);
        compute.known(sequence, &work_of_task(task, messages))
    }
}
