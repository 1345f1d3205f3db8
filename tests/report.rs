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
    for name in ["accuracy", "throughput", "latency", "latency_cdf", "computing", "memory"] {
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
fn what_is_no_results_folder_is_refused() {
    let sim = Sim::small();
    let output = sim.run(["report", "."]);
    assert_eq!(output.code, Some(2), "{output:#?}");
    assert_eq!(sim.names(""), ["small.toml"]);
}
