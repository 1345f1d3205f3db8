//! `sim validate` against a file of served requests, and servers as scenarios describe them: models of one's own, KV blocks,
//! and how many sequences are held. Against a replay: `replay.rs`.

use crate::parquet_file::{Row, count, number, rows};
use crate::refusals::refused;
use crate::support::{Sim, aloud, quoted, repository};
use serde_json::Value;
use std::fmt::Write;
use std::path::Path;

/// A text-only server with a model of one's own, behind a link that hardly counts.
const SERVER: &str = "\
name = \"server\"
replications = 1
workload = { dataset.served = \"served.csv\", requests = 1000, max_output_tokens = 64 }
policy.cloud_only = {}
[arrivals.trace]
[cloud]
device = \"rtx-4090\"
model = \"llama-3.2-1b\"
batch = { sequences = 4 }
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
rtt = \"1 ms\"
";

/// Requests that come faster than the server answers.
fn asked() -> String {
    let row = |n: u32| format!("{n},{}.{:02},{},{}\n", n / 50, n % 50 * 2, 100 + 37 * (n % 11), 8 + n % 40);
    "request,arrival_s,input_tokens,output_tokens\n".to_owned() + &(0..80).map(row).collect::<String>()
}

/// The requests that were simulated, in order of arrival.
fn in_order(sim: &Sim) -> Vec<Row> {
    let mut answered = rows(&sim.path("truth/requests.parquet"));
    answered.sort_by_key(|row| count(row, "request"));
    answered
}

/// The same with the timings that the simulation gives, each a multiple of what it is.
fn served(sim: &Sim, factor: f64) -> String {
    let mut text = "arrival_s,input_tokens,output_tokens,ttft_ms,tpot_ms,e2e_ms\n".to_owned();
    let asked = asked();
    for (asked, row) in asked.lines().skip(1).zip(&in_order(sim)) {
        let told: Vec<&str> = asked.split(',').skip(1).collect();
        let ms = |column| factor * number(row, column).expect("a latency");
        let [ttft, tpot, e2e] = ["ttft_ms", "tpot_ms", "e2e_ms"].map(ms);
        writeln!(text, "{},{ttft},{tpot},{e2e}", told.join(",")).expect("a string");
    }
    text
}

fn simulated() -> Sim {
    let sim = Sim::new().with("s.toml", SERVER).with("served.csv", asked());
    sim.done("s.toml --out truth".split(' '));
    sim
}

fn figure<'v>(told: &'v Value, name: &str) -> &'v Value {
    &told["comparisons"][0]["figures"][name]
}

#[test]
fn a_server_is_compared_with_its_simulation_request_by_request() {
    let sim = simulated();
    let exact = served(&sim, 1.0);
    let sim = sim.with("served.csv", exact);
    let output = sim.done("validate s.toml --json --out exact --tolerance 0.001".split(' '));
    let told: Value = serde_json::from_str(&output.stdout).expect("JSON");
    assert_eq!(told["comparisons"][0]["requests"], 80);
    for latency in ["e2e_ms", "ttft_ms", "tpot_ms"] {
        for ending in ["mean", "p50", "p90", "p99"] {
            let error = figure(&told, &format!("{latency}_{ending}"))["error_pct"].as_f64().expect("a number");
            assert!(error.abs() < 1e-6, "{latency}_{ending} {error}");
        }
        let apart = &told["comparisons"][0]["distances"][latency];
        assert!(apart["request_error_pct_p50"].as_f64().expect("a number") < 1e-6, "{apart}");
    }
    // Nobody judged the server's answers, and it drafted nothing.
    assert!(figure(&told, "accuracy_pct")["measured"].is_null());
    assert!(figure(&told, "acceptance_rate")["measured"].is_null());
    for file in ["validation.csv", "requests.parquet", "manifest.json", "scenario.toml"] {
        assert!(sim.path(&format!("exact/{file}")).is_file(), "{file}");
    }

    // Requests of a warm-up are left out on both sides.
    let set = "workload.warm_up=20";
    let output = sim.done(["validate", "s.toml", "--json", "--out", "warm", "--tolerance", "0.001", "--set", set]);
    let warm: Value = serde_json::from_str(&output.stdout).expect("JSON");
    assert_eq!((&warm["comparisons"][0]["requests"], &warm["comparisons"][0]["compared"]), (&60.into(), &60.into()));
    assert_eq!(warm["held_out"], "but for the warm-up, all requests of the file: nothing was fitted to them");
    assert!(figure(&warm, "ttft_ms_mean")["measured"] != figure(&told, "ttft_ms_mean")["measured"]);

    let slower = served(&sim, 1.25);
    let sim = sim.with("served.csv", slower);
    let output = sim.run("validate s.toml --out slower --tolerance 10".split(' '));
    assert_eq!(output.code, Some(3), "{output:#?}");
    assert!(output.stderr.contains("cloud_only: mean or P50 of E2E is off by 20.0 %, expected at most 10 %"));
    assert!(output.stdout.contains("e2e_ms of a request, median") && output.stdout.contains("-20.0 %"), "{output:#?}");
    let csv = sim.text("slower/validation.csv");
    assert!(csv.lines().any(|line| line.starts_with("cloud_only,served,10000,ttft_ms_of_a_request_p50,,,")), "{csv}");
}

