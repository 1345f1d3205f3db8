//! Sources of accuracies and acceptances.

use super::listing::{Column, Listing};
use crate::scenario::figures::{self, Figures};
use serde_json::{Value, json};

const SOURCE: &[Column] = &[
    Column::new("name"),
    Column::new("draft"),
    Column::new("target"),
    Column::new("datasets"),
    Column::json_only("accuracy"),
    Column::json_only("tokens"),
    Column::json_only("sources"),
    Column::new("meaning"),
];

/// The built-in sources, with the figures that each has.
pub fn sources() -> Listing {
    let line = |(name, figures): (&'static str, &'static Figures)| {
        let datasets: Vec<&String> = figures.accuracy.keys().chain(figures.alike.keys()).collect();
        let is_known = !datasets.is_empty();
        vec![
            name.into(),
            json!(figures.draft),
            json!(figures.target),
            if is_known { json!(datasets) } else { Value::Null },
            if is_known { json!(figures.accuracy) } else { Value::Null },
            json!(figures.tokens),
            json!(figures.sources),
            figures.description.as_str().into(),
        ]
    };
    Listing::new(SOURCE, figures::all().map(line))
}
