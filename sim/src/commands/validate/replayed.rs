//! Validation against a replay of the scenario itself: errors of a calibrated simulation on requests that it was not
//! calibrated on.
//!
//! A scenario is replayed on real models. Laws of a step, a record of the draft's tokens along the target's answers, the time of
//! preprocessing and the accuracies are taken from one half of the requests (by a hash of their number); the scenario is simulated with them, every policy with the answers'
//! lengths that it had, and the other half is compared. What the probe found is given, as answers' lengths are: it is of the pictures, not of
//! the machine.

use super::figures::{self, Comparison, Validation};
use crate::commands::calibrate::{self, split::Axis};
use crate::results::{manifest, whole_file};
use crate::run::answered::{Answered, Kept, Served};
use crate::run::grid::{self, Grid};
use crate::run::options::Options;
use crate::run::replay::RealModels;
use crate::scenario::profile::SourceFile;
use crate::scenario::{Cell, Noise, Plan, Point, laws_of};
use crate::terminal::Failure;
use engine::{Content, Models, RunError, RunSpec};
use kernel::Journal;
use model::accuracy::KnownAccuracy;
use model::request::Request;
use model::tokens::{Recorded, TokenProcess};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use units::{Ratio, SimDuration};

/// Replays a scenario into a folder, calibrates to half of its requests, simulates it, and compares the other half.
///
/// # Errors
/// If the scenario cannot be replayed, or too little was measured to fit anything to.
pub fn compare(plan: &Plan, options: &Options, folder: &Path) -> Result<Validation, Failure> {
    let mut points = grid::points(plan)?;
    let Some(real) = RealModels::open(plan, &mut points)? else {
        return Err(Failure::bug("a replay without a real"));
    };
    if !real.has_own_words() {
        let reason = "its models have random weights: what they say cannot be compared; name models of given weights";
        return Err(plan.source.refuse_key("replay", reason));
    }
    let outcome = grid::run(plan, &Grid::new(plan, &points, Some(&real), options, folder))?;
    manifest::write(plan, &outcome, Some(real.facts()?), folder)?;
    let measured = figures::read(folder)?;
    let profile = profile(folder, &real)?;
    let comparisons = comparisons(plan, &points, &real, &measured, &profile)?;
    let but = plan.scenario.workload.warm_up.left_out();
    let held_out = format!("{but}half of the requests, by a hash of their number, with all repeats");
    let note = "answers are as long as they were, and the probe finds what it found";
    Ok(Validation { held_out, note, comparisons })
}

/// Requests that are calibrated to: by Fibonacci's hash, since questions may alternate.
fn is_seen(request: u64) -> bool {
    request.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 63 == 0
}

/// Laws of the steps of the seen requests, written beside them.
fn profile(folder: &Path, real: &RealModels) -> Result<PathBuf, Failure> {
    let folders = [folder.to_owned()];
    let sets = calibrate::command::enough(calibrate::folder::steps(&folders, None, &is_seen)?)?;
    let found = calibrate::command::calibrate(&sets, Axis::Configuration);
    let source = SourceFile::of(&folder.join("steps.parquet"))?;
    let preprocess = calibrate::preprocess::fitted(&preprocessed(folder, real)?);
    let told = calibrate::folder::provenance(&folders);
    let file = folder.join("profile.toml");
    let profile = calibrate::command::profile(&found, preprocess, Axis::Configuration, told, vec![source]);
    whole_file::write(&file, &profile.text())?;
    Ok(file)
}

/// Visual tokens of the seen requests, and what preprocessing them took: of every replication, where spans are of the first.
fn preprocessed(folder: &Path, real: &RealModels) -> Result<Vec<(u64, f64)>, Failure> {
    let beside = calibrate::folder::beside(&folder.join("requests.parquet"))?;
    let tokens =
        beside.into_iter().map(|((_, point, _, request), beside)| ((u64::from(point), request), beside.whole.visual));
    let tokens: BTreeMap<(u64, u64), u64> = tokens.collect();
    let seen = real.preprocessed().into_iter().filter(|((_, request), _)| is_seen(*request));
    Ok(seen.filter_map(|(place, took)| Some((*tokens.get(&place)?, took.as_ms_f64()))).collect())
}