#[test]
fn files_that_say_nothing_of_a_server_are_refused() {
    let untimed = Sim::new().with("s.toml", SERVER).with("served.csv", asked());
    let said = refused(&untimed, &["validate", "s.toml", "--out", "out"]);
    assert!(said.contains("served.csv: found no request with a timing; expected at least one of the columns ttft_ms"));
    let lacking = Sim::new().with("s.toml", SERVER).with("served.csv", "arrival_s,input_tokens\n0,5\n");
    let said = refused(&lacking, &["validate", "s.toml", "--out", "out"]);
    assert!(said.contains("served.csv:1: found the columns arrival_s,input_tokens; expected a column"), "{said}");
}

#[test]
fn a_server_holds_as_many_sequences_and_blocks_as_it_is_said_to() {
    let sim = simulated();
    let most_ttft = |set: &str| {
        sim.done(["s.toml", "--set", set, "--out", "out"]);
        let answered = rows(&sim.path("out/requests.parquet"));
        answered.iter().map(|row| number(row, "ttft_ms").expect("a TTFT")).fold(0.0, f64::max)
    };
    let (one, four, many) = (1, 4, 64);
    let waits = [one, four, many].map(|most| most_ttft(&format!("cloud.batch.sequences={most}")));
    assert!(waits[0] > 2.0 * waits[1] && waits[1] > 2.0 * waits[2], "fewer sequences, longer queues: {waits:?}");
    // The longest request takes 470 + 64 tokens: 34 blocks, which is room for one such or three short ones.
    let scarce = most_ttft("cloud.kv_blocks=34");
    assert!(scarce > 1.2 * waits[1] && scarce <= waits[0], "{scarce} {waits:?}");
    let said = refused(&sim, &["s.toml", "--set", "cloud.kv_blocks=10000000", "--out", "no"]);
    assert!(said.contains("cloud.kv_blocks") && said.contains("with 10000000 blocks of KV cache"), "{said}");
    assert!(in_order(&sim).iter().enumerate().all(|(n, row)| count(row, "output_tokens") == 8 + n as u64 % 40));
}

