//! Pictures, video and sound, and the formats of pictures.

use crate::common::{
    Log, Override, blocking, cloud_only, edge_only, examples, msao, msao_of, pipelined, run_logged, sizes, spec,
};
use engine::{Kind, RequestRecord, RunSpec, Side};
use model::{
    audio,
    engine_kind::EngineKind,
    modality::Modality,
    request::{Kept, PayloadFormat},
};
use policies::{CloudPruned, Semantics, System, TokenDropping};
use units::SimDuration;

/// Video of so many frames of 448 x 448, with so many seconds of sound.
fn video(policy: System, frames: u32, seconds: u64) -> RunSpec {
    let mut spec = spec(policy, EngineKind::Vllm, 6, 12).clients(2);
    spec.shape().size = sizes(&[(448, 448)]);
    spec.shape().frames = (frames > 0).then(|| frames.into());
    spec.shape().sound = (seconds > 0).then(|| SimDuration::from_secs(seconds).into());
    spec
}

/// Tokens of each request's whole prompt, as a side's first step of it says; 0 if that side read none.
fn prompt_tokens(log: &Log, side: Side) -> u64 {
    let chunks = log.steps.iter().filter(|step| (step.side, step.kind, step.request) == (side, Kind::Prefill, 0));
    chunks.map(|step| u64::from(step.tokens)).sum()
}

#[test]
fn video_and_sound_run_through_every_policy() {
    for (name, policy) in examples() {
        for (frames, seconds) in [(8, 0), (0, 10), (8, 10)] {
            let (outcome, log) = run_logged(&video(policy.clone(), frames, seconds));
            assert_eq!((outcome.metrics.completed, outcome.metrics.output_tokens), (6, 72), "{name}");
            for traffic in [outcome.up, outcome.down] {
                assert_eq!(traffic.sent, traffic.received + traffic.lost, "{name}");
            }
            assert_eq!(outcome.up.sent, log.requests.iter().map(|row| row.uplink).sum(), "{name}");
            for row in &log.requests {
                assert_eq!(row.request.prompt.audio.map(|audio| audio.tokens), (seconds > 0).then_some(250), "{name}");
                for (modality, kept) in row.input.kept.iter() {
                    assert!(kept.retention > 0.0 && kept.retention <= 1.0, "{name} {modality:?} {kept:?}");
                    assert!((0.0..=0.95).contains(&kept.compression), "{name} {modality:?} {kept:?}");
                }
                let pruned = row.input.kept.iter().any(|(_, kept)| *kept != Kept::WHOLE);
                assert!(!pruned || !matches!(policy, System::CloudOnly(_) | System::EdgeOnly(_)), "{name}: {row:?}");
            }
        }
    }
}

#[test]
fn longer_video_and_sound_are_more_tokens() {
    for (policy, side) in [(cloud_only(), Side::Cloud), (edge_only(), Side::Edge)] {
        let tokens = |frames, seconds| prompt_tokens(&run_logged(&video(policy.clone(), frames, seconds)).1, side);
        // 448 / 28 = 16: 256 tokens a pair of frames, and two markers.
        for (frames, pairs) in [(1, 1), (2, 1), (5, 3), (8, 4)] {
            assert_eq!(tokens(frames, 0), 30 + pairs * 258, "{frames} frames");
        }
        // 25 tokens a second.
        assert_eq!(tokens(8, 4), tokens(8, 0) + 100);
        assert_eq!(tokens(0, 4), tokens(0, 0) + 100);
    }
    let e2e = |frames| run_logged(&video(cloud_only(), frames, 0)).0.metrics.e2e.sum_ns();
    assert!(e2e(16) > e2e(8) && e2e(8) > e2e(2));
}

#[test]
fn sound_is_encoded_where_it_is_read() {
    for (policy, side) in [(cloud_only(), Side::Cloud), (edge_only(), Side::Edge)] {
        let flop = |seconds| {
            let (_, log) = run_logged(&video(policy.clone(), 2, seconds).clients(1));
            let row = &log.requests[0];
            if side == Side::Edge { row.edge_flop } else { row.cloud_flop }
        };
        // Beside the encoder, the language model reads 250 tokens more.
        let (extra, encoder) = (flop(10) - flop(0), audio::encoder_flop(250).as_f64());
        assert!(extra > encoder && extra < 8.0 * encoder, "{side:?}: {extra:e} {encoder:e}");
    }
}

