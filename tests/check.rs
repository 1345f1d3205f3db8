//! `sim check`: the regression gate, through the real binary.

use crate::parquet_file::columns;
use crate::support::{Output, Sim, repository};
use quick_junit::Report;
use serde_json::Value;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Three replications, two policies, two points; nothing queues.
const GUARDED: &str = "\
name = \"guarded\"
replications = 3

[workload]
dataset = \"vqav2\"
requests = 20

[policy.cloud_only]
[policy.edge_only]

[sweep]
\"link.bandwidth\" = [\"100 Mbps\", \"400 Mbps\"]
";

const SLOWER_EDGE: &str = "edge.device=jetson-agx-orin-64";
const FASTER_EDGE: &str = "edge.device=rtx-4090";

/// A folder with the scenario, its results in `out` and their baseline in `b.toml`.
fn blessed() -> Sim {
    let sim = Sim::new().with("guarded.toml", GUARDED);
    sim.done(["guarded.toml", "--out", "out"]);
    let output = sim.done(["check", "out", "--baseline", "b.toml", "--bless"]);
    assert_eq!(output.stderr, "blessed 4 rows of guarded in b.toml\n");
    sim
}

fn check(sim: &Sim, folder: &str) -> Output {
    sim.run(["check", folder, "--baseline", "b.toml"])
}

fn last(text: &str) -> &str {
    text.lines().last().unwrap_or_default()
}

#[test]
fn help() {
    let sim = Sim::new();
    for command in ["check", "compare", "best"] {
        insta::assert_snapshot!(format!("help_{command}"), sim.done([command, "--help"]).stdout);
    }
}

#[test]
fn a_folder_passes_against_its_own_baseline() {
    let sim = blessed();
    let output = sim.done(["check", "out", "--baseline", "b.toml"]);
    assert_eq!((last(&output.stdout), output.stderr.as_str()), ("guarded against b.toml: 56 unchanged", ""));
    // The bytes are those of the folder and the rules.
    let text = sim.text("b.toml");
    sim.done(["check", "out", "--baseline", "b.toml", "--bless"]);
    assert_eq!(sim.text("b.toml"), text);
    sim.done(["guarded.toml", "--out", "again", "--threads", "1"]);
    sim.done(["check", "again", "--baseline", "new.toml", "--bless"]);
    assert_eq!(sim.text("new.toml"), text);
    insta::assert_snapshot!("a_baseline", shortened(&text));
}

/// The head, the rules and the first row, without what changes with every key.
fn shortened(text: &str) -> String {
    let moves = ["scenario_sha256", "tool_version", "model_version"];
    let lines = text.lines().filter(|line| !moves.iter().any(|key| line.starts_with(key)));
    let rows = text.matches("[[row]]").count();
    let second = text.match_indices("[[row]]").nth(1).map_or(0, |(at, _)| text[..at].lines().count());
    lines.take(second - 2).collect::<Vec<_>>().join("\n") + &format!("\n... {rows} rows")
}

#[test]
fn a_slower_edge_is_a_regression_and_a_faster_one_is_not() {
    let sim = blessed();
    sim.done(["guarded.toml", "--out", "slow", "--set", SLOWER_EDGE]);
    let output = check(&sim, "slow");
    assert_eq!(output.code, Some(3), "{output:#?}");
    let lines: Vec<&str> = output.stdout.lines().collect();
    assert!(lines[0].starts_with("note: the resolved scenario has changed (hash "), "{output:#?}");
    let regressed = lines.iter().filter(|line| line.starts_with("REGRESSED   ")).count();
    assert!(
        regressed > 8 && lines[1].starts_with("REGRESSED ") && lines[1].contains(" of edge_only at vqav2"),
        "{output:#?}"
    );
    // What is furthest beyond its tolerance comes first.
    let excess = |line: &&str| {
        let (_, rest) = line.rsplit_once("replications; ")?;
        rest.split_once(" times the ")?.0.parse::<f64>().ok()
    };
    let excesses: Vec<f64> = lines.iter().filter_map(excess).collect();
    assert!(excesses.len() == regressed && excesses.is_sorted_by(|a, b| a >= b), "{excesses:?}");
    assert!(
        output.stderr.contains("if that is as it should be: sim check slow --baseline b.toml --bless"),
        "{output:#?}"
    );
    sim.done(["guarded.toml", "--out", "fast", "--set", FASTER_EDGE]);
    let output = sim.done(["check", "fast", "--baseline", "b.toml"]);
    assert!(output.stdout.contains("\nimproved    ") && !output.stdout.contains("REGRESSED"), "{output:#?}");
}

