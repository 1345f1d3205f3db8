//! `spans.parquet`: what a few requests of each policy at each point did, from the engine's records.
//!
//! Of the first replication, these: the first requests, one after the other, which a timeline shows; and some spread over the
//! run, of which means are made. Which ones depends on nothing but the number of requests, so they are the same for every policy.
//! The run is cut into equal pieces and one request of each is taken, at a place that looks random: every sixth request would be
//! wrong of a policy that alternates between two tiers.

use engine::SpanRecord;
use tables::{Keeping, Part, PartWriter, SpanRow, TableError};

/// The first requests, so many.
const FIRST: u64 = 30;

/// Most requests that are spread over the run.
const SPREAD: u64 = 100;

/// Writes the spans of one run.
pub struct Spans {
    rows: PartWriter<SpanRow>,
    /// One request of so many is among those that are spread.
    step: u64,
    /// A row with what all rows of the run have in common.
    common: SpanRow,
}

impl Spans {
    /// Begins with the part of a run of so many requests.
    pub fn new(rows: PartWriter<SpanRow>, requests: u64, common: SpanRow) -> Self {
        Self { rows, step: requests.div_ceil(SPREAD).max(1), common }
    }

    /// True if the spans of a request are written.
    pub fn wants(&self, request: u64) -> bool {
        request < FIRST || is_spread(request, self.step)
    }

    /// Writes a span.
    pub fn write(&mut self, span: &SpanRecord) -> Result<(), TableError> {
        self.rows.write(SpanRow {
            request: span.request,
            first: span.request < FIRST,
            spread: is_spread(span.request, self.step),
            edge: span.edge,
            lane: span.lane,
            unit: span.unit,
            kind: span.kind,
            phase: span.phase,
            round: span.round,
            tokens: span.tokens,
            context_tokens: span.context_tokens,
            bytes: span.bytes.as_u64(),
            batch: span.batch,
            start_ns: span.start.as_ns(),
            duration_ns: span.duration.as_ns(),
            ..self.common.clone()
        })
    }

    /// Ends the part.
    pub fn finish(self, keeping: &Keeping) -> Result<Part<SpanRow>, TableError> {
        self.rows.finish(keeping)
    }
}

/// True if a request is the one taken from its piece of `step` requests.
fn is_spread(request: u64, step: u64) -> bool {
    // splitmix64: the remainders of neighbours have nothing to do with each other.
    let mut mixed = (request / step + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ mixed >> 31) % step == request % step
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_request_of_each_piece_is_taken_and_none_is_favoured() {
        for step in [1, 2, 6, 30, 59] {
            let taken: Vec<u64> = (0..SPREAD * step).filter(|request| is_spread(*request, step)).collect();
            assert_eq!(taken.len() as u64, SPREAD, "{step}");
            assert!(taken.iter().zip(0..).all(|(request, piece)| request / step == piece), "{step}");
            if step > 1 {
                let even = taken.iter().filter(|request| request.is_multiple_of(2)).count();
                assert!((35..66).contains(&even), "{even} of {SPREAD} are even at {step}");
            }
        }
    }
}
