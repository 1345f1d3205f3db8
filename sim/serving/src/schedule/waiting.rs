//! Waiting requests in the next step.

use super::due::Due;
use super::forming::Forming;
use crate::blocks::Held;
use crate::engines::Admission as Room;
use crate::replica::Replica;
use crate::request::Id;
use crate::sequence::{Sequence, Status};
use crate::settings::Drafter;
use crate::step::Entry;

/// The verdict on a waiting request.
#[derive(PartialEq, Eq)]
enum Admission {
    Admitted,
    /// The step cannot encode its next picture.
    HeldByPicture,
    /// Budget or blocks are not enough.
    Refused,
}

impl Replica {
    /// Admits waiting requests, in order. The first one that cannot be admitted holds up all behind it.
    pub(super) fn admit_waiting(&mut self, forming: &mut Forming) {
        let mut passed_by = Vec::new();
        while forming.budget.room() > 0 && self.running.len() < self.settings.sequences as usize {
            let Some(id) = self.waiting.first() else { break };
            match self.admit(id, forming) {
                Admission::Admitted => {}
                Admission::HeldByPicture if self.rules.passes_held_pictures => passed_by.extend(self.waiting.pop()),
                Admission::HeldByPicture | Admission::Refused => break,
            }
        }
        for id in passed_by.into_iter().rev() {
            self.waiting.put_back(id, &self.sequences[id].request);
        }
    }

    /// Admits the first waiting request if budget, pictures and blocks allow it.
    fn admit(&mut self, id: Id, forming: &mut Forming) -> Admission {
        let hit = self.find_prefix(id);
        let found = hit.len() as u32 * self.settings.block_tokens;
        if !self.rules.counts_admitted_lookups {
            self.count_lookup(id, found, forming);
        }
        let Some(tokens) = self.first_chunk(id, found, forming) else { return Admission::Refused };
        let shows_pictures = !self.sequences[id].pictures.is_empty();
        let due = if shows_pictures { self.with_pictures(id, found, tokens, forming) } else { Due::of(tokens) };
        if due.tokens == 0 {
            return Admission::HeldByPicture;
        }
        if !self.fits(id, &hit, found + due.tokens) {
            self.release_pictures(id);
            return Admission::Refused;
        }
        if self.rules.counts_admitted_lookups {
            self.count_lookup(id, found, forming);
        }
        let entry = self.enter(id, hit, found + due.tokens);
        self.give(id, entry, due, forming);
        Admission::Admitted
    }

    /// Blocks of the longest prefix in the cache. The last token is never among it: it is computed for its logits.
    fn find_prefix(&mut self, id: Id) -> Vec<u32> {
        let sequence = &mut self.sequences[id];
        if !self.settings.prefix_cache || (sequence.request.is_private && sequence.preemptions == 0) {
            return Vec::new();
        }
        let most = (sequence.tokens() - 1) / self.settings.block_tokens;
        let mut hit = self.blocks.find(sequence.keys.first(most, &sequence.request, self.settings.block_tokens));
        if self.settings.drafter == Drafter::Eagle {
            // the head needs the states of the last block, which are not kept
            hit.pop();
        }
        hit
    }

    fn count_lookup(&mut self, id: Id, found: u32, forming: &mut Forming) {
        if self.settings.prefix_cache {
            let sequence = &self.sequences[id];
            let step = &mut forming.step;
            let lookups = if sequence.preemptions > 0 { &mut step.lookups_preempted } else { &mut step.lookups };
            lookups.tokens += u64::from(sequence.tokens());
            lookups.found += u64::from(found);
        }
    }