#[test]
fn a_change_within_noise_passes() {
    let sim = blessed();
    // Another seed: no pairs, and differences that are all noise.
    sim.done(["guarded.toml", "--out", "other", "--seed", "2"]);
    let output = sim.done(["check", "other", "--baseline", "b.toml"]);
    assert!(last(&output.stdout).ends_with("56 unchanged"), "{output:#?}");
}

#[test]
fn what_the_rules_say_counts() {
    let sim = blessed();
    sim.done(["guarded.toml", "--out", "slow", "--set", SLOWER_EDGE]);
    let text = sim.text("b.toml");
    let start = text.find("[rules]").expect("rules");
    let rows = text.find("[[row]]").expect("rows");
    let lenient =
        "[rules]\n# Half as slow again is fine.\ntolerant.accuracy_pct = { absolute = 1.0, worse = \"lower\" }\n";
    let rewritten = format!("{}{lenient}\n{}", &text[..start], &text[rows..]);
    std::fs::write(sim.path("b.toml"), rewritten).expect("a file");
    assert_eq!(check(&sim, "slow").code, Some(0));
    sim.done(["check", "slow", "--baseline", "b.toml", "--bless"]);
    assert!(sim.text("b.toml").contains(lenient) && !sim.text("b.toml").contains("e2e_ms_mean"));
    // With the digest, no event may change.
    let strict =
        sim.text("b.toml").replace(lenient, &format!("[rules]\nexact = [\"journal_digest\"]\n{}", &lenient[8..]));
    std::fs::write(sim.path("b.toml"), strict).expect("a file");
    sim.done(["check", "slow", "--baseline", "b.toml", "--bless"]);
    assert_eq!(check(&sim, "slow").code, Some(0));
    let output = check(&sim, "out");
    assert_eq!(output.stdout.matches("CHANGED     journal_digest of edge_only").count(), 2, "{output:#?}");
    assert_eq!(output.code, Some(3));
}

#[test]
fn refusals_leave_everything_as_it_was() {
    let sim =
        blessed().with("foreign/runs.parquet", "no table").with("empty/notes.txt", "").with("no.toml", "policy = [");
    let text = sim.text("b.toml");
    let edited = |name: &str, from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        std::fs::write(sim.path(name), text.replacen(from, to, 1)).expect("a file");
    };
    edited("schema.toml", "schema = 1", "schema = 9");
    edited("other.toml", "scenario = \"guarded\"", "scenario = \"another\"");
    edited("metric.toml", "ttft_ms_mean = {", "tfft_ms_mean = {");
    edited("tolerance.toml", "{ absolute = 0.5, worse = \"lower\" }", "{ worse = \"lower\" }");
    edited("ratio.toml", "relative = \"1 %\"", "relative = \"1 ms\"");
    edited("short.toml", "seeds = [1, 1, 1]", "seeds = [1, 1]");
    edited("rows.toml", "bandwidth_mbps = \"100\"", "bandwidth_mbps = \"101\"");
    let rows = text.replace("bandwidth_mbps = \"100\"", "bandwidth_mbps = \"101\"").replace("= \"400\"", "= \"401\"");
    std::fs::write(sim.path("rows.toml"), rows).expect("a file");
    let before = sim.tree_of("");
    let mut said = String::new();
    let baselines = ["none", "no", "schema", "other", "metric", "tolerance", "ratio", "short", "rows"];
    let lines = baselines.map(|name| format!("check out --baseline {name}.toml --junit junit.xml --bmf bmf.json"));
    let folders = ["foreign", "empty", "nowhere"].map(|folder| format!("check {folder} --baseline b.toml"));
    let blessed = ["no", "schema", "other"].map(|name| format!("check out --baseline {name}.toml --bless"));
    let unusable = ["check out --baseline b.toml --markdown nowhere/md", "check out"].map(str::to_owned);
    for line in lines.into_iter().chain(folders).chain(blessed).chain(unusable) {
        let output = sim.run(line.split(' '));
        assert_eq!((output.code, output.stdout.as_str()), (Some(2), ""), "{line}: {output:#?}");
        said += &format!("$ sim {line}\n{}\n", output.stderr);
    }
    insta::assert_snapshot!("check_refusals", said);
    assert!(sim.tree_of("") == before, "something was written");
}

