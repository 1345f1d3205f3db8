//! The drafts that wait before a GPU of the cloud, where the policy orders them.

use crate::ledger::SlotId;
use units::SimTime;

/// The queue before a GPU.
#[derive(Default)]
pub(crate) struct Desk {
    /// Batches that wait, in order of their arrival.
    pub(super) waiting: Vec<(u32, SlotId, SimTime)>,
    /// Batches that the GPU has.
    pub(super) running: Vec<u32>,
    /// Requests that the GPU may verify drafts of.
    pub(super) clients: u32,
}
