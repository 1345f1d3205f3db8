//! Differences between versions of an engine: a small case for each rule, under 0.19 and under 0.33.

use serving::{Drafter, Order, Piece, Replica, Request, Rules, Settings, Step};

/// Replicas under both rules.
fn both(settings: &Settings) -> [Replica; 2] {
    [Rules::vllm_0_19(), Rules::vllm_0_33()].map(|rules| Replica::new(rules, settings.clone()))
}

/// Forms and ends a step in which all drafts are right.
fn turn(replica: &mut Replica) -> Step {
    let step = replica.schedule();
    replica.complete(&step, |work| work.drafted);
    step
}

/// Tokens of each request in a step.
fn tokens(step: &Step) -> Vec<u32> {
    step.work.iter().map(|work| work.tokens).collect()
}

fn small() -> Settings {
    Settings { block_tokens: 4, prefix_cache: false, ..Settings::default() }
}

fn picture(name: u64, tokens: u32) -> Piece {
    Piece::Picture { name, tokens }
}

/// A request that begins with these pieces and ends with text of its own.
fn with(source: u64, pieces: &[Piece], tokens: u32) -> Request {
    let mut request = Request::text(source, tokens, 5);
    request.prompt.splice(0..0, pieces.iter().copied());
    request
}

#[test]
fn the_threshold_of_long_prompts_need_not_hold_for_one_that_is_alone() {
    for (mut replica, expected) in
        both(&Settings { long_prompt_threshold: Some(10), ..small() }).into_iter().zip([10, 30])
    {
        replica.submit(Request::text(1, 30, 5));
        assert_eq!(tokens(&turn(&mut replica)), [expected]);
        replica.submit(Request::text(2, 30, 5));
        assert_eq!(tokens(&turn(&mut replica))[1], 10, "two are not alone");
    }
}

/// The first is the last in order of priority. In step 5 it needs a fourth block and preempts itself.
#[test]
fn a_request_that_preempts_itself_ends_the_step_or_not() {
    let settings = Settings { blocks: 4, order: Order::Priority, ..small() };
    for (mut replica, expected) in both(&settings).into_iter().zip([vec![], vec![1]]) {
        let first = replica.submit(Request { priority: 1, ..Request::text(1, 8, 20) });
        turn(&mut replica);
        replica.submit(Request::text(2, 1, 20));
        (1..5).for_each(|_| drop(turn(&mut replica)));
        let step = turn(&mut replica);
        assert_eq!((tokens(&step), step.preempted), (expected, vec![first]));
    }
}

/// The second, which is more urgent, needs a block in step 2, when the first has been given its token already.
#[test]
fn what_a_preempted_request_was_given_is_taken_back() {
    let settings = Settings { blocks: 3, order: Order::Priority, ..small() };
    for mut replica in both(&settings) {
        let first = replica.submit(Request { priority: 1, ..Request::text(1, 5, 20) });
        turn(&mut replica);
        let second = replica.submit(Request::text(2, 4, 20));
        turn(&mut replica);
        let step = turn(&mut replica);
        assert_eq!(step.preempted, [first]);
        assert_eq!(step.work.iter().map(|work| work.id).collect::<Vec<_>>(), [second]);
        assert_eq!(replica.free_blocks(), 1);
    }
}

#[test]
fn a_waiting_request_that_a_picture_holds_back_stops_those_behind_or_not() {
    let settings = Settings { encoder_step: 10, ..small() };
    for (mut replica, expected) in both(&settings).into_iter().zip([vec![15], vec![15, 7]]) {
        replica.submit(with(1, &[picture(1, 10)], 5));
        let held = replica.submit(with(2, &[picture(2, 10)], 5));
        replica.submit(Request::text(3, 7, 5));
        assert_eq!(tokens(&turn(&mut replica)), expected);
        assert_eq!(replica.waiting().next(), Some(held), "it keeps its place");
        assert_eq!(tokens(&turn(&mut replica)).iter().sum::<u32>(), 23 - expected[1..].iter().sum::<u32>() / 7 * 6);
    }
}

#[test]
fn a_draft_model_takes_slots_at_admission_and_lengthens_the_batch() {
    let settings = Settings { drafter: Drafter::Model, draft_tokens: 4, step_tokens: 8, ..small() };
    for (mut replica, (blocks, second)) in both(&settings).into_iter().zip([(1, 4), (2, 2)]) {
        replica.submit(Request::text(1, 4, 5));
        replica.submit(Request::text(2, 4, 5));
        let step = turn(&mut replica);
        assert_eq!((step.work[0].blocks, tokens(&step)), (blocks, vec![4, second]));
    }
}

