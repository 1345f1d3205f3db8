//! The probability that an answer is right.

use super::slot::Slot;
use kernel::Streams;
use model::{accuracy::AccuracyModel, request::Input};
use policies::ServedBy;
use units::SimDuration;

/// Grades answers by the model that gave them, the pruning of their input, and their deadline.
pub(crate) struct Grading {
    /// Accuracies of each group's requests in each pool, by class.
    pub(crate) accuracy: Vec<Vec<Vec<AccuracyModel>>>,
    pub(crate) streams: Streams,
    /// Answers that take longer count as wrong.
    pub(crate) deadline: Option<SimDuration>,
}

impl Grading {
    /// The accuracies of the models that may serve a request.
    pub(crate) fn of<R>(&self, Slot { about, pool, .. }: &Slot<R>) -> &AccuracyModel {
        &self.accuracy[about.class as usize][about.group as usize][*pool as usize]
    }

    /// The probability that an answer is right, or its grade where whoever answered can tell. None where the accuracy of
    /// the model that answered is not known.
    pub(crate) fn correct<R>(
        &self,
        slot: &Slot<R>,
        by: ServedBy,
        e2e: SimDuration,
        graded: Option<f64>,
    ) -> Option<f64> {
        let correct = graded.or_else(|| self.expected(slot, by))?;
        let is_late = self.deadline.is_some_and(|deadline| e2e > deadline);
        Some(if is_late { 0.0 } else { correct })
    }

    /// The probability that an answer is right by the accuracies of the models.
    fn expected<R>(&self, slot: &Slot<R>, by: ServedBy) -> Option<f64> {
        let (accuracy, about) = (self.of(slot), &slot.about);
        let difficulty = accuracy.difficulty(self.streams, about.request.prompt.request);
        let right = |by_cloud, input: &Input| accuracy.correct(&difficulty, by_cloud, input);
        match by {
            ServedBy::Edge => right(false, &about.input()),
            ServedBy::Cloud => right(true, &about.input()),
            ServedBy::Both => right(!about.diverged, &about.input()),
            ServedBy::Published(remaining) => Some(right(true, &Input::whole(about.request.prompt))? * remaining),
        }
    }
}
