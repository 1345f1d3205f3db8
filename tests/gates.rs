//! Gates that a script trusts: none passes where nothing, or a part alone, could be judged.

use crate::support::{Output, Sim, aloud, repository};
use serde_json::Value;

/// Requests of a file, with the timings that it has.
fn scenario(file: &str) -> String {
    format!(
        "name = \"gated\"\nreplications = 1\nworkload.dataset.served = {file:?}\narrivals.trace = {{}}\n\
         policy.cloud_only = {{}}\n"
    )
}

fn with_file(rows: &str) -> Sim {
    Sim::new().with("s.toml", scenario("served.csv")).with("served.csv", rows)
}

/// Fails unless the gate has not passed, and its message has these words.
fn not_passed(output: &Output, words: &[&str]) {
    assert_eq!(output.code, Some(3), "{output:#?}");
    for word in words {
        assert!(output.stderr.contains(word), "{word}: {output:#?}");
    }
}

/// A prompt that no KV cache holds.
const LONG: &str = "2000000";

#[test]
fn a_tolerance_holds_of_requests_that_were_compared() {
    let cases = [
        (
            "arrival_s,input_tokens,output_tokens,ttft_ms,e2e_ms\n0,LONG,20,40,300\n1,LONG,20,40,300\n",
            &["0 of 2 requests compared", "2 rejected in the simulation"][..],
        ),
        (
            "arrival_s,input_tokens,output_tokens,e2e_ms\n0,LONG,20,300\n1,40,20,300\n",
            &["1 of 2 requests compared", "1 rejected in the simulation"],
        ),
        (
            "arrival_s,input_tokens,output_tokens,ttft_ms\n0,40,20,40\n1,40,20,40\n",
            &["0 of 2 requests compared", "2 without a measured E2E"],
        ),
        (
            "arrival_s,input_tokens,output_tokens,e2e_ms\n0,40,20,300\n1,40,20,\n",
            &["1 of 2 requests compared", "1 without a measured E2E"],
        ),
        (
            "arrival_s,input_tokens,output_tokens,e2e_ms\n0,40,20,0\n1,40,20,0\n",
            &["0 of 2 requests compared", "2 with a measured E2E of 0"],
        ),
        (
            "arrival_s,input_tokens,output_tokens,e2e_ms\n0,40,20,0\n1,40,20,300\n",
            &["1 of 2 requests compared", "1 with a measured E2E of 0"],
        ),
    ];
    for (rows, words) in cases {
        let sim = with_file(&rows.replace("LONG", LONG));
        not_passed(&sim.run("validate s.toml --out out --tolerance 1e6".split(' ')), words);
    }
}

#[test]
fn a_part_that_was_not_compared_is_counted_in_every_output() {
    let sim = with_file(&format!("arrival_s,input_tokens,output_tokens,e2e_ms\n0,{LONG},20,300\n1,40,20,300\n"));
    // Without a gate it is said, and the code stays.
    let output = sim.done("validate s.toml --out out --json".split(' '));
    assert!(output.stderr.contains("sim: warning: cloud_only at served, 400 Mbps: 1 of 2 requests compared"));
    let told: Value = serde_json::from_str(&output.stdout).expect("JSON");
    let one = &told["comparisons"][0];
    assert_eq!((&one["requests"], &one["compared"]), (&2.into(), &1.into()), "{one}");
    assert_eq!(one["not_compared"]["rejected in the simulation"], 1, "{one}");
    // The figures of both sides are of the same request.
    assert_eq!(one["figures"]["e2e_ms_mean"]["measured"], 300.0, "{one}");
    let text = sim.done("validate s.toml --out out".split(' ')).stdout;
    assert!(
        text.contains("\nCompared: 1, all requests of the file") && text.contains("1 of 2 requests compared; 1 rej")
    );
    let first = sim.done("validate s.toml --out out --set workload.requests=1".split(' ')).stdout;
    assert!(first.contains("the first 1 of 2 requests of the file (workload.requests)"), "{first}");
}

#[test]
fn tolerances_that_are_none_are_refused() {
    let sim = with_file("arrival_s,input_tokens,output_tokens,e2e_ms\n0,40,20,300\n");
    for tolerance in ["nan", "NaN", "inf", "-inf", "-1", "-0.5", "1e999", "ten", ""] {
        let output = sim.run(["validate", "s.toml", "--out", "out", "--tolerance", tolerance]);
        assert_eq!((output.code, output.stdout.as_str()), (Some(2), ""), "{tolerance}: {output:#?}");
    }
    for share in ["nan%", "inf%", "-1%", "0%", "1e999%"] {
        let output = sim.run(["s.toml", "--out", "out", &format!("--until-ci={share}")]);
        assert_eq!((output.code, output.stdout.as_str()), (Some(2), ""), "{share}: {output:#?}");
    }
    assert_eq!(sim.names(""), ["s.toml", "served.csv"]);
    sim.done("validate s.toml --out out --tolerance 1000%".split(' '));
}

