//! One GPU: its queues, and the items of its next iteration.
//!
//! Under a serving engine (`served.rs`) the queues here hold what runs beside its steps. Elsewhere iterations are idealised.
//! `graph`: an iteration takes all waiting decode, draft and verify items, at most `limits.items`, one a sequence, and at most
//! one chunk of a prompt. `hf`: one item at a time in order of arrival; an answer keeps the GPU to its end.

use super::job::{Item, Job, Task};
use super::line::Line;
use super::served::Served;
use super::stretch::Ahead;
use crate::ledger::{Share, SlotId};
use kernel::BatchServer;
use model::{
    energy::{Busy, Power},
    kv::KvPool,
    memory::BatchLimits,
};
use smallvec::SmallVec;
use std::rc::Rc;
use units::{Flops, SimDuration, SimTime};

/// A GPU with its queues. Fields that every iteration touches come first.
#[repr(C)]
pub(crate) struct Gpu {
    pub(crate) server: BatchServer,
    /// Time at which the iteration ends that runs.
    pub(crate) ends: SimTime,
    /// The iteration that runs; on an edge mostly of one item.
    pub(crate) running: SmallVec<[Item; 1]>,
    /// Steps that are worked out ahead.
    pub(crate) ahead: Ahead,
    pub(crate) flop: Flops,
    pub(crate) busy: Busy,
    /// Items of one token or a few.
    pub(crate) streams: Line<Job>,
    tickets: u64,
    pub(crate) kind: Rc<Kind>,
    /// Prompts and probes.
    pub(crate) prompts: Line<Job>,
    pub(crate) kv: KvPool,
    /// Requests that ask for memory, in order.
    pub(crate) asking: Line<SlotId>,
    /// The serving engine, where one forms the iterations.
    pub(crate) served: Option<Box<Served>>,
}

/// Properties that the GPUs of a tier have in common.
pub(crate) struct Kind {
    pub(crate) limits: BatchLimits,
    /// True if iterations hold more than one item.
    pub(crate) batches: bool,
    pub(crate) power: Power,
}

/// The queue that an item of the next iteration comes from.
pub(crate) enum Pick {
    Stream,
    Prompt,
}

impl Gpu {
    /// A GPU at rest.
    pub(crate) fn new(kind: Rc<Kind>, kv: KvPool, served: Option<Box<Served>>) -> Self {
        Self {
            server: BatchServer::default(),
            ends: SimTime::ZERO,
            streams: Line::default(),
            running: SmallVec::new(),
            prompts: Line::default(),
            ahead: Ahead::default(),
            tickets: 0,
            busy: Busy::default(),
            flop: Flops::ZERO,
            kind,
            kv,
            asking: Line::default(),
            served,
        }
    }

    /// A job with the next ticket.
    #[inline]
    pub(crate) fn job(&mut self, slot: SlotId, task: Task) -> Job {
        let job = Job { slot, ticket: self.tickets, task };
        self.tickets += 1;
        job
    }

    /// Puts a job into its queue. `true` asks for an event in the batch phase of this instant.
    #[inline]
    pub(crate) fn submit(&mut self, slot: SlotId, task: Task) -> bool {
        let job = self.job(slot, task);
        if task.reads_a_prompt() {
            self.prompts.push_back(job);
        } else {
            self.streams.push_back(job);
        }
        self.server.poke()
    }

    /// The ticket of the next job that is submitted.
    pub(crate) fn next_ticket(&self) -> u64 {
        self.tickets
    }

    /// Puts what is left of a job back to where it was: before everything that came later.
    #[inline]
    pub(crate) fn resume(&mut self, job: Job) {
        match job.task {
            Task::Prefill { .. } => self.prompts.push_front(job),
            // Later batches of its request wait behind it.
            Task::Verify { .. } => self.streams.push_front(job),
            _ if self.kind.batches => self.streams.push_back(job),
            _ => self.streams.push_front(job),
        }
    }

    /// Without batching: the one item to take, the oldest.
    pub(crate) fn oldest(&self) -> Option<Pick> {
        match (self.streams.front(), self.prompts.front()) {
            (Some(stream), Some(prompt)) if stream.ticket < prompt.ticket => Some(Pick::Stream),
            (_, Some(_)) => Some(Pick::Prompt),
            (Some(_), None) => Some(Pick::Stream),
            (None, None) => None,
        }
    }

    /// True if its iteration ends then. One that has been cut short ends no more when it was to.
    #[inline]
    pub(crate) fn ends_at(&self, time: SimTime) -> bool {
        self.ends == time && self.server.is_busy()
    }

    /// True if its iteration makes a token for one request, or a draft, and does nothing else.
    #[inline]
    pub(crate) fn steps_alone(&self) -> bool {
        matches!(self.running[..], [Item { job: Job { task: Task::Draft { .. } | Task::Answer, .. }, .. }])
    }

    /// True if nothing waits that could run.
    #[inline]
    pub(crate) fn is_quiet(&self) -> bool {
        let is_served = |served: &Served| !served.has_work();
        self.streams.is_empty()
            && self.prompts.is_empty()
            && self.running.is_empty()
            && self.served.as_deref().is_none_or(is_served)
    }

    /// Tokens that the free part of its KV cache holds.
    pub(crate) fn free_tokens(&mut self) -> u64 {
        let own = self.kv.free_blocks() * model::kv::BLOCK_TOKENS;
        self.settled().map_or(own, |served| served.free_tokens())
    }
}

/// The work of a GPU that was simulated elsewhere.
pub(crate) struct Worked {
    server: BatchServer,
    busy: Busy,
    flop: Flops,
    kv: KvPool,
}

impl Gpu {
    /// Takes its work out.
    pub(super) fn leave(&mut self) -> Worked {
        Worked { server: self.server.clone(), busy: self.busy, flop: self.flop, kv: self.kv.clone() }
    }

    /// Puts the work in that was done elsewhere.
    pub(super) fn join(&mut self, Worked { server, busy, flop, kv }: Worked) {
        (self.server, self.busy, self.flop, self.kv) = (server, busy, flop, kv);
    }
}

/// The work of the GPUs of a tier.
pub(crate) fn work(gpus: &[Gpu]) -> Share {
    let joules = |gpu: &Gpu| gpu.kind.power.energy(&gpu.busy, SimDuration::ZERO).work.as_f64();
    Share {
        busy: gpus.iter().map(|gpu| gpu.server.busy()).sum(),
        flop: gpus.iter().map(|gpu| gpu.flop).sum(),
        joules: gpus.iter().map(joules).sum(),
    }
}
