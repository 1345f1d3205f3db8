//! Notes of policies on requests in flight: decisions, and the thresholds of batches. Nothing is kept of what no table wants.

use super::recorder::{DecisionRecord, Recorder, RequestRecord};
use super::slot::SlotId;
use model::decoding::Draft;
use policies::Note;
use std::collections::BTreeMap;

/// A note with its round and value.
pub(crate) type Noted = (u32, &'static Note, f64);

/// Notes on the requests in flight, by generation.
pub(crate) struct Notes {
    wants_decisions: bool,
    wants_tokens: bool,
    decisions: BTreeMap<u32, Vec<Noted>>,
    thresholds: BTreeMap<u32, Threshold>,
}

/// The threshold of a batch, and the token above it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Threshold {
    /// Nats.
    pub(crate) nats: f32,
    pub(crate) unsure: Option<Draft>,
}

impl Default for Threshold {
    fn default() -> Self {
        Self { nats: f32::INFINITY, unsure: None }
    }
}

impl Notes {
    pub(crate) fn new(recorder: &dyn Recorder) -> Self {
        Self {
            wants_decisions: recorder.wants_decisions(),
            wants_tokens: recorder.wants_tokens(),
            decisions: BTreeMap::new(),
            thresholds: BTreeMap::new(),
        }
    }

    /// Notes a decision. The last value of a round stands.
    pub(crate) fn decision(&mut self, id: SlotId, round: u32, note: &'static Note, value: f64) {
        if !self.wants_decisions {
            return;
        }
        let noted = self.decisions.entry(id.generation).or_default();
        match noted.iter_mut().find(|(at, other, _)| (*at, other.name) == (round, note.name)) {
            Some((.., earlier)) => *earlier = value,
            None => noted.push((round, note, value)),
        }
    }

    /// Notes the threshold of the next batch.
    #[inline]
    pub(crate) fn threshold(&mut self, id: SlotId, nats: f32, unsure: Option<&Draft>) {
        if self.wants_tokens {
            self.thresholds.insert(id.generation, Threshold { nats, unsure: unsure.copied() });
        }
    }

    /// Takes the threshold of the batch that is sent now.
    pub(crate) fn take_threshold(&mut self, id: SlotId) -> Threshold {
        self.thresholds.remove(&id.generation).unwrap_or_default()
    }

    /// Takes out the decisions of a request that has ended elsewhere.
    pub(crate) fn take(&mut self, id: SlotId) -> Vec<Noted> {
        self.thresholds.remove(&id.generation);
        self.decisions.remove(&id.generation).unwrap_or_default()
    }

    /// Takes in the decisions of a request that were noted elsewhere.
    pub(crate) fn put(&mut self, id: SlotId, decisions: Vec<Noted>) {
        if !decisions.is_empty() {
            self.decisions.insert(id.generation, decisions);
        }
    }

    /// Hands the decisions of a request that has ended to the recorder, round by round.
    pub(crate) fn end(&mut self, id: SlotId, ended: &RequestRecord, recorder: &mut dyn Recorder) {
        self.thresholds.remove(&id.generation);
        let Some(mut noted) = self.decisions.remove(&id.generation) else { return };
        noted.sort_by_key(|(round, ..)| *round);
        for of_round in noted.chunk_by(|a, b| a.0 == b.0) {
            let notes: Vec<_> = of_round.iter().map(|&(_, note, value)| (note, value)).collect();
            let (request, edge) = (ended.request.prompt.request, ended.edge);
            recorder.decision(&DecisionRecord { request, edge, round: of_round[0].0, notes: &notes });
        }
    }
}
