//! The operations that only some systems ask for: own tokens, passes, drafts that are taken as they are, and parts of a
//! model.

use super::*;

pub fn an_own_answer_ends_at_its_own_length(factory: &impl Factory) {
    let (request, _) = reference(factory);
    let mut edge = factory.drafter();
    let sequence = open(&mut edge, &request);
    let Done::Token(first) = read(&mut edge, sequence, true) else { panic!("the prompt's end makes a token") };
    let mut length = 1;
    let mut last = first;
    while !last.ends {
        assert!(length < 10_000, "an answer without end");
        let token = own(&mut edge, sequence);
        assert_eq!(token.position, length, "it continues the answer");
        (last, length) = (token.token, length + 1);
        assert_eq!(edge.answer_tokens(sequence), length);
    }
    // Without entropies the same answer has the same length.
    edge.truncate(sequence, 1);
    let rest = (1..).find(|_| decode(&mut edge, sequence).ends);
    assert_eq!(rest, Some(length - 1));
    // Taken back, it is made again, token by token.
    edge.truncate(sequence, 1);
    let again: Vec<Draft> = (1..length).map(|_| own(&mut edge, sequence)).collect();
    edge.truncate(sequence, 4);
    assert_alike(&(4..length).map(|_| own(&mut edge, sequence)).collect::<Vec<_>>(), &again[3..]);
}

pub fn own_tokens_are_those_that_are_drafted(factory: &impl Factory) {
    let (request, _) = reference(factory);
    let made = |make: fn(&mut _, Sequence) -> Draft| {
        let mut edge = factory.drafter();
        let sequence = open(&mut edge, &request);
        read(&mut edge, sequence, false);
        (0..8).map(|_| make(&mut edge, sequence)).collect::<Vec<Draft>>()
    };
    for (own, draft) in made(own).into_iter().zip(made(draft)) {
        assert_eq!(
            (own.token.id, own.position, own.entropy_nats),
            (draft.token.id, draft.position, draft.entropy_nats)
        );
    }
}

pub fn a_pass_appends_nothing(factory: &impl Factory) {
    let (mut target, sequence, answer) = ready(factory);
    for token in &answer[..3] {
        let before = lengths(&target, sequence);
        let (done, cost) = one(&mut target, sequence, Work::Pass);
        assert_eq!((done, lengths(&target, sequence)), (Done::Nothing, before));
        assert!(cost.duration > SimDuration::ZERO);
        assert_eq!(decode(&mut target, sequence), *token, "and changes nothing");
    }
}

pub fn a_verdict_names_the_token_that_decoding_appends(factory: &impl Factory) {
    for wrong in [None, Some(0), Some(2)] {
        let (mut target, sequence, answer) = ready(factory);
        let mut drafts = answer[..4].to_vec();
        wrong.into_iter().for_each(|place: usize| drafts[place] = other(drafts[place]));
        let accepted = wrong.unwrap_or(4);
        let verdict = judge(&mut target, sequence, Work::Verify { drafts: &drafts, bonus: true, judged: true });
        assert_eq!(verdict, (accepted as u32, Some(answer[accepted]), false), "a correction, or a bonus");
        // Taken back to where it went its own way, it decodes that very token.
        target.truncate(sequence, accepted as u32);
        assert_eq!(Some(decode(&mut target, sequence)), verdict.1);
    }
    let (mut target, sequence, answer) = ready(factory);
    let verdict = judge(&mut target, sequence, Work::Verify { drafts: &answer[..4], bonus: false, judged: true });
    assert_eq!(verdict, (4, None, false), "no bonus, no token");
}

pub fn what_is_not_judged_is_taken_as_it_is(factory: &impl Factory) {
    let (mut target, sequence, answer) = ready(factory);
    let agreed = judge(&mut target, sequence, Work::Verify { drafts: &answer[..3], bonus: true, judged: false });
    assert_eq!(agreed, (3, Some(answer[3]), false), "its own next token behind its own");
    for k in 0..4 {
        let (mut target, sequence, answer) = ready(factory);
        let before = lengths(&target, sequence);
        let drafts: Vec<Token> = answer[..k].iter().map(|token| other(*token)).collect();
        let work = Work::Verify { drafts: &drafts, bonus: true, judged: false };
        let (accepted, token, ends) = judge(&mut target, sequence, work);
        assert!((accepted as usize, ends) == (k, false) && token.is_some(), "{accepted} of {k}, {token:?}");
        assert_eq!(target.answer_tokens(sequence) as usize, k + 1);
        assert_eq!(target.context(sequence), before.2 + k as u64 + 1);
        // Rolled back, they have never been there.
        target.truncate(sequence, 0);
        assert_eq!(lengths(&target, sequence), before);
        assert_eq!(verify(&mut target, sequence, &answer[..5], false), (5, false));
        assert_eq!(decode(&mut target, sequence), answer[5]);
    }
}

