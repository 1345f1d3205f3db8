//! A request in flight, and the messages that it has on the link.

use backends::{Done, Sequence};
use kernel::WaitIndex;
use model::{
    decoding::{Draft, Token, Verdict},
    kv::KvSequence,
    mas::Mas,
    request::{Input, Request},
};
use smallvec::SmallVec;
use units::{Bytes, Flops, SimDuration, SimTime};

/// Names a request in flight for as long as it lives; what outlives it on the link or in a queue finds out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SlotId {
    pub(crate) index: u32,
    pub(crate) generation: u32,
}

/// A request in flight: first what a draft touches, then what only a round touches.
#[repr(C)]
pub(crate) struct Slot {
    /// Result of the edge's last operation.
    pub(crate) edge_done: Done,
    /// The edge that it came in at, which is also the index of its GPU.
    pub(crate) edge: u32,
    pub(crate) on_edge: Option<Held>,
    pub(crate) tally: Tally,
    pub(crate) generation: u32,
    /// Apart, so that the steps of an answer touch few cache lines.
    pub(crate) about: Box<About>,
    pub(crate) committed: Committed,
    pub(crate) cloud: CloudSide,
    pub(crate) on_cloud: Option<Held>,
}

/// What a request is, and what is noted of it.
pub(crate) struct About {
    pub(crate) request: Request,
    pub(crate) client: u32,
    pub(crate) submit: SimTime,
    /// What the policy served the request with.
    pub(crate) input: Input,
    pub(crate) mas: Option<Mas>,
    /// A token that nobody verified, and on which the answer hangs, is not the cloud's.
    pub(crate) diverged: bool,
    /// The verdict behind which the cloud writes on by itself.
    pub(crate) last_verdict: Option<Verdict>,
    /// Batches that came to the cloud before the prompt had been read, in order.
    pub(crate) parked: SmallVec<[u32; 2]>,
    /// Fires when the whole answer has been committed, for the policies that await that.
    pub(crate) answered: Option<WaitIndex>,
}

/// A sequence with its blocks.
pub(crate) struct Held {
    pub(crate) sequence: Sequence,
    /// Set when it was admitted.
    pub(crate) kv: Option<KvSequence>,
}

/// What the cloud knows of a request.
#[derive(Default)]
pub(crate) struct CloudSide {
    /// The GPU that it was given.
    pub(crate) gpu: Option<u32>,
    /// The prompt waits to be read or is being read.
    pub(crate) reading: bool,
    /// The prompt has been read, and batches may be verified.
    pub(crate) ready: bool,
    /// Rejections so far; batches drafted before the last one are void.
    pub(crate) epoch: u32,
}

impl Work {
    /// The part of one of so many items. Divisions are dear, and most iterations of an edge have one.
    #[inline]
    pub(crate) fn of_one_in(self, items: usize) -> Self {
        if items == 1 {
            return self;
        }
        Self {
            busy: self.busy / items as u64,
            flop: self.flop * (1.0 / items as f64),
            joules: self.joules / items as f64,
        }
    }

    /// Adds a part of a batch.
    #[inline]
    pub(crate) fn add(&mut self, share: &Self) {
        self.busy += share.busy;
        self.flop += share.flop;
        self.joules += share.joules;
    }
}

/// What has been committed at the edge.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Committed {
    pub(crate) tokens: u32,
    pub(crate) first: SimTime,
    pub(crate) last: SimTime,
    /// Rejections that the edge has heard of.
    pub(crate) epoch: u32,
}

/// What a request has cost.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct Tally {
    pub(crate) edge: Work,
    pub(crate) drafted: u32,
    pub(crate) accepted: u32,
    pub(crate) rounds: u32,
    /// Batches of drafts that the token log has.
    pub(crate) logged: u32,
    pub(crate) uplink: Bytes,
    pub(crate) downlink: Bytes,
    pub(crate) cloud: Work,
}

/// A request's part of the batches that it was in; a batch is shared evenly by its items.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Work {
    pub(crate) busy: SimDuration,
    pub(crate) flop: Flops,
    pub(crate) joules: f64,
}

