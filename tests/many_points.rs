//! A sweep of many small points, and one process's results of it.

use crate::support::Sim;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

const MANY: &str = "\
name = \"many\"
replications = 2

[workload]
dataset = \"vqav2\"
requests = 5

[policy.cloud_only]
[policy.edge_only]

[sweep]
\"link.bandwidth\" = [\"100 Mbps\", \"200 Mbps\", \"300 Mbps\", \"400 Mbps\", \"500 Mbps\"]
\"link.rtt\" = [\"10 ms\", \"20 ms\", \"40 ms\", \"80 ms\"]
";

/// A folder with the sweep as `many.toml`, and its results as one process has them in `whole`.
pub fn sweep() -> Sim {
    let sim = Sim::new().with("many.toml", MANY);
    sim.done("sweep many.toml --out whole".split(' '));
    sim
}

/// The first lines of a stand-in for `sim`.
const STAND_IN: &str = r#"#!/bin/bash
while [ $# -gt 0 ] && [ "$last" != --shard ]; do last=$1; words+=("$1"); shift; done
shard=${1%/*}
set -- "${words[@]}" "$@"
"#;

/// Lets a job script run lines of shell before `sim`, in which `$shard` is the number and `$HERE` the test's folder.
pub fn with_stand_in(sim: &Sim, script: &str, lines: &str) -> PathBuf {
    let stand_in = sim.path("stand_in.sh");
    let (here, program) = (sim.path(""), env!("CARGO_BIN_EXE_sim"));
    let text = format!("{STAND_IN}HERE='{}'{lines}exec '{program}' \"$@\"\n", here.display());
    fs::write(&stand_in, text).expect("a file");
    fs::set_permissions(&stand_in, fs::Permissions::from_mode(0o755)).expect("permissions");
    let path = sim.path(script);
    let change = |line: &str| match line.strip_prefix("sim=") {
        Some(_) => format!("sim='{}'\n", stand_in.display()),
        None => format!("{line}\n"),
    };
    let changed: String = sim.text(script).lines().map(change).collect();
    fs::write(&path, changed).expect("a file");
    path
}

/// A folder has the very bytes of one process.
pub fn assert_same_results(sim: &Sim, folder: &str) {
    for name in ["runs.parquet", "summary.parquet", "summary.csv"] {
        let read = |folder: &str| {
            fs::read(sim.path(folder).join(name)).unwrap_or_else(|error| panic!("{folder}/{name}: {error}"))
        };
        assert!(read(folder) == read("whole"), "{folder}/{name} differs from that of one process");
    }
}
