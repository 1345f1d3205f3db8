//! Eq. 11, as far as Algorithm 1 line 3 solves it: which share of each modality to keep and how hard to compress it, so
//! that the prefill of Eq. 14 is shortest within the bounds on quality, memory, upload and MAS.

use crate::search::{Evaluation, Objective};
use crate::testbed::View;
use model::{
    accuracy::{MAX_COMPRESSION, PruningLoss, compression_loss},
    modality::{Modality, PerModality},
    request::{Handling, Input, Kept, Prompt},
};
use units::SimDuration;

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

/// One request's problem.
pub(crate) struct Problem<'p> {
    pub prompt: Prompt,
    pub view: &'p View<'p>,
    pub bounds: &'p Bounds,
    /// Effects of the plan's numbers.
    pub handling: Handling,
    /// `1 - MAS`: the least that may be kept of each modality.
    pub least: PerModality<f64>,
}

impl Problem<'_> {
    /// Modalities of which a part may be dropped.
    pub fn free(&self) -> Vec<Modality> {
        Modality::ALL.into_iter().filter(|&one| self.prompt.has(one) && self.least[one] < 1.0).collect()
    }

    /// The input with that much kept.
    pub fn input(&self, kept: PerModality<Kept>) -> Input {
        Input { prompt: self.prompt, kept, handling: self.handling }
    }

    /// Mean share of right answers that a plan costs.
    fn loss(&self, kept: &PerModality<Kept>) -> f64 {
        let of = |kept: &Kept| self.bounds.pruning.loss(kept.retention) + compression_loss(kept.compression);
        kept.iter().map(|(_, kept)| of(kept)).sum()
    }

    /// E[L_prefill], the first term of Eq. 14, in seconds, and how far the bounds are broken, each in parts of itself.
    pub fn evaluate(&self, kept: PerModality<Kept>) -> Evaluation {
        let input = self.input(kept);
        let upload = self.view.upload_time(&input);
        let cloud = upload + self.view.cloud.prefill(&input);
        let value = self.view.edge.prefill(&input).max(cloud).as_secs_f64();
        let beyond = |value: f64, bound: f64| ((value - bound) / bound.max(1e-9)).max(0.0);
        let quality = beyond(self.loss(&kept), self.bounds.quality_loss);
        let memory = beyond(self.view.edge.prompt_tokens(&input) as f64, self.view.edge_free_tokens as f64);
        let late = self.bounds.upload.map_or(0.0, |bound| beyond(upload.as_secs_f64(), bound.as_secs_f64()));
        // Rounding must not make a plan that spends the quality to the last bit a forbidden one.
        let quality = if quality < 1e-9 { 0.0 } else { quality };
        Evaluation { value, violation: quality + memory + late }
    }

    /// Spends the remaining quality on compression so that most bytes are saved.
    ///
    /// The bytes sent are the sum of `p beta (1 - rho)`, the quality spent the sum of `.05 rho^4`: at the optimum rho is
    /// in proportion to the cube root of `p beta`. Text is never compressed.
    pub fn compress(&self, mut kept: PerModality<Kept>) -> PerModality<Kept> {
        let left = (self.bounds.quality_loss - self.loss(&kept)).max(0.0);
        let input = self.input(kept);
        let weight = |modality: Modality| match input.bytes(modality).as_u64() {
            0 => 0.0,
            bytes => libm::cbrt(bytes as f64),
        };
        let weights = [Modality::Visual, Modality::Audio].map(|modality| (modality, weight(modality)));
        let cost: f64 = weights.iter().map(|(_, weight)| compression_loss(*weight)).sum();
        if cost == 0.0 {
            return kept;
        }
        let scale = (left / cost).sqrt().sqrt();
        for (modality, weight) in weights {
            kept[modality].compression = (scale * weight).min(MAX_COMPRESSION);
        }
        kept
    }
}

/// The problem with compression solved for: one number, the retention, for each free modality.
///
/// Compression only ever shortens the upload, so at the optimum it uses up what quality is left.
pub(crate) struct Reduced<'p> {
    problem: &'p Problem<'p>,
    free: Vec<Modality>,
    bounds: Vec<(f64, f64)>,
}

impl<'p> Reduced<'p> {
    pub fn new(problem: &'p Problem<'p>) -> Self {
        let free = problem.free();
        let quality = problem.bounds.pruning.retention_at(problem.bounds.quality_loss);
        let bounds = free.iter().map(|&modality| (problem.least[modality].max(quality).min(1.0), 1.0)).collect();
        Self { problem, free, bounds }
    }

    /// The kept part of each modality at a point.
    pub fn kept(&self, at: &[f64]) -> PerModality<Kept> {
        let mut kept = PerModality::<Kept>::default();
        for (&modality, &retention) in self.free.iter().zip(at) {
            kept[modality].retention = retention;
        }
        self.problem.compress(kept)
    }
}

impl Objective for Reduced<'_> {
    fn bounds(&self) -> &[(f64, f64)] {
        &self.bounds
    }
    fn evaluate(&self, at: &[f64]) -> Evaluation {
        self.problem.evaluate(self.kept(at))
    }
}

/// The problem as printed: retention and compression of each free modality are searched together.
pub(crate) struct Printed<'p> {
    problem: &'p Problem<'p>,
    free: Vec<Modality>,
    bounds: Vec<(f64, f64)>,
}

impl<'p> Printed<'p> {
    pub fn new(problem: &'p Problem<'p>) -> Self {
        let free = problem.free();
        let bounds = free.iter().flat_map(|&modality| {
            // Text is not compressed.
            let most = if modality == Modality::Text { 0.0 } else { MAX_COMPRESSION };
            // No token at all is no input.
            [(problem.least[modality].max(0.01), 1.0), (0.0, most)]
        });
        Self { problem, bounds: bounds.collect(), free }
    }

    /// The kept part of each modality at a point.
    pub fn kept(&self, at: &[f64]) -> PerModality<Kept> {
        let mut kept = PerModality::<Kept>::default();
        for (&modality, numbers) in self.free.iter().zip(at.chunks_exact(2)) {
            kept[modality] = Kept { retention: numbers[0], compression: numbers[1] };
        }
        kept
    }
}

impl Objective for Printed<'_> {
    fn bounds(&self) -> &[(f64, f64)] {
        &self.bounds
    }
    fn evaluate(&self, at: &[f64]) -> Evaluation {
        self.problem.evaluate(self.kept(at))
    }
}
