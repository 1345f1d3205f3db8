//! The sequences that a backend holds, by number: a number that was given back is given out again.

use crate::Sequence;

/// See the module. Asking for a sequence that is not open panics: that is a bug of the caller.
pub(crate) struct Sequences<T> {
    open: Vec<Option<T>>,
    free: Vec<Sequence>,
}

impl<T> Default for Sequences<T> {
    fn default() -> Self {
        Self { open: Vec::new(), free: Vec::new() }
    }
}

impl<T> Sequences<T> {
    /// Opens a sequence.
    pub(crate) fn open(&mut self, state: T) -> Sequence {
        match self.free.pop() {
            Some(sequence) => {
                self.open[sequence as usize] = Some(state);
                sequence
            }
            None => {
                self.open.push(Some(state));
                self.open.len() as Sequence - 1
            }
        }
    }

    /// A sequence.
    #[inline]
    pub(crate) fn get(&self, sequence: Sequence) -> &T {
        let state = self.open.get(sequence as usize).and_then(Option::as_ref);
        state.unwrap_or_else(|| panic!("sequence {sequence} is not open"))
    }

    /// A sequence, to be changed.
    #[inline]
    pub(crate) fn get_mut(&mut self, sequence: Sequence) -> &mut T {
        let state = self.open.get_mut(sequence as usize).and_then(Option::as_mut);
        state.unwrap_or_else(|| panic!("sequence {sequence} is not open"))
    }

    /// Gives a sequence up.
    pub(crate) fn close(&mut self, sequence: Sequence) {
        let state = self.open.get_mut(sequence as usize).and_then(Option::take);
        assert!(state.is_some(), "sequence {sequence} is not open");
        self.free.push(sequence);
    }

    /// Number of open sequences.
    pub(crate) fn len(&self) -> usize {
        self.open.len() - self.free.len()
    }
}
