//! Accuracies and acceptances of other models than the figures are of, through the real binary.

use crate::parquet_file::{number as cell, rows};
use crate::summary::{number, summary};
use crate::support::{Output, Sim};
use serde_json::Value;

/// Three policies on VQAv2, with these lines in front of the workload.
fn scenario(lines: &str) -> Sim {
    let text = format!(
        "name = \"grounds\"\nreplications = 2\n{lines}\n[workload]\ndataset = \"vqav2\"\nrequests = 40\noutput_tokens = 9\n\
         [policy.cloud_only]\n[policy.edge_only]\n[policy.speculative]\nn_draft = 1\n"
    );
    Sim::new().with("s.toml", text)
}

fn warnings(output: &Output) -> Vec<&str> {
    output.stderr.lines().filter(|line| line.starts_with("sim: warning: ")).collect()
}

fn manifest(sim: &Sim) -> Value {
    serde_json::from_str(&sim.text("out/manifest.json")).expect("JSON")
}

#[test]
fn one_model_on_both_tiers_has_one_accuracy_and_believes_itself() {
    let sim = scenario("[edge]\nmodel = \"qwen2.5-vl-7b\"");
    let output = sim.done(["s.toml", "--out", "out"]);
    let csv = sim.text("out/summary.csv");
    let rows = summary(&csv);
    let accuracy: Vec<&str> = rows.iter().map(|row| row["accuracy_pct"]).collect();
    assert_eq!(accuracy, [accuracy[0]; 3], "{csv}");
    assert!((60.0..95.0).contains(&number(&rows[0], "accuracy_pct")), "{csv}");
    let speculative = rows.iter().find(|row| row["policy"] == "speculative").expect("a row");
    assert_eq!(number(speculative, "acceptance_rate"), 1.0, "{csv}");
    let [warning] = warnings(&output)[..] else { panic!("{output:#?}") };
    let said = "acceptance: qwen2.5-vl-7b drafts for itself, so every draft is accepted";
    assert!(warning.contains(&format!("s.toml:4:9: {said}")), "{warning}");
    assert!(output.stdout.contains(&said.replacen('a', "A", 1)), "{}", output.stdout);
    // A figure that is given is taken, and nothing is said of it.
    let given = sim.done(["s.toml", "--out", "out", "--set", "tokens.iid=0.5"]);
    assert_eq!(warnings(&given), [""; 0], "{given:#?}");
    let csv = sim.text("out/summary.csv");
    assert!(number(&summary(&csv)[2], "acceptance_rate") < 0.7, "{csv}");
}

#[test]
fn a_pair_without_figures_has_no_accuracy_and_is_told_of_once() {
    let sim = scenario("[cloud]\nmodel = \"llava-1.5-7b\"");
    let output = sim.run_with_report(["s.toml", "--out", "out"]);
    assert_eq!(output.code, Some(0), "{output:#?}");
    let told = warnings(&output);
    assert_eq!(told.len(), 2, "{told:?}");
    let accuracy = "accuracy: source paper has no figure of llava-1.5-7b on vqav2, so answers of the cloud have none and \
                    accuracy_pct is absent; set accuracy.cloud, or name a source that has it: accuracy.source = \"mindfusion\"";
    assert!(told.iter().any(|line| line.contains(accuracy)), "{told:?}");
    let pair = "acceptance: figures of qwen2-vl-2b drafting for qwen2.5-vl-7b (source paper) are taken for qwen2-vl-2b \
                drafting for llava-1.5-7b";
    assert!(told.iter().any(|line| line.contains(pair)), "{told:?}");
    let remark = manifest(&sim)["remark"].as_str().expect("a remark").to_owned();
    assert!(remark.contains(&accuracy[1..]) && output.stdout.contains(&remark), "{remark}");
    assert!(sim.text("out/report/index.html").contains("has no figure of llava-1.5-7b"));
    // Absent: no number, no zero.
    let csv = sim.text("out/summary.csv");
    let by_policy: Vec<&str> = summary(&csv).iter().map(|row| row["accuracy_pct"]).collect();
    assert_eq!((by_policy[0], by_policy[2]), ("", ""), "{csv}");
    assert!(by_policy[1].parse::<f64>().is_ok_and(|pct| pct > 30.0), "{csv}");
    let correct: Vec<Option<f64>> =
        rows(&sim.path("out/requests.parquet")).iter().map(|row| cell(row, "correct")).collect();
    assert_eq!(correct.iter().filter(|correct| correct.is_some()).count() * 3, correct.len());
    let line = output.stdout.lines().find(|line| line.starts_with("cloud_only")).expect("a row");
    assert!(line.split_whitespace().any(|cell| cell == "-"), "{line}");
    let json: Value = serde_json::from_str(&sim.done(["s.toml", "--out", "out", "--json"]).stdout).expect("JSON");
    assert!(json.to_string().contains("\"accuracy_pct\":null") && !json.to_string().contains("NaN"), "{json}");
}

#[test]
fn a_dataset_without_figures_is_told_of_once_for_both_tiers() {
    let sim = scenario("");
    let photo = "workload.dataset={custom={name=\"photo\"}}";
    let output = sim.done(["s.toml", "--out", "out", "--set", photo]);
    let told = warnings(&output);
    let said = "accuracy: source paper has no figures on photo, so accuracy_pct is absent; set accuracy.cloud and \
                accuracy.edge, or take those on another dataset, as accuracy.dataset = \"vqav2\" does";
    assert!(told.len() == 1 && told[0].contains(said), "{told:?}");
    let output = sim.done(["s.toml", "--out", "out", "--set", photo, "--set", "accuracy.dataset=vqav2"]);
    assert_eq!(warnings(&output), [""; 0], "{output:#?}");
    assert_eq!(manifest(&sim)["assumptions"]["accuracy.dataset"], "vqav2");
    let csv = sim.text("out/summary.csv");
    assert!(summary(&csv).iter().all(|row| number(row, "accuracy_pct") > 30.0), "{csv}");
}

