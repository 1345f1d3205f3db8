//! The results folder: what is in it, what it may replace, and what is left when something goes wrong.

use crate::parquet_file::{columns, count, rows};
use crate::refusals::refused;
use crate::support::{Output, Sim, aloud};
use parquet::record::Field;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;

const EVERYTHING: [&str; 6] = ["small.toml", "--steps", "--tokens", "--out", "out", "--set"];
const MSAO: &str = "policy.msao={}";

#[test]
fn every_table_has_its_columns() {
    let sim = Sim::small();
    sim.done(EVERYTHING.iter().chain(&[MSAO]));
    let tables = ["requests", "spans", "steps", "tokens", "runs", "summary"];
    let expected = ["manifest.json", "scenario.toml", "summary.csv"].map(str::to_owned).into_iter();
    let mut expected: Vec<_> = expected.chain(tables.map(|table| format!("{table}.parquet"))).collect();
    expected.sort();
    assert_eq!(sim.names("out"), expected);
    for table in tables {
        let columns = columns(&sim.path(&format!("out/{table}.parquet")));
        insta::assert_snapshot!(format!("{table}_columns"), columns.join("\n"));
    }
    let header = |line: String| line.split(':').next().map(str::to_owned);
    let of_parquet: Vec<String> = columns(&sim.path("out/summary.parquet")).into_iter().filter_map(header).collect();
    assert_eq!(sim.text("out/summary.csv").lines().next().expect("a header"), of_parquet.join(","));
}

#[test]
fn every_drafted_token_has_its_row() {
    let sim = Sim::small();
    sim.done(EVERYTHING.iter().chain(&[MSAO]));
    let requests = rows(&sim.path("out/requests.parquet"));
    let tokens = rows(&sim.path("out/tokens.parquet"));
    let total = |column: &str| requests.iter().map(|row| count(row, column)).sum::<u64>();
    let that_are = |column: &str| tokens.iter().filter(|row| row[column] == Field::Bool(true)).count() as u64;
    assert_eq!(tokens.len() as u64, total("drafted_tokens"));
    assert_eq!(that_are("accepted"), total("accepted_tokens"));
    assert!(total("drafted_tokens") > 0 && that_are("accepted") <= that_are("verified"));
}

#[test]
fn steps_and_tokens_are_written_when_asked_for() {
    let sim = Sim::small();
    sim.done(["small.toml"]);
    let expected = [
        "manifest.json",
        "requests.parquet",
        "runs.parquet",
        "scenario.toml",
        "spans.parquet",
        "summary.csv",
        "summary.parquet",
    ];
    assert_eq!(sim.names("results/small"), expected);
}

#[test]
fn the_manifest_says_what_was_run() {
    let sim = Sim::small();
    let output = sim.done(["small.toml", "--seed", "7", "--set", "replications=2", "--set", "edge.engine=hf"]);
    let mut manifest: serde_json::Value =
        serde_json::from_str(&sim.text("results/small/manifest.json")).expect("a manifest is JSON");
    assert!(manifest["wall_s"].as_f64().is_some_and(|seconds| seconds > 0.0), "{manifest}");
    assert!(output.stderr.contains(&format!("{} events", manifest["events"])), "{output:?}");
    let commit = manifest["commit"].as_str().expect("a commit").to_owned();
    assert!(commit == "unknown" || commit.len() == 12 && commit.bytes().all(|b| b.is_ascii_hexdigit()), "{commit}");
    // What differs from machine to machine and from commit to commit.
    manifest["wall_s"] = 0.into();
    manifest["commit"] = "COMMIT".into();
    insta::assert_snapshot!(serde_json::to_string_pretty(&manifest).expect("JSON"));
}

#[test]
fn a_results_folder_runs_again_to_the_same_bytes() {
    let sim = Sim::small();
    sim.done(EVERYTHING.iter().chain(&[MSAO]));
    sim.done(["out/scenario.toml", "--steps", "--tokens", "--out", "again"]);
    same_results(&sim, "out", "again");
}

