//! `sim sweep`: parts, resuming, shards, merging, and what is refused.

use crate::many_points::{assert_same_results, sweep};
use crate::parquet_file::{count, rows};
use crate::support::Sim;
use parquet::record::Field;
use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

/// The files that do not depend on a sweep's division: all but its parts and `sweep.json`.
fn results(sim: &Sim, folder: &str) -> BTreeMap<String, Option<Vec<u8>>> {
    let mut tree = sim.tree_of(folder);
    tree.retain(|name, _| !name.starts_with("parts") && name != "sweep.json");
    tree
}

fn refused(sim: &Sim, args: &str) -> String {
    let before = sim.tree();
    let output = sim.run(args.split(' '));
    assert_eq!(output.code, Some(2), "{output:#?}");
    assert!(output.stdout.is_empty(), "{output:#?}");
    assert_eq!(sim.tree(), before, "nothing is written or overwritten");
    output.stderr
}

#[test]
fn a_sweep_has_the_rows_of_a_run() {
    let sim = sweep();
    sim.done("many.toml --out run".split(' '));
    for table in ["runs.parquet", "summary.parquet", "summary.csv"] {
        assert_eq!(sim.tree_of("run")[table], sim.tree_of("whole")[table], "{table}");
    }
}

/// Where only a key of one policy varies, the others are run at one point, and their rows are those of a run of every point.
#[test]
fn a_policy_is_run_once_where_keys_of_others_vary() {
    const VARIED: &str = "name = \"varied\"\nreplications = 2\n[workload]\ndataset = \"vqav2\"\nrequests = 5\n\
        [policy.edge_only]\n[policy.speculative]\n[policy.msao]\n[sweep]\n\"link.rtt\" = [\"5 ms\", \"50 ms\"]\n\
        \"policy.msao.mas.tau_s\" = [0.1, 0.5, 0.9]\n\"policy.speculative.n_draft\" = [2, 4]\n";
    let sim = Sim::new().with("varied.toml", VARIED);
    sim.done("varied.toml --out run".split(' '));
    for threads in [1, 2] {
        let swept = sim.done(format!("sweep varied.toml --out swept{threads} --threads {threads}").split(' '));
        // Of 12 points: edge_only needs 2, speculative 4, msao 6; with two replications each.
        let told = "48 of the runs are those of an earlier point: their policies are the same there";
        assert!(swept.stderr.contains(told), "{}", swept.stderr);
        for table in ["runs.parquet", "summary.parquet", "summary.csv"] {
            assert!(sim.tree_of("run")[table] == sim.tree_of(&format!("swept{threads}"))[table], "{table}");
        }
    }
    let own = sim.done("sweep varied.toml --out own --set point_seeds=from_id".split(' '));
    assert!(!own.stderr.contains("earlier point"), "{}", own.stderr);
}

/// `runs.parquet` has a column `seed` of its own.
#[test]
fn seeds_may_be_swept() {
    const SEEDS: &str = "name = \"seeds\"\nreplications = 2\n[workload]\ndataset = \"vqav2\"\nrequests = 5\n[policy.edge_only]\n\
        [sweep]\nseed = [1, 2, 3]\n";
    let sim = Sim::new().with("seeds.toml", SEEDS);
    sim.done("seeds.toml --out run".split(' '));
    sim.done("sweep seeds.toml --out swept".split(' '));
    for table in ["runs.parquet", "summary.parquet", "summary.csv"] {
        assert_eq!(sim.tree_of("run")[table], sim.tree_of("swept")[table], "{table}");
    }
    let swept = |row: &BTreeMap<String, Field>| (row["seed"].clone(), row["swept_seed"].clone());
    let seeds: Vec<_> = rows(&sim.path("run/runs.parquet")).iter().map(swept).collect();
    let expected = |seed: u64| vec![(Field::ULong(seed), Field::Str(seed.to_string())); 2];
    assert_eq!(seeds, (1..=3).flat_map(expected).collect::<Vec<_>>());
    let best = sim.done("best swept --minimise e2e_ms_mean --per swept_seed".split(' '));
    assert!(best.stdout.contains("each of 3 environments"), "{}", best.stdout);
}

