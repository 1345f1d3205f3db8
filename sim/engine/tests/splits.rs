//! Splits of the cloud's model: what crosses the link, and what each part takes.

use crate::common::oracle::{Idle, Wire, prompt_tokens};
use crate::common::{Alike, CUT_PROMPTS, Log, Override, layer_split, mindfusion, run_logged, spec};
use engine::{Kind, RunSpec, Side};
use model::{engine_kind::EngineKind, request::Prompt};
use policies::{ServedBy, System};
use units::SimDuration;

const OUTPUT: u64 = 30;
const TOKEN_BYTES: u64 = 8;

fn split(policy: System, engine: EngineKind) -> RunSpec {
    spec(policy, engine, 2, OUTPUT as u32)
}

/// Bytes of a token's hidden state in the cloud's model.
fn hidden(spec: &RunSpec) -> u64 {
    2 * spec.pools[0].tier.model.hidden
}

/// 391 visual tokens at a share of an eighth, and the rest of the prompt whole.
fn compressed(spec: &RunSpec, prompt: &Prompt, eighths: u64) -> u64 {
    let visual = if prompt.images.is_some() { 391 } else { 0 };
    (hidden(spec) * visual * eighths).div_ceil(8) + hidden(spec) * (prompt_tokens(prompt) - visual)
}

fn wires(spec: &RunSpec) -> [Wire; 2] {
    [(); 2].map(|()| Wire::new(400_000_000, 0, spec.link.hops[0].rtt().as_ns() / 2))
}

/// First and last token, ns after the request was sent.
fn times(log: &Log, row: usize) -> [u64; 2] {
    let moments = log.requests[row].moments.expect("an answered request");
    [moments.ttft().as_ns(), moments.e2e().as_ns()]
}

/// The hand calculation of a split with so many eighths of the image activations sent.
fn oracle(spec: &RunSpec, prompt: &Prompt, eighths: u64, shortcut: bool) -> [u64; 2] {
    let [lower, upper] = [Idle::new(&spec.edges[0].tier), Idle::new(&spec.pools[0].tier)];
    let [mut up, mut down] = wires(spec);
    let preprocess = if prompt.images.is_some() { 12_000_000 } else { 0 };
    let context = prompt_tokens(prompt);
    let sent = up.arrival(preprocess + lower.prefill_ns(prompt), compressed(spec, prompt, eighths));
    let mut made = sent + upper.prefill_ns(prompt);
    let first = down.arrival(made, TOKEN_BYTES);
    let mut last = first;
    for token in 1..OUTPUT {
        if !shortcut {
            made = up.arrival(last + lower.decode_ns(context + token), hidden(spec));
        }
        made += upper.decode_ns(context + token);
        last = down.arrival(made, TOKEN_BYTES);
    }
    [first, last]
}

