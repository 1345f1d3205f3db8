//! The loop that every speculative system shares: Algorithm 1, lines 6 to 15.
//!
//! Blocking is a window of one batch: the edge waits for each verdict, and a batch that is accepted whole brings one
//! token of the target's own (the bonus). With a window of W, the edge goes on drafting on the assumption that all drafts
//! in flight will be accepted; a rejection kills every later batch, and there is no bonus, since the next token is
//! already drafted.

use crate::batch::{Batch, Verify};
use crate::testbed::{Cloud, Edge, Note, Stretch, Testbed, Verification, View};
use model::{
    decoding::{Draft, Verdict},
    request::Input,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use units::{Bytes, SimDuration};

/// Decides on the tokens that are sure enough to draft on, and on the length of a batch. By default all are sure enough.
pub trait Gate {
    /// A batch begins: its first token is drafted next. It may begin anew if a verdict voids its first drafts.
    fn begin<B: Testbed>(&mut self, _: &At<'_, B>) {}
    /// Eq. 10: `true` to speculate on.
    fn is_confident<B: Testbed>(&mut self, _: &Draft, _: &At<'_, B>) -> bool {
        true
    }
    /// The entropy up to which every draft is sure enough until a batch is sent or a verdict is learned, nats. None where a draft
    /// is judged by more than that; then each has to be looked at when it is made.
    fn sure_up_to_nats(&self) -> Option<f32> {
        None
    }
    /// The drafts that may follow so many of a batch before one has to be looked at.
    fn stretch(&self, drafts: usize) -> Stretch {
        let most = (self.n_draft() as usize).saturating_sub(drafts).max(1) as u32;
        self.sure_up_to_nats().map_or(Stretch::ONE, |sure_up_to_nats| Stretch { most, sure_up_to_nats })
    }
    /// A token was not sure enough (line 13).
    fn doubt(&mut self) {}
    /// A batch was sent.
    fn sent(&mut self, _: &[Draft]) {}
    /// The verdict on the oldest batch has arrived (line 10), and `at` has the batch's round. If it rejects a token, there
    /// will be none on the later batches.
    fn learn<B: Testbed>(&mut self, verdict: &Verdict, at: &At<'_, B>);
    /// The threshold, for the log, nats.
    fn theta_nats(&self) -> f32 {
        f32::INFINITY
    }
    /// Tokens of a batch.
    fn n_draft(&self) -> u32;
}

/// The moment at which a gate is asked: the request's testbed, and the round.
pub struct At<'b, B> {
    bed: &'b B,
    /// Number of the batch among the request's batches, from 1.
    pub round: u32,
}

impl<'b, B: Testbed> At<'b, B> {
    pub(crate) fn new(bed: &'b B, round: u32) -> Self {
        Self { bed, round }
    }

    /// The platform as it can be observed now.
    pub fn view(&self) -> View<'_> {
        self.bed.view()
    }

    /// Time since the request was sent.
    pub fn elapsed(&self) -> SimDuration {
        self.bed.elapsed()
    }

    /// Notes a decision of this round.
    pub fn note(&self, note: &'static Note, value: f64) {
        self.bed.note(self.round, note, value);
    }
}

/// Settings of drafting. The default is blocking, with a bonus, and every token sure enough.
#[derive(Clone, Copy, Debug)]
pub struct Speculation {
    /// Batches in flight; 1 is blocking.
    pub window: u32,
    /// `true` lets a batch that is accepted whole bring a token of the target's own.
    pub bonus: bool,
    /// Settings of the verification.
    pub verify: Verify,
    /// The course at a token that is not sure enough.
    pub unsure: Unsure,
}

impl Default for Speculation {
    fn default() -> Self {
        Self { window: 1, bonus: true, verify: Verify::default(), unsure: Unsure::NEVER }
    }
}

/// The course at a token that is not sure enough (lines 11 to 13).
#[derive(Clone, Copy, Debug)]
pub struct Unsure {
    /// The edge's next step.
    pub then: LowConfidence,
    /// The fate of the tokens that were drafted and not sent.
    pub cache: CacheAtLowConfidence,
    /// Bytes of the state that goes up with it.
    pub state: StateSize,
}

impl Unsure {
    /// For systems without a gate, where every token is sure enough.
    pub const NEVER: Self = Self {
        then: LowConfidence::Wait,
        cache: CacheAtLowConfidence::Flush,
        state: StateSize { fixed: Bytes::ZERO, per_new_token: Bytes::ZERO, per_token: Bytes::ZERO, prompt_tokens: 0 },
    };
}

/// The edge's next step at a token that is not sure enough; the paper gives none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LowConfidence {
    /// It waits for the one token that the cloud makes in its place.
    #[default]
    Wait,
    /// It drafts on behind its own token, which is rolled back if the cloud does not agree.
    Continue,
    /// It leaves the rest of the answer to the cloud.
    RestOnCloud,
}