#[test]
fn threads_and_shards_do_not_matter() {
    let sim = sweep();
    sim.done("sweep many.toml --out threads --threads 1".split(' '));
    assert_eq!(results(&sim, "threads"), results(&sim, "whole"));
    for shard in [2, 0, 1] {
        sim.done(format!("sweep many.toml --out shards --shard {shard}/3").split(' '));
    }
    // A doubled attempt changes nothing.
    let before = sim.tree_of("shards");
    sim.done("sweep many.toml --out shards --shard 1/3".split(' '));
    assert_eq!(sim.tree_of("shards"), before);
    assert_eq!(sim.done("sweep many.toml --out shards --missing".split(' ')).stdout, "");
    sim.done("sweep many.toml --out shards --merge".split(' '));
    assert_eq!(results(&sim, "shards"), results(&sim, "whole"));
    assert_same_results(&sim, "shards");
}

#[test]
fn the_resolved_scenario_is_the_same_sweep_from_anywhere() {
    let sim = sweep();
    sim.done("sweep whole/scenario.toml --out again".split(' '));
    assert_eq!(results(&sim, "again"), results(&sim, "whole"));
    assert_eq!(sim.text("again/sweep.json"), sim.text("whole/sweep.json"));
}

/// Kills a sweep at another moment each time and goes on with it, until it comes to its end.
#[test]
fn killed_at_any_moment_it_ends_with_the_same_bytes() {
    let sim = sweep();
    let mut kills = 0;
    // From before the first part to beyond the last one.
    for attempt in 0..200u64 {
        let mut child = sim
            .command(env!("CARGO_BIN_EXE_sim"))
            .args("sweep many.toml --out killed --resume --no-report".split(' '))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sim starts");
        // Odd numbers of microseconds, so that every stage is met some time.
        std::thread::sleep(Duration::from_micros(4_000 + attempt * 1_777 % 60_000));
        if child.try_wait().expect("a child").is_some_and(|status| status.success()) {
            break;
        }
        // SIGKILL.
        child.kill().expect("a child that runs");
        kills += u32::from(!child.wait().expect("a child").success());
        let whole = sim.path("killed/manifest.json").exists();
        assert!(!whole || sim.path("killed/summary.parquet").exists(), "it looks finished and is not");
    }
    assert!(kills > 3, "{kills} kills");
    sim.done("sweep many.toml --out killed --resume".split(' '));
    assert_eq!(results(&sim, "killed"), results(&sim, "whole"));
    assert_eq!(sim.tree_of("killed"), sim.tree_of("whole"), "the parts too, and nothing is left behind");
}

/// The report is the last that is written, and takes the longest.
#[test]
fn killed_while_it_draws_it_ends_with_the_same_bytes() {
    let sim = sweep();
    assert_eq!(sim.run_with_report("sweep many.toml --out whole --resume".split(' ')).code, Some(0));
    assert!(sim.path("whole/report/index.html").exists());
    for attempt in 0..5 {
        let mut command = sim.command(env!("CARGO_BIN_EXE_sim"));
        command.args("sweep many.toml --out killed --resume".split(' ')).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().expect("sim starts");
        // Later each time, so that it is killed in another stage; whatever the moment, the outcome is the same.
        std::thread::sleep(Duration::from_millis(150 + 170 * attempt));
        // It may have come to its end.
        let _ = child.kill();
        child.wait().expect("a child");
        assert!(!sim.path("killed/manifest.json").exists() || sim.path("killed/report/index.html").exists());
    }
    assert_eq!(sim.run_with_report("sweep many.toml --out killed --resume".split(' ')).code, Some(0));
    assert_eq!(sim.tree_of("killed"), sim.tree_of("whole"), "nothing is left behind");
}

#[test]
fn what_was_lost_is_run_again_and_nothing_else() {
    let sim = sweep();
    let part = |number: u32| sim.path(&format!("whole/parts/points-{number:09}.parquet"));
    let (lost, cut, kept) = (part(3), part(11), part(0));
    let time = |path| std::fs::metadata(path).and_then(|file| file.modified()).expect("a file");
    let before = (sim.tree_of("whole"), time(&kept));
    std::fs::remove_file(&lost).expect("a part");
    let bytes = std::fs::read(&cut).expect("a part");
    std::fs::write(&cut, &bytes[..bytes.len() / 2]).expect("half a part");
    let output = refused(&sim, "sweep many.toml --out whole --merge");
    assert!(output.contains("2 parts are missing; go on with --resume"), "{output}");
    sim.done("sweep many.toml --out whole --resume".split(' '));
    assert_eq!((sim.tree_of("whole"), time(&kept)), before);
}