/// The first figure of the baseline, as it stands there.
fn first_figure(text: &str) -> &str {
    let figures = text.split("e2e_ms_mean = [").nth(1).expect("figures");
    figures.split([',', ']']).next().expect("a figure")
}

#[test]
fn figures_that_are_none_and_files_that_are_cut_off_are_refused() {
    let sim = blessed();
    let text = sim.text("b.toml");
    let checked = |baseline: &str| {
        let output = sim.run(["check", "out", "--baseline", baseline]);
        assert_eq!(output.code, Some(2), "{output:#?}");
        output.stderr
    };
    for figure in ["nan", "inf", "-inf", "1e308", "-1e300"] {
        let row = format!("e2e_ms_mean = [{}", first_figure(&text));
        std::fs::write(sim.path("odd.toml"), text.replacen(&row, &format!("e2e_ms_mean = [{figure}"), 1))
            .expect("a file");
        let said = checked("odd.toml");
        assert!(said.contains("e2e_ms_mean: expected numbers from -1e30 to 1e30, found "), "{figure}: {said}");
    }
    // A file that ends within a line, or at the beginning of a row.
    for length in (1..text.len()).step_by(text.len() / 13).filter(|length| !text[length - 1..=*length].contains('\n')) {
        std::fs::write(sim.path("cut.toml"), &text[..length]).expect("a file");
        checked("cut.toml");
    }
    let rows: Vec<usize> = text.match_indices("[row.exact]").map(|(start, _)| start).collect();
    std::fs::write(sim.path("cut.toml"), &text[..rows[1]]).expect("a file");
    let output = sim.run(["check", "out", "--baseline", "cut.toml"]);
    assert_eq!(output.code, Some(3), "{output:#?}");
    let said = "NOT JUDGED  runs of ";
    assert!(output.stdout.contains(said) && output.stdout.contains("the baseline's row has no value"), "{output:#?}");
    assert!(checked("/dev/zero").contains("it is a device or a pipe"));
    // A negative latency is a figure, and everything is worse than that.
    let row = format!("e2e_ms_mean = [{}", first_figure(&text));
    std::fs::write(sim.path("less.toml"), text.replacen(&row, "e2e_ms_mean = [-1e30", 1)).expect("a file");
    let output = sim.run(["check", "out", "--baseline", "less.toml"]);
    assert!(output.code == Some(0) || output.code == Some(3), "{output:#?}");
    assert!(!output.stdout.contains("NaN"), "{output:#?}");
}

#[test]
fn reports_for_other_tools() {
    let sim = blessed();
    sim.done(["guarded.toml", "--out", "slow", "--set", SLOWER_EDGE]);
    let files = ["--junit", "j.xml", "--markdown", "m.md", "--bmf", "b.json", "--benchmark-action", "s.json"];
    let more = ["--benchmark-action-bigger", "g.json"];
    let output = sim.run(["check", "slow", "--baseline", "b.toml"].iter().chain(&files).chain(&more));
    assert_eq!(output.code, Some(3), "{output:#?}");
    let report = Report::deserialize_from_str(&sim.text("j.xml")).expect("JUnit XML");
    let counts = last(&output.stdout).split_once(": ").expect("counts").1;
    assert!(counts.starts_with(&format!("{} regressed, ", report.failures)), "{counts}");
    assert_eq!(report.tests, 4 * 14);
    assert_eq!((report.test_suites.len(), report.errors), (4, 0));
    let markdown = sim.text("m.md");
    assert!(markdown.starts_with("## guarded: regression\n"), "{markdown}");
    assert_eq!(markdown.matches("| **regressed** | `").count(), report.failures);
    let json = |name: &str| serde_json::from_str::<Value>(&sim.text(name)).expect("JSON");
    let bencher = json("b.json");
    assert_eq!(bencher.as_object().expect("benchmarks").len(), 4);
    for measure in bencher.as_object().into_iter().flatten().flat_map(|(_, measures)| measures.as_object()).flatten() {
        let number = |key: &str| measure.1[key].as_f64().expect(key);
        assert!(number("lower_value") <= number("value") && number("value") <= number("upper_value"), "{measure:?}");
    }
    for (file, metric, other) in [("s.json", "e2e_ms_mean", "accuracy_pct"), ("g.json", "accuracy_pct", "e2e_ms_mean")]
    {
        let entries = json(file);
        let names: Vec<&str> =
            entries.as_array().into_iter().flatten().filter_map(|entry| entry["name"].as_str()).collect();
        assert!(
            names.iter().any(|name| name.ends_with(metric)) && !names.iter().any(|name| name.ends_with(other)),
            "{names:?}"
        );
        assert!(
            entries.as_array().into_iter().flatten().all(|entry| entry["value"].is_f64() && entry["unit"].is_string())
        );
    }
}

