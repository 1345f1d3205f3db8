//! `sim calibrate --served`: an engine's constants from the requests that a server has answered.

use crate::parquet_file::{count, number, rows};
use crate::refusals::refused;
use crate::support::{Sim, aloud, quoted, repository};
use serde_json::Value;
use std::fmt::Write;
use std::path::Path;

/// A small server behind a link that hardly counts, with the constants of its engine.
const SERVER: &str = "\
name = \"server\"
replications = 1
workload = { dataset = \"vqav2\" }
policy.cloud_only = {}
[cloud]
device = \"rtx-4090\"
model = \"llama-3.2-1b\"
engine = \"vllm-0.19\"
batch = { sequences = 8 }
[model.\"llama-3.2-1b\"]
layers = 16
hidden = 2048
intermediate = 8192
heads = 32
kv_heads = 8
vocab = 128256
tied_head = true
[link]
bandwidth = \"10 Gbps\"
rtt = \"0 ms\"
";

/// The constants of the server that is to be found again.
const TRUTH: [&str; 4] = ["--set", "cloud.tuning.overhead=7 ms", "--set", "cloud.tuning.eta_flop=0.2"];

/// Requests that come as fast as the server answers them, or slower.
fn asked(gap_ms: u32) -> String {
    let row = |n: u32| {
        let ms = n * gap_ms + n * n % 50;
        format!("{}.{:03},{},{}\n", ms / 1000, ms % 1000, 200 + 411 * (n % 7), 8 + n * 7 % 25)
    };
    "arrival_s,input_tokens,output_tokens\n".to_owned() + &(0..60).map(row).collect::<String>()
}

/// A folder with requests as the server answers them, in `served.csv`.
fn served(gap_ms: u32) -> Sim {
    let sim = Sim::new().with("server.toml", SERVER).with("asked.csv", asked(gap_ms));
    let set = ["--set", "workload.dataset.served=asked.csv", "--set", "arrivals.trace={}", "--out", "truth"];
    sim.done([&["server.toml"], &set[..], &TRUTH].concat());
    let mut answered = rows(&sim.path("truth/requests.parquet"));
    answered.sort_by_key(|row| count(row, "request"));
    let mut text = "arrival_s,input_tokens,output_tokens,ttft_ms,tpot_ms,e2e_ms\n".to_owned();
    for (asked, row) in asked(gap_ms).lines().skip(1).zip(&answered) {
        let [ttft, tpot, e2e] = ["ttft_ms", "tpot_ms", "e2e_ms"].map(|name| number(row, name).expect("a latency"));
        writeln!(text, "{asked},{ttft},{tpot},{e2e}").expect("a string");
    }
    sim.with("served.csv", text)
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// An error of a latency in the half that was held out.
fn held_out(told: &Value, file: &str, latency: &str, when: &str, which: &str) -> f64 {
    let lines = told["errors"].as_array().expect("errors").iter();
    let of = |line: &&Value| line["file"] == file && line["half"] == "held out" && line["latency"] == latency;
    lines.clone().find(of).unwrap_or_else(|| panic!("{file} {latency}: {told:#}"))[when][which]
        .as_f64()
        .expect("a number")
}

#[test]
fn the_constants_that_served_requests_are_found_again() {
    let sim = served(45);
    let args = "calibrate --served served.csv server.toml --out tuning.toml --note machine=bench";
    let output = sim.done(format!("{args} --json").split(' '));
    let told = parsed(&output.stdout);
    let constant = |key: &str, of: &str| told["constants"][key][of].clone();
    let found = |key: &str| constant(key, "after").as_f64().expect("a number");
    assert!((found("overhead") / 7.0 - 1.0).abs() < 0.1, "{told:#}");
    assert!((found("eta_flop") / 0.2 - 1.0).abs() < 0.1, "{told:#}");
    for latency in ["ttft_ms", "tpot_ms", "e2e_ms"] {
        let off = |when: &str| held_out(&told, "served.csv", latency, when, "p50_pct").abs();
        assert!(off("uncalibrated") > 10.0 && off("calibrated") < 4.0, "{latency}: {told:#}");
    }
    // The lines of the file take the place of a table in the scenario, and say where they are from.
    let tuning = sim.text("tuning.toml");
    let table: toml::Table = tuning.parse().expect("TOML");
    assert_eq!(table["cloud"]["tuning"]["eta_flop"].as_float(), Some(found("eta_flop")), "{tuning}");
    for line in ["# source = served.csv, sha256 ", "# source = server.toml, sha256 ", "# machine = bench"] {
        assert!(tuning.contains(line), "{line}: {tuning}");
    }
    let scenario = SERVER.replace("dataset = \"vqav2\"", "dataset.served = \"served.csv\"");
    let sim = sim.with("again.toml", format!("{scenario}[arrivals.trace]\n{tuning}"));
    sim.done("validate again.toml --tolerance 4 --out out".split(' '));
    // Again: the same, as a table.
    let text = sim.done(args.split(' ')).stdout;
    assert_eq!(sim.text("tuning.toml"), tuning);
    assert!(text.contains("uncalibrated P50") && text.contains("held out"), "{text}");
}

#[test]
fn a_constant_that_requests_do_not_tell_stays_and_is_said_to() {
    // One request at a time: reading the weights and the host's time are one thing, as is what a prompt's start takes.
    let sim = served(2000);
    let output = sim.done("calibrate --served served.csv server.toml --json".split(' '));
    let told = parsed(&output.stdout);
    assert_eq!(told["constants"]["eta_mem"]["fitted"], false, "{told:#}");
    assert_eq!(told["constants"]["eta_mem"]["after"], told["constants"]["eta_mem"]["before"], "{told:#}");
    let text = sim.done("calibrate --served served.csv server.toml".split(' ')).stdout;
    let line = text.lines().find(|line| line.starts_with("eta_mem ")).expect("a line");
    assert!(line.contains("kept: these requests do not tell it apart"), "{text}");
}

#[test]
fn servers_that_cannot_be_calibrated_are_refused() {
    let sim = served(400);
    let few = sim.text("served.csv").lines().take(9).collect::<Vec<_>>().join("\n");
    let sim = sim.with("few.csv", few).with("asked.csv", asked(400));
    let sim = sim.with("two.toml", format!("{SERVER}[policy.edge_only]\n"));
    let sim = sim.with("edge.toml", SERVER.replace("cloud_only", "edge_only"));
    let sim = sim.with("swept.toml", format!("{SERVER}[sweep]\n\"cloud.gpus\" = [1, 2]\n"));
    let cases = [
        ("few requests", "--served few.csv server.toml"),
        ("no timing", "--served asked.csv server.toml"),
        ("no such file", "--served none.csv server.toml"),
        ("two scenarios", "--served served.csv server.toml two.toml"),
        ("no scenario", "--served served.csv"),
        ("two policies", "--served served.csv two.toml"),
        ("a policy without the cloud", "--served served.csv edge.toml"),
        ("a sweep", "--served served.csv swept.toml"),
        ("short answers", "--served served.csv server.toml --set workload.max_output_tokens=5"),
        ("no memory", "--served served.csv server.toml --set cloud.kv_blocks=9"),
        ("a longer prompt", "--served served.csv server.toml --set workload.system_prompt=9"),
    ];
    let mut said = String::new();
    for (what, args) in cases {
        let args = format!("calibrate {args}");
        said += &format!("# {what}\n{}\n", refused(&sim, &args.split(' ').collect::<Vec<_>>()));
    }
    insta::assert_snapshot!(said);
}

/// The rows of a table of errors: P50, P90 and mean of each latency.
fn row(label: &str, off: impl Fn(&str, &str) -> f64) -> String {
    let errors = |latency: &str| {
        let each = ["p50", "p90", "mean"].map(|which| format!("{:+.1}", off(latency, which)));
        each.join(" / ")
    };
    format!("| {label} | {} | {} | {} |", errors("e2e_ms"), errors("ttft_ms"), errors("tpot_ms"))
}

/// Errors of a scenario with these settings on a file of requests that nothing was fitted to.
fn validated(sim: &Sim, scenario: &Path, file: &Path, requests: u32, set: &[String]) -> Value {
    let (scenario, requests) = (scenario.display().to_string(), format!("workload.requests={requests}"));
    let mut args: Vec<String> = ["validate", &scenario, "--json", "--out", "out"].map(str::to_owned).to_vec();
    let trace = format!("workload.dataset.served={:?}", file.display().to_string());
    for set in [trace.as_str(), "arrivals.trace={}", &requests].into_iter().chain(set.iter().map(String::as_str)) {
        args.extend(["--set".to_owned(), set.to_owned()]);
    }
    parsed(&sim.done(&args).stdout)
}

/// Fitted to a server alone and under light load, the scenario of the repository predicts it under overload.
#[test]
fn shared_llamacpp_server_is_predicted_under_overload() {
    let folder = repository("../shared/measured");
    if !folder.is_dir() {
        return aloud("skipped: ../shared is not here: shared_llamacpp_server_is_predicted_under_overload");
    }
    let file = |load: &str| folder.join(format!("requests_llamacpp_smollm2_{load}.csv.gz"));
    let scenario = repository("scenarios/served_llamacpp.toml");
    let sim = Sim::new();
    let [single, light] = ["single", "light"].map(|load| file(load).display().to_string());
    let written = scenario.display().to_string();
    let args = ["calibrate", "--json", "--served", &single, "--served", &light, &written, "--out", "tuning.toml"];
    // The scenario has the constants that were found; the fit begins from the engine's.
    let told = parsed(&sim.done(args.into_iter().chain(["--set", "cloud.tuning={vector_token=0}"])).stdout);
    for load in ["single", "light"] {
        let name = format!("requests_llamacpp_smollm2_{load}.csv.gz");
        for (when, label) in [("uncalibrated", "uncalibrated"), ("calibrated", "fitted to the earlier halves")] {
            let off = |latency: &str, which: &str| held_out(&told, &name, latency, when, &format!("{which}_pct"));
            quoted("docs/calibration.md", &row(&format!("`{load}`, later half: {label}"), off));
        }
    }
    let tuning: toml::Table = sim.text("tuning.toml").parse().expect("TOML");
    let shipped: toml::Table = std::fs::read_to_string(&scenario).expect("a scenario").parse().expect("TOML");
    assert_eq!(tuning["cloud"]["tuning"], shipped["cloud"]["tuning"], "the scenario has other constants");
    let errors = |told: &Value, latency: &str, which: &str| {
        told["comparisons"][0]["figures"][format!("{latency}_{which}")]["error_pct"].as_f64().expect("an error")
    };
    let before = validated(&sim, &scenario, &file("busy"), 250, &["cloud.tuning={vector_token=0}".to_owned()]);
    quoted("docs/calibration.md", &row("`busy`: uncalibrated", |latency, which| errors(&before, latency, which)));
    let busy = validated(&sim, &scenario, &file("busy"), 250, &[]);
    let label = "`busy`: fitted to the earlier halves of `single` and `light`";
    quoted("docs/calibration.md", &row(label, |latency, which| errors(&busy, latency, which)));
    for latency in ["e2e_ms", "tpot_ms"] {
        let off = errors(&busy, latency, "p50");
        assert!(off.abs() < 15.0, "{latency}: {off:+.1} %");
    }
}
