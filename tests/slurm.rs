//! Sweeps over a real Slurm on loopback.

mod cluster;

use crate::many_points::{assert_same_results, sweep, with_stand_in};
use crate::support::{SMALL, Sim};
use crate::tools::are_there;
use cluster::Slurm;
use std::fs;
use std::process::{Command, Stdio};

/// Stands in for `sim`, which it runs in the end: its first attempt at shard 5 kills itself, that at shard 9 never ends.
const CRASHES_AND_HANGS: &str = r#"
echo "on $SLURMD_NODENAME, restart ${SLURM_RESTART_COUNT:-0}"
if [ "$shard" = 5 ] && mkdir "$HERE/crashed" 2> /dev/null; then kill -9 $$; fi
if [ "$shard" = 9 ] && mkdir "$HERE/hung" 2> /dev/null; then echo "$SLURMD_NODENAME" > "$HERE/node"; sleep 1000; fi
"#;

/// Stands in for `sim`: shard 0 waits for a file, the first attempt at shard 1 kills itself.
const WAITS_AND_CRASHES: &str = r#"
echo "attempt"
until [ "$shard" != 0 ] || [ -e "$HERE/go" ]; do touch "$HERE/waits"; sleep 0.1; done
if [ "$shard" = 1 ] && mkdir "$HERE/crashed" 2> /dev/null; then kill -9 $$; fi
"#;

#[test]
fn slurm_survives_a_crash_a_dead_node_and_lost_parts() {
    if !are_there("slurm_survives_a_crash_a_dead_node_and_lost_parts") {
        return;
    }
    let sim = sweep();
    sim.done("sweep many.toml --emit slurm --shards 16 --out parts".split(' '));
    let script = with_stand_in(&sim, "parts/job.sbatch", CRASHES_AND_HANGS);
    let slurm = Slurm::up(3);
    let job = slurm.sbatch(&script, &[]);

    // The node that shard 9 is at dies, and takes the shard with it. Slurm queues it again.
    let node = slurm
        .wait_for("shard 9 at work", |_| fs::read_to_string(sim.path("node")).ok().filter(|node| !node.is_empty()));
    slurm.kill_node(node.trim());
    let task = format!("{job}_9");
    let is_requeued =
        |slurm: &Slurm| slurm.queue().iter().any(|t| t.id == task && t.reason == "BeginTime").then_some(());
    slurm.wait_for("the dead node's shard in the queue again", is_requeued);
    // Slurm would let two minutes pass before it starts.
    slurm.says("scontrol", &["update", &format!("JobId={task}"), "StartTime=now"]);
    let is_over = |slurm: &Slurm| slurm.queue().is_empty().then_some(());
    slurm.wait_for("the end of the array", is_over);
    let log = sim.text("parts/logs/shard-9.log");
    assert!(log.contains(&format!("on {}, restart 0", node.trim())) && log.contains("restart 1"), "{log}");
    assert!(!log.contains("warning"), "whoever wrote the job was warned: {log}");
    assert!(!log.lines().last().is_some_and(|line| line.contains(node.trim())), "{log}");

    // The shard that crashed is what is missing, then the two whose parts are deleted.
    let resume = |missing: &str| {
        let said = sim.done("sweep many.toml --shards 16 --out parts --missing".split(' ')).stdout;
        assert_eq!(said, format!("{missing}\n"));
        slurm.sbatch(&script, &[&format!("--array={missing}")]);
        slurm.wait_for("the missing shards", is_over);
    };
    assert_eq!(sim.text("parts/logs/shard-5.exit"), "137\n");
    resume("5");
    for shard in ["0003", "0012"] {
        fs::remove_file(sim.path(&format!("parts/parts/shard-{shard}-of-0016.parquet"))).expect("a part");
    }
    resume("3,12");
    assert_eq!(sim.done("sweep many.toml --shards 16 --out parts --missing".split(' ')).stdout, "");
    sim.done("sweep many.toml --shards 16 --out parts --merge".split(' '));
    assert_same_results(&sim, "parts");
}

