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

/// Tokens of a session that are not computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Uncomputed {
    /// Tokens of its prompt and its answer.
    pub known: u32,
    /// Drafts that are offered.
    pub drafts: u32,
}

/// Limits of what one request may have of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Most tokens of a prompt.
    pub threshold: u32,
    /// Tokens that the step still takes.
    pub room: u32,
    /// Tokens of an empty step.
    pub step_tokens: u32,
}

impl Session {
    /// Nothing can be computed for it.
    pub fn waits_for_drafts(&self) -> bool {
        self.read && (self.verifying || self.offered.is_none())
    }

    /// Tokens of its next step, where `uncomputed` are to come: known ones, and drafts that are offered.
    ///
    /// Drafts are verified together, with the known token before them: a step that has no room for all of them computes what
    /// is before that token. A batch that not even an empty step has room for is computed in pieces.
    pub fn chunk(&self, uncomputed: Uncomputed, limits: Limits) -> u32 {
        let Uncomputed { known, drafts } = uncomputed;
        let Limits { threshold, room, step_tokens } = limits;
        if self.waits_for_drafts() {
            return 0;
        }
        if self.offered.is_none() {
            return known.min(threshold).min(room);
        }
        if known <= threshold && known + drafts <= room {
            return known + drafts;
        }
        let before = known.saturating_sub(1);
        if before == 0 && known + drafts > step_tokens { room } else { before.min(threshold).min(room) }
    }
}
