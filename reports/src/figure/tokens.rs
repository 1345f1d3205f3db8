//! `tokens.parquet`: a row for each drafted token, which a run writes with `--tokens`.

use super::Folder;
use super::places::called;
use crate::frame::{self, ReportError};
use crate::runs::Runs;
use crate::warm_up::WarmUps;
use tables::TokenRow;

/// Calls `visit` for every drafted token but those of warm-ups, in the order of the table: batch by batch.
pub(super) fn each(folder: &Folder<'_>, mut visit: impl FnMut(&TokenRow)) -> Result<(), ReportError> {
    let warm_ups = WarmUps::read(folder.path, folder.runs()?)?;
    let is_warm_up = |token: &TokenRow| warm_ups.has(&token.policy, token.point, token.replication, token.request);
    let table = frame::open::<TokenRow>(folder.path)?;
    for group in 0..table.groups() {
        table.group(group)?.iter().filter(|token| !is_warm_up(token)).for_each(&mut visit);
    }
    Ok(())
}

/// The name of each point, from the runs of the folder: the values of the keys that differ.
pub(super) fn point_names(runs: &Runs) -> impl Fn(u32) -> String {
    let cells = runs.cells.iter().filter(|cell| !cell.policy.is_empty());
    let names: std::collections::BTreeMap<u64, String> = cells
        .map(|cell| {
            let keys = runs.keys.iter().zip(&cell.values).enumerate().filter(|(key, _)| runs.varies(*key));
            let pairs = keys.map(|(_, (key, value))| (called(key), value.as_str()));
            (cell.point, crate::runs::place(pairs))
        })
        .collect();
    move |point| names.get(&u64::from(point)).cloned().unwrap_or_default()
}

#[cfg(test)]
pub(super) mod testing {
    use crate::fixture::{self, Cell};
    use tables::{TableWriter, TokenRow};
    use tempfile::TempDir;

    /// The folder of a run of one point, with these drafted tokens.
    pub fn folder(tokens: &[TokenRow]) -> TempDir {
        let folder = fixture::folder(&[Cell::new("msao", "0.3", &[("e2e_ms_mean", &[1.0])])]);
        let mut log = TableWriter::create(&folder.path().join("tokens.parquet")).expect("a file");
        tokens.iter().for_each(|token| log.write(token.clone()).expect("a row"));
        log.finish().expect("a file");
        folder
    }

    /// A token of a batch: its place in the answer, its entropy, and whether it was judged and stands.
    pub fn token(round: u32, position: u32, entropy_nats: f64, [verified, accepted]: [bool; 2]) -> TokenRow {
        let policy = "msao".into();
        TokenRow { policy, round, position, entropy_nats, theta_nats: 0.5, accepted, verified, ..TokenRow::default() }
    }
}
