//! Spans: they are what the other records say, leave no instant of a request out, and lie where they belong.

use crate::common::strategies::{any_spec, config, policy};
use crate::common::{Log, Override, blocking, examples, msao, msao_of, pipelined, run, run_logged, spec, sums};
use engine::{Kind, Lane, Phase, RunSpec, Sharing, SpanRecord};
use model::engine_kind::EngineKind;
use policies::Semantics;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn end_ns(span: &SpanRecord) -> u64 {
    span.start.as_ns() + span.duration.as_ns()
}

/// The spans of each request: the whole, and its parts.
fn by_request(log: &Log) -> BTreeMap<u64, (SpanRecord, Vec<SpanRecord>)> {
    let whole = log.spans.iter().filter(|span| span.phase == Phase::Whole);
    let parts = |request| log.spans.iter().filter(move |span| span.request == request && span.phase != Phase::Whole);
    whole.map(|whole| (whole.request, (*whole, parts(whole.request).copied().collect()))).collect()
}

/// Nanoseconds of a request that none of its spans covers.
fn gaps_ns(whole: &SpanRecord, parts: &[SpanRecord]) -> u64 {
    let mut parts: Vec<(u64, u64)> = parts.iter().map(|span| (span.start.as_ns(), end_ns(span))).collect();
    parts.sort_unstable();
    let (mut covered, mut gaps) = (whole.start.as_ns(), 0);
    for (start, end) in parts.into_iter().map(|(start, end)| (start, end.min(end_ns(whole)))) {
        gaps += start.min(end_ns(whole)).saturating_sub(covered);
        covered = covered.max(end);
    }
    gaps + end_ns(whole).saturating_sub(covered)
}

proptest! {
    #![proptest_config(config(128))]

    #[test]
    fn spans_fill_their_request_and_nothing_else(spec in any_spec(policy().boxed())) {
        let (_, log) = run_logged(&spec);
        let requests = by_request(&log);
        prop_assert_eq!(requests.len(), log.requests.len());
        for row in &log.requests {
            let (whole, parts) = &requests[&row.request.prompt.request];
            prop_assert_eq!(whole.start, row.submit);
            prop_assert_eq!(whole.duration, row.moments.expect("an answered request").e2e());
            prop_assert_eq!(gaps_ns(whole, parts), 0, "{:?}", parts);
            let ended = end_ns(whole);
            for span in parts {
                prop_assert!(span.start >= whole.start, "{:?} before {:?}", span, whole);
                // The edge may be drafting when the last verdict arrives, and what nobody needs any more may be under way.
                let asked = |other: &&SpanRecord| other.phase == Phase::Queued && end_ns(other) == span.start.as_ns();
                let asked = parts.iter().find(asked).map_or(span.start, |queued| queued.start);
                let outlives = matches!(span.kind, Kind::Draft | Kind::Drafts | Kind::Verify | Kind::Verdict | Kind::Input | Kind::Prefill | Kind::Decode);
                prop_assert!(end_ns(span) <= ended || outlives, "{:?} after {:?}", span, whole);
                // The draft that it was making may fill a batch, which is sent.
                let last = |other: &&SpanRecord| other.kind == Kind::Draft && end_ns(other) == asked.as_ns();
                let filled = span.kind == Kind::Drafts && parts.iter().find(last).is_some_and(|draft| draft.start.as_ns() <= ended);
                let late = filled || span.phase == Phase::Flying;
                prop_assert!(asked.as_ns() <= ended || late, "{:?} after {:?}", span, whole);
            }
        }
    }
}

#[test]
fn spans_of_gpus_are_the_steps() {
    for (name, policy) in examples() {
        let mut spec = spec(policy, EngineKind::Vllm, 12, 30).clients(4);
        (spec.edges[0].count, spec.pools[0].gpus) = (2, 2);
        let (_, log) = run_logged(&spec);
        let ran =
            |span: &&SpanRecord| span.phase == Phase::Running && matches!(span.lane, Lane::EdgeGpu | Lane::CloudGpu);
        let spans: Vec<_> = log.spans.iter().filter(ran).collect();
        // Both are written as iterations begin, but a step also of a request that has ended.
        let key =
            |lane, gpu: u32, start: units::SimTime, request: u64| (lane == Lane::EdgeGpu, gpu, start.as_ns(), request);
        let known: BTreeMap<_, _> =
            spans.iter().map(|span| (key(span.lane, span.unit, span.start, span.request), **span)).collect();
        assert_eq!(known.len(), spans.len(), "{name}");
        let mut missing = 0;
        for step in &log.steps {
            let lane = if step.side == engine::Side::Edge { Lane::EdgeGpu } else { Lane::CloudGpu };
            let Some(span) = known.get(&key(lane, step.gpu, step.start, step.request)) else {
                missing += 1;
                continue;
            };
            assert_eq!((span.kind, span.tokens, span.batch), (step.kind, step.tokens, step.batch), "{name}");
            assert_eq!((span.context_tokens, span.duration), (step.context_tokens, step.duration), "{name}");
        }
        assert_eq!((missing, known.len()), (0, log.steps.len()), "{name}");
    }
}