    /// Tokens that the budget allows for a request after `found` cached ones; none if it has to wait.
    fn first_chunk(&mut self, id: Id, found: u32, forming: &Forming) -> Option<u32> {
        let room = forming.budget.room();
        let sequence = &self.sequences[id];
        if let Some(session) = &sequence.session {
            let all = sequence.tokens() - found + session.offered.unwrap_or(0);
            let tokens = session.chunk(sequence.uncomputed(found), forming.limits(&self.settings));
            return (tokens > 0 && (self.settings.chunked_prompts || tokens == all)).then_some(tokens);
        }
        let mut tokens = sequence.tokens() - found;
        if tokens == 1 && self.joins_verifications(found, forming) {
            tokens = 1 + self.settings.draft_tokens;
            if tokens > room {
                return None;
            }
            self.sequences[id].drafts = self.settings.draft_tokens;
        }
        let tokens = tokens.min(forming.threshold);
        if !self.settings.chunked_prompts && tokens > room {
            return None;
        }
        Some(tokens.min(room))
    }

    /// A single token is padded with void drafts, so that all of the batch has the same shape.
    fn joins_verifications(&self, found: u32, forming: &Forming) -> bool {
        let verifies = forming.step.work.iter().any(|work| work.entry == Entry::Running) || found > 0;
        let padded = 1 + self.settings.draft_tokens;
        self.rules.pads_single_tokens
            && self.settings.draft_tokens > 0
            && !forming.continues_prompt
            && verifies
            && found + padded < self.settings.context
    }

    /// Enough blocks are free for the first `tokens` tokens, and behind the gate for all. Cached blocks that nobody holds
    /// count as free until they are held.
    fn fits(&self, id: Id, hit: &[u32], tokens: u32) -> bool {
        let sequence = &self.sequences[id];
        let free = self.blocks.free().saturating_sub(self.blocks.idle(hit));
        let lookahead = if self.rules.lookahead_at_admission { self.settings.lookahead() } else { 0 };
        let missing = |tokens| self.missing_blocks(sequence, tokens).saturating_sub(hit.len() as u32);
        let held = missing(self.tokens_to_hold(sequence, tokens + lookahead));
        let gate = !self.settings.full_prompt_gate || missing(sequence.tokens()) <= free;
        let allowed = match self.rules.admission {
            Room::Prompt { kept_free } => {
                let kept = (u64::from(self.settings.blocks) * u64::from(kept_free) / 1000) as u32;
                held + kept <= free || self.running.is_empty()
            }
            Room::Estimate => {
                let known = sequence.tokens() - hit.len() as u32 * self.settings.block_tokens;
                self.is_expected_to_fit(sequence, known, free)
            }
            Room::Chunk | Room::Answer | Room::Slot => true,
        };
        gate && allowed && held <= free
    }

    /// Tokens whose blocks a request holds once its first `tokens` are computed.
    fn tokens_to_hold(&self, sequence: &Sequence, tokens: u32) -> u32 {
        match self.rules.admission {
            Room::Chunk | Room::Estimate => tokens,
            Room::Prompt { .. } => sequence.tokens().max(tokens),
            Room::Answer => sequence.prompt_tokens.saturating_add(sequence.request.output_limit),
            Room::Slot => self.settings.context,
        }
    }

    /// Moves the first waiting request to the end of the running ones, with blocks for its first `tokens` tokens.
    fn enter(&mut self, id: Id, hit: Vec<u32>, tokens: u32) -> Entry {
        self.waiting.pop();
        self.running.push(id);
        self.blocks.hold(&hit);
        let found = hit.len() as u32;
        let sequence = &mut self.sequences[id];
        let entry = if sequence.status == Status::Preempted { Entry::Resumed } else { Entry::New };
        sequence.status = Status::Running;
        sequence.computed = found * self.settings.block_tokens;
        sequence.first_hit.get_or_insert(sequence.computed);
        (sequence.keyed, sequence.nameable) = (found, found);
        sequence.blocks = Held::found(hit);
        let lookahead = if self.rules.lookahead_at_admission { self.settings.lookahead() } else { 0 };
        let held = self.tokens_to_hold(&self.sequences[id], tokens + lookahead);
        let missing = self.missing_blocks(&self.sequences[id], held);
        self.take_blocks(id, missing);
        self.name_blocks(id, tokens);
        entry
    }
}
