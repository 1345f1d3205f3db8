//! A request in flight.

use super::tally::Tally;
use crate::workload::{Shared, Turn};
use model::{
    mas::Mas,
    request::{Input, Request},
};
use std::rc::Rc;
use units::{SimDuration, SimTime};

/// The name of a request in flight. A message or a job that outlives its request finds out by the generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SlotId {
    pub(crate) index: u32,
    pub(crate) generation: u32,
}

/// A request in flight, with the resources `R` that the plant holds for it. A draft touches the end of the tally and the
/// beginning of the resources, so these lie side by side.
#[repr(C)]
pub(crate) struct Slot<R> {
    pub(crate) committed: Committed,
    /// Apart, so that the steps of an answer touch few cache lines.
    pub(crate) about: Box<About>,
    pub(crate) tally: Tally,
    pub(crate) generation: u32,
    /// The edge that the request came in at.
    pub(crate) edge: u32,
    /// Its pool.
    pub(crate) pool: u32,
    /// Sequences, memory and waits of the request: the plant's own.
    pub(crate) resources: R,
}

/// The request itself, and what the policy noted about it.
pub(crate) struct About {
    pub(crate) request: Request,
    /// The parts of its prompt that others may have; none if it shares nothing.
    pub(crate) shared: Option<Rc<Shared>>,
    pub(crate) client: u32,
    /// Its class; 0 where there are no classes.
    pub(crate) class: u32,
    /// Time by which its answer must be there, from its request.
    pub(crate) deadline: Option<SimDuration>,
    /// Its group of edges.
    pub(crate) group: u32,
    /// The work that it is expected to be for its replica, where a router looks at that.
    pub(crate) work: SimDuration,
    pub(crate) submit: SimTime,
    /// Visual tokens of the whole input, as the cloud's model counts them.
    pub(crate) visual_tokens: u64,
    /// None while the policy serves the request with its whole input, and has scored nothing.
    pub(crate) planned: Option<Box<Planned>>,
    /// The answer is shorter than was asked for.
    pub(crate) cut: bool,
    /// The edge answers it, because the link was down when it came in.
    pub(crate) fell_back: bool,
    /// It has been given a replica of its pool.
    pub(crate) was_sent: bool,
    /// A token that nobody verified, and on which the answer hangs, is not the cloud's.
    pub(crate) diverged: bool,
}

/// The plan of the policy for a request.
pub(crate) struct Planned {
    pub(crate) mas: Option<Mas>,
    /// The input that the policy serves the request with.
    pub(crate) input: Input,
}

impl About {
    /// The input that the policy serves the request with.
    pub(crate) fn input(&self) -> Input {
        self.planned.as_ref().map_or_else(|| Input::whole(self.request.prompt), |planned| planned.input)
    }

    /// The scores that the policy has noted.
    pub(crate) fn mas(&self) -> Option<Mas> {
        self.planned.as_ref().and_then(|planned| planned.mas)
    }

    /// The policy serves the request with an input from now on.
    pub(crate) fn serve_with(&mut self, input: &Input) {
        match &mut self.planned {
            Some(planned) => planned.input = *input,
            None => self.plan(None, input),
        }
    }

    /// The policy has scored the request, and serves it with an input from now on.
    pub(crate) fn plan(&mut self, mas: Option<Mas>, input: &Input) {
        let is_told = mas.is_some() || *input != Input::whole(self.request.prompt);
        self.planned = is_told.then(|| Box::new(Planned { mas, input: *input }));
    }
}

/// Tokens committed at the edge.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Committed {
    pub(crate) tokens: u32,
    pub(crate) first: SimTime,
    pub(crate) last: SimTime,
    /// Rejections that the edge has heard of.
    pub(crate) epoch: u32,
}

/// A request on its way into the ledger.
pub(crate) struct Arrival {
    pub(crate) turn: Turn,
    pub(crate) edge: u32,
    pub(crate) client: u32,
    /// Its group of edges.
    pub(crate) group: u32,
    /// Its pool.
    pub(crate) pool: u32,
    /// Visual tokens of the whole input, as the cloud's model counts them.
    pub(crate) visual_tokens: u64,
}

impl<R: Default> Slot<R> {
    pub(crate) fn new(arrival: Arrival, generation: u32, submit: SimTime) -> Self {
        let Arrival { turn: Turn { request, cut, class, deadline, shared }, edge, client, group, pool, visual_tokens } =
            arrival;
        let about = About {
            request,
            shared,
            client,
            class,
            deadline,
            group,
            work: SimDuration::ZERO,
            submit,
            visual_tokens,
            planned: None,
            cut,
            fell_back: false,
            was_sent: false,
            diverged: false,
        };
        Self {
            committed: Committed::default(),
            about: Box::new(about),
            tally: Tally::default(),
            generation,
            edge,
            pool,
            resources: R::default(),
        }
    }
}

impl<R> Slot<R> {
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
