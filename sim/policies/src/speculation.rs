//! The draft and verify loop that every speculative system shares: Algorithm 1, lines 6 to 15.
//!
//! Blocking is a window of one batch: the edge waits for each verdict, and a batch that is accepted whole brings one
//! token of the target's own (the bonus). With a window of W, the edge goes on drafting on the assumption that what is
//! in flight will be accepted; a rejection kills every later batch, and there is no bonus, since the next token is
//! already drafted.

use crate::{Batch, Cloud, Edge, Testbed, Verification, Verify};
use model::{
    decoding::{Draft, Verdict},
    request::Input,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use units::Bytes;

/// Decides which tokens are sure enough to be drafted on, and how many make a batch.
pub(crate) trait Gate {
    /// Eq. 10: whether to speculate on.
    fn is_confident(&mut self, draft: &Draft) -> bool;
    /// A token was not (line 13).
    fn doubt(&mut self);
    /// A batch was sent.
    fn sent(&mut self, _: &[Draft]) {}
    /// The verdict on the oldest batch has arrived (line 10). If it rejects a token, there will be none on the others.
    fn learn(&mut self, verdict: &Verdict);
    /// The threshold, for the log, nats.
    fn theta_nats(&self) -> f32;
    /// Tokens of a batch.
    fn n_draft(&self) -> u32;
}

/// How to draft.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Speculation {
    /// Batches in flight; 1 is blocking.
    pub window: u32,
    /// Whether a batch that is accepted whole brings a token of the target's own.
    pub bonus: bool,
    /// How batches are verified.
    pub verify: Verify,
    /// What happens at a token that is not sure enough.
    pub unsure: Unsure,
}

/// What happens at a token that is not sure enough (lines 11 to 13).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unsure {
    /// What the edge does.
    pub then: LowConfidence,
    /// What becomes of the tokens that were drafted and not sent.
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

/// What the edge does at a token that is not sure enough; the paper does not say.
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

/// What becomes of tokens that were drafted and not sent when the next one is not sure enough; the paper does not say.
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

/// Bytes of a state: so many, and so many for each token of its context.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StateSize {
    /// Whatever the context.
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
pub(crate) async fn read_prompt<B: Testbed>(bed: &B, input: Input) {
    bed.cloud().open(&input).await;
    bed.edge().prefill(&input).await;
}

impl Speculation {
    /// Drafts and verifies until the answer is committed. The edge has read its prompt, the cloud is opened.
    pub(crate) async fn run<B: Testbed>(&self, bed: &B, gate: &mut impl Gate) {
        let mut cache = Vec::with_capacity(gate.n_draft() as usize);
        let mut flight = Flight(VecDeque::with_capacity(self.window as usize));
        // Set when nothing sensible can be drafted before the verdicts in flight are known.
        let mut hold = false;
        loop {
            while flight.must_land(hold, self.window) {
                let verdict = flight.land().await;
                bed.edge().commit(&verdict);
                gate.learn(&verdict); // line 10
                if verdict.ends {
                    return;
                }
                if verdict.rejects() {
                    flight.0.clear();
                    cache.clear();
                }
            }
            let draft = bed.edge().draft().await; // line 7
            let confident = gate.is_confident(&draft);
            if confident || self.unsure.then == LowConfidence::Continue {
                cache.push(draft);
                if cache.len() >= gate.n_draft() as usize || draft.token.ends || !confident {
                    let state = if confident { Bytes::ZERO } else { self.state(&cache, &draft) };
                    flight.send(bed, gate, self.batch(&cache, &draft, state)); // lines 8 and 9
                    cache.clear();
                }
                hold = draft.token.ends;
            } else {
                if self.unsure.then == LowConfidence::RestOnCloud && flight.0.is_empty() {
                    return Box::pin(self.leave_to_cloud(bed, gate, &cache, &draft)).await;
                }
                // Boxed, so that drafting, which every request waits in, stays small.
                Box::pin(self.offload(bed, gate, &mut cache, &mut flight, &draft)).await; // lines 11 and 12
                hold = !flight.0.is_empty();
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
        let offloaded = |drafts| Batch { unsure: Some(unsure), bonus: true, ..self.batch(drafts, unsure, state) };
        match self.unsure.cache {
            // What is in flight has to be known first; then the token is drafted again.
            _ if self.unsure.then == LowConfidence::RestOnCloud => {}
            CacheAtLowConfidence::Flush => {
                flight.send(bed, gate, offloaded(cache));
                cache.clear();
            }
            CacheAtLowConfidence::Discard => {
                let start = cache.first().map_or(unsure.position, |first| first.position);
                bed.edge().rewind(start);
                flight.send(bed, gate, Batch { start, ..offloaded(&[]) });
                cache.clear();
            }
            CacheAtLowConfidence::Persist => {
                let batch = Batch { judged: false, theta_nats: gate.theta_nats(), ..offloaded(cache) };
                let made = bed.cloud().verify(&batch).await;
                if let Some(token) = made.token {
                    bed.edge().adopt(token);
                    cache.push(Draft { token, ..*unsure });
                }
                // No token: the cloud's answer ends within the cache, where a draft disagrees.
                if cache.len() >= gate.n_draft() as usize || made.token.is_none_or(|token| token.ends) {
                    flight.send(bed, gate, self.batch(cache, unsure, Bytes::ZERO));
                    cache.clear();
                }
            }
        }
    }

    /// Lets the cloud write the rest of the answer, from a token on that the edge is not sure of.
    async fn leave_to_cloud<B: Testbed>(&self, bed: &B, gate: &impl Gate, cache: &[Draft], unsure: &Draft) {
        bed.edge().rewind(unsure.position);
        let batch = self.batch(cache, unsure, self.state(cache, unsure));
        bed.cloud().finish(&Batch { unsure: Some(unsure), theta_nats: gate.theta_nats(), ..batch }).await;
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

    /// A batch of what was drafted, up to the draft that was made last.
    pub(crate) fn batch<'d>(&self, drafts: &'d [Draft], last: &Draft, state: Bytes) -> Batch<'d> {
        let Self { bonus, verify, .. } = *self;
        let start = drafts.first().map_or(last.position, |first| first.position);
        Batch { drafts, start, bonus, judged: true, state, verify, theta_nats: 0.0, unsure: None }
    }
}

/// Batches on their way, oldest first.
struct Flight<V>(VecDeque<V>);

impl<V: Verification> Flight<V> {
    fn send<B>(&mut self, bed: &B, gate: &mut impl Gate, batch: Batch<'_>)
    where
        B: Testbed,
        B::Cloud: Cloud<Verification = V>,
    {
        gate.sent(batch.drafts);
        self.0.push_back(bed.cloud().verify(&Batch { theta_nats: gate.theta_nats(), ..batch }));
    }

    /// Whether the oldest verdict is there, or has to be waited for.
    fn must_land(&self, hold: bool, window: u32) -> bool {
        let full = self.0.len() >= window as usize;
        self.0.front().is_some_and(|oldest| hold || full || oldest.has_arrived())
    }

    fn land(&mut self) -> V {
        self.0.pop_front().expect("something must land")
    }
}