#[test]
fn models_of_ones_own_are_checked() {
    let sim = simulated();
    let refusal = |set: &str| refused(&sim, &["s.toml", "--set", set, "--out", "no"]);
    let at = |key: &str| format!("model.\"llama-3.2-1b\".{key}");
    let cases = [
        (at("kv_heads=5"), "expected a divisor of its 32 heads"),
        (at("layers=0"), "expected a whole number from 1 to 10000"),
        (at("heads=24"), "expected it, as 24 heads do not divide 2048"),
        (at("vision_of=\"qwen2-vl\""), "unknown model `qwen2-vl`; did you mean `qwen2-vl-"),
        (
            "cloud.model=\"llama-3.2-2b\"".to_owned(),
            "or give its dimensions or its config.json in a table [model.NAME]",
        ),
    ];
    for (set, expected) in cases {
        let said = refusal(&set);
        assert!(said.contains(expected), "{set}: {said}");
    }
    // The largest that may be: nothing overflows, and it fits nowhere.
    let largest = [("layers", 10_000), ("hidden", 1_000_000), ("intermediate", 1_000_000), ("heads", 10_000)];
    let largest = largest.into_iter().chain([("kv_heads", 10_000), ("head_dim", 10_000), ("vocab", 10_000_000)]);
    let sets = largest.flat_map(|(key, value)| ["--set".to_owned(), at(&format!("{key}={value}"))]);
    let args: Vec<String> = ["s.toml", "--out", "no"].map(str::to_owned).into_iter().chain(sets).collect();
    let said = refused(&sim, &args.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(said.contains("llama-3.2-1b does not fit rtx-4090"), "{said}");
    let pictures =
        SERVER.replace("dataset.served = \"served.csv\"", "dataset = \"vqav2\"").replace("[arrivals.trace]\n", "");
    let blind = Sim::new().with("s.toml", &pictures);
    let said = refused(&blind, &["s.toml"]);
    assert!(said.contains("llama-3.2-1b has no vision tower, and the requests have pictures"), "{said}");
    let seeing = pictures.replace("tied_head = true", "tied_head = true\nvision_of = \"qwen2-vl-2b\"");
    let sim = Sim::new().with("s.toml", seeing);
    sim.done("s.toml --set workload.requests=5 --out out".split(' '));
    let manifest: Value = serde_json::from_str(&sim.text("out/manifest.json")).expect("JSON");
    assert_eq!(manifest["assumptions"]["model.llama-3.2-1b"], "given");
    let unused = sim.done(["show", "s.toml", "--set", "cloud.model=\"qwen2-vl-2b\""]);
    assert!(unused.stderr.contains("neither edge.model nor cloud.model is \"llama-3.2-1b\""), "{unused:#?}");
}

#[test]
fn shared_server_is_predicted() {
    let Some(folder) = Some(repository("../shared/measured")).filter(|folder| folder.is_dir()) else {
        return aloud("skipped: ../shared is not here: shared_server_is_predicted");
    };
    let scenario = shared_server(&folder);
    let profile = format!("cloud.profile={:?}", repository("scenarios/profiles/rtx-pro-6000.toml"));
    let of_kernels = "`rtx-pro-6000.toml` and the engine's host time, which is hidden";
    let sim = Sim::new().with("s.toml", scenario);
    for (label, set, most_pct) in [
        ("roofline, uncalibrated", vec![], Some(5.0)),
        ("roofline, host time not hidden", vec!["cloud.tuning.hides_host=false"], None),
        (of_kernels, vec![&*profile], None),
        (
            "roofline, at most 1,024 sequences, as vLLM has it by default",
            vec!["cloud.batch={ items = 128, chunk_tokens = 2048 }"],
            None,
        ),
    ] {
        let set = set.iter().flat_map(|set| ["--set", set]);
        let output = sim.done(["validate", "s.toml", "--json", "--out", "out"].into_iter().chain(set));
        let told: Value = serde_json::from_str(&output.stdout).expect("JSON");
        quoted("docs/calibration.md", &errors_row(label, &told));
        let Some(most_pct) = most_pct else { continue };
        for name in ["e2e_ms_mean", "e2e_ms_p50", "e2e_ms_p90", "tpot_ms_mean", "tpot_ms_p50"] {
            let error = figure(&told, name)["error_pct"].as_f64().expect("a number");
            assert!(error.abs() < most_pct, "{name}: {error:+.1} %");
        }
        // Waiting in a queue multiplies what a step is off by.
        let ttft = figure(&told, "ttft_ms_mean")["error_pct"].as_f64().expect("a number");
        assert!(ttft.abs() < 2.0 * most_pct, "ttft_ms_mean: {ttft:+.1} %");
    }
}

/// The scenario of the shared server.
fn shared_server(folder: &Path) -> String {
    let file = folder.join("requests_rtxpro6000_llama31_8b.csv.gz");
    format!(
        "name = \"server\"\nreplications = 1\npolicy.cloud_only = {{}}\n[arrivals.trace]\n\
         [workload]\nrequests = 300\ndataset.served = {file:?}\n\
         [cloud]\ndevice = \"rtx-pro-6000\"\nmodel = \"llama-3.1-8b\"\n\
         batch = {{ sequences = 128, items = 128, chunk_tokens = 2048 }}\n\
         [model.\"llama-3.1-8b\"]\nlayers = 32\nhidden = 4096\nintermediate = 14336\nheads = 32\nkv_heads = 8\n\
         vocab = 128256\n[link]\nbandwidth = \"100 Gbps\"\nrtt = \"0 ms\"\n"
    )
}

/// The interval has what a server measured, between the kernels' own time and all of the engine's host time.
#[test]
fn shared_server_is_within_its_prediction_interval() {
    let Some(folder) = Some(repository("../shared/measured")).filter(|folder| folder.is_dir()) else {
        return aloud("skipped: ../shared is not here: shared_server_is_within_its_prediction_interval");
    };
    let sim = Sim::new().with("s.toml", shared_server(&folder));
    let profile = format!("cloud.profile={:?}", repository("scenarios/profiles/rtx-pro-6000.toml"));
    let compared = sim.done(["validate", "s.toml", "--json", "--out", "out", "--set", &profile]);
    let compared: Value = serde_json::from_str(&compared.stdout).expect("JSON");
    let run = sim.done(["s.toml", "--json", "--out", "run", "--set", &profile]);
    let run: Value = serde_json::from_str(&run.stdout).expect("JSON");
    let intervals = run["intervals"].as_array().expect("intervals");
    assert_eq!(intervals.len(), 3, "{intervals:#?}");
    for (metric, name) in [("e2e_ms_mean", "E2E"), ("ttft_ms_mean", "TTFT"), ("tpot_ms_mean", "TPOT")] {
        let measured = figure(&compared, metric)["measured"].as_f64().expect("a number");
        let interval = intervals.iter().find(|row| row["metric"] == metric).expect("an interval");
        let [low, simulated, high] = ["low", "simulated", "high"].map(|end| interval[end].as_f64().expect("a number"));
        assert!(low <= measured && measured <= high, "{metric}: {measured} is not from {low} to {high}");
        let row = format!("| {name}, ms | {measured:.1} | {simulated:.1} | {low:.1} to {high:.1} |");
        quoted("docs/calibration.md", &row);
    }
}

/// A row of the table of errors against the server.
fn errors_row(label: &str, told: &Value) -> String {
    let errors = |names: &[&str]| {
        let error = |name: &&str| figure(told, name)["error_pct"].as_f64().expect("a number");
        names.iter().map(|name| format!("{:+.1}", error(name))).collect::<Vec<_>>().join(" / ")
    };
    let e2e = &told["comparisons"][0]["distances"]["e2e_ms"];
    let [request, ks] = ["request_error_pct_p50", "ks_distance"].map(|name| e2e[name].as_f64().expect("a number"));
    format!(
        "| {label} | {} | {} | {} | {request:.1} | {} |",
        errors(&["e2e_ms_mean", "e2e_ms_p50", "e2e_ms_p90", "e2e_ms_p99"]),
        errors(&["ttft_ms_mean", "ttft_ms_p50"]),
        errors(&["tpot_ms_mean", "tpot_ms_p50", "tpot_ms_p99"]),
        format!("{ks:.2}").trim_start_matches('0'),
    )
}
