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
