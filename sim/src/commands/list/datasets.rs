//! Datasets: shapes that are built in, and formats of traces.

use super::listing::{Column, Listing};
use crate::scenario::dataset::{names, shipped};
use traces::requests::{FormatEntry, RequestTrace};

const DATASET: &[Column] =
    &[Column::new("name"), Column::new("kind"), Column::headed("example", "in [workload]"), Column::new("meaning")];

/// The built-in datasets, then the formats of traces.
pub fn datasets() -> Listing {
    let built_in = |name: &'static str| {
        let shape = shipped(name).expect("a name of the list");
        let example = format!("dataset = \"{name}\"").into();
        vec![name.into(), "shape".into(), example, shape.description.as_str().into()]
    };
    let format = |FormatEntry { name, example, description }: &FormatEntry| {
        let example = format!("dataset.{name} = {example}").into();
        vec![(*name).into(), "trace".into(), example, (*description).into()]
    };
    Listing::new(DATASET, names().map(built_in).chain(RequestTrace::FORMATS.iter().map(format)))
}
