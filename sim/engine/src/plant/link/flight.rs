//! Flights: packets of a message that leave together, those of them that are lost, and their way.

use crate::ledger::Phase;
use kernel::Service;
use units::{Bytes, SimDuration, SimTime};

/// Packets of a message that leave together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flight {
    pub(super) message: u32,
    pub(super) edge: u32,
    pub(super) connection: u32,
    /// Its request's own number.
    pub(super) request: u32,
    /// The flow that it belongs to on a shared medium.
    pub(super) flow: u32,
    pub(super) packets: u32,
    /// Bytes on the wire without those that are lost.
    pub(super) bytes: Bytes,
    /// It waits since then, and that is why.
    pub(super) since: SimTime,
    pub(super) wait: Phase,
    pub(super) is_last: bool,
    /// The round trip from the end of the link to its pool.
    pub(super) beyond: SimDuration,
    pub(super) warm_up: bool,
}

/// A flight on its way through the hops.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trip {
    pub(super) flight: Flight,
    pub(super) loss: Loss,
    /// It was put on the first hop then.
    pub(super) put: SimTime,
    /// The step of its way that it is at.
    pub(super) step: u32,
    /// The hops behind it took it for that time.
    pub(super) over: Option<Service>,
}

/// A flight's way over the link.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Passage {
    /// It waits from then on.
    pub(crate) since: SimTime,
    /// For its turn, for a handshake or for the window.
    pub(crate) wait: Phase,
    /// Its first bit gets onto the link.
    pub(crate) started: SimTime,
    /// Its last bit has left.
    pub(crate) left: SimTime,
    /// The whole message arrives; none if more flights of it follow.
    pub(crate) arrival: Option<SimTime>,
}

/// The packets of a flight that are lost.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Loss {
    /// Their bytes, which are sent again.
    pub(super) bytes: Bytes,
    /// Bytes that found the queue full: they never were on the link before they are sent again.
    pub(super) dropped: Bytes,
    /// Round trips that this takes, of the length that they have when the flight has left.
    pub(super) rounds: u64,
    /// Time that passes besides, before the loss is noticed.
    pub(super) delay: SimDuration,
}
