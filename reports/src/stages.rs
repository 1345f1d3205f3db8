//! The stages of a request: each instant between its submission and its last token belongs to one stage.
//!
//! Several things may happen for a request at once: the edge reads the prompt while it is still being sent to the cloud. Then the
//! instant belongs to the first of these:
//!
//! 1. what runs for it on its edge: preprocessing, probe, plan, prefill (with the encoding of pictures), draft or decode;
//! 2. the cloud reads its prompt; then the prompt, or hidden states, are on the uplink; then they wait for a handshake, for the window
//!    of their connection, and for the link or the GPU: drafts cannot be judged before;
//! 3. drafts are out, from when they are handed over to when their verdict is back: the wait for the verdict, whatever it is
//!    spent on. Drafts that never get one, because a token before them was rejected, do not count;
//! 4. the cloud decodes; then a token is on the downlink;
//! 5. it waits for the window of its connection, then for a turn anywhere.
//!
//! So what is hidden behind the edge's own work shows as that work, and a stage of the link or of the cloud is what it adds.

use crate::frame::ReportError;
use crate::spans::{self, Request, Served, Span, Wanted};
use std::collections::BTreeMap;
use std::path::Path;
use tables::{Kind, Lane, Phase};

/// The stages of a request's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The edge's processor prepares the pictures.
    Preprocess,
    /// The edge's GPU measures the modalities.
    Probe,
    /// The edge's processor plans.
    Plan,
    /// The edge's GPU reads the prompt, or encodes its pictures.
    EdgePrefill,
    /// The edge's GPU drafts, decodes, or runs its layers of a split model.
    EdgeDecode,
    /// The prompt waits for the handshake of its connection.
    Handshake,
    /// A message waits for its connection's window: slow start, or a window that silence has shrunk.
    Window,
    /// The prompt or hidden states are on the uplink.
    Upload,
    /// The cloud's GPU reads the prompt.
    CloudPrefill,
    /// Drafts are out and their verdict is not yet back.
    Verdict,
    /// The cloud's GPU decodes.
    CloudDecode,
    /// A token is on the downlink.
    Download,
    /// It waits for a processor, a GPU or the link.
    Queue,
    /// Nothing is recorded of it: never, unless the table is not whole.
    Other,
}

impl Stage {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 14] = [
        Self::Preprocess,
        Self::Probe,
        Self::Plan,
        Self::EdgePrefill,
        Self::EdgeDecode,
        Self::Handshake,
        Self::Window,
        Self::Upload,
        Self::CloudPrefill,
        Self::Verdict,
        Self::CloudDecode,
        Self::Download,
        Self::Queue,
        Self::Other,
    ];

    /// The stage's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Preprocess => "preprocess",
            Self::Probe => "probe",
            Self::Plan => "plan",
            Self::EdgePrefill => "edge prefill",
            Self::EdgeDecode => "edge draft or decode",
            Self::Upload => "upload",
            Self::CloudPrefill => "cloud prefill",
            Self::Verdict => "wait for verdict",
            Self::CloudDecode => "cloud decode",
            Self::Download => "download",
            Self::Handshake => "handshake",
            Self::Window => "TCP window",
            Self::Queue => "queue",
            Self::Other => "other",
        }
    }
}

/// The precedence of stages where several have a claim; see the head of this file. The queue has two places.
const FIRST: [Stage; 15] = [
    Stage::Preprocess,
    Stage::Probe,
    Stage::Plan,
    Stage::EdgePrefill,
    Stage::EdgeDecode,
    Stage::CloudPrefill,
    Stage::Upload,
    Stage::Handshake,
    Stage::Window,
    Stage::Queue,
    Stage::Verdict,
    Stage::CloudDecode,
    Stage::Download,
    Stage::Window,
    Stage::Queue,
];
const WINDOW_OF_PROMPT: usize = 8;
const QUEUE_OF_PROMPT: usize = 9;
const WINDOW: usize = 13;
const QUEUE: usize = 14;

/// A stretch of a request's life.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Piece {
    pub stage: Stage,
    pub start_ns: u64,
    pub end_ns: u64,
}

/// The time of each stage of a request.
#[derive(Clone, Debug, PartialEq)]
pub struct StageTimes {
    /// The policy that served it.
    pub policy: String,
    /// The number of its point.
    pub point: u32,
    /// Its number.
    pub request: u64,
    /// Nanoseconds of each stage, in the order of [`Stage::ALL`].
    pub ns: [u64; Stage::ALL.len()],
}

/// The stages of all requests whose spans a results folder has, in the order of the table.
///
/// # Errors
///
/// If `spans.parquet` cannot be read.
pub fn stage_times(folder: &Path) -> Result<Vec<StageTimes>, ReportError> {
    let mut times = Vec::new();
    spans::each(folder, Wanted::All, |served| {
        let Served { policy, point, requests, .. } = served;
        let of = |request: &Request| StageTimes {
            policy: policy.clone(),
            point,
            request: request.number,
            ns: sums(request),
        };
        times.extend(requests.iter().map(of));
    })?;
    Ok(times)
}

