//! Cases that were worked by hand.

use serving::{Entry, Replica, Request, Rules, Settings};

/// A row of a table of steps: computed before, tokens, blocks then; `None` where the request is not in the step.
type Row = Option<(u32, u32, u32)>;

/// Five blocks of four tokens, two requests: prompts of 6, answers of 10 and 5 tokens.
///
/// Positions 0 to 7 lie in the first two blocks of each. For position 8, in step 3, each needs a third block and one is
/// free: the first takes it, the second preempts itself, with 6 + 3 tokens. These need three blocks, and while the first
/// runs there are at most two. The first ends in step 9 with its tenth token; the second computes all 9 tokens again in
/// step 10, which brings its fourth, and ends in step 11.
const STEPS: [(Row, Row); 12] = [
    (Some((0, 6, 2)), Some((0, 6, 2))),
    (Some((6, 1, 2)), Some((6, 1, 2))),
    (Some((7, 1, 2)), Some((7, 1, 2))),
    (Some((8, 1, 3)), None),
    (Some((9, 1, 3)), None),
    (Some((10, 1, 3)), None),
    (Some((11, 1, 3)), None),
    (Some((12, 1, 4)), None),
    (Some((13, 1, 4)), None),
    (Some((14, 1, 4)), None),
    (None, Some((0, 9, 3))),
    (None, Some((9, 1, 3))),
];

#[test]
fn the_newest_is_preempted_and_computed_again() {
    for rules in [Rules::vllm_0_19(), Rules::vllm_0_33()] {
        let settings = Settings { block_tokens: 4, blocks: 5, prefix_cache: false, ..Settings::default() };
        let mut replica = Replica::new(rules, settings);
        let first = replica.submit(Request::text(1, 6, 10));
        let second = replica.submit(Request::text(2, 6, 5));
        for (number, expected) in STEPS.iter().enumerate() {
            let step = replica.schedule();
            let row =
                |id| step.work.iter().find(|work| work.id == id).map(|work| (work.computed, work.tokens, work.blocks));
            assert_eq!((row(first), row(second)), *expected, "step {number}");
            assert_eq!(step.preempted, if number == 3 { vec![second] } else { vec![] }, "step {number}");
            let resumed = step.work.iter().any(|work| work.entry == Entry::Resumed);
            assert_eq!(resumed, number == 10, "step {number}");
            let ended: Vec<_> = replica
                .complete(&step, |_| 0)
                .iter()
                .filter(|outcome| outcome.ended)
                .map(|outcome| outcome.id)
                .collect();
            let expected = [(9, first), (11, second)].into_iter().find(|(step, _)| *step == number);
            assert_eq!(ended, expected.map(|(_, id)| id).into_iter().collect::<Vec<_>>(), "step {number}");
        }
        assert!(replica.is_idle() && replica.free_blocks() == 5);
    }
}

/// An answer of 3 tokens out of at most 10 under asynchronous scheduling: the fourth step is formed before the third
/// token says that it was the last, so it computes a token for nothing. Where 3 is the limit too, it is not.
#[test]
fn an_answer_that_ends_by_itself_costs_one_step_more() {
    for (limit, wasted) in [(10, 1), (3, 0)] {
        let mut replica = Replica::new(Rules::vllm_0_19_async(), Settings::default());
        let id = replica.submit(Request { output_limit: limit, ..Request::text(1, 20, 3) });
        let mut in_flight = replica.schedule();
        for tokens in [1, 1, wasted] {
            let next = replica.schedule();
            assert_eq!(next.tokens(), tokens);
            replica.complete(&in_flight, |_| 0);
            in_flight = next;
        }
        assert!(replica.sequence(id).is_none(), "it has ended");
        assert_eq!(replica.complete(&in_flight, |_| 0), []);
        assert_eq!(replica.free_blocks(), 1000);
    }
}

/// Tokens of each request in the next steps, in order of admission.
fn tokens(replica: &mut Replica, steps: usize) -> Vec<Vec<u32>> {
    let step = |_| {
        let step = replica.schedule();
        replica.complete(&step, |_| 0);
        step.work.iter().map(|work| work.tokens).collect()
    };
    (0..steps).map(step).collect()
}

