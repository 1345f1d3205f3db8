//! Each scenario is read and resolved, and tame ones are run to the end. No input panics.

use super::mutator::{Mutator, Wildness};
use crate::run::one_run::OneRun;
use crate::scenario::{Plan, Point, Scenario, Source};
use crate::terminal::{Failure, surviving};
use engine::NoRecorder;
use fuzzing::{Count, Counts, fuzz, telling};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;

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

/// Runs every policy of a point.
fn run(point: &Point) -> Result<(), Failure> {
    for cell in &point.cells {
        let run = OneRun { point, cell, replication: 0, real: None, threads: 1 };
        run.sample(&mut NoRecorder, &AtomicU64::new(0))?;
    }
    Ok(())
}

#[test]
fn fuzz_scenarios() {
    let counts = [
        Count::free("refused by the reader"),
        Count::goal("resolved or refused at a key"),
        Count::part("run to the end", 10),
    ];
    let (corpus, mutator) = (corpus(), Mutator::new());
    fuzz("scenarios", &counts, || {
        |dice, counts| {
            let (path, table) = dice.one_of(&corpus);
            let wildness = if dice.one_in(2) { Wildness::Any } else { Wildness::Tame };
            let text = toml::to_string(&mutator.mutated(dice, table, wildness)).expect("a table is TOML");
            telling(|| text.clone(), || execute(path, &text, wildness, counts));
        }
    });
}

/// Reads and resolves a scenario, and runs it if it is tame.
fn execute(path: &Path, text: &str, wildness: Wildness, counts: &Counts) {
    let resolved = surviving(|| resolve(path, text.to_owned())).unwrap_or_else(|bug| Err((true, bug)));
    let is_read = !matches!(resolved, Err((false, _)));
    counts.add(if is_read { "resolved or refused at a key" } else { "refused by the reader" });
    let run = match resolved {
        Ok(point) if wildness == Wildness::Tame => surviving(|| run(&point)).and_then(|done| done),
        Ok(_) => return,
        Err((_, failure)) => Err(failure),
    };
    match run {
        Ok(()) => counts.add("run to the end"),
        Err(failure) => assert!(!failure.is_bug(), "{failure}"),
    }
}
