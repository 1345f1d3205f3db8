//! The fit of a form: a search ([`super::simplex`]) over the logarithms of the coefficients, which so stay above 0.
//!
//! The minimised cost is Huber's loss of ln(predicted / measured), so that a few broken rows do not pull the form,
//! plus a little for every coefficient's distance from what is typical: a coefficient that the rows say nothing of
//! stays there.

use super::set::{Place, Row, Set};
use super::simplex::{Effort, minimise};
use crate::scenario::profile::to_digits;
use model::step::StepKind;
use model::step::loss::{Sample, huber};
use model::step::parts::{Overlap, Parts, Priced};
use std::sync::Arc;

/// The fixed part of a form, chosen before its coefficients are sought.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    /// True for a plain roofline: one rate for reading cache and weights, one for attention and matrices.
    pub plain: bool,
    /// True if a step has a shortest time.
    pub floor: bool,
    overlap: Overlap,
    tile_tokens: u32,
}

/// Rows of one kind, of one place or of several.
pub struct Problem {
    kind: StepKind,
    places: Vec<Arc<Place>>,
    samples: Vec<Sample>,
    /// Typical coefficients.
    typical: Parts,
}

/// A coefficient and where it stands in the form.
type Coefficient = fn(&mut Parts) -> &mut f64;

/// From which error on, as a logarithm, the loss grows linearly.
const DELTA: f64 = 0.08;

/// Weight of the distance from what is typical, as a squared logarithm: a factor of e counts like an error of 0.6 %.
const TYPICAL: f64 = 2e-5;

/// Overlaps and tiles that are tried.
const OVERLAPS: [Overlap; 3] = [Overlap::Full, Overlap::Partial, Overlap::None];
const TILES: [u32; 4] = [1, 64, 128, 256];

impl Problem {
    /// The rows of some sets of one kind.
    ///
    /// # Panics
    /// If there are none.
    pub fn new(sets: &[(&Set, Vec<&Row>)]) -> Self {
        let samples: Vec<Sample> =
            sets.iter().enumerate().flat_map(|(form, (_, rows))| Set::samples(rows.iter().copied(), form)).collect();
        let first = &sets.first().expect("a set").0;
        let places: Vec<Arc<Place>> = sets.iter().map(|(set, _)| set.place.clone()).collect();
        let typical = typical(&samples, &places);
        Self { kind: first.kind, places, samples, typical }
    }

    /// The best form of a plain roofline or of all parts.
    pub fn fit(&self, plain: bool) -> Parts {
        // Kernels for a few rows have no tiles to fill; with them forms fitted such rows hardly better and other devices worse.
        let tiles: &[u32] = if plain || self.kind != StepKind::Prefill { &[1] } else { &TILES };
        let overlaps: &[Overlap] = if plain { &[Overlap::Full] } else { &OVERLAPS };
        let shapes = overlaps.iter().flat_map(|overlap| {
            tiles.iter().map(|tile| Shape { plain, floor: false, overlap: *overlap, tile_tokens: *tile })
        });
        let (shape, rough, loss) = shapes
            .map(|shape| {
                let (at, loss) = self.search(shape, 2, None);
                (shape, at, loss)
            })
            .min_by(|a, b| a.2.total_cmp(&b.2))
            .expect("a shape");
        let (at, fine) = self.search(shape, ROUNDS, Some(rough));
        let found = self.parts(shape, &at);
        // A floor has to be worth its coefficient.
        let floored = Shape { floor: true, ..shape };
        let (at, loss_floored) = self.search(floored, ROUNDS, None);
        if loss_floored < 0.9 * fine.min(loss) { self.parts(floored, &at) } else { found }
    }

