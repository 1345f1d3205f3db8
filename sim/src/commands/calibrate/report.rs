//! The printed errors, as a table or as one JSON object.

use super::choose::Found;
use super::mixed::Judged;
use crate::scenario::profile::{Errors, PreprocessEntry};
use model::step::StepKind;
use serde_json::{Map, Value, json};

/// Errors of all laws together, or of one kind.
fn pooled(found: &[Found], kind: Option<StepKind>) -> [Option<Errors>; 3] {
    let of = |n: usize| {
        let laws = found.iter().filter(|found| kind.is_none_or(|kind| found.law.kind == kind));
        let ratios: Vec<f64> = laws.flat_map(|found| found.ratios[n].iter().copied()).collect();
        Errors::of(&ratios)
    };
    [of(0), of(1), of(2)]
}

/// The errors as one object.
pub fn json(found: &[Found], mixed: &[Judged], preprocess: Option<&PreprocessEntry>, hold_out: &str) -> Value {
    let mut all = keys(&pooled(found, None));
    let kinds: Map<String, Value> =
        kinds(found).map(|kind| (kind.name().to_owned(), Value::Object(keys(&pooled(found, Some(kind)))))).collect();
    all.insert("hold_out".to_owned(), json!(hold_out));
    all.insert("kinds".to_owned(), Value::Object(kinds));
    let law = |found: &Found| {
        let law = &found.law;
        let mut object = keys(&[Some(law.roofline), Some(law.in_sample), law.held_out]);
        let about = json!({
            "kind": law.kind.name(), "side": law.side, "gpu": law.gpu, "gpus": law.gpus, "model": law.model,
            "engine": law.engine, "form": law.form.name(), "rows": law.rows, "withheld": law.withheld,
        });
        object.extend(about.as_object().cloned().expect("an object"));
        Value::Object(object)
    };
    all.insert("laws".to_owned(), Value::Array(found.iter().map(law).collect()));
    let both = |judged: &Judged| {
        let mut object = keys(&[Some(judged.roofline), Some(judged.in_sample), Some(judged.held_out)]);
        let place = &judged.place;
        object.insert("gpu".to_owned(), json!(place.gpu));
        object.insert("model".to_owned(), json!(place.model.name));
        object.insert("engine".to_owned(), json!(place.engine));
        Value::Object(object)
    };
    all.insert("mixed".to_owned(), Value::Array(mixed.iter().map(both).collect()));
    all.insert("preprocess".to_owned(), json!(preprocess));
    Value::Object(all)
}

fn kinds(found: &[Found]) -> impl Iterator<Item = StepKind> {
    StepKind::ALL.into_iter().filter(|kind| found.iter().any(|found| found.law.kind == *kind))
}

fn keys([roofline, in_sample, held_out]: &[Option<Errors>; 3]) -> Map<String, Value> {
    let mut object = Map::new();
    for (name, errors) in [("roofline", roofline), ("in_sample", in_sample), ("held_out", held_out)] {
        let mut put = |what: &str, value: Option<f64>| {
            object.insert(format!("{name}_{what}"), json!(value));
        };
        put("median_error_pct", errors.map(|errors| errors.median_pct));
        put("p90_error_pct", errors.map(|errors| errors.p90_pct));
        put("worst_error_pct", errors.map(|errors| errors.worst_pct));
        put("bias_pct", errors.map(|errors| errors.bias_pct));
        object.insert(format!("{name}_rows"), json!(errors.map_or(0, |errors| errors.rows)));
    }
    object
}

/// The errors as a table: a row for each law, for each kind and for all.
pub fn table(found: &[Found], mixed: &[Judged], preprocess: Option<&PreprocessEntry>, hold_out: &str) -> String {
    let head = ["kind", "where", "form", "rows", "uncalibrated roofline", "in sample", "held out"].map(str::to_owned);
    let mut rows = vec![head.to_vec()];
    for one in found {
        let law = &one.law;
        let many = if law.gpus > 1 { format!("{} x ", law.gpus) } else { String::new() };
        let side = if law.side.is_empty() { String::new() } else { format!("{}: ", law.side) };
        let place = format!("{side}{many}{}, {}, {}", law.gpu, law.model, law.engine);
        let counts = [law.kind.name().to_owned(), place, law.form.name().to_owned(), law.rows.to_string()];
        rows.push(line(counts, &[Some(law.roofline), Some(law.in_sample), law.held_out]));
    }
    for one in mixed {
        let (place, steps) = (&one.place, one.rows.to_string());
        let place = format!("{}, {}, {}", place.gpu, place.model.name, place.engine);
        let counts = ["prefill and decode".to_owned(), place, "both laws".to_owned(), steps];
        rows.push(line(counts, &[Some(one.roofline), Some(one.in_sample), Some(one.held_out)]));
    }
    if let Some(one) = preprocess {
        let counts = ["preprocess", "edge: processor", "line", &one.rows.to_string()].map(str::to_owned);
        rows.push(line(counts, &[None, Some(one.in_sample), None]));
    }
    let mut sum = |name: &str, kind| {
        let errors = pooled(found, kind);
        let judged = errors[2].map_or(0, |errors| errors.rows);
        rows.push(line([name.to_owned(), "all".to_owned(), String::new(), format!("{judged} held out")], &errors));
    };
    kinds(found).for_each(|kind| sum(kind.name(), Some(kind)));
    sum("all", None);
    let mut text = aligned(&rows);
    text += "\nErrors in %: median of their size / P90 / worst, signed / mean, signed. ";
    text += &format!("Held out: whole values by {hold_out}.\n");
    for one in found.iter().filter(|one| !one.law.withheld.is_empty()) {
        text += &format!("  {} on {}: {}\n", one.law.kind.name(), one.law.gpu, one.law.withheld);
    }
    text
}

fn line(start: [String; 4], errors: &[Option<Errors>; 3]) -> Vec<String> {
    let told = errors.iter().map(|errors| match errors {
        Some(e) => format!("{:.1} / {:.1} / {:+.1} / {:+.1}", e.median_pct, e.p90_pct, e.worst_pct, e.bias_pct),
        None => "-".to_owned(),
    });
    start.into_iter().chain(told).collect()
}

/// Columns under each other.
pub fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let widest = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(widest).collect();
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        text += cells.join("  ").trim_end();
        text.push('\n');
    }
    text
}
