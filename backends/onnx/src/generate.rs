//! Answers: the model's most likely tokens one by one, or drafted by a small model and verified by a large one.
//!
//! Of drafting: both read the prompt, and the first token is the target's. In each round the draft catches up on what was
//! committed and proposes; the target reads its last token and all proposals in one pass, keeps those that are its own, and adds
//! one. The answer is the target's own, whatever the draft proposes.

use crate::decoder::Sequence;
use crate::error::Result;
use crate::logits::Choice;
use crate::model::{Model, Prompt};
use std::time::{Duration, Instant};

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct Answer {
    /// Its tokens, the end included.
    pub ids: Vec<u32>,
    /// The entropy behind each, in nats.
    pub entropies: Vec<f64>,
    /// The reason of its end.
    pub finish: Finish,
    /// The result of each round of drafting.
    pub rounds: Vec<Round>,
}

/// The reason of an answer's end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Finish {
    /// With a token that ends.
    Eos,
    /// At the limit, or where the context was full.
    #[default]
    Length,
}

/// A round of drafting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Round {
    /// Tokens proposed.
    pub proposed: usize,
    /// Those, from the first on, that are the target's own.
    pub accepted: usize,
}

/// The time that an answer took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Timing {
    /// Time until the first token.
    pub prefill: Duration,
    /// Time from the first token on.
    pub decode: Duration,
    /// The part of `decode` inside the library.
    pub decode_inside: Duration,
    /// Passes through a decoder in that time, the draft's included.
    pub steps: u64,
}

/// An answer in the making.
struct Growing<'m> {
    answer: Answer,
    ends: &'m [u32],
    most: usize,
}

impl Growing<'_> {
    /// Adds a token; whether the answer goes on.
    fn push(&mut self, choice: Choice) -> bool {
        self.answer.ids.push(choice.token);
        self.answer.entropies.push(choice.entropy);
        if self.ends.contains(&choice.token) {
            self.answer.finish = Finish::Eos;
            return false;
        }
        self.answer.ids.len() < self.most
    }
}

/// The most tokens that an answer to a prompt can have.
fn most(model: &Model, prompt: &Prompt, wanted: usize) -> usize {
    // The last token is never read.
    wanted.min(model.folder().config.context - prompt.ids.len() + 1)
}

/// The model's own answer, of at most `wanted` tokens.
///
/// # Errors
/// A graph fails, or its logits are broken.
pub fn generate(model: &mut Model, prompt: &Prompt, wanted: usize) -> Result<(Answer, Timing)> {
    let start = Instant::now();
    let ends = model.folder().config.ends.clone();
    let mut growing = Growing { answer: Answer::default(), ends: &ends, most: most(model, prompt, wanted) };
    let (mut sequence, logits) = model.open(prompt)?;
    let mut choice = logits.row(0)?.choice()?;
    let (first, inside) = (Instant::now(), model.inside());
    let mut steps = 0;
    while growing.push(choice) {
        choice = model.step(&mut sequence, &[choice.token], 1)?.row(0)?.choice()?;
        steps += 1;
    }
    let spent =
        Timing { prefill: first - start, decode: first.elapsed(), decode_inside: model.inside() - inside, steps };
    Ok((growing.answer, spent))
}

/// The target's answer, drafted `gamma` tokens at a time.
///
/// # Errors
/// The models count in different tokens, a graph fails, or logits are broken.
pub fn speculate(
    target: &mut Model,
    draft: &mut Model,
    prompt: &Prompt,
    gamma: usize,
    wanted: usize,
) -> Result<(Answer, Timing)> {
    draft.drafts_for(target)?;
    let start = Instant::now();
    let ends = target.folder().config.ends.clone();
    let most = most(target, prompt, wanted).min(most(draft, prompt, wanted));
    let mut growing = Growing { answer: Answer::default(), ends: &ends, most };
    let (mut verified, logits) = target.open(prompt)?;
    let (mut drafted, _) = draft.open(prompt)?;
    let mut goes_on = growing.push(logits.row(0)?.choice()?);
    let (first, inside) = (Instant::now(), target.inside() + draft.inside());
    let mut steps = 0;
    while goes_on {
        let room = most_drafts([&*target, &*draft], [&verified, &drafted], growing.answer.ids.len(), prompt.ids.len());
        let proposed = propose(draft, &mut drafted, prompt, &growing.answer.ids, gamma.min(room))?;
        let (choices, accepted) = verify(target, &mut verified, &growing.answer.ids, &proposed)?;
        steps += 1 + proposed.len() as u64;
        growing.answer.rounds.push(Round { proposed: proposed.len(), accepted });
        goes_on = choices.into_iter().all(|choice| growing.push(choice));
        // Both keep what is committed, but for its last token, which nobody has read.
        let keep = prompt.ids.len() + growing.answer.ids.len() - 1;
        target.rollback(&mut verified, keep);
        draft.rollback(&mut drafted, keep);
    }
    let inside = target.inside() + draft.inside() - inside;
    Ok((growing.answer, Timing { prefill: first - start, decode: first.elapsed(), decode_inside: inside, steps }))
}

/// The number of drafts that the contexts have room for.
fn most_drafts(models: [&Model; 2], sequences: [&Sequence; 2], answered: usize, prompted: usize) -> usize {
    let room = |(model, sequence): (&Model, &Sequence)| {
        // What is committed but not yet read is read first.
        let held = sequence.tokens().max(prompted + answered);
        model.folder().config.context.saturating_sub(held)
    };
    models.into_iter().zip(sequences).map(room).min().unwrap_or(0)
}

/// The draft's next tokens, after it has read what was committed.
fn propose(
    draft: &mut Model,
    sequence: &mut Sequence,
    prompt: &Prompt,
    answer: &[u32],
    gamma: usize,
) -> Result<Vec<u32>> {
    let mut proposed = Vec::with_capacity(gamma);
    let mut unread = answer[sequence.tokens() - prompt.ids.len()..].to_vec();
    while proposed.len() < gamma {
        let token = draft.step(sequence, &unread, 1)?.row(0)?.choice()?.token;
        proposed.push(token);
        unread = vec![token];
    }
    Ok(proposed)
}

/// The target's own tokens: those that agree with the proposals, and one more; and how many agree.
fn verify(
    target: &mut Model,
    sequence: &mut Sequence,
    answer: &[u32],
    proposed: &[u32],
) -> Result<(Vec<Choice>, usize)> {
    let last = answer.last().expect("the first token comes from the prompt");
    // Logits of one model may be wider than another's: what the target does not know, it cannot read, nor agree with.
    let width = target.width();
    let known = proposed.iter().copied().take_while(|token| (*token as usize) < width);
    let read: Vec<u32> = std::iter::once(*last).chain(known).collect();
    let logits = target.step(sequence, &read, read.len())?;
    let mut choices = Vec::with_capacity(read.len());
    for row in 0..read.len() {
        let choice = logits.row(row)?.choice()?;
        choices.push(choice);
        if proposed.get(row) != Some(&choice.token) {
            break;
        }
    }
    let accepted = choices.len() - 1;
    Ok((choices, accepted))
}