/// An answer is being written when a prompt of 30 tokens comes. With a budget of 20 a step, `sglang` reads it in two
/// steps and `vllm-0.7`, whose budget is the context, in one; the answer waits. The others compute both at once.
#[test]
fn prompts_hold_up_answers_where_they_are_kept_apart() {
    for (name, step_tokens, expected) in [
        ("sglang", 20, vec![vec![20], vec![10], vec![1, 1]]),
        ("vllm-0.7", 40, vec![vec![30], vec![1, 1], vec![1, 1]]),
        ("vllm-0.19-sync", 20, vec![vec![1, 19], vec![1, 11], vec![1, 1]]),
        ("trtllm", 40, vec![vec![1, 30], vec![1, 1], vec![1, 1]]),
        ("llamacpp", 20, vec![vec![1, 19], vec![1, 11], vec![1, 1]]),
    ] {
        let rules = Rules::named(name).expect("an engine");
        let settings = Settings { step_tokens, ..rules.defaults.clone() };
        let mut replica = Replica::new(rules, settings);
        replica.submit(Request::text(1, 10, 20));
        assert_eq!(tokens(&mut replica, 2), [[10], [1]], "{name}");
        replica.submit(Request::text(2, 30, 20));
        assert_eq!(tokens(&mut replica, 3), expected, "{name}");
    }
}

/// Five blocks of four tokens; prompts of 6, answers of 10 and 5 tokens. The first may come to hold four blocks, so an
/// engine that guarantees completion admits the second after its end, when 10 steps are done. One that does not
/// preempts the second, as above.
#[test]
fn a_guarantee_of_completion_costs_waiting_instead_of_preemption() {
    for (name, steps, preemptions) in [("trtllm", 15, 0), ("trtllm-max-utilization", 12, 1)] {
        let rules = Rules::named(name).expect("an engine");
        let settings = Settings {
            block_tokens: 4,
            blocks: 5,
            prefix_cache: false,
            full_prompt_gate: false,
            ..Settings::default()
        };
        let mut replica = Replica::new(rules, settings);
        replica.submit(Request::text(1, 6, 10));
        let second = replica.submit(Request::text(2, 6, 5));
        let (mut done, mut preempted) = (0, 0);
        while !replica.is_idle() {
            let step = replica.schedule();
            preempted += step.preempted.iter().filter(|id| **id == second).count();
            replica.complete(&step, |_| 0);
            done += 1;
        }
        assert_eq!((done, preempted), (steps, preemptions), "{name}");
    }
}

/// 40 tokens of memory. A prompt of 6 with an answer of at most 10 needs 16, and beside it 7 of the 10 that the first may
/// still write: two fit. A third would need 16 beside 14 and the 12 that are held.
#[test]
fn sglang_counts_a_share_of_the_answers_to_come() {
    let rules = Rules::sglang();
    let settings = Settings { blocks: 40, ..rules.defaults.clone() };
    let mut replica = Replica::new(rules, settings);
    for source in 1..4 {
        replica.submit(Request::text(source, 6, 10));
    }
    assert_eq!(tokens(&mut replica, 2), [[6, 6], [1, 1]]);
    assert_eq!(replica.waiting().count(), 1);
}

/// 66 tokens of memory. A prompt of 8 and one of 6, with answers of 30, are admitted together: 6 + 30 and .7 of 30 find
/// room beside 8. They need 74 in the end; when memory runs out the one with the longer prompt is retracted.
#[test]
fn sglang_retracts_the_longer_prompt_of_equal_answers() {
    let rules = Rules::sglang();
    let settings = Settings { blocks: 66, prefix_cache: false, ..rules.defaults.clone() };
    let mut replica = Replica::new(rules, settings);
    let first = replica.submit(Request::text(1, 8, 30));
    replica.submit(Request::text(2, 6, 30));
    let mut retracted = Vec::new();
    while !replica.is_idle() {
        let step = replica.schedule();
        retracted.extend(step.preempted.iter().copied());
        replica.complete(&step, |_| 0);
    }
    assert_eq!(retracted, [first]);
}

/// Memory of 40 blocks in four slots, of 160 tokens each: a fifth request waits, whatever is free.
#[test]
fn slots_of_llamacpp_are_equal_parts() {
    let rules = Rules::llamacpp();
    let settings = Settings { blocks: 40, ..rules.defaults.clone() };
    let mut replica = Replica::new(rules, settings);
    for source in 0..5 {
        replica.submit(Request::text(source, 10, 10));
    }
    let step = replica.schedule();
    assert_eq!(step.work.iter().map(|work| work.blocks).collect::<Vec<_>>(), [10; 4]);
    assert_eq!((replica.free_blocks(), replica.waiting().count(), replica.settings().context), (0, 1, 160));
}