#[test]
fn whoever_reads_an_absent_accuracy_says_so() {
    let sim = scenario("[cloud]\nmodel = \"llava-1.5-7b\"");
    sim.done(["s.toml", "--out", "out"]);
    let compared = sim.done(["compare", "out", "--metric", "accuracy_pct"]).stdout;
    assert!(compared.contains("it does not apply to both"), "{compared}");
    let best = sim.run(["best", "out", "--maximise", "accuracy_pct"]);
    assert!(best.stderr.contains("1 of 3 policies at points could be judged; 2 have no accuracy_pct"), "{best:#?}");
    assert_ne!(best.code, Some(0));
    // A baseline of runs that had one does not pass without it.
    sim.done(["s.toml", "--out", "with", "--set", "accuracy.cloud=0.8"]);
    sim.done(["check", "with", "--baseline", "b.toml", "--bless"]);
    let check = sim.run(["check", "out", "--baseline", "b.toml"]);
    assert!(check.code != Some(0) && check.stdout.contains("accuracy_pct"), "{check:#?}");
}

#[test]
fn a_source_gives_what_it_has() {
    let sim = scenario("[cloud]\nmodel = \"llava-1.5-7b\"\n[edge]\nmodel = \"llava-1.5-7b\"");
    let set = |sets: &[&str]| {
        let sets = sets.iter().flat_map(|set| ["--set", set]);
        let output = sim.done(["s.toml", "--out", "out"].into_iter().chain(sets));
        (warnings(&output).len(), sim.text("out/summary.csv"))
    };
    let (told, csv) = set(&["accuracy.source=sieve", "tokens.iid=0.75", "workload.requests=400"]);
    assert!((number(&summary(&csv)[0], "accuracy_pct") - 78.5).abs() < 5.0, "{csv}");
    assert_eq!(told, 0);
    // The published acceptance of another pair, which is told.
    let (told, csv) = set(&["accuracy.source=sieve", "tokens.source=t5-small-translation", "workload.requests=200"]);
    assert!((number(&summary(&csv)[2], "acceptance_rate") - 0.75).abs() < 0.05, "{csv}");
    assert_eq!(told, 1);
    assert_eq!(manifest(&sim)["assumptions"]["tokens.source"], "t5-small-translation");
    // Weights in another format than the figure's, and what the scenario says of them.
    let (told, _) = set(&["accuracy.source=sieve", "tokens.iid=0.75", "cloud.weights=q4_0"]);
    assert_eq!(told, 1);
    let left = ["accuracy.source=sieve", "tokens.iid=0.75", "cloud.weights=q4_0", "accuracy.cloud_recovery=0"];
    let (told, csv) = set(&left);
    assert_eq!((told, number(&summary(&csv)[0], "accuracy_pct")), (0, 0.0), "{csv}");
    for (set, said) in [
        ("accuracy.source=siev", "unknown source of accuracies `siev`; did you mean `sieve`?"),
        ("accuracy.source=lamda-2b", "unknown source of accuracies `lamda-2b`"),
        ("tokens.source=sieve", "unknown source of acceptances `sieve`"),
    ] {
        let refused = sim.run(["s.toml", "--set", set]);
        assert!(refused.code == Some(2) && refused.stderr.contains(said), "{refused:#?}");
    }
}

#[test]
fn a_sweep_over_models_is_told_of_once() {
    let models =
        "[sweep]\n\"cloud.model\" = [\"llava-1.5-7b\", \"qwen2.5-vl-7b\"]\n\"link.rtt\" = [\"1 ms\", \"9 ms\"]";
    let sim = scenario(models);
    let output = sim.done(["s.toml", "--out", "out"]);
    assert_eq!(warnings(&output).len(), 2, "{output:#?}");
    let csv = sim.text("out/summary.csv");
    for row in summary(&csv).iter().filter(|row| row["policy"] == "cloud_only") {
        assert_eq!(row["accuracy_pct"].is_empty(), row["cloud.model"] == "llava-1.5-7b", "{csv}");
    }
}

/// One answer without a figure leaves a whole run without an accuracy, so a class without one is named.
#[test]
fn a_class_whose_dataset_has_no_figures_is_told_of() {
    let classes = "[classes.chat]\ndataset = \"talk\"\nshare = 0.5\n[classes.photo]\n[dataset.talk]\ntext_tokens = 90\noutput_tokens = 9\n";
    let sim = scenario(classes);
    let output = sim.done(["s.toml", "--out", "out"]);
    let [warning] = warnings(&output)[..] else { panic!("{output:#?}") };
    let said = "s.toml:4:11: accuracy: source paper has no figures on talk, so accuracy_pct is absent; give its own in a table \
                [dataset.NAME], or take those on another dataset, as accuracy.dataset = \"vqav2\" does";
    assert!(warning.ends_with(said), "{warning}");
    let sim = scenario(&format!("{classes}accuracy = {{ edge = 0.5, cloud = 0.6 }}\n"));
    assert_eq!(warnings(&sim.done(["s.toml", "--out", "out"])), [""; 0]);
    let csv = sim.text("out/summary.csv");
    assert!(summary(&csv).iter().all(|row| number(row, "accuracy_pct") > 40.0), "{csv}");
}
