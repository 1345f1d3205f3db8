//! `spans.parquet`: what some requests of each policy at each point did, and when. Times are whole nanoseconds.

use crate::frame::{self, ReportError};
use crate::runs::{Cell, Runs};
use polars::prelude::{DataFrame, PolarsError};
use std::collections::BTreeMap;
use std::path::Path;

/// The version of the table that is read.
const VERSION: u32 = 1;

/// Where a span took place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lane {
    Request,
    EdgeCpu,
    EdgeGpu,
    Uplink,
    CloudGpu,
    Downlink,
}

/// What a request did meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    Whole,
    Queued,
    Running,
    Sending,
    Flying,
}

const LANES: [(&str, Lane); 6] = [
    ("request", Lane::Request),
    ("edge_cpu", Lane::EdgeCpu),
    ("edge_gpu", Lane::EdgeGpu),
    ("uplink", Lane::Uplink),
    ("cloud_gpu", Lane::CloudGpu),
    ("downlink", Lane::Downlink),
];

const PHASES: [(&str, Phase); 5] = [
    ("whole", Phase::Whole),
    ("queued", Phase::Queued),
    ("running", Phase::Running),
    ("sending", Phase::Sending),
    ("flying", Phase::Flying),
];

/// What there is to do or to send.
const KINDS: [&str; 16] = [
    "request",
    "preprocess",
    "plan",
    "probe",
    "encode",
    "prefill",
    "decode",
    "draft",
    "verify",
    "lower_layers",
    "upper_layers",
    "input",
    "hidden",
    "drafts",
    "verdict",
    "token",
];

/// A part of a request's life.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Span {
    pub lane: Lane,
    pub unit: u32,
    pub kind: &'static str,
    pub phase: Phase,
    /// From 1; 0 if it belongs to none.
    pub round: u32,
    pub tokens: u32,
    pub context_tokens: u64,
    pub bytes: u64,
    pub batch: u32,
    pub start_ns: u64,
    pub end_ns: u64,
}

/// A request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Request {
    pub number: u64,
    pub edge: u32,
    /// Whether it is one of the first, which follow each other.
    pub first: bool,
    /// Whether it is one of those that are spread over the run.
    pub spread: bool,
    /// All of it, from submission to last token.
    pub whole: Span,
    /// What it is made of, in the order of their starts.
    pub parts: Vec<Span>,
}

/// A policy at a point.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Served {
    pub policy: String,
    pub dataset: String,
    pub bandwidth_mbps: f64,
    pub point: u32,
    /// What its point is called.
    pub place: String,
    /// By number.
    pub requests: Vec<Request>,
}

/// Reads the table, in the order of points and policies in the file.
///
/// # Errors
///
/// If it is not there or not what it should be.
pub(crate) fn read(folder: &Path) -> Result<Vec<Served>, ReportError> {
    let frame = frame::read_version(folder, "spans", VERSION)?;
    let path = folder.join("spans.parquet");
    let rows = rows(&frame).map_err(|error| ReportError::Table { path: path.clone(), error })?;
    let refused = |found: String| {
        let remedy = "run the scenario again with this version of sim";
        ReportError::refused(format!("{}: {found}; {remedy}", path.display()))
    };
    let others = others(folder)?;
    let mut all: Vec<Served> = Vec::new();
    for row in rows {
        let span = row.span().map_err(refused)?;
        let known = all.last().is_some_and(|last| last.point == row.point && last.policy == row.policy);
        if !known {
            let (policy, dataset) = (row.policy.to_owned(), row.dataset.to_owned());
            let Row { bandwidth_mbps, point, .. } = row;
            let place = format!("{dataset}, {bandwidth_mbps} Mbps{}", others.get(&point).map_or("", String::as_str));
            all.push(Served { policy, dataset, bandwidth_mbps, point, place, requests: Vec::new() });
        }
        let requests = &mut all.last_mut().expect("one was pushed").requests;
        let Row { request: number, edge, first, spread, .. } = row;
        requests.push(Request { number, edge, first, spread, whole: span, parts: Vec::new() });
    }
    for served in &mut all {
        served.requests = together(std::mem::take(&mut served.requests)).map_err(refused)?;
    }
    Ok(all)
}

/// What varies between points beside dataset and bandwidth, as text behind these, by point.
fn others(folder: &Path) -> Result<BTreeMap<u32, String>, ReportError> {
    let runs = Runs::read(folder)?;
    let varies = |key: &usize| runs.cells.iter().any(|cell| cell.values[*key] != runs.cells[0].values[*key]);
    let named = |key: &usize| !matches!(runs.keys[*key].as_str(), "dataset" | "bandwidth_mbps");
    let keys: Vec<usize> = (0..runs.keys.len()).filter(named).filter(varies).collect();
    let text = |cell: &Cell| {
        let one = |key: &usize| {
            let name = runs.keys[*key].rsplit('.').next().unwrap_or_default();
            format!(", {name} {}", cell.values[*key])
        };
        keys.iter().map(one).collect()
    };
    // A point whose number does not fit has no spans.
    Ok(runs.cells.iter().filter_map(|cell| Some((u32::try_from(cell.point).ok()?, text(cell)))).collect())
}

