//! Columns whose names a scenario or a question gives: varied keys, and the metrics that are asked for.

use crate::{
    Metric, Text,
    cell::{Cell, Optional, Several, Texts, read_each},
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
        let keys = varied.iter().filter(|name| !is_metric(name) && !is_number(name, varied));
        keys.flat_map(|key| Text::columns(key, &[])).collect()
    }

    fn push(self, buffer: &mut Self::Buffer) {
        buffer.push_each(self.0.into_iter());
    }

    fn read(columns: &mut GroupColumns<'_>) -> Result<Vec<Self>, ParquetError> {
        read_each(columns, columns.varied(), |row: &mut Self| &mut row.0)
    }

    fn values(&self, row: &mut Vec<Value>) {
        self.0.iter().for_each(|text| text.values(row));
    }
}

/// The name of the field of a row that holds numbers of varied keys.
pub(crate) const NUMBERS: &str = "numbers";

/// The values of those varied keys whose values are numbers of one unit: a column of numbers for each such key.
///
/// Its columns are those among a table's own names that [`number_column`] makes of another one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VariedNumbers(pub Vec<Option<f64>>);

/// The end of the name of a column of numbers without a unit.
const NO_UNIT: &str = "number";

/// The name of the column of a varied key's numbers, which ends in their unit; without a unit, in `number`.
///
/// ```
/// assert_eq!(tables::number_column("link.rtt", "ms"), "link.rtt_ms");
/// assert_eq!(tables::number_column("edge.count", ""), "edge.count_number");
/// ```
pub fn number_column(key: &str, unit: &str) -> String {
    format!("{key}_{}", if unit.is_empty() { NO_UNIT } else { unit })
}

/// True if a table's own name is that of the numbers of another one, and not that of a key.
pub fn is_number(name: &str, names: &[String]) -> bool {
    let end = |key: &String| name.strip_prefix(key.as_str()).and_then(|rest| rest.strip_prefix('_'));
    let is_of = |key: &String| end(key).is_some_and(|end| end == NO_UNIT || units::is_amount_unit(end));
    names.iter().any(is_of)
}

impl Cell for VariedNumbers {
    type Buffer = Several<Optional<DoubleType>>;
    const TYPE: &'static str = "number or none";

    fn columns(_: &str, varied: &[String]) -> Vec<TypePtr> {
        let numbers = varied.iter().filter(|name| is_number(name, varied));
        numbers.flat_map(|name| <Option<f64>>::columns(name, &[])).collect()
    }

    fn push(self, buffer: &mut Self::Buffer) {
        buffer.push_each(self.0.into_iter());
    }

    fn read(columns: &mut GroupColumns<'_>) -> Result<Vec<Self>, ParquetError> {
        read_each(columns, columns.numbers(), |row: &mut Self| &mut row.0)
    }

    fn values(&self, row: &mut Vec<Value>) {
        self.0.iter().for_each(|value| value.values(row));
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
