//! The coarse plan (Eq. 11; Algorithm 1 line 3): how much of the pictures to keep and how hard to compress them.
//!
//! Text is protected, so with pictures as the one other modality there are two numbers, retention beta and
//! compression rho. Compression only ever shortens the upload, so at the optimum it uses up what quality is left:
//! `loss(beta) + .05 rho^4 = eps_Q`. That leaves beta alone, and a golden-section search solves the problem exactly.

use crate::View;
use argmin::{
    core::{CostFunction, Executor, State as _},
    solver::goldensectionsearch::GoldenSectionSearch,
};
use model::{
    accuracy::{PruningLoss, compression_at},
    mas::Mas,
    request::{Images, Input, Prompt},
};
use std::{cell::RefCell, collections::BTreeMap};
use units::{Bytes, SimDuration};

/// The bounds of Eq. 11.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// eps_Q: mean share of right answers that may be lost.
    pub quality_loss: f64,
    /// T_max: how long the upload may take; no bound if absent.
    pub upload: Option<SimDuration>,
    /// Loss by pruning, as the planner knows it.
    pub pruning: PruningLoss,
}

/// Plans that were solved before, by quantised state: requests that look alike get the same plan.
#[derive(Default)]
pub(crate) struct Plans(RefCell<BTreeMap<State, (f64, f64)>>);

/// What a plan depends on, quantised so finely that the objective changes by less than a per cent between neighbours.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    mas_64ths: u32,
    prompt_tokens: u64,
    payload_16ths_of_octave: i32,
    uplink_mbps: u64,
    free_blocks: u64,
}

/// Golden-section steps: the interval shrinks by .618 a step, to a part in 10,000 of its length.
const STEPS: u64 = 20;

impl Plans {
    /// The input as the best plan lets it through.
    pub(crate) fn solve(&self, prompt: Prompt, mas: &Mas, view: &View<'_>, bounds: &Bounds) -> Input {
        let whole = Input::whole(prompt);
        let Some(images) = prompt.images else { return whole };
        let payload_16ths = libm::round(16.0 * libm::log2(images.payload.as_u64().max(1) as f64));
        let state = State {
            mas_64ths: (mas.visual * 64.0) as u32,
            prompt_tokens: view.edge.prompt_tokens(&whole),
            payload_16ths_of_octave: payload_16ths as i32,
            uplink_mbps: view.uplink.as_u64() / 1_000_000,
            // Memory binds only where little is left.
            free_blocks: (view.edge_free_tokens / 16).min(1024),
        };
        let (retention, compression) = *self.0.borrow_mut().entry(state).or_insert_with(|| {
            let payload = Bytes::new(libm::exp2(payload_16ths / 16.0) as u64);
            let prompt = Prompt { images: Some(Images { payload, ..images }), ..prompt };
            let least = 1.0 - f64::from(state.mas_64ths) / 64.0;
            Problem { prompt, view, bounds }.solve(least)
        });
        Input { prompt, retention, compression }
    }
}

struct Problem<'p> {
    prompt: Prompt,
    view: &'p View<'p>,
    bounds: &'p Bounds,
}

impl Problem<'_> {
    /// Best (retention, compression) with retention at least `1 - MAS` and what the quality bound allows.
    fn solve(&self, one_minus_mas: f64) -> (f64, f64) {
        let least = one_minus_mas.max(self.bounds.pruning.retention_at(self.bounds.quality_loss)).min(1.0);
        if least >= 1.0 {
            return (1.0, self.compression(1.0));
        }
        let best = golden_section(|retention| self.latency(retention), least, 1.0);
        // The ends are not visited by the search, and the optimum is often one of them.
        let candidates = [least, best, 1.0];
        let retention =
            candidates.into_iter().min_by(|a, b| self.latency(*a).total_cmp(&self.latency(*b))).expect("three");
        (retention, self.compression(retention))
    }

    /// What quality is left, spent on compression.
    fn compression(&self, retention: f64) -> f64 {
        compression_at(self.bounds.quality_loss - self.bounds.pruning.loss(retention))
    }

    /// E[L_prefill] in seconds: the first term of Eq. 14, with half a round trip for the one message. Infinite where
    /// the upload or the edge's memory is out of bounds.
    fn latency(&self, retention: f64) -> f64 {
        let input = Input { prompt: self.prompt, retention, compression: self.compression(retention) };
        let upload = self.view.uplink.transfer_time(input.payload()) + self.view.rtt / 2;
        let too_slow = self.bounds.upload.is_some_and(|bound| upload > bound);
        if too_slow || self.view.edge.prompt_tokens(&input) > self.view.edge_free_tokens {
            return f64::INFINITY;
        }
        let cloud = upload + self.view.cloud.prefill(&input);
        self.view.edge.prefill(&input).max(cloud).as_secs_f64()
    }
}

