//! `decisions.parquet`: the decisions that policies note.

use crate::{
    Text,
    cell::{Cell, Optional, Several, read_each},
    columns::GroupColumns,
    row::{MANY, rows},
};
use parquet::{data_type::DoubleType, errors::ParquetError, schema::types::TypePtr};
use serde_json::Value;

rows! {
    /// One round of a request in which its policy noted decisions. Only a scenario with such policies has the file.
    pub struct DecisionRow in "`decisions.parquet`", table "decisions", version 1, groups of MANY;
    {
        /// The policy that served the request.
        policy: Text,
        /// The dataset of the request.
        dataset: Text,
        /// The rate of the uplink, in megabits per second; not a number where it is a series.
        bandwidth_mbps: f64,
        /// The number of the point in the sweep's grid.
        point: u32,
        /// The number of the replication.
        replication: u32,
        /// The number of the request.
        request: u64,
        /// The number of the request's edge.
        edge: u32,
        /// The number of the batch of drafts that the decisions are about, from 1; 0 for the request as a whole.
        round: u32,
        /// The value of a note; none where the round has no such note. The column has the name of the note.
        notes: NoteValues,
    }
}

/// The values of the notes that the policies of a scenario declare: a column of numbers for each note.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NoteValues(pub Vec<Option<f64>>);

impl Cell for NoteValues {
    type Buffer = Several<Optional<DoubleType>>;
    const TYPE: &'static str = "number or none";

    fn columns(_: &str, notes: &[String]) -> Vec<TypePtr> {
        notes.iter().flat_map(|note| <Option<f64>>::columns(note, &[])).collect()
    }

    fn push(self, buffer: &mut Self::Buffer) {
        buffer.push_each(self.0.into_iter());
    }

    fn read(columns: &mut GroupColumns<'_>) -> Result<Vec<Self>, ParquetError> {
        read_each(columns, columns.varied(), |row: &mut Self| &mut row.0)
    }

    fn values(&self, row: &mut Vec<Value>) {
        row.extend(self.0.iter().copied().map(Value::from));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Keeping, PartWriter, TableReader, put_together};

    #[test]
    fn notes_are_columns_in_parts_and_in_the_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let names = ["arm", "draft_length"].map(str::to_owned);
        let row = |round| DecisionRow {
            policy: "learned".into(),
            round,
            notes: NoteValues(vec![None, Some(f64::from(round))]),
            ..DecisionRow::default()
        };
        let part = |round| {
            let mut part = PartWriter::new(folder.path().join(format!("{round}.part")), &names);
            part.write(row(round)).expect("a row");
            part.finish(&Keeping::default()).expect("a part")
        };
        let whole = folder.path().join("decisions.parquet");
        put_together::<DecisionRow>([part(1), part(2)], &whole, &names, &[("arm", "the chosen tier")])
            .expect("a table");
        let table = TableReader::<DecisionRow>::open(&whole).expect("a table");
        assert!(table.names().ends_with(&names));
        assert_eq!(table.group(0).expect("rows"), [row(1), row(2)]);
    }
}
