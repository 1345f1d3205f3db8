//! Holds a file of Chrome trace events to their format, as "Trace Event Format" says it and Perfetto reads it.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The content of a file that keeps to the format.
#[derive(Debug, Default)]
pub struct Trace {
    /// Processes by their name.
    pub processes: BTreeMap<String, u64>,
    /// Threads by their process and name.
    pub threads: BTreeSet<(u64, String)>,
    /// Slices of threads: process, thread, name, beginning and end in ns.
    pub slices: Vec<(u64, String, String, u64, u64)>,
    /// Slices of lanes of their own: process, name, beginning and end in ns.
    pub lanes: Vec<(u64, String, u64, u64)>,
    /// The names of the slices that each arrow goes through.
    pub arrows: Vec<Vec<String>>,
}

/// A slice that is open: its name and beginning.
type Open = (String, u64);

#[derive(Default)]
struct Reader {
    trace: Trace,
    process_names: BTreeMap<u64, String>,
    thread_names: BTreeMap<(u64, u64), String>,
    /// Time of the last event of each thread.
    latest: BTreeMap<(u64, u64), u64>,
    open: BTreeMap<(u64, u64), Vec<Open>>,
    open_lanes: BTreeMap<(u64, String), Vec<Open>>,
    /// The events of each arrow: phase, time in ns, slice.
    flows: BTreeMap<u64, Vec<(String, u64, String)>>,
}

/// Reads a file; panics where it does not keep to the format.
pub fn read(text: &str) -> Trace {
    let file: Value = serde_json::from_str(text).expect("JSON");
    assert!(matches!(file["displayTimeUnit"].as_str(), Some("ms" | "ns")), "displayTimeUnit");
    let events = file["traceEvents"].as_array().expect("traceEvents");
    let mut reader = Reader::default();
    // Names first: a reader may want them anywhere.
    events.iter().filter(|event| event["ph"] == "M").for_each(|event| reader.metadata(event));
    for event in events {
        reader.event(event);
    }
    reader.finish()
}

fn number(event: &Value, field: &str) -> u64 {
    event[field].as_u64().unwrap_or_else(|| panic!("{field}, a whole number of at least 0, in {event}"))
}

fn text<'e>(event: &'e Value, field: &str) -> &'e str {
    let text = event[field].as_str().filter(|text| !text.is_empty());
    text.unwrap_or_else(|| panic!("{field}, a text, in {event}"))
}

/// The time in whole nanoseconds; more than three decimals of a microsecond are none.
fn time(event: &Value) -> u64 {
    let us = event["ts"].as_f64().unwrap_or_else(|| panic!("ts, a number, in {event}"));
    assert!(us.is_finite() && us >= 0.0, "{event}");
    let ns = (us * 1000.0).round();
    assert!(us == ns / 1000.0, "a fraction of a nanosecond in {event}");
    ns as u64
}

impl Reader {
    fn metadata(&mut self, event: &Value) {
        let pid = number(event, "pid");
        assert!(pid > 0, "0 is the scheduler's: {event}");
        match text(event, "name") {
            "process_name" => {
                let name = text(&event["args"], "name").to_owned();
                assert_eq!(self.process_names.insert(pid, name.clone()), None, "{event}");
                assert_eq!(self.trace.processes.insert(name, pid), None, "{event}");
            }
            "thread_name" => {
                let (tid, name) = (number(event, "tid"), text(&event["args"], "name").to_owned());
                assert!(tid > 0 && self.thread_names.keys().all(|(_, other)| *other != tid), "{event}");
                assert_eq!(self.thread_names.insert((pid, tid), name.clone()), None, "{event}");
                assert!(self.trace.threads.insert((pid, name)), "{event}");
            }
            "process_sort_index" | "thread_sort_index" => drop(number(&event["args"], "sort_index")),
            _ => panic!("unknown metadata: {event}"),
        }
    }

    fn event(&mut self, event: &Value) {
        match text(event, "ph") {
            "M" => {}
            "B" | "E" => self.slice(event),
            "s" | "t" | "f" => self.flow(event),
            "b" | "e" => self.lane(event),
            _ => panic!("unknown phase: {event}"),
        }
    }

    /// The thread of an event, which is named, and whose time does not go back.
    fn thread(&mut self, event: &Value) -> (u64, u64) {
        let thread = (number(event, "pid"), number(event, "tid"));
        assert!(self.thread_names.contains_key(&thread) && self.process_names.contains_key(&thread.0), "{event}");
        let latest = self.latest.entry(thread).or_default();
        assert!(*latest <= time(event), "back in time: {event}");
        *latest = time(event);
        thread
    }

    fn slice(&mut self, event: &Value) {
        let thread = self.thread(event);
        let open = self.open.entry(thread).or_default();
        if event["ph"] == "B" {
            text(event, "cat");
            assert!(event["args"].is_object(), "{event}");
            // What works does one thing at a time on each of its lanes.
            assert!(open.is_empty(), "{event} within {open:?}");
            open.push((text(event, "name").to_owned(), time(event)));
        } else {
            let (name, begun) = open.pop().unwrap_or_else(|| panic!("nothing is open: {event}"));
            self.trace.slices.push((thread.0, self.thread_names[&thread].clone(), name, begun, time(event)));
        }
    }

    fn flow(&mut self, event: &Value) {
        let thread = self.thread(event);
        assert_eq!((text(event, "name"), text(event, "cat")), ("round", "round"));
        assert_eq!(event["bp"] == "e", event["ph"] == "f", "an end binds to the slice that encloses it: {event}");
        let open = self.open.get(&thread).and_then(|open| open.last());
        let (slice, begun) = open.unwrap_or_else(|| panic!("bound to no slice: {event}"));
        assert_eq!(*begun, time(event), "{event}");
        let step = (text(event, "ph").to_owned(), time(event), slice.clone());
        self.flows.entry(number(event, "id")).or_default().push(step);
    }

    fn lane(&mut self, event: &Value) {
        let pid = number(event, "pid");
        assert!(self.process_names.contains_key(&pid), "{event}");
        assert_eq!(text(event, "cat"), "request");
        let lane = (pid, text(&event["id2"], "local").to_owned());
        let (name, at) = (text(event, "name").to_owned(), time(event));
        let open = self.open_lanes.entry(lane).or_default();
        if event["ph"] == "b" {
            assert!(open.last().is_none_or(|(_, begun)| *begun <= at), "{event} begins before what it is in");
            open.push((name, at));
        } else {
            let (begun_name, begun) = open.pop().unwrap_or_else(|| panic!("nothing is open: {event}"));
            assert!(begun_name == name && begun <= at, "{event} ends {begun_name}");
            self.trace.lanes.push((pid, name, begun, at));
        }
    }

    fn finish(mut self) -> Trace {
        assert!(self.open.values().all(Vec::is_empty), "slices that never end: {:?}", self.open);
        assert!(self.open_lanes.values().all(Vec::is_empty), "lanes that never end: {:?}", self.open_lanes);
        for (id, mut flow) in self.flows {
            flow.sort_by_key(|(_, at, _)| *at);
            let phases: String = flow.iter().map(|(phase, ..)| phase.as_str()).collect();
            let middle = phases.strip_prefix('s').and_then(|rest| rest.strip_suffix('f'));
            assert!(middle.is_some_and(|middle| middle.chars().all(|phase| phase == 't')), "arrow {id}: {flow:?}");
            self.trace.arrows.push(flow.into_iter().map(|(.., slice)| slice).collect());
        }
        self.trace
    }
}
