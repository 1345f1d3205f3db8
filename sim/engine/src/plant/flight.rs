//! Batches of drafts on their way to their verdicts.

use super::message::Body;
use super::world::World;
use backends::Compute;
use kernel::Wait;
use model::decoding::Verdict;
use policies::Verification;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

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
        let verdict = drafts.verdict.expect("a verdict that has arrived");
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
