//! State of a session: a request whose answer is drafted elsewhere.

/// State of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Session {
    /// The whole prompt is in a step.
    pub read: bool,
    /// Drafts that wait to be verified, or are being verified.
    pub offered: Option<u32>,
    /// The drafts are in a step.
    pub verifying: bool,
}

impl Session {
    /// Nothing can be computed for it.
    pub fn waits_for_drafts(&self) -> bool {
        self.read && (self.verifying || self.offered.is_none())
    }

    /// Tokens of its next step, where `known` tokens are not computed. Drafts are verified together, with the known token
    /// before them: a step that has no room for all of them computes what is before that token.
    pub fn chunk(&self, known: u32, threshold: u32, room: u32) -> u32 {
        if self.waits_for_drafts() {
            return 0;
        }
        match self.offered {
            None => known.min(threshold).min(room),
            Some(drafts) if known <= threshold && known + drafts <= room => known + drafts,
            Some(_) => known.saturating_sub(1).min(threshold).min(room),
        }
    }
}