impl Slot {
    pub(crate) fn new(request: Request, edge: u32, client: u32, submit: SimTime) -> Self {
        let input = Input::whole(request.prompt);
        let about = About {
            request,
            client,
            submit,
            input,
            mas: None,
            diverged: false,
            last_verdict: None,
            parked: SmallVec::new(),
            answered: None,
        };
        Self {
            generation: 0,
            edge,
            about: Box::new(about),
            on_edge: None,
            on_cloud: None,
            cloud: CloudSide::default(),
            edge_done: Done::Nothing,
            committed: Committed::default(),
            tally: Tally::default(),
        }
    }

    /// The token that the edge has made last.
    #[inline]
    pub(crate) fn drafted(&self) -> Draft {
        let Done::Draft(draft) = self.edge_done else { unreachable!("a draft step makes a draft") };
        draft
    }

    /// Commits tokens at an instant; returns the time since the token before them.
    pub(crate) fn commit(&mut self, tokens: u32, at: SimTime) -> Option<SimDuration> {
        let committed = &mut self.committed;
        let gap = (committed.tokens > 0).then(|| at - committed.last);
        if committed.tokens == 0 {
            committed.first = at;
        }
        committed.tokens += tokens;
        committed.last = at;
        gap
    }
}

/// What goes over the link.
pub(crate) struct Message {
    pub(crate) slot: SlotId,
    pub(crate) wire: Bytes,
    pub(crate) body: Body,
}

pub(crate) enum Body {
    /// Up: an input to read, and perhaps to answer. It takes so much longer than its bytes and half a round trip.
    Input { answer: bool, delay: SimDuration },
    /// Up: drafts to verify. Down: their verdict.
    Drafts(Drafts),
    /// Up: hidden states of a prompt, from which the cloud writes the whole answer.
    Prompt,
    /// Up: hidden states of a prompt or of a token. Down: the token that came of them.
    Hidden { first: bool, wait: WaitIndex, token: Token },
    /// Down: a token of an answer that the cloud streams.
    Token(Token),
}

impl Body {
    /// Whether it takes no time on the link.
    #[inline]
    pub(crate) fn is_off_the_link(&self) -> bool {
        matches!(self, Self::Drafts(drafts) if drafts.off_the_link)
    }
}

pub(crate) struct Drafts {
    /// In place up to the N_max of the paper.
    pub(crate) tokens: SmallVec<[Token; 5]>,
    /// Position of the first of them.
    pub(crate) start: u32,
    pub(crate) bonus: bool,
    pub(crate) judged: bool,
    pub(crate) one_by_one: bool,
    pub(crate) off_the_link: bool,
    pub(crate) epoch: u32,
    /// Their number among the batches of a watched request, from 1.
    pub(crate) round: u32,
    /// Fires when the verdict is there; none if the cloud goes on by itself then.
    pub(crate) wait: Option<WaitIndex>,
    /// The edge waits for the verdict no more.
    pub(crate) abandoned: bool,
    /// The cloud has dropped them: there will be no verdict.
    pub(crate) dropped: bool,
    /// The verdict, once there is one.
    pub(crate) verdict: Option<Verdict>,
}

/// A slab: numbers that are given out, given back and given out again.
pub(crate) struct Slab<T> {
    items: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { items: Vec::new(), free: Vec::new() }
    }
}

impl<T> Slab<T> {
    pub(crate) fn insert(&mut self, item: T) -> u32 {
        match self.free.pop() {
            Some(index) => {
                self.items[index as usize] = Some(item);
                index
            }
            None => {
                self.items.push(Some(item));
                self.items.len() as u32 - 1
            }
        }
    }

    pub(crate) fn remove(&mut self, index: u32) -> T {
        let item = self.items[index as usize].take().expect("an occupied place");
        self.free.push(index);
        item
    }

    #[inline]
    pub(crate) fn get(&self, index: u32) -> &T {
        self.items[index as usize].as_ref().expect("an occupied place")
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, index: u32) -> &mut T {
        self.items[index as usize].as_mut().expect("an occupied place")
    }

    /// What is there, if anything is.
    #[inline]
    pub(crate) fn find(&self, index: u32) -> Option<&T> {
        self.items.get(index as usize).and_then(Option::as_ref)
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len() - self.free.len()
    }
}
