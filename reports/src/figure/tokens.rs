//! `tokens.parquet`: a row for each drafted token, which a run writes with `--tokens`.

use super::places::called;
use crate::frame::{self, ReportError};
use crate::runs::Runs;
use polars::prelude::{DataFrame, PolarsError};
use std::path::Path;

/// The columns that are read.
const COLUMNS: [&str; 10] = [
    "policy",
    "point",
    "replication",
    "request",
    "round",
    "position",
    "entropy_nats",
    "theta_nats",
    "accepted",
    "verified",
];

/// A drafted token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Token<'t> {
    pub policy: &'t str,
    pub point: u32,
    pub replication: u32,
    pub request: u64,
    /// The batch that it was drafted for, of its request.
    pub round: u32,
    /// Its place in the answer, from 0.
    pub position: u32,
    pub entropy_nats: f64,
    /// Infinite where the policy has no threshold.
    pub theta_nats: f64,
    /// True if it stands in the answer.
    pub accepted: bool,
    /// True if it had a verdict.
    pub verified: bool,
}

/// Calls `visit` for every drafted token, in the order of the table: batch by batch.
pub(super) fn each(folder: &Path, visit: impl FnMut(Token<'_>)) -> Result<(), ReportError> {
    let frame = frame::read_columns(folder, "tokens", &COLUMNS)?;
    visit_all(&frame, visit).map_err(|error| ReportError::Table { path: folder.join("tokens.parquet"), error })
}

fn visit_all(frame: &DataFrame, mut visit: impl FnMut(Token<'_>)) -> Result<(), PolarsError> {
    let policies = frame.column("policy")?.str()?;
    let whole = |name: &str| frame.column(name)?.u32();
    let (points, replications, requests) = (whole("point")?, whole("replication")?, frame.column("request")?.u64()?);
    let (rounds, positions) = (whole("round")?, whole("position")?);
    let (entropies, thetas) = (frame.column("entropy_nats")?.f64()?, frame.column("theta_nats")?.f64()?);
    let (accepted, verified) = (frame.column("accepted")?.bool()?, frame.column("verified")?.bool()?);
    let who = policies.iter().zip(points.iter()).zip(replications.iter()).zip(requests.iter());
    let place = rounds.iter().zip(positions.iter());
    let gate = entropies.iter().zip(thetas.iter());
    let verdict = accepted.iter().zip(verified.iter());
    for (((who, place), gate), verdict) in who.zip(place).zip(gate).zip(verdict) {
        let (((policy, point), replication), request) = who;
        visit(Token {
            policy: policy.unwrap_or_default(),
            point: point.unwrap_or_default(),
            replication: replication.unwrap_or_default(),
            request: request.unwrap_or_default(),
            round: place.0.unwrap_or_default(),
            position: place.1.unwrap_or_default(),
            entropy_nats: gate.0.unwrap_or_default(),
            theta_nats: gate.1.unwrap_or(f64::INFINITY),
            accepted: verdict.0.unwrap_or_default(),
            verified: verdict.1.unwrap_or_default(),
        });
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
    use tempfile::TempDir;
    use traces::log::{LogWriter, TokenRow};

    /// The folder of a run of one point, with these drafted tokens.
    pub fn folder(tokens: &[TokenRow]) -> TempDir {
        let folder = fixture::folder(&[Cell::new("msao", "0.3", &[("e2e_ms_mean", &[1.0])])]);
        let mut log = LogWriter::create(&folder.path().join("tokens.parquet")).expect("a file");
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
