//! The events of a run.

use kernel::Target;

/// Lanes of the event queue: what happens at once, what arrives over each direction of the link, and the ends of edges'
/// iterations that read no prompt, which all take about as long.
pub(crate) const NOW: Option<u8> = Some(0);
pub(crate) const UP: Option<u8> = Some(1);
pub(crate) const DOWN: Option<u8> = Some(2);
pub(crate) const STEP: Option<u8> = Some(3);

/// An event, which is packed into a component code: four bits of kind, nineteen of index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// The next request of an open loop, from a source.
    Arrival(u32),
    /// A GPU may form its next batch.
    Batch(u32),
    /// A GPU's iteration is complete.
    Iteration(u32),
    /// A message has arrived at the cloud.
    AtCloud(u32),
    /// A message has arrived at the edge.
    AtEdge(u32),
    /// A shared hop up has a flight that has left, or another rate.
    HopUp(u32),
    /// A shared hop down likewise.
    HopDown(u32),
    /// A connection may send more up.
    WindowUp(u32),
    /// A connection may send more down.
    WindowDown(u32),
    /// Clients that have given up go on by themselves.
    Adoption,
    /// A flight on its way up comes to its next hop.
    PassedUp(u32),
    /// A flight on its way down likewise.
    PassedDown(u32),
}

const INDEX_BITS: u32 = 19;

impl Event {
    pub(crate) fn target(self) -> Target {
        let (kind, index) = match self {
            Self::Arrival(source) => (0, source),
            Self::Batch(gpu) => (1, gpu),
            Self::Iteration(gpu) => (2, gpu),
            Self::AtCloud(message) => (3, message),
            Self::AtEdge(message) => (4, message),
            Self::HopUp(hop) => (5, hop),
            Self::HopDown(hop) => (6, hop),
            Self::WindowUp(connection) => (7, connection),
            Self::WindowDown(connection) => (8, connection),
            Self::Adoption => (9, 0),
            Self::PassedUp(flight) => (10, flight),
            Self::PassedDown(flight) => (11, flight),
        };
        assert!(index < 1 << INDEX_BITS, "more than {} GPUs, messages or connections at once", 1 << INDEX_BITS);
        Target::component(kind << INDEX_BITS | index)
    }

    pub(crate) fn decode(code: u32) -> Self {
        let index = code & ((1 << INDEX_BITS) - 1);
        match code >> INDEX_BITS {
            0 => Self::Arrival(index),
            1 => Self::Batch(index),
            2 => Self::Iteration(index),
            3 => Self::AtCloud(index),
            4 => Self::AtEdge(index),
            5 => Self::HopUp(index),
            6 => Self::HopDown(index),
            7 => Self::WindowUp(index),
            8 => Self::WindowDown(index),
            9 => Self::Adoption,
            10 => Self::PassedUp(index),
            11 => Self::PassedDown(index),
            kind => unreachable!("no event of kind {kind}"),
        }
    }
}
