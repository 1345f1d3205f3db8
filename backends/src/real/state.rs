//! A sequence of a real model: its prompt, its answer so far, and how much of both is in the KV cache.

use crate::{Done, Probed};
use model::decoding::Token;
use model::request::Prompt as Asked;
use onnx::{Choice, Logits, Model, Prompt, Reading, Result, Sequence};

/// A sequence.
pub(super) struct State {
    pub(super) request: u64,
    /// True if its pictures are the frames of a video.
    pub(super) moving: bool,
    pub(super) prompt: Prompt,
    /// Tokens of the prompt that have been read.
    pub(super) read: u32,
    /// It had read its prompt, and reads it again.
    forgotten: bool,
    /// The probe's findings, if this sequence ran it.
    pub(super) found: Option<Probed>,
    past: Past,
    /// The choice behind the prompt.
    first: Option<Choice>,
    answer: Vec<u32>,
    /// Tokens that end an answer, and the length that does.
    ends: Vec<u32>,
    limit: u32,
}

/// Keys and values.
enum Past {
    /// There are none.
    None,
    /// A sequence that has read a part of its prompt.
    Reading(Box<Reading>),
    /// A sequence of the prompt and a part of the answer.
    Whole(Box<Sequence>),
}

/// The model's own tokens at the next positions: the first where it was known, and the rows of a pass.
struct Ahead {
    known: Option<Choice>,
    logits: Option<Logits>,
}

impl Ahead {
    /// The token behind the first `tokens` of those that were passed.
    fn token(&self, tokens: usize) -> Result<u32> {
        match (self.known, tokens, &self.logits) {
            (Some(choice), 0, _) => Ok(choice.token),
            (known, row, Some(logits)) => logits.row(row - usize::from(known.is_some()))?.token(),
            (_, _, None) => unreachable!("nothing was passed"),
        }
    }
}

impl State {
    pub(super) fn new(asked: &Asked, prompt: Prompt, limit: u32, ends: Vec<u32>) -> Self {
        let (request, moving) = (asked.request, asked.images.is_some_and(|images| images.moving));
        let (past, answer) = (Past::None, Vec::new());
        Self { request, moving, prompt, read: 0, forgotten: false, found: None, past, first: None, answer, ends, limit }
    }

    pub(super) fn prompt_tokens(&self) -> u32 {
        self.prompt.ids.len() as u32
    }

    pub(super) fn answer_tokens(&self) -> u32 {
        self.answer.len() as u32
    }

    pub(super) fn answer(&self) -> &[u32] {
        &self.answer
    }

    /// Tokens of the prompt that have been read, and of the answer.
    pub(super) fn context(&self) -> u64 {
        u64::from(self.read) + self.answer.len() as u64
    }

    /// Patches of each picture that the tower encodes.
    pub(super) fn patches(&self) -> impl Iterator<Item = u64> {
        self.prompt.images.iter().map(|image| image.grid.iter().map(|side| u64::from(*side)).product())
    }

    /// Appends a token to the answer; it is read with the next step.
    pub(super) fn append(&mut self, id: u32) -> Token {
        self.answer.push(id);
        self.token(self.answer.len() - 1)
    }

    /// The token at a position of the answer.
    fn token(&self, position: usize) -> Token {
        let id = self.answer[position];
        Token { id, ends: self.ends_at(id, position) }
    }

    /// True if an answer ends with this token at this position.
    fn ends_at(&self, id: u32, position: usize) -> bool {
        self.ends.contains(&id) || position + 1 >= self.limit as usize
    }

    /// Reads the next tokens of the prompt, and of a sequence that was forgotten those of its answer; with the last of all,
    /// what the model would say next.
    pub(super) fn read(&mut self, model: &mut Model, tokens: u32) -> Result<Option<Choice>> {
        let of_prompt = tokens.min(self.prompt_tokens() - self.read);
        let of_answer = (tokens - of_prompt) as usize;
        let first = if of_prompt > 0 { self.read_prompt(model, of_prompt)? } else { None };
        if of_answer == 0 {
            return Ok(first.filter(|_| self.answer.is_empty()));
        }
        let Past::Whole(sequence) = &mut self.past else { panic!("an answer is read behind its prompt") };
        let start = sequence.tokens() - self.prompt.ids.len();
        let end = start + of_answer;
        assert!(end <= self.answer.len(), "no {of_answer} tokens of the answer are left to read");
        let logits = model.step(sequence, &self.answer[start..end], 1)?;
        if end == self.answer.len() { logits.row(0)?.choice().map(Some) } else { Ok(None) }
    }

    /// Reads the next tokens of the prompt.
    fn read_prompt(&mut self, model: &mut Model, tokens: u32) -> Result<Option<Choice>> {
        let mut reading = match std::mem::replace(&mut self.past, Past::None) {
            Past::None => Box::new(model.begin(&self.prompt)?),
            Past::Reading(reading) => reading,
            Past::Whole(_) => panic!("the prompt has been read"),
        };
        let logits = model.read(&mut reading, tokens as usize)?;
        self.read += tokens;
        self.past = match logits {
            None => Past::Reading(reading),
            Some(_) => Past::Whole(Box::new(reading.into_sequence())),
        };
        self.first = logits.map(|logits| logits.row(0)?.choice()).transpose()?;
        Ok(self.first)
    }

