//! Scales of measured time: a machine that plays a tier that it is not.

use crate::Work;

/// Factors on the measured time of each kind of step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimeScale {
    /// Decoding and resizing pictures.
    pub preprocess: f64,
    /// The probe.
    pub probe: f64,
    /// Reading prompts, vision tower included.
    pub prefill: f64,
    /// Tokens of an answer of the model's own.
    pub decode: f64,
    /// Drafted tokens.
    pub draft: f64,
    /// Verifying drafts.
    pub verify: f64,
}

impl TimeScale {
    /// As it was measured.
    pub const MEASURED: Self = Self { preprocess: 1.0, probe: 1.0, prefill: 1.0, decode: 1.0, draft: 1.0, verify: 1.0 };

    /// The scale of some work.
    pub(super) fn of(&self, work: &Work<'_>) -> f64 {
        match work {
            Work::Probe | Work::Encode => self.probe,
            Work::Prefill { .. } => self.prefill,
            Work::Decode | Work::Own => self.decode,
            Work::Draft | Work::Expand { .. } => self.draft,
            Work::Verify { .. } | Work::Check { .. } | Work::Judge { .. } | Work::Pass | Work::Piece { .. } => {
                self.verify
            }
        }
    }
}