/// Makes whole requests of spans, each of which came as a request of its own.
fn together(spans: Vec<Request>) -> Result<Vec<Request>, String> {
    let mut requests: BTreeMap<u64, (Option<Request>, Vec<Span>)> = BTreeMap::new();
    for request in spans {
        let (whole, parts) = requests.entry(request.number).or_default();
        if request.whole.phase == Phase::Whole {
            *whole = Some(request);
        } else {
            parts.push(request.whole);
        }
    }
    let whole = |(number, (whole, mut parts)): (u64, (Option<Request>, Vec<Span>))| {
        let whole = whole.ok_or_else(|| format!("found spans of request {number} but not the whole of it"))?;
        parts.sort_by_key(|span| (span.start_ns, span.end_ns));
        Ok(Request { parts, ..whole })
    };
    requests.into_iter().map(whole).collect()
}

/// A row as the file has it.
struct Row<'f> {
    policy: &'f str,
    dataset: &'f str,
    bandwidth_mbps: f64,
    point: u32,
    request: u64,
    first: bool,
    spread: bool,
    edge: u32,
    lane: &'f str,
    unit: u32,
    kind: &'f str,
    phase: &'f str,
    round: u32,
    tokens: u32,
    context_tokens: u64,
    bytes: u64,
    batch: u32,
    start_ns: u64,
    duration_ns: u64,
}

impl Row<'_> {
    fn span(&self) -> Result<Span, String> {
        let lane = named(&LANES, "lane", self.lane)?;
        let phase = named(&PHASES, "phase", self.phase)?;
        let kind = KINDS.into_iter().find(|kind| *kind == self.kind);
        let end_ns = self.start_ns.checked_add(self.duration_ns);
        Ok(Span {
            lane,
            unit: self.unit,
            kind: kind.ok_or_else(|| format!("found the kind `{}`, expected a known one", self.kind))?,
            phase,
            round: self.round,
            tokens: self.tokens,
            context_tokens: self.context_tokens,
            bytes: self.bytes,
            batch: self.batch,
            start_ns: self.start_ns,
            end_ns: end_ns.ok_or_else(|| format!("found a span of {} ns, which never ends", self.duration_ns))?,
        })
    }
}

fn named<T: Copy>(known: &[(&str, T)], what: &str, name: &str) -> Result<T, String> {
    let found = known.iter().find(|(known, _)| *known == name);
    found.map(|(_, value)| *value).ok_or_else(|| format!("found the {what} `{name}`, expected a known one"))
}

fn rows(frame: &DataFrame) -> Result<Vec<Row<'_>>, PolarsError> {
    let texts = |name: &str| Ok::<_, PolarsError>(frame.column(name)?.str()?.iter().map(Option::unwrap_or_default));
    let counts = |name: &str| Ok::<_, PolarsError>(frame.column(name)?.u32()?.iter().map(Option::unwrap_or_default));
    let longs = |name: &str| Ok::<_, PolarsError>(frame.column(name)?.u64()?.iter().map(Option::unwrap_or_default));
    let flags = |name: &str| Ok::<_, PolarsError>(frame.column(name)?.bool()?.iter().map(Option::unwrap_or_default));
    let (mut policy, mut dataset, mut lane) = (texts("policy")?, texts("dataset")?, texts("lane")?);
    let (mut kind, mut phase) = (texts("kind")?, texts("phase")?);
    let mut mbps = frame.column("bandwidth_mbps")?.f64()?.iter().map(Option::unwrap_or_default);
    let (mut point, mut edge, mut unit) = (counts("point")?, counts("edge")?, counts("unit")?);
    let (mut round, mut tokens, mut batch) = (counts("round")?, counts("tokens")?, counts("batch")?);
    let (mut request, mut context, mut bytes) = (longs("request")?, longs("context_tokens")?, longs("bytes")?);
    let (mut start, mut duration) = (longs("start_ns")?, longs("duration_ns")?);
    let (mut first, mut spread) = (flags("first")?, flags("spread")?);
    let mut row = || {
        Some(Row {
            policy: policy.next()?,
            dataset: dataset.next()?,
            bandwidth_mbps: mbps.next()?,
            point: point.next()?,
            request: request.next()?,
            first: first.next()?,
            spread: spread.next()?,
            edge: edge.next()?,
            lane: lane.next()?,
            unit: unit.next()?,
            kind: kind.next()?,
            phase: phase.next()?,
            round: round.next()?,
            tokens: tokens.next()?,
            context_tokens: context.next()?,
            bytes: bytes.next()?,
            batch: batch.next()?,
            start_ns: start.next()?,
            duration_ns: duration.next()?,
        })
    };
    Ok(std::iter::from_fn(&mut row).collect())
}
