//! Random scenarios, made from the schema: each is read and resolved, and tame ones are run to the end. No input panics.
//!
//! A test takes a few seconds; `cargo xtask fuzz --minutes N` runs it for longer. Executions are counted on stderr.

mod mutator;

use crate::run::one_run::OneRun;
use crate::scenario::{Plan, Point, Scenario, Source};
use crate::terminal::{Failure, surviving};
use engine::NoRecorder;
use mutator::{Mutator, Wildness};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

/// Executions.
#[derive(Debug, Default)]
struct Counts {
    read: u64,
    resolved: u64,
    run: u64,
}

/// The seconds that a target takes, where `FUZZ_SECONDS` does not say.
const SECONDS: u64 = 3;

/// The scenarios that are mutated: ours.
fn corpus() -> Vec<(PathBuf, toml::Table)> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios"));
    let entries = std::fs::read_dir(folder).expect("the scenarios");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
    paths.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("a scenario");
        let mut table: toml::Table = toml::from_str(&text).expect("TOML");
        table.remove("sweep");
        table.remove("replay");
        (path, table)
    };
    paths.into_iter().map(read).collect()
}

/// Reads and resolves a scenario as the command line does. A refusal says if the keys were read.
fn resolve(path: &Path, text: String) -> Result<Point, (bool, Failure)> {
    let (source, scenario) = Source::new::<Scenario>(path, text).map_err(|refusal| (false, refusal))?;
    let plan = Plan::new(source, scenario).map_err(|refusal| (true, refusal))?;
    plan.point(0).map_err(|refusal| (true, refusal))
}

/// Ends the test with the scenario that a bug was found by.
fn report(bug: &Failure, text: &str) -> ! {
    panic!("{bug}\n\nby this scenario:\n{text}")
}

/// Runs every policy of a point.
fn run(point: &Point) -> Result<(), Failure> {
    for cell in &point.cells {
        let run = OneRun { point, cell, replication: 0, real: None };
        run.sample(&mut NoRecorder, &AtomicU64::new(0))?;
    }
    Ok(())
}

#[test]
fn scenarios_are_run_or_refused() {
    let seconds = std::env::var("FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(SECONDS);
    let (corpus, begun) = (corpus(), Instant::now());
    let mut mutator = Mutator::new(std::env::var("FUZZ_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1));
    let mut counts = Counts::default();
    while begun.elapsed() < Duration::from_secs(seconds) {
        let (path, table) = mutator.one_of(&corpus);
        let wildness = if mutator.one_in(2) { Wildness::Any } else { Wildness::Tame };
        let text = toml::to_string(&mutator.mutated(table, wildness)).expect("a table is TOML");
        counts.read += 1;
        let point = match surviving(|| resolve(path, text.clone())).unwrap_or_else(|bug| Err((true, bug))) {
            Ok(point) => point,
            Err((_, failure)) if failure.is_bug() => report(&failure, &text),
            Err((resolved, _)) => {
                counts.resolved += u64::from(resolved);
                continue;
            }
        };
        counts.resolved += 1;
        if wildness == Wildness::Tame {
            match surviving(|| run(&point)).and_then(|done| done) {
                Err(failure) if failure.is_bug() => report(&failure, &text),
                done => counts.run += u64::from(done.is_ok()),
            }
        }
    }
    let Counts { read, resolved, run } = counts;
    crate::terminal::say(format_args!(
        "fuzz: scenarios: {read} read, {resolved} resolved or refused at a key, {run} run to the end"
    ));
    assert!(resolved > 0);
}
