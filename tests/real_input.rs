//! Whole runs on real traces: arrivals and token counts of public services, over measured links.
//!
//! The files lie in `../shared/traces` and are no part of the repository. Without them, these tests have nothing to
//! test. Neither libtest nor nextest can skip a test at run time, so each says on stderr that it was skipped, past
//! libtest's capture, and [`shared_tests_that_were_skipped`] lists them all in one line. Nextest shows what passing
//! tests say with `--success-output final`.

use crate::parquet_file::{Row, count, number, rows, text};
use crate::summary::{self, summary};
use crate::support::{Sim, aloud, repository};
use flate2::read::MultiGzDecoder;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Gives each function its test, run where the files are.
macro_rules! tests_on_shared_traces {
    ($($test:ident: $function:ident,)*) => {
        $(#[test]
        fn $test() {
            match shared_traces() {
                Some(traces) => $function(&traces),
                None => aloud(concat!("skipped: ../shared is not here: ", stringify!($test))),
            }
        })*

        #[test]
        fn shared_tests_that_were_skipped() {
            if shared_traces().is_none() {
                aloud(concat!("skipped for want of ../shared:", $(" ", stringify!($test)),*));
            }
        }
    };
}

tests_on_shared_traces! {
    shared_servegen_over_measured_bandwidth: servegen_over_5g,
    shared_servegen_over_mahimahi: servegen_over_lte,
    shared_azure_llm: azure_llm,
    shared_mooncake: mooncake,
}

fn shared_traces() -> Option<PathBuf> {
    Some(repository("../shared/traces")).filter(|folder| folder.is_dir())
}

const POLICIES: [&str; 5] = ["cloud_only", "edge_only", "perllm", "speculative", "msao"];

fn unpacked(path: &Path) -> String {
    let mut text = String::new();
    let file = std::fs::File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    MultiGzDecoder::new(file).read_to_string(&mut text).expect("a gzip file");
    text
}

/// Runs all policies over a dataset and a link, checks what holds of any run, and gives the rows of each policy.
fn run(requests: usize, link: &str, dataset: &str) -> BTreeMap<String, Vec<Row>> {
    let policies = POLICIES.map(|policy| format!("[policy.{policy}]\n")).concat();
    let scenario = format!(
        "name = \"real\"\nreplications = 1\n[edge]\ncount = 4\n[arrivals.trace]\n[link]\nrtt = \"35 ms\"\n{link}\n\
         [workload]\nrequests = {requests}\nmax_output_tokens = 2048\n{dataset}\n{policies}"
    );
    let sim = Sim::new().with("real.toml", scenario);
    sim.done(["real.toml", "--out", "out"]);
    let mut by_policy = BTreeMap::<String, Vec<Row>>::new();
    for row in rows(&sim.path("out/requests.parquet")) {
        by_policy.entry(text(&row, "policy").to_owned()).or_default().push(row);
    }
    assert!(by_policy.keys().map(String::as_str).eq(POLICIES.into_iter().collect::<BTreeSet<_>>()));
    let csv = sim.text("out/summary.csv");
    for row in summary(&csv) {
        conserved(&row, &by_policy[row["policy"]], requests);
    }
    by_policy
}

/// Every request is there once, and what the summary says is the sum of the rows.
fn conserved(summary: &BTreeMap<&str, &str>, rows: &[Row], requests: usize) {
    let policy = summary["policy"];
    let numbers: BTreeSet<u64> = rows.iter().map(|row| count(row, "request")).collect();
    assert!(rows.len() == requests && numbers == (0..requests as u64).collect(), "{policy}: {numbers:?}");
    let (completed, rejected): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| text(row, "status") == "completed");
    assert_eq!(summary["requests"], requests.to_string());
    assert_eq!(summary["completed"], completed.len().to_string(), "{policy}");
    assert_eq!(summary["rejected"], rejected.len().to_string(), "{policy}");
    assert!(!completed.is_empty(), "{policy} completes nothing");
    for row in &completed {
        let (ttft, e2e) = (number(row, "ttft_ms").expect("a first token"), number(row, "e2e_ms").expect("an end"));
        assert!(0.0 < ttft && ttft <= e2e, "{policy}: {row:?}");
        assert!(count(row, "accepted_tokens") <= count(row, "drafted_tokens"), "{policy}: {row:?}");
        assert!(text(row, "served_by") == "cloud" || policy != "cloud_only", "{row:?}");
    }
    let mean =
        |column: &str| completed.iter().filter_map(|row| number(row, column)).sum::<f64>() / completed.len() as f64;
    let near = |column: &str, expected: f64| {
        let said = summary::number(summary, column);
        assert!((said - expected).abs() <= 1e-6 * expected.abs(), "{policy}: {column} = {said}, rows say {expected}");
    };
    near("e2e_ms_mean", mean("e2e_ms"));
    near("ttft_ms_mean", mean("ttft_ms"));
    let total = |column: &str| rows.iter().map(|row| count(row, column)).sum::<u64>() as f64;
    near("uplink_mb_per_request", total("uplink_bytes") / 1e6 / completed.len() as f64);
    near("downlink_mb_per_request", total("downlink_bytes") / 1e6 / completed.len() as f64);
}