/// Two policies, of which one drafts.
const TWO: &str = "\
name = \"two\"
replications = 2
workload = { dataset = \"vqav2\", requests = 4, output_tokens = 12 }
policy.cloud_only = {}
policy.speculative = {}
";

/// No prompt of it has room in the cloud's cache.
const NO_ROOM: &str = "cloud.kv_blocks=8";

#[test]
fn an_interval_that_does_not_exist_is_not_narrow() {
    let sim = Sim::new().with("two.toml", TWO);
    let until = |more: &str| sim.run(format!("two.toml --out out --until-ci 50% {more}").split_whitespace());
    let output = until(&format!("--set {NO_ROOM}"));
    not_passed(&output, &["e2e_ms_mean has an interval for 0 of 2 policies", "no value in 2 of 2 replications"]);
    // The results are there, with the table.
    assert!(output.stdout.contains("speculative") && sim.path("out/summary.csv").is_file(), "{output:#?}");
    not_passed(
        &until("--ci-metric acceptance_rate"),
        &["acceptance_rate has an interval for 1 of 2 policies", "none has cloud_only at point 0"],
    );
    not_passed(
        &until("--set replications=1 --max-replications 1"),
        &["has an interval for 0 of 2 policies", "one replication gives none"],
    );
    assert_eq!(until("").code, Some(0));
}

#[test]
fn a_run_without_an_answer_is_no_baseline() {
    let sim = Sim::new().with("two.toml", TWO);
    sim.done(["two.toml", "--out", "none", "--set", NO_ROOM]);
    let output = sim.run("check none --baseline b.toml --bless".split(' '));
    assert_eq!(output.code, Some(2), "{output:#?}");
    assert!(output.stderr.contains("2 of 2 rows have a run without an answered request"), "{output:#?}");
    assert!(!sim.path("b.toml").exists());
    // A baseline from elsewhere holds the same runs to nothing.
    sim.done("two.toml --out out".split(' '));
    sim.done("check out --baseline b.toml --bless".split(' '));
    let text = sim.text("b.toml");
    let bare: Vec<&str> = text.lines().filter(|line| !line.contains("= [") || line.starts_with("seeds")).collect();
    let sim = sim.with("bare.toml", bare.join("\n") + "\n");
    let output = sim.run("check none --baseline bare.toml".split(' '));
    not_passed(&output, &["2 of "]);
    assert!(
        output.stdout.contains("NOT JUDGED  runs of cloud_only") && output.stdout.contains("no request was answered")
    );
}

#[test]
fn a_rule_of_ones_own_is_of_a_metric_that_some_row_has() {
    let sim = Sim::new().with("two.toml", TWO);
    sim.done("two.toml --out out".split(' '));
    sim.done("check out --baseline b.toml --bless".split(' '));
    let rule = "[rules.tolerant]\nprobe_ms_mean = { relative = \"1 %\", worse = \"higher\" }";
    let text = sim.text("b.toml").replacen("[rules.tolerant]", rule, 1);
    let sim = sim.with("own.toml", text);
    let output = sim.run("check out --baseline own.toml".split(' '));
    not_passed(&output, &["1 of "]);
    assert!(output.stdout.contains("NOT JUDGED  probe_ms_mean of any policy"), "{output:#?}");
    let output = sim.run("check out --baseline own.toml --bless".split(' '));
    assert!(output.code == Some(2) && output.stderr.contains("no row has probe_ms_mean"), "{output:#?}");
}

#[test]
fn the_best_of_nothing_or_of_a_part_is_said() {
    let sim = Sim::new().with("two.toml", TWO.replace("replications = 2", "replications = 1"));
    sim.done("two.toml --out out".split(' '));
    let best = |line: &str| sim.run(["best", "out"].into_iter().chain(line.split(' ')));
    not_passed(
        &best("--minimise probe_ms_mean"),
        &["0 of 2 policies at points could be judged; 2 have no probe_ms_mean"],
    );
    let output = best("--maximise acceptance_rate");
    not_passed(&output, &["1 of 2 policies at points could be judged"]);
    assert!(output.stdout.contains("speculative"), "{output:#?}");
    not_passed(&best("--minimise e2e_ms_mean --subject-to accuracy_pct>100"), &["2 are outside the constraints"]);
    assert_eq!(best("--maximise acceptance_rate --policy speculative").code, Some(0));
    assert_eq!(best("--minimise e2e_ms_mean").code, Some(0));
}

#[test]
fn a_search_that_finds_nothing_fails() {
    let swept = format!("{TWO}[sweep]\n\"cloud.kv_blocks\" = [8, 4000]\n");
    let sim = Sim::new().with("two.toml", swept);
    let tune = |line: &str| {
        let args = "tune two.toml --policy cloud_only --out out --minimise e2e_ms_mean";
        sim.run(args.split(' ').chain(line.split(' ')))
    };
    not_passed(&tune("--set cloud.gpus=1"), &["1 of 2 policies at points could be judged; 1 have no e2e_ms_mean"]);
    not_passed(&tune("--subject-to accuracy_pct>100"), &["1 are outside the constraints"]);
}

/// The files that other people's gates met, where they are at hand.
#[test]
fn shared_gates_do_not_pass_on_nothing() {
    let Some(folder) = Some(repository("../shared/cases")).filter(|folder| folder.is_dir()) else {
        return aloud("skipped: ../shared is not here: shared_gates_do_not_pass_on_nothing");
    };
    let sim = Sim::new();
    let scenario = folder.join("scenarios/req.toml");
    let file = format!("workload.dataset.served={:?}", folder.join("requests/served_long_lat.csv"));
    let args = ["validate", scenario.to_str().expect("UTF-8"), "--out", "out", "--tolerance", "10", "--set", &file];
    not_passed(&sim.run(args), &["0 of 2 requests compared"]);
}
