//! The law of a set: the better of form and table on a validation split, and its errors on what was withheld.

use super::fit::Problem;
use super::set::{Row, Set};
use super::split::{Axis, Withheld, others};
use crate::scenario::profile::{Errors, Form, FormResiduals, LawEntry, to_digits};
use model::model_spec::ModelSpec;
use model::roofline::Roofline;
use model::step::law::{Range, Spread};
use model::step::parts::{DataSheet, Parts};
use model::step::table::{MeasuredPoint, Table};
use model::step::{Step, StepKind};

/// A candidate, fitted.
#[derive(Clone, Debug)]
struct Fitted {
    form: Form,
    parts: Parts,
    table: Option<Table>,
}

/// Error that any form has: below it, two forms are about as good.
const LITTLE: f64 = 0.02;

/// Rows that a table is made of at least.
const LEAST_FOR_A_TABLE: usize = 20;

/// Withheld rows from which on their spread is taken for the law's.
const ENOUGH: usize = 10;

impl Fitted {
    /// Milliseconds of a step, by the form where a table has no answer.
    fn ms(&self, step: &Step, sheet: DataSheet, model: &ModelSpec) -> f64 {
        let read = |table: &Table| table.ms(step.tokens_per_item(), step.context_per_item(), step.items as f64);
        let form = || self.parts.on(sheet, model).ns(&step.load, step.items) / 1e6;
        self.table.as_ref().and_then(read).unwrap_or_else(form)
    }

    /// Predicted / measured.
    fn ratios<'r>(&self, set: &Set, rows: impl IntoIterator<Item = &'r &'r Row>) -> Vec<f64> {
        let (sheet, model) = (set.place.sheet(), &set.place.model);
        rows.into_iter().map(|row| self.ms(&row.step, sheet, model) / row.ms).collect()
    }

    /// Measured / predicted of every measurement.
    fn spread<'r>(&self, set: &Set, rows: impl IntoIterator<Item = &'r &'r Row>) -> Vec<f64> {
        let (sheet, model) = (set.place.sheet(), &set.place.model);
        let all = rows.into_iter().map(|row| (self.ms(&row.step, sheet, model), row.measured().to_vec()));
        all.flat_map(|(ms, each)| each.into_iter().map(move |one| to_digits(one / ms))).collect()
    }

    /// Mean size of the error, as a logarithm.
    fn cost(&self, set: &Set, rows: &[&Row]) -> f64 {
        let (sheet, model) = (set.place.sheet(), &set.place.model);
        let off = |row: &&Row| libm::log(self.ms(&row.step, sheet, model) / row.ms).abs();
        rows.iter().map(off).sum::<f64>() / rows.len() as f64
    }
}

/// Fits a form to rows of one set.
fn fitted(set: &Set, rows: &[&Row], form: Form) -> Option<Fitted> {
    let parts = |plain| Problem::new(&[(set, rows.to_vec())]).fit(plain);
    let table = || {
        let plain = |row: &&&Row| row.step.load.vision_flop.as_f64() == 0.0;
        let points: Vec<MeasuredPoint> =
            rows.iter().filter(plain).map(|row| (row.configuration(), to_digits(row.ms))).collect();
        (points.len() == rows.len()).then(|| Table::of(&points)).flatten()
    };
    Some(match form {
        Form::Roofline => Fitted { form, parts: parts(true), table: None },
        Form::Parts => Fitted { form, parts: parts(false), table: None },
        Form::Table => {
            let mut table = table()?;
            table.duration_ms.iter_mut().for_each(|ms| *ms = to_digits(*ms));
            Fitted { form, parts: parts(false), table: Some(table) }
        }
    })
}

/// The form that is best on rows that it has not seen, which are withheld of these. A table has to be clearly better, since
/// it knows nothing beyond its rows, and is not made of few.
fn best_form(set: &Set, rows: &[&Row], axis: Axis) -> Form {
    let (seen, unseen) = Withheld::choose(rows, axis, "validation").split(rows);
    if unseen.is_empty() || seen.len() < super::tables::LEAST_ROWS {
        return Form::Roofline;
    }
    let costs =
        [(Form::Roofline, 1.0), (Form::Parts, 1.0), (Form::Table, 1.25)].into_iter().filter_map(|(form, handicap)| {
            if form == Form::Table && seen.len() < LEAST_FOR_A_TABLE {
                return None;
            }
            let fitted = fitted(set, &seen, form)?;
            Some((form, handicap * (fitted.cost(set, &unseen) + LITTLE)))
        });
    costs.min_by(|a, b| a.1.total_cmp(&b.1)).expect("a form").0
}

/// A law and its errors, with the ratios that they are counted from.
pub struct Found {
    /// The law.
    pub law: LawEntry,
    /// Predicted / measured of the uncalibrated roofline, in sample and held out.
    pub ratios: [Vec<f64>; 3],
}

/// Predictions on rows that a fit has not seen.
struct Split {
    withheld: String,
    in_sample: Vec<f64>,
    held_out: Vec<f64>,
    /// Measured / predicted: held out if that is enough to go by, else in sample.
    spread: Vec<f64>,
    /// Rows that were withheld; all, if none was.
    judged: Vec<Row>,
    /// Residuals of the form beside a table.
    beside: Option<FormResiduals>,
}

