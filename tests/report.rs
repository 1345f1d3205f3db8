//! `sim report`: figures from the files of a results folder alone.

use crate::support::{Output, Sim, repository};
use std::collections::BTreeMap;

#[test]
fn figures_are_drawn_and_drawn_again_the_same() {
    let sim = Sim::new();
    let paper = repository("scenarios/paper.toml");
    let few = "workload.requests=20";
    let run = [paper.as_os_str(), "--set".as_ref(), few.as_ref(), "--out".as_ref(), "paper".as_ref()];
    let by_itself = sim.run_with_report(run);
    assert_eq!(by_itself.code, Some(0), "{by_itself:#?}");
    let drawn = sim.tree_of("paper/report");
    let output = sim.done(["report", "paper"]);
    let count = |output: &Output| output.stdout.lines().last().map(str::to_owned);
    assert!(count(&output).is_some_and(|line| line.contains(" claims of papers on this platform: ")), "{output:?}");
    assert_eq!(count(&output), count(&by_itself));
    for name in ["accuracy", "throughput", "latency", "latency_cdf", "computing", "memory", "pareto", "wire"] {
        let svg = drawn[&format!("{name}.svg")].as_ref().expect("a file");
        assert!(svg.starts_with(b"<svg") && svg.ends_with(b"</svg>\n"), "{name}");
        let png = drawn[&format!("{name}.png")].as_ref().expect("a file");
        assert!(png.starts_with(b"\x89PNG"), "{name}");
        assert!(output.stdout.contains(&format!("paper/report/{name}.svg\n")), "{output:?}");
    }
    assert_eq!(sim.tree_of("paper/report"), drawn, "drawn again from the files alone, the same");
    // Twice the same folder has the verdicts of one.
    let both = sim.done(["report", "paper", "paper"]);
    assert_eq!(count(&both), count(&output));
}

#[test]
fn a_run_without_a_report_says_nothing_of_claims() {
    let sim = Sim::small();
    let output = sim.run_with_report(["small.toml", "--no-report", "--out", "out"]);
    assert_eq!(output.code, Some(0), "{output:#?}");
    assert!(!output.stdout.contains("claims") && !sim.path("out/report").exists(), "{output:#?}");
}

/// Files of another version mean something else.
#[test]
fn an_old_folder_is_refused_and_left_alone() {
    let sim = Sim::small();
    sim.done(["small.toml", "--out", "out"]);
    let manifest = sim.text("out/manifest.json").replace("\"schema_version\": 2", "\"schema_version\": 1");
    let sim = sim.with("out/manifest.json", manifest);
    let before = sim.tree();
    for command in ["report out", "check out --against nothing"] {
        let output = sim.run(command.split(' '));
        assert_eq!(output.code, Some(2), "{output:#?}");
        let expected = "sim: out/manifest.json: found schema_version 1, expected 2; run the scenario again with this version of sim\n";
        assert_eq!(output.stderr, expected);
    }
    assert_eq!(sim.tree(), before);
}

#[test]
fn drafts_have_their_figures_where_they_were_logged() {
    let scenario =
        "name = \"drafts\"\nreplications = 1\n[workload]\ndataset = \"vqav2\"\nrequests = 5\n[policy.msao]\n";
    let sim = Sim::new().with("drafts.toml", scenario);
    for (out, more) in [("without", None), ("with", Some("--tokens"))] {
        sim.done(["drafts.toml", "--out", out].into_iter().chain(more));
        let said = sim.done(["report", out]).stderr;
        let lacking = "sim: without: no tokens.parquet, which --tokens writes: not drawn: theta, acceptance\n";
        assert_eq!(said, if more.is_some() { "" } else { lacking });
        for name in ["theta.svg", "acceptance.png"] {
            assert_eq!(sim.path(&format!("{out}/report/{name}")).exists(), more.is_some(), "{out}: {name}");
        }
    }
}

