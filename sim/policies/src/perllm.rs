//! PerLLM (Yang et al., arXiv 2405.14636), in both readings of it.
//!
//! `ucb_route` is what the PerLLM paper is: a bandit that sends each whole request to the edge or to the cloud, with
//! arms that would break a constraint left out (constraint-satisfaction upper confidence bound). `layer_split` is what
//! the MSAO paper says it is (section 5.1.2, "layer-wise offloading"): the first k layers of the cloud's model run on
//! the edge, and every token makes a round trip.

use crate::route::{Router, Target};
use crate::{
    About, Alone, Briefing, ClosedForms, Cloud, Edge, Hidden, Learned, Memory, Note, Policy, ServedBy, Split, Testbed,
    Uses, View,
};
use model::request::Input;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::cell::{Cell, RefCell};
use units::{Ratio, SimDuration};

/// Settings of PerLLM.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PerLlm {
    /// The reading of its paper.
    pub reading: Reading,
}

/// The two readings of PerLLM.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Reading {
    /// Whole requests are routed by a constrained bandit.
    UcbRoute(UcbRoute),
    /// So many of the first layers of the cloud's model run on the edge.
    LayerSplit(u32),
    /// Whole requests go to the cloud with this probability: what the paper's figures for PerLLM look like (preset R).
    Static(Ratio),
}

impl Default for Reading {
    fn default() -> Self {
        Self::UcbRoute(UcbRoute::default())
    }
}

/// The constrained bandit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct UcbRoute {
    /// Latency that a request may take: the constraint, and the scale of the reward 1 - latency / deadline.
    pub deadline: SimDuration,
    /// Weight of the confidence bound.
    pub exploration: f64,
    /// Answer length that the constraint is checked with, tokens: the true one is not known.
    pub assumed_output_tokens: u32,
}

impl Default for UcbRoute {
    fn default() -> Self {
        Self { deadline: SimDuration::from_secs(4), exploration: 0.1, assumed_output_tokens: 32 }
    }
}

/// The arm that the bandit pulled.
const ARM: Note = Note { name: "arm", unit: "", meaning: "Tier that the bandit chose: 0 the edge, 1 the cloud." };

/// Rewards by arm: those that the edge has seen, and those that others have reported.
#[derive(Default)]
pub struct PerLlmMemory {
    own: RefCell<[Arm; 2]>,
    others: Cell<Learned>,
}

impl Memory<PerLlm> for PerLlmMemory {
    fn of(_: &PerLlm) -> Self {
        Self::default()
    }

    fn learned(&self) -> Option<Learned> {
        let [edge, cloud] = *self.own.borrow();
        Some(Learned([edge.pulls, edge.pulls * edge.mean_reward, cloud.pulls, cloud.pulls * cloud.mean_reward]))
    }

    fn hear(&self, others: Learned) {
        self.others.set(others);
    }
}

impl PerLlmMemory {
    /// The arms as all edges have seen them.
    fn arms(&self) -> [Arm; 2] {
        let Learned([edge, edge_reward, cloud, cloud_reward]) = self.others.get();
        let [own_edge, own_cloud] = *self.own.borrow();
        [own_edge.with(edge, edge_reward), own_cloud.with(cloud, cloud_reward)]
    }
}

#[derive(Clone, Copy, Default)]
struct Arm {
    pulls: f64,
    mean_reward: f64,
}

impl Arm {
    /// The arm with so many pulls more, of this reward in all.
    fn with(self, pulls: f64, reward: f64) -> Self {
        if pulls < 0.5 {
            return self;
        }
        let all = self.pulls + pulls;
        Self { pulls: all, mean_reward: (self.pulls * self.mean_reward + reward) / all }
    }

    fn learn(&mut self, reward: f64) {
        self.pulls += 1.0;
        self.mean_reward += (reward - self.mean_reward) / self.pulls;
    }

    /// The upper confidence bound of its reward after so many pulls of all arms (UCB1); without end for one that was never pulled.
    fn bound(&self, total: f64, exploration: f64) -> f64 {
        if self.pulls == 0.0 {
            return f64::INFINITY;
        }
        self.mean_reward + exploration * (2.0 * libm::log(total) / self.pulls).sqrt()
    }
}

const ARMS: [Target; 2] = [Target::Edge, Target::Cloud];

impl UcbRoute {
    /// The arm with the greatest upper confidence bound among those that keep the deadline; among all, if none does.
    fn choose(&self, arms: &[Arm; 2], view: &View<'_>, input: &Input) -> usize {
        let feasible = ARMS.map(|arm| self.estimate(arm, view, input) <= self.deadline.as_secs_f64());
        let none = !feasible.contains(&true);
        let total: f64 = arms.iter().map(|arm| arm.pulls).sum();
        let bound = |arm: usize| arms[arm].bound(total, self.exploration);
        let candidates = (0..ARMS.len()).filter(|&arm| none || feasible[arm]);
        // On a tie the earlier arm: `max_by` would take the later.
        candidates.rev().max_by(|&a, &b| bound(a).total_cmp(&bound(b))).expect("two arms")
    }

