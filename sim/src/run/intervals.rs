//! Prediction intervals of runs that measured profiles price: the same run with every step at the 5th and at the 95th
//! percentile of its law's residuals.
//!
//! A law's error is mostly the same for all steps of a kind. So the ends are runs of their own, queues included, and
//! not sums of draws.
//!
//! Below a coverage there is no interval: the spread says nothing of steps that nobody measured.

use crate::results::metrics::Sample;
use crate::run::one_run::OneRun;
use crate::run::threads;
use crate::scenario::{Cell, Point};
use crate::terminal::Failure;
use backends::{Noise, Profile, Tier};
use engine::{NoRecorder, RunSpec};
use rayon::prelude::*;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use tables::Metric;

/// Per cent of a tier's iterations that have to lie in the measured range.
const LEAST_COVERAGE_PCT: f64 = 50.0;

/// The ends of the interval.
const ENDS: [f64; 2] = [0.05, 0.95];

/// The metrics with an interval: heading and column.
const TOLD: [Metric; 3] = [Metric::E2eMean, Metric::TtftMean, Metric::TpotMean];

/// The intervals of all cells whose tiers have a profile, as text; nothing where none has.
///
/// # Errors
/// If a run cannot be run.
pub fn table(points: &[Point], threads: Option<usize>) -> Result<String, Failure> {
    let cells = points.iter().flat_map(|point| point.cells.iter().map(move |cell| (point, cell)));
    let cells: Vec<(&Point, &Cell)> = cells.filter(|(_, cell)| is_profiled(&cell.spec)).collect();
    if cells.is_empty() {
        return Ok(String::new());
    }
    let pool = threads::pool(threads, cells.len() as u64)?;
    let row = |(point, cell): &(&Point, &Cell)| row(point, cell);
    let rows = pool.install(|| cells.par_iter().map(row).collect::<Result<Vec<String>, _>>())?;
    let head =
        "Prediction intervals (replication 0; every step at the 5th and 95th percentile of measured / predicted):\n";
    Ok(head.to_owned() + &rows.concat())
}

fn is_profiled(spec: &RunSpec) -> bool {
    spec.edge.tier.profile.is_some() || spec.cloud.tier.profile.is_some()
}

fn row(point: &Point, cell: &Cell) -> Result<String, Failure> {
    let run = |noise| {
        let cell = with_noise(cell, noise);
        OneRun { point, cell: &cell, replication: 0, real: None }.sample(&mut NoRecorder, &AtomicU64::new(0))
    };
    let place = &point.label;
    let mut text = format!("  {}, {}", cell.policy, place.dataset);
    for value in &place.values {
        write!(text, ", {value}").expect("text");
    }
    let middle = run(Noise::None)?;
    if let Some(why) = withheld(&middle) {
        return Ok(format!("{text}: withheld, {why}\n"));
    }
    let [low, high] = [run(Noise::Quantile(ENDS[0]))?, run(Noise::Quantile(ENDS[1]))?];
    for metric in TOLD {
        if let [Some(low), Some(middle), Some(high)] = [&low, &middle, &high].map(|sample| sample.metrics[metric]) {
            // Faster steps may make a queue longer elsewhere.
            let (least, most) = (low.min(middle).min(high), low.max(middle).max(high));
            write!(text, "; {} {middle:.1} ({least:.1} to {most:.1})", metric.doc().heading).expect("text");
        }
    }
    Ok(text + "\n")
}

/// The reason why there is no interval.
fn withheld(sample: &Sample) -> Option<String> {
    let lacks = |(side, pct): (&str, Option<f64>)| {
        let pct = pct.filter(|pct| *pct < LEAST_COVERAGE_PCT)?;
        Some(format!(
            "{pct:.0} % of the {side}'s iterations are in what was measured on that device and model, {LEAST_COVERAGE_PCT:.0} % are needed"
        ))
    };
    ["edge", "cloud"].into_iter().zip(sample.coverage.map(|coverage| coverage.pct())).find_map(lacks)
}

fn with_noise(cell: &Cell, noise: Noise) -> Cell {
    let mut cell = cell.clone();
    let set = |tier: &mut Tier| {
        tier.profile = tier.profile.as_ref().map(|profile: &Arc<Profile>| Arc::new(profile.with_noise(noise)));
    };
    set(&mut cell.spec.edge.tier);
    set(&mut cell.spec.cloud.tier);
    cell
}
