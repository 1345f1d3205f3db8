//! Prefix caches of serving engines, and sessions of users.

use crate::common::{Log, Override, blocking, cloud_only, edge_only, examples, run_logged, spec, under};
use engine::{Arrivals, Content, Kind, Played, RunSpec, Side, Status};
use model::dataset::Sessions;
use model::engine_kind::EngineKind;
use policies::System;
use std::collections::BTreeMap;
use traces::requests::{BlockList, Blocks, TraceRequest};
use units::{PerSecond, SimDuration};

const THINK: SimDuration = SimDuration::from_secs(10);

/// One client that asks in text of 40 tokens and gets answers of 20.
fn asked(policy: System, requests: u64) -> RunSpec {
    spec(policy, EngineKind::Graph, requests, 20).text_only(40)
}

/// The same in sessions of so many turns.
fn in_sessions(policy: System, requests: u64, turns: u32) -> RunSpec {
    let mut spec = asked(policy, requests);
    spec.workload.sessions = Some(Sessions { turns: turns.into(), think: THINK.into() });
    spec
}

/// Tokens that a side read of the prompt of each request. The rest was found in its cache.
fn read(log: &Log, side: Side) -> Vec<u32> {
    let mut read = BTreeMap::new();
    let chunks = log.steps.iter().filter(|step| step.side == side && step.kind == Kind::Prefill);
    chunks.for_each(|step| *read.entry(step.request).or_default() += step.tokens);
    read.into_values().collect()
}

fn read_by_cloud(spec: RunSpec) -> Vec<u32> {
    read(&run_logged(&under(spec, EngineKind::Vllm019Sync)).1, Side::Cloud)
}

/// By hand: the first turn leaves 40 + 20 - 1 = 59 tokens in the cache (the last one never passes), which are 3 blocks of
/// 16. The second turn has 40 + 20 + 40 = 100 tokens and finds 48 of them: it reads 52. It leaves 119 tokens or 7 blocks, 112
/// tokens, and of the 160 tokens of the third turn 48 are left to read.
#[test]
fn a_turn_finds_the_whole_blocks_of_the_session_so_far() {
    assert_eq!(read_by_cloud(in_sessions(cloud_only(), 3, 3)), [40, 52, 48]);
    let (_, log) = run_logged(&under(in_sessions(edge_only(), 3, 3), EngineKind::Vllm019Sync));
    assert_eq!(read(&log, Side::Edge), [40, 52, 48]);
    let last = log.steps.iter().rfind(|step| step.kind == Kind::Prefill && step.request == 2);
    // The chunk that ends a prompt makes a token.
    assert_eq!(last.expect("a chunk").context_tokens, 160 + 1);
}

#[test]
fn both_sides_of_a_speculation_find_their_part_of_a_session() {
    let (_, log) = run_logged(&under(in_sessions(blocking(4), 3, 3), EngineKind::Vllm019Sync));
    for side in [Side::Edge, Side::Cloud] {
        let read = read(&log, side);
        assert_eq!(read[0], 40, "{side:?}");
        assert!((48..=64).contains(&read[1]) && (44..=64).contains(&read[2]), "{side:?} {read:?}");
    }
}

/// By hand: 96 tokens of system prompt are 6 blocks. A picture of 640 x 480 has 391 tokens between two
/// others, which are 24 blocks and 9 tokens.
#[test]
fn prompts_share_their_system_prompt_and_their_pictures() {
    let mut spec = asked(cloud_only(), 3);
    spec.workload.system_prompt = 96;
    assert_eq!(read_by_cloud(spec.clone()), [136, 40, 40]);
    let (_, log) = run_logged(&spec);
    assert_eq!(read(&log, Side::Cloud), [136, 136, 136], "an idealised engine has no cache");

    let mut spec = self::spec(cloud_only(), EngineKind::Vllm, 4, 20);
    spec.workload.questions_per_picture = 2;
    assert_eq!(read_by_cloud(spec.clone()), [423, 423 - 24 * 16, 423, 423 - 24 * 16]);
    spec.workload.system_prompt = 9;
    assert_eq!(read_by_cloud(spec.clone()), [432, 432 - 25 * 16, 432, 432 - 25 * 16]);
    // Two sessions of two turns: the third of four prompts begins with the picture of the first.
    spec.workload.sessions = Some(Sessions { turns: 2.into(), think: THINK.into() });
    let turn = 432 + 20 + 30;
    assert_eq!(read_by_cloud(spec), [432, turn - 28 * 16, 432 - 25 * 16, turn - 28 * 16]);
}

#[test]
fn blocks_of_a_trace_are_found_again() {
    let mut blocks = BlockList::default();
    for numbers in [&[5, 6, 7][..], &[5, 6, 8], &[9, 6, 7]] {
        blocks.push(Some(&Blocks { tokens: 512, numbers: numbers.into() }));
    }
    let row = |number| TraceRequest::text(SimDuration::from_secs(number), 1200, 20);
    let mut spec = asked(cloud_only(), 3);
    let requests = [0, 10, 20].map(row).into();
    spec.workload.content = Content::Trace(Played { requests, output_tokens: None, blocks: Some(blocks.into()) });
    spec.workload.arrivals = Arrivals::Trace { speed: 1.0 };
    assert_eq!(read_by_cloud(spec), [1200, 1200 - 1024, 1200]);
}

#[test]
fn a_turn_is_sent_when_its_user_has_thought_about_the_answer() {
    for (name, policy) in examples() {
        for open in [false, true] {
            let mut spec = in_sessions(policy.clone(), 5, 3);
            if open {
                spec.workload.arrivals = Arrivals::Poisson { rate: PerSecond::new(0.2) };
            }
            let (outcome, mut log) = run_logged(&spec);
            assert_eq!(outcome.metrics.completed, 5, "{name}");
            log.requests.sort_by_key(|row| row.request.prompt.request);
            for (before, after) in log.requests.iter().zip(&log.requests[1..]) {
                let number = after.request.prompt.request;
                let answered = before.moments.expect("an answer").last_token;
                match number % 3 {
                    0 if !open => {
                        assert_eq!(after.submit, answered, "{name}: a client begins its next session at once")
                    }
                    0 => {}
                    _ => assert_eq!(after.submit, answered + THINK, "{name} {number}"),
                }
                assert_eq!(after.request.prompt.text_tokens, 40 + 60 * (number % 3) as u32, "{name} {number}");
            }
        }
    }
}

/// The third turn of a session has 160 tokens and an answer of 20, the fourth 220.
#[test]
fn a_session_outgrows_a_context_window() {
    for engine in [EngineKind::Graph, EngineKind::Vllm] {
        let mut spec = in_sessions(cloud_only(), 8, 4);
        spec.pools[0].tier.model.context_window = Some(180);
        if engine != EngineKind::Graph {
            spec = under(spec, engine);
        }
        let (_, log) = run_logged(&spec);
        for row in &log.requests {
            let number = row.request.prompt.request;
            assert_eq!(row.status == Status::Completed, number % 4 < 3, "{engine:?} {number}");
        }
    }
}