fn with_payload(policy: System, payload: PayloadFormat) -> (engine::Outcome, Log) {
    let mut spec = spec(policy, EngineKind::Vllm, 8, 4);
    spec.workload.payload = payload;
    run_logged(&spec)
}

fn bytes(log: &Log) -> Vec<u64> {
    let picture = |row: &RequestRecord| row.input.bytes(Modality::Visual).as_u64();
    log.requests.iter().map(picture).collect()
}

#[test]
fn formats_have_their_bytes() {
    let sent = |payload| {
        let (outcome, log) = with_payload(cloud_only(), payload);
        let text: u64 = log.requests.iter().map(|row| 4 * u64::from(row.request.prompt.text_tokens)).sum();
        assert_eq!(outcome.up.sent.as_u64(), bytes(&log).iter().sum::<u64>() + text);
        bytes(&log)
    };
    let jpeg = sent(PayloadFormat::Jpeg);
    assert!(jpeg.iter().any(|bytes| *bytes != jpeg[0]), "pictures compress unequally");
    let pixels = 640 * 480;
    for (format, each) in [(PayloadFormat::Rgb8, 3), (PayloadFormat::Fp16Tensor, 6), (PayloadFormat::Fp32Tensor, 12)] {
        let raw = sent(format);
        assert!(raw.iter().all(|bytes| *bytes == each * pixels), "{format:?}: {raw:?}");
        assert!(raw.iter().zip(&jpeg).all(|(raw, jpeg)| raw > jpeg), "{format:?}");
    }
    // 391 tokens of 3,584 fp16 numbers.
    assert!(sent(PayloadFormat::VisionTokens).iter().all(|bytes| *bytes == 391 * 3584 * 2));
}

#[test]
fn vision_tokens_are_encoded_on_the_edge_and_not_in_the_cloud() {
    for (name, policy) in [
        ("cloud_only", cloud_only()),
        ("cloud_pruned", System::CloudPruned(CloudPruned::default())),
        ("token_dropping", System::TokenDropping(TokenDropping::default())),
        ("blocking", blocking(4)),
        ("pipelined", pipelined(4, 3)),
        ("msao", msao()),
        ("trust", msao_of(Semantics::Trust)),
    ] {
        let (jpeg, tokens) =
            (with_payload(policy.clone(), PayloadFormat::Jpeg).1, with_payload(policy, PayloadFormat::VisionTokens).1);
        for row in &tokens.requests {
            let of =
                |step: &&engine::StepRecord| (step.request, step.kind) == (row.request.prompt.request, Kind::Encode);
            let encodes: Vec<_> = tokens.steps.iter().filter(of).collect();
            assert_eq!(encodes.iter().map(|step| step.side).collect::<Vec<_>>(), [Side::Edge], "{name}");
        }
        let sum = |log: &Log, of: fn(&RequestRecord) -> f64| log.requests.iter().map(of).sum::<f64>();
        let [edge, cloud] = [|row: &RequestRecord| row.edge_flop, |row: &RequestRecord| row.cloud_flop];
        if name == "token_dropping" {
            // It sends vision tokens whatever the payload.
            assert_eq!(sum(&jpeg, cloud), sum(&tokens, cloud));
            continue;
        }
        assert!(!jpeg.steps.iter().any(|step| step.kind == Kind::Encode), "{name}");
        if name == "cloud_only" {
            // What the cloud's tower would have done, the edge's GPU does, to the last FLOP.
            let (more, less) = (sum(&tokens, edge) - sum(&jpeg, edge), sum(&jpeg, cloud) - sum(&tokens, cloud));
            assert!(more > 0.0 && (more / less - 1.0).abs() < 1e-9, "{more:e} {less:e}");
        }
        assert!(sum(&tokens, cloud) < sum(&jpeg, cloud), "{name}");
    }
}
