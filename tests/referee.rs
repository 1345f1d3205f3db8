//! `sim referee`: the bundled comparisons on one page.

use crate::support::Sim;
use std::fs;

#[test]
fn what_is_done_is_not_run_again() {
    let sim = Sim::new();
    let args = ["referee", "--only", "spec_stop_testbed,moa_off", "--out", "judged"];
    let first = sim.done(args);
    assert!(first.stderr.contains("spec_stop_testbed (1 of 2): 72 runs in"), "{first:#?}");
    assert!(first.stdout.contains("SpecStop (arXiv 2606.20591)") && first.stdout.contains("moa_off"), "{first:#?}");
    let page = sim.path("judged/report/index.html");
    let before = fs::read(&page).expect("a page");
    // A run that is missing is run, and no other.
    fs::remove_dir_all(sim.path("judged/runs/moa_off")).expect("a folder");
    let second = sim.done(args);
    let told = ["spec_stop_testbed (1 of 2): done before", "moa_off (2 of 2): 45 runs in"];
    assert!(told.iter().all(|one| second.stderr.contains(one)), "{second:#?}");
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
    assert!(
        refused.stderr.contains("`ablations`") && refused.stderr.contains("did you mean `ablation`?"),
        "{refused:#?}"
    );
    assert!(!sim.path("judged").exists(), "nothing is written");
}
