//! What interrupts, kills, other processes and other people's files do to results: nothing is lost, and nothing is left.

use crate::many_points::sweep;
use crate::support::{Output, Sim};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

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