#[test]
fn what_is_no_file_is_written_to() {
    let sim = blessed();
    let output = sim.done(["check", "out", "--baseline", "b.toml", "--bmf", "/dev/stdout"]);
    assert!(output.stdout.starts_with("{\n  \"guarded / "), "{output:#?}");
}

#[test]
fn a_folder_without_runs_is_of_an_earlier_version() {
    let sim = blessed();
    std::fs::remove_file(sim.path("out/runs.parquet")).expect("it was there");
    let output = check(&sim, "out");
    assert_eq!(output.code, Some(2));
    assert!(output.stderr.contains("an earlier version of sim wrote this folder"), "{output:#?}");
}

/// A script that stands in for another build.
fn build(sim: &Sim, name: &str, script: &str) {
    let path = sim.path(name);
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a script");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("permissions");
}

#[test]
fn another_binary_is_the_baseline() {
    let sim = blessed();
    let this = env!("CARGO_BIN_EXE_sim");
    let output = sim.done(["check", "out", "--against", this]);
    assert_eq!(last(&output.stdout), format!("guarded against {this}: 56 unchanged"));
    // What the other build does slower is better now.
    build(&sim, "slower", &format!("exec {this} \"$@\" --set 'link.rtt=80 ms'"));
    let output = sim.done(["check", "out", "--against", "./slower"]);
    assert!(output.stdout.contains("\nimproved    e2e_ms_mean of cloud_only"), "{output:#?}");
    build(&sim, "faster", &format!("exec {this} \"$@\" --set 'link.rtt=2 ms'"));
    let output = sim.run(["check", "out", "--against", "./faster"]);
    assert_eq!(output.code, Some(3), "{output:#?}");
    assert!(output.stdout.contains("\nREGRESSED   e2e_ms_mean of cloud_only"), "{output:#?}");
    // With rules of one's own.
    let text = sim
        .text("b.toml")
        .replace("relative = \"1 %\"", "relative = \"90 %\"")
        .replace("relative = \"2 %\"", "relative = \"90 %\"");
    std::fs::write(sim.path("lenient.toml"), text).expect("a file");
    sim.done(["check", "out", "--against", "./faster", "--baseline", "lenient.toml"]);
}

#[test]
fn a_binary_that_is_not_there_or_fails_is_told() {
    let sim = blessed();
    let output = sim.run(["check", "out", "--against", "./nowhere"]);
    assert_eq!(output.code, Some(4), "{output:#?}");
    assert!(output.stderr.contains("./nowhere: cannot run it: No such file"), "{output:#?}");
    build(&sim, "broken", "for i in 1 2 3 4 5 6 7; do echo line $i >&2; done; exit 7");
    let output = sim.run(["check", "out", "--against", "./broken"]);
    assert_eq!(output.code, Some(2), "{output:#?}");
    assert!(output.stderr.ends_with("it said:\n  line 3\n  line 4\n  line 5\n  line 6\n  line 7\n"), "{output:#?}");
    build(&sim, "silent", "exit 0");
    let output = sim.run(["check", "out", "--against", "./silent"]);
    assert_eq!(output.code, Some(2), "{output:#?}");
    assert!(output.stderr.contains("./silent: what it wrote cannot be used: "), "{output:#?}");
}

/// A run's table has the declared metrics, in their order: one that is not declared would be judged by nobody.
#[test]
fn every_metric_of_a_run_is_known_and_in_order() {
    let sim = Sim::small();
    sim.done(["small.toml", "--out", "out"]);
    let name = |line: &String| line.split(':').next().expect("a name").to_owned();
    let all: Vec<String> = columns(&sim.path("out/runs.parquet")).iter().map(name).collect();
    let metrics =
        all.iter().skip_while(|name| *name != "cloud_engine").skip(1).filter(|name| !name.starts_with("regret_"));
    let known: Vec<&str> = tables::Metric::ALL.iter().map(|metric| metric.column()).collect();
    assert_eq!(metrics.collect::<Vec<_>>(), known);
}

