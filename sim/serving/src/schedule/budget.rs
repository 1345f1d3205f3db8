//! The budget of tokens of one step.

/// Tokens that a step can still take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Budget {
    left: u32,
    /// Tokens that each request takes besides its own.
    each: u32,
}

impl Budget {
    pub fn new(tokens: u32, each: u32) -> Self {
        Self { left: tokens, each }
    }

    /// Most tokens that the next request can have; none ends the step.
    pub fn room(self) -> u32 {
        self.left.saturating_sub(self.each)
    }

    pub fn take(&mut self, tokens: u32) {
        self.left -= tokens + self.each;
    }

    pub fn give_back(&mut self, tokens: u32) {
        self.left += tokens + self.each;
    }
}
