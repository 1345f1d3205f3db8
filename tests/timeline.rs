//! `spans.parquet`, and what is made of it: `timeline.json` and the stages of a request.

mod format;

use crate::parquet_file::{Row, count, number, rows, text};
use crate::support::{Output, Sim};
use format::Trace;
use parquet::record::Field;
use reports::{Stage, stage_times};
use std::collections::{BTreeMap, BTreeSet};

/// Every way in which a request can be served, on several edges and cloud GPUs, each with several things to do at once.
const ALL: &str = "
name = \"all\"
replications = 2

[edge]
count = 2

[cloud]
gpus = 2

[workload]
requests = 40
dataset.custom = { name = \"photo\", width = 640, height = 480, text_tokens = 30, output_tokens = 30 }

[arrivals.closed_loop]
clients = 3

[policy.cloud_only]
[policy.edge_only]
[policy.cloud_pruned]
[policy.mindfusion]
[[policy.perllm]]
label = \"split\"
reading.layer_split = 8
[[policy.perllm]]
label = \"bandit\"
[[policy.speculative]]
label = \"blocking\"
[[policy.speculative]]
label = \"one_by_one\"
verify.time = \"literal\"
[[policy.speculative]]
label = \"off_the_link\"
verify.rtt = \"none\"
[[policy.msao]]
[[policy.msao]]
label = \"pipelined\"
draft_during_verify.pipelined = 3
[[policy.msao]]
label = \"trust\"
semantics = \"trust\"
[[policy.msao]]
label = \"rest_on_cloud\"
low_confidence = \"rest_on_cloud\"
";

/// Runs [`ALL`] with these settings and draws its report.
fn run(settings: &[&str]) -> (Sim, Output) {
    let sim = Sim::new().with("all.toml", ALL);
    let sets = settings.iter().flat_map(|setting| ["--set", setting]);
    let output = sim.run_with_report(["all.toml", "--out", "out"].into_iter().chain(sets));
    assert_eq!(output.code, Some(0), "{output:#?}");
    (sim, output)
}

fn timeline(sim: &Sim) -> Trace {
    format::read(&sim.text("out/timeline.json"))
}

/// Nanoseconds of a latency that the table has in milliseconds.
fn ns(row: &Row, column: &str) -> u64 {
    (number(row, column).expect("a latency") * 1e6).round() as u64
}

/// The stages of each request come to its latency, exactly, and nothing is left that no stage claims.
fn stages_are_the_latency(sim: &Sim) {
    let requests = rows(&sim.path("out/requests.parquet"));
    let key = |row: &Row| (text(row, "policy").to_owned(), count(row, "point"), count(row, "request"));
    let first = requests.iter().filter(|row| count(row, "replication") == 0);
    let e2e: BTreeMap<_, _> = first.map(|row| (key(row), ns(row, "e2e_ms"))).collect();
    let times = stage_times(&sim.path("out")).expect("spans");
    assert_eq!(times.len(), e2e.len(), "40 requests are few enough for all of them");
    for times in times {
        let latency = e2e[&(times.policy.clone(), u64::from(times.point), times.request)];
        assert_eq!(times.ns.iter().sum::<u64>(), latency, "{times:?}");
        assert_eq!(times.ns[Stage::Other as usize], 0, "{times:?}");
    }
}

#[test]
fn every_policy_has_a_timeline_that_keeps_to_the_format() {
    let (sim, output) = run(&[]);
    let trace = timeline(&sim);
    assert_eq!(trace.processes.len(), 13, "{:?}", trace.processes.keys());
    let threads = |policy: &str| {
        let pid = trace.processes[&format!("{policy}, photo, 400 Mbps")];
        let names = trace.threads.iter().filter(|(process, _)| *process == pid).map(|(_, name)| name.as_str());
        names.collect::<BTreeSet<_>>()
    };
    let has = |policy: &str, names: &[&str]| names.iter().all(|name| threads(policy).contains(name));
    assert!(has("msao", &["edge 0 CPU", "edge 0 GPU", "edge 1 CPU", "edge 1 GPU", "uplink", "uplink, in flight"]));
    assert!(has("msao", &["cloud GPU 0", "cloud GPU 1", "downlink", "downlink, in flight"]));
    assert!(has("cloud_only", &["cloud GPU 0 (2)", "cloud GPU 0 (3)"]), "batched items beside each other");
    assert!(!threads("edge_only").iter().any(|name| name.contains("link") || name.contains("cloud")));
    // Each request has its lane, and its stages are in it without a gap.
    let lives = trace.lanes.iter().filter(|(_, name, ..)| name.starts_with("request ")).count();
    assert_eq!(lives, 13 * 30);
    let long =
        |lanes: &mut dyn Iterator<Item = &(u64, String, u64, u64)>| lanes.map(|(.., from, to)| to - from).sum::<u64>();
    let whole = long(&mut trace.lanes.iter().filter(|(_, name, ..)| name.starts_with("request ")));
    let stages = long(&mut trace.lanes.iter().filter(|(_, name, ..)| !name.starts_with("request ")));
    assert_eq!(whole, stages);
    assert!(!output.stdout.contains("claims of papers"), "a dataset of its own: {output:?}");
}

#[test]
fn arrows_link_draft_message_verification_and_verdict() {
    let (sim, _) = run(&[]);
    let trace = timeline(&sim);
    let kinds = |arrow: &Vec<String>| {
        let kind = |slice: &String| slice.split(" #").next().unwrap_or_default().to_owned();
        let request = |slice: &String| slice.split(" #").nth(1).map(str::to_owned);
        assert!(arrow.iter().all(|slice| request(slice) == request(&arrow[0])), "{arrow:?}");
        arrow.iter().map(kind).collect::<Vec<_>>().join(" > ")
    };
    let seen: BTreeMap<String, usize> = trace.arrows.iter().fold(BTreeMap::new(), |mut seen, arrow| {
        *seen.entry(kinds(arrow)).or_default() += 1;
        seen
    });
    for wanted in [
        "draft > drafts > verify > verdict",
        // Past the link a message takes no time, and has no slice to point at.
        "draft > verify",
        // A token that the edge is not sure of, where tokens are trusted.
        "decode > drafts > verify > verdict",
        "lower_layers > hidden > upper_layers > token",
        // Void: a token before them was rejected.
        "draft > drafts",
    ] {
        assert!(seen.get(wanted).is_some_and(|count| *count > 10), "{wanted} in {seen:?}");
    }
}

#[test]
fn stages_come_to_the_latency() {
    let (sim, _) = run(&[]);
    stages_are_the_latency(&sim);
    let svg = sim.text("out/report/stages.svg");
    assert!(svg.contains("\nwait for verdict\n") && !svg.contains("\nother\n"), "{svg}");
}

#[test]
fn a_shared_and_lossy_link_is_shown_too() {
    let link =
        ["link.sharing.fair={}", "link.loss=5 %", "link.jitter=3 ms", "link.header=52 B", "link.bandwidth=20 Mbps"];
    let (sim, _) = run(&link);
    stages_are_the_latency(&sim);
    let trace = timeline(&sim);
    assert!(trace.threads.iter().any(|(_, name)| name == "uplink (2)"), "messages share the link");
}

#[test]
fn a_queue_at_every_station_is_shown_too() {
    let busy = ["edge.engine=hf", "cloud.engine=hf", "cloud.gpus=1", "edge.count=1", "link.bandwidth=10 Mbps"];
    let (sim, _) = run(&busy);
    stages_are_the_latency(&sim);
    let spans = rows(&sim.path("out/spans.parquet"));
    let waits: BTreeSet<&str> =
        spans.iter().filter(|row| text(row, "phase") == "queued").map(|row| text(row, "lane")).collect();
    assert!(waits.is_superset(&BTreeSet::from(["edge_gpu", "cloud_gpu", "uplink"])), "{waits:?}");
    timeline(&sim);
}

#[test]
fn some_requests_of_a_long_run_are_spread_over_it() {
    let sim = Sim::small();
    sim.done(["small.toml", "--set", "workload.requests=1000", "--set", "replications=2", "--out", "out"]);
    let spans = rows(&sim.path("out/spans.parquet"));
    let numbers = |flag: &str| -> BTreeSet<u64> {
        let that = spans.iter().filter(|row| row[flag] == Field::Bool(true));
        that.map(|row| count(row, "request")).collect()
    };
    assert_eq!(numbers("first"), (0..30).collect());
    // One of each ten.
    let pieces: Vec<u64> = numbers("spread").into_iter().map(|request| request / 10).collect();
    assert_eq!(pieces, (0..100).collect::<Vec<_>>());
    assert!(spans.iter().all(|row| count(row, "replication") == 0));
}

#[test]
fn threads_do_not_change_the_timeline() {
    let sim = Sim::new().with("all.toml", ALL);
    for threads in ["1", "2"] {
        let output = sim.run_with_report(["all.toml", "--threads", threads, "--out", threads]);
        assert_eq!(output.code, Some(0), "{output:#?}");
    }
    let [one, two] = ["1", "2"].map(|name| sim.tree_of(name));
    for file in ["spans.parquet", "timeline.json", "report/stages.svg", "report/stages.png"] {
        assert!(one[file] == two[file] && one[file].is_some(), "{file}");
    }
    // And it is drawn again from the table alone.
    std::fs::remove_file(sim.path("1/timeline.json")).expect("it is there");
    sim.done(["report", "1"]);
    assert!(sim.tree_of("1")["timeline.json"] == two["timeline.json"]);
}

#[test]
fn a_sweep_has_no_timeline() {
    let sim = Sim::small();
    sim.done(["sweep", "small.toml", "--out", "out"]);
    let names = sim.names("out");
    assert!(!names.iter().any(|name| name.contains("spans") || name.contains("timeline")), "{names:?}");
}

#[test]
fn a_table_that_is_not_whole_is_refused() {
    let (sim, _) = run(&[]);
    std::fs::copy(sim.path("out/requests.parquet"), sim.path("out/spans.parquet")).expect("a copy");
    let output = sim.run(["report", "out"]);
    assert_eq!(output.code, Some(2), "{output:#?}");
    let expected =
        "sim: out/spans.parquet: found the table requests/7; expected the whole table spans/1; run the scenario again";
    assert!(output.stderr.starts_with(expected), "{output:#?}");
}