#[test]
fn points_that_fail_are_recorded() {
    let text = "name = \"some\"\nreplications = 2\nworkload = { dataset = \"vqav2\", requests = 3 }\npolicy.cloud_only = {}\n\
                policy.edge_only = {}\n[sweep]\n\"edge.device\" = [\"rtx3090\", \"jetson-orin-nano-8\", \"nonsense\"]\n\
                \"edge.weights\" = [\"fp16\", \"q4_0\"]\n";
    let sim = Sim::new().with("some.toml", text.replace("rtx3090", "rtx-3090"));
    let output = sim.run(["sweep", "some.toml", "--out", "some"]);
    assert_eq!(output.code, Some(5), "{output:#?}");
    assert!(output.stderr.contains("runs failed; see some/failures.csv"), "{output:#?}");
    let failures = sim.text("some/failures.csv");
    assert!(failures.contains("edge.device = \"\"nonsense\"\": unknown device `nonsense`; did you mean"), "{failures}");
    let failed =
        rows(&sim.path("some/runs.parquet")).iter().filter(|row| row["failed"] != Field::Str(String::new())).count();
    assert_eq!(failed, failures.lines().count() - 1);
    assert!((2..6).contains(&failed), "{failed}");
    // The others are whole, and the shards say the same.
    let summary = rows(&sim.path("some/summary.parquet"));
    assert!(summary.iter().any(|row| count(row, "replications") == 2 && count(row, "failed") == 0));
    assert_eq!(sim.run("sweep some.toml --out shards --shard 0/2".split(' ')).code, Some(5));
    assert_eq!(sim.run("sweep some.toml --out shards --shard 0/2".split(' ')).code, Some(5));
    sim.run("sweep some.toml --out shards --shard 1/2".split(' '));
    assert_eq!(sim.run("sweep shards/scenario.toml --out shards --merge".split(' ')).code, Some(5));
    assert_eq!(results(&sim, "shards"), results(&sim, "some"));
}

#[test]
fn seeds_come_from_the_scenario_or_from_the_points_id() {
    let sim = sweep();
    let seeds = |folder: &str| {
        let rows = rows(&sim.path(&format!("{folder}/runs.parquet")));
        let seed = |row: &BTreeMap<String, Field>| (row["point_id"].to_string(), count(row, "seed"));
        rows.iter().map(seed).collect::<BTreeMap<String, u64>>()
    };
    assert!(seeds("whole").values().all(|seed| *seed == 1));
    sim.done("sweep many.toml --out own --set point_seeds=from_id".split(' '));
    let own = seeds("own");
    assert_eq!(own.len(), 20, "an id for each point");
    assert_eq!(own.values().collect::<std::collections::BTreeSet<_>>().len(), 20, "a seed for each id");
    for shard in 0..4 {
        sim.done(format!("sweep many.toml --out shards --set point_seeds=from_id --shard {shard}/4").split(' '));
    }
    sim.done("sweep many.toml --out shards --set point_seeds=from_id --merge".split(' '));
    assert_eq!(results(&sim, "shards"), results(&sim, "own"));
}

#[test]
fn what_cannot_be_swept_is_refused() {
    let sim = sweep();
    let mut said = Vec::new();
    for args in [
        "sweep many.toml --out whole",
        "sweep many.toml --out new --set sweep.link.rt=[1]",
        "sweep many.toml --out new --set sweep.link.jitter=[]",
        "sweep many.toml --out new --set sweep.seed={from=1,to=500000,step=1}",
        "sweep many.toml --out new --set sweep.seed={from=1,to=10000000,step=1}",
        "sweep many.toml --out new --set edge.device=rtx-309",
        "sweep many.toml --out whole --seed 2 --resume",
        "sweep many.toml --out whole --shard 0/4",
        "sweep many.toml --out whole --missing",
        "sweep many.toml --out new --merge",
        "sweep many.toml --out new --missing",
        "sweep many.toml --out new --shard 4/4",
        "sweep many.toml --out new --shard 0/21",
        "sweep many.toml --out new --shard 0/2000",
        "sweep many.toml --out new --emit slurm --shards 2000",
        "sweep many.toml --out .",
        "sweep nowhere.toml",
    ] {
        said.push(format!("$ sim {args}\n{}", refused(&sim, args)));
    }
    insta::assert_snapshot!(masked(&said.join("\n")));
}

