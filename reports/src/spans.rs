//! `spans.parquet`: what some requests of each policy at each point did, and when. Times are whole nanoseconds.

use crate::frame::{self, ReportError};
use crate::runs::{Cell, Runs};
use polars::prelude::{DataFrame, PolarsError};
use std::collections::BTreeMap;
use std::path::Path;

/// The version of the table that is read.
const VERSION: u32 = 1;

/// The lane of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lane {
    Request,
    EdgeCpu,
    EdgeGpu,
    Uplink,
    CloudGpu,
    Downlink,
}

/// The phase of a request in a span.
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

/// The kinds of work and messages.
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
    /// All of it, from submission to last token.
    pub whole: Span,
    /// Its spans, in the order of their starts.
    pub parts: Vec<Span>,
}

/// A policy at a point.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Served {
    pub policy: String,
    pub dataset: String,
    pub bandwidth_mbps: f64,
    pub point: u32,
    /// Name of its point.
    pub place: String,
    /// By number.
    pub requests: Vec<Request>,
}

/// The requests that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The first of the run.
    First,
    /// Those that are spread over the run.
    Spread,
    /// All that there are.
    All,
}

/// Reads the table, in the order of points and policies in the file, and gives what is wanted of each policy at each point to
/// `then`. No more than that and a row group is in memory at once.
///
/// # Errors
///
/// If it is not there or not what it should be.
pub(crate) fn each(folder: &Path, wanted: Wanted, mut then: impl FnMut(Served)) -> Result<(), ReportError> {
    let path = folder.join("spans.parquet");
    let refused = |found: String| {
        let remedy = "run the scenario again with this version of sim";
        ReportError::refused(format!("{}: {found}; {remedy}", path.display()))
    };
    let mut others: Option<BTreeMap<u32, String>> = None;
    let mut latest: Option<Gathered> = None;
    frame::read_groups(folder, "spans", VERSION, |frame| {
        if others.is_none() {
            others = Some(points(folder)?);
        }
        let rows = rows(frame).map_err(|error| ReportError::Table { path: path.clone(), error })?;
        for row in rows {
            if !latest.as_ref().is_some_and(|latest| latest.is_of(&row)) {
                let other = others.as_ref().and_then(|others| others.get(&row.point));
                let before = latest.replace(Gathered::of(&row, other.map_or("", String::as_str)));
                before.map(Gathered::finish).transpose().map_err(refused)?.into_iter().for_each(&mut then);
            }
            let is_wanted = match wanted {
                Wanted::First => row.first,
                Wanted::Spread => row.spread,
                Wanted::All => true,
            };
            if is_wanted {
                latest.as_mut().expect("it was just put there").add(&row).map_err(refused)?;
            }
        }
        Ok(())
    })?;
    latest.map(Gathered::finish).transpose().map_err(refused)?.into_iter().for_each(then);
    Ok(())
}

/// A policy at a point as it comes together: spans of different requests stand between each other.
struct Gathered {
    served: Served,
    requests: BTreeMap<u64, (Option<Request>, Vec<Span>)>,
}

impl Gathered {
    fn of(row: &Row<'_>, other: &str) -> Self {
        let Row { policy, dataset, bandwidth_mbps, point, .. } = *row;
        let place = format!("{dataset}, {bandwidth_mbps} Mbps{other}");
        let (policy, dataset) = (policy.to_owned(), dataset.to_owned());
        let served = Served { policy, dataset, bandwidth_mbps, point, place, requests: Vec::new() };
        Self { served, requests: BTreeMap::new() }
    }

    fn is_of(&self, row: &Row<'_>) -> bool {
        self.served.point == row.point && self.served.policy == row.policy
    }

    fn add(&mut self, row: &Row<'_>) -> Result<(), String> {
        let span = row.span()?;
        let (whole, parts) = self.requests.entry(row.request).or_default();
        if span.phase == Phase::Whole {
            *whole = Some(Request { number: row.request, edge: row.edge, whole: span, parts: Vec::new() });
        } else {
            parts.push(span);
        }
        Ok(())
    }

    fn finish(self) -> Result<Served, String> {
        let whole = |(number, (whole, mut parts)): (u64, (Option<Request>, Vec<Span>))| {
            let whole = whole.ok_or_else(|| format!("found spans of request {number} but not the whole of it"))?;
            parts.sort_by_key(|span| (span.start_ns, span.end_ns));
            Ok(Request { parts, ..whole })
        };
        let requests = self.requests.into_iter().map(whole).collect::<Result<_, String>>()?;
        Ok(Served { requests, ..self.served })
    }
}

/// The keys that vary beside dataset and bandwidth, as text behind these, by point.
fn points(folder: &Path) -> Result<BTreeMap<u32, String>, ReportError> {
    let runs = Runs::read(folder)?;
    let named = |key: &usize| !matches!(runs.keys[*key].as_str(), "dataset" | "bandwidth_mbps");
    let keys: Vec<usize> = (0..runs.keys.len()).filter(named).filter(|key| runs.varies(*key)).collect();
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
