//! Datasets: shapes that are built in, and formats of traces.

use super::listing::{Column, Listing, rounded};
use crate::scenario::dataset::{names, shipped};
use serde_json::Value;
use traces::requests::{FormatEntry, RequestTrace};

const DATASET: &[Column] = &[
    Column::new("name"),
    Column::new("kind"),
    Column::json_only("accuracy_cloud_pct"),
    Column::json_only("accuracy_edge_pct"),
    Column::headed("example", "in [workload]"),
    Column::new("meaning"),
];

/// The built-in datasets, then the formats of traces.
pub fn datasets() -> Listing {
    let built_in = |name: &'static str| {
        let shape = shipped(name).expect("a name of the list");
        let pct = |of: fn(&model::accuracy::Accuracy) -> units::Ratio| {
            shape.accuracy.as_ref().map_or(Value::Null, |accuracy| rounded(100.0 * of(accuracy).as_f64(), 3))
        };
        let example = format!("dataset = \"{name}\"").into();
        let accuracy = [pct(|accuracy| accuracy.cloud), pct(|accuracy| accuracy.edge)];
        [vec![name.into(), "shape".into()], accuracy.to_vec(), vec![example, shape.description.as_str().into()]]
            .concat()
    };
    let format = |FormatEntry { name, example, description }: &FormatEntry| {
        let example = format!("dataset.{name} = {example}").into();
        vec![(*name).into(), "trace".into(), Value::Null, Value::Null, example, (*description).into()]
    };
    Listing::new(DATASET, names().map(built_in).chain(RequestTrace::FORMATS.iter().map(format)))
}
