//! Requests that are rejected and answers that are cut: told on stderr, in the table and on the page, and by no default.

use crate::parquet_file::{count, rows, text};
use crate::summary::summary;
use crate::support::{Output, SMALL, Sim, aloud, repository};

/// A trace of which every other prompt is longer than any window.
fn half_long() -> String {
    let row = |n: u32| format!("{n},{},20\n", if n.is_multiple_of(2) { 2_000_000 } else { 40 });
    "arrival_s,input_tokens,output_tokens\n".to_owned() + &(0..9).map(row).collect::<String>()
}

const TRACE: &str = "\
name = \"trace\"
replications = 1
workload.dataset.served = \"served.csv\"
arrivals.trace = {}
policy.cloud_only = {}
policy.edge_only = {}
";

/// The word in a column of the row of a policy.
fn cell(output: &Output, policy: &str, column: &str) -> Option<String> {
    let mut lines = output.stdout.lines();
    // Columns stand two spaces apart at least.
    let split =
        |line: &str| line.split("  ").map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect();
    let heading: Vec<String> = split(lines.next()?);
    let place = heading.iter().position(|word| word == column)?;
    let row: Vec<String> = lines.map(split).find(|row: &Vec<String>| row.first().is_some_and(|word| word == policy))?;
    row.get(place).cloned()
}

#[test]
fn rejections_are_told_with_number_and_reason() {
    let sim = Sim::new().with("trace.toml", TRACE).with("served.csv", half_long());
    let output = sim.run_with_report("trace.toml --out out".split(' '));
    assert_eq!(output.code, Some(0), "{output:#?}");
    for (policy, tier) in [("cloud_only", "cloud"), ("edge_only", "edge")] {
        let said = format!(
            "sim: warning: {policy}: 5 of 9 requests were rejected: prompt and answer are longer than the context window \
             of the {tier}'s model\n"
        );
        assert!(output.stderr.contains(&said), "{output:#?}");
        assert_eq!(cell(&output, policy, "rejected").as_deref(), Some("5 of 9"), "{output:#?}");
    }
    assert_eq!(cell(&output, "cloud_only", "cut"), None);
    let page = sim.text("out/report/index.html");
    assert!(
        page.contains("id=\"shortfalls\"") && page.contains("cloud_only: 5 of 9 requests were rejected: prompt and")
    );
    // The next run into the same place replaces it, and has nothing to tell.
    let small = sim.with("small.toml", SMALL.replace("small", "trace"));
    let output = small.run_with_report("small.toml --out out".split(' '));
    assert_eq!((output.code, cell(&output, "cloud_only", "rejected")), (Some(0), None), "{output:#?}");
    assert!(!output.stderr.contains("requests were") && !small.path("out/shortfalls.parquet").exists());
    assert!(!small.text("out/report/index.html").contains("id=\"shortfalls\""));
}

#[test]
fn a_sweep_sums_over_points_and_keeps_the_reasons_apart() {
    let swept = format!("{TRACE}[sweep]\n\"cloud.kv_blocks\" = [3, 4000]\n");
    let sim = Sim::new().with("trace.toml", swept).with("served.csv", half_long());
    let output = sim.done("sweep trace.toml --out out".split(' '));
    for said in [
        "cloud_only: 10 of 18 requests at 2 points were rejected: prompt and answer are longer than the context window",
        "cloud_only: 4 of 9 requests were rejected: prompt and answer have no room in the KV cache of the cloud",
        "edge_only: 10 of 18 requests at 2 points were rejected",
    ] {
        assert!(output.stderr.contains(said), "{said}: {output:#?}");
    }
    let told = rows(&sim.path("out/shortfalls.parquet"));
    let of = |row: &_| (count(row, "point"), text(row, "policy").to_owned(), text(row, "reason").to_owned());
    assert!(told.iter().any(|row| of(row) == (0, "cloud_only".to_owned(), "cloud_memory".to_owned())), "{told:?}");
    assert_eq!(told.len(), 5);
    // Each shard tells of its points, as the whole does.
    let shard = sim.done("sweep trace.toml --out shards --shard 0/2".split(' '));
    for said in [
        "sim: warning: cloud_only: 5 of 9 requests were rejected: prompt and answer are longer than the context window",
        "sim: warning: cloud_only: 4 of 9 requests were rejected: prompt and answer have no room in the KV cache",
    ] {
        assert!(shard.stderr.contains(said), "{said}: {shard:#?}");
    }
}

#[test]
fn only_tiers_that_a_policy_uses_reject() {
    let sim = Sim::small();
    for (policy, full) in [("cloud_only", "edge"), ("edge_only", "cloud")] {
        let [policy, full] = [format!("policy={{{policy}={{}}}}"), format!("{full}.kv_blocks=1")];
        let output = sim.done(["small.toml", "--out", "out", "--set", &policy, "--set", &full]);
        assert!(!output.stderr.contains("were rejected"), "{output:#?}");
        assert_eq!(summary(&sim.text("out/summary.csv"))[0]["rejected"], "0");
    }
    let output = sim.done("small.toml --out out --set cloud.kv_blocks=1".split(' '));
    assert!(output.stderr.contains("5 of 5 requests were rejected: prompt and answer have no room"), "{output:#?}");
}