#[test]
fn mindfusion_is_what_its_parts_take() {
    for engine in CUT_PROMPTS {
        for (compression, eighths) in [(true, 1), (false, 8)] {
            for shortcut in [true, false] {
                for text in [None, Some(2500)] {
                    let mut spec = split(mindfusion(8, compression, shortcut), engine);
                    spec.shape().text_tokens = text.unwrap_or(30).into();
                    let (_, log) = run_logged(&spec);
                    for (row, record) in log.requests.iter().enumerate() {
                        let wanted = oracle(&spec, &record.request.prompt, eighths, shortcut);
                        assert_eq!(times(&log, row), wanted, "{engine:?} R {compression} D {shortcut} {text:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn without_compression_and_shortcut_it_is_a_layer_split() {
    for engine in EngineKind::ALL {
        let [plain, perllm] =
            [mindfusion(8, false, false), layer_split(8)].map(|policy| run_logged(&split(policy, engine)).1);
        assert_eq!(plain.e2e_ns(), perllm.e2e_ns());
        let bytes = |log: &Log| log.requests.iter().map(|row| (row.uplink, row.downlink)).collect::<Vec<_>>();
        assert_eq!(bytes(&plain), bytes(&perllm));
    }
}

#[test]
fn compressed_activations_are_an_eighth_of_the_pictures() {
    let spec = split(mindfusion(8, true, true), EngineKind::Vllm);
    let (_, log) = run_logged(&spec);
    for row in &log.requests {
        // (391 / 8 + 32) x 3584 x 2, by hand: 350,336 + 229,376; the 32 are 30 of text and two markers.
        let bytes = (391 * 7168u64).div_ceil(8) + 32 * 7168;
        assert_eq!((row.uplink.as_u64(), bytes), (579_712, 579_712));
        assert_eq!(row.downlink.as_u64(), OUTPUT * TOKEN_BYTES);
    }
    // Without D each token has a hidden state go up.
    let (_, log) = run_logged(&split(mindfusion(8, true, false), EngineKind::Vllm));
    assert!(log.requests.iter().all(|row| row.uplink.as_u64() == 579_712 + (OUTPUT - 1) * 7168));
}

#[test]
fn the_shortcut_decodes_without_the_device() {
    let spec = split(mindfusion(8, true, true), EngineKind::Vllm);
    let (_, log) = run_logged(&spec);
    let kinds = |log: &Log, side| {
        let steps = log.steps.iter().filter(|step| step.side == side).map(|step| step.kind);
        steps.collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(kinds(&log, Side::Edge), [Kind::Prefill].into());
    // A token takes the upper part's iteration and nothing else, whatever the round trip.
    let tpot = |log: &Log| log.requests[0].moments.and_then(|moments| moments.tpot()).expect("many tokens").as_ns();
    let mut far = spec.clone();
    far.link.hops[0].set_rtt(SimDuration::from_ms(300));
    assert_eq!(tpot(&log), tpot(&run_logged(&far).1));
    let (upper, context) = (Idle::new(&spec.pools[0].tier), prompt_tokens(&log.requests[0].request.prompt));
    let iterations: u64 = (1..OUTPUT).map(|made| upper.decode_ns(context + made)).sum();
    assert_eq!(tpot(&log), iterations / (OUTPUT - 1));
    // The projection network in place of the 8 lower layers costs less than they would.
    let decode_share =
        |policy| split(policy, EngineKind::Vllm).pools[0].tier.part.expect("a part").decode_share.as_f64();
    let [with, without] = [decode_share(mindfusion(8, true, true)), decode_share(mindfusion(8, true, false))];
    assert!(with > without && with < 1.0, "{with} {without}");
    assert_eq!(log.requests[0].served_by, ServedBy::Published(77.96 / 78.5));
}

#[test]
fn prompts_of_a_split_are_chunked_and_batched() {
    for policy in [layer_split(8), mindfusion(8, true, true)] {
        let mut spec = spec(policy, EngineKind::Graph, 12, 60).clients(6);
        spec.shape().text_tokens = 2000.into();
        let (_, log) = run_logged(&spec);
        for side in [Side::Edge, Side::Cloud] {
            let mut chunks =
                log.steps.iter().filter(|step| step.side == side && step.request == 3 && step.kind == Kind::Prefill);
            let tokens: Vec<u32> = chunks.by_ref().map(|step| step.tokens).collect();
            assert_eq!(tokens, [1024, 1024, 2393 - 2048], "{side:?}");
            let mut iterations = log.iterations(side).into_values();
            let shared = iterations.any(|steps| {
                steps.iter().any(|step| step.kind == Kind::Prefill)
                    && steps.iter().any(|step| step.kind != Kind::Prefill)
            });
            assert!(shared || (side == Side::Edge && log.requests[0].served_by != ServedBy::Cloud), "{side:?}");
        }
        assert!(log.steps.iter().any(|step| step.side == Side::Cloud && step.batch > 3), "tokens share iterations");
    }
}
