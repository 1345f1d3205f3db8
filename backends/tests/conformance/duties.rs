//! The duties of one sequence: prompts, drafts, verdicts, rollbacks and ends.

use super::*;

pub fn every_operation_has_its_lengths(factory: &impl Factory) {
    let (request, _) = reference(factory);
    let mut target = factory.target();
    let sequence = open(&mut target, &request);
    let prompt = target.prompt_tokens(sequence);
    assert!(prompt >= request.prompt.text_tokens);
    assert_eq!(lengths(&target, sequence), (prompt, 0, 0), "nothing is read yet");
    assert_eq!(one(&mut target, sequence, Work::Probe).0, Done::Nothing);
    assert_eq!(lengths(&target, sequence), (prompt, 0, 0), "a probe reads nothing");
    assert!(matches!(read(&mut target, sequence, true), Done::Token(_)));
    let held = |answer: u32| (prompt, answer, u64::from(prompt) + u64::from(answer));
    assert_eq!(lengths(&target, sequence), held(1));
    decode(&mut target, sequence);
    assert_eq!(lengths(&target, sequence), held(2));
    assert_eq!(draft(&mut target, sequence).position, 2);
    assert_eq!(lengths(&target, sequence), held(3));
    target.truncate(sequence, 1);
    assert_eq!(lengths(&target, sequence), held(1));
    target.truncate(sequence, 4);
    assert_eq!(lengths(&target, sequence), held(1), "nothing is appended by forgetting");
    (0..3).for_each(|_| target.adopt(sequence, Token::default()));
    assert_eq!(lengths(&target, sequence), held(4), "tokens that another model made are taken over");
}

pub fn a_chunked_prompt_is_the_whole_prompt(factory: &impl Factory) {
    let (request, answer) = reference(factory);
    for chunk in [1, 7, 64] {
        let mut target = factory.target();
        let sequence = open(&mut target, &request);
        let (prompt, mut last, mut read) = (target.prompt_tokens(sequence), Done::Nothing, 0);
        assert!(prompt > 7, "a prompt that can be cut");
        while read < prompt {
            assert_eq!(last, Done::Nothing, "only the last chunk makes a token");
            let tokens = chunk.min(prompt - read);
            last = one(&mut target, sequence, Work::Prefill { tokens, pictures: 0, answer: true }).0;
            read += tokens;
            assert_eq!(target.context(sequence), u64::from(read) + u64::from(read == prompt));
        }
        assert_eq!(last, Done::Token(answer[0]));
        assert!((1..answer.len()).all(|position| decode(&mut target, sequence) == answer[position]));
    }
}

pub fn a_rollback_equals_never_having_drafted(factory: &impl Factory) {
    let (request, _) = reference(factory);
    let fresh = || {
        let mut drafter = factory.drafter();
        let sequence = open(&mut drafter, &request);
        read(&mut drafter, sequence, false);
        (drafter, sequence)
    };
    let (mut straight, first) = fresh();
    let drafts: Vec<Draft> = (0..8).map(|_| draft(&mut straight, first)).collect();
    assert!(drafts.iter().enumerate().all(|(position, draft)| draft.position == position as u32));
    let (mut back, second) = fresh();
    for keep in [0, 3, 5, 7] {
        while back.answer_tokens(second) < 8 {
            draft(&mut back, second);
        }
        back.truncate(second, keep);
        assert_eq!(back.context(second), straight.context(first) - u64::from(8 - keep));
        let again: Vec<Draft> = (keep..8).map(|_| draft(&mut back, second)).collect();
        assert_alike(&again, &drafts[keep as usize..]);
    }
}

pub fn verifying_drafts_equals_decoding_them(factory: &impl Factory) {
    for start in [0usize, 2] {
        for k in 0..5 {
            for bonus in [true, false] {
                let (mut target, sequence, answer) = ready(factory);
                (0..start).for_each(|position| assert_eq!(decode(&mut target, sequence), answer[position]));
                let drafts = &answer[start..start + k];
                assert_eq!(verify(&mut target, sequence, drafts, bonus), (k as u32, false));
                let next = start + k + usize::from(bonus);
                assert_eq!(target.answer_tokens(sequence) as usize, next);
                let (prompt, held) = (target.prompt_tokens(sequence), target.context(sequence));
                assert_eq!(held, u64::from(prompt) + next as u64);
                assert_eq!(decode(&mut target, sequence), answer[next], "{k} drafts, bonus {bonus}");
            }
        }
    }
}

