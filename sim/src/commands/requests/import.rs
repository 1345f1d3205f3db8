//! `sim requests import`: a trace becomes a file of our own CSV.

use super::args::Import;
use crate::results::whole_file;
use crate::scenario::Listed;
use crate::terminal::{Failure, say};
use std::path::Path;

/// Imports a trace.
pub fn run(asked: &Import) -> Result<(), Failure> {
    let trace = asked.options.trace(&asked.format, &asked.file)?;
    if asked.until.is_some_and(|until| until <= asked.from.unwrap_or_default()) {
        return Err(Failure::refused("--until: expected a time after --from"));
    }
    let listed = Listed::read(&trace, Path::new(""), &asked.wanted(), asked.seed)?;
    let file = asked.file.display();
    let is_by_time = asked.from.is_some() || asked.until.is_some();
    if is_by_time && !listed.is_timed {
        return Err(Failure::refused(format!(
            "{file}: the trace has no times of arrival; --from and --until need them"
        )));
    }
    if listed.requests.is_empty() {
        return Err(Failure::refused(format!("{file}: the trace has no request in that window; widen it")));
    }
    for remark in &listed.remarks {
        say(format_args!("sim: warning: {file}: {remark}"));
    }
    if asked.format.name == "azure_lmm" {
        let each = traces::requests::TOKENS_PER_IMAGE;
        say(format_args!(
            "sim: note: {file}: {each} of the context's tokens are taken to be each image's (an assumption)"
        ));
    }
    if !listed.is_timed {
        say(format_args!(
            "sim: note: {file}: no times of arrival; a scenario says when: [arrivals.poisson] or another"
        ));
    }
    let mut requests = listed.requests;
    let first = requests[0].request.arrival;
    requests.iter_mut().for_each(|one| one.request.arrival -= first);
    whole_file::write(&asked.out, &traces::requests::write(&requests, listed.is_timed))?;
    let (out, number) = (asked.out.display(), requests.len());
    let requests = if number == 1 { "request" } else { "requests" };
    say(format_args!("{number} {requests} in {out}; a scenario names it as dataset.served = \"{out}\""));
    Ok(())
}
