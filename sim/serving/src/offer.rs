//! Sessions: requests whose answers are drafted elsewhere and verified here.
//!
//! A session's prompt is computed as any other. Then it stays among the running requests, with its blocks and its place,
//! and has nothing to compute until drafts are [offered](Replica::offer). They are computed in one step, behind the token
//! that is known and not computed, if there is one; or in several, where there are more of them than a step has tokens. What
//! comes of them is said by [`Replica::settle`].
//!
//! A session that is preempted while it waits for drafts is parked. With its next drafts it goes to the front of the
//! queue, and pays for its prompt and its answer again. Where all that run are sessions that wait, and a request cannot
//! be admitted beside them, the newest of them is parked: who waits here never waits for somebody who waits elsewhere.

use crate::replica::Replica;
use crate::request::Id;
use crate::sequence::Status;

impl Replica {
    /// Offers the next drafts of a session, which continue its answer. None at all asks for the engine's own token behind
    /// one that is not computed yet.
    ///
    /// ```
    /// use serving::{Replica, Request, Rules, Settings};
    /// let mut replica = Replica::new(Rules::vllm_0_19(), Settings::default());
    /// let session = replica.submit(Request::session(1, 100));
    /// let prompt = replica.schedule();
    /// replica.complete(&prompt, |_| 0);
    /// assert_eq!(replica.schedule().tokens(), 0, "it waits for drafts");
    /// replica.offer(session, 4);
    /// let verify = replica.schedule();
    /// assert_eq!((verify.tokens(), verify.work[0].drafted), (4, 4));
    /// replica.complete(&verify, |_| 0);
    /// // Two drafts are right, and the engine's own token follows them.
    /// replica.settle(session, 2, true);
    /// replica.offer(session, 4);
    /// assert_eq!(replica.schedule().tokens(), 5);
    /// ```
    ///
    /// # Panics
    /// Panics if the request is no session, or waits for a verdict; or if nothing is to be computed, since the token behind a
    /// computed one is known.
    pub fn offer(&mut self, id: Id, drafts: u32) {
        let sequence = &mut self.sequences[id];
        assert!(drafts + sequence.due() > 0, "there is something to compute");
        let session = sequence.session.as_mut().expect("drafts are offered to a session");
        assert!(session.offered.is_none(), "a session has one batch of drafts at a time");
        session.offered = Some(drafts);
        if sequence.status == Status::Parked {
            self.unpark(id);
        }
    }

    /// Ends a round of a session: the first `kept` tokens of its answer stay. `own` adds a token of the engine's own, which
    /// is known and not computed: behind the drafts, or behind the prompt.
    pub fn settle(&mut self, id: Id, kept: u32, own: bool) {
        let sequence = &mut self.sequences[id];
        let session = sequence.session.as_mut().expect("a session is settled");
        (session.offered, session.verifying) = (None, false);
        sequence.outputs = kept + u32::from(own);
        sequence.computed = sequence.computed.min(sequence.prompt_tokens + kept);
        if sequence.status == Status::Running {
            let computed = sequence.computed;
            self.name_blocks(id, computed);
        }
    }

    /// Lets the engine write the rest of a session's answer by itself, up to `output_tokens` in all. Its last token must
    /// be known and not computed.
    pub fn write_on(&mut self, id: Id, output_tokens: u32) {
        let sequence = &mut self.sequences[id];
        sequence.session = None;
        (sequence.request.output_tokens, sequence.request.output_limit) = (output_tokens, output_tokens);
        assert!(output_tokens > sequence.outputs, "there is something left to write");
        assert!(sequence.due() > 0, "a token is known that was not computed");
        if sequence.status == Status::Parked {
            self.unpark(id);
        }
    }

    /// Ends a request before its time, in whatever state it is.
    pub fn cancel(&mut self, id: Id) {
        self.running.retain(|running| *running != id);
        self.end(id);
    }

    /// Puts a parked session to the front of the queue.
    fn unpark(&mut self, id: Id) {
        self.sequences[id].status = Status::Preempted;
        self.waiting.put_back(id, &self.sequences[id].request);
    }

    /// The newest running request, if all that run are sessions that wait for drafts.
    pub(crate) fn newest_idle(&self) -> Option<usize> {
        let is_idle = |id: &Id| self.sequences[*id].waits_for_drafts();
        let verifies = |id: &Id| self.sequences[*id].session.is_some_and(|session| session.verifying);
        let all = self.running.iter().all(|id| is_idle(id) && !verifies(id));
        if all { self.running.len().checked_sub(1) } else { None }
    }

    /// Running requests without the sessions that wait for drafts.
    pub fn at_work(&self) -> impl Iterator<Item = Id> + '_ {
        self.running.iter().copied().filter(|id| !self.sequences[*id].waits_for_drafts())
    }
}
