//! Policies from outside: the examples, the lines as they are documented, and what goes wrong.

use crate::parquet_file::{Row, rows};
use crate::summary::{number, summary};
use crate::support::{Sim, repository};
use crate::tools::{are_there, find};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const SCENARIO: &str = "\
name = \"outside\"
replications = 1

[workload]
dataset = \"vqav2\"
requests = 20

";

/// A folder with the scenario and one policy, a shell script with these settings.
fn with_script(script: &str, settings: &str) -> Sim {
    let policy = format!("[policy.external]\ncommand = [\"sh\", \"policy.sh\"]\n{settings}\n");
    Sim::new().with("outside.toml", SCENARIO.to_owned() + &policy).with("policy.sh", script)
}

/// A script that answers each question by its kind, and writes down what it is asked.
const ANSWERS: &str = r#"
while read -r line; do
    echo "$line" >> lines.txt
    case $line in
        *'"ask":"request"'*) echo '{"probe":true}' ;;
        *'"ask":"plan"'*) echo '{"retention":{"visual":0.5}}' ;;
        *'"ask":"round"'*) echo '{"n_draft":3}' ;;
        *'"ask":"token"'*) echo '{"next":"draft"}' ;;
        *'"tell"'*) ;;
        *) echo '{"msao_sim":1,"asks":["request","round","token"],"tells":["verdict","end"]}' ;;
    esac
done"#;

/// The dotted keys of an object.
fn keys(value: &Value, prefix: &str) -> BTreeSet<String> {
    let Some(object) = value.as_object() else { return BTreeSet::from([prefix.to_owned()]) };
    object.iter().flat_map(|(key, value)| keys(value, &format!("{prefix}.{key}"))).collect()
}

/// The kind of a line: what it asks or tells, or that it greets.
fn kind(line: &Value) -> Option<String> {
    let named = |key: &str| line[key].as_str().map(|kind| format!("{key} {kind}"));
    named("ask").or_else(|| named("tell")).or_else(|| line["seed"].is_u64().then(|| "greeting".to_owned()))
}

#[test]
fn the_lines_are_as_documented() {
    let sim = with_script(ANSWERS, "uses = [\"draft\", \"probe\", \"prune\"]");
    sim.done(["outside.toml", "--out", "out"]);
    let mut seen = BTreeMap::new();
    for line in sim.text("lines.txt").lines() {
        let line: Value = serde_json::from_str(line).expect("JSON");
        seen.entry(kind(&line).expect("a kind")).or_insert_with(|| keys(&line, ""));
    }
    assert!(seen.contains_key("ask plan"), "{seen:?}");
    let document = std::fs::read_to_string(repository("docs/external.md")).expect("docs/external.md");
    let lines = document.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let documented: BTreeMap<String, BTreeSet<String>> =
        lines.filter_map(|line| Some((kind(&line)?, keys(&line, "")))).collect();
    assert!(documented.len() >= 6, "{documented:?}");
    for (kind, keys) in &documented {
        assert_eq!(seen.get(kind), Some(keys), "{kind}");
    }
    for kind in seen.keys().filter(|kind| *kind != "ask plan") {
        assert!(documented.contains_key(kind), "{kind} has no example in docs/external.md");
    }
}

/// Each way in which a program can fail: one message that says which, and exit code 2.
#[test]
fn a_program_that_fails_is_told() {
    let greets = "read -r hello; echo '{\"msao_sim\":1,\"asks\":[\"request\"]}'; read -r asked; ";
    for (script, settings, says) in [
        ("exit 3".to_owned(), "", "sh /FOLDER/policy.sh: ended (exit status: 3) before the run did"),
        ("echo hello; cat".to_owned(), "", "answered hello to {\"msao_sim\":1,"),
        ("echo '{\"msao_sim\":2}'; cat".to_owned(), "", "speaks version 2 of the lines; expected {\"msao_sim\":1}"),
        ("exec sleep 60".to_owned(), "timeout = \"300 ms\"", "gave no answer within 0.3 s (policy.external.timeout)"),
        (format!("{greets} echo '{{\"rout\":1}}'; cat"), "", "unknown field `rout`, expected one of `route`"),
        (
            format!("{greets} echo '{{\"route\":\"edge\"}}'; cat"),
            "",
            "uses `edge`; add \"edge\" to policy.external.uses",
        ),
        (format!("{greets} echo '{{\"probe\":true}}'; cat"), "", "uses `probe`; add \"probe\""),
        (format!("{greets} echo '{{\"n_draft\":0}}'; cat"), "", "answered n_draft = 0; expected 1 to 1024"),
        (format!("{greets} echo '{{\"retention\":{{\"visual\":2}}}}'; cat"), "", "answered a retention of 2"),
        (format!("{greets} echo '{{\"compression\":{{\"visual\":0.5}}}}'; cat"), "", "prunes; add \"prune\""),
    ] {
        let sim = with_script(&script, settings);
        let output = sim.run(["outside.toml", "--out", "out"]);
        let says = says.replace("/FOLDER/policy.sh", "policy.sh");
        assert_eq!(output.code, Some(2), "{script}: {output:#?}");
        assert!(output.stderr.contains(&says), "{script}: {}", output.stderr);
        assert!(!sim.path("out").exists(), "{script}");
    }
}

