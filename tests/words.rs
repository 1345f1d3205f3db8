//! Words at the command line: mistakes that are common get the message that helps, and nothing is done in silence.

use crate::parquet_file::{number, rows};
use crate::refusals::refused;
use crate::support::{SMALL, Sim};

#[test]
fn a_word_that_is_no_command_is_told_apart_from_a_scenario() {
    let sim = Sim::small();
    for (line, expected) in [
        ("swep small.toml", "no command `swep`; did you mean `sim sweep small.toml`?"),
        ("chek out --baseline b.toml", "did you mean `sim check out --baseline b.toml`?"),
        ("swep", "did you mean `sim sweep`?"),
        ("run small.toml", "a scenario is run by its name alone, as in `sim small.toml`"),
        ("run small.toml --set seed=3 --out x", "as in `sim small.toml --set seed=3 --out x`"),
        ("zzzzzzz small.toml", "no command and no file `zzzzzzz`"),
    ] {
        let said = refused(&sim, &line.split(' ').collect::<Vec<_>>());
        assert!(said.starts_with("sim: ") && said.contains(expected), "{line}: {said}");
    }
    // A scenario may be called anything.
    let sim = sim.with("run", SMALL);
    sim.done(["run", "--no-report", "--out", "out"]);
}

#[test]
fn a_value_that_the_shell_split_is_shown_quoted() {
    let sim = Sim::small();
    for line in [
        "small.toml --set link.rtt=80 ms",
        "--set link.rtt=80 ms small.toml",
        "sweep --set link.rtt=80 ms",
        "small.toml --set=link.rtt=80 ms --out out",
        "show small.toml --set link.rtt=80 ms",
    ] {
        let said = refused(&sim, &line.split(' ').collect::<Vec<_>>());
        assert!(
            said.contains("the shell split it at the space") && said.contains("'link.rtt=80 ms'"),
            "{line}: {said}"
        );
    }
    let said = refused(&sim, &["small.toml", "--set", "description=two", "words"]);
    assert!(said.contains("'description=two words'"), "{said}");
    let said = refused(&sim, &["small.toml", "--set", "link.rtt", "=", "80 ms"]);
    assert!(said.contains("without spaces"), "{said}");
    sim.done(["small.toml", "--set", "link.rtt=80 ms", "--out", "out"]);
}

#[test]
fn a_file_is_named_from_where_it_was_typed() {
    let served = "arrival_s,input_tokens,output_tokens\n0,40,20\n1,40,20\n";
    let trace = SMALL.replace("dataset = \"vqav2\"\nrequests = 5", "dataset.served = \"beside.csv\"\nrequests = 2");
    let sim = Sim::new().with("in/small.toml", trace).with("in/beside.csv", served).with("in/other.csv", served);
    let sim = sim.with("here.csv", served.replace(",20\n", ",7\n")).with("up.csv", "t_s,up_mbps\n0,100\n1,100\n");
    let tokens = |set: &[&str]| {
        let set = set.iter().flat_map(|set| ["--set", set]);
        sim.done(["in/small.toml", "--out", "out"].into_iter().chain(set));
        number(&rows(&sim.path("out/summary.parquet"))[0], "output_tokens_per_request")
    };
    assert_eq!(tokens(&[]), Some(20.0), "a name in the file is relative to it");
    assert_eq!(tokens(&["workload.dataset.served=here.csv"]), Some(7.0));
    assert_eq!(tokens(&["workload.dataset={ served = \"here.csv\" }"]), Some(7.0));
    assert_eq!(tokens(&["workload.dataset.served=in/other.csv"]), Some(20.0));
    assert_eq!(tokens(&["link.up={ csv = { file = \"up.csv\", time = \"t_s\", rate = \"up_mbps\" } }"]), Some(20.0));
    assert_eq!(tokens(&["sweep.workload.dataset.served=[\"here.csv\"]"]), Some(7.0));
    let said = refused(&sim, &["in/small.toml", "--set", "workload.dataset.served=other.csv"]);
    assert!(said.contains("other.csv") && !said.contains("in/other.csv"), "{said}");
}

#[test]
fn one_key_is_not_set_twice_by_two_options() {
    let sim = Sim::small();
    let said = refused(&sim, &["small.toml", "--seed", "3", "--set", "seed=4"]);
    assert!(said.contains("--seed 3 and --set seed=4 set the same key"), "{said}");
    let said = refused(&sim, &["small.toml", "--mode", "simulate", "--set", "mode=replay"]);
    assert!(said.contains("--mode simulate and --set mode=replay set the same key"), "{said}");
    sim.done("small.toml --seed 3 --out out --set replications=1".split(' '));
}

#[test]
fn a_trace_with_fewer_requests_than_were_asked_for_is_told() {
    let served = "arrival_s,input_tokens,output_tokens\n0,40,20\n1,40,20\n";
    let trace = SMALL.replace("dataset = \"vqav2\"\nrequests = 5", "dataset.served = \"served.csv\"");
    let sim = Sim::new().with("small.toml", trace).with("served.csv", served);
    let said = "sim: warning: workload.requests is 50, and served has 2: those are run\n";
    for (line, told) in [
        ("small.toml --out out --set workload.requests=50", true),
        ("sweep small.toml --out swept --set workload.requests=50", true),
        ("validate small.toml --out out --set workload.requests=50", true),
        ("small.toml --out out --set workload.requests=2", false),
        ("small.toml --out out", false),
    ] {
        let output = sim.run(line.split(' '));
        assert_eq!(output.stderr.contains(said), told, "{line}: {output:#?}");
    }
}

#[test]
fn equal_points_of_a_sweep_are_run_once() {
    let swept =
        format!("{SMALL}[sweep]\n\"link.rtt\" = [\"80 ms\", \"0.08 s\", \"20 ms\", \"80 ms\"]\nseed = [1, 2, 1]\n");
    let sim = Sim::new().with("small.toml", swept);
    for (line, folder) in [("small.toml --out run", "run"), ("sweep small.toml --out sweep", "sweep")] {
        let output = sim.done(line.split(' '));
        assert_eq!(rows(&sim.path(&format!("{folder}/summary.parquet"))).len(), 4, "{line}: {output:#?}");
        for said in ["[sweep] link.rtt = \"0.08 s\" gives the points of an earlier value", "[sweep] seed = 1 gives"] {
            assert!(output.stderr.contains(said), "{said}: {output:#?}");
        }
    }
}