#[test]
fn messages_weigh_what_the_request_sent() {
    for (name, policy) in examples() {
        for sharing in [Sharing::Fifo, Sharing::Fair(None)] {
            let mut spec = spec(policy.clone(), EngineKind::Vllm, 10, 20).clients(3);
            spec.link.hops[0].sharing = sharing;
            let (_, log) = run_logged(&spec);
            for row in &log.requests {
                let sent = |lane| {
                    let of = |span: &&SpanRecord| {
                        (span.request, span.phase, span.lane) == (row.request.prompt.request, Phase::Sending, lane)
                    };
                    log.spans.iter().filter(of).map(|span| span.bytes.as_u64()).sum::<u64>()
                };
                // On a shared link, a message whose request has ended before it has left is watched no more.
                let (up, down) = (sent(Lane::Uplink), sent(Lane::Downlink));
                assert_eq!(down, row.downlink.as_u64(), "{name}");
                assert!(up == row.uplink.as_u64() || up < row.uplink.as_u64() && sharing != Sharing::Fifo, "{name}");
            }
        }
    }
}

#[test]
fn a_round_links_drafts_and_verdict() {
    let drafting = [
        ("blocking", blocking(4)),
        ("pipelined", pipelined(4, 3)),
        ("msao", msao()),
        ("trust", msao_of(Semantics::Trust)),
    ];
    let mut at_once = 0;
    for (name, policy) in drafting {
        let mut linked = 0;
        let (_, log) = run_logged(&spec(policy, EngineKind::Vllm, 6, 40).clients(2));
        for verdict in log.spans.iter().filter(|span| span.kind == Kind::Verdict && span.phase == Phase::Sending) {
            let of = |kind: Kind, phase| {
                let same = |span: &&SpanRecord| {
                    (span.request, span.round, span.kind, span.phase) == (verdict.request, verdict.round, kind, phase)
                };
                log.spans.iter().filter(same).collect::<Vec<_>>()
            };
            let (sent, arrived, verified) =
                (of(Kind::Drafts, Phase::Sending), of(Kind::Drafts, Phase::Flying), of(Kind::Verify, Phase::Running));
            // The prompt's end has the first draft, and the cloud's own token in its place.
            let first = u32::from(verdict.round == 1);
            let known = first == 1 && sent.iter().all(|sent| sent.tokens == 0);
            let (passes, begun) = (1 - usize::from(known), verified.first().unwrap_or(&verdict).start);
            assert_eq!((sent.len(), arrived.len(), verified.len()), (1, 1, passes), "{name}: {verdict:?}");
            assert!(verdict.round > 0 && end_ns(arrived[0]) <= begun.as_ns(), "{name}");
            // Two verdicts of one iteration leave one behind the other.
            let waits_ns = |verified: &SpanRecord| verdict.start.as_ns() - end_ns(verified);
            assert!(known || waits_ns(verified[0]) < 1_000, "{name}: {verdict:?}");
            let drafts = of(Kind::Draft, Phase::Running);
            assert!(drafts.iter().all(|draft| end_ns(draft) <= sent[0].start.as_ns()), "{name}");
            assert!(drafts.len() as u32 + first >= sent[0].tokens || name == "trust", "{name}: {drafts:?}");
            (linked, at_once) = (linked + 1, at_once + u32::from(known));
        }
        assert!(linked > 0, "{name}");
    }
    assert!(at_once > 0, "no cloud made a first token with its prompt");
}

/// A recorder that wants the spans of some requests.
struct Some4(Log);

impl engine::Recorder for Some4 {
    fn wants_spans(&self, request: u64) -> bool {
        request.is_multiple_of(4)
    }
    fn span(&mut self, row: &SpanRecord) {
        self.0.spans.push(*row);
    }
}

#[test]
fn only_the_wanted_are_watched_and_nothing_changes() {
    let of = |log: &Log| {
        let wanted = log.spans.iter().filter(|span| span.request.is_multiple_of(4));
        wanted.map(|span| format!("{span:?}")).collect::<Vec<_>>()
    };
    for (name, policy) in examples() {
        let spec: RunSpec = spec(policy, EngineKind::Vllm, 12, 10).clients(3);
        let mut some = Some4(Log::default());
        let progress = std::sync::atomic::AtomicU64::new(0);
        let outcome = engine::simulate(&spec, kernel::Journal::digest_only(), &mut some, &progress);
        let outcome = outcome.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(sums(&outcome), sums(&run(&spec)), "{name}");
        assert_eq!(of(&some.0), of(&run_logged(&spec).1), "{name}");
        assert_eq!(of(&some.0).len(), some.0.spans.len(), "{name}");
        assert!(!some.0.spans.is_empty(), "{name}");
    }
}