fn comparisons(
    plan: &Plan,
    points: &[Point],
    real: &RealModels,
    measured: &BTreeMap<(String, u64), Answered>,
    profile: &Path,
) -> Result<Vec<Comparison>, Failure> {
    let mut all = Vec::new();
    for point in points {
        let (source, mut scenario) = plan.scenario_at(point.label.point)?;
        let file = std::path::absolute(profile).map_err(|error| Failure::io("find", profile, &error))?;
        (scenario.edge.profile, scenario.cloud.profile) = (Some(file.clone()), Some(file));
        // Steps are drawn from the spread of what the laws missed: without it there are no tails.
        (scenario.edge.noise, scenario.cloud.noise) = (Noise::Profile, Noise::Profile);
        let accuracy = accuracy(measured, point.label.point);
        let tokens = tokens(point, real)?;
        for cell in &point.cells {
            // A policy that answered nothing is compared too: the comparison counts that.
            let replayed = measured.get(&(cell.policy.clone(), point.label.point)).cloned().unwrap_or_default();
            let mut spec = calibrated(cell, &replayed.served, accuracy)?;
            spec.tokens.clone_from(&tokens);
            spec.probed = Arc::new(real.probed(point.label.point, &cell.policy));
            let mut timed = spec.clone();
            for (tier, side) in [(&mut timed.edges[0].tier, "edge"), (&mut timed.pools[0].tier, "cloud")] {
                tier.profile = laws_of(&source, &scenario, side, tier)?;
            }
            let simulated = simulate(&spec, &timed, real, point.label.point, plan.scenario.replications)?;
            let warm_up: BTreeSet<u64> = replayed.warm_up.union(&simulated.warm_up).copied().collect();
            let is_compared = |request: u64| !is_seen(request) && !warm_up.contains(&request);
            let unseen = |all: Answered| all.served.into_iter().filter(|one| is_compared(one.request)).collect();
            let asked = (0..cell.spec.workload.len()).filter(|request| is_compared(*request)).count();
            let asked = asked * plan.scenario.replications as usize;
            all.push(Comparison::new(point, cell, asked, unseen(replayed), unseen(simulated)));
        }
    }
    Ok(all)
}

/// Shares of right answers of the cloud's model and of the edge's, on what was seen, by whoever served it.
fn accuracy(measured: &BTreeMap<(String, u64), Answered>, point: u64) -> [Option<Ratio>; 2] {
    let seen = || measured.iter().filter(|((_, at), _)| *at == point).flat_map(|(_, all)| &all.served);
    [true, false].map(|by_cloud| {
        let right: Vec<f64> = seen()
            .filter(|one| is_seen(one.request) && one.by_cloud == by_cloud)
            .filter_map(|one| one.correct)
            .collect();
        (!right.is_empty()).then(|| Ratio::new((right.iter().sum::<f64>() / right.len() as f64).clamp(0.0, 1.0)))
    })
}

/// A run with what the seen requests have told, and answers as long as they were.
fn calibrated(cell: &Cell, served: &[Served], [cloud, edge]: [Option<Ratio>; 2]) -> Result<RunSpec, Failure> {
    let mut spec = cell.spec.clone();
    let own = spec.accuracy[0][0];
    spec.accuracy = vec![vec![KnownAccuracy { cloud: cloud.or(own.cloud), edge: edge.or(own.edge), ..own }]];
    let Content::Listed(listed) = &spec.workload.content else {
        return Err(Failure::bug("a replay lists its requests"));
    };
    let lengths: BTreeMap<u64, u32> = served.iter().map(|one| (one.request, one.output_tokens)).collect();
    let with_length = |(request, offset): &(Request, SimDuration)| {
        let output_tokens = lengths.get(&request.prompt.request).copied().unwrap_or(request.output_tokens);
        (Request { output_tokens, ..*request }, *offset)
    };
    spec.workload.content = Content::Listed(listed.iter().map(with_length).collect());
    Ok(spec)
}

/// The tokens of the seen requests, to be played again.
fn tokens(point: &Point, real: &RealModels) -> Result<TokenProcess, Failure> {
    let workload = &point.cells[0].spec.workload;
    let seen: Vec<u64> = (0..workload.len()).filter(|request| is_seen(*request)).collect();
    let recorded = real.recorded(point.label.point, &seen, workload.longest_answer() as usize)?;
    match Recorded::new(recorded) {
        Some(recorded) => Ok(TokenProcess::Recorded(recorded)),
        None => Err(Failure::refused("a request to calibrate to, and another to compare; expected more requests")),
    }
}

/// Runs with steps that take what `timed` says; policies plan with the prices of `spec`, as they did in the replay.
fn simulate(
    spec: &RunSpec,
    timed: &RunSpec,
    real: &RealModels,
    point: u64,
    replications: u32,
) -> Result<Answered, Failure> {
    let mut kept = Kept::default();
    for replication in 0..replications {
        let [spec, timed] = [spec, timed].map(|spec| RunSpec { replication, ..spec.clone() });
        // The threshold starts from what was measured, as in the replay.
        let models = Models { calibration: real.calibration(point).map(Rc::new), ..Models::modelled(&timed) };
        models.run(&spec, Journal::digest_only(), &mut kept, &AtomicU64::new(0)).map_err(|error| match error {
            RunError::AllWarmUp { .. } => Failure::refused(format!("the simulation of the replay: {error}")),
            _ => Failure::bug(error.to_string()),
        })?;
    }
    Ok(kept.0)
}