pub fn what_is_not_judged_may_reach_past_the_end<F: Factory>(factory: &F) {
    for past in 0..3 {
        let (mut target, sequence, mut rest) = near_the_end(factory, 3);
        let last = rest.len() - 1;
        rest[last] = other(rest[last]);
        rest.extend((0..past).map(|_| other(Token::default())));
        let work = Work::Verify { drafts: &rest, bonus: true, judged: false };
        let (accepted, token, _) = judge(&mut target, sequence, work);
        assert_eq!(accepted as usize, rest.len());
        // Without its own last token a real model knows of no end but the limit.
        assert!(!F::LENGTHS || token.is_none(), "behind its end it has no token");
    }
}

/// A target in two parts: the lower one is given prompts, the upper one makes the tokens.
fn parts<F: Splits>(factory: &F) -> ([F::Backend; 2], [Sequence; 2], Request, Vec<Token>) {
    let (request, answer) = reference(factory);
    let (mut lower, mut upper) = (factory.part(false), factory.part(true));
    let sequences = [open(&mut lower, &request), open(&mut upper, &request)];
    ([lower, upper], sequences, request, answer)
}

pub fn two_parts_make_the_answer_of_the_whole(factory: &impl Splits) {
    let ([mut lower, mut upper], [below, above], _, answer) = parts(factory);
    assert_eq!(read(&mut lower, below, true), Done::Nothing, "only the upper part makes tokens");
    assert_eq!(read(&mut upper, above, true), Done::Token(answer[0]));
    for token in &answer[1..] {
        assert_eq!(one(&mut lower, below, Work::Decode).0, Done::Nothing);
        assert_eq!(one(&mut upper, above, Work::Decode).0, Done::Token(*token));
        // The upper part holds the token that it has just made, which the lower one has yet to read.
        assert_eq!(lower.context(below) + 1, upper.context(above));
    }
}

pub fn two_parts_do_the_work_of_the_whole(factory: &impl Splits) {
    let ([mut lower, mut upper], [below, above], request, _) = parts(factory);
    let mut whole = factory.target();
    let sequence = open(&mut whole, &request);
    let tokens = whole.prompt_tokens(sequence);
    assert_eq!([lower.prompt_tokens(below), upper.prompt_tokens(above)], [tokens; 2]);
    let works = |work: fn(u32) -> Work<'static>| work;
    for work in [works(|tokens| Work::Prefill { tokens, pictures: 0, answer: true }), works(|_| Work::Decode)] {
        let apart = [one(&mut lower, below, work(tokens)).1, one(&mut upper, above, work(tokens)).1];
        let flop = one(&mut whole, sequence, work(tokens)).1.flop.as_f64();
        let sum = apart[0].flop.as_f64() + apart[1].flop.as_f64();
        assert!((sum / flop - 1.0).abs() < 1e-6, "{apart:?} are not {flop:e} FLOP");
    }
}

pub fn chunks_of_a_part_are_its_whole_prompt(factory: &impl Splits) {
    for chunk in [1, 7, 64] {
        let (mut both, sequences, _, answer) = parts(factory);
        for (upper, (part, sequence)) in both.iter_mut().zip(sequences).enumerate() {
            let prompt = part.prompt_tokens(sequence);
            let mut done = vec![];
            while u64::from(prompt) > part.context(sequence) && !matches!(done.last(), Some(Done::Token(_))) {
                let tokens = chunk.min(prompt - part.context(sequence) as u32);
                done.push(one(part, sequence, Work::Prefill { tokens, pictures: 0, answer: true }).0);
            }
            let last = done.pop();
            assert_eq!(last, Some(if upper == 1 { Done::Token(answer[0]) } else { Done::Nothing }));
            assert!(done.iter().all(|done| *done == Done::Nothing) && done.len() as u32 == (prompt - 1) / chunk);
        }
    }
}
