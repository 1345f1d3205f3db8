//! Batches of drafts on their way to their verdicts.

use super::message::{Body, Content, Drafts, Shape};
use super::world::World;
use crate::ledger::{SlotId, TokenRecord};
use backends::Compute;
use kernel::{Wait, WaitIndex};
use model::decoding::{Draft, Verdict};
use policies::{Batch, Parents, Verification, Verify};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

impl<C: Compute> World<'_, C> {
    /// Sends a batch of a request up; the number of its message.
    pub(super) fn send_drafts(&self, id: SlotId, batch: &Batch<'_>, by: &Verify, wait: Option<WaitIndex>) -> u32 {
        let tree = match batch.parents {
            Parents::Tree(parents) if C::TREES && !batch.parents.are_a_sequence() => {
                batch.parents.check(batch.drafts.len()).unwrap_or_else(|broken| panic!("{broken}"));
                Some(Box::new(Shape { parents: parents.to_vec() }))
            }
            _ => None,
        };
        let sent = if tree.is_some() { batch.drafts } else { batch.as_sequence() };
        let payload = by.token_bytes * (sent.len() - batch.ahead) as u64 + batch.state;
        let state = &mut *self.state.borrow_mut();
        if batch.counts {
            state.ledger.slots.get_mut(id.index).tally.drafted += (sent.len() - batch.stand) as u32;
        }
        let drafts = Drafts {
            tree,
            content: Content::Tokens(sent.iter().map(|draft| draft.token).collect()),
            start: batch.start,
            bonus: batch.bonus,
            judged: batch.judged,
            stand: batch.stand as u32,
            one_by_one: by.one_by_one,
            off_the_link: by.off_the_link,
            epoch: state.ledger.slots.get(id.index).committed.epoch,
            round: state.ledger.watch.next_round(id),
            wait,
            abandoned: false,
            dropped: false,
        };
        self.send_up(state, id, payload, Body::Drafts(drafts))
    }

    /// Rows for the tokens of a batch, and for the one that was not sure enough, if a log is kept.
    pub(super) fn log(&self, id: SlotId, batch: &Batch<'_>) -> Vec<TokenRecord> {
        let state = &mut *self.state.borrow_mut();
        if !state.ledger.wants_tokens {
            return Vec::new();
        }
        let threshold = state.ledger.notes.take_threshold(id);
        let slot = state.ledger.slots.get_mut(id.index);
        // Not the verdicts so far: several batches may wait for theirs.
        let round = slot.tally.logged;
        slot.tally.logged += 1;
        let row = |draft: &Draft, verified| TokenRecord {
            request: slot.about.request.prompt.request,
            edge: slot.edge,
            round,
            position: draft.position,
            entropy_nats: draft.entropy_nats,
            theta_nats: threshold.nats,
            accepted: false,
            verified,
        };
        let judged = |(place, draft)| row(draft, batch.judged && place >= batch.stand);
        let drafts = batch.drafts.iter().enumerate().map(judged);
        drafts.chain(threshold.unsure.iter().map(|draft| row(draft, false))).collect()
    }
}

/// A batch on its way to its verdict. Dropping it gives the verdict up.
pub(crate) struct Flight<'w, C: Compute> {
    pub(super) world: &'w World<'w, C>,
    pub(super) message: u32,
    /// Taken when the verdict has been read.
    pub(super) wait: Option<Wait<'w>>,
}

impl<C: Compute> Verification for Flight<'_, C> {
    fn has_arrived(&self) -> bool {
        self.wait.as_ref().is_none_or(Wait::is_fired)
    }
}

impl<C: Compute> Future for Flight<'_, C> {
    type Output = Verdict;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Verdict> {
        let wait = self.wait.as_mut().expect("a verdict is read once");
        ready!(Pin::new(wait).poll(context));
        self.wait = None;
        let state = &mut *self.world.state.borrow_mut();
        let Body::Drafts(drafts) = state.messages.remove(self.message).body else { unreachable!("a verdict") };
        let verdict = drafts.verdict();
        let accepted = |place: usize| match &drafts.tree {
            Some(tree) => tree.is_on_the_path(verdict.last, place),
            None => place < (drafts.stand + verdict.accepted) as usize,
        };
        state.ledger.end_log(self.message, Some(&accepted));
        Poll::Ready(verdict)
    }
}

impl<C: Compute> Drop for Flight<'_, C> {
    fn drop(&mut self) {
        let Some(wait) = self.wait.take() else { return };
        let world = self.world;
        let state = &mut *world.state.borrow_mut();
        state.ledger.end_log(self.message, None);
        let Body::Drafts(drafts) = &mut state.messages.get_mut(self.message).body else { unreachable!("drafts") };
        if wait.is_fired() {
            state.messages.remove(self.message);
        } else if drafts.dropped {
            world.forget_drafts(state, self.message);
        } else {
            drafts.abandoned = true;
        }
    }
}
