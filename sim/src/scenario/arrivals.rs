//! The times at which requests arrive: checked, and resolved for a run.

use super::keys::{has, parts};
use super::{Arrivals, Scenario, Source, TraceTimes};
use crate::terminal::Failure;
use engine::Content;
use traces::requests::TraceRequest;

/// Refuses times and windows that cannot be.
pub fn check(source: &Source, scenario: &Scenario) -> Result<(), Failure> {
    let window = &scenario.workload.window;
    if !window.is_whole() && !scenario.workload.dataset.is_trace() {
        return Err(source.refuse_key("workload.window", "the dataset is not a trace, of which a part could be played"));
    }
    if window.until.is_some_and(|until| until <= window.from) {
        return Err(source.refuse_key("workload.window.until", "expected a time after `from`"));
    }
    scenario.arrivals.check(source, "arrivals")?;
    if matches!(scenario.arrivals, Arrivals::Trace(_)) && !scenario.workload.dataset.is_trace() {
        let reason = "the dataset is not a trace, so it has no arrival times; use [arrivals.poisson] or name a trace";
        return Err(source.refuse_key("arrivals.trace", reason));
    }
    Ok(())
}

/// The keys of the scenario's own arrivals and dataset.
const KEYS: [&str; 2] = ["arrivals", "workload.dataset"];

/// The arrivals of a run over its content, which has times of its own or has none.
pub fn resolve(
    source: &Source,
    scenario: &Scenario,
    content: &Content,
    is_timed: bool,
) -> Result<engine::Arrivals, Failure> {
    of_content(source, scenario, (content, is_timed), KEYS)
}

/// The same of arrivals and a dataset that have these keys.
pub fn of_content(
    source: &Source,
    scenario: &Scenario,
    (content, is_timed): (&Content, bool),
    keys: [&str; 2],
) -> Result<engine::Arrivals, Failure> {
    let [at, dataset] = keys;
    let Content::Trace(trace) = content else {
        return scenario.arrivals.resolve(source, at, 1.0);
    };
    if trace.requests.is_empty() {
        return Err(nothing(source, scenario, dataset));
    }
    if !is_timed {
        refuse_times(source, scenario, keys)?;
    }
    if let Some(remark) = scenario.remark() {
        source.traces().tell(format!("note: {}", remark.trim_end_matches('.').replacen('A', "a", 1)));
    }
    let speed = match scenario.arrivals {
        Arrivals::Trace(times) => speed(source, at, &times, &trace.requests)?,
        _ => 1.0,
    };
    scenario.arrivals.resolve(source, at, speed)
}

/// The refusal of a trace or a window without a request.
fn nothing(source: &Source, scenario: &Scenario, dataset: &str) -> Failure {
    if scenario.workload.window.is_whole() {
        return source.refuse_key(dataset, "the trace gives no request; keep a larger share of it");
    }
    source.refuse_key("workload.window", "the trace has no request in it; widen it")
}

/// Refuses to play at its times a trace that has none.
fn refuse_times(source: &Source, scenario: &Scenario, [at, dataset]: [&str; 2]) -> Result<(), Failure> {
    let reason = "the trace has no times of arrival";
    if !scenario.workload.window.is_of_numbers() {
        return Err(source.refuse_key("workload.window", &format!("{reason}; only `skip` is possible")));
    }
    if !matches!(scenario.arrivals, Arrivals::Trace(_)) {
        return Ok(());
    }
    let path: Vec<String> = parts(at).into_iter().map(str::to_owned).collect();
    let key = if has(source.written(), &path) { at } else { dataset };
    let remedy = format!("say when requests come: [{at}.poisson] with a rate, or [{at}.closed_loop]");
    Err(source.refuse_key(key, &format!("{reason}; {remedy}")))
}

/// The factor on a trace's speed, which a rate may give.
fn speed(source: &Source, at: &str, times: &TraceTimes, requests: &[TraceRequest]) -> Result<f64, Failure> {
    let lasts = match requests {
        [first, .., last] => (last.arrival - first.arrival).as_secs_f64(),
        _ => 0.0,
    };
    let (key, speed) = match times.rate {
        None => ("trace.speed", times.speed),
        Some(_) if lasts == 0.0 => {
            let reason = "the requests that are played all arrive at once, so no scale gives them a rate";
            return Err(source.refuse_key(&format!("{at}.trace.rate"), reason));
        }
        Some(rate) => ("trace.rate", rate.as_f64() * lasts / (requests.len() - 1) as f64),
    };
    if lasts / speed > LONGEST_RUN_S {
        return Err(source.refuse_key(&format!("{at}.{key}"), "the requests would arrive over more than 50 years"));
    }
    Ok(speed)
}

/// The longest time over which requests of a trace arrive.
const LONGEST_RUN_S: f64 = 50.0 * 366.0 * 86_400.0;
