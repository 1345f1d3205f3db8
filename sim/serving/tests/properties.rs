//! Laws of the scheduler, for workloads of all kinds.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serving::{Drafter, Order, Piece, Replica, Request, Rules, Settings};
use support::held::held;
use support::{Server, Turn, Workload, any_workload, is_admission, text_workload};

/// Turns after which a workload that can end has ended.
const ENOUGH: usize = 20_000;

/// Each block is free, or held by requests that run; without a prefix cache by one only.
fn check_blocks(replica: &Replica) -> Result<(), TestCaseError> {
    prop_assert_eq!(held(replica) + replica.free_blocks(), replica.settings().blocks, "no block is lost");
    let running = replica.running().iter().filter(|_| replica.settings().prefix_cache);
    for sequence in running.map(|id| replica.sequence(*id).expect("it runs")) {
        let different: BTreeSet<_> = sequence.block_numbers().iter().collect();
        prop_assert_eq!(different.len() as u32, sequence.blocks(), "a request holds a block twice");
    }
    Ok(())
}

/// Tokens, embeddings and requests of the step are within its budgets, and each request has blocks for its tokens.
fn check_budgets(turn: &Turn, server: &Server) -> Result<(), TestCaseError> {
    let settings = server.replica.settings();
    let each = if settings.drafter == Drafter::Model { server.replica.rules().draft_model_tokens } else { 0 };
    let rows = turn.step.work.len() as u32;
    prop_assert!(turn.step.tokens() + rows * each <= settings.step_tokens);
    prop_assert!(turn.step.embeddings() <= settings.encoder_step);
    prop_assert!(server.replica.running().len() <= settings.sequences as usize);
    prop_assert!(server.replica.encoder_free() <= server.replica.encoder_freeable());
    let mut ids: Vec<_> = turn.step.work.iter().map(|work| work.id).collect();
    ids.sort_unstable();
    prop_assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "each request stands in the step once");
    for work in &turn.step.work {
        prop_assert!(work.tokens > work.drafted);
        prop_assert!(work.computed + work.tokens <= work.blocks * settings.block_tokens);
        prop_assert!(work.computed + work.tokens <= settings.context);
        let most = settings.long_prompt_threshold.unwrap_or(u32::MAX);
        let alone = turn.step.work.len() == 1;
        prop_assert!(work.tokens <= most || (alone && !server.replica.rules().threshold_when_alone));
    }
    Ok(())
}

