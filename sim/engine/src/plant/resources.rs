//! The resources of a request in flight: its sequences, their memory, and the waits of its process.

use super::beside::Beside;
use super::served::InEngine;
use crate::ledger;
use backends::{Done, Sequence};
use kernel::WaitIndex;
use model::{
    decoding::{Draft, Verdict},
    kv::KvSequence,
};
use smallvec::SmallVec;
use units::SimTime;

/// A request in flight on the virtual plant.
pub(crate) type Slot = ledger::Slot<Resources>;

/// Resources of a request: first the parts that every draft touches, last those that only a round touches.
#[repr(C)]
pub(crate) struct Resources {
    /// First, since its tag also tells whether a slot is taken.
    pub(crate) on_edge: Option<Held>,
    /// Result of the edge's last operation.
    pub(crate) edge_done: Done,
    pub(crate) cloud: CloudSide,
    pub(crate) on_cloud: Option<Held>,
    pub(crate) pending: Pending,
    /// Its slot where its edge is simulated, if that is elsewhere.
    pub(crate) elsewhere: u32,
}

impl Default for Resources {
    fn default() -> Self {
        let (cloud, pending) = (CloudSide::default(), Pending::default());
        Self { on_edge: None, edge_done: Done::Nothing, cloud, on_cloud: None, pending, elsewhere: 0 }
    }
}

impl Resources {
    /// The request's sequence on the edge or in the cloud.
    #[inline]
    pub(crate) fn sequence(&self, on_edge: bool) -> Sequence {
        self.there(on_edge).sequence
    }

    /// The request's sequence with its memory, which is there.
    #[inline]
    pub(crate) fn there(&self, on_edge: bool) -> &Held {
        let held = if on_edge { &self.on_edge } else { &self.on_cloud };
        held.as_ref().expect("a sequence")
    }

    /// The place of the request's sequence on the edge or in the cloud.
    pub(crate) fn held(&mut self, on_edge: bool) -> &mut Option<Held> {
        if on_edge { &mut self.on_edge } else { &mut self.on_cloud }
    }

    /// The token that the edge has made last.
    #[inline]
    pub(crate) fn drafted(&self) -> Draft {
        let Done::Draft(draft) = self.edge_done else { unreachable!("a draft step makes a draft") };
        draft
    }
}

/// Things that a request waits for.
#[derive(Default)]
pub(crate) struct Pending {
    /// The verdict behind which the cloud writes on by itself. Apart, since few requests have one.
    pub(crate) last_verdict: Option<Box<Verdict>>,
    /// The batch behind which the cloud writes on by itself.
    pub(crate) last_batch: Option<u32>,
    /// Times at which verdicts arrive, of those that have been sent down and not been looked for since.
    verdicts: SmallVec<[SimTime; 2]>,
    /// The cloud writes on by itself behind drafts.
    pub(crate) drafted_first: bool,
    /// Batches that came to the cloud before the prompt had been read, in order.
    pub(crate) parked: SmallVec<[u32; 2]>,
    /// Fires when the whole answer has been committed, for the policies that await that.
    pub(crate) answered: Option<WaitIndex>,
}

impl Pending {
    /// A verdict is on its way down, and will arrive then.
    #[inline]
    pub(super) fn expect_verdict(&mut self, arrival: SimTime) {
        self.verdicts.push(arrival);
    }

    /// The policy has looked for verdicts, and found those that were there.
    #[inline]
    pub(super) fn look_for_verdicts(&mut self, now: SimTime) {
        self.verdicts.retain(|arrival| *arrival >= now);
    }

    /// Time at which the first verdict arrives that the policy has not looked for, as far as that is known; the end of time without one.
    #[inline]
    pub(super) fn next_verdict(&self) -> SimTime {
        self.verdicts.iter().copied().min().unwrap_or(SimTime::MAX)
    }
}

/// A sequence with its blocks.
pub(crate) struct Held {
    pub(crate) sequence: Sequence,
    /// Set when it was admitted.
    pub(crate) kv: Option<KvSequence>,
    /// Its part in a serving engine, on a GPU that has one.
    pub(crate) engine: Option<Box<InEngine>>,
    /// Its part of the small model that drafts for it, where one does.
    pub(crate) beside: Option<Box<Beside>>,
}

impl Held {
    /// A sequence without any memory.
    pub(crate) fn new(sequence: Sequence, engine: Option<InEngine>) -> Self {
        Self { sequence, kv: None, engine: engine.map(Box::new), beside: None }
    }

    /// True if a serving engine has a job of it.
    pub(crate) fn has_job(&self) -> bool {
        self.engine.as_deref().is_some_and(InEngine::has_job)
    }
}

/// The cloud's side of a request.
#[derive(Default)]
pub(crate) struct CloudSide {
    /// The GPU that it was given.
    pub(crate) gpu: Option<u32>,
    /// The input is on its way up since then.
    pub(crate) awaits_input: Option<SimTime>,
    /// The prompt waits to be read or is being read.
    pub(crate) reading: bool,
    /// The answer is withheld; fires when the cloud's word is there that it wants to see more.
    pub(crate) withheld: Option<WaitIndex>,
    /// The prompt has been read, and batches may be verified.
    pub(crate) ready: bool,
    /// Rejections so far; batches drafted before the last one are void.
    pub(crate) epoch: u32,
}
