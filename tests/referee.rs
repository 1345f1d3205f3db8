//! `sim referee`: the bundled comparisons on one page.

use crate::support::Sim;
use std::fs;

#[test]
fn what_is_done_is_not_run_again() {
    let sim = Sim::new();
    let args = ["referee", "--only", "mindfusion_table2,mindfusion_table4", "--out", "judged"];
    let first = sim.done(args);
    assert!(first.stderr.contains("mindfusion_table2 (1 of 2): 64 runs in"), "{first:#?}");
    assert!(first.stdout.contains("an iPhone with an A100 over 2 Mbps"), "{first:#?}");
    let page = sim.path("judged/report/index.html");
    let before = fs::read(&page).expect("a page");
    // A run that is missing is run, and no other.
    fs::remove_dir_all(sim.path("judged/runs/mindfusion_table4")).expect("a folder");
    let second = sim.done(args);
    let told = ["mindfusion_table2 (1 of 2): done before", "mindfusion_table4 (2 of 2): 60 runs in"];
    assert!(told.iter().all(|one| second.stderr.contains(one)), "{second:#?}");
    let document = sim.done(args.iter().chain(&["--json"])).stdout;
    let document: serde_json::Value = serde_json::from_str(&document).expect("one JSON document");
    let answers = document["answers"].as_array().expect("a list");
    let of_mindfusion = answers.iter().find(|answer| answer["question"] == "Does MindFusion pay?").expect("its answer");
    assert_eq!((answers.len(), &of_mindfusion["scenarios"][0]), (4, &"mindfusion_table2".into()));
    let sentence = of_mindfusion["sentences"][0].as_str().expect("a sentence");
    assert!(sentence.contains("an iPhone with an A100") && first.stdout.contains(sentence), "{sentence}");
    assert_eq!(document["papers"].as_array().map(Vec::len), Some(8), "{document}");
    assert_eq!(
        (second.stdout, fs::read(&page).expect("a page")),
        (first.stdout, before),
        "the same runs, the same page"
    );
}

#[test]
fn a_scenario_that_is_not_in_the_set_is_refused() {
    let sim = Sim::new();
    let refused = sim.run(["referee", "--only", "ablations", "--out", "judged"]);
    assert_eq!(refused.code, Some(2), "{refused:#?}");
    assert!(refused.stderr.contains("no scenario of the set ablations; did you mean ablation?"), "{refused:#?}");
    assert!(!sim.path("judged").exists(), "nothing is written");
}
