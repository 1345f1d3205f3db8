//! Prediction intervals of runs that measured profiles price: the same run with every step at the 5th and at the 95th
//! percentile of its law's residuals, and with none and all of a host time that is not known.
//!
//! A law's error is mostly the same for all steps of a kind. So the ends are runs of their own, queues included, and
//! not sums of draws.
//!
//! Below a coverage there is no interval: the spread says nothing of steps that nobody measured, such as those of the roofline.

use crate::results::metrics::Sample;
use crate::results::runs::varied;
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
use tables::{IntervalRow, Metric};

/// Per cent of a tier's iterations that have to lie in the measured range.
const LEAST_COVERAGE_PCT: f64 = 90.0;

/// The ends of the interval.
const ENDS: [f64; 2] = [0.05, 0.95];

/// The metrics with an interval: heading and column.
const TOLD: [Metric; 3] = [Metric::E2eMean, Metric::TtftMean, Metric::TpotMean];

/// The intervals of a policy at a point.
pub struct Intervals<'p> {
    point: &'p Point,
    cell: &'p Cell,
    /// The least, the simulated and the greatest value of each metric, or the reason why there is no interval.
    outcome: Result<Vec<(Metric, [f64; 3])>, String>,
}

/// The intervals of all cells whose tiers have a profile.
///
/// # Errors
/// If a run cannot be run.
pub fn intervals(points: &[Point], threads: Option<usize>) -> Result<Vec<Intervals<'_>>, Failure> {
    let cells = points.iter().flat_map(|point| point.cells.iter().map(move |cell| (point, cell)));
    let cells: Vec<(&Point, &Cell)> = cells.filter(|(_, cell)| is_profiled(&cell.spec)).collect();
    if cells.is_empty() {
        return Ok(Vec::new());
    }
    let pool = threads::pool(threads, cells.len() as u64)?;
    pool.install(|| cells.into_par_iter().map(|(point, cell)| Intervals::of(point, cell)).collect())
}

/// Intervals as text; nothing where there are none.
pub fn text(intervals: &[Intervals<'_>]) -> String {
    if intervals.is_empty() {
        return String::new();
    }
    let head = "Prediction intervals (replication 0; every step at the 5th and 95th percentile of measured / predicted, \
                host time that is not known at none and all of it):\n";
    head.to_owned() + &intervals.iter().map(Intervals::line).collect::<String>()
}

fn is_profiled(spec: &RunSpec) -> bool {
    spec.tiers().any(|tier| tier.profile.is_some())
}

impl<'p> Intervals<'p> {
    fn of(point: &'p Point, cell: &'p Cell) -> Result<Self, Failure> {
        let run = |noise| {
            let cell = with_noise(cell, noise);
            OneRun { point, cell: &cell, replication: 0, real: None, threads: 1 }
                .sample(&mut NoRecorder, &AtomicU64::new(0))
        };
        let middle = run(Noise::None)?;
        if let Some(why) = withheld(&middle) {
            return Ok(Self { point, cell, outcome: Err(why) });
        }
        let [low, high] = [run(Noise::Quantile(ENDS[0]))?, run(Noise::Quantile(ENDS[1]))?];
        let told = |metric: Metric| {
            let [low, middle, high] = [&low, &middle, &high].map(|sample| sample.metrics[metric]);
            let (low, middle, high) = (low?, middle?, high?);
            // Faster steps may make a queue longer elsewhere.
            Some((metric, [low.min(middle).min(high), middle, low.max(middle).max(high)]))
        };
        Ok(Self { point, cell, outcome: Ok(TOLD.into_iter().filter_map(told).collect()) })
    }

    fn line(&self) -> String {
        let place = &self.point.label;
        let mut text = format!("  {}, {}", self.cell.policy, place.dataset);
        for value in &place.values {
            write!(text, ", {value}").expect("text");
        }
        match &self.outcome {
            Err(why) => write!(text, ": withheld, {why}").expect("text"),
            Ok(told) => {
                for (metric, [least, middle, most]) in told {
                    let heading = metric.doc().heading;
                    write!(text, "; {heading} {middle:.1} ({least:.1} to {most:.1})").expect("text");
                }
            }
        }
        text + "\n"
    }

    /// A row for each metric, or one with the reason why there is no interval.
    pub fn rows(&self) -> Vec<IntervalRow> {
        let label = &self.point.label;
        let common = IntervalRow {
            policy: self.cell.policy.as_str().into(),
            dataset: label.dataset.as_str().into(),
            bandwidth_mbps: label.bandwidth_mbps,
            varied: varied(label),
            ..IntervalRow::default()
        };
        let row = |(metric, [low, middle, high]): &(Metric, [f64; 3])| IntervalRow {
            metric: metric.column().into(),
            simulated: Some(*middle),
            low: Some(*low),
            high: Some(*high),
            ..common.clone()
        };
        match &self.outcome {
            Ok(told) => told.iter().map(row).collect(),
            Err(why) => vec![IntervalRow { withheld: why.as_str().into(), ..common }],
        }
    }
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
    cell.spec.edges.iter_mut().for_each(|group| set(&mut group.tier));
    cell.spec.pools.iter_mut().for_each(|pool| set(&mut pool.tier));
    cell
}
