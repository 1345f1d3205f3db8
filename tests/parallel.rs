//! Sweeps by GNU parallel, from the emitted script.

use crate::many_points::{assert_same_results, sweep};
use crate::tools::are_there;
use std::fs;

#[test]
fn parallel_runs_the_emitted_script() {
    if !are_there("parallel_runs_the_emitted_script") {
        return;
    }
    let sim = sweep();
    let folder = "it's 100% \"odd\" #1 $HOME";
    sim.done(["sweep", "many.toml", "--emit", "parallel", "--shards", "7", "--out", folder]);
    let run = || {
        let mut command = sim.command("bash");
        let output = command.arg(sim.path(folder).join("job.sh")).env("HOME", sim.path("")).output().expect("bash");
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        fs::read_to_string(sim.path(folder).join("logs/joblog")).expect("parallel's log").lines().count()
    };
    assert_eq!(run(), 1 + 7, "a heading and a line a shard");
    assert_same_results(&sim, folder);
    // Once more, after a part was lost.
    fs::remove_file(sim.path(folder).join("parts/shard-0004-of-0007.parquet")).expect("a part");
    assert_eq!(run(), 1 + 7);
    assert_same_results(&sim, folder);
}

#[test]
fn without_parallel_the_script_says_so() {
    let sim = sweep().with("bin/empty", "");
    sim.done("sweep many.toml --emit parallel --shards 7 --out parts".split(' '));
    let mut command = sim.command("/bin/bash");
    let output = command.arg(sim.path("parts/job.sh")).env("PATH", sim.path("bin")).output().expect("bash");
    assert_eq!(output.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no GNU parallel on this machine"));
}