pub fn the_prompt_s_end_has_the_first_token(factory: &impl Factory) {
    let (request, answer) = reference(factory);
    type Made = fn(Done) -> Option<Token>;
    let wanted: [(Work<'_>, Made); 4] = [
        (Work::Decode, |done| if let Done::Token(token) = done { Some(token) } else { None }),
        (Work::Draft, |done| if let Done::Draft(draft) = done { Some(draft.token) } else { None }),
        (Work::Own, |done| if let Done::Draft(own) = done { Some(own.token) } else { None }),
        (Work::Verify { drafts: &[], bonus: true, judged: true }, |done| match done {
            Done::Verified { accepted: 0, token, ends: false } => token,
            _ => None,
        }),
    ];
    for (work, token) in wanted {
        let passed = [factory.target(), factory.drafter()].map(|mut backend| {
            let sequence = open(&mut backend, &request);
            let tokens = backend.prompt_tokens(sequence) - 1;
            one(&mut backend, sequence, Work::Prefill { tokens, pictures: 0, answer: false });
            assert_eq!(backend.known(sequence, &work), None, "{work:?} before the prompt's end");
            one(&mut backend, sequence, Work::Prefill { tokens: 1, pictures: 0, answer: false });
            one(&mut backend, sequence, Work::Pass);
            let done = backend.known(sequence, &work).expect("the prompt's end is enough");
            assert_eq!(lengths(&backend, sequence).1, 1, "{work:?} appends a token");
            assert_eq!(backend.known(sequence, &work), None, "{work:?} behind the first token");
            // Taken back it is known again, and is what a step makes.
            backend.truncate(sequence, 0);
            assert_eq!(one(&mut backend, sequence, work).0, done);
            (done, decode(&mut backend, sequence))
        });
        let [(of_target, second), (of_drafter, _)] = passed;
        if !matches!(work, Work::Draft | Work::Own) {
            assert_eq!((token(of_target), second), (Some(answer[0]), answer[1]), "{work:?}");
        }
        assert!(token(of_drafter).is_some(), "{work:?}: {of_drafter:?}");
    }
}

pub fn first_drafts_pass_alone(factory: &impl Factory) {
    for judged in [true, false] {
        let flop = |known: usize| {
            let (mut target, sequence, answer) = ready(factory);
            (0..known).for_each(|position| assert_eq!(decode(&mut target, sequence), answer[position]));
            let work = Work::Verify { drafts: &answer[known..4], bonus: true, judged };
            assert_eq!(target.known(sequence, &work), None, "drafts take a pass");
            let (done, cost) = one(&mut target, sequence, work);
            let (accepted, token) = (4 - known as u32, Some(answer[4]));
            assert_eq!(done, Done::Verified { accepted, token, ends: false });
            cost.flop
        };
        // Four drafts behind the prompt are the same pass as the first token and three drafts behind it.
        assert_eq!(flop(0), flop(1));
        assert!(flop(2) < flop(1));
    }
}

pub fn the_first_mismatch_is_corrected(factory: &impl Factory) {
    for wrong in 0..4 {
        for bonus in [true, false] {
            let (mut target, sequence, answer) = ready(factory);
            let mut drafts = answer[..4].to_vec();
            drafts[wrong] = other(drafts[wrong]);
            assert_eq!(verify(&mut target, sequence, &drafts, bonus), (wrong as u32, false));
            assert_eq!(target.answer_tokens(sequence) as usize, wrong + 1, "the correction, no bonus behind it");
            assert_eq!(decode(&mut target, sequence), answer[wrong + 1]);
        }
    }
}

/// A target that has made all but the last `left` tokens of its answer.
pub fn near_the_end<F: Factory>(factory: &F, left: usize) -> (F::Backend, Sequence, Vec<Token>) {
    let (mut target, sequence, answer) = ready(factory);
    let made = answer.len() - left;
    for _ in 0..made {
        decode(&mut target, sequence);
    }
    (target, sequence, answer[made..].to_vec())
}

pub fn nothing_is_appended_past_the_end(factory: &impl Factory) {
    let total = reference(factory).1.len() as u32;
    let junk = [other(Token::default()); 2];
    for bonus in [true, false] {
        // The drafts reach the end exactly: no bonus behind it.
        let (mut target, sequence, rest) = near_the_end(factory, 3);
        assert_eq!(verify(&mut target, sequence, &rest, bonus), (3, true));
        assert_eq!(target.answer_tokens(sequence), total);
        // They go on past it, as a draft model does that has missed the end.
        let (mut target, sequence, mut rest) = near_the_end(factory, 3);
        rest[2] = other(rest[2]);
        rest.extend(junk);
        assert_eq!(verify(&mut target, sequence, &rest, bonus), (2, true), "the correction ends the answer");
        assert_eq!(target.answer_tokens(sequence), total);
    }
    // The bonus may be the end.
    let (mut target, sequence, rest) = near_the_end(factory, 3);
    assert_eq!(verify(&mut target, sequence, &rest[..2], true), (2, true));
    assert_eq!(target.answer_tokens(sequence), total);
}

pub fn what_is_drafted_behind_the_end_is_not_accepted(factory: &impl Factory) {
    // Tokens that this backend itself makes behind the end, where it lets anyone ask.
    let (mut target, sequence, _) = near_the_end(factory, 3);
    let drafts: Vec<Token> = (0..6).map(|_| decode(&mut target, sequence)).collect();
    let (mut target, sequence, rest) = near_the_end(factory, 3);
    assert_eq!(drafts[..3], rest);
    assert_eq!(verify(&mut target, sequence, &drafts, true), (3, true));
    assert_eq!(target.answer_tokens(sequence) as usize, reference(factory).1.len());
}

pub fn drafts_that_a_model_makes_are_verified_alike_at_once_and_one_by_one(factory: &impl Factory) {
    let (request, answer) = reference(factory);
    let mut drafter = factory.drafter();
    let edge = open(&mut drafter, &request);
    read(&mut drafter, edge, false);
    let drafts: Vec<Token> = (0..answer.len()).map(|_| draft(&mut drafter, edge).token).collect();
    let agree = drafts.iter().zip(&answer).take_while(|(draft, target)| draft.id == target.id).count();
    let (mut target, cloud, _) = ready(factory);
    assert_eq!(verify(&mut target, cloud, &drafts, true).0 as usize, agree);
    let (mut target, cloud, _) = ready(factory);
    let singly = drafts.iter().take_while(|draft| verify(&mut target, cloud, &[**draft], false).0 == 1).count();
    assert_eq!(singly, agree);
}

/// Preempted between its rounds, or in the middle of a prompt, a sequence goes on as if nothing had been.
pub fn what_is_forgotten_is_read_again<F: Factory>(factory: &F) {
    let (request, answer) = reference(factory);
    let drafted = |forgets: bool| {
        let mut edge = factory.drafter();
        let sequence = open(&mut edge, &request);
        let prompt = edge.prompt_tokens(sequence);
        if forgets {
            one(&mut edge, sequence, Work::Prefill { tokens: prompt / 2, pictures: 0, answer: false });
            assert_eq!(edge.forget(sequence), prompt / 2);
        }
        read(&mut edge, sequence, false);
        let mut drafts = vec![draft(&mut edge, sequence)];
        for place in 0..6 {
            if forgets && place == 2 {
                // All in the step of the next draft.
                assert_eq!(edge.forget(sequence), prompt + place);
            }
            if forgets && place == 4 {
                // A part is found in a cache, and two chunks are read.
                assert_eq!(edge.forget(sequence), prompt + place);
                edge.find(sequence, prompt / 2);
                let rest = prompt - prompt / 2;
                for tokens in [rest - 1, 3] {
                    one(&mut edge, sequence, Work::Prefill { tokens, pictures: 0, answer: false });
                }
            }
            drafts.push(draft(&mut edge, sequence));
        }
        drafts
    };
    assert_alike(&drafted(true), &drafted(false));
    // An answer that the engine writes, whose last chunk makes the next token.
    let (mut target, sequence, _) = ready(factory);
    let tokens: Vec<Token> = (0..4).map(|_| decode(&mut target, sequence)).collect();
    target.forget(sequence);
    let all = target.prompt_tokens(sequence) + 4;
    let chunk = |target: &mut _, tokens| one(target, sequence, Work::Prefill { tokens, pictures: 0, answer: true }).0;
    assert_eq!(chunk(&mut target, all - 2), Done::Nothing);
    assert_eq!((tokens, chunk(&mut target, 2)), (answer[..4].to_vec(), Done::Token(answer[4])));
    // Drafts are verified together with all that is to be read again, behind an answer and behind a prompt.
    for known in [0_usize, 2] {
        let (mut target, sequence, _) = ready(factory);
        let _: Vec<Token> = (0..known).map(|_| decode(&mut target, sequence)).collect();
        let held = target.forget(sequence);
        assert_eq!(held, target.prompt_tokens(sequence) + known.saturating_sub(1) as u32);
        let work = Work::Verify { drafts: &answer[known..5], bonus: true, judged: true };
        assert_eq!(target.known(sequence, &Work::Decode), None, "its logits are gone");
        let (done, again) = one(&mut target, sequence, work);
        assert_eq!(done, Done::Verified { accepted: 5 - known as u32, token: Some(answer[5]), ends: false });
        let (mut other, beside, _) = ready(factory);
        let _: Vec<Token> = (0..known).map(|_| decode(&mut other, beside)).collect();
        let (_, once) = one(&mut other, beside, work);
        assert!(F::MEASURED || again.flop > once.flop, "the rest is computed too");
        assert_eq!(decode(&mut target, sequence), answer[6]);
    }
}

pub fn closing_frees(factory: &impl Factory) {
    let mut target = factory.target();
    assert_eq!(target.open_sequences(), 0);
    let all: Vec<Sequence> = (0..4).map(|number| open(&mut target, &factory.request(number))).collect();
    assert_eq!(target.open_sequences(), 4);
    target.close(all[1]);
    target.close(all[3]);
    assert_eq!(target.open_sequences(), 2);
    // A sequence that takes a freed place starts from nothing, and leaves the others alone.
    read(&mut target, all[0], true);
    let before = lengths(&target, all[0]);
    let new = open(&mut target, &factory.request(5));
    assert_eq!((target.answer_tokens(new), target.context(new), target.open_sequences()), (0, 0, 3));
    assert_eq!(lengths(&target, all[0]), before);
    [all[0], all[2], new].into_iter().for_each(|sequence| target.close(sequence));
    assert_eq!(target.open_sequences(), 0);
}

pub fn what_is_not_open_is_refused(factory: &impl Factory) {
    type Use<C> = fn(&mut C, Sequence);
    #[rustfmt::skip]
    fn uses<C: Compute>() -> [(&'static str, Use<C>); 14] {
        [
            ("prompt_tokens", |backend, sequence| { backend.prompt_tokens(sequence); }),
            ("answer_tokens", |backend, sequence| { backend.answer_tokens(sequence); }),
            ("context", |backend, sequence| { backend.context(sequence); }),
            ("truncate", |backend, sequence| backend.truncate(sequence, 0)),
            ("adopt", |backend, sequence| backend.adopt(sequence, Token::default())),
            ("close", |backend, sequence| backend.close(sequence)),
            ("known", |backend, sequence| { backend.known(sequence, &Work::Draft); }),
            ("decode", |backend, sequence| { one(backend, sequence, Work::Decode); }),
            ("draft", |backend, sequence| { one(backend, sequence, Work::Draft); }),
            ("own", |backend, sequence| { one(backend, sequence, Work::Own); }),
            ("pass", |backend, sequence| { one(backend, sequence, Work::Pass); }),
            ("encode", |backend, sequence| { one(backend, sequence, Work::Encode); }),
            ("verify", |backend, sequence| { one(backend, sequence, Work::Verify { drafts: &[], bonus: true, judged: true }); }),
            ("prefill", |backend, sequence| { one(backend, sequence, Work::Prefill { tokens: 1, pictures: 0, answer: true }); }),
        ]
    }
    for (name, act) in uses() {
        let mut target = factory.target();
        let sequence = open(&mut target, &factory.request(0));
        open(&mut target, &factory.request(1));
        target.close(sequence);
        for (what, sequence) in [("closed", sequence), ("unknown", 1000)] {
            let refused = catch_unwind(AssertUnwindSafe(|| act(&mut target, sequence))).is_err();
            assert!(refused, "{name} of a sequence that is {what}");
        }
    }
}

pub fn more_than_the_prompt_is_refused(factory: &impl Factory) {
    let mut target = factory.target();
    let sequence = open(&mut target, &factory.request(0));
    let tokens = target.prompt_tokens(sequence) + 1;
    let work = Work::Prefill { tokens, pictures: 0, answer: true };
    assert!(catch_unwind(AssertUnwindSafe(|| one(&mut target, sequence, work))).is_err());
}
