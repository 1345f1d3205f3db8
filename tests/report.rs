//! `sim report`: figures from the files of a results folder alone.

use crate::support::{Sim, repository};

#[test]
fn figures_are_drawn_and_drawn_again_the_same() {
    let sim = Sim::new();
    let paper = repository("scenarios/paper.toml");
    let few = "workload.requests=20";
    sim.done([paper.as_os_str(), "--set".as_ref(), few.as_ref(), "--out".as_ref(), "paper".as_ref()]);
    let output = sim.done(["report", "paper"]);
    let drawn = sim.tree_of("paper/report");
    for name in ["accuracy", "throughput", "latency", "latency_cdf", "computing", "memory", "pareto", "wire"] {
        let svg = drawn[&format!("{name}.svg")].as_ref().expect("a file");
        assert!(svg.starts_with(b"<svg") && svg.ends_with(b"</svg>\n"), "{name}");
        let png = drawn[&format!("{name}.png")].as_ref().expect("a file");
        assert!(png.starts_with(b"\x89PNG"), "{name}");
        assert!(output.stdout.contains(&format!("paper/report/{name}.svg\n")), "{output:?}");
    }
    sim.done(["report", "paper"]);
    assert_eq!(sim.tree_of("paper/report"), drawn);
}

#[test]
fn drafts_have_their_figures_where_they_were_logged() {
    let scenario =
        "name = \"drafts\"\nreplications = 1\n[workload]\ndataset = \"vqav2\"\nrequests = 5\n[policy.msao]\n";
    let sim = Sim::new().with("drafts.toml", scenario);
    for (out, more) in [("without", None), ("with", Some("--tokens"))] {
        sim.done(["drafts.toml", "--out", out].into_iter().chain(more));
        sim.done(["report", out]);
        for name in ["theta.svg", "acceptance.png"] {
            assert_eq!(sim.path(&format!("{out}/report/{name}")).exists(), more.is_some(), "{out}: {name}");
        }
    }
}

#[test]
fn what_is_no_results_folder_is_refused() {
    let sim = Sim::small();
    let output = sim.run(["report", "."]);
    assert_eq!(output.code, Some(2), "{output:#?}");
    assert_eq!(sim.names(""), ["small.toml"]);
}
