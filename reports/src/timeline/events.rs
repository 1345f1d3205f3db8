//! Chrome trace events, written one by one. Format: "Trace Event Format", the JSON object form.
//!
//! Slices are pairs of `B` and `E` rather than `X` with a duration: where one slice ends and the next begins the same number
//! stands twice, so that no reader's rounding makes them overlap.

use crate::spans::Span;
use serde::Serialize;
use serde_json::Value;
use std::io::{self, Write};
use tables::{Lane, Phase};

/// Writes events into one file.
pub(super) struct Writer<W: Write> {
    out: W,
    is_empty: bool,
    process: u32,
    /// Threads so far, over all processes: some readers want their numbers to differ.
    threads: u32,
    sort_index: u32,
    flows: u64,
}

/// Threads are counted from here, so that none has the number of a process.
const FIRST_THREAD: u32 = 100_000;

#[derive(Default, Serialize)]
struct Event<'e> {
    ph: &'e str,
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'e str,
    #[serde(skip_serializing_if = "str::is_empty")]
    cat: &'e str,
    pid: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    tid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ts: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id2: Option<Local>,
    #[serde(skip_serializing_if = "str::is_empty")]
    bp: &'e str,
    #[serde(skip_serializing_if = "Option::is_none")]
    args: Option<Value>,
}

/// An identifier within its process.
#[derive(Serialize)]
struct Local {
    local: String,
}

/// The start, a step or the end of an arrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrow {
    Start,
    Step,
    End,
}

/// Microseconds, with at most three decimals.
fn us(ns: u64) -> Option<f64> {
    Some(ns as f64 / 1000.0)
}

impl<W: Write> Writer<W> {
    /// Begins a file that says this of itself.
    pub fn begin(mut out: W, note: &Value) -> io::Result<Self> {
        write!(out, "{{\"displayTimeUnit\":\"ms\",\"otherData\":{note},\"traceEvents\":[")?;
        Ok(Self { out, is_empty: true, process: 0, threads: 0, sort_index: 0, flows: 0 })
    }

    /// Ends it.
    pub fn end(mut self) -> io::Result<()> {
        self.out.write_all(b"\n]}\n")?;
        self.out.flush()
    }

    fn write(&mut self, event: &Event<'_>) -> io::Result<()> {
        self.out.write_all(if self.is_empty { b"\n" } else { b",\n" })?;
        self.is_empty = false;
        serde_json::to_writer(&mut self.out, event)?;
        Ok(())
    }

    fn metadata(&mut self, name: &str, tid: Option<u32>, args: Value) -> io::Result<()> {
        let pid = self.process;
        self.write(&Event { ph: "M", name, pid, tid, args: Some(args), ..Event::default() })
    }

    /// Begins a process.
    pub fn process(&mut self, pid: u32, name: &str) -> io::Result<()> {
        (self.process, self.sort_index) = (pid, 0);
        self.metadata("process_name", None, serde_json::json!({ "name": name }))?;
        self.metadata("process_sort_index", None, serde_json::json!({ "sort_index": pid }))
    }

    /// A new thread of the process, below those before it. Its number.
    pub fn thread(&mut self, name: &str) -> io::Result<u32> {
        let tid = FIRST_THREAD + self.threads;
        self.threads += 1;
        self.sort_index += 1;
        self.metadata("thread_name", Some(tid), serde_json::json!({ "name": name }))?;
        self.metadata("thread_sort_index", Some(tid), serde_json::json!({ "sort_index": self.sort_index }))?;
        Ok(tid)
    }

    /// A number for an arrow.
    pub fn flow(&mut self) -> u64 {
        self.flows += 1;
        self.flows
    }

    /// A slice of a thread, and an arrow that starts, goes on or ends at its beginning.
    pub fn slice(&mut self, tid: u32, request: u64, span: &Span, arrow: Option<(Arrow, u64)>) -> io::Result<()> {
        let (pid, tid) = (self.process, Some(tid));
        let what = if span.phase == Phase::Preempted { span.phase.name() } else { span.kind.name() };
        let (name, cat, args) = (format!("{what} #{request}"), category(span), Some(details(request, span)));
        let ts = us(span.start_ns);
        self.write(&Event { ph: "B", name: &name, cat, pid, tid, ts, args, ..Event::default() })?;
        if let Some((arrow, id)) = arrow {
            let (ph, bp) = match arrow {
                Arrow::Start => ("s", ""),
                Arrow::Step => ("t", ""),
                Arrow::End => ("f", "e"),
            };
            let event = Event { ph, name: "round", cat: "round", pid, tid, ts, id: Some(id), bp, ..Event::default() };
            self.write(&event)?;
        }
        self.write(&Event { ph: "E", pid, tid, ts: us(span.end_ns), ..Event::default() })
    }

    /// Begins or ends a slice of the lane that a request has for itself.
    pub fn of_request(
        &mut self,
        request: u64,
        begins: bool,
        name: &str,
        at_ns: u64,
        args: Option<Value>,
    ) -> io::Result<()> {
        let id2 = Some(Local { local: format!("0x{request:x}") });
        let ph = if begins { "b" } else { "e" };
        let (pid, ts) = (self.process, us(at_ns));
        self.write(&Event { ph, name, cat: "request", pid, ts, id2, args, ..Event::default() })
    }
}

/// The category of a slice, for filters.
fn category(span: &Span) -> &'static str {
    match span.lane {
        Lane::Request => "request",
        Lane::EdgeCpu | Lane::EdgeGpu => "edge",
        Lane::Uplink | Lane::Downlink => "link",
        Lane::CloudCpu | Lane::CloudGpu => "cloud",
    }
}

/// The details of a slice beside its name and times; a 0 does not apply.
pub(super) fn details(request: u64, span: &Span) -> Value {
    let known = [
        ("round", u64::from(span.round)),
        ("tokens", u64::from(span.tokens)),
        ("context_tokens", span.context_tokens),
        ("batch", u64::from(span.batch)),
        ("bytes", span.bytes),
    ];
    let known = known.into_iter().filter(|(_, value)| *value > 0);
    std::iter::once(("request", request))
        .chain(known)
        .map(|(name, value)| (name.to_owned(), Value::from(value)))
        .collect()
}
