use super::*;
use crate::spans::Span;
use proptest::prelude::*;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use tables::{Kind, Lane, Phase};

fn span(lane: Lane, kind: Kind, phase: Phase, round: u32, [start_ns, end_ns]: [u64; 2]) -> Span {
    Span { lane, unit: 0, kind, phase, round, tokens: 1, context_tokens: 0, bytes: 8, batch: 2, start_ns, end_ns }
}

fn request(number: u64, parts: Vec<Span>) -> Request {
    let end = parts.iter().map(|part| part.end_ns).max().unwrap_or(0);
    let start = parts.iter().map(|part| part.start_ns).min().unwrap_or(0);
    let whole = span(Lane::Request, Kind::Request, Phase::Whole, 0, [start, end]);
    Request { number, edge: 0, whole, parts }
}

fn served(point: u32, policy: &str, requests: Vec<Request>) -> Served {
    let (dataset, place) = ("vqav2".to_owned(), format!("vqav2, {point} Mbps"));
    Served { policy: policy.to_owned(), dataset, bandwidth_mbps: f64::from(point), point, place, requests }
}

fn written(served: &[Served], most: usize) -> Value {
    let mut out = Vec::new();
    write_into(served, most, &mut out).expect("memory");
    serde_json::from_slice(&out).expect("JSON")
}

fn events(file: &Value) -> &[Value] {
    file["traceEvents"].as_array().expect("events")
}

/// The slices of each thread by its name: their names, and when they begin and end.
fn threads(file: &Value) -> BTreeMap<String, Vec<(String, f64, f64)>> {
    let name = |event: &Value| event["args"]["name"].as_str().unwrap_or_default().to_owned();
    let names: BTreeMap<u64, String> = events(file)
        .iter()
        .filter(|event| event["name"] == "thread_name")
        .map(|event| (event["tid"].as_u64().expect("a thread"), name(event)))
        .collect();
    let mut threads: BTreeMap<String, Vec<(String, f64, f64)>> = BTreeMap::new();
    for event in events(file) {
        let thread = || names[&event["tid"].as_u64().expect("a thread")].clone();
        let at = event["ts"].as_f64().unwrap_or(f64::NAN);
        match event["ph"].as_str() {
            Some("B") => {
                let name = event["name"].as_str().expect("a name").to_owned();
                threads.entry(thread()).or_default().push((name, at, f64::NAN));
            }
            Some("E") => threads.get_mut(&thread()).and_then(|slices| slices.last_mut()).expect("a slice").2 = at,
            _ => {}
        }
    }
    threads
}

#[test]
fn what_overlaps_has_a_lane_for_each() {
    let verify = |times| span(Lane::CloudGpu, Kind::Verify, Phase::Running, 1, times);
    let requests = vec![
        request(0, vec![verify([1_000, 3_500]), verify([3_500, 4_001])]),
        request(1, vec![verify([1_000, 3_500])]),
        request(2, vec![verify([3_499, 5_000])]),
    ];
    let file = written(&[served(1, "msao", requests)], 1000);
    let slice = |name: &str, from: f64, to: f64| (name.to_owned(), from, to);
    let expected = BTreeMap::from([
        ("cloud GPU 0".to_owned(), vec![slice("verify #0", 1.0, 3.5), slice("verify #0", 3.5, 4.001)]),
        ("cloud GPU 0 (2)".to_owned(), vec![slice("verify #1", 1.0, 3.5)]),
        ("cloud GPU 0 (3)".to_owned(), vec![slice("verify #2", 3.499, 5.0)]),
    ]);
    assert_eq!(threads(&file), expected);
}