    /// Expected latency in seconds, with what waits there counted as whole requests like this one.
    fn estimate(&self, arm: Target, view: &View<'_>, input: &Input) -> f64 {
        let (prices, waiting, network) = match arm {
            Target::Edge => (view.edge, f64::from(view.edge_requests), SimDuration::ZERO),
            Target::Cloud => (view.cloud, view.cloud_requests, view.upload_time(input) + view.way_down()),
        };
        let decode = prices.token(prices.prompt_tokens(input)) * u64::from(self.assumed_output_tokens);
        network.as_secs_f64() + (prices.prefill(input) + decode).as_secs_f64() * (1.0 + waiting)
    }
}

impl About for PerLlm {
    fn needs_the_cloud_at_once(&self) -> bool {
        matches!(self.reading, Reading::UcbRoute(_))
    }

    fn uses(&self) -> Uses {
        // The bandit tries both; a layer split keeps both busy.
        let edge_answers = !matches!(self.reading, Reading::LayerSplit(_));
        Uses { edge_model: true, edge_answers, cloud: true, ..Uses::default() }
    }

    fn split(&self) -> Option<Split> {
        match self.reading {
            Reading::LayerSplit(layers_on_edge) => {
                Some(Split { layers_on_edge, shortcut: false, key: "reading.layer_split" })
            }
            Reading::UcbRoute(_) | Reading::Static(_) => None,
        }
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        match self.reading {
            Reading::UcbRoute(route) if !(route.exploration.is_finite() && route.exploration >= 0.0) => {
                Err(("reading.ucb_route.exploration", "expected a finite number of at least 0".to_owned()))
            }
            Reading::UcbRoute(route) if route.deadline == SimDuration::ZERO => {
                Err(("reading.ucb_route.deadline", "expected a time above 0".to_owned()))
            }
            _ => Ok(()),
        }
    }

    fn learns(&self) -> bool {
        matches!(self.reading, Reading::UcbRoute(_))
    }

    fn notes(&self) -> &'static [Note] {
        if self.learns() { &[ARM] } else { &[] }
    }

    fn examples() -> Vec<(&'static str, Self)> {
        let split = Self { reading: Reading::LayerSplit(8) };
        let static_share = Self { reading: Reading::Static(Ratio::new(0.5)) };
        vec![("", Self::default()), ("layer_split", split), ("static", static_share)]
    }

    fn closed_forms(&self, alone: &Alone<'_>) -> ClosedForms {
        match self.reading {
            // An idle platform's bandit settles on the faster tier.
            Reading::UcbRoute(_) => {
                let (edge, cloud) = (alone.on_edge(), alone.on_cloud());
                if edge.renewal_s <= cloud.renewal_s { edge } else { cloud }
            }
            Reading::LayerSplit(_) => alone.split(Ratio::ONE, false),
            Reading::Static(share) => Router::Static(share).closed_forms(alone),
        }
    }
}

impl Policy for PerLlm {
    type Memory = PerLlmMemory;

    async fn serve<B: Testbed>(&self, bed: &B, _: &Briefing, memory: &PerLlmMemory) -> ServedBy {
        let input = Input::whole(bed.prompt());
        bed.edge().preprocess().await;
        match self.reading {
            Reading::UcbRoute(route) => {
                let chosen = route.choose(&memory.arms(), &bed.view(), &input);
                bed.note(0, &ARM, chosen as f64);
                let served_by = ARMS[chosen].serve(bed, &input).await;
                let reward = 1.0 - bed.elapsed().as_secs_f64() / route.deadline.as_secs_f64();
                memory.own.borrow_mut()[chosen].learn(reward.max(-1.0));
                served_by
            }
            Reading::LayerSplit(_) => {
                bed.edge().prefill(&input).await;
                let mut hidden = Hidden { prompt: Some(&input), visual: Ratio::ONE };
                while !bed.cloud().pass(&hidden).await {
                    bed.edge().pass().await;
                    hidden.prompt = None;
                }
                ServedBy::Cloud
            }
            Reading::Static(share) => Router::Static(share).choose(bed).serve(bed, &input).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(arm: Arm) -> (f64, f64) {
        (arm.pulls, arm.mean_reward)
    }

    #[test]
    fn a_reward_is_the_mean_of_what_was_learned_and_heard() {
        let mut arm = Arm::default();
        for reward in [1.0, 0.5, 0.0] {
            arm.learn(reward);
        }
        assert_eq!(figures(arm), (3.0, 0.5));
        assert_eq!(figures(arm.with(2.0, 0.5)), (5.0, 0.4), "two more pulls, of .5 in all");
        assert_eq!(figures(arm.with(0.0, 0.0)), (3.0, 0.5));
    }

    #[test]
    fn the_bound_is_that_of_ucb1() {
        // .5 + .1 sqrt(2 ln 8 / 2)
        let arm = Arm { pulls: 2.0, mean_reward: 0.5 };
        assert!((arm.bound(8.0, 0.1) - (0.5 + 0.1 * libm::log(8.0).sqrt())).abs() < 1e-12);
        assert_eq!(Arm::default().bound(8.0, 0.1), f64::INFINITY);
    }

    #[test]
    fn an_edge_tells_the_others_its_pulls_and_its_rewards_in_all() {
        let (memory, other) = (PerLlmMemory::default(), PerLlmMemory::default());
        memory.own.borrow_mut()[1] = Arm { pulls: 4.0, mean_reward: 0.25 };
        let learned = memory.learned().expect("a bandit learns");
        assert_eq!(learned.0, [0.0, 0.0, 4.0, 1.0]);
        other.hear(learned);
        assert_eq!(other.arms().map(figures), [(0.0, 0.0), (4.0, 0.25)]);
    }
}
