//! The probability that an answer is right.

use super::slot::Slot;
use kernel::Streams;
use model::{accuracy::AccuracyModel, request::Input};
use policies::ServedBy;
use units::SimDuration;

/// Grades answers by the model that gave them, the pruning of their input, and their deadline.
pub(crate) struct Grading {
    pub(crate) accuracy: AccuracyModel,
    pub(crate) streams: Streams,
    /// Answers that take longer count as wrong.
    pub(crate) deadline: Option<SimDuration>,
}

impl Grading {
    /// The probability that an answer is right, or its grade where whoever answered can tell.
    pub(crate) fn correct<R>(&self, slot: &Slot<R>, by: ServedBy, e2e: SimDuration, graded: Option<f64>) -> f64 {
        if self.deadline.is_some_and(|deadline| e2e > deadline) {
            return 0.0;
        }
        if let Some(graded) = graded {
            return graded;
        }
        let about = &slot.about;
        let difficulty = self.accuracy.difficulty(self.streams, about.request.prompt.request);
        let right = |by_cloud, input: &Input| self.accuracy.correct(&difficulty, by_cloud, input);
        match by {
            ServedBy::Edge => right(false, &about.input),
            ServedBy::Cloud => right(true, &about.input),
            ServedBy::Both => right(!about.diverged, &about.input),
            ServedBy::Published(remaining) => right(true, &Input::whole(about.request.prompt)) * remaining,
        }
    }
}
