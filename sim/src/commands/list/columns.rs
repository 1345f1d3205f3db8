//! Metrics, and the columns of all tables.

use super::listing::{Column, Listing};
use tables::{Better, DocumentedColumn, Metric, MetricDoc, documented_columns};

const METRIC: &[Column] = &[
    Column::new("name"),
    Column::new("unit"),
    Column::new("better"),
    Column::new("meaning"),
    Column::json_only("heading"),
    Column::json_only("axis"),
    Column::json_only("decimals"),
];

/// The metrics of a run.
pub fn metrics() -> Listing {
    let line = |metric: &Metric| {
        let MetricDoc { column, unit, better, meaning, heading, axis, decimals, .. } = metric.doc();
        let better = match better {
            Better::Lower => "lower",
            Better::Higher => "higher",
            Better::Neither => "neither",
        };
        let texts = [column, unit, better, meaning, heading, axis].map(serde_json::Value::from);
        texts.into_iter().chain([decimals.into()]).collect()
    };
    Listing::new(METRIC, Metric::ALL.iter().map(line))
}

const COLUMN: &[Column] = &[
    Column::new("table"),
    Column::json_only("version"),
    Column::new("name"),
    Column::new("unit"),
    Column::json_only("type"),
    Column::new("meaning"),
];

/// The columns of all tables.
pub fn columns() -> Listing {
    let line = |column: DocumentedColumn| {
        let DocumentedColumn { table, version, name, unit, r#type, meaning } = column;
        vec![table.into(), version.into(), name.into(), unit.into(), r#type.into(), meaning.into()]
    };
    Listing::new(COLUMN, documented_columns().into_iter().map(line))
}