fn is_scenario(path: &Path) -> bool {
    path.to_str().is_some_and(|path| path.ends_with(".toml") && !path.ends_with(".baseline.toml"))
}

/// The scenarios of the gate, by name.
fn guarded() -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(repository("scenarios/regression")).expect("scenarios");
    let paths = entries.map(|entry| entry.expect("an entry").path()).filter(|path| is_scenario(path));
    let name = |path: &Path| path.file_stem().and_then(|name| name.to_str()).expect("UTF-8").to_owned();
    paths.map(|path| (name(&path), std::fs::read_to_string(&path).expect("a scenario"))).collect()
}

#[test]
fn the_gate_touches_every_system() {
    let scenarios = guarded();
    assert!(scenarios.len() >= 3, "{:?}", scenarios.keys());
    for (system, _) in policies::SYSTEMS {
        let named = |text: &String| text.contains(&format!("[policy.{system}]"));
        assert!(scenarios.values().any(named), "no scenario of scenarios/regression has {system}");
    }
}

/// Puts the program where the steps of a job download it to. An uploaded file comes without its permissions.
fn downloaded(sim: &Sim, workflow: &Value, steps: &[Value]) {
    let build = workflow["jobs"]["sim"]["steps"].as_array().expect("steps");
    let upload = build.last().filter(|step| step["with"]["name"] == "sim-${{ matrix.of }}").expect("an upload");
    let file = upload["with"]["path"].as_str().and_then(|path| path.rsplit('/').next()).expect("a path");
    let downloads = steps.iter().filter(|step| step["uses"].as_str().is_some_and(|uses| uses.contains("download")));
    for step in downloads {
        let of = step["with"]["name"].as_str().and_then(|name| name.strip_prefix("sim-")).expect("a program");
        assert!(["here", "base"].contains(&of), "{of}");
        let folder = sim.path("here").join(step["with"]["path"].as_str().expect("a folder"));
        std::fs::create_dir_all(&folder).expect("a folder");
        let program = folder.join(file);
        std::fs::copy(env!("CARGO_BIN_EXE_sim"), &program).expect("a copy");
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o644)).expect("permissions");
    }
}

/// The workflow builds in one step, which is left out where the program was kept; its jobs wait for that.
#[test]
fn the_workflow_builds_once() {
    let text = std::fs::read_to_string(repository("docs/ci/regression.yml")).expect("the workflow");
    let workflow: Value = serde_saphyr::from_str(&text).expect("YAML");
    let jobs = workflow["jobs"].as_object().expect("jobs");
    let steps = |job: &Value| job["steps"].as_array().expect("steps").clone();
    let builds: Vec<Value> = jobs
        .values()
        .flat_map(steps)
        .filter(|step| step["run"].as_str().is_some_and(|run| run.contains("cargo ")))
        .collect();
    assert!(builds.len() == 1 && builds[0]["if"] == "steps.kept.outputs.cache-hit != 'true'", "{builds:?}");
    for (name, job) in jobs.iter().filter(|(name, _)| *name != "sim") {
        assert_eq!(job["needs"], "sim", "{name}");
    }
    // The name of the sources is made of what is committed.
    let script = steps(&jobs["sim"]).into_iter().find(|step| step["id"] == "sources").expect("a step");
    let sim = Sim::new();
    let named = |change: &str| {
        let begin = "git init -q . 2>/dev/null; git config user.email a@b; git config user.name a; mkdir -p sim docs scenarios/regression";
        let line = format!("{begin}\n{change}\ngit add -A\n{}", script["run"].as_str().expect("a script"));
        let mut command = sim.command("bash");
        command.args(["-e", "-c", &line]).env("GITHUB_OUTPUT", sim.path(".output"));
        let output = command.output().expect("bash starts");
        assert!(output.status.success(), "{output:?}");
        sim.text(".output").lines().last().expect("a name").to_owned()
    };
    let first = named("echo .output > .gitignore; echo 1 > sim/a.rs");
    assert!(first.starts_with("name=") && first.len() == 21, "{first}");
    assert_eq!(named("echo 1 > docs/a.md; echo 1 > scenarios/regression/a.toml"), first);
    assert_ne!(named("echo 2 > sim/a.rs"), first);
}

