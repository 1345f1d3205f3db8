//! Rows as JSON objects.

use crate::Row;
use serde::{Serialize, Serializer};
use serde_json::Value;

/// A JSON object whose members keep their order.
///
/// ```
/// use tables::Object;
///
/// let gpu = Object(vec![("name", "rtx-3090".into()), ("memory_gib", 24.into())]);
/// assert_eq!(serde_json::to_string(&gpu).unwrap(), r#"{"name":"rtx-3090","memory_gib":24}"#);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Object<K>(pub Vec<(K, Value)>);

impl<K: AsRef<str>> Serialize for Object<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key.as_ref(), value)))
    }
}

/// Rows as objects whose keys are the names of the columns, for a scenario that varies these keys.
pub fn objects<R: Row>(rows: impl IntoIterator<Item = R>, varied: &[String]) -> Vec<Object<String>> {
    let names = R::column_names(varied);
    let object = |row: R| Object(names.iter().cloned().zip(row.values()).collect());
    rows.into_iter().map(object).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FailureRow, VariedValues};

    #[test]
    fn a_row_is_an_object_in_the_order_of_its_columns() {
        let row = FailureRow {
            policy: "msao".into(),
            bandwidth_mbps: Some(0.1 + 0.2),
            varied: VariedValues(vec!["5 ms".into()]),
            point: u64::MAX,
            ..FailureRow::default()
        };
        let rows = objects([row], &["link.rtt".to_owned()]);
        let expected = "[{\"point\":18446744073709551615,\"point_id\":\"\",\"policy\":\"msao\",\"dataset\":\"\",\
                        \"bandwidth_mbps\":0.30000000000000004,\"link.rtt\":\"5 ms\",\"replication\":0,\"reason\":\"\"}]";
        assert_eq!(serde_json::to_string(&rows).unwrap(), expected);
    }
}