/// Nanoseconds that a request spent on each stage, in the order of [`Stage::ALL`]. Together they are its latency.
pub(crate) fn sums(request: &Request) -> [u64; Stage::ALL.len()] {
    let mut sums = [0; Stage::ALL.len()];
    for piece in pieces(request) {
        sums[piece.stage as usize] += piece.end_ns - piece.start_ns;
    }
    sums
}

/// A request's life from its submission to its last token, stretch by stretch without a gap; neighbours differ in their stage.
pub(crate) fn pieces(request: &Request) -> Vec<Piece> {
    let (begin, end) = (request.whole.start_ns, request.whole.end_ns);
    let mut changes: Vec<(u64, bool, usize)> = Vec::new();
    for (claim, from, to) in claims(&request.parts) {
        let (from, to) = (from.clamp(begin, end), to.clamp(begin, end));
        if from < to {
            changes.extend([(from, true, claim), (to, false, claim)]);
        }
    }
    changes.sort_unstable();
    let mut open = [0u32; FIRST.len()];
    let mut pieces: Vec<Piece> = Vec::new();
    let mut since = begin;
    let mut changes = changes.into_iter().peekable();
    while since < end {
        while let Some((_, opens, claim)) = changes.next_if(|(at, ..)| *at <= since) {
            if opens { open[claim] += 1 } else { open[claim] -= 1 }
        }
        let until = changes.peek().map_or(end, |(at, ..)| *at);
        let stage = open.iter().position(|count| *count > 0).map_or(Stage::Other, |claim| FIRST[claim]);
        match pieces.last_mut() {
            Some(last) if last.stage == stage => last.end_ns = until,
            _ => pieces.push(Piece { stage, start_ns: since, end_ns: until }),
        }
        since = until;
    }
    pieces
}

/// The claim of each span: a place in [`FIRST`], its start and its end.
fn claims(parts: &[Span]) -> Vec<(usize, u64, u64)> {
    let mut claims: Vec<_> = parts.iter().filter_map(|span| Some((claim(span)?, span.start_ns, span.end_ns))).collect();
    // Drafts are out from their first span to the last of their verdict.
    let mut out: BTreeMap<u32, (Option<u64>, Option<u64>)> = BTreeMap::new();
    for span in parts {
        let (from, to) = out.entry(span.round).or_default();
        match span.kind {
            Kind::Drafts => *from = Some(from.map_or(span.start_ns, |known| known.min(span.start_ns))),
            Kind::Verdict => *to = Some(to.map_or(span.end_ns, |known| known.max(span.end_ns))),
            _ => {}
        }
    }
    let verdicts = out.into_values().filter_map(|(from, to)| Some((place(Stage::Verdict), from?, to?)));
    claims.extend(verdicts);
    claims
}

/// The stage that a span by itself is of; those of drafts and verdicts are seen together.
fn claim(span: &Span) -> Option<usize> {
    let of_prompt = matches!(
        (span.lane, span.kind),
        (Lane::Uplink, Kind::Input | Kind::Hidden) | (Lane::CloudGpu, Kind::Prefill) | (Lane::CloudCpu, _)
    );
    match (span.phase, span.lane) {
        (Phase::Whole, _) | (_, Lane::Request) => None,
        (Phase::Connecting, _) => of_prompt.then(|| place(Stage::Handshake)),
        (Phase::Window, _) if of_prompt => Some(WINDOW_OF_PROMPT),
        (Phase::Window, _) => (!matches!(span.kind, Kind::Drafts | Kind::Verdict)).then_some(WINDOW),
        (Phase::Queued | Phase::Preempted, _) if of_prompt => Some(QUEUE_OF_PROMPT),
        (Phase::Queued | Phase::Preempted, _) => {
            (!matches!(span.kind, Kind::Drafts | Kind::Verify | Kind::Verdict)).then_some(QUEUE)
        }
        (_, Lane::EdgeCpu | Lane::CloudCpu) => {
            Some(place(if span.kind == Kind::Plan { Stage::Plan } else { Stage::Preprocess }))
        }
        (_, Lane::EdgeGpu) => Some(place(match span.kind {
            Kind::Probe => Stage::Probe,
            Kind::Prefill | Kind::Encode => Stage::EdgePrefill,
            _ => Stage::EdgeDecode,
        })),
        (_, Lane::CloudGpu) => match span.kind {
            Kind::Prefill => Some(place(Stage::CloudPrefill)),
            Kind::Verify => None,
            _ => Some(place(Stage::CloudDecode)),
        },
        (_, Lane::Uplink) => of_prompt.then(|| place(Stage::Upload)),
        (_, Lane::Downlink) => (span.kind == Kind::Token).then(|| place(Stage::Download)),
    }
}

