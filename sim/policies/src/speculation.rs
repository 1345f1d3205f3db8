//! The draft and verify loop that every speculative system shares: Algorithm 1, lines 6 to 15.
//!
//! Blocking is a window of one batch: the edge waits for each verdict, and a batch that is accepted whole brings one
//! token of the target's own (the bonus). With a window of W, the edge goes on drafting on the assumption that what is
//! in flight will be accepted; a rejection kills every later batch, and there is no bonus, since the next token is
//! already drafted.

use crate::{Batch, Cloud, Edge, Testbed, Verification};
use model::decoding::{Draft, Verdict};
use std::collections::VecDeque;
use units::Bytes;

/// Decides which tokens are sure enough to be drafted on.
pub(crate) trait Gate {
    /// Eq. 10: whether to speculate on.
    fn is_confident(&self, draft: &Draft) -> bool;
    /// A token was not.
    fn doubt(&mut self);
    /// A verdict has arrived.
    fn learn(&mut self, verdict: &Verdict);
    /// The threshold, for the log, nats.
    fn theta_nats(&self) -> f32;
}

/// How to draft.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Speculation {
    /// Tokens of a batch.
    pub n_draft: u32,
    /// Batches in flight; 1 is blocking.
    pub window: u32,
    /// Bytes of the state that is offloaded when the draft is unsure.
    pub state: Bytes,
}

impl Speculation {
    /// Drafts and verifies until the answer is committed. The edge has read its prompt, the cloud is opened.
    pub(crate) async fn run<B: Testbed>(self, bed: &B, gate: &mut impl Gate) {
        let mut cache = Vec::with_capacity(self.n_draft as usize);
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
            let send = |drafts: &[Draft], start, state, theta_nats| {
                let bonus = self.window == 1 || state != Bytes::ZERO;
                bed.cloud().verify(&Batch { drafts, start, bonus, state, theta_nats })
            };
            let start = cache.first().map_or(draft.position, |first: &Draft| first.position);
            hold = false;
            if gate.is_confident(&draft) {
                cache.push(draft);
                if cache.len() == self.n_draft as usize || draft.token.ends {
                    flight.0.push_back(send(&cache, start, Bytes::ZERO, gate.theta_nats())); // lines 8 and 9
                    cache.clear();
                    hold = draft.token.ends;
                }
            } else {
                // Lines 11 to 13: the cache goes with the state, and the cloud makes the unsure token itself.
                bed.edge().rewind(draft.position);
                flight.0.push_back(send(&cache, start, self.state, gate.theta_nats()));
                cache.clear();
                gate.doubt();
                hold = true;
            }
        }
    }
}

/// Batches on their way, oldest first.
struct Flight<V>(VecDeque<V>);

impl<V: Verification> Flight<V> {
    /// Whether the oldest verdict is there, or has to be waited for.
    fn must_land(&self, hold: bool, window: u32) -> bool {
        let full = self.0.len() >= window as usize;
        self.0.front().is_some_and(|oldest| hold || full || oldest.has_arrived())
    }

    async fn land(&mut self) -> Verdict {
        self.0.pop_front().expect("something must land").await
    }
}