/// The minimum of a function between two bounds.
fn golden_section(function: impl Fn(f64) -> f64, low: f64, high: f64) -> f64 {
    struct Cost<F>(F);
    impl<F: Fn(f64) -> f64> CostFunction for Cost<F> {
        type Param = f64;
        type Output = f64;
        fn cost(&self, at: &f64) -> Result<f64, argmin::core::Error> {
            Ok((self.0)(*at))
        }
    }
    let middle = 0.5 * (low + high);
    GoldenSectionSearch::new(low, high)
        .and_then(|solver| {
            Executor::new(Cost(function), solver)
                .configure(|state| state.param(middle).max_iters(STEPS))
                .timer(false)
                .ctrlc(false)
                .run()
        })
        .ok()
        .and_then(|result| result.state().get_best_param().copied())
        .unwrap_or(middle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Prices;
    use model::request::ImageSize;
    use units::BitsPerSecond;

    /// A device on which reading a prompt takes so many milliseconds for the whole pictures.
    struct Linear(f64);

    impl Prices for Linear {
        fn prefill(&self, input: &Input) -> SimDuration {
            SimDuration::from_secs_f64(self.0 * 1e-3 * input.retention)
        }
        fn token(&self, _: u64) -> SimDuration {
            SimDuration::from_ms(5)
        }
        fn prompt_tokens(&self, input: &Input) -> u64 {
            (391.0 * input.retention) as u64 + 30
        }
    }

    fn solve(edge_ms: f64, cloud_ms: f64, mas: f64, free_tokens: u64) -> Input {
        let size = ImageSize::Pixels { width: 640, height: 480 };
        let images = Images { count: 1, size, payload: Bytes::new(160_000) };
        let prompt = Prompt { request: 0, text_tokens: 30, images: Some(images) };
        let view = View {
            uplink: BitsPerSecond::from_mbps(400),
            rtt: SimDuration::from_ms(20),
            edge_requests: 0,
            cloud_requests: 0.0,
            edge_free_tokens: free_tokens,
            edge: &Linear(edge_ms),
            cloud: &Linear(cloud_ms),
        };
        let bounds = Bounds { quality_loss: 0.02, upload: None, pruning: PruningLoss::default() };
        Plans::default().solve(prompt, &Mas { visual: mas }, &view, &bounds)
    }

    #[test]
    fn a_slow_edge_prunes_down_to_the_quality_bound() {
        let input = solve(1000.0, 1.0, 0.9, 1 << 20);
        assert!((input.retention - PruningLoss::default().retention_at(0.02)).abs() < 1e-4);
        assert_eq!(input.compression, 0.0);
    }

    #[test]
    fn mas_bounds_the_retention_from_below() {
        let input = solve(1000.0, 1.0, 0.25, 1 << 20);
        assert_eq!(input.retention, 0.75);
        assert!(input.compression > 0.0);
    }

    #[test]
    fn a_mas_of_zero_protects_everything() {
        assert_eq!(solve(1000.0, 1.0, 0.0, 1 << 20).retention, 1.0);
    }

    #[test]
    fn fast_devices_spend_the_quality_on_compression() {
        // Nothing but the upload takes time. It carries beta (1 - rho): a scan of the whole range is the judge.
        let pruning = PruningLoss::default();
        let upload = |retention: f64| retention * (1.0 - compression_at(0.02 - pruning.loss(retention)));
        let least = pruning.retention_at(0.02);
        let scanned = (0..=100_000)
            .map(|step| upload(least + (1.0 - least) * f64::from(step) / 100_000.0))
            .fold(f64::INFINITY, f64::min);
        let input = solve(0.0, 0.0, 1.0, 1 << 20);
        assert!(upload(input.retention) < scanned * 1.001, "{} {scanned}", upload(input.retention));
    }

    #[test]
    fn memory_that_holds_only_a_part_forces_pruning() {
        let input = solve(0.0, 0.0, 1.0, 300);
        assert!(Linear(0.0).prompt_tokens(&input) <= 300);
    }

    #[test]
    fn text_alone_needs_no_plan() {
        let prompt = Prompt { request: 0, text_tokens: 30, images: None };
        let view = View {
            uplink: BitsPerSecond::from_mbps(400),
            rtt: SimDuration::from_ms(20),
            edge_requests: 0,
            cloud_requests: 0.0,
            edge_free_tokens: 1 << 20,
            edge: &Linear(1.0),
            cloud: &Linear(1.0),
        };
        let bounds = Bounds { quality_loss: 0.02, upload: None, pruning: PruningLoss::default() };
        assert_eq!(Plans::default().solve(prompt, &Mas::TEXT_ONLY, &view, &bounds), Input::whole(prompt));
    }
}