fn place(stage: Stage) -> usize {
    FIRST.iter().position(|known| *known == stage).expect("every stage but the last has a place")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(lane: Lane, kind: Kind, phase: Phase, round: u32, [start_ns, end_ns]: [u64; 2]) -> Span {
        let (unit, tokens, context_tokens, bytes, batch) = (0, 0, 0, 0, 0);
        Span { lane, unit, kind, phase, round, tokens, context_tokens, bytes, batch, start_ns, end_ns }
    }

    fn stages(end_ns: u64, parts: &[Span]) -> Vec<(Stage, u64, u64)> {
        let whole = span(Lane::Request, Kind::Request, Phase::Whole, 0, [10, end_ns]);
        let request = Request { number: 0, edge: 0, whole, parts: parts.to_vec() };
        let pieces = pieces(&request);
        assert_eq!(sums(&request).iter().sum::<u64>(), end_ns - 10);
        pieces.iter().map(|piece| (piece.stage, piece.start_ns, piece.end_ns)).collect()
    }

    #[test]
    fn what_the_edge_does_hides_what_happens_meanwhile() {
        let parts = [
            span(Lane::EdgeCpu, Kind::Preprocess, Phase::Running, 0, [10, 20]),
            span(Lane::Uplink, Kind::Input, Phase::Queued, 0, [20, 25]),
            span(Lane::Uplink, Kind::Input, Phase::Sending, 0, [25, 40]),
            span(Lane::Uplink, Kind::Input, Phase::Flying, 0, [40, 50]),
            span(Lane::EdgeGpu, Kind::Prefill, Phase::Running, 0, [22, 45]),
            span(Lane::CloudGpu, Kind::Prefill, Phase::Queued, 0, [50, 55]),
            span(Lane::CloudGpu, Kind::Prefill, Phase::Running, 0, [55, 70]),
            span(Lane::Downlink, Kind::Token, Phase::Sending, 0, [70, 71]),
            span(Lane::Downlink, Kind::Token, Phase::Flying, 0, [71, 80]),
            span(Lane::CloudGpu, Kind::Decode, Phase::Running, 0, [70, 75]),
        ];
        let expected = [
            (Stage::Preprocess, 10, 20),
            (Stage::Queue, 20, 22),
            (Stage::EdgePrefill, 22, 45),
            (Stage::Upload, 45, 50),
            (Stage::Queue, 50, 55),
            (Stage::CloudPrefill, 55, 70),
            (Stage::CloudDecode, 70, 75),
            (Stage::Download, 75, 80),
        ];
        assert_eq!(stages(80, &parts), expected);
    }

    #[test]
    fn drafts_are_out_until_their_verdict_is_back() {
        let parts = [
            span(Lane::EdgeGpu, Kind::Draft, Phase::Running, 1, [10, 20]),
            span(Lane::Uplink, Kind::Drafts, Phase::Queued, 1, [20, 22]),
            span(Lane::Uplink, Kind::Drafts, Phase::Sending, 1, [22, 23]),
            span(Lane::Uplink, Kind::Drafts, Phase::Flying, 1, [23, 30]),
            // The prompt is still being read: that, and not the drafts, is what it waits for.
            span(Lane::CloudGpu, Kind::Prefill, Phase::Running, 0, [15, 33]),
            // The edge drafts on meanwhile.
            span(Lane::EdgeGpu, Kind::Draft, Phase::Running, 2, [24, 28]),
            span(Lane::CloudGpu, Kind::Verify, Phase::Running, 1, [35, 40]),
            span(Lane::Downlink, Kind::Verdict, Phase::Sending, 1, [40, 41]),
            span(Lane::Downlink, Kind::Verdict, Phase::Flying, 1, [41, 50]),
            // Void: it never gets a verdict.
            span(Lane::Uplink, Kind::Drafts, Phase::Sending, 2, [28, 29]),
            span(Lane::Uplink, Kind::Drafts, Phase::Flying, 2, [29, 60]),
            span(Lane::EdgeGpu, Kind::Draft, Phase::Queued, 3, [45, 55]),
        ];
        let expected = [
            (Stage::EdgeDecode, 10, 20),
            (Stage::CloudPrefill, 20, 24),
            (Stage::EdgeDecode, 24, 28),
            (Stage::CloudPrefill, 28, 33),
            (Stage::Verdict, 33, 50),
            (Stage::Queue, 50, 55),
            (Stage::Other, 55, 58),
        ];
        assert_eq!(stages(58, &parts), expected);
    }

    #[test]
    fn what_outlives_the_request_is_cut_off() {
        let parts = [
            span(Lane::EdgeGpu, Kind::Decode, Phase::Running, 1, [5, 20]),
            span(Lane::Uplink, Kind::Input, Phase::Flying, 0, [20, 90]),
        ];
        assert_eq!(stages(30, &parts), [(Stage::EdgeDecode, 10, 20), (Stage::Upload, 20, 30)]);
        assert_eq!(stages(10, &parts), []);
    }

    #[test]
    fn stages_stand_where_they_are_counted() {
        for (index, stage) in Stage::ALL.into_iter().enumerate() {
            assert_eq!(stage as usize, index);
            assert_eq!(FIRST.contains(&stage), stage != Stage::Other);
        }
        assert_eq!([FIRST[QUEUE_OF_PROMPT], FIRST[QUEUE]], [Stage::Queue; 2]);
    }
}
