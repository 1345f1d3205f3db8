//! A step that is being formed: its budgets and the work so far.

use super::budget::Budget;
use crate::replica::Replica;
use crate::request::Id;
use crate::session::Limits;
use crate::settings::{Drafter, Settings};
use crate::step::{Step, Work};

pub(super) struct Forming {
    pub step: Step,
    pub budget: Budget,
    /// Most tokens of one request.
    pub threshold: u32,
    /// Embeddings that can still be encoded.
    pub embeddings: u32,
    /// The step goes on with a prompt that was cut before.
    pub continues_prompt: bool,
}

impl Forming {
    pub fn new(replica: &Replica, mut step: Step) -> Self {
        let (rules, settings) = (&replica.rules, &replica.settings);
        let alone = replica.running.len() + replica.waiting.len() <= 1;
        let threshold = settings.long_prompt_threshold.filter(|_| !alone || rules.threshold_when_alone);
        let each = if settings.drafter == Drafter::Model { rules.draft_model_tokens } else { 0 };
        step.clear();
        step.work.reserve(replica.running.len());
        Self {
            step,
            budget: Budget::new(settings.step_tokens, each),
            threshold: threshold.unwrap_or(u32::MAX),
            embeddings: settings.encoder_step,
            continues_prompt: false,
        }
    }

    /// Limits of what the next request may have.
    pub fn limits(&self, settings: &Settings) -> Limits {
        Limits { threshold: self.threshold, room: self.budget.room(), step_tokens: settings.step_tokens }
    }

    /// Takes back the work of a request that is preempted after all.
    pub fn take_back(&mut self, id: Id) -> Option<Work> {
        let place = self.step.work.iter().position(|work| work.id == id)?;
        let work = self.step.work.remove(place);
        self.budget.give_back(work.tokens);
        for encoding in self.step.encodings.extract_if(.., |encoding| encoding.id == id) {
            self.embeddings += encoding.embeddings;
        }
        Some(work)
    }
}