/// A folder may lose a table. What is not drawn for it is said by name, on stderr and on the page.
#[test]
fn a_figure_without_its_table_is_named() {
    let sim = Sim::small();
    sim.done(["small.toml", "--out", "out"]);
    for table in ["spans", "requests"] {
        std::fs::remove_file(sim.path(&format!("out/{table}.parquet"))).expect("a table of every run");
    }
    let output = sim.done(["report", "out"]);
    let expected = "\
sim: out: no requests.parquet, which a run writes and a sweep does not: not drawn: latency_cdf, groups
sim: out: no spans.parquet, which a run writes and a sweep does not: not drawn: stages, timeline.json
sim: out: no tokens.parquet, which --tokens writes: not drawn: theta, acceptance
";
    assert_eq!(output.stderr, expected);
    let page = sim.text("out/report/index.html");
    for (name, table) in
        [("latency_cdf", "requests"), ("stages", "spans"), ("timeline.json", "spans"), ("theta", "tokens")]
    {
        assert!(page.contains(&format!("<code>{name}</code>: needs {table}.parquet, which ")), "{name}");
    }
}

#[test]
fn what_is_no_results_folder_is_refused() {
    let sim = Sim::small();
    let output = sim.run(["report", "."]);
    assert_eq!(output.code, Some(2), "{output:#?}");
    assert_eq!(sim.names(""), ["small.toml"]);
}

/// Nothing in a report depends on when, where or on how many threads it was made.
#[test]
fn equal_runs_have_equal_reports() {
    let sim = Sim::small();
    for (out, threads) in [("one", "1"), ("two", "2")] {
        let args = ["small.toml", "--set", "replications=2", "--set", "policy.msao={}", "--threads", threads];
        assert_eq!(sim.run_with_report(args.into_iter().chain(["--out", out])).code, Some(0));
    }
    assert_eq!(sim.tree_of("one/report"), sim.tree_of("two/report"));
    assert_eq!(sim.text("one/timeline.json"), sim.text("two/timeline.json"));
}

/// A run on another platform than a paper's shows nothing of it.
#[test]
fn another_platform_shows_nothing_of_the_papers() {
    let sim = Sim::small();
    for (set, shows) in [("seed=2", true), ("edge.count=2", false), ("link.rtt=80 ms", false), ("edge.engine=hf", true)]
    {
        let output = sim.run_with_report(["small.toml", "--set", set, "--out", "out"]);
        assert_eq!(output.code, Some(0), "{output:#?}");
        assert_eq!(output.stdout.contains("claims of papers"), shows, "{set}: {}", output.stdout);
        assert_eq!(sim.path("out/report/claims.csv").exists(), shows, "{set}");
        assert_eq!(sim.text("out/report/index.html").contains("id=\"claims-table\""), shows, "{set}");
    }
}

/// A paper's row by kind of answer is held to the class of that kind, and stands beside no other figure.
#[test]
fn claims_by_kind_of_answer_are_of_a_class() {
    let sim = Sim::new();
    let table3 = repository("scenarios/mindfusion_table3.toml");
    let few = ["--set", "workload.requests=400", "--set", "replications=2", "--out", "out"];
    let output = sim.run_with_report([table3.to_str().expect("text")].into_iter().chain(few));
    assert!(output.code == Some(0) && !output.stderr.contains("warning"), "{output:#?}");
    let text = sim.text("out/report/claims.csv");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows = reader.deserialize().collect::<Result<Vec<BTreeMap<String, String>>, _>>().expect("rows");
    for (kind, class) in
        [("Other", "other"), ("Unanswerable", "unanswerable"), ("Yes/No", "yes_no"), ("Number", "number")]
    {
        for variant in ["baseline", "image_0.25", "image_0.125"] {
            let id = format!("MF-T3-{kind}-{variant}");
            let row = rows.iter().find(|row| row["id"] == id).expect("a row of every claim");
            assert_eq!(row["simulated_at"], format!("mindfusion_table3: vizwiz, 400 Mbps, class {class}"));
            // Kinds differ by what they are: no kind contradicts another, nor all of them together.
            let against = &row["contradicts"];
            assert!(!against.starts_with("MF-T3"), "{id} against {against}");
        }
    }
    let page = sim.text("out/report/index.html");
    assert!(page.contains("class unanswerable"));
}
