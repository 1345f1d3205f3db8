//! A step that is being formed: its budgets and the work so far.

use super::budget::Budget;
use super::pictures::Pictures;
use crate::replica::Replica;
use crate::request::Id;
use crate::settings::Drafter;
use crate::step::{Entry, Step, Work};

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

/// Work that was found for a request, before there is room for it.
pub(super) struct Due {
    pub tokens: u32,
    /// Pictures to encode or hold; mostly none.
    pub pictures: Option<Box<Pictures>>,
}

impl Due {
    /// Tokens without pictures.
    pub fn of(tokens: u32) -> Self {
        Self { tokens, pictures: None }
    }
}

impl Forming {
    pub fn new(replica: &Replica) -> Self {
        let (rules, settings) = (&replica.rules, &replica.settings);
        let alone = replica.running.len() + replica.waiting.len() <= 1;
        let threshold = settings.long_prompt_threshold.filter(|_| !alone || rules.threshold_when_alone);
        let each = if settings.drafter == Drafter::Model { rules.draft_model_tokens } else { 0 };
        Self {
            step: Step { work: Vec::with_capacity(replica.running.len()), ..Step::default() },
            budget: Budget::new(settings.step_tokens, each),
            threshold: threshold.unwrap_or(u32::MAX),
            embeddings: settings.encoder_step,
            continues_prompt: false,
        }
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

impl Replica {
    /// Puts work into the step. There is room for it.
    pub(super) fn give(&mut self, id: Id, entry: Entry, due: Due, forming: &mut Forming) {
        let sequence = &mut self.sequences[id];
        let known = sequence.tokens() + sequence.pending;
        let drafted = (sequence.computed + due.tokens).saturating_sub(known).min(sequence.drafts);
        sequence.drafts = 0;
        forming.budget.take(due.tokens);
        let work = Work {
            id,
            entry,
            computed: sequence.computed,
            tokens: due.tokens,
            drafted,
            blocks: sequence.blocks.len() as u32,
            samples: false,
        };
        forming.step.work.push(work);
        if let Some(pictures) = due.pictures {
            self.encode(id, &pictures, forming);
        }
    }
}