/// A text with stars for hashes, which change with every default.
fn masked(text: &str) -> String {
    let is_hash = |word: &str| word.len() == 12 && word.chars().all(|c| c.is_ascii_hexdigit());
    let star = |c: char| if c.is_ascii_hexdigit() { '*' } else { c };
    let mask = |word: &str| match is_hash(word.trim_end_matches([',', ';'])) {
        true => word.chars().map(star).collect(),
        false => word.to_owned(),
    };
    let line = |line: &str| line.split(' ').map(mask).collect::<Vec<_>>().join(" ");
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_run_does_not_replace_a_sweep_nor_a_sweep_a_run() {
    let sim = sweep();
    let said = refused(&sim, "many.toml --out whole");
    assert!(said.contains("whole: a sweep is in the way of the results; move it away"), "{said}");
    sim.done("many.toml --out run".split(' '));
    let said = refused(&sim, "sweep many.toml --out run");
    assert!(said.contains("run: a folder that is no sweep is in the way"), "{said}");
}

#[test]
fn foreign_parts_are_refused() {
    let sim = sweep();
    sim.done("sweep many.toml --out other --seed 2".split(' '));
    let name = "parts/points-000000005.parquet";
    std::fs::copy(sim.path(&format!("other/{name}")), sim.path(&format!("whole/{name}"))).expect("a part");
    for what in ["--merge", "--resume"] {
        let said = refused(&sim, &format!("sweep many.toml --out whole {what}"));
        assert!(said.contains("points-000000005.parquet: a part of another sweep: msao_sim.plan_sha256 is"), "{said}");
    }
    // A part under another's name is a double.
    std::fs::copy(sim.path("whole/parts/points-000000004.parquet"), sim.path(&format!("whole/{name}")))
        .expect("a part");
    let said = refused(&sim, "sweep many.toml --out whole --merge");
    assert!(said.contains("msao_sim.part is 4 of 20, expected 5 of 20"), "{said}");
    std::fs::remove_file(sim.path(&format!("whole/{name}"))).expect("a part");
    std::fs::write(sim.path("whole/parts/shard-0000-of-0002.parquet"), "").expect("a file");
    let said = refused(&sim, "sweep many.toml --out whole --merge");
    assert!(said.contains("shard-0000-of-0002.parquet: no part of this sweep"), "{said}");
    let text = sim.text("whole/sweep.json").replace(concat!("\"", env!("CARGO_PKG_VERSION"), "\""), "\"0.0.1\"");
    std::fs::write(sim.path("whole/sweep.json"), text).expect("a file");
    let said = refused(&sim, "sweep many.toml --out whole --resume");
    assert!(said.contains("begun by version 0.0.1 ("), "{said}");
}

/// Runs a command and prints the most memory that it had, in KiB.
#[cfg(target_os = "linux")]
const PEAK: &str = "\
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
";

/// A sweep of many points takes no more memory than one of few.
#[test]
#[cfg(target_os = "linux")]
fn memory_does_not_grow_with_points() {
    let text = "name = \"wide\"\nreplications = 1\nworkload = { dataset = \"vqav2\", requests = 1 }\npolicy.cloud_only = {}\n\
                [sweep.random]\npoints = 100\nkeys = { \"link.rtt\" = { from = \"5 ms\", to = \"50 ms\" } }\n";
    let sim = Sim::new().with("wide.toml", text);
    let peak_kib = |points: u32| {
        let args = format!("sweep wide.toml --out {points} --threads 1 --no-report --set sweep.random.points={points}");
        let mut python = sim.command("python3");
        let output = python.args(["-c", PEAK, env!("CARGO_BIN_EXE_sim")]).args(args.split(' ')).output();
        let text = String::from_utf8(output.expect("python3 starts").stdout).expect("UTF-8");
        text.trim().parse::<u64>().unwrap_or_else(|_| panic!("no number: {text:?}"))
    };
    let (few, many) = (peak_kib(100), peak_kib(2000));
    assert!(many < few + 8 * 1024, "{few} KiB with 100 points, {many} KiB with 2,000");
}
