//! Damaged results folders and baselines: what reads them refuses them in a message, or takes them.

use crate::cli::Cli;
use crate::commands::{calibrate, simulate};
use crate::terminal::Failure;
use clap::Parser;
use fuzzing::{Count, Dice, bytes, fuzz, json, number_text, telling};
use reports::check::{self, Baseline, Identity, Rules};
use reports::{Objective, Per, Question, Runs};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Once;
use tempfile::TempDir;

/// A scenario that runs in a blink and writes every table.
const SCENARIO: &str = "\
name = \"whole\"
replications = 2
workload = { dataset = \"vqav2\", requests = 3, output_tokens = 8 }
policy.cloud_only = {}
policy.edge_only = {}
sweep.\"link.rtt\" = [\"5 ms\", \"80 ms\"]
";

/// The files of a results folder that commands read.
const READ: [&str; 9] = [
    "baseline.toml",
    "manifest.json",
    "requests.parquet",
    "runs.parquet",
    "scenario.toml",
    "spans.parquet",
    "steps.parquet",
    "summary.parquet",
    "tokens.parquet",
];

/// A results folder with its baseline, and its files as they were written.
struct Whole {
    folder: TempDir,
    files: Vec<(PathBuf, Vec<u8>)>,
}

impl Whole {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        fs::write(at("whole.toml"), SCENARIO).expect("a file");
        let [scenario, out] = ["whole.toml", "out"].map(|name| at(name).display().to_string());
        let line = ["sim", &scenario, "--out", &out, "--steps", "--tokens", "--no-report", "--threads", "1"];
        let cli = Cli::try_parse_from(line).expect("a command line");
        simulate::run(&cli.written.expect("a scenario"), &cli.options).expect("a run");
        let runs = Runs::read(&at("out")).expect("runs");
        let identity = Identity::read(&at("out")).expect("a manifest");
        let baseline = Baseline::of(&runs, identity, Rules::default()).expect("a baseline");
        fs::write(at("out/baseline.toml"), baseline.text(&runs)).expect("a file");
        let entries = fs::read_dir(at("out")).expect("a folder").map(|entry| entry.expect("an entry").path());
        let is_read = |path: &PathBuf| path.file_name().is_some_and(|name| READ.iter().any(|read| name == *read));
        let mut paths: Vec<PathBuf> = entries.filter(is_read).collect();
        paths.sort();
        let files = paths.into_iter().map(|path| (path.clone(), fs::read(path).expect("a file"))).collect();
        Self { folder, files }
    }

    /// Damages one file; the file, what it was, and what it is.
    fn damaged(&self, dice: &mut Dice) -> (&Path, &[u8], Vec<u8>) {
        let (path, whole) = dice.one_of(&self.files);
        let mut content = whole.clone();
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("json") if !dice.one_in(4) => {
                let mut document: Value = serde_json::from_slice(whole).expect("JSON");
                json(&mut document, dice);
                content = document.to_string().into_bytes();
            }
            Some("toml") if !dice.one_in(4) => content = with_numbers(whole, dice),
            // What a table is stands at its end.
            Some("parquet") if dice.one_in(2) => {
                let mut end = content.split_off(content.len() - content.len().min(1 + dice.place(2000)));
                bytes(&mut end, dice);
                content.extend(end);
            }
            _ => bytes(&mut content, dice),
        }
        fs::write(path, &content).expect("a file");
        (path, whole, content)
    }
}

/// A text in which one number is another, at the end of some range.
fn with_numbers(text: &[u8], dice: &mut Dice) -> Vec<u8> {
    let starts: Vec<usize> =
        (1..text.len()).filter(|at| text[*at].is_ascii_digit() && !text[at - 1].is_ascii_alphanumeric()).collect();
    let start = *dice.one_of(&starts);
    let length = text[start..].iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'.').count();
    let other = if dice.one_in(6) { *dice.one_of(&["nan", "inf", "-inf", "[]", "\"\""]) } else { number_text(dice) };
    [&text[..start], other.as_bytes(), &text[start + length..]].concat()
}

/// Reads a results folder as the commands do that look at one of its files; an outcome for each of them.
fn read(folder: &Path, file: &str) -> Vec<Result<(), Failure>> {
    match file {
        "spans.parquet" => vec![reports::stage_times(folder).map(drop).map_err(Failure::from)],
        "tokens.parquet" => vec![tables::read_tokens(&folder.join(file)).map(drop).map_err(Failure::from)],
        "steps.parquet" | "requests.parquet" | "scenario.toml" => vec![steps(folder)],
        "manifest.json" => vec![judged(folder), steps(folder)],
        "baseline.toml" => vec![judged(folder)],
        "summary.parquet" => vec![reports::table(folder, &reports::Columns::All).map(drop).map_err(Failure::from)],
        _ => vec![judged(folder), compared(folder)],
    }
}

fn steps(folder: &Path) -> Result<(), Failure> {
    calibrate::folder::steps(&[folder.to_owned()], None, &|_| true).map(drop)
}

fn judged(folder: &Path) -> Result<(), Failure> {
    let (runs, baseline) = (Runs::read(folder)?, Baseline::read(&folder.join("baseline.toml"))?);
    let check = check::check(&runs, &Identity::read(folder)?, &baseline, "baseline.toml")?;
    assert!(!check::text(&check).contains("NaN"), "{}", check::text(&check));
    Ok(())
}

fn compared(folder: &Path) -> Result<(), Failure> {
    let runs = Runs::read(folder)?;
    let _ = reports::compare(&runs, &["e2e_ms_mean".to_owned()], None)?.text();
    let objectives = vec![Objective { metric: "e2e_ms_mean".to_owned(), maximise: false }];
    reports::best(
        &runs,
        &Question { objectives, constraints: Vec::new(), policy: None, per: Per::All, by_mean: true },
    )?;
    Ok(())
}

/// Lets panics of the crates that read Parquet be quiet, as the program does: whoever reads refuses the file.
fn quiet_while_reading() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !tables::is_reading() {
                before(panic);
            }
        }));
    });
}

#[test]
fn fuzz_results() {
    quiet_while_reading();
    fuzz("results folders", &[Count::goal("readings"), Count::part("read whole", 20)], || {
        let whole = Whole::new();
        move |dice, counts| {
            let (path, before, content) = whole.damaged(dice);
            let told = || format!("{}, {} bytes:\n{}", path.display(), content.len(), content.escape_ascii());
            let file = path.file_name().and_then(|name| name.to_str()).expect("a name");
            for outcome in telling(told, || read(&whole.folder.path().join("out"), file)) {
                counts.add("readings");
                match outcome {
                    Ok(()) => counts.add("read whole"),
                    Err(failure) => assert!(!failure.is_bug(), "{failure}\nby {}", told()),
                }
            }
            fs::write(path, before).expect("a file");
        }
    });
}