#[test]
fn arrows_go_from_the_last_draft_to_the_verdict() {
    let parts = vec![
        span(Lane::EdgeGpu, Kind::Draft, Phase::Running, 1, [0, 10]),
        span(Lane::EdgeGpu, Kind::Draft, Phase::Running, 1, [10, 20]),
        span(Lane::Uplink, Kind::Drafts, Phase::Queued, 1, [20, 25]),
        span(Lane::Uplink, Kind::Drafts, Phase::Sending, 1, [25, 30]),
        span(Lane::Uplink, Kind::Drafts, Phase::Flying, 1, [30, 40]),
        span(Lane::CloudGpu, Kind::Verify, Phase::Running, 1, [41, 50]),
        span(Lane::Downlink, Kind::Verdict, Phase::Sending, 1, [50, 51]),
        span(Lane::Downlink, Kind::Verdict, Phase::Flying, 1, [51, 60]),
        // Drafted and never sent.
        span(Lane::EdgeGpu, Kind::Draft, Phase::Running, 2, [45, 55]),
    ];
    let file = written(&[served(1, "msao", vec![request(7, parts)])], 1000);
    let arrow = |event: &Value| {
        let ph = event["ph"].as_str().filter(|ph| matches!(*ph, "s" | "t" | "f"))?.to_owned();
        Some((ph, event["id"].as_u64()?, event["ts"].as_f64()?))
    };
    let mut arrows: Vec<_> = events(&file).iter().filter_map(arrow).collect();
    arrows.sort_by(|a, b| a.2.total_cmp(&b.2));
    let expected = [("s", 0.01), ("t", 0.025), ("t", 0.041), ("f", 0.05)];
    assert_eq!(arrows, expected.map(|(ph, at)| (ph.to_owned(), 1, at)));
    assert_eq!(threads(&file).keys().collect::<Vec<_>>().len(), 6, "the wait has no lane");
}

#[test]
fn a_file_stays_small_enough_to_be_opened() {
    let one =
        |number| request(number, vec![span(Lane::EdgeGpu, Kind::Draft, Phase::Running, 1, [number, number + 1]); 3]);
    let requests = || (0..4).map(one).collect::<Vec<_>>();
    let table: Vec<Served> =
        (0..3).flat_map(|point| ["a", "b"].map(|policy| served(point, policy, requests()))).collect();
    let shown = |most: usize| {
        let file = written(&table, most);
        let named = |event: &&Value| event["name"] == "process_name";
        let names = events(&file).iter().filter(named).count();
        let lives: BTreeSet<String> = events(&file)
            .iter()
            .filter(|event| event["ph"] == "b" && event["cat"] == "request")
            .map(|event| format!("{} {}", event["pid"], event["id2"]["local"]))
            .collect();
        (names, lives.len(), file["otherData"]["points"].as_str().map(str::to_owned))
    };
    let points = |count: u32| Some(format!("the first {count} of 3, in the order of the scenario"));
    assert_eq!(shown(72), (6, 24, points(3)));
    assert_eq!(shown(71), (4, 16, points(2)));
    assert_eq!(shown(24), (2, 8, points(1)));
    assert_eq!(shown(23), (2, 6, points(1)), "three requests of each policy");
    assert_eq!(shown(0), (2, 2, points(1)), "one request at least");
}

proptest! {
    /// Whatever overlaps: no thread has two slices at once, none is lost, and the lanes are as few as can be.
    #[test]
    fn threads_never_overlap(times in prop::collection::vec((0u64..50, 0u64..20), 1..40)) {
        let parts = times.iter().map(|(start, long)| {
            span(Lane::EdgeGpu, Kind::Decode, Phase::Running, 0, [*start, start + long])
        });
        let file = written(&[served(1, "msao", vec![request(0, parts.collect())])], 1000);
        let threads = threads(&file);
        prop_assert_eq!(threads.values().map(Vec::len).sum::<usize>(), times.len());
        for slices in threads.values() {
            for pair in slices.windows(2) {
                prop_assert!(pair[0].2 <= pair[1].1, "{:?}", pair);
            }
        }
        let at_once = |at: u64| times.iter().filter(|(start, long)| (*start..start + long).contains(&at)).count();
        prop_assert!(threads.len() <= (0..70).map(at_once).max().unwrap_or(0).max(1) + 1);
    }
}
