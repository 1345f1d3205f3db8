//! A request within a replica, and the table of all of them.

use std::ops::{Index, IndexMut};

use crate::blocks::Held;
use crate::content::Keys;
use crate::request::{Id, Picture, Request};
use crate::session::{Limits, Session, Uncomputed};

/// State of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Never admitted.
    Waiting,
    /// Admitted: it has blocks.
    Running,
    /// Lost its blocks and waits to be admitted again.
    Preempted,
    /// A session that lost its blocks, and waits for its next drafts before it waits for admission.
    Parked,
}

/// A request and what has become of it so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sequence {
    pub(crate) request: Request,
    pub(crate) pictures: Vec<Picture>,
    pub(crate) prompt_tokens: u32,
    pub(crate) status: Status,
    /// Tokens of the answer that are known.
    pub(crate) outputs: u32,
    /// Tokens that a step in flight will bring, drafted ones included.
    pub(crate) pending: u32,
    /// Drafted tokens that wait to be verified.
    pub(crate) drafts: u32,
    /// Tokens whose keys and values are computed, or will be by the steps in flight.
    pub(crate) computed: u32,
    /// Its last step ended within the prompt.
    pub(crate) mid_prompt: bool,
    pub(crate) blocks: Held,
    /// The first blocks, which have their keys.
    pub(crate) keyed: u32,
    /// The first blocks, which are full of known tokens. They have their keys too, but for those of a private request.
    pub(crate) nameable: u32,
    pub(crate) keys: Keys,
    pub(crate) preemptions: u32,
    pub(crate) first_hit: Option<u32>,
    /// Set while its drafts come from outside.
    pub(crate) session: Option<Session>,
}

impl Sequence {
    fn new(request: Request) -> Self {
        Self {
            pictures: Picture::all(&request.prompt),
            prompt_tokens: request.prompt_tokens(),
            session: request.is_session.then(Session::default),
            request,
            status: Status::Waiting,
            outputs: 0,
            pending: 0,
            drafts: 0,
            computed: 0,
            mid_prompt: false,
            blocks: Held::default(),
            keyed: 0,
            nameable: 0,
            keys: Keys::default(),
            preemptions: 0,
            first_hit: None,
        }
    }

    /// The request.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// Its state.
    pub fn status(&self) -> Status {
        self.status
    }

    /// Prompt and answer so far, in tokens.
    pub fn tokens(&self) -> u32 {
        self.prompt_tokens + self.outputs
    }

    /// Tokens of the answer so far.
    pub fn outputs(&self) -> u32 {
        self.outputs
    }

    /// Tokens that are computed, or will be by the steps in flight.
    pub fn computed(&self) -> u32 {
        self.computed
    }

    /// The number of KV blocks that it holds.
    pub fn blocks(&self) -> u32 {
        self.blocks.len()
    }

    /// The numbers of its KV blocks; none without a prefix cache, where blocks are only counted.
    pub fn block_numbers(&self) -> &[u32] {
        self.blocks.numbers()
    }

    /// The number of its preemptions.
    pub fn preemptions(&self) -> u32 {
        self.preemptions
    }

    /// Tokens found in the prefix cache when it was first admitted.
    pub fn first_hit(&self) -> Option<u32> {
        self.first_hit
    }

    /// The first position behind its pictures; none of them is read from there on.
    #[inline]
    pub(crate) fn pictures_end(&self) -> u32 {
        self.pictures.last().map_or(0, |picture| picture.end())
    }

    /// Tokens that are there, or coming, and not computed: what a step may do for it.
    pub(crate) fn due(&self) -> u32 {
        (self.tokens() + self.pending + self.drafts).saturating_sub(self.computed)
    }

    /// The part of them that a step computes within these limits.
    #[inline]
    pub(crate) fn chunk(&self, limits: Limits) -> u32 {
        match &self.session {
            None => self.due().min(limits.threshold).min(limits.room),
            Some(session) => session.chunk(self.uncomputed(self.computed), limits),
        }
    }

    /// Tokens behind the first `computed` ones, of a session.
    pub(crate) fn uncomputed(&self, computed: u32) -> Uncomputed {
        let offered = self.session.and_then(|session| session.offered).unwrap_or(0);
        let drafts = offered.saturating_sub(computed.saturating_sub(self.tokens()));
        Uncomputed { known: self.tokens().saturating_sub(computed), drafts }
    }

    /// True once all that is known, coming or offered is computed, as far as the context reaches: the step brings a token.
    #[inline]
    pub(crate) fn is_computed(&self, context: u32) -> bool {
        let known = self.tokens() + self.pending;
        let offered = self.session.and_then(|session| session.offered).unwrap_or(0);
        self.computed >= known.max((known + offered).min(context - 1))
    }

    /// It is a session, and nothing can be computed for it.
    pub(crate) fn waits_for_drafts(&self) -> bool {
        self.session.is_some_and(|session| session.waits_for_drafts())
    }

    /// Tokens until the end of the answer, by itself, by its limit or by the context.
    pub(crate) fn answer_left(&self, context: u32) -> u32 {
        let answer = self.request.output_tokens.min(self.request.output_limit) - self.outputs;
        answer.min(context.saturating_sub(self.tokens()))
    }

    /// Gives the positions of refused drafts back; their blocks stay, as they will be needed. A preempted request has
    /// given back everything.
    pub(crate) fn give_back(&mut self, refused: u32) {
        self.computed = self.computed.saturating_sub(refused);
        self.pending = self.pending.saturating_sub(refused);
    }

    /// The step in flight is sure to bring the last token that was asked for, even if all its drafts are refused.
    pub(crate) fn ends_in_flight(&self) -> bool {
        self.pending > 0 && self.computed + 2 - self.pending >= self.prompt_tokens + self.request.output_limit
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Place {
    generation: u32,
    sequence: Option<Sequence>,
}

/// The requests of a replica, by handle.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sequences {
    places: Vec<Place>,
    empty: Vec<u32>,
}

impl Sequences {
    pub fn insert(&mut self, request: Request) -> Id {
        let place = self.empty.pop().unwrap_or_else(|| {
            self.places.push(Place::default());
            self.places.len() as u32 - 1
        });
        let slot = &mut self.places[place as usize];
        slot.sequence = Some(Sequence::new(request));
        Id { place, generation: slot.generation }
    }

    pub fn get(&self, id: Id) -> Option<&Sequence> {
        let place = self.places.get(id.place as usize)?;
        place.sequence.as_ref().filter(|_| place.generation == id.generation)
    }

    pub fn get_mut(&mut self, id: Id) -> Option<&mut Sequence> {
        let place = self.places.get_mut(id.place as usize)?;
        place.sequence.as_mut().filter(|_| place.generation == id.generation)
    }

    pub fn remove(&mut self, id: Id) {
        let place = &mut self.places[id.place as usize];
        place.sequence = None;
        place.generation += 1;
        self.empty.push(id.place);
    }
}

/// Access to a request that has not ended, as all requests in queues are.
impl Index<Id> for Sequences {
    type Output = Sequence;

    fn index(&self, id: Id) -> &Sequence {
        let place = &self.places[id.place as usize];
        debug_assert_eq!(place.generation, id.generation, "the request has ended");
        place.sequence.as_ref().expect("the request has not ended")
    }
}

impl IndexMut<Id> for Sequences {
    fn index_mut(&mut self, id: Id) -> &mut Sequence {
        let place = &mut self.places[id.place as usize];
        debug_assert_eq!(place.generation, id.generation, "the request has ended");
        place.sequence.as_mut().expect("the request has not ended")
    }
}
