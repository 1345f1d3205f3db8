//! Interrupts, kills, other processes and other people's files: results lose nothing and leave nothing.

use crate::many_points::sweep;
use crate::refusals::refused;
use crate::support::{Output, Sim};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tables::{StepRow, TableReader, TableWriter};

/// A run that takes far longer than a test waits.
const LONG: [&str; 4] = ["small.toml", "--out=out", "--set=workload.requests=100000000", "--no-report"];

/// Starts a run and waits until it and the others before it are in the making.
fn begun(sim: &Sim, args: &[&str], others: usize) -> Child {
    let mut command = sim.command(env!("CARGO_BIN_EXE_sim"));
    let child = command.args(args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("sim starts");
    let until = Instant::now() + Duration::from_secs(60);
    while in_the_making(sim) <= others {
        assert!(Instant::now() < until, "nothing was begun");
        std::thread::sleep(Duration::from_millis(2));
    }
    child
}

fn in_the_making(sim: &Sim) -> usize {
    let entries = std::fs::read_dir(sim.path("")).expect("a folder");
    entries
        .filter(|entry| entry.as_ref().is_ok_and(|entry| entry.file_name().to_string_lossy().ends_with(".partial")))
        .count()
}

fn signal(child: &Child, signal: &str) {
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill starts");
    assert!(sent.success());
}

#[test]
fn an_interrupt_leaves_nothing_and_says_so_by_its_exit_code() {
    for (name, code) in [("-INT", 130), ("-TERM", 143)] {
        let sim = Sim::small();
        let child = begun(&sim, &LONG, 0);
        signal(&child, name);
        let output = child.wait_with_output().expect("sim ends");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{stderr}");
        assert!(stderr.contains("sim: interrupted; unfinished files were removed"), "{stderr}");
        assert_eq!(sim.names(""), ["small.toml"]);
    }
}

#[test]
fn the_next_run_removes_what_a_killed_one_left_and_nothing_else() {
    let sim = Sim::small().with(".out.mine", "mine");
    let mut killed = begun(&sim, &LONG, 0);
    let mut going_on = begun(&sim, &LONG, 1);
    signal(&killed, "-KILL");
    killed.wait().expect("sim ends");
    assert_eq!(in_the_making(&sim), 2);
    sim.done(["small.toml", "--out", "out"]);
    assert_eq!(in_the_making(&sim), 1);
    signal(&going_on, "-TERM");
    going_on.wait().expect("sim ends");
    assert_eq!(sim.names(""), [".out.mine", "out", "small.toml"]);
    assert!(sim.names("out").contains(&"manifest.json".to_owned()));
}

#[test]
fn a_file_of_somebody_else_stops_the_next_run() {
    for name in ["notes.txt", "analysis.ipynb", "report/notes.txt", "requests.parquet.bak"] {
        let sim = Sim::small();
        sim.done(["small.toml", "--out", "out"]);
        let sim = sim.with(&format!("out/{name}"), "ten years of work");
        let before = sim.tree();
        let Output { code, stderr, .. } = sim.run(["small.toml", "--out", "out"]);
        assert_eq!(code, Some(2), "{stderr}");
        assert!(stderr.contains(&format!("out: {name}, which msao-sim did not write, is in the way")), "{stderr}");
        assert_eq!(sim.tree(), before);
    }
}

/// Each process finds some parts missing, writes them and puts all together; none disturbs another.
#[test]
fn nine_processes_resume_one_sweep_at_once_and_all_end_well() {
    let sim = sweep();
    let args: Vec<&str> = "sweep many.toml --out many --resume --no-report".split(' ').collect();
    let start = |_| {
        let mut command = sim.command(env!("CARGO_BIN_EXE_sim"));
        command.args(&args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("sim starts")
    };
    let children: Vec<Child> = (0..9).map(start).collect();
    for child in children {
        let output = child.wait_with_output().expect("sim ends");
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(sim.tree_of("many"), sim.tree_of("whole"));
}

const WEEK: &str = "arrival_s,input_tokens,output_tokens\n0,10,2\n604800,10,2\n";

/// Each once ended in exit code 70: amounts that overflow, rates of zero, ends of time.
#[test]
fn no_amount_is_a_bug_of_the_program() {
    let far = |end: &str| Sim::small().with("far.up", format!("0\n{end}\n"));
    let cases = [
        (Sim::small(), "cloud.kv_blocks=9007199254740992", "expected at most 1000000000"),
        (Sim::small(), "cloud.kv_blocks=999999999", "with 999999999 blocks of KV cache"),
        (Sim::small(), "link.up.constant=\"0 bps\"", "expected at least 1 kbps"),
        (Sim::small(), "link.down.constant=\"0 bps\"", "expected at least 1 kbps"),
        (Sim::small(), "link.sharing.fair.most=\"0 bps\"", "expected at least 1 kbps"),
        (Sim::small(), "link.header=\"1000 TB\"", "expected at most 65.535 kB"),
        (Sim::small(), "link.packet=\"1000 TB\"", "expected at most 65.535 kB"),
        (Sim::small(), "cloud.tuning.eta_mem=\"0.0000000001 %\"", "expected at least 0.01 %"),
        (Sim::small(), "edge.tuning.eta_flop=\"0.0000000001 %\"", "expected at least 0.01 %"),
        (far("9000000000000"), "link.up.mahimahi=far.up", "found a series of years; expected at most 366 days"),
    ];
    for (sim, set, expected) in cases {
        let Output { code, stdout, stderr } = sim.run(["small.toml", "--set", set, "--out", "out"]);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{set}: {stderr}");
        assert!(stderr.contains(expected), "{set}: {stderr}");
        assert!(!stderr.contains("a bug in this program"), "{set}: {stderr}");
        assert!(!sim.path("out").exists(), "{set}");
    }
}

#[test]
fn a_point_that_is_refused_is_recorded_and_the_others_run() {
    let sim = Sim::small().with("far.up", "0\n9000000000000\n").with("near.up", "0\n100\n");
    let text = sim.text("small.toml") + "[sweep]\n\"link.up.mahimahi\" = [\"far.up\", \"near.up\"]\n";
    let sim = sim.with("sweep.toml", text);
    let Output { code, stderr, .. } = sim.run(["sweep", "sweep.toml", "--out", "out"]);
    assert_eq!(code, Some(5), "{stderr}");
    assert!(!stderr.contains("a bug in this program"), "{stderr}");
    let failures = sim.text("out/failures.csv");
    assert_eq!(failures.lines().count(), 2, "{failures}");
    assert!(failures.contains("expected at most 366 days"), "{failures}");
}

/// Work summed over 100,000 workers does not fit the clock, and need not.
#[test]
fn many_workers_may_stand_for_a_week() {
    let sim = Sim::new().with("week.csv", WEEK).with(
        "week.toml",
        "name = \"week\"\nreplications = 1\nworkload = { dataset.served = \"week.csv\" }\narrivals.trace = {}\npolicy.cloud_only = {}\n",
    );
    sim.done(["week.toml", "--out", "out", "--set", "edge.cpu_workers=100000"]);
}

/// Steps whose arithmetic would not fit into 64 bits.
#[test]
fn a_step_of_more_tokens_than_can_be_counted_is_refused() {
    let sim = Sim::small();
    sim.done(["small.toml", "--out", "out", "--steps"]);
    let path = sim.path("out/steps.parquet");
    let table = TableReader::<StepRow>::open(&path).expect("a table");
    let rows: Vec<StepRow> = (0..table.groups()).flat_map(|group| table.group(group).expect("rows")).collect();
    for damaged in [u64::MAX, 1 << 40] {
        let mut writer = TableWriter::create(&path).expect("a table");
        for (place, row) in rows.iter().enumerate() {
            let context_tokens = if place == 3 { damaged } else { row.context_tokens };
            writer.write(StepRow { context_tokens, ..row.clone() }).expect("a row");
        }
        writer.finish().expect("a table");
        let said = refused(&sim, &["calibrate", "out"]);
        assert!(said.contains("steps.parquet: row 4: found a step of"), "{said}");
        assert!(said.contains("expected at most 4294967295"), "{said}");
    }
}

/// Some damage makes the crates that read Parquet panic: it is a refusal all the same.
#[test]
fn damaged_tables_are_refused() {
    let sim = Sim::small();
    sim.done(["small.toml", "--out", "out"]);
    for manifest in ["1e300", "[]", "\"replay\"", ""] {
        let odd = Sim::small();
        odd.done(["small.toml", "--out", "out", "--steps"]);
        let odd = odd.with("out/manifest.json", manifest);
        for command in [&["calibrate", "out"][..], &["compare", "out"], &["report", "out"]] {
            let output = odd.run(command);
            assert_eq!(output.code, Some(2), "{command:?} of {manifest}: {output:#?}");
        }
    }
    let path = sim.path("out/runs.parquet");
    let whole = std::fs::read(&path).expect("a table");
    // The metadata stand at the end, behind them their length and a magic word.
    let length = u32::from_le_bytes(whole[whole.len() - 8..whole.len() - 4].try_into().expect("4 bytes")) as usize;
    for place in (0..length).step_by(length / 7) {
        let mut damaged = whole.clone();
        damaged[whole.len() - 8 - length + place] ^= 0x55;
        std::fs::write(&path, damaged).expect("a file");
        let output = sim.run(["compare", "out"]);
        assert!(matches!(output.code, Some(0 | 2)), "byte {place}: {output:#?}");
    }
}
