//! Requests that are simulated in two places: edges have one part of each, and the cloud and the sums over all requests the other.

use super::notes::Noted;
use super::slot::{About, Committed, Planned, Slot};
use super::tally::Tally;
use super::{Durations, Ledger, ProbeSums, Shortfall, Side, SlotId};
use kernel::Key;
use policies::ServedBy;
use units::{Bytes, ServerTime, SimDuration, SimTime};

/// The edges' part of a request that has ended.
pub(crate) struct Ended {
    pub(crate) ending: Result<ServedBy, Shortfall>,
    committed: Committed,
    tally: Tally,
    planned: Option<Box<Planned>>,
    fell_back: bool,
    diverged: bool,
    decisions: Vec<Noted>,
}

/// Sums that edges keep by themselves. Each of them is the same in whatever order it is summed.
pub(crate) struct Kept {
    itl: Durations,
    probe: ProbeSums,
    raw_upload: Bytes,
    /// Drafts that were verified: of the requests that are counted, and of all.
    verified: [u64; 2],
    /// Busy time, and tokens, before the end of the warm-up.
    before: (ServerTime, u64),
    /// Tokens behind the last arrival.
    after: u64,
    undivided: SimDuration,
}

impl<R> Ledger<'_, R> {
    /// A request is sent that is another's to simulate.
    pub(crate) fn pass_by(&mut self, now: SimTime, reached: Key) {
        self.generation += 1;
        if self.warm_up.admit(self.generation, now) {
            self.warm_up.take_back(self.on_the_way.tokens(|arrival| arrival > reached));
        }
    }

    /// Takes the edges' slot of a request out, which has ended.
    pub(crate) fn leave(&mut self, id: SlotId) -> Slot<R> {
        let slot = self.slots.remove(id.index);
        self.watch.forget(slot.generation);
        slot
    }

    /// The edges' part of a request that has left.
    pub(crate) fn part_of(&mut self, id: SlotId, slot: Slot<R>, ending: Result<ServedBy, Shortfall>) -> Ended {
        let Slot { committed, tally, about, .. } = slot;
        let About { planned, fell_back, diverged, .. } = *about;
        Ended { ending, committed, tally, planned, fell_back, diverged, decisions: self.notes.take(id) }
    }

    /// Adds the edges' part of a request.
    pub(crate) fn join(&mut self, id: SlotId, ended: Ended) {
        let Ended { committed, tally, planned, fell_back, diverged, decisions, .. } = ended;
        let slot = self.slots.get_mut(id.index);
        slot.committed = committed;
        slot.tally.add(&tally);
        let about = &mut slot.about;
        (about.planned, about.fell_back, about.diverged) = (planned, fell_back, diverged);
        self.notes.put(id, decisions);
    }

    /// The sums that edges have kept.
    pub(crate) fn kept(&mut self) -> Kept {
        let before = self.warm_up.before();
        Kept {
            before: (before.busy[Side::Edge as usize], before.done.tokens),
            after: self.drain.after().tokens,
            verified: [self.metrics.verified, self.flow.verified],
            undivided: self.undivided[Side::Edge as usize],
            raw_upload: self.metrics.raw_upload,
            itl: std::mem::take(&mut self.metrics.itl),
            probe: std::mem::take(&mut self.metrics.probe),
        }
    }

    /// Adds the sums that edges have kept.
    pub(crate) fn add_kept(&mut self, kept: &Kept) {
        let Kept { itl, probe, raw_upload, verified: [counted, all], before: (busy, tokens), after, undivided } = kept;
        self.metrics.itl.add(itl);
        self.metrics.probe.add(probe);
        self.metrics.raw_upload += *raw_upload;
        self.metrics.verified += counted;
        self.flow.verified += all;
        self.warm_up.add_before(Side::Edge as usize, *busy, *tokens);
        self.drain.count(*after);
        self.undivided[Side::Edge as usize] += *undivided;
    }
}
