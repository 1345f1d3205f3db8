//! The law of preprocessing, fitted to the spans of results folders.

use super::folder::{Tokens, beside};
use crate::scenario::profile::{Errors, PreprocessEntry, to_digits};
use crate::terminal::Failure;
use model::preprocess::Preprocess;
use model::step::law::Spread;
use std::path::PathBuf;
use tables::{Kind, Lane, Phase, SpanRow, TableReader};

/// Requests from which on there is a law.
const LEAST: usize = 6;

/// The logs of spans that folders have.
pub fn spans(folders: &[PathBuf]) -> impl Iterator<Item = PathBuf> {
    folders.iter().map(|folder| folder.join("spans.parquet")).filter(|file| file.is_file())
}

/// Fits a law to the requests of some folders. None without enough spans.
///
/// # Errors
/// If a folder has spans that cannot be read.
pub fn found(folders: &[PathBuf]) -> Result<Option<PreprocessEntry>, Failure> {
    let mut measured = Vec::new();
    for spans in spans(folders) {
        let beside = beside(&spans.with_file_name("requests.parquet"))?;
        let table = TableReader::<SpanRow>::open(&spans)?;
        for group in 0..table.groups() {
            // Waiting for a worker has a span of its own; a server's host takes the engine's time a megapixel.
            let works =
                |row: &SpanRow| (row.lane, row.kind, row.phase) == (Lane::EdgeCpu, Kind::Preprocess, Phase::Running);
            for row in table.group(group)?.into_iter().filter(works) {
                let request = (row.policy, row.point, row.replication, row.request);
                let Tokens { visual, .. } = beside.get(&request).copied().unwrap_or_default().whole;
                // Sound alone has no pictures to decode.
                if visual > 0 {
                    measured.push((visual, row.duration_ns as f64 / 1e6));
                }
            }
        }
    }
    Ok(fitted(&measured))
}

/// The law of these requests: visual tokens, and milliseconds. None of fewer than six.
pub fn fitted(measured: &[(u64, f64)]) -> Option<PreprocessEntry> {
    let law = Preprocess::fit(measured).filter(|_| measured.len() >= LEAST)?;
    let law = Preprocess { base_us: to_digits(law.base_us), token_us: to_digits(law.token_us) };
    law.check().ok()?;
    let over = |(tokens, ms): &(u64, f64)| law.ns(*tokens) / 1e6 / ms;
    let ratios: Vec<f64> = measured.iter().filter(|(_, ms)| *ms > 0.0).map(over).collect();
    Some(PreprocessEntry {
        rows: measured.len() as u64,
        spread: Spread::of(ratios.iter().map(|ratio| 1.0 / ratio).collect()).filter(Spread::is_sound)?,
        in_sample: Errors::of(&ratios)?,
        law,
    })
}