fn with_fcfs(workload: Workload) -> Workload {
    Workload { settings: Settings { order: Order::Fcfs, ..workload.settings }, ..workload }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_block_is_lost_or_used_twice_and_no_budget_is_passed(workload in any_workload()) {
        let mut server = Server::new(&workload);
        for _ in 0..400 {
            if server.is_done() {
                break;
            }
            let turn = server.turn();
            check_blocks(&server.replica)?;
            check_budgets(&turn, &server)?;
        }
    }

    #[test]
    fn nobody_starves_and_nobody_overtakes_under_fcfs(workload in text_workload()) {
        let workload = with_fcfs(workload);
        let mut server = Server::new(&workload);
        let mut admitted = Vec::new();
        let mut outputs = BTreeMap::new();
        for _ in 0..ENOUGH {
            let turn = server.turn();
            admitted.extend(turn.step.work.iter().filter(|work| work.entry == serving::Entry::New).map(|work| work.id));
            turn.outcomes.iter().for_each(|outcome| *outputs.entry(outcome.id).or_insert(0) += outcome.sampled);
            if server.is_done() {
                break;
            }
        }
        prop_assert!(server.is_done(), "a request is never served: {:?}", server.replica.waiting().collect::<Vec<_>>());
        prop_assert_eq!(&admitted, &server.ids, "first admissions are in order of arrival");
        for (id, (_, request)) in server.ids.iter().zip(&workload.requests) {
            let context = server.replica.settings().context - request.prompt_tokens();
            prop_assert_eq!(outputs[id], request.output_tokens.min(context));
        }
        prop_assert_eq!(server.replica.free_blocks(), workload.settings.blocks);
    }

    #[test]
    fn what_is_recomputed_is_what_was_lost(workload in text_workload()) {
        let workload = Workload { rules: Rules::vllm_0_19(), ..workload };
        let mut server = Server::new(&workload);
        // of each request: tokens in steps, found in the cache, lost by preemptions
        let mut accounts: BTreeMap<_, [u32; 3]> = BTreeMap::new();
        for _ in 0..ENOUGH {
            server.queue();
            let before = server.replica.clone();
            let turn = server.turn();
            for id in &turn.step.preempted {
                accounts.entry(*id).or_default()[2] += before.sequence(*id).expect("it ran").computed();
            }
            for work in &turn.step.work {
                let account = accounts.entry(work.id).or_default();
                account[0] += work.tokens;
                account[1] += if is_admission(work) { work.computed } else { 0 };
            }
            if server.is_done() {
                break;
            }
        }
        for (id, (_, request)) in server.ids.iter().zip(&workload.requests) {
            let outputs = request.output_tokens.min(workload.settings.context - request.prompt_tokens());
            let [computed, found, lost] = accounts[id];
            // the last token is sampled and never computed
            prop_assert_eq!(computed + found, request.prompt_tokens() + outputs - 1 + lost);
        }
    }

    /// A prompt that nobody shares needs no names of blocks until it is preempted.
    #[test]
    fn a_private_request_is_served_as_one_that_nobody_shares(workload in text_workload()) {
        let [named, private] = [false, true].map(|is_private| {
            let mut workload = workload.clone();
            for (source, (_, request)) in (1000..).zip(&mut workload.requests) {
                let tokens = request.prompt_tokens();
                request.prompt = vec![Piece::Text { source, tokens }];
                (request.answer, request.is_private) = (u64::MAX - source, is_private);
            }
            let mut server = Server::new(&workload);
            let mut turns = Vec::new();
            while !server.is_done() && turns.len() < 600 {
                let turn = server.turn();
                turns.push((turn.step.work, turn.step.preempted, turn.outcomes));
            }
            turns
        });
        for (turn, (named, private)) in named.iter().zip(&private).enumerate() {
            prop_assert_eq!(named, private, "turn {}", turn);
        }
        prop_assert_eq!(named.len(), private.len());
    }

    #[test]
    fn several_steps_at_once_are_equal_to_single_ones(workload in text_workload(), every in 1..7u32) {
        let (mut at_once, mut single) = (Server::new(&workload), Server::new(&workload));
        let mut turns = 0;
        while !single.is_done() && turns < 600 {
            at_once.queue();
            single.queue();
            let steps = if turns % every == 0 { at_once.advance() } else { 0 };
            (0..steps).for_each(|_| drop(single.turn()));
            single.queue();
            at_once.queue();
            prop_assert!(at_once.replica == single.replica, "after {} steps at once", steps);
            let (one, other) = (at_once.turn(), single.turn());
            prop_assert_eq!((one.step, one.outcomes), (other.step, other.outcomes));
            turns += 1;
        }
        prop_assert!(at_once.replica == single.replica);
    }
}

#[test]
fn a_steady_batch_is_advanced_to_its_next_end_or_preemption() {
    // 2 requests of 6 + 10 tokens, blocks of 4: both take a third block for position 8 and a fourth for position 12
    for (blocks, steps) in [(100, 9), (8, 9), (7, 6), (6, 6), (5, 2), (4, 2)] {
        let settings = Settings { block_tokens: 4, blocks, full_prompt_gate: false, ..Settings::default() };
        let mut replica = Replica::new(Rules::vllm_0_19(), settings);
        replica.submit(Request::text(1, 6, 10));
        replica.submit(Request::text(2, 6, 10));
        assert_eq!(replica.steady_steps(None), 0, "nobody runs");
        let prompts = replica.schedule();
        replica.complete(&prompts, |_| 0);
        assert_eq!(replica.steady_steps(None), steps, "{blocks} blocks");
        assert_eq!(replica.clone().advance(None, 4).steps, steps.min(4));
        let advance = replica.advance(None, 1000);
        assert_eq!((advance.steps, advance.outcomes[1].ended), (steps, steps == 9), "{blocks} blocks");
    }
}