/// The workflow that users copy: its scripts, as they stand, in a checkout of the kind that it expects.
/// Those that the workflow's scripts are tried on; `cargo xtask regression` runs all.
const TRIED: [&str; 2] = ["dropping", "short"];

#[test]
fn the_workflow_runs_as_it_stands() {
    let text = std::fs::read_to_string(repository("docs/ci/regression.yml")).expect("the workflow");
    let workflow: Value = serde_saphyr::from_str(&text).expect("YAML");
    let mut sim = Sim::new();
    for name in TRIED {
        for file in [format!("scenarios/regression/{name}.toml"), format!("scenarios/regression/{name}.baseline.toml")]
        {
            sim = sim.with(&format!("here/{file}"), std::fs::read(repository(&file)).expect("a file"));
        }
    }
    for job in ["baselines", "against-base"] {
        let steps = workflow["jobs"][job]["steps"].as_array().expect("steps");
        downloaded(&sim, &workflow, steps);
        let script =
            steps.iter().find(|step| step["name"] == "Check").and_then(|step| step["run"].as_str()).expect("a script");
        let summary = sim.path(&format!("{job}.md"));
        let mut command = sim.command("bash");
        command.args(["-e", "-c", script]).current_dir(sim.path("here")).env("GITHUB_STEP_SUMMARY", &summary);
        let output = command.output().expect("bash starts");
        assert!(output.status.success(), "{job}: {output:?}");
        let summary = std::fs::read_to_string(summary).expect("a summary");
        assert_eq!(summary.matches(": no regression\n").count(), TRIED.len(), "{summary}");
    }
    let uploaded = workflow["jobs"]["baselines"]["steps"].as_array().and_then(|steps| steps.last()).expect("a step");
    assert!(uploaded["with"]["path"].as_str().is_some_and(|path| path.contains("check/*.junit.xml")), "{uploaded}");
    assert_eq!(sim.names("here/check").iter().filter(|name| name.ends_with(".junit.xml")).count(), TRIED.len());
}

#[test]
fn a_sweep_is_checked_as_a_run_is_and_what_failed_fails() {
    let varied = "[sweep]\n\"cloud.device\" = [\"a100-40-pcie\", \"jetson-orin-nano-8\"]\n";
    let scenario = GUARDED.split("[sweep]").next().expect("a scenario").to_owned();
    let sim = Sim::new().with("whole.toml", format!("{scenario}[sweep]\n\"link.rtt\" = [\"5 ms\", \"80 ms\"]\n"));
    let sim = sim.with("part.toml", scenario + varied);
    sim.done(["sweep", "whole.toml", "--out", "whole"]);
    let output = sim.done(["check", "whole", "--against", env!("CARGO_BIN_EXE_sim")]);
    assert!(last(&output.stdout).ends_with(": 56 unchanged"), "{output:#?}");
    let swept = sim.run(["sweep", "part.toml", "--out", "part"]);
    assert_eq!(swept.code, Some(5), "{swept:#?}");
    let output = sim.run(["check", "part", "--baseline", "b.toml", "--bless"]);
    assert_eq!(output.code, Some(2), "{output:#?}");
    assert!(output.stderr.contains("failed: ") && output.stderr.contains("a baseline needs whole runs"), "{output:#?}");
    // Held to a baseline of whole runs, the failed ones come first.
    let whole =
        std::fs::read_to_string(sim.path("part.toml")).expect("a file").replace("jetson-orin-nano-8", "a100-80-pcie");
    std::fs::write(sim.path("mended.toml"), whole).expect("a file");
    sim.done(["sweep", "mended.toml", "--out", "mended"]);
    sim.done(["check", "mended", "--baseline", "b.toml", "--bless"]);
    let output = check(&sim, "part");
    assert_eq!(output.code, Some(3), "{output:#?}");
    let told: Vec<&str> = output.stdout.lines().filter(|line| !line.starts_with("note: ")).collect();
    assert!(told[0].starts_with("FAILED      runs of ") && told[0].contains("replication 0: "), "{output:#?}");
    let output = sim.run(["best", "part", "--minimise", "e2e_ms_mean"]);
    assert_eq!(output.code, Some(3), "{output:#?}");
    assert!(output.stdout.contains("; 1 failed") && output.stderr.contains("2 of 3 policies at points"), "{output:#?}");
}
