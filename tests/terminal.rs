//! A person at a terminal: a first scenario, explanations, completions, a table that fits.

use crate::support::{Output, Sim};
use crate::tools::are_there;

/// Runs a line of shell on a terminal of so many columns, on which this is typed.
fn on_terminal(sim: &Sim, columns: u32, typed: &str, line: &str) -> String {
    let inner = format!("stty cols {columns} && {line}");
    let Output { stdout, .. } = sim.shell(&format!("printf '{typed}' | TERM=xterm script -qec '{inner}' /dev/null"));
    stdout.replace('\r', "")
}

/// A text without its colours.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain += before;
        rest = after.split_once('m').map_or("", |(_, rest)| rest);
    }
    plain + rest
}

#[test]
fn a_first_scenario_runs_as_it_stands() {
    let sim = Sim::new();
    let written =
        sim.done(["init", "--edge", "camera", "--cloud", "h100", "--goal", "latency", "--link", "20 Mbps, 40 ms"]);
    assert!(written.stderr.starts_with("wrote latency.toml: edge camera, cloud h100, link own"), "{}", written.stderr);
    assert_eq!(sim.names(""), ["latency.toml", "scenario.schema.json"]);
    assert!(sim.text("latency.toml").starts_with("#:schema ./scenario.schema.json\n# Who answers"));
    assert_eq!(sim.text("scenario.schema.json"), sim.done(["schema"]).stdout);
    let run = sim.done(["latency.toml", "--set", "workload.requests=5", "--set", "replications=1"]);
    assert!(!run.stderr.contains("warning"), "{}", run.stderr);
    assert!(run.stdout.contains("cloud_only") && !run.stdout.contains("edge_only"), "{}", run.stdout);
    let again = sim.run(["init", "--goal", "latency"]);
    assert_eq!(again.code, Some(2));
    assert!(again.stderr.contains("replace it with --force"), "{}", again.stderr);
    sim.done(["init", "--goal", "latency", "--force"]);
}

#[test]
fn a_first_scenario_is_asked_for_on_a_terminal() {
    if !are_there("a_first_scenario_is_asked_for_on_a_terminal") {
        return;
    }
    let sim = Sim::new();
    let asked = plain(&on_terminal(&sim, 80, "2\\n\\nv1\\n\\n", "\"$SIM\" init --cloud h100"));
    assert!(asked.contains("edge [phone]: ") && !asked.contains("cloud ["), "{asked}");
    assert!(
        asked.contains("wrote drafting.toml: edge laptop, cloud h100, link wifi, workload v1, goal drafting"),
        "{asked}"
    );
}

#[test]
fn explanations_are_text_and_json() {
    let sim = Sim::new();
    let text = sim.done(["explain", "link.rtt"]).stdout;
    assert!(text.starts_with("link.rtt (key of a scenario)\n  "), "{text}");
    assert!(text.contains("ns, us, ms, s, min, h") && text.contains("default"), "{text}");
    for name in ["policy.msao", "msao", "e2e_ms_p99", "rtx-4090", "timed_out", "5", "edges.phone.device"] {
        let text = sim.done(["explain", name]).stdout;
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{name}:\n{text}");
        let json: serde_json::Value =
            serde_json::from_str(&sim.done(["explain", name, "--json"]).stdout).expect("JSON");
        assert!(json.as_array().is_some_and(|entries| !entries.is_empty()), "{name}: {json}");
    }
    let unknown = sim.run(["explain", "link.rt"]);
    assert_eq!((unknown.code, unknown.stdout.as_str()), (Some(2), ""));
    assert!(
        unknown.stderr.starts_with("sim: nothing is called `link.rt`; did you mean `link.rtt`"),
        "{}",
        unknown.stderr
    );
}