/// The fate of tokens that were drafted and not sent when the next one is not sure enough; the paper gives none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CacheAtLowConfidence {
    /// They go up with the state and are verified.
    #[default]
    Flush,
    /// They are forgotten: the cloud makes the first of them instead.
    Discard,
    /// They stay, and the cloud's token joins them, to be verified when the cache is full.
    Persist,
}

/// Bytes of a state: a fixed part, and parts for each token of its context.
#[derive(Clone, Copy, Debug)]
pub struct StateSize {
    /// The fixed part.
    pub fixed: Bytes,
    /// For each token that the cloud has not seen yet.
    pub per_new_token: Bytes,
    /// For each token of prompt and answer.
    pub per_token: Bytes,
    /// Tokens of the prompt.
    pub prompt_tokens: u64,
}

impl StateSize {
    fn bytes(&self, cached: usize, position: u32) -> Bytes {
        let context = self.prompt_tokens + u64::from(position);
        self.fixed + self.per_new_token * (cached as u64 + 1) + self.per_token * context
    }
}

/// Lets both sides read an input: it goes up, and the cloud reads it while the edge reads its own prompt, the max( , ) of
/// Eq. 14.
pub async fn read_prompt<B: Testbed>(bed: &B, input: Input) {
    bed.cloud().open(&input).await;
    bed.edge().prefill(&input).await;
}

impl Speculation {
    /// Drafts and verifies until the answer is committed. The edge has read its prompt, the cloud is opened.
    pub async fn run<B: Testbed>(&self, bed: &B, gate: &mut impl Gate) {
        let mut cache = Vec::with_capacity(gate.n_draft() as usize);
        let mut flight = Flight { queue: VecDeque::with_capacity(self.window as usize), sent: 0 };
        // Set when nothing sensible can be drafted before the verdicts in flight are known.
        let mut hold = false;
        loop {
            while flight.must_land(hold, self.window) {
                let round = flight.oldest();
                let verdict = flight.land().await;
                bed.edge().commit(&verdict);
                gate.learn(&verdict, &At { bed, round }); // line 10
                if verdict.ends {
                    return;
                }
                if verdict.rejects() {
                    flight.queue.clear();
                    cache.clear();
                }
            }
            if cache.is_empty() {
                gate.begin(&flight.next(bed));
            }
            let before = cache.len();
            let draft = bed.edge().draft_on(gate.stretch(before), &mut cache).await; // line 7
            let sure = cache[before..].iter().all(|sure| gate.is_confident(sure, &flight.next(bed)));
            assert!(sure, "a gate keeps to the entropy that it has named");
            let confident = gate.is_confident(&draft, &flight.next(bed));
            if confident || self.unsure.then == LowConfidence::Continue {
                cache.push(draft);
                if cache.len() >= gate.n_draft() as usize || draft.token.ends || !confident {
                    let state = if confident { Bytes::ZERO } else { self.state(&cache, &draft) };
                    flight.send(bed, gate, self, self.batch(&cache, &draft, state), None); // lines 8 and 9
                    cache.clear();
                }
                hold = draft.token.ends;
            } else {
                if self.unsure.then == LowConfidence::RestOnCloud && flight.queue.is_empty() {
                    return Box::pin(self.leave_to_cloud(bed, gate, &cache, &draft)).await;
                }
                // Boxed, so that drafting, which every request waits in, stays small.
                Box::pin(self.offload(bed, gate, &mut cache, &mut flight, &draft)).await; // lines 11 and 12
                hold = !flight.queue.is_empty();
            }
            if !confident {
                gate.doubt(); // line 13
            }
        }
    }

