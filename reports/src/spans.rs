//! `spans.parquet`: what some requests of each policy at each point did, and when. Times are whole nanoseconds.

use crate::frame::{self, ReportError};
use crate::runs::{Cell, Runs};
use std::collections::BTreeMap;
use std::path::Path;
use tables::{Kind, Lane, Phase, RunRow, SpanRow};

/// A part of a request's life.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Span {
    pub lane: Lane,
    pub unit: u32,
    pub kind: Kind,
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
    let table = frame::open::<SpanRow>(folder)?;
    for group in 0..table.groups() {
        if others.is_none() {
            others = Some(points(folder)?);
        }
        for row in table.group(group)? {
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
    }
    latest.map(Gathered::finish).transpose().map_err(refused)?.into_iter().for_each(then);
    Ok(())
}

/// A policy at a point as it comes together: spans of different requests stand between each other.
struct Gathered {
    served: Served,
    requests: BTreeMap<u64, (Option<Request>, Vec<Span>)>,
}

impl Gathered {
    fn of(row: &SpanRow, other: &str) -> Self {
        let (bandwidth_mbps, point) = (row.bandwidth_mbps, row.point);
        let (policy, dataset) = (row.policy.to_string(), row.dataset.to_string());
        let rate = if bandwidth_mbps.is_nan() { String::new() } else { format!(", {bandwidth_mbps} Mbps") };
        let place = format!("{dataset}{rate}{other}");
        let served = Served { policy, dataset, bandwidth_mbps, point, place, requests: Vec::new() };
        Self { served, requests: BTreeMap::new() }
    }

    fn is_of(&self, row: &SpanRow) -> bool {
        self.served.point == row.point && *self.served.policy == *row.policy
    }

    fn add(&mut self, row: &SpanRow) -> Result<(), String> {
        let span = span(row)?;
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
    let named = |key: &usize| ![RunRow::dataset.name, RunRow::bandwidth_mbps.name].contains(&runs.keys[*key].as_str());
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

/// The span of a row.
fn span(row: &SpanRow) -> Result<Span, String> {
    let end_ns = row.start_ns.checked_add(row.duration_ns);
    Ok(Span {
        lane: row.lane,
        unit: row.unit,
        kind: row.kind,
        phase: row.phase,
        round: row.round,
        tokens: row.tokens,
        context_tokens: row.context_tokens,
        bytes: row.bytes,
        batch: row.batch,
        start_ns: row.start_ns,
        end_ns: end_ns.ok_or_else(|| format!("found a span of {} ns, which never ends", row.duration_ns))?,
    })
}
