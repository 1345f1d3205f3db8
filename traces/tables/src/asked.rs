//! Estimates of the metrics that a question asks for.

use crate::{
    Metric,
    cell::{Cell, Optional, Several},
    columns::GroupColumns,
};
use parquet::{data_type::DoubleType, errors::ParquetError, schema::types::TypePtr};
use serde_json::Value;

/// A mean of each metric that is asked for, with the half-width of its interval where there is one.
///
/// Its columns are those among a table's own names that are metrics: `NAME` and `NAME_ci95`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AskedEstimates(pub Vec<(f64, Option<f64>)>);

/// True if a table's own name is that of a metric, and not that of a key.
pub(crate) fn is_metric(name: &str) -> bool {
    Metric::named(name).is_ok()
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