/// Two folders hold the same bytes, but for the seconds in the manifest.
pub fn same_results(sim: &Sim, one: &str, other: &str) {
    let [a, b] = [one, other].map(|folder| {
        let mut files = sim.tree_of(folder);
        let manifest = files.remove("manifest.json").flatten().expect("a manifest");
        let mut manifest: serde_json::Value = serde_json::from_slice(&manifest).expect("JSON");
        manifest["wall_s"] = serde_json::Value::Null;
        (files, manifest)
    });
    assert_eq!(a.1, b.1);
    assert_eq!(a.0.keys().collect::<Vec<_>>(), b.0.keys().collect::<Vec<_>>());
    for (name, bytes) in &a.0 {
        assert!(b.0[name] == *bytes, "{name} differs between {one} and {other}");
    }
}

#[test]
fn results_of_ours_are_replaced_whole() {
    let sim = Sim::small();
    sim.done(["small.toml", "--steps", "--out", "out"]);
    assert!(sim.names("out").contains(&"steps.parquet".to_owned()));
    sim.done(["small.toml", "--out", "out", "--seed", "5"]);
    assert!(!sim.names("out").contains(&"steps.parquet".to_owned()));
    assert!(sim.text("out/scenario.toml").contains("seed = 5"));
    assert_eq!(sim.names(""), ["out", "small.toml"]);
}

#[test]
fn an_empty_folder_may_be_filled() {
    let sim = Sim::small();
    std::fs::create_dir(sim.path("out")).expect("a folder");
    sim.done(["small.toml", "--out", "out"]);
    assert_eq!(sim.names(""), ["out", "small.toml"]);
}

#[test]
fn what_is_not_ours_is_left_alone() {
    let of = |name: &str, content: &str| refused(&Sim::small().with(name, content), &["small.toml", "--out", "out"]);
    insta::assert_snapshot!(of("out/thesis.tex", "ten years of work"), @"sim: out: a folder that msao-sim did not write is in the way of the results; move it away, or choose another place with --out");
    insta::assert_snapshot!(of("out/manifest.json", "{\"tool\": \"another\"}"), @"sim: out: a folder that msao-sim did not write is in the way of the results; move it away, or choose another place with --out");
    insta::assert_snapshot!(of("out", "a file"), @"sim: out: something that is not a folder is in the way of the results; move it away, or choose another place with --out");
    let sim = Sim::small().with("elsewhere/file", "");
    std::os::unix::fs::symlink("elsewhere", sim.path("out")).expect("a link");
    insta::assert_snapshot!(refused(&sim, &["small.toml", "--out", "out"]), @"sim: out: something that is not a folder is in the way of the results; move it away, or choose another place with --out");
}

/// A folder that nobody may write to would do too, but root may.
#[test]
fn a_place_that_cannot_be_written_to() {
    let of = |out: &str| refused(&Sim::small().with("file", ""), &["small.toml", "--out", out]);
    insta::assert_snapshot!(of("file/out"), @"sim: cannot make the folder file: File exists (os error 17); a file is in the way");
    insta::assert_snapshot!(of("file/deep/out"), @"sim: cannot make the folder file/deep: Not a directory (os error 20); a file is in the way");
}

const LONG: &str = "$SIM small.toml --steps --out out --set workload.requests=20000 --set policy.msao={}";

/// Writing fails in the middle: no file may grow beyond 64 KiB.
#[test]
fn files_that_cannot_grow() {
    let sim = Sim::small();
    let before = sim.tree();
    let Output { stdout, stderr, code } = sim.shell(&format!("trap '' XFSZ; ulimit -f 128; {LONG}"));
    assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
    assert!(stderr.contains("File too large"), "{stderr}");
    assert_eq!(sim.tree(), before);
}