#[test]
fn a_single_token_is_padded_beside_verifications_unless_a_prompt_goes_on() {
    let settings = Settings { drafter: Drafter::NGram, draft_tokens: 2, step_tokens: 20, ..small() };
    for (prompt, expected) in [(10, [(1, 0), (3, 2)]), (30, [(1, 0), (1, 0)])] {
        for (mut replica, expected) in both(&settings).into_iter().zip(expected) {
            replica.submit(Request::text(1, prompt, 50));
            turn(&mut replica);
            replica.submit(Request::text(2, 1, 50));
            let work = turn(&mut replica).work[1];
            assert_eq!((work.tokens, work.drafted), expected, "a prompt of {prompt}");
        }
    }
}

#[test]
fn lookups_of_a_request_that_is_not_admitted_count_or_not() {
    let settings = Settings { blocks: 4, prefix_cache: true, ..small() };
    for (mut replica, expected) in both(&settings).into_iter().zip([8, 0]) {
        replica.submit(Request::text(1, 12, 5));
        replica.submit(Request::text(2, 8, 5));
        assert_eq!(turn(&mut replica).lookups.tokens, 12 + expected);
        assert_eq!(turn(&mut replica).lookups.tokens, expected);
    }
}

/// Verified tokens fill a block in step 1. It has its key at once, or when step 2 is formed.
#[test]
fn verified_drafts_give_keys_at_the_end_of_the_step_or_with_the_next() {
    let settings = Settings { drafter: Drafter::NGram, draft_tokens: 3, prefix_cache: true, ..Settings::default() };
    for (mut replica, expected) in both(&settings).into_iter().zip([[0, 1], [1, 1]]) {
        replica.submit(Request::text(1, 14, 50));
        turn(&mut replica);
        let cached = [0; 2].map(|_| {
            turn(&mut replica);
            replica.cached_blocks()
        });
        assert_eq!(cached, expected);
    }
}

/// The last of four right drafts is beyond the end of the answer: its position is not known.
#[test]
fn tokens_beyond_the_end_of_an_answer_give_no_keys() {
    let settings = Settings { drafter: Drafter::NGram, draft_tokens: 4, prefix_cache: true, ..small() };
    for mut replica in both(&settings) {
        replica.submit(Request::text(1, 5, 4));
        turn(&mut replica);
        turn(&mut replica);
        assert!(replica.is_idle());
        assert!(replica.cached_blocks() <= 2);
    }
}

#[test]
fn a_picture_is_let_go_when_its_step_is_formed_or_ended() {
    for (mut replica, expected) in both(&Settings { encoder_cache: 100, ..small() }).into_iter().zip([100, 90]) {
        replica.submit(with(1, &[picture(1, 10)], 5));
        let step = replica.schedule();
        assert_eq!((step.embeddings(), replica.encoder_free(), replica.encoder_freeable()), (10, 90, expected));
        replica.complete(&step, |_| 0);
        assert_eq!((replica.encoder_free(), replica.encoder_freeable()), (90, 100));
    }
}

#[test]
fn a_whole_picture_that_begins_a_chunk_is_cut_or_not() {
    let settings = Settings { whole_pictures: true, step_tokens: 16, ..small() };
    for (mut replica, expected) in both(&settings).into_iter().zip([vec![10, 6], vec![10]]) {
        replica.submit(Request::text(1, 10, 5));
        replica.submit(with(2, &[picture(1, 12)], 5));
        assert_eq!(tokens(&turn(&mut replica)), expected);
    }
}

#[test]
fn a_picture_right_behind_a_chunk_is_encoded_with_it_if_the_head_reads_ahead_or_not() {
    let settings = Settings { drafter: Drafter::Eagle, draft_tokens: 2, step_tokens: 8, ..small() };
    for (mut replica, expected) in both(&settings).into_iter().zip([0, 9]) {
        replica.submit(with(1, &[Piece::Text { source: 9, tokens: 8 }, picture(1, 9)], 5));
        assert_eq!(turn(&mut replica).embeddings(), expected);
        assert_eq!(turn(&mut replica).embeddings(), 9 - expected);
    }
}

/// No room for the second picture: the chunk ends before it, for a head that reads ahead one token earlier.
#[test]
fn a_chunk_ends_before_a_picture_that_has_no_room() {
    for (drafter, expected) in [(Drafter::None, [18, 18]), (Drafter::Eagle, [17, 18])] {
        let settings = Settings { drafter, draft_tokens: 2, encoder_step: 10, ..small() };
        for (mut replica, expected) in both(&settings).into_iter().zip(expected) {
            replica.submit(with(1, &[picture(1, 10), Piece::Text { source: 9, tokens: 8 }, picture(2, 10)], 5));
            assert_eq!(tokens(&turn(&mut replica)), [expected], "{drafter:?}");
        }
    }
}
