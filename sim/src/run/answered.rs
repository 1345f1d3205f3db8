//! Requests that were answered: by a server, as a file tells, or in a run.

use crate::scenario::{Arrivals, Dataset, Scenario, Source, Wanted, served};
use crate::terminal::Failure;
use engine::{Recorder, RequestRecord, Status};
use policies::ServedBy;
use std::collections::BTreeSet;
use traces::requests::ServedRequest;

/// A request that was served.
#[derive(Clone, Debug, Default)]
pub struct Served {
    pub request: u64,
    pub output_tokens: u32,
    /// None where it was not measured, as are the next two.
    pub e2e_ms: Option<f64>,
    pub ttft_ms: Option<f64>,
    pub tpot_ms: Option<f64>,
    pub rounds: u64,
    pub drafted: u64,
    pub accepted: u64,
    /// None where nobody has judged the answer.
    pub correct: Option<f64>,
    pub by_cloud: bool,
}

/// Requests that were served, by replay or in simulation, and the length of the warm-up before them.
#[derive(Clone, Debug, Default)]
pub struct Answered {
    /// Those that were answered, in no order.
    pub served: Vec<Served>,
    /// Numbers of those of the warm-up of any replication, which are not compared.
    pub warm_up: BTreeSet<u64>,
}

/// Keeps the requests of a run.
#[derive(Default)]
pub struct Kept(pub Answered);

impl Recorder for Kept {
    fn request(&mut self, record: &RequestRecord) {
        if record.warm_up {
            self.0.warm_up.insert(record.request.prompt.request);
        }
        let Some(moments) = record.moments.as_ref().filter(|_| record.status == Status::Completed) else { return };
        self.0.served.push(Served {
            request: record.request.prompt.request,
            output_tokens: moments.tokens,
            e2e_ms: Some(moments.e2e().as_ms_f64()),
            ttft_ms: Some(moments.ttft().as_ms_f64()),
            tpot_ms: moments.tpot().map(|tpot| tpot.as_ms_f64()),
            rounds: u64::from(record.rounds),
            drafted: u64::from(record.drafted),
            accepted: u64::from(record.accepted),
            correct: record.correct,
            by_cloud: matches!(record.served_by, ServedBy::Cloud | ServedBy::Published(_)),
        });
    }
}

/// Refuses keys that would change the arrivals or the lengths that a server met.
///
/// # Errors
/// At the line of the key.
pub fn must_be_as_served(source: &Source, scenario: &Scenario) -> Result<(), Failure> {
    let reason = "this is taken from the file of served requests; leave it out";
    let refuse = |key: &str| Err(source.refuse_key(key, reason));
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
///
/// # Errors
/// If the file is refused.
pub fn is_timed(source: &Source, scenario: &Scenario) -> Result<bool, Failure> {
    let Dataset::Trace(trace) = &scenario.workload.dataset else { return Ok(false) };
    let first = Wanted { most: 1, ..scenario.workload.wanted() };
    Ok(source.traces().part(trace, source.folder(), &first, scenario.seed)?.is_timed)
}

/// The requests of a scenario's window, as they were served.
///
/// # Errors
/// If the file is refused, or holds no timing.
pub fn measured(source: &Source, scenario: &Scenario) -> Result<Vec<Served>, Failure> {
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