/// Finds the law of one of several sets.
pub fn law(sets: &[Set], set: &Set, axis: Axis) -> Found {
    let rows: Vec<&Row> = set.rows.iter().collect();
    let (last, split) = if axis.is_of_sets() {
        let last = refitted(set, &rows, best_form(set, &rows, Axis::Configuration));
        let split = across(sets, set, &rows, &last, axis);
        (last, split)
    } else {
        let (form, split) = within(set, &rows, axis);
        (refitted(set, &rows, form), split)
    };
    let roofline = roofline_ratios(set, &split.judged);
    let place = &set.place;
    let law = LawEntry {
        kind: set.kind,
        side: place.side.clone(),
        gpu: place.gpu.clone(),
        device: place.device.name.to_string(),
        gpus: place.gpus,
        bandwidth_gb_s: to_digits(place.device.bandwidth.as_f64() / 1e9),
        peak_tflops: to_digits(place.device.peak.as_f64() / 1e12),
        model: place.model.name.to_string(),
        engine: place.engine.clone(),
        how: place.how.clone(),
        dtype: place.dtype.clone(),
        form: last.form,
        rows: set.rows.len() as u64,
        withheld: split.withheld,
        spread: Spread::of(split.spread).expect("a set has rows"),
        range: Range::of(set.rows.iter().map(|row| &row.step)).expect("a set has rows"),
        roofline: Errors::of(&roofline).expect("a set has rows"),
        in_sample: Errors::of(&split.in_sample).expect("a set has rows"),
        held_out: Errors::of(&split.held_out),
        beside: split.beside,
        parts: beside_prompts(set, last.parts),
        table: last.table,
    };
    Found { law, ratios: [roofline, split.in_sample, split.held_out] }
}

/// A form of single tokens takes from the engine's constants what their caches take beside a prompt's chunk. Rows of single tokens
/// alone say nothing of it.
fn beside_prompts(set: &Set, parts: Parts) -> Parts {
    match set.kind {
        StepKind::Decode | StepKind::Draft => {
            Parts { kv_per_head: Parts::of_engine(&set.place.assumed).kv_per_head, ..parts }
        }
        _ => parts,
    }
}

fn roofline_ratios(set: &Set, rows: &[Row]) -> Vec<f64> {
    let roofline: Roofline = set.place.roofline();
    rows.iter().map(|row| roofline.iteration(&row.step.load).duration.as_ms_f64() / row.ms).collect()
}

/// A form that was chosen, fitted to all rows; the form itself where a table cannot be made of all of them.
fn refitted(set: &Set, rows: &[&Row], form: Form) -> Fitted {
    fitted(set, rows, form).or_else(|| fitted(set, rows, Form::Parts)).expect("forms can be fitted to any rows")
}

/// Whole configurations of the set are withheld; which form is best is found without them.
fn within(set: &Set, rows: &[&Row], axis: Axis) -> (Form, Split) {
    let withheld = Withheld::choose(rows, axis, "held out");
    let (seen, unseen) = withheld.split(rows);
    let enough = seen.len() >= super::tables::LEAST_ROWS && !unseen.is_empty();
    let (seen, unseen) = if enough { (seen, unseen) } else { (rows.to_vec(), Vec::new()) };
    let fitted = refitted(set, &seen, best_form(set, &seen, axis));
    let held_out = fitted.ratios(set, &unseen);
    let spread = fitted.spread(set, if held_out.len() >= ENOUGH { &unseen } else { &seen });
    let judged: Vec<Row> = if unseen.is_empty() { &seen } else { &unseen }.iter().map(|row| (*row).clone()).collect();
    let told: &[&Row] = if unseen.is_empty() { &seen } else { &unseen };
    let form = Fitted { form: Form::Parts, table: None, ..fitted.clone() };
    let errors = fitted.table.as_ref().and_then(|_| Errors::of(&form.ratios(set, told)));
    let spread_beside = || Spread::of(form.spread(set, told)).expect("rows");
    let beside = errors.map(|errors| FormResiduals { spread: spread_beside(), errors });
    let split = Split {
        beside,
        withheld: if enough { withheld.told() } else { String::new() },
        in_sample: fitted.ratios(set, &seen),
        spread,
        held_out,
        judged,
    };
    (fitted.form, split)
}

/// The whole set is withheld, and predicted from others.
fn across(sets: &[Set], set: &Set, rows: &[&Row], own: &Fitted, axis: Axis) -> Split {
    let others = others(sets, set, axis);
    let in_sample = own.ratios(set, rows);
    let judged = set.rows.clone();
    if others.is_empty() {
        let spread = own.spread(set, rows);
        return Split { withheld: String::new(), in_sample, held_out: Vec::new(), spread, judged, beside: None };
    }
    let problem: Vec<(&Set, Vec<&Row>)> = others.iter().map(|set| (*set, set.rows.iter().collect())).collect();
    let parts = Problem::new(&problem).fit(false);
    let fitted = Fitted { form: Form::Parts, parts, table: None };
    let whole = if axis == Axis::Model { &set.place.model.name } else { &set.place.device.name };
    let (held_out, spread) = (fitted.ratios(set, rows), fitted.spread(set, rows));
    Split { withheld: whole.to_string(), in_sample, held_out, spread, judged, beside: None }
}