/// Interrupted while the jobs run, and called again, it goes on with them; the shard that crashed is submitted again.
#[test]
fn slurm_flag_submits_waits_and_merges() {
    if !are_there("slurm_flag_submits_waits_and_merges") {
        return;
    }
    let sim = sweep();
    let folder = "it's 100% \"odd\" #1 %a";
    sim.done(["sweep", "many.toml", "--emit", "slurm", "--shards", "4", "--out", folder]);
    with_stand_in(&sim, &format!("{folder}/job.sbatch"), WAITS_AND_CRASHES);
    let slurm = Slurm::up(2);
    let command = || {
        let mut command = sim.command(env!("CARGO_BIN_EXE_sim"));
        command
            .args("sweep many.toml --slurm --shards 4 --no-report --out".split(' '))
            .arg(folder)
            .stdout(Stdio::null());
        slurm.seen_by(&mut command);
        command
    };
    let first = fs::File::create(sim.path("first.err")).expect("a file");
    let mut waiter = command().stderr(first).spawn().expect("sim starts");
    slurm.wait_for("shard 0 at work", |_| sim.path("waits").exists().then_some(()));
    let interrupt = Command::new("kill").args(["-INT", &waiter.id().to_string()]).status().expect("kill");
    assert!(interrupt.success());
    assert_eq!(waiter.wait().expect("it ends").code(), Some(130));
    assert!(!slurm.queue().is_empty(), "its jobs are left");

    fs::write(sim.path("go"), "").expect("a file");
    let second = command().output().expect("sim starts");
    let said = sim.text("first.err") + &String::from_utf8(second.stderr).expect("UTF-8");
    assert_eq!(second.status.code(), Some(0), "{said}");
    // All of them once, and once more the one that crashed: by whichever call saw it.
    let arrays: Vec<_> = said.lines().filter_map(|line| line.split_once(": shards ")?.1.split_once(';')).collect();
    assert_eq!(arrays.iter().map(|(shards, _)| *shards).collect::<Vec<_>>(), ["0-3", "1"], "{said}");
    assert_eq!(sim.text(&format!("{folder}/logs/shard-1.log")).matches("attempt").count(), 2);
    assert_same_results(&sim, folder);
}

#[test]
fn no_slurm_on_this_machine() {
    let sim = sweep().with("bin/empty", "");
    let before = sim.tree();
    let mut command = sim.command(env!("CARGO_BIN_EXE_sim"));
    command.args("sweep many.toml --slurm --shards 4 --out parts".split(' ')).env("PATH", sim.path("bin"));
    let output = command.output().expect("sim starts");
    assert_eq!(output.status.code(), Some(4));
    insta::assert_snapshot!(String::from_utf8(output.stderr).expect("UTF-8"));
    assert_eq!(sim.tree(), before, "nothing is written");
}

#[test]
fn more_shards_than_an_array_has_tasks_are_refused() {
    let sim = sweep();
    let before: Vec<_> = sim.tree().into_keys().collect();
    for engine in ["slurm", "kubernetes", "parallel"] {
        let output = sim.run(["sweep", "many.toml", "--emit", engine, "--shards", "1001", "--out", "parts"]);
        assert_eq!(output.code, Some(2), "{output:#?}");
        assert!(output.stderr.contains("1001 is not in 1..=1000"), "{output:#?}");
        assert_eq!(sim.tree().into_keys().collect::<Vec<_>>(), before);
    }
}

/// The shards of a sweep that needs `--yes` do not: the script would not say it.
#[test]
fn shards_of_many_points_are_run_without_asking() {
    let many = "[sweep]\n\"link.rtt\" = { from = \"1 us\", to = \"100001 us\", step = \"1 us\" }\n";
    let sim = Sim::small().with("many.toml", format!("{SMALL}{many}"));
    let emit = ["sweep", "many.toml", "--emit", "slurm", "--shards", "1000", "--out", "out"];
    assert_eq!(sim.run(emit).code, Some(2));
    sim.done(emit.into_iter().chain(["--yes"]));
    sim.done("sweep out/scenario.toml --out out --shard 999/1000 --threads 1".split(' '));
    assert_eq!(sim.done("sweep out/scenario.toml --out out --missing".split(' ')).stdout, "0-998\n");
}
