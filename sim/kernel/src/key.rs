//! The order of events, in one place.
//!
//! An event is one packed 128-bit key: `time (64) | phase (2) | order (38) | target (24)`. Comparing two keys as integers
//! compares time first, then phase, then the order. The target rides along in the low bits and never decides.
//!
//! The order is the sequence of scheduling. Only iterations end in the order of their servers: whoever works out several of
//! them in one event schedules fewer, and earlier, and must not change what comes first in a nanosecond.

use units::SimTime;

const TARGET_BITS: u32 = 24;
const ORDER_BITS: u32 = 38;
const PHASE_SHIFT: u32 = TARGET_BITS + ORDER_BITS;

/// The order of events within one instant: lower phases first.
///
/// Batches are formed in a later phase than every completion. A batch formed at the first completion of an instant
/// would miss the other work of that instant. Its clients would split into two groups that alternate for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Phase {
    /// Timers, arrivals, deliveries.
    Happen = 0,
    /// Iterations end, in the order of their servers.
    Iterate = 1,
    /// Servers look at what has happened and start their next batch.
    Batch = 2,
}

/// The receiver of an event: a [`Wait`](crate::Wait) of a process, or a component of the host with a code of 23 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target(u32);

impl Target {
    const COMPONENT: u32 = 1 << (TARGET_BITS - 1);
    /// The first in the order that never decides.
    pub(crate) const FIRST: Self = Self(0);
    /// Indices of waits and components stay below this.
    pub const LIMIT: u32 = Self::COMPONENT;

    #[inline]
    pub(crate) fn wait(index: u32) -> Self {
        assert!(index < Self::LIMIT, "more than {} pending waits", Self::LIMIT);
        Self(index)
    }

    /// The host's component `code`; the host defines the meaning of the bits.
    ///
    /// # Panics
    /// If `code` needs more than 23 bits.
    #[inline]
    pub fn component(code: u32) -> Self {
        assert!(code < Self::LIMIT, "component code {code} needs more than 23 bits");
        Self(code | Self::COMPONENT)
    }

    /// `Ok(code)` of a component or `Err(index)` of a wait.
    #[inline]
    pub fn decode(self) -> Result<u32, u32> {
        if self.0 & Self::COMPONENT != 0 { Ok(self.0 & !Self::COMPONENT) } else { Err(self.0) }
    }
}

/// The packed key of one event.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key(u128);

impl Key {
    /// Sorts after every real event.
    pub const NEVER: Self = Self(u128::MAX);
    /// Sorts before every event but the very first that there may be.
    pub(crate) const START: Self = Self(0);

    /// Packs an event.
    ///
    /// # Panics
    /// After 2^38 events in one run (2.7e11), when the order would wrap.
    #[inline]
    pub fn new(time: SimTime, phase: Phase, order: u64, target: Target) -> Self {
        assert!(order < 1 << ORDER_BITS, "a run of more than 2^38 events");
        Self(
            u128::from(time.as_ns()) << 64
                | u128::from(phase as u8) << PHASE_SHIFT
                | u128::from(order) << TARGET_BITS
                | u128::from(target.0),
        )
    }

    /// Time of the event.
    #[inline]
    pub fn time(self) -> SimTime {
        SimTime::from_ns((self.0 >> 64) as u64)
    }

    /// Wait or component that the event is for.
    #[inline]
    pub fn target(self) -> Target {
        Target(self.0 as u32 & ((1 << TARGET_BITS) - 1))
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} {:?}", self.time(), self.target())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_time_then_phase_then_sequence_and_never_target() {
        let key =
            |ns, phase, sequence, target| Key::new(SimTime::from_ns(ns), phase, sequence, Target::component(target));
        let ordered = [
            key(1, Phase::Happen, 9, 9),
            key(1, Phase::Iterate, 2, 1),
            key(1, Phase::Iterate, 3, 0),
            key(1, Phase::Batch, 0, 0),
            key(1, Phase::Batch, 1, 7),
            key(1, Phase::Batch, 2, 3),
            key(2, Phase::Happen, 0, 0),
        ];
        assert!(ordered.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn a_key_gives_back_what_was_packed() {
        let key = Key::new(SimTime::from_ns(u64::MAX), Phase::Batch, (1 << 38) - 1, Target::component(77));
        assert_eq!(key.time(), SimTime::from_ns(u64::MAX));
        assert_eq!(key.target().decode(), Ok(77));
        assert_eq!(Target::wait(77).decode(), Err(77));
    }
}
