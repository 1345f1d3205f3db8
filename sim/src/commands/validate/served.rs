//! Against a server: the requests of a file, at the times and with the lengths that they had there, on the scenario's tiers.
//!
//! Nothing of the file is fitted to. What the server was (device, model, engine, its largest batch, its KV blocks) is the
//! scenario's to say.

use super::coverage::{Answered, Served};
use super::figures::{self, Comparison, Validation};
use crate::results::manifest;
use crate::run::grid::{self, Grid};
use crate::run::options::Options;
use crate::scenario::{
    Arrivals, Dataset, Plan, Scenario, Source, Wanted, served, warn_of_short_traces, warn_of_start,
    warn_of_unpacked_weights,
};
use crate::terminal::Failure;
use std::path::Path;
use traces::requests::ServedRequest;

/// Simulates a scenario into a folder, and compares it with the file that its requests are of.
///
/// # Errors
/// If the file is refused, or holds no timing.
pub fn compare(plan: &Plan, options: &Options, folder: &Path) -> Result<Validation, Failure> {
    for point in 0..plan.points() {
        let (source, scenario) = plan.scenario_at(point)?;
        must_be_as_served(&source, &scenario)?;
    }
    let points = grid::points(plan)?;
    warn_of_short_traces(plan, &points);
    warn_of_start(plan);
    warn_of_unpacked_weights(plan);
    let totals = grid::run(plan, &Grid::new(&points, None, options, folder))?;
    manifest::write(plan, &totals, None, folder)?;
    let mut simulated = figures::read(folder)?;
    let mut comparisons = Vec::new();
    let but = plan.scenario.workload.warm_up.left_out();
    let mut held_out = format!("{but}all requests of the file: nothing was fitted to them");
    for point in &points {
        let (source, scenario) = plan.scenario_at(point.label.point)?;
        let mut measured = measured(&source, &scenario)?;
        let (there, most) = (measured.len(), usize::try_from(scenario.workload.requests).unwrap_or(usize::MAX));
        if there > most {
            measured.truncate(most);
            held_out = format!(
                "{but}the first {most} of {there} requests of the file (workload.requests): nothing was fitted to them"
            );
        }
        for cell in &point.cells {
            let Answered { mut served, warm_up } =
                simulated.remove(&(cell.policy.clone(), point.label.point)).unwrap_or_default();
            let mut measured = measured.clone();
            [&mut measured, &mut served].into_iter().for_each(|all| all.retain(|one| !warm_up.contains(&one.request)));
            comparisons.push(Comparison::new(point, cell, measured.len(), measured, served));
        }
    }
    let note = match plan.scenario.arrivals {
        Arrivals::Trace(_) => "arrivals and lengths are the file's",
        _ => "lengths are the file's, which has no times of arrival",
    };
    Ok(Validation { held_out, note, comparisons })
}

/// Refuses what would change the arrivals or the lengths that a server met.
fn must_be_as_served(source: &Source, scenario: &Scenario) -> Result<(), Failure> {
    let refuse = |key: &str| Err(source.refuse_key(key, "sim validate takes this from the file; leave it out"));
    if scenario.workload.system_prompt > 0 {
        return refuse("workload.system_prompt");
    }
    match scenario.arrivals {
        Arrivals::Trace(times) if times.rate.is_some() => refuse("arrivals.trace.rate"),
        Arrivals::Trace(times) if times.speed != 1.0 => refuse("arrivals.trace.speed"),
        Arrivals::Trace(_) if scenario.workload.output_tokens.is_some() => refuse("workload.output_tokens"),
        Arrivals::Trace(_) => Ok(()),
        _ if is_timed(source, scenario)? => refuse("arrivals"),
        _ => Ok(()),
    }
}

/// True if the file says when its requests arrived.
fn is_timed(source: &Source, scenario: &Scenario) -> Result<bool, Failure> {
    let Dataset::Trace(trace) = &scenario.workload.dataset else { return Ok(false) };
    let first = Wanted { most: 1, ..scenario.workload.wanted() };
    Ok(source.traces().part(trace, source.folder(), &first, scenario.seed)?.is_timed)
}

/// The requests of a point's window, as they were served.
fn measured(source: &Source, scenario: &Scenario) -> Result<Vec<Served>, Failure> {
    let Dataset::Trace(trace) = &scenario.workload.dataset else {
        return Err(source.refuse_key("workload.dataset", "expected served requests at every point"));
    };
    let all = Wanted { most: u64::MAX, ..scenario.workload.wanted() };
    let served = served(trace, source.folder(), &all)?;
    let of = |(number, one): (u64, ServedRequest)| Served {
        request: number,
        output_tokens: one.request.output_tokens,
        e2e_ms: one.e2e_ms,
        ttft_ms: one.ttft_ms,
        tpot_ms: one.tpot_ms.filter(|_| one.request.output_tokens > 1),
        rounds: 0,
        drafted: 0,
        accepted: 0,
        correct: None,
        by_cloud: true,
    };
    Ok((0..).zip(served).map(of).collect())
}
