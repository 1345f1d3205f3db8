//! The place of a request in the list that its content is from.

/// The place of a request among those of the workload, or of the group that has its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// 0 is the workload; a group has its number and 1.
    owner: u32,
    number: u64,
}

/// Bits of a number of requests; the owner stands above them in keys of random streams.
const NUMBER_BITS: u32 = 40;

impl Row {
    /// A place of an owner's list.
    pub(super) fn new(owner: u32, number: u64) -> Self {
        Self { owner, number }
    }

    /// The owner of its list.
    pub(super) fn owner(self) -> u32 {
        self.owner
    }

    /// A request of the workload, which has as many in front of it.
    pub(crate) fn of_workload(number: u64) -> Self {
        Self { owner: 0, number }
    }

    /// The key of its random streams: the k-th request of a list is the same under every policy.
    pub(crate) fn key(self) -> u64 {
        (u64::from(self.owner) << NUMBER_BITS) | self.number
    }

    /// The place in its list.
    pub(crate) fn number(self) -> u64 {
        self.number
    }

    /// A place so many behind it.
    pub(crate) fn behind(self, many: u64) -> Self {
        Self { number: self.number + many, ..self }
    }

    /// A block of its trace, told apart from those of other traces.
    pub(crate) fn block(self, block: u64) -> u64 {
        block ^ (u64::from(self.owner) << (u64::BITS - 16))
    }
}