    /// The free coefficients of a shape.
    fn free(&self, shape: Shape) -> Vec<Coefficient> {
        let vary = |value: fn(&Sample) -> u64| {
            let first = self.samples.first().map(value);
            self.samples.iter().any(|sample| Some(value(sample)) != first)
        };
        let depths = self.places.iter().any(|place| place.model.layers != self.places[0].model.layers);
        let one_token = matches!(self.kind, StepKind::Decode | StepKind::Draft);
        let language = self.samples.iter().any(|sample| sample.load.query_tokens > 0);
        let chunked = self.samples.iter().any(|sample| sample.load.context_tokens > sample.load.query_tokens);
        let mixed = vary(|sample| u64::from(sample.load.prefill_starts > 0));
        let batched = vary(|sample| sample.items);
        let pictures = self.samples.iter().any(|sample| sample.load.vision_flop.as_f64() > 0.0);
        let all: [(bool, Coefficient); 11] = [
            (shape.floor && language, |form| &mut form.floor_us),
            // Of one model, what every step takes and what each layer takes is one thing.
            (depths || !language, |form| &mut form.overhead_us),
            (language, |form| &mut form.layer_us),
            (mixed && !shape.plain, |form| &mut form.start_us),
            (batched && !shape.plain, |form| &mut form.item_us),
            (language && !one_token && !shape.plain, |form| &mut form.activations),
            (language, |form| &mut form.weights),
            (language, |form| &mut form.matrices),
            ((one_token || chunked) && !shape.plain, |form| &mut form.kv),
            (language && !one_token && !shape.plain, |form| &mut form.attention),
            (pictures, |form| &mut form.vision),
        ];
        all.into_iter().filter(|(free, _)| *free).map(|(_, coefficient)| coefficient).collect()
    }

    /// The form at a place of the search.
    fn parts(&self, shape: Shape, at: &[f64]) -> Parts {
        let mut parts = Parts { overlap: shape.overlap, tile_tokens: shape.tile_tokens, ..self.typical };
        if !shape.floor {
            parts.floor_us = 0.0;
        }
        for nothing in
            [(|form| &mut form.start_us) as Coefficient, |form| &mut form.item_us, |form| &mut form.activations]
        {
            *nothing(&mut parts) = 0.0;
        }
        if self.places.iter().all(|place| place.model.layers == self.places[0].model.layers)
            && self.samples.iter().any(|sample| sample.load.query_tokens > 0)
        {
            parts.overhead_us = 0.0;
        }
        let mut typical = self.typical;
        for (coefficient, z) in self.free(shape).into_iter().zip(at) {
            *coefficient(&mut parts) = to_digits(*coefficient(&mut typical) * libm::exp(z.clamp(-12.0, 6.0)));
        }
        if shape.plain {
            parts.kv = parts.weights;
            parts.attention = parts.matrices;
        }
        parts
    }

    fn cost(&self, shape: Shape, at: &[f64]) -> f64 {
        let parts = self.parts(shape, at);
        let forms: Vec<Priced> = self.places.iter().map(|place| parts.on(place.sheet(), &place.model)).collect();
        let far: f64 = at.iter().map(|z| z * z).sum();
        huber(&forms, &self.samples, DELTA) + TYPICAL * far
    }

    /// Searches so many times, each from where the last ended.
    fn search(&self, shape: Shape, rounds: u32, from: Option<Vec<f64>>) -> (Vec<f64>, f64) {
        let count = self.free(shape).len();
        let effort = Effort { step: 1.2, rounds, moves: 150 * count as u64, tolerance: 1e-9 };
        minimise(&|at| self.cost(shape, at), from.unwrap_or_else(|| vec![0.0; count]), effort)
    }
}

/// Rounds of a search that is to be exact.
const ROUNDS: u32 = 8;

/// The start of a search: usual shares of the data sheet, and overheads that are a small part of the rows.
fn typical(samples: &[Sample], places: &[Arc<Place>]) -> Parts {
    let mut ns: Vec<f64> = samples.iter().map(|sample| libm::exp(sample.ln_ns)).collect();
    ns.sort_by(f64::total_cmp);
    let (least_us, layers) = (ns[0] / 1e3, places[0].model.layers as f64);
    let items = samples.iter().map(|sample| sample.items).max().unwrap_or(1) as f64;
    Parts {
        overlap: Overlap::Full,
        tile_tokens: 1,
        vector_token: 0.0,
        floor_us: 0.9 * least_us,
        overhead_us: 0.1 * least_us,
        start_us: 0.1 * least_us,
        layer_us: 0.1 * least_us / layers,
        item_us: 0.05 * least_us / items,
        hidden_us: 0.0,
        hidden_item_us: 0.0,
        activations: 10.0,
        quantise: 0.0,
        quantise_us: 0.0,
        weights: 1.2,
        matrices: 1.5,
        kv: 1.3,
        kv_per_head: 0.0,
        kv_alone: 0.0,
        attention: 2.0,
        // Of pictures a place says what its engine does, where rows say nothing.
        vision: 1.0 / places[0].assumed.eta_flop.as_f64(),
    }
}
