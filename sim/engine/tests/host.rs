//! Pictures on the processors of hosts, by hand: a server works on them before their prompt is read.

use crate::common::{Override, cloud_only, edge_only, run_logged, spec, under};
use engine::{Kind, Lane, Phase, RunSpec};
use model::{engine_kind::EngineKind, request::PayloadFormat};
use policies::System;
use units::SimDuration;

/// Pixels of a picture of 640 x 480 as the models take it: 23 x 17 tokens of 28 x 28.
const PIXELS: u64 = 391 * 28 * 28;
/// A processor's time on it at 200 ms a megapixel, ns.
const PICTURE_NS: u64 = PIXELS * 200;

/// A run whose hosts take so long for a megapixel.
fn with_hosts(policy: System, requests: u64, megapixel_ms: u64) -> RunSpec {
    let mut spec = spec(policy, EngineKind::Vllm, requests, 5);
    for tier in [&mut spec.edges[0].tier, &mut spec.pools[0].tier] {
        tier.engine.megapixel_overhead = SimDuration::from_ms(megapixel_ms);
    }
    spec
}

/// Times to the first token, ns.
fn ttfts(spec: &RunSpec) -> Vec<u64> {
    let (_, log) = run_logged(spec);
    log.requests.iter().map(|row| row.moments.expect("an answered request").ttft().as_ns()).collect()
}

/// The excess over the same run without hosts, ns.
fn excess(spec: &RunSpec) -> Vec<u64> {
    let mut without = spec.clone();
    without.edges[0].tier.engine.megapixel_overhead = SimDuration::ZERO;
    without.pools[0].tier.engine.megapixel_overhead = SimDuration::ZERO;
    ttfts(spec).iter().zip(ttfts(&without)).map(|(with, without)| with - without).collect()
}

#[test]
fn a_server_works_on_a_picture_before_it_reads_it() {
    let mut spec = with_hosts(cloud_only(), 3, 200);
    spec.edges[0].tier.engine.megapixel_overhead = SimDuration::ZERO;
    assert_eq!(excess(&spec), [PICTURE_NS; 3]);
    // The frames of a video, in pairs; both frames of a pair are worked on.
    spec.shape().frames = Some(4.into());
    assert_eq!(excess(&spec), [4 * PICTURE_NS; 3]);
    assert_eq!(excess(&spec.text_only(30)), [0; 3]);
}

#[test]
fn what_was_made_of_a_picture_is_kept_for_the_next_question() {
    let mut spec = with_hosts(cloud_only(), 4, 200);
    spec.edges[0].tier.engine.megapixel_overhead = SimDuration::ZERO;
    spec.workload.questions_per_picture = 2;
    assert_eq!(excess(&spec), [PICTURE_NS, 0, PICTURE_NS, 0]);
    assert_eq!(excess(&under(spec, EngineKind::Vllm07)), [PICTURE_NS; 4], "the old version keeps nothing");
}

#[test]
fn pictures_that_were_encoded_on_the_edge_are_none_of_the_servers() {
    let mut spec = with_hosts(cloud_only(), 1, 200);
    spec.workload.payload = PayloadFormat::VisionTokens;
    spec.pools[0].tier.receives = true;
    spec.edges[0].tier.encoder = spec.pools[0].tier.model.vision.clone();
    spec.edges[0].tier.engine.megapixel_overhead = SimDuration::ZERO;
    assert_eq!(excess(&spec), [0]);
}

#[test]
fn an_edge_takes_its_least_time_or_that_of_the_pixels() {
    let least = 12_000_000;
    assert_eq!(excess(&with_hosts(edge_only(), 1, 200)), [PICTURE_NS - least]);
    assert_eq!(excess(&with_hosts(edge_only(), 1, 12)), [0], "12 ms hold the 3.7 of the pixels");
}

/// The times at which the servers' processors work, by server.
fn worked(spec: &RunSpec) -> Vec<(u32, u64, u64)> {
    let (_, log) = run_logged(spec);
    let spans = log.spans.iter().filter(|span| (span.lane, span.phase) == (Lane::CloudCpu, Phase::Running));
    let mut worked: Vec<_> = spans
        .map(|span| {
            assert_eq!(span.kind, Kind::Preprocess);
            (span.unit, span.start.as_ns(), (span.start + span.duration).as_ns())
        })
        .collect();
    worked.sort_unstable();
    worked
}

#[test]
fn each_server_works_on_one_picture_at_a_time() {
    // Three edges send at once, each over a link of its own pace.
    let mut spec = with_hosts(cloud_only(), 3, 200).clients(3);
    spec.edges[0].tier.engine.megapixel_overhead = SimDuration::ZERO;
    let one = worked(&spec);
    assert_eq!(one.len(), 3);
    for pair in one.windows(2) {
        assert!(pair[0].2 <= pair[1].1, "one after the other: {one:?}");
    }
    assert_eq!(one[2].2 - one[0].1, 3 * PICTURE_NS, "the others wait: {one:?}");
    spec.pools[0].gpus = 3;
    let three = worked(&spec);
    assert_eq!(three.iter().map(|span| span.0).collect::<Vec<_>>(), [0, 1, 2], "each server has its own");
    assert!(three.iter().all(|span| span.2 - span.1 == PICTURE_NS));
    assert!(three[2].1 < three[0].2, "at the same time: {three:?}");
}
