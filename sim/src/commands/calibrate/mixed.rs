//! Steps with a chunk of a prompt and a batch of decodes, which the laws of both kinds price together.
//!
//! They tell what rows of one kind cannot: how long a decode's cache takes to read beside a chunk, which kernels for single tokens
//! alone do better ([`Parts::kv_per_head`]). That is fitted to half of them, and both laws are judged by the other half.

use super::choose::Found;
use super::kernels::MixedStep;
use super::set::{Place, Set, load};
use super::sheets::Sheets;
use super::simplex::{Effort, minimise};
use super::tables::place;
use crate::scenario::profile::{Errors, LawEntry, to_digits};
use crate::terminal::{Failure, say};
use model::step::law::Law;
use model::step::parts::Parts;
use model::step::{Step, StepKind};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use traces::measured::MeasuredStep;

/// Mixed steps at one place.
pub struct Mixed {
    place: Arc<Place>,
    rows: Vec<Row>,
}

struct Row {
    prompt: Step,
    decodes: Step,
    ms: f64,
}

/// Mixed steps, judged.
pub struct Judged {
    /// Where they were measured.
    pub place: Arc<Place>,
    /// Mixed steps.
    pub rows: u64,
    /// Errors of the uncalibrated roofline on the withheld ones.
    pub roofline: Errors,
    /// Errors of the two laws on the others.
    pub in_sample: Errors,
    /// Errors of the two laws on the withheld ones.
    pub held_out: Errors,
}

/// The laws of prompts and of decodes at one place.
struct Laws<'f> {
    place: &'f Place,
    prompts: Law,
    decodes: &'f LawEntry,
}

/// A law at a place, with some coefficients. No table has mixed steps.
fn priced(place: &Place, law: &LawEntry, parts: &Parts) -> Law {
    Law::new(parts, (place.sheet(), &place.model), None, Some(law.range), law.spread.clone())
}

impl Laws<'_> {
    /// Predicted / measured of some steps, where a query head's reads of the cache are such a share of a group's.
    fn ratios<'r>(&self, rows: impl IntoIterator<Item = &'r &'r Row>, kv_per_head: f64) -> Vec<f64> {
        let decodes = priced(self.place, self.decodes, &Parts { kv_per_head, ..self.decodes.parts });
        let ms =
            |row: &Row| self.prompts.predict_beside(&row.prompt, std::iter::once((&decodes, &row.decodes))).ns / 1e6;
        rows.into_iter().map(|row| ms(row) / row.ms).collect()
    }

    /// The share that fits some steps best.
    fn kv_per_head(&self, rows: &[&Row]) -> f64 {
        let typical = Parts::of_engine(&self.place.assumed).kv_per_head.max(LEAST);
        let at = |z: &[f64]| typical * libm::exp(z[0].clamp(-3.0, 3.0));
        let cost = |z: &[f64]| {
            let off = |ratio: f64| libm::log(ratio).abs();
            self.ratios(rows, at(z)).into_iter().map(off).sum::<f64>() / rows.len() as f64
        };
        let effort = Effort { step: 0.5, rounds: 4, moves: 60, tolerance: 1e-9 };
        to_digits(at(&minimise(&cost, vec![0.0], effort).0))
    }
}

/// The start of the search where an engine packs the heads of a group for all kernels.
const LEAST: f64 = 0.1;

impl Mixed {
    /// Mixed steps by their places.
    ///
    /// # Errors
    /// If nothing is known of a device or a model.
    pub fn of(steps: &[(&Path, MixedStep)], sheets: &Sheets) -> Result<Vec<Self>, Failure> {
        let mut all = Vec::<Self>::new();
        for (path, MixedStep { prompt, decodes }) in steps {
            let at = || format!("{}:{}", path.display(), prompt.line);
            let Some(model) = sheets.model(&prompt.model, &at)? else { continue };
            let row = Row {
                prompt: step(StepKind::Prefill, prompt),
                decodes: step(StepKind::Decode, decodes),
                ms: prompt.duration_ms,
            };
            let place = place(prompt, model, sheets, &at)?;
            match all.iter_mut().find(|mixed| mixed.place.is(&place)) {
                Some(mixed) => mixed.rows.push(row),
                None => all.push(Self { place: Arc::new(place), rows: vec![row] }),
            }
        }
        Ok(all)
    }

    /// Every second length of a chunk is withheld, whole.
    fn split(&self) -> (Vec<&Row>, Vec<&Row>) {
        let lengths: BTreeSet<u64> = self.rows.iter().map(|row| row.prompt.load.query_tokens).collect();
        let withheld: Vec<u64> = lengths.into_iter().skip(1).step_by(2).collect();
        self.rows.iter().partition(|row| !withheld.contains(&row.prompt.load.query_tokens))
    }

    /// The laws of its place: where in the list they are, prompts first.
    fn laws(&self, sets: &[Set]) -> Option<[usize; 2]> {
        let law = |kind| sets.iter().position(|set| set.kind == kind && set.place.is(&self.place));
        Some([law(StepKind::Prefill)?, law(StepKind::Decode)?])
    }

    /// Fits what caches take beside a chunk, and judges it; none where its place lacks a law, or all chunks are as long.
    fn judged(&self, sets: &[Set], found: &mut [Found]) -> Option<Judged> {
        let [prompts, decodes] = self.laws(sets)?;
        let (seen, withheld) = self.split();
        if withheld.is_empty() {
            return None;
        }
        let prompts = &found[prompts].law;
        let prompts = priced(&self.place, prompts, &prompts.parts);
        let laws = Laws { place: &self.place, prompts, decodes: &found[decodes].law };
        let kv_per_head = laws.kv_per_head(&seen);
        let (in_sample, held_out) = (laws.ratios(&seen, kv_per_head), laws.ratios(&withheld, kv_per_head));
        let roofline = self.place.roofline();
        let uncalibrated = |row: &&Row| {
            let mut load = row.prompt.load;
            load.add(&row.decodes.load);
            roofline.iteration(&load).duration.as_ms_f64() / row.ms
        };
        let judged = Judged {
            place: self.place.clone(),
            rows: self.rows.len() as u64,
            roofline: Errors::of(&withheld.iter().map(uncalibrated).collect::<Vec<_>>())?,
            in_sample: Errors::of(&in_sample)?,
            held_out: Errors::of(&held_out)?,
        };
        let all: Vec<&Row> = self.rows.iter().collect();
        let kv_per_head = laws.kv_per_head(&all);
        found[decodes].law.parts.kv_per_head = kv_per_head;
        Some(judged)
    }
}

/// Fits laws of decode to mixed steps, and judges both laws by them.
pub fn judge(mixed: &[Mixed], sets: &[Set], found: &mut [Found]) -> Vec<Judged> {
    let mut judged = Vec::new();
    for one in mixed {
        match one.judged(sets, found) {
            Some(one) => judged.push(one),
            None => {
                let (rows, place) = (one.rows.len(), one.place.name());
                say(format_args!(
                    "sim: left out: {rows} mixed steps on {place}; expected laws of prefill and of decode there, and chunks of several lengths"
                ));
            }
        }
    }
    judged
}

fn step(kind: StepKind, part: &MeasuredStep) -> Step {
    let load = load(kind, part.batch, part.new_tokens, part.context_tokens, part.head);
    Step { load, items: u64::from(part.batch) }
}