    /// Sends the state up, so that the cloud makes a token that the edge is not sure of.
    async fn offload<B: Testbed>(
        &self,
        bed: &B,
        gate: &mut impl Gate,
        cache: &mut Vec<Draft>,
        flight: &mut Flight<<B::Cloud as Cloud>::Verification>,
        unsure: &Draft,
    ) {
        bed.edge().rewind(unsure.position);
        let state = self.state(cache, unsure);
        let offloaded = |drafts| Batch { bonus: true, ..self.batch(drafts, unsure, state) };
        match self.unsure.cache {
            // The verdicts in flight have to be known first; then the token is drafted again.
            _ if self.unsure.then == LowConfidence::RestOnCloud => {}
            CacheAtLowConfidence::Flush => {
                flight.send(bed, gate, self, offloaded(cache), Some(unsure));
                cache.clear();
            }
            CacheAtLowConfidence::Discard => {
                let start = cache.first().map_or(unsure.position, |first| first.position);
                bed.edge().rewind(start);
                flight.send(bed, gate, self, Batch { start, ..offloaded(&[]) }, Some(unsure));
                cache.clear();
            }
            CacheAtLowConfidence::Persist => {
                bed.edge().note_threshold(gate.theta_nats(), Some(unsure));
                flight.sent += 1;
                let made = bed.cloud().verify(&Batch { judged: false, ..offloaded(cache) }, &self.verify).await;
                if let Some(token) = made.token {
                    bed.edge().adopt(token);
                    cache.push(Draft { token, ..*unsure });
                }
                // No token: the cloud's answer ends within the cache, where a draft disagrees.
                if cache.len() >= gate.n_draft() as usize || made.token.is_none_or(|token| token.ends) {
                    flight.send(bed, gate, self, self.batch(cache, unsure, Bytes::ZERO), None);
                    cache.clear();
                }
            }
        }
    }

    /// Lets the cloud write the rest of the answer, from a token on that the edge is not sure of.
    async fn leave_to_cloud<B: Testbed>(&self, bed: &B, gate: &impl Gate, cache: &[Draft], unsure: &Draft) {
        bed.edge().rewind(unsure.position);
        bed.edge().note_threshold(gate.theta_nats(), Some(unsure));
        let batch = self.batch(cache, unsure, self.state(cache, unsure));
        bed.cloud().finish(&batch, &self.verify).await;
    }

    /// Bytes of the state that goes up with a token, behind those that the cloud has not seen.
    pub(crate) fn state(&self, cache: &[Draft], unsure: &Draft) -> Bytes {
        self.unsure.state.bytes(cache.len(), unsure.position)
    }

    /// The same for the first token of an answer.
    pub(crate) fn state_of_one(&self) -> Bytes {
        self.state_behind(0, 0)
    }

    /// The same for a token at a position, behind so many that the cloud has not seen.
    pub(crate) fn state_behind(&self, cached: u32, position: u32) -> Bytes {
        self.unsure.state.bytes(cached as usize, position)
    }

    /// A batch of the drafts in the cache, up to the draft that was made last.
    pub(crate) fn batch<'d>(&self, drafts: &'d [Draft], last: &Draft, state: Bytes) -> Batch<'d> {
        let start = drafts.first().map_or(last.position, |first| first.position);
        Batch { bonus: self.bonus, state, ..Batch::of(drafts, start) }
    }
}

/// Batches on their way, oldest first, and the number of batches that were ever sent.
struct Flight<V> {
    queue: VecDeque<V>,
    sent: u32,
}

impl<V: Verification> Flight<V> {
    fn send<B>(&mut self, bed: &B, gate: &mut impl Gate, by: &Speculation, batch: Batch<'_>, unsure: Option<&Draft>)
    where
        B: Testbed,
        B::Cloud: Cloud<Verification = V>,
    {
        gate.sent(batch.drafts);
        bed.edge().note_threshold(gate.theta_nats(), unsure);
        self.queue.push_back(bed.cloud().verify(&batch, &by.verify));
        self.sent += 1;
    }

    /// The moment in the round of the batch that is being drafted.
    fn next<'b, B: Testbed>(&self, bed: &'b B) -> At<'b, B> {
        At { bed, round: self.sent + 1 }
    }

    /// The round of the oldest batch: a rejection clears all of them, so those on their way were sent last.
    fn oldest(&self) -> u32 {
        self.sent + 1 - self.queue.len() as u32
    }

    /// `true` if the oldest verdict is there, or has to be waited for.
    fn must_land(&self, hold: bool, window: u32) -> bool {
        let full = self.queue.len() >= window as usize;
        self.queue.front().is_some_and(|oldest| hold || full || oldest.has_arrived())
    }

    fn land(&mut self) -> V {
        self.queue.pop_front().expect("something must land")
    }
}
