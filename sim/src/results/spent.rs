//! The energy and the price of a run by part: edge, radio, network and cloud. A tier that ran nothing costs nothing.

use crate::scenario::{Costs, Radio};
use engine::{Outcome, RunSpec, TierOutcome};

/// The parts of a run that cost something.
pub struct Spent<'a> {
    pub outcome: &'a Outcome,
    pub spec: &'a RunSpec,
    pub costs: Costs,
}

/// A tier of the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Edge,
    Cloud,
}

impl Spent<'_> {
    fn tier(&self, part: Part) -> &TierOutcome {
        match part {
            Part::Edge => &self.outcome.edge,
            Part::Cloud => &self.outcome.cloud,
        }
    }

    /// Energy of a tier above idle power, joules.
    pub fn work_j(&self, part: Part) -> f64 {
        self.tier(part).work_joules
    }

    /// Energy of a tier with its idle power, joules.
    pub fn whole_j(&self, part: Part) -> f64 {
        let tier = self.tier(part);
        let idle = if tier.iterations > 0 { tier.idle_joules * self.share() } else { 0.0 };
        tier.work_joules + idle
    }

    /// The share of the time of the run that its counted requests have: those of the warm-up take their part with them.
    fn share(&self) -> f64 {
        match self.outcome.since.answered {
            0 => 1.0,
            answered => self.outcome.metrics.completed as f64 / answered as f64,
        }
    }

    /// Energy of the edges' radios, joules; none where no radio is stated. A policy that sends nothing leaves it asleep.
    pub fn radio_j(&self) -> Option<f64> {
        let figures = self.costs.radio.map(Radio::figures)?;
        let [up, down] = [self.outcome.up, self.outcome.down].map(|way| 8.0 * way.counted().as_u64() as f64);
        let awake_s = if up > 0.0 { self.outcome.metrics.e2e.sum_ns() as f64 / 1e9 } else { 0.0 };
        Some((figures.up_nj_per_bit * up + figures.down_nj_per_bit * down) / 1e9 + figures.awake_w * awake_s)
    }

    /// Energy of the network, joules; none where none is stated.
    pub fn network_j(&self) -> Option<f64> {
        let bits = 8.0 * (self.outcome.up.counted() + self.outcome.down.counted()).as_u64() as f64;
        Some(self.costs.network_nj_per_bit? * bits / 1e9)
    }

    /// Energy of all parts, joules.
    pub fn all_j(&self) -> f64 {
        let tiers = self.whole_j(Part::Edge) + self.whole_j(Part::Cloud);
        tiers + self.radio_j().unwrap_or(0.0) + self.network_j().unwrap_or(0.0)
    }

    /// Energy of all parts without idle power, joules.
    pub fn all_work_j(&self) -> f64 {
        let tiers = self.work_j(Part::Edge) + self.work_j(Part::Cloud);
        tiers + self.radio_j().unwrap_or(0.0) + self.network_j().unwrap_or(0.0)
    }

    /// The price of the run; none where no price is stated. Devices are paid for by the hour, whether or not they compute.
    pub fn price(&self) -> Option<f64> {
        let Self { outcome, spec, costs } = self;
        let hours = outcome.makespan.as_secs_f64() / 3600.0 * self.share();
        // Each kind of device with its number and its own price.
        let of_tier = |part: Part, stated: Option<f64>, kinds: Vec<(u32, Option<f64>)>| {
            let is_used = f64::from(u8::from(self.tier(part).iterations > 0));
            let prices = kinds.into_iter().map(|(devices, own)| Some(stated.or(own)? * f64::from(devices)));
            Some(prices.sum::<Option<f64>>()? * is_used * hours)
        };
        let edges = spec.edges.iter().filter(|group| group.has_gpu);
        let edges = edges.map(|group| (group.count, group.tier.device.price_per_hour)).collect();
        let clouds = spec.pools.iter().map(|pool| (pool.gpus, pool.tier.device.price_per_hour)).collect();
        let bytes = (outcome.up.counted() + outcome.down.counted()).as_u64() as f64;
        let parts = [
            of_tier(Part::Edge, costs.edge_per_hour, edges),
            of_tier(Part::Cloud, costs.cloud_per_hour, clouds),
            costs.per_gb.map(|per_gb| per_gb * bytes / 1e9),
        ];
        parts.iter().any(Option::is_some).then(|| parts.into_iter().flatten().sum())
    }
}
