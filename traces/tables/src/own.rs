//! Columns whose names a scenario or a question gives: varied keys, and the metrics that are asked for.

use crate::{
    Metric, Text,
    cell::{Cell, Optional, Several, Texts},
    columns::GroupColumns,
};
use parquet::{data_type::DoubleType, errors::ParquetError, schema::types::TypePtr};
use serde_json::Value;

/// The values of the keys that a scenario varies: a column of text for each key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VariedValues(pub Vec<Text>);

impl Cell for VariedValues {
    type Buffer = Several<Texts>;
    const TYPE: &'static str = "text";

    fn columns(_: &str, varied: &[String]) -> Vec<TypePtr> {
        let keys = varied.iter().filter(|name| !is_metric(name));
        keys.flat_map(|key| Text::columns(key, &[])).collect()
    }

    fn push(self, buffer: &mut Self::Buffer) {
        buffer.push_each(self.0.into_iter());
    }

    fn read(columns: &mut GroupColumns<'_>) -> Result<Vec<Self>, ParquetError> {
        let mut rows = vec![Self::default(); columns.rows()];
        for _ in 0..columns.varied() {
            let texts = Text::read(columns)?;
            rows.iter_mut().zip(texts).for_each(|(row, text)| row.0.push(text));
        }
        Ok(rows)
    }

    fn values(&self, row: &mut Vec<Value>) {
        self.0.iter().for_each(|text| text.values(row));
    }
}

/// A mean of each metric that is asked for, with the half-width of its interval where there is one.
///
/// Its columns are those among a table's own names that are metrics: `NAME` and `NAME_ci95`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AskedEstimates(pub Vec<(f64, Option<f64>)>);

/// True if a table's own name is that of a metric, and not that of a key.
fn is_metric(name: &str) -> bool {
    Metric::of_column(name).is_some()
}

impl Cell for AskedEstimates {
    type Buffer = Several<Optional<DoubleType>>;
    const TYPE: &'static str = "number or none";

    fn columns(_: &str, names: &[String]) -> Vec<TypePtr> {
        let pair = |name: &String| [name.clone(), format!("{name}_ci95")];
        let names = names.iter().filter(|name| is_metric(name)).flat_map(pair);
        names.flat_map(|name| <Option<f64>>::columns(&name, &[])).collect()
    }

    fn push(self, buffer: &mut Self::Buffer) {
        let pairs: Vec<Option<f64>> = self.0.into_iter().flat_map(|(mean, half)| [Some(mean), half]).collect();
        buffer.push_each(pairs.into_iter());
    }

    fn read(_: &mut GroupColumns<'_>) -> Result<Vec<Self>, ParquetError> {
        Err(ParquetError::General("estimates that were asked for, which no file of Parquet has".to_owned()))
    }

    fn values(&self, row: &mut Vec<Value>) {
        for (mean, half) in &self.0 {
            mean.values(row);
            half.values(row);
        }
    }
}