#[test]
fn no_default_cuts_an_answer_and_a_cap_counts_what_it_cuts() {
    let sim = Sim::small();
    let run = |set: &[&str]| {
        let set = set.iter().flat_map(|set| ["--set", set]);
        let output = sim.done(["small.toml", "--out", "out"].into_iter().chain(set));
        let lengths = rows(&sim.path("out/requests.parquet")).iter().map(|row| count(row, "output_tokens")).max();
        (lengths, output)
    };
    let (longest, output) = run(&["workload.output_tokens=4000"]);
    assert!(longest == Some(4000) && !output.stderr.contains("in part"), "{output:#?}");
    let (longest, output) = run(&["workload.output_tokens=4000", "workload.max_output_tokens=64"]);
    assert_eq!((longest, cell(&output, "cloud_only", "cut").as_deref()), (Some(64), Some("5 of 5")), "{output:#?}");
    let said = "cloud_only: 5 of 5 requests were answered in part: workload.max_output_tokens cuts longer answers";
    assert!(output.stderr.contains(said) && cell(&output, "cloud_only", "rejected").is_none(), "{output:#?}");
}

#[test]
fn a_trace_keeps_its_long_answers() {
    let rows_of = |e2e: &str| (0..4).map(|n| format!("{},40,4000,{e2e}\n", 60 * n)).collect::<String>();
    let file = "arrival_s,input_tokens,output_tokens,e2e_ms\n".to_owned() + &rows_of("60000");
    let sim = Sim::new().with("trace.toml", TRACE).with("served.csv", file);
    sim.done("validate trace.toml --out out --tolerance 1000".split(' '));
    assert!(rows(&sim.path("out/requests.parquet")).iter().all(|row| count(row, "output_tokens") == 4000));
    // What a cap has cut is not compared.
    let output = sim.run("validate trace.toml --out out --tolerance 1e3 --set workload.max_output_tokens=9".split(' '));
    assert_eq!(output.code, Some(3), "{output:#?}");
    assert!(
        output.stderr.contains("0 of 4 requests compared; 4 longer than workload.max_output_tokens"),
        "{output:#?}"
    );
}

/// A copy of the draft model with another window.
const OWN: &str = "\
[cloud]
model = \"own\"
[model.own]
layers = 28
hidden = 1536
intermediate = 8960
heads = 12
kv_heads = 2
vocab = 151936
";

#[test]
fn models_have_a_context_window() {
    let trace = |window: &str| format!("{}{OWN}{window}", TRACE.replace("policy.edge_only = {}\n", ""));
    let file = "arrival_s,input_tokens,output_tokens\n0,300000,20\n";
    let sim = Sim::new().with("served.csv", file).with("built_in.toml", TRACE).with("own.toml", trace(""));
    let sim =
        sim.with("short.toml", trace("context_window = 32768\n")).with("none.toml", trace("context_window = 0\n"));
    let rejected =
        |line: &str| sim.done(line.split(' ')).stderr.contains("longer than the context window of the cloud's");
    assert!(rejected("built_in.toml --out out --set cloud.model=qwen2-vl-2b"));
    assert!(!rejected("own.toml --out out"), "a model without a window has room");
    assert!(rejected("short.toml --out out"));
    assert!(!rejected("short.toml --out out --set model.own.context_window=300020"));
    assert!(rejected("short.toml --out out --set model.own.context_window=300019"));
    let output = sim.run("none.toml --out out".split(' '));
    assert!(output.code == Some(2) && output.stderr.contains("context_window"), "{output:#?}");
}

/// The files that other people's runs met, where they are at hand.
#[test]
fn shared_requests_are_told_and_whole() {
    let Some(folder) = Some(repository("../shared/cases")).filter(|folder| folder.is_dir()) else {
        return aloud("skipped: ../shared is not here: shared_requests_are_told_and_whole");
    };
    let sim = Sim::new();
    let path = |name: &str| folder.join(name).to_str().expect("UTF-8").to_owned();
    let served = |file: &str| format!("workload.dataset.served={:?}", path(&format!("requests/{file}")));
    let req = path("scenarios/req.toml");
    let output = sim.done([&req, "--out", "half", "--set", &served("served_half_long.csv")]);
    assert!(
        cell(&output, "cloud_only", "rejected").is_some_and(|told| output.stderr.contains(&format!(": {told} re")))
    );
    sim.done([&path("scenarios/link.toml"), "--out", "link", "--set", "workload.output_tokens=4000"]);
    assert!(sim.text("link/summary.csv").contains(",4000,"), "{}", sim.text("link/summary.csv"));
    let file = served("served_long_answers.csv");
    let output = sim.done(["validate", &req, "--out", "long", "--json", "--set", &file]);
    assert!(output.stdout.contains("\"compared\": 10"), "{output:#?}");
    assert!(rows(&sim.path("long/requests.parquet")).iter().all(|row| count(row, "output_tokens") == 4000));
}
