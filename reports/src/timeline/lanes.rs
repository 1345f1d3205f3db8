//! The lanes of a process: the slices of each resource, without overlap, and the arrows between them.

use super::events::{Arrow, Writer, details};
use crate::spans::{Request, Span};
use crate::stages;
use std::collections::BTreeMap;
use std::io::{self, Write};
use tables::{Lane, Phase};

/// The resources, in the order from above: the parts of an edge together, then the uplink, the cloud, the downlink.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Resource {
    Edge { unit: u32, gpu: bool },
    Uplink { flying: bool },
    Cloud { unit: u32, gpu: bool },
    Downlink { flying: bool },
}

impl Resource {
    /// The resource that a span keeps busy; `None` while it waits.
    fn of(span: &Span) -> Option<Self> {
        let (unit, flying) = (span.unit, span.phase == Phase::Flying);
        match (span.phase, span.lane) {
            (Phase::Whole | Phase::Queued | Phase::Connecting | Phase::Window, _) | (_, Lane::Request) => None,
            (_, Lane::EdgeCpu) => Some(Self::Edge { unit, gpu: false }),
            (_, Lane::EdgeGpu) => Some(Self::Edge { unit, gpu: true }),
            (_, Lane::Uplink) => Some(Self::Uplink { flying }),
            (_, Lane::CloudCpu) => Some(Self::Cloud { unit, gpu: false }),
            (_, Lane::CloudGpu) => Some(Self::Cloud { unit, gpu: true }),
            (_, Lane::Downlink) => Some(Self::Downlink { flying }),
        }
    }

    fn name(self) -> String {
        match self {
            Self::Edge { unit, gpu: false } => format!("edge {unit} CPU"),
            Self::Edge { unit, gpu: true } => format!("edge {unit} GPU"),
            Self::Uplink { flying: false } => "uplink".to_owned(),
            Self::Uplink { flying: true } => "uplink, in flight".to_owned(),
            Self::Cloud { unit, gpu: false } => format!("cloud CPU {unit}"),
            Self::Cloud { unit, gpu: true } => format!("cloud GPU {unit}"),
            Self::Downlink { flying: false } => "downlink".to_owned(),
            Self::Downlink { flying: true } => "downlink, in flight".to_owned(),
        }
    }
}

/// A slice of a thread.
struct Slice<'s> {
    request: u64,
    span: &'s Span,
    arrow: Option<(Arrow, u64)>,
}

/// Writes the threads and lanes of a process.
pub(super) fn write<W: Write>(writer: &mut Writer<W>, requests: &[&Request]) -> io::Result<()> {
    let mut slices: BTreeMap<Resource, Vec<Slice<'_>>> = BTreeMap::new();
    for request in requests {
        let arrows = arrows(request, || writer.flow());
        for (index, span) in request.parts.iter().enumerate() {
            let Some(resource) = Resource::of(span) else { continue };
            let arrow = arrows.get(&index).copied();
            slices.entry(resource).or_default().push(Slice { request: request.number, span, arrow });
        }
    }
    for (resource, slices) in slices {
        for (place, lane) in without_overlap(slices).into_iter().enumerate() {
            let name = resource.name();
            let tid = writer.thread(&if place == 0 { name } else { format!("{name} ({})", place + 1) })?;
            for Slice { request, span, arrow } in lane {
                writer.slice(tid, request, span, arrow)?;
            }
        }
    }
    requests.iter().try_for_each(|request| life(writer, request))
}

/// Spreads slices over as few lanes as hold them side by side: slices on one thread may not overlap.
fn without_overlap(mut slices: Vec<Slice<'_>>) -> Vec<Vec<Slice<'_>>> {
    slices.sort_by_key(|slice| (slice.span.start_ns, slice.span.end_ns, slice.request));
    let mut lanes: Vec<Vec<Slice<'_>>> = Vec::new();
    for slice in slices {
        let is_free =
            |lane: &&mut Vec<Slice<'_>>| lane.last().is_none_or(|last| last.span.end_ns <= slice.span.start_ns);
        match lanes.iter_mut().find(is_free) {
            Some(lane) => lane.push(slice),
            None => lanes.push(vec![slice]),
        }
    }
    lanes
}

/// The arrow at each part of a request that has one, by place among its parts: from what the edge made last, through its message
/// and what the cloud did with it, to the message back.
fn arrows(request: &Request, mut number: impl FnMut() -> u64) -> BTreeMap<usize, (Arrow, u64)> {
    // The four ends of each round. Of drafts the last; else the first, should there be several.
    let mut rounds: BTreeMap<u32, [Option<usize>; 4]> = BTreeMap::new();
    for (index, span) in request.parts.iter().enumerate() {
        // What takes no time has no place for an arrow.
        if span.round == 0 || span.start_ns == span.end_ns {
            continue;
        }
        let stations = rounds.entry(span.round).or_default();
        match (span.lane, span.phase) {
            (Lane::EdgeGpu, Phase::Running) => stations[0] = Some(index),
            (Lane::Uplink, Phase::Sending) => stations[1] = stations[1].or(Some(index)),
            (Lane::CloudGpu, Phase::Running) => stations[2] = stations[2].or(Some(index)),
            (Lane::Downlink, Phase::Sending) => stations[3] = stations[3].or(Some(index)),
            _ => {}
        }
    }
    let mut arrows = BTreeMap::new();
    for stations in rounds.into_values() {
        let stations: Vec<usize> = stations.into_iter().flatten().collect();
        // What was never sent points nowhere.
        if stations.len() < 2 {
            continue;
        }
        let id = number();
        let last = stations.len() - 1;
        for (place, index) in stations.into_iter().enumerate() {
            let arrow = match place {
                0 => Arrow::Start,
                _ if place == last => Arrow::End,
                _ => Arrow::Step,
            };
            arrows.insert(index, (arrow, id));
        }
    }
    arrows
}

/// The lane of a request: all of it, and below it its stages.
fn life<W: Write>(writer: &mut Writer<W>, request: &Request) -> io::Result<()> {
    let (number, whole) = (request.number, &request.whole);
    let name = format!("request {number}");
    let mut args = details(number, whole);
    args["edge"] = request.edge.into();
    writer.of_request(number, true, &name, whole.start_ns, Some(args))?;
    for piece in stages::pieces(request) {
        writer.of_request(number, true, piece.stage.name(), piece.start_ns, None)?;
        writer.of_request(number, false, piece.stage.name(), piece.end_ns, None)?;
    }
    writer.of_request(number, false, &name, whole.end_ns, None)
}