#[test]
fn settings_without_sense_are_refused() {
    for (settings, says) in [
        ("command = []", "expected a program and its arguments"),
        ("uses = [\"probe\"]", "expected at least one of \"draft\", \"edge\", \"cloud\""),
        ("timeout = \"0 s\"", "expected a time above 0"),
    ] {
        let command = if settings.starts_with("command") { "" } else { "command = [\"true\"]\n" };
        let sim = Sim::new().with("outside.toml", format!("{SCENARIO}[policy.external]\n{command}{settings}\n"));
        let output = sim.run(["outside.toml"]);
        assert!(output.code == Some(2) && output.stderr.contains(says), "{settings}: {output:#?}");
    }
}

/// The journal's digest of a run with one policy, and its requests.
fn digest_and_requests(policy: &str, threads: &str) -> (Value, Vec<Row>) {
    let twin = std::fs::read(repository("docs/examples/external/twin.py")).expect("an example");
    let scenario = SCENARIO.replace("replications = 1", "replications = 3") + policy;
    let sim = Sim::new().with("outside.toml", scenario).with("twin.py", twin);
    sim.done(["outside.toml", "--out", "out", "--threads", threads]);
    let manifest: Value = serde_json::from_str(&sim.text("out/manifest.json")).expect("JSON");
    let mut requests = rows(&sim.path("out/requests.parquet"));
    for row in &mut requests {
        row.remove("policy").expect("the policy's name");
    }
    (manifest["journal_digest"].clone(), requests)
}

/// Its events are its own: a program is asked about each draft, and a built-in policy says beforehand which are sure.
#[test]
fn a_twin_of_a_built_in_policy_has_its_requests_on_any_number_of_threads() {
    let twin = "[policy.external]\ncommand = [\"python3\", \"twin.py\"]\n";
    let (_, built_in) = digest_and_requests("[policy.speculative]\nn_draft = 4\n", "1");
    let [one, two] = ["1", "2"].map(|threads| digest_and_requests(twin, threads));
    assert_eq!(one, two);
    assert!(!built_in.is_empty());
    assert_eq!(one.1, built_in);
}

#[test]
fn external_examples_run_as_documented() {
    if !are_there("external_examples_run_as_documented") {
        return;
    }
    let mut sim = Sim::new();
    for file in ["external.toml", "network.toml", "twin.py", "bandit.py", "network.py"] {
        sim = sim.with(file, std::fs::read(repository("docs/examples/external").join(file)).expect("an example"));
    }
    let numpy = find("numpy-config").expect("it is there");
    let path = format!("{}:{}", numpy.parent().expect("a folder").display(), std::env::var("PATH").unwrap_or_default());
    for (scenario, learned) in [("external.toml", "bandit"), ("network.toml", "network")] {
        let output = sim.shell(&format!("PATH={path} $SIM {scenario} --out {learned} --no-report --twice"));
        assert_eq!(output.code, Some(0), "{output:#?}");
        let csv = sim.text(&format!("{learned}/summary.csv"));
        let rows = summary(&csv);
        let of = |policy: &str| number(rows.iter().find(|row| row["policy"] == policy).expect("a row"), "e2e_ms_mean");
        // Each learns over a run that begins with lengths of every kind.
        assert!(of(learned) < of("draft_2"), "{learned}: {csv}");
        if scenario == "external.toml" {
            assert_eq!(of("twin_of_draft_4"), of("draft_4"));
        }
    }
}
