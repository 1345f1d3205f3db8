//! Spans: what the requests that the recorder asks for are doing, and since when they wait for it.
//!
//! A run whose recorder wants none pays one branch wherever a span could begin or end. Spans are written when their end is
//! known, so not in the order of their beginnings. Work that outlives its request (drafts that are void, an input that
//! nobody needs any more) is in them as far as it had begun; it is no part of the request's latency.

use super::{Phase, Recorder, RequestRecord, SlotId, SpanRecord};
use std::collections::BTreeMap;
use units::SimTime;

/// The watched requests in flight.
#[derive(Default)]
pub(crate) struct Watch {
    /// By generation of the slot.
    pub(crate) live: BTreeMap<u32, Watched>,
    /// Since when each of their jobs waits, and in which phase, by generation, GPU and ticket.
    pub(crate) waiting: BTreeMap<(u32, u32, u64), (SimTime, Phase)>,
}

/// A request that is watched.
pub(crate) struct Watched {
    pub(crate) request: u64,
    pub(crate) edge: u32,
    /// Batches of drafts sent so far.
    pub(crate) batches: u32,
}

impl Watch {
    /// True if any request is watched now.
    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        !self.live.is_empty()
    }

    /// True if this request is watched.
    #[inline]
    pub(crate) fn watches(&self, id: SlotId) -> bool {
        self.is_on() && self.live.contains_key(&id.generation)
    }

    /// Begins to watch a request.
    pub(crate) fn begin(&mut self, id: SlotId, request: u64, edge: u32) {
        self.live.insert(id.generation, Watched { request, edge, batches: 0 });
    }

    /// A job of a request, by its GPU and ticket, begins to wait, if the request is watched.
    pub(crate) fn wait(&mut self, id: SlotId, (gpu, ticket): (u32, u64), since: SimTime) {
        if self.watches(id) {
            self.waiting.insert((id.generation, gpu, ticket), (since, Phase::Queued));
        }
    }

    /// A batch of drafts is sent: its number, from 1; 0 of requests that are not watched.
    #[inline]
    pub(crate) fn next_round(&mut self, id: SlotId) -> u32 {
        let Some(watched) = self.live.get_mut(&id.generation) else { return 0 };
        watched.batches += 1;
        watched.batches
    }

    /// A request has ended: its span as a whole is written, and it is watched no more.
    #[cold]
    pub(crate) fn end(&mut self, generation: u32, record: &RequestRecord, recorder: &mut dyn Recorder) {
        let Some(watched) = self.live.remove(&generation) else { return };
        if let Some(moments) = &record.moments {
            recorder.span(&SpanRecord {
                tokens: moments.tokens,
                bytes: record.uplink + record.downlink,
                duration: moments.e2e(),
                start: record.submit,
                ..SpanRecord::of(watched.request, watched.edge)
            });
        }
        self.forget(generation);
    }

    /// A request is watched no more.
    pub(crate) fn forget(&mut self, generation: u32) {
        self.live.remove(&generation);
        self.waiting.retain(|(other, ..), _| *other != generation);
    }
}
