//! Jobs of requests on a GPU, and the items that they are in an iteration.

use crate::ledger::SlotId;
use backends::Done;
use kernel::WaitIndex;
use policies::Stretch;

/// Something to do for a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Job {
    pub(crate) slot: SlotId,
    /// Order of arrival at this GPU.
    pub(crate) ticket: u64,
    pub(crate) task: Task,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Task {
    /// Run the probe's layers.
    Probe { wait: WaitIndex },
    /// Encode the pictures with the vision tower of the cloud's model.
    Encode { wait: WaitIndex },
    /// Read the rest of a prompt.
    Prefill { left: u32, then: Then },
    /// Make the next token of an answer, and then the next.
    Answer,
    /// Draft tokens, one after the other.
    Draft { wait: WaitIndex, stretch: Stretch },
    /// Pass so many nodes of a tree of drafts, of one depth; that of the root is 0.
    Expand { wait: WaitIndex, nodes: u32, depth: u32 },
    /// Make the next token of the edge's own answer.
    Own { wait: WaitIndex },
    /// Verify the drafts of a message, after so many iterations that only read them.
    Verify { message: u32, before: u32 },
    /// Verify so many drafts of the small model beside this one, and make the next token.
    Speculate { drafts: u32 },
    /// Pass the last token through the edge's part of a split model.
    Lower { wait: WaitIndex },
    /// Pass the hidden states of a message through the cloud's part of a split model.
    Upper { message: u32 },
}

/// A job in an iteration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item {
    pub(crate) job: Job,
    /// Tokens of a prompt's chunk.
    pub(crate) chunk: u32,
    /// The reading that is done for a job, where that is not the whole of it.
    pub(crate) reading: Reading,
    /// Its result, known to the backend when the iteration begins.
    pub(crate) done: Done,
}

/// The reading that an item of a serving engine does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reading {
    /// A chunk is read of a prompt, or again of a request that was preempted. Otherwise the item is its task, or a piece of it.
    pub(crate) is_chunk: bool,
    /// A piece of a pass: of the drafts that are verified and the token before them.
    pub(crate) is_piece: bool,
    /// Tokens of its step, for a batch of drafts whose first pieces may have passed; 0 for the whole of it.
    pub(crate) step_tokens: u32,
    /// More is to be computed before the job is done.
    pub(crate) goes_on: bool,
    /// Pictures that are encoded for it.
    pub(crate) pictures: u32,
}

impl Item {
    /// An item that is the whole of its job, or a chunk of a prompt.
    pub(crate) fn of(job: Job, chunk: u32) -> Self {
        Self { job, chunk, reading: Reading::default(), done: Done::Nothing }
    }

    /// True if it belongs to the prompts.
    pub(crate) fn reads_a_prompt(&self) -> bool {
        self.job.task.reads_a_prompt() || self.reading.is_chunk
    }
}

impl Task {
    /// True if it runs beside a serving engine, which knows nothing of it.
    pub(crate) fn is_beside(&self) -> bool {
        matches!(self, Self::Probe { .. } | Self::Encode { .. })
    }

    /// True if it belongs to the prompts, of which an iteration takes one.
    pub(crate) fn reads_a_prompt(&self) -> bool {
        matches!(self, Self::Probe { .. } | Self::Encode { .. } | Self::Prefill { .. })
    }
}

/// The sequel of a prompt.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Then {
    /// The answer.
    Answer,
    /// The answer, for which the small model beside this one drafts.
    Speculate,
    /// The process goes on.
    Fire(WaitIndex),
    /// Batches that wait may be verified.
    Open,
    /// The token goes down with a message.
    Return(u32),
}
