//! A prompt that is being read, chunk by chunk.

use crate::decoder::Sequence;
use crate::error::Result;
use crate::positions::Positions;
use crate::session::middle;
use ort::session::SessionInputValue;
use ort::value::DynValue;

/// A prompt of which the first tokens are in a sequence, and the rest is embedded.
pub struct Reading {
    sequence: Sequence,
    positions: Positions,
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

    /// The sequence read so far.
    pub fn sequence(&self) -> &Sequence {
        &self.sequence
    }

    /// The sequence, which answers from here on; of a prompt that was not read to its end, as far as it was.
    pub fn into_sequence(self) -> Sequence {
        self.sequence
    }

    /// The sequence that reads them, the prompt's positions, and the embeddings of the next tokens: a view if they are
    /// all.
    pub(crate) fn next(&mut self, count: usize) -> Result<(&mut Sequence, &Positions, SessionInputValue<'_>)> {
        let start = self.sequence.tokens();
        let embedded = if count == self.tokens() {
            (&self.embedded).into()
        } else {
            middle(&self.embedded, start..start + count)?.into()
        };
        Ok((&mut self.sequence, &self.positions, embedded))
    }
}
