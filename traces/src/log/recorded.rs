//! Reading a token log back: what a draft model did in an earlier run, to be played again.

use super::{file::SCHEMA_KEY, row::Row, tables::TokenRow};
use crate::TraceError;
use parquet::{
    file::reader::{FileReader, SerializedFileReader},
    record::{Row as ParquetRow, RowAccessor},
};
use std::{collections::BTreeMap, fs::File, path::Path};

/// One drafted token of a recorded run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RecordedToken {
    /// Entropy of the draft's distribution, nats.
    pub entropy_nats: f32,
    /// Whether the target accepted it.
    pub accepted: bool,
}

/// Reads `tokens.parquet` of a results folder: what each request's drafted tokens were, by place in the answer; requests
/// in the order of policy, point, replication and number.
///
/// Tokens without a verdict are left out, since nothing is known of them; of a place that was drafted several times, the
/// last verdict counts.
///
/// # Errors
///
/// If the file cannot be read, is no token log, or holds no token with a verdict.
pub fn read_tokens(path: &Path) -> Result<Vec<Vec<RecordedToken>>, TraceError> {
    let file = File::open(path).map_err(|error| TraceError::reading(path, error))?;
    let foreign = |found: String| TraceError::new(path, found, "tokens.parquet of a results folder", "name one");
    let reader = SerializedFileReader::new(file).map_err(|error| foreign(error.to_string()))?;
    let metadata = reader.metadata().file_metadata().key_value_metadata();
    let schema = metadata.into_iter().flatten().find(|entry| entry.key == SCHEMA_KEY);
    let expected = format!("{}/{}", TokenRow::TABLE, TokenRow::VERSION);
    if schema.and_then(|entry| entry.value.as_deref()) != Some(&expected) {
        return Err(foreign(format!("no table {expected}")));
    }
    let rows = reader.get_row_iter(None).map_err(|error| foreign(error.to_string()))?;
    let mut requests = Requests::default();
    for row in rows {
        row.and_then(|row| requests.add(&row)).map_err(|error| foreign(error.to_string()))?;
    }
    let requests = requests.finish();
    if requests.is_empty() { Err(foreign("no token with a verdict".to_owned())) } else { Ok(requests) }
}

/// Policy, point, replication and request.
type Key = (String, u32, u32, u64);

/// Requests as they come together: verdicts of different requests stand between each other.
#[derive(Default)]
struct Requests(BTreeMap<Key, Vec<(u32, RecordedToken)>>);

impl Requests {
    fn add(&mut self, row: &ParquetRow) -> parquet::errors::Result<()> {
        let column = |name: &str| row.get_column_iter().position(|(column, _)| column == name).unwrap_or(usize::MAX);
        if !row.get_bool(column("verified"))? {
            return Ok(());
        }
        let key = (
            row.get_string(column("policy"))?.clone(),
            row.get_uint(column("point"))?,
            row.get_uint(column("replication"))?,
            row.get_ulong(column("request"))?,
        );
        let token = RecordedToken {
            entropy_nats: row.get_double(column("entropy_nats"))? as f32,
            accepted: row.get_bool(column("accepted"))?,
        };
        self.0.entry(key).or_default().push((row.get_uint(column("position"))?, token));
        Ok(())
    }

    fn finish(self) -> Vec<Vec<RecordedToken>> {
        self.0.into_values().map(in_order).collect()
    }
}

/// In the order of their places, the last verdict on each.
fn in_order(tokens: Vec<(u32, RecordedToken)>) -> Vec<RecordedToken> {
    tokens.into_iter().collect::<BTreeMap<_, _>>().into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{LogWriter, RequestRow};

    fn token(request: u64, position: u32, entropy_nats: f64, accepted: bool, verified: bool) -> TokenRow {
        TokenRow { request, position, entropy_nats, accepted, verified, ..TokenRow::default() }
    }

    #[test]
    fn tokens_read_back_by_request_and_place() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut log = LogWriter::create(file.path()).unwrap();
        for row in [
            token(7, 0, 0.5, true, true),
            token(7, 1, 2.0, false, true),
            token(3, 0, 0.125, false, true),
            token(7, 2, 0.25, false, false),
            token(7, 1, 1.5, true, true),
        ] {
            log.write(row).unwrap();
        }
        log.finish().unwrap();
        let recorded = |entropy_nats, accepted| RecordedToken { entropy_nats, accepted };
        let expected = vec![vec![recorded(0.125, false)], vec![recorded(0.5, true), recorded(1.5, true)]];
        assert_eq!(read_tokens(file.path()).unwrap(), expected);
    }

    #[test]
    fn another_table_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut log = LogWriter::create(file.path()).unwrap();
        log.write(RequestRow::default()).unwrap();
        log.finish().unwrap();
        let refusal = read_tokens(file.path()).unwrap_err().to_string();
        assert!(refusal.contains("found no table tokens/1; expected tokens.parquet of a results folder"), "{refusal}");
    }
}
