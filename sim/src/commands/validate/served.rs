//! Against a server: the requests of a file, at the times and with the lengths that they had there, on the scenario's tiers.
//!
//! Nothing of the file is fitted to. What the server was (device, model, engine, its largest batch, its KV blocks) is the
//! scenario's to say.

use super::figures::{self, Comparison, Served, Validation};
use crate::results::manifest;
use crate::run::grid::{self, Grid};
use crate::run::options::Options;
use crate::scenario::{Dataset, Plan};
use crate::terminal::Failure;
use std::path::Path;
use traces::requests::{RequestTrace, ServedRequest, read_served};

/// Simulates a scenario into a folder, and compares it with the file that its requests are of.
///
/// # Errors
/// If the file is refused, or holds no timing.
pub fn compare(plan: &Plan, options: &Options, folder: &Path) -> Result<Validation, Failure> {
    let points = grid::points(plan)?;
    let totals = grid::run(plan, &Grid::new(&points, None, options, folder))?;
    manifest::write(plan, &totals, None, folder)?;
    let mut simulated = figures::read(folder)?;
    let mut comparisons = Vec::new();
    let mut held_out = "all requests of the file: nothing was fitted to them".to_owned();
    for point in &points {
        let (source, scenario) = plan.scenario_at(point.label.point)?;
        let Dataset::Trace(RequestTrace::Served(served)) = &scenario.workload.dataset else {
            return Err(source.refuse_key("workload.dataset", "expected served requests at every point"));
        };
        let mut measured = measured(&source.folder().join(served.file()))?;
        let (there, most) = (measured.len(), usize::try_from(scenario.workload.requests).unwrap_or(usize::MAX));
        if there > most {
            measured.truncate(most);
            held_out = format!(
                "the first {most} of {there} requests of the file (workload.requests): nothing was fitted to them"
            );
        }
        for cell in &point.cells {
            let simulated = simulated.remove(&(cell.policy.clone(), point.label.point)).unwrap_or_default();
            comparisons.push(Comparison::new(point, cell, measured.len(), measured.clone(), simulated));
        }
    }
    Ok(Validation { held_out, note: "arrivals and lengths are the file's", comparisons })
}

/// The requests of a file, as they were served.
fn measured(file: &Path) -> Result<Vec<Served>, Failure> {
    let served = read_served(file)?;
    let timed = |one: &ServedRequest| one.ttft_ms.or(one.tpot_ms).or(one.e2e_ms).is_some();
    if !served.iter().any(timed) {
        let expected = "expected at least one of the columns ttft_ms, tpot_ms and e2e_ms";
        let found = "found no request with a timing";
        return Err(Failure::refused(format!("{}: {found}; {expected}; measure some", file.display())));
    }
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
