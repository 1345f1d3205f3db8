//! Reading a token log back: the drafts of an earlier run, to be played again.

use crate::{TableError, TableReader, Text, TokenRow};
use std::{collections::BTreeMap, path::Path};

/// One drafted token of a recorded run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RecordedToken {
    /// Entropy of the draft's distribution, nats.
    pub entropy_nats: f32,
    /// True if the target accepted it.
    pub accepted: bool,
}

/// Reads `tokens.parquet` of a results folder: each request's drafted tokens by position in the answer, and requests in the
/// order of policy, point, replication and number.
///
/// Tokens without a verdict are left out, since nothing is known of them. Of a position that was drafted several times, the
/// last verdict counts.
///
/// # Errors
///
/// If the file cannot be read, is no token log, or holds no token with a verdict.
pub fn read_tokens(path: &Path) -> Result<Vec<Vec<RecordedToken>>, TableError> {
    let foreign = |error: TableError| TableError {
        expected: "tokens.parquet of a results folder".to_owned(),
        remedy: "name one".to_owned(),
        ..error
    };
    let table = TableReader::<TokenRow>::open(path).map_err(foreign)?;
    let mut requests = Requests::default();
    for group in 0..table.groups() {
        table.group(group).map_err(foreign)?.into_iter().for_each(|row| requests.add(row));
    }
    let requests = requests.finish();
    let none = || TableError::new(path, "no token with a verdict", "tokens.parquet of a results folder", "name one");
    if requests.is_empty() { Err(none()) } else { Ok(requests) }
}

/// Policy, point, replication and request.
type Key = (Text, u32, u32, u64);

/// Requests as they come together: verdicts on different requests are interleaved.
#[derive(Default)]
struct Requests(BTreeMap<Key, Vec<(u32, RecordedToken)>>);

impl Requests {
    fn add(&mut self, row: TokenRow) {
        if row.verified {
            let key = (row.policy, row.point, row.replication, row.request);
            let token = RecordedToken { entropy_nats: row.entropy_nats as f32, accepted: row.accepted };
            self.0.entry(key).or_default().push((row.position, token));
        }
    }

    fn finish(self) -> Vec<Vec<RecordedToken>> {
        self.0.into_values().map(in_order).collect()
    }
}

/// The tokens by position, each with its last verdict.
fn in_order(tokens: Vec<(u32, RecordedToken)>) -> Vec<RecordedToken> {
    tokens.into_iter().collect::<BTreeMap<_, _>>().into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RequestRow, TableWriter};

    fn token(request: u64, position: u32, entropy_nats: f64, accepted: bool, verified: bool) -> TokenRow {
        TokenRow { request, position, entropy_nats, accepted, verified, ..TokenRow::default() }
    }

    #[test]
    fn tokens_read_back_by_request_and_place() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut log = TableWriter::create(file.path()).unwrap();
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
        let mut log = TableWriter::create(file.path()).unwrap();
        log.write(RequestRow::default()).unwrap();
        log.finish().unwrap();
        let refusal = read_tokens(file.path()).unwrap_err().to_string();
        assert!(
            refusal.contains("found the table requests/7; expected tokens.parquet of a results folder"),
            "{refusal}"
        );
    }
}
