//! `sim calibrate --served`: fits an engine's constants to the latencies of requests that a server has answered.
//!
//! Each file is a [`trace`]: the scenario's server is simulated at all of its arrivals, and the requests of the earlier half are
//! compared. [`fit`] seeks the [`constants`] with which they come out as they did, and [`report`] prints the errors of the later
//! half. Requests of one server share its queue and the speed that the machine has in these minutes, so every other request
//! would tell of its neighbours; what comes later does not.

mod constants;
mod fit;
mod report;
mod trace;

use super::Args;
use super::notes::notes;
use crate::results::whole_file;
use crate::scenario::profile::SourceFile;
use crate::terminal::{Failure, say, with_bar};
use fit::Fit;
use report::About;
use std::path::PathBuf;
use trace::{Half, Trace};

/// Requests with a timing that a fit takes at least, in all fitted halves.
const LEAST_REQUESTS: usize = 8;

/// Runs it.
pub fn run(args: &Args) -> Result<(), Failure> {
    let [scenario] = &args.folders[..] else {
        return Err(Failure::refused(format!(
            "--served: found {} scenarios; expected one, the server's, as in `sim calibrate --served requests.csv server.toml`",
            args.folders.len()
        )));
    };
    let notes = notes(&args.note)?;
    let traces: Vec<Trace> =
        args.served.iter().map(|file| Trace::read(args, scenario, file)).collect::<Result<_, _>>()?;
    let token_ms = enough(&traces)?;
    let most = fit::most_simulations();
    let found = with_bar(most, "simulations", |done| Fit::new(&traces, token_ms, done).find())?;
    let lines = report::lines(&traces, &found)?;
    let defaults = traces[0].defaults();
    if let Some(out) = &args.out {
        let files: Vec<&PathBuf> = std::iter::once(scenario).chain(&args.served).collect();
        let files = files.into_iter().map(|file| SourceFile::of(file)).collect::<Result<_, _>>()?;
        let text = report::tuning(traces[0].tuning(), &found, &lines, &About { files, notes });
        whole_file::write(out, &text)?;
    }
    crate::terminal::print(&if args.json {
        serde_json::to_string_pretty(&report::json(&defaults, &found, &lines)).expect("JSON") + "\n"
    } else {
        report::text(&defaults, &found, &lines)
    })?;
    if let Some(out) = &args.out {
        say(format_args!("[cloud.tuning] in {}", out.display()));
    }
    Ok(())
}

/// Mean time of a token in the fitted halves, milliseconds.
///
/// # Errors
/// If too few requests were timed.
fn enough(traces: &[Trace]) -> Result<f64, Failure> {
    let timed = |trace: &Trace| {
        trace.pairs(trace.measured(), Half::Fitted).filter(|pair| fit::errors(*pair).count() > 0).count()
    };
    let requests: usize = traces.iter().map(timed).sum();
    let token_ms: Vec<f64> = traces.iter().filter_map(Trace::token_ms).collect();
    if requests < LEAST_REQUESTS || token_ms.is_empty() {
        let files: Vec<String> = traces.iter().map(|trace| trace.file.display().to_string()).collect();
        return Err(Failure::refused(format!(
            "{}: found {requests} requests with a timing in the earlier half; expected at least {LEAST_REQUESTS}; measure more",
            files.join(", ")
        )));
    }
    Ok(token_ms.iter().sum::<f64>() / token_ms.len() as f64)
}