#[test]
fn completions_know_commands_and_options() {
    let sim = Sim::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = sim.done(["completions", shell]).stdout;
        for word in ["compare", "until-ci", "explain"] {
            assert!(script.contains(word), "{shell}: no {word}");
        }
    }
    let complete = "eval \"$($SIM completions bash)\"; COMP_WORDS=(sim comp); COMP_CWORD=1; _sim sim comp sim; \
                    echo \"${COMPREPLY[@]}\"";
    let output =
        sim.command("bash").args(["-c", complete]).env("SIM", env!("CARGO_BIN_EXE_sim")).output().expect("bash");
    let replied = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(replied.split_whitespace().any(|word| word == "compare"), "{replied} {output:?}");
}

#[test]
fn manual_pages_are_written_for_every_command() {
    let sim = Sim::new();
    let said = sim.done(["man", "pages"]).stderr;
    let pages = sim.names("pages");
    for page in ["sim.1", "sim-sweep.1", "sim-requests-import.1"] {
        assert!(pages.iter().any(|name| name == page), "no {page}: {pages:?}");
    }
    assert_eq!(said, format!("{} pages in pages\n", pages.len()));
    let sweep = sim.text("pages/sim-sweep.1");
    assert!(sweep.contains(".TH sim-sweep 1") && sweep.contains("resume"), "{sweep}");
}

#[test]
fn quiet_says_nothing_but_warnings() {
    let sim = Sim::small();
    let loud = sim.done(["small.toml"]);
    let quiet = sim.done(["small.toml", "--quiet"]);
    assert!(loud.stderr.contains("results in") && quiet.stderr.is_empty(), "{}", quiet.stderr);
    assert_eq!(quiet.stdout, loud.stdout);
    let warned = sim.done(["small.toml", "--quiet", "--set", "edge.probe_layers=9"]);
    assert!(warned.stderr.starts_with("sim: warning:") && !warned.stderr.contains("results in"), "{}", warned.stderr);
    assert_eq!(sim.run(["small.toml", "--quiet", "--set", "link.rt=1"]).code, Some(2));
    assert!(sim.done(["man", "pages", "--quiet"]).stderr.is_empty());
}

#[test]
fn the_table_fits_the_terminal_and_a_pipe_has_all_columns() {
    if !are_there("the_table_fits_the_terminal_and_a_pipe_has_all_columns") {
        return;
    }
    let sim = Sim::small();
    let piped = sim.done(["small.toml"]).stdout;
    let heading =
        |text: &str| text.lines().find(|line| line.contains("policy ")).unwrap_or_default().trim_end().to_owned();
    assert!(heading(&piped).chars().count() > 100 && !piped.contains('\u{1b}'), "{piped}");
    for columns in [80, 100] {
        let seen = on_terminal(&sim, columns, "", "\"$SIM\" small.toml --no-report");
        assert!(seen.contains("\u{1b}[1mpolicy "), "no bold heading: {seen:?}");
        let seen = plain(&seen);
        let table: Vec<&str> = seen.lines().skip_while(|line| !line.starts_with("policy ")).take(2).collect();
        assert!(table.iter().all(|line| line.chars().count() <= columns as usize), "{columns}:\n{seen}");
        assert!(seen.contains("\nNot shown: dataset vqav2, "), "{seen}");
    }
    let wide = on_terminal(&sim, 80, "", "NO_COLOR=1 \"$SIM\" small.toml --no-report --wide");
    assert_eq!(heading(&wide), heading(&piped), "{wide}");
    assert!(!wide.contains("\u{1b}[1m"), "{wide:?}");
    let picked = sim.done(["small.toml", "--columns", "makespan_s,e2e_ms_p99"]).stdout;
    assert!(picked.starts_with("policy      dataset  Mbps  ") && heading(&picked).chars().count() < 80, "{picked}");
    let unknown = sim.run(["small.toml", "--columns", "e2e_ms_p98"]);
    assert_eq!(unknown.stderr, "sim: --columns: no metric e2e_ms_p98; did you mean e2e_ms_p90?\n");
}