    /// Lets go of all keys and values, and returns of how many tokens.
    pub(super) fn forget(&mut self) -> u32 {
        let held = match &self.past {
            Past::None => 0,
            Past::Reading(_) => self.read,
            Past::Whole(sequence) => sequence.tokens() as u32,
        };
        self.forgotten |= self.read == self.prompt_tokens();
        (self.past, self.read, self.first) = (Past::None, 0, None);
        held
    }

    /// The model's choice of the next token, where the end of the prompt has given it.
    pub(super) fn known(&self) -> Option<Choice> {
        self.first.filter(|_| self.answer.is_empty())
    }

    /// The model's tokens at the next position and behind each of these, with a pass of those that it has not read.
    fn ahead(&mut self, model: &mut Model, tokens: &[Token]) -> Result<Ahead> {
        let known = self.known();
        let logits = match known {
            Some(_) if tokens.is_empty() => None,
            Some(_) => Some(self.step(model, self.prompt.ids.len(), tokens, tokens.len())?),
            None => Some(self.pass(model, tokens)?),
        };
        Ok(Ahead { known, logits })
    }

    /// Passes on what has not been read, and these tokens behind it; a row of logits for each of them and one before.
    pub(super) fn pass(&mut self, model: &mut Model, behind: &[Token]) -> Result<Logits> {
        // The last token goes through the model again if it already has.
        let last = self.prompt.ids.len() + self.answer.len() - 1;
        self.step(model, last, behind, behind.len() + 1)
    }

    /// Passes on all tokens behind the first `held`, or behind fewer where the cache has fewer, and these behind them.
    fn step(&mut self, model: &mut Model, held: usize, behind: &[Token], rows: usize) -> Result<Logits> {
        let unread = self.prompt_tokens() - self.read;
        if unread > 0 && self.forgotten {
            self.read_prompt(model, unread)?;
        }
        let Past::Whole(sequence) = &mut self.past else { panic!("the prompt has not been read") };
        let prompt = self.prompt.ids.len();
        let all = prompt + self.answer.len();
        let held = sequence.tokens().min(held);
        model.rollback(sequence, held);
        let next = (held..all).map(|at| if at < prompt { self.prompt.ids[at] } else { self.answer[at - prompt] });
        let tokens: Vec<u32> = next.chain(behind.iter().map(|token| token.id)).collect();
        model.step(sequence, &tokens, rows)
    }

    /// The model's next token.
    pub(super) fn next(&mut self, model: &mut Model) -> Result<Choice> {
        match self.known() {
            Some(choice) => Ok(choice),
            None => self.pass(model, &[])?.row(0)?.choice(),
        }
    }

    /// Keeps the first drafts as they are, then those that are the model's own tokens, and adds one of its own.
    pub(super) fn judge(&mut self, model: &mut Model, drafts: &[Token], stand: usize, bonus: bool) -> Result<Done> {
        let ahead = self.ahead(model, drafts)?;
        let start = self.answer.len();
        let (mut accepted, mut ends) = (0, false);
        let mut own = ahead.token(0)?;
        while accepted < drafts.len() && !ends && (accepted < stand || drafts[accepted].id == own) {
            ends = self.append(drafts[accepted].id).ends;
            accepted += 1;
            own = ahead.token(accepted)?;
        }
        self.keep(model, start + accepted);
        let adds = !ends && (bonus || accepted < drafts.len());
        let token = adds.then(|| self.append(own));
        let ends = ends || token.is_some_and(|token| token.ends);
        Ok(Done::Verified { accepted: accepted as u32, token, ends })
    }

    /// Takes tokens as they are, and adds the model's own next one, unless they end the answer.
    pub(super) fn take(&mut self, model: &mut Model, drafts: &[Token]) -> Result<Done> {
        let ahead = self.ahead(model, drafts)?;
        let mut ends = false;
        for draft in drafts {
            ends |= self.append(draft.id).ends;
        }
        let token = if ends { None } else { Some(self.append(ahead.token(drafts.len())?)) };
        let ends = ends || token.is_some_and(|token| token.ends);
        Ok(Done::Verified { accepted: drafts.len() as u32, token, ends })
    }

    /// Forgets all but the first `answer_tokens` tokens of the answer.
    pub(super) fn truncate(&mut self, model: &Model, answer_tokens: u32) {
        self.answer.truncate(answer_tokens as usize);
        self.keep(model, self.answer.len());
    }

    /// Takes what lies behind so many tokens of the answer out of the KV cache.
    fn keep(&mut self, model: &Model, answer_tokens: usize) {
        if let Past::Whole(sequence) = &mut self.past {
            model.rollback(sequence, sequence.tokens().min(self.prompt.ids.len() + answer_tokens));
        }
    }
}