/// The rows carry arrival, prompt and answer of the trace, request by request.
fn carries(rows: &BTreeMap<String, Vec<Row>>, trace: &[(f64, u64, u64)]) {
    for (policy, rows) in rows {
        for row in rows {
            let (arrival, prompt, answer) = trace[count(row, "request") as usize];
            let submit = number(row, "submit_s").expect("a time");
            assert!((submit - arrival).abs() < 1e-6, "{policy}: sent at {submit}, in the trace {arrival}");
            assert_eq!(count(row, "text_tokens"), prompt, "{policy}: {row:?}");
            assert_eq!(count(row, "output_tokens"), answer, "{policy}: {row:?}");
            assert_eq!(count(row, "visual_tokens"), 0, "{policy}: {row:?}");
        }
    }
}

fn five_g(traces: &Path, trace: &str) -> String {
    let file = traces.join("network/lumos5g_5g.csv.gz");
    let only = format!("only = {{ column = \"trace\", value = \"{trace}\" }}");
    let of = |way: &str| {
        let columns = "time = \"t_s\", rate = \"downlink_mbps\"";
        format!("{way}.csv = {{ file = \"{}\", {columns}, {only} }}\n", file.display())
    };
    of("up") + &of("down")
}

fn servegen(traces: &Path) -> String {
    let folder = traces.join("requests");
    format!(
        "dataset.servegen = {{ arrivals = \"{0}/servegen_mm_image_arrivals.csv.gz\", \
         tokens = \"{0}/servegen_mm_image_tokens.jsonl.gz\", share = \"1 %\" }}",
        folder.display()
    )
}

/// The values that ServeGen's clients have for a law.
fn values(traces: &Path, law: &str) -> BTreeSet<u64> {
    let text = unpacked(&traces.join("requests/servegen_mm_image_tokens.jsonl.gz"));
    let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
    let pairs = lines.flat_map(|line| line[law].as_array().expect("a law").clone());
    pairs.map(|pair| pair[0].as_u64().expect("a count")).collect()
}

/// Every request is one that ServeGen's clients could have sent, and the same one for every policy.
fn drawn_from_servegen(traces: &Path, rows: &BTreeMap<String, Vec<Row>>) {
    let [texts, outputs] = ["text_tokens", "output_tokens"].map(|law| values(traces, law));
    let prompts = |rows: &[Row]| -> BTreeMap<u64, [u64; 3]> {
        let tokens = ["text_tokens", "visual_tokens", "output_tokens"];
        rows.iter().map(|row| (count(row, "request"), tokens.map(|column| count(row, column)))).collect()
    };
    let of_cloud = prompts(&rows["cloud_only"]);
    for (request, [text, _, output]) in &of_cloud {
        assert!(texts.contains(text) || *text == 1, "request {request}: {text} text tokens");
        assert!(outputs.contains(output) || *output == 2048, "request {request}: {output} output tokens");
    }
    assert!(of_cloud.values().any(|[_, visual, _]| *visual > 0), "no picture");
    for (policy, rows) in rows {
        assert!(prompts(rows) == of_cloud, "{policy} has other requests");
    }
}

fn servegen_over_5g(traces: &Path) {
    let rows = run(300, &five_g(traces, "100"), &servegen(traces));
    drawn_from_servegen(traces, &rows);
}

fn servegen_over_lte(traces: &Path) {
    let of = |way: &str| {
        let file = traces.join(format!("network/mahimahi_Verizon-LTE-short.{way}.gz"));
        format!("{way}.mahimahi = \"{}\"\n", file.display())
    };
    let rows = run(200, &(of("up") + &of("down")), &servegen(traces));
    drawn_from_servegen(traces, &rows);
}

fn azure_llm(traces: &Path) {
    for name in ["conv", "code"] {
        let file = traces.join(format!("requests/azure_llm_2023_{name}.csv.gz"));
        let request = |line: &str| {
            let fields: Vec<f64> = line.split(',').map(|field| field.parse().expect("a number")).collect();
            (fields[0], fields[1] as u64, fields[2] as u64)
        };
        let trace: Vec<_> = unpacked(&file).lines().skip(1).take(200).map(request).collect();
        let rows = run(trace.len(), &five_g(traces, "100"), &format!("dataset.azure_llm = \"{}\"", file.display()));
        carries(&rows, &trace);
    }
}

fn mooncake(traces: &Path) {
    let file = traces.join("requests/mooncake_conversation.jsonl.gz");
    let request = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let number = |key: &str| line[key].as_u64().expect("a count");
        (number("timestamp") as f64 / 1e3, number("input_length"), number("output_length"))
    };
    let trace: Vec<_> = unpacked(&file).lines().take(100).map(request).collect();
    let rows = run(trace.len(), &five_g(traces, "100"), &format!("dataset.mooncake = \"{}\"", file.display()));
    carries(&rows, &trace);
}
