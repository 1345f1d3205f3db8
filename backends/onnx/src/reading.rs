//! A prompt that is being read, chunk by chunk.

use crate::decoder::Sequence;
use crate::error::Result;
use crate::positions::Positions;
use crate::session::middle;
use ort::value::DynValue;

/// A prompt of which the first tokens are in a sequence, and the rest is embedded.
pub struct Reading {
    pub(crate) sequence: Sequence,
    pub(crate) positions: Positions,
    /// Embeddings of the whole prompt.
    embedded: DynValue,
}

impl Reading {
    pub(crate) fn new(sequence: Sequence, positions: Positions, embedded: DynValue) -> Self {
        Self { sequence, positions, embedded }
    }

    /// Tokens of the prompt.
    pub fn tokens(&self) -> usize {
        self.positions.rows[0].len()
    }

    /// Tokens that have not been read.
    pub fn left(&self) -> usize {
        self.tokens() - self.sequence.tokens()
    }

    /// What has been read so far.
    pub fn sequence(&self) -> &Sequence {
        &self.sequence
    }

    /// The sequence, which answers from here on; of a prompt that was not read to its end, as far as it was.
    pub fn into_sequence(self) -> Sequence {
        self.sequence
    }

    /// Embeddings of the next tokens.
    pub(crate) fn next(&self, count: usize) -> Result<DynValue> {
        let start = self.sequence.tokens();
        middle(&self.embedded, start..start + count)
    }
}