/// Runs a long scenario with its results on a disk of its own, in a name space of our own; lists what is left on stderr.
/// None, said aloud, where the machine permits no such thing.
fn on_disk(test: &str, options: &str) -> Option<String> {
    let sim = Sim::small().with("disk/.keep", "");
    let mount = format!("mount -t tmpfs -o {options} none disk");
    if sim.shell(&format!("unshare -rm sh -c '{mount}'")).code != Some(0) {
        aloud(&format!("skipped: {test}: this machine permits no mount in a name space of one's own"));
        return None;
    }
    let run = LONG.replace("--out out", "--out disk/out");
    let Output { stdout, stderr, code } =
        sim.shell(&format!("unshare -rm sh -c '{mount} && {{ {run}; code=$?; ls -A disk >&2; exit $code; }}'"));
    assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
    Some(stderr)
}

#[test]
fn a_disk_that_may_not_be_written() {
    let Some(stderr) = on_disk("a_disk_that_may_not_be_written", "ro") else { return };
    assert!(stderr.starts_with("sim: cannot write in the folder disk: Read-only file system"), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "something was left: {stderr}");
}

#[test]
fn a_full_disk() {
    let Some(stderr) = on_disk("a_full_disk", "size=256k") else { return };
    assert!(stderr.contains("No space left on device") && stderr.contains("free some space"), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "something was left: {stderr}");
}

#[test]
fn a_killed_run_leaves_nothing_that_looks_finished() {
    let sim = Sim::small();
    sim.done(["small.toml", "--out", "out"]);
    let earlier = sim.tree_of("out");
    for out in ["out", "new"] {
        let mut command = sim.command(env!("CARGO_BIN_EXE_sim"));
        command.args(["small.toml", "--out", out, "--set", "workload.requests=100000000"]);
        let mut running = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("sim starts");
        // Until it writes rows.
        let writes = || sim.names("").iter().any(|name| name.contains(".partial") && !sim.names(name).is_empty());
        while !writes() {
            assert_eq!(running.try_wait().expect("a status"), None, "it ended too early");
            std::thread::yield_now();
        }
        running.kill().expect("it is ours");
        assert_eq!(running.wait().expect("a status").signal(), Some(9));
    }
    assert_eq!(sim.tree_of("out"), earlier, "the earlier results are whole");
    assert!(!sim.names("").contains(&"new".to_owned()));
    let finished: Vec<_> = sim.tree().into_keys().filter(|name| name.ends_with("manifest.json")).collect();
    assert_eq!(finished, ["out/manifest.json"]);
    // What is left is in nobody's way.
    sim.done(["small.toml", "--out", "new"]);
}

#[test]
fn results_stand_even_if_nobody_can_read_the_table() {
    let sim = Sim::small();
    let Output { stderr, code, .. } = sim.shell("$SIM small.toml --out out > /dev/full");
    assert_eq!(code, Some(2));
    let last = stderr.lines().last().unwrap_or_default();
    insta::assert_snapshot!(last, @"sim: cannot write to stdout: No space left on device (os error 28)");
    assert!(sim.names("out").contains(&"manifest.json".to_owned()));
}

/// A spreadsheet would run a label that looks like a formula, so that one is marked; numbers are not.
#[test]
fn labels_are_no_formulas() {
    let scenario = "name = \"small\"\nreplications = 1\n[workload]\ndataset = \"vqav2\"\nrequests = 2\n\
                    [policy.cloud_only]\nlabel = \"=HYPERLINK(1)\"\n[policy.edge_only]\nlabel = \"-5\"\n";
    let sim = Sim::new().with("small.toml", scenario);
    sim.done(["small.toml", "--out", "out"]);
    let csv = sim.text("out/summary.csv");
    let labels: Vec<&str> = csv.lines().skip(1).map(|line| line.split(',').next().unwrap_or_default()).collect();
    assert_eq!(labels, ["'=HYPERLINK(1)", "-5"]);
}
