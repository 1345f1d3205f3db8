//! A small model that drafts beside another on one GPU: by hand to the nanosecond, its memory, and its acceptances.

use crate::common::oracle::{Idle, Wire, payload, prompt_tokens};
use crate::common::{Alike, CUT_PROMPTS, Override, blocking, cloud_only, edge_only, run, run_logged, spec};
use engine::{Kind, RunSpec, kv_of_group, kv_of_pool};
use model::{engine_kind::EngineKind, model_spec::ModelSpec, request::Prompt};
use policies::{CloudSpeculative, EdgeSpeculative, System};
use units::SimDuration;

const OUTPUT: u64 = 23;
const N: u32 = 4;
const TOKEN_BYTES: u64 = 8;

fn cloud_speculative(n_draft: u32) -> System {
    System::CloudSpeculative(CloudSpeculative { n_draft, draft_model: None })
}

/// A model drafts for itself, so that the oracle, which wants a tower, knows both.
fn edge_speculative(n_draft: u32) -> System {
    System::EdgeSpeculative(EdgeSpeculative { n_draft, draft_model: "qwen2-vl-2b".to_owned() })
}

/// The iterations of an answer: at which time each ends, in ns from the moment that the prompt is there, and the tokens that it makes.
fn iterations(spec: &RunSpec, prompt: &Prompt, on_edge: bool, all_agree: bool) -> Vec<(u64, u64)> {
    let tier = if on_edge { &spec.edges[0].tier } else { &spec.pools[0].tier };
    let [own, small] = [Idle::new(tier), Idle::new(&tier.drafter().expect("a small model"))];
    let (context, n) = (prompt_tokens(prompt), u64::from(N));
    let drafts = |committed: u64| if all_agree { n.min(OUTPUT - committed) } else { n };
    let drafting =
        |committed: u64| (0..drafts(committed)).map(|ahead| small.decode_ns(context + committed + ahead)).sum::<u64>();
    let read = if on_edge { own.prefill_ns(prompt) } else { own.read_ns(prompt) };
    let mut now = read + small.prefill_ns(prompt) + drafting(1);
    let (mut ends, mut committed) = (vec![(now, 1)], 1);
    while committed < OUTPUT {
        let drafted = drafts(committed);
        now += own.verify_ns(1 + drafted, context + committed - 1);
        let more = if all_agree { (drafted + 1).min(OUTPUT - committed) } else { 1 };
        committed += more;
        if committed < OUTPUT {
            now += drafting(committed);
        }
        ends.push((now, more));
    }
    ends
}

#[test]
fn an_answer_by_hand_on_either_side() {
    for engine in CUT_PROMPTS {
        for (on_edge, all_agree) in [(false, false), (false, true), (true, false), (true, true)] {
            let policy = if on_edge { edge_speculative(N) } else { cloud_speculative(N) };
            let spec = spec(policy, engine, 2, OUTPUT as u32).iid(if all_agree { 1.0 } else { 0.0 });
            for spec in [spec.clone(), spec.text_only(2500)] {
                for row in run_logged(&spec).1.requests {
                    let prompt = &row.request.prompt;
                    let mut wires = [0; 2].map(|_| Wire::new(400_000_000, 0, spec.link.hops[0].rtt().as_ns() / 2));
                    let preprocess = if prompt.images.is_some() { 12_000_000 } else { 0 };
                    let start = if on_edge { preprocess } else { wires[0].arrival(preprocess, payload(prompt)) };
                    let made = iterations(&spec, prompt, on_edge, all_agree);
                    let there = made.iter().map(|&(end, tokens)| match on_edge {
                        true => start + end,
                        false => wires[1].arrival(start + end, TOKEN_BYTES * tokens),
                    });
                    let there: Vec<u64> = there.collect();
                    let moments = row.moments.expect("an answered request");
                    let seen = [moments.ttft(), moments.e2e()].map(SimDuration::as_ns);
                    let expected = [there[0], there[there.len() - 1]];
                    assert_eq!(seen, expected, "{engine:?}, on the edge: {on_edge}, all agree: {all_agree}");
                    let accepted = if all_agree { row.drafted } else { 0 };
                    assert_eq!((row.rounds as usize, row.accepted), (made.len() - 1, accepted));
                }
            }
        }
    }
}

#[test]
fn the_small_model_takes_memory_from_the_other() {
    let blocks = |policy, on_edge: bool| {
        let spec = spec(policy, EngineKind::Vllm, 1, 1);
        let pool = if on_edge { kv_of_group(&spec.edges[0]) } else { kv_of_pool(&spec.pools[0]) };
        pool.expect("it fits").total_blocks() as f64
    };
    let small = ModelSpec::named("qwen2-vl-2b").unwrap();
    let [weights, token] = [small.weight_bytes(), small.kv_bytes_per_token()].map(|bytes| bytes.as_u64() as f64);
    for (alone, drafted, on_edge, own) in [
        (cloud_only(), cloud_speculative(N), false, "qwen2.5-vl-7b"),
        (edge_only(), edge_speculative(N), true, "qwen2-vl-2b"),
    ] {
        let own = ModelSpec::named(own).unwrap().kv_bytes_per_token().as_u64() as f64;
        let expected = (blocks(alone, on_edge) * 16.0 * own - weights) / (16.0 * (own + token));
        let seen = blocks(drafted, on_edge);
        assert!((seen - expected).abs() <= 1.0, "{seen} blocks for {expected}");
    }
}

#[test]
fn its_tokens_are_accepted_as_the_edge_s_are() {
    let acceptance = |policy| {
        let outcome = run_logged(&spec(policy, EngineKind::Vllm, 60, 40));
        let sum = |of: fn(&engine::RequestRecord) -> u32| {
            outcome.1.requests.iter().map(|row| f64::from(of(row))).sum::<f64>()
        };
        sum(|row| row.accepted) / sum(|row| row.drafted)
    };
    let (beside, across) = (acceptance(cloud_speculative(N)), acceptance(blocking(N)));
    // The same tokens, cut into batches otherwise: beside it the prompt's last logits give no draft.
    assert!((beside / across - 1.0).abs() < 0.02, "{beside} {across}");
}

#[test]
fn requests_are_drafted_for_together() {
    let one = spec(cloud_speculative(N), EngineKind::Vllm, 24, 30).text_only(40).iid(0.8);
    let eight = one.clone().clients(8);
    let (alone, together) = (run(&one).makespan, run(&eight).makespan);
    assert!(together.as_ns() * 4 < alone.as_ns(), "{together} for eight at once, {alone} for one after the other");
    let (_, log) = run_logged(&eight);
    let widest = log.steps.iter().filter(|step| step.kind == Kind::Verify).map(|step| step.batch).max();
    assert_eq!(widest, Some(8), "asynchronous scheduling leaves nobody out of a step");
}
