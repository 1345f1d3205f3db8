//! The duties of every backend, whoever plays the models. To try another backend: a [`Factory`] and its line at the
//! end.
//!
//! Nothing here knows what tokens there are or how long answers get: the target is asked first, and everything else is
//! compared with what it said.

#[path = "conformance/operations.rs"]
mod operations;
#[cfg(feature = "onnx")]
#[path = "conformance/real.rs"]
mod real;

use backends::{Compute, Done, Modelled, Noise, Part, Profile, Sequence, Tier, Work};
use kernel::Streams;
use model::{
    decoding::{Draft, Token},
    engine_kind::EngineKind,
    model_spec::ModelSpec,
    request::{ImageSize, Images, Input, Prompt, Request},
    roofline::Cost,
    step::{
        StepKind,
        law::{Law, Range, Spread},
        parts::{DataSheet, Overlap, Parts},
    },
    tokens::TokenProcess,
};
use operations::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use units::{Bytes, Ratio, SimDuration};

/// Makes fresh backends of one kind.
trait Factory {
    type Backend: Compute;
    /// True if durations are measured, so that equal work takes different times.
    const MEASURED: bool = false;
    /// True if answers end at a length of their own, whatever their tokens.
    const LENGTHS: bool = true;
    /// The model that verifies.
    fn target(&self) -> Self::Backend;
    /// The model that drafts.
    fn drafter(&self) -> Self::Backend;
    /// A request; different numbers are different requests, and some of the numbers from 0 to 9 have ten tokens at least.
    fn request(&self, number: u64) -> Request;
}

/// Makes backends of parts of a model.
trait Splits: Factory {
    /// A part of the model that verifies: its lower layers or its upper ones.
    fn part(&self, upper: bool) -> Self::Backend;
}

fn open<C: Compute>(backend: &mut C, request: &Request) -> Sequence {
    backend.open(request, &Input::whole(request.prompt))
}

/// Runs one item alone.
fn one<C: Compute>(backend: &mut C, sequence: Sequence, work: Work<'_>) -> (Done, Cost) {
    let mut done = Vec::new();
    let cost = backend.run([(sequence, work)].into_iter(), &mut done);
    assert_eq!(done.len(), 1, "one outcome an item");
    (done[0], cost)
}

/// Reads the whole prompt.
fn read<C: Compute>(backend: &mut C, sequence: Sequence, answer: bool) -> Done {
    let tokens = backend.prompt_tokens(sequence);
    one(backend, sequence, Work::Prefill { tokens, answer }).0
}

fn decode<C: Compute>(backend: &mut C, sequence: Sequence) -> Token {
    let Done::Token(token) = one(backend, sequence, Work::Decode).0 else { panic!("a decode step makes a token") };
    token
}

fn draft<C: Compute>(backend: &mut C, sequence: Sequence) -> Draft {
    let Done::Draft(draft) = one(backend, sequence, Work::Draft).0 else { panic!("a draft step makes a draft") };
    draft
}

fn own<C: Compute>(backend: &mut C, sequence: Sequence) -> Draft {
    let Done::Draft(token) = one(backend, sequence, Work::Own).0 else { panic!("an own token comes with its entropy") };
    token
}

/// The same drafts: rounding depends on what is passed through a model together.
fn assert_alike(drafts: &[Draft], others: &[Draft]) {
    let alike = |(a, b): (&Draft, &Draft)| {
        (a.token, a.position) == (b.token, b.position) && (a.entropy_nats - b.entropy_nats).abs() < 1e-4
    };
    assert!(drafts.len() == others.len() && drafts.iter().zip(others).all(alike), "{drafts:?} are not {others:?}");
}

/// Verifies and returns the number accepted, the token added and whether the answer ends.
fn judge<C: Compute>(backend: &mut C, sequence: Sequence, work: Work<'_>) -> (u32, Option<Token>, bool) {
    let Done::Verified { accepted, token, ends } = one(backend, sequence, work).0 else {
        panic!("drafts were verified")
    };
    (accepted, token, ends)
}

/// Verifies and returns the number accepted and whether the answer ends.
fn verify<C: Compute>(backend: &mut C, sequence: Sequence, drafts: &[Token], bonus: bool) -> (u32, bool) {
    let (accepted, _, ends) = judge(backend, sequence, Work::Verify { drafts, bonus, judged: true });
    (accepted, ends)
}

/// Tokens in the prompt, the answer and the cache.
fn lengths<C: Compute>(backend: &C, sequence: Sequence) -> (u32, u32, u64) {
    (backend.prompt_tokens(sequence), backend.answer_tokens(sequence), backend.context(sequence))
}

/// The first request with an answer of ten tokens at least, and that answer.
fn reference(factory: &impl Factory) -> (Request, Vec<Token>) {
    let found = (0..10).find_map(|number| {
        let (mut target, request) = (factory.target(), factory.request(number));
        let sequence = open(&mut target, &request);
        let Done::Token(first) = read(&mut target, sequence, true) else { panic!("the prompt's end makes a token") };
        let mut answer = vec![first];
        while !answer[answer.len() - 1].ends {
            assert!(answer.len() < 10_000, "an answer without end");
            answer.push(decode(&mut target, sequence));
        }
        (answer.len() >= 10).then_some((request, answer))
    });
    found.expect("one of ten requests has an answer of ten tokens")
}

/// A target that has read the prompt, and the answer that it would give.
fn ready<F: Factory>(factory: &F) -> (F::Backend, Sequence, Vec<Token>) {
    let (request, answer) = reference(factory);
    let mut target = factory.target();
    let sequence = open(&mut target, &request);
    assert_eq!(read(&mut target, sequence, false), Done::Nothing);
    (target, sequence, answer)
}

/// A token that is not this one.
fn other(token: Token) -> Token {
    Token { id: token.id + 1, ends: false }
}

fn every_operation_has_its_lengths(factory: &impl Factory) {
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

fn a_chunked_prompt_is_the_whole_prompt(factory: &impl Factory) {
    let (request, answer) = reference(factory);
    for chunk in [1, 7, 64] {
        let mut target = factory.target();
        let sequence = open(&mut target, &request);
        let (prompt, mut last, mut read) = (target.prompt_tokens(sequence), Done::Nothing, 0);
        assert!(prompt > 7, "a prompt that can be cut");
        while read < prompt {
            assert_eq!(last, Done::Nothing, "only the last chunk makes a token");
            let tokens = chunk.min(prompt - read);
            last = one(&mut target, sequence, Work::Prefill { tokens, answer: true }).0;
            read += tokens;
            assert_eq!(target.context(sequence), u64::from(read) + u64::from(read == prompt));
        }
        assert_eq!(last, Done::Token(answer[0]));
        assert!((1..answer.len()).all(|position| decode(&mut target, sequence) == answer[position]));
    }
}

fn a_rollback_equals_never_having_drafted(factory: &impl Factory) {
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

fn verifying_drafts_equals_decoding_them(factory: &impl Factory) {
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

fn the_prompt_s_end_has_the_first_token(factory: &impl Factory) {
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
            one(&mut backend, sequence, Work::Prefill { tokens, answer: false });
            assert_eq!(backend.known(sequence, &work), None, "{work:?} before the prompt's end");
            one(&mut backend, sequence, Work::Prefill { tokens: 1, answer: false });
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

fn first_drafts_pass_alone(factory: &impl Factory) {
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

fn the_first_mismatch_is_corrected(factory: &impl Factory) {
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
fn near_the_end<F: Factory>(factory: &F, left: usize) -> (F::Backend, Sequence, Vec<Token>) {
    let (mut target, sequence, answer) = ready(factory);
    let made = answer.len() - left;
    for _ in 0..made {
        decode(&mut target, sequence);
    }
    (target, sequence, answer[made..].to_vec())
}

fn nothing_is_appended_past_the_end(factory: &impl Factory) {
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

fn what_is_drafted_behind_the_end_is_not_accepted(factory: &impl Factory) {
    // Tokens that this backend itself makes behind the end, where it lets anyone ask.
    let (mut target, sequence, _) = near_the_end(factory, 3);
    let drafts: Vec<Token> = (0..6).map(|_| decode(&mut target, sequence)).collect();
    let (mut target, sequence, rest) = near_the_end(factory, 3);
    assert_eq!(drafts[..3], rest);
    assert_eq!(verify(&mut target, sequence, &drafts, true), (3, true));
    assert_eq!(target.answer_tokens(sequence) as usize, reference(factory).1.len());
}

fn drafts_that_a_model_makes_are_verified_alike_at_once_and_one_by_one(factory: &impl Factory) {
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

fn closing_frees(factory: &impl Factory) {
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

fn what_is_not_open_is_refused(factory: &impl Factory) {
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
            ("prefill", |backend, sequence| { one(backend, sequence, Work::Prefill { tokens: 1, answer: true }); }),
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

fn more_than_the_prompt_is_refused(factory: &impl Factory) {
    let mut target = factory.target();
    let sequence = open(&mut target, &factory.request(0));
    let tokens = target.prompt_tokens(sequence) + 1;
    let work = Work::Prefill { tokens, answer: true };
    assert!(catch_unwind(AssertUnwindSafe(|| one(&mut target, sequence, work))).is_err());
}

/// One item of each kind for sequences that have read their prompts, except the last, which is about to.
fn mixed_batch(drafts: &[Token]) -> [Work<'_>; 7] {
    [
        Work::Decode,
        Work::Verify { drafts, bonus: true, judged: true },
        Work::Draft,
        Work::Own,
        Work::Pass,
        Work::Verify { drafts, bonus: true, judged: false },
        Work::Prefill { tokens: 20, answer: true },
    ]
}

fn a_batch_has_the_outcomes_of_its_items(factory: &impl Factory) {
    let (request, answer) = reference(factory);
    let fresh = || {
        let mut target = factory.target();
        let sequences: Vec<Sequence> = (0..7).map(|_| open(&mut target, &request)).collect();
        for sequence in &sequences[..6] {
            read(&mut target, *sequence, false);
        }
        (target, sequences)
    };
    let batch = mixed_batch(&answer[..3]);
    let (mut alone, sequences) = fresh();
    let single: Vec<(Done, Cost)> =
        sequences.iter().zip(batch).map(|(sequence, work)| one(&mut alone, *sequence, work)).collect();
    let (mut together, sequences) = fresh();
    let mut done = Vec::new();
    let cost = together.run(sequences.iter().copied().zip(batch), &mut done);
    assert_eq!(done, single.iter().map(|(done, _)| *done).collect::<Vec<_>>());
    assert!(sequences.iter().all(|sequence| lengths(&alone, *sequence) == lengths(&together, *sequence)));
    costs_lie_between(factory, &cost, &single.iter().map(|(_, cost)| *cost).collect::<Vec<_>>());
}

/// A batch shares the weights and whatever an iteration costs anyway: it takes no less than its longest item and no more
/// than all of them one by one. Arithmetic is nobody's to share.
fn costs_lie_between<F: Factory>(_: &F, batch: &Cost, items: &[Cost]) {
    let longest = items.iter().map(|cost| cost.duration).max().expect("items");
    let sum: SimDuration = items.iter().map(|cost| cost.duration).sum();
    let between = longest <= batch.duration && batch.duration <= sum;
    assert!(F::MEASURED || between, "{longest:?} {:?} {sum:?}", batch.duration);
    let flop: f64 = items.iter().map(|cost| cost.flop.as_f64()).sum();
    assert!((batch.flop.as_f64() / flop - 1.0).abs() < 1e-9);
    let most = items.iter().map(|cost| cost.bytes).max().expect("items");
    let bytes: Bytes = items.iter().map(|cost| cost.bytes).sum();
    assert!(most <= batch.bytes && batch.bytes <= bytes, "{most:?} {:?} {bytes:?}", batch.bytes);
}

fn costs_are_positive_and_grow_with_the_work<F: Factory>(factory: &F) {
    let (mut target, sequence, answer) = ready(factory);
    let short = one(&mut target, sequence, Work::Verify { drafts: &answer[..1], bonus: false, judged: true }).1;
    target.truncate(sequence, 0);
    let long = one(&mut target, sequence, Work::Verify { drafts: &answer[..9], bonus: false, judged: true }).1;
    assert!(short.duration > SimDuration::ZERO && (F::MEASURED || long.duration >= short.duration));
    assert!(long.flop > short.flop);
}

fn a_backend_repeats_itself(factory: &impl Factory) {
    assert_eq!(reference(factory), reference(factory));
}

/// The suite, once for each backend.
macro_rules! conformance {
    ($($backend:ident: $factory:expr,)*) => {
        $(mod $backend {
            conformance!(@whole $factory);
        })*
    };
    (with parts: $($backend:ident: $factory:expr,)*) => {
        $(mod $backend {
            conformance!(@whole $factory);
            conformance!(@tests $factory,
                two_parts_make_the_answer_of_the_whole, two_parts_do_the_work_of_the_whole,
                chunks_of_a_part_are_its_whole_prompt);
        })*
    };
    (@whole $factory:expr) => {
        conformance!(@tests $factory,
                every_operation_has_its_lengths, a_chunked_prompt_is_the_whole_prompt,
                a_rollback_equals_never_having_drafted, verifying_drafts_equals_decoding_them,
                the_prompt_s_end_has_the_first_token, first_drafts_pass_alone,
                the_first_mismatch_is_corrected, nothing_is_appended_past_the_end,
                what_is_drafted_behind_the_end_is_not_accepted, an_own_answer_ends_at_its_own_length,
                own_tokens_are_those_that_are_drafted, a_pass_appends_nothing,
                a_verdict_names_the_token_that_decoding_appends, what_is_not_judged_is_taken_as_it_is,
                what_is_not_judged_may_reach_past_the_end,
                drafts_that_a_model_makes_are_verified_alike_at_once_and_one_by_one, closing_frees,
                what_is_not_open_is_refused, more_than_the_prompt_is_refused, a_batch_has_the_outcomes_of_its_items,
                costs_are_positive_and_grow_with_the_work, a_backend_repeats_itself);
    };
    (@tests $factory:expr, $($test:ident),*) => {
        $(#[test]
        fn $test() {
            // A backend that cannot be had here says so.
            if let Some(factory) = $factory {
                super::$test(&factory);
            }
        })*
    };
}

/// The modelled backend on the paper's platform.
struct Simulated(EngineKind, TokenProcess);

/// The same, priced by measured laws.
struct Profiled;

impl Profiled {
    fn profile(tier: &Tier) -> Profile {
        let engine = Parts::of_engine(&tier.engine);
        let parts = Parts { overlap: Overlap::Partial, item_us: 20.0, layer_us: 15.0, kv: 1.4, ..engine };
        let prefill = Parts { tile_tokens: 16, start_us: 900.0, activations: 9.0, attention: 2.5, ..parts };
        let range = Range { tokens: [1, 4096], context_tokens: [1, 65_536], batch: [1, 16] };
        let spread = Spread::of(vec![0.97, 1.0, 1.04]).expect("three ratios");
        let law = |parts: &Parts| {
            let sheet = DataSheet::of(&tier.device, 1);
            Law::new(parts, (sheet, &tier.model), None, Some(range), spread.clone())
        };
        let laws = [StepKind::Decode, StepKind::Draft, StepKind::Verify].map(|kind| (kind, law(&parts)));
        Profile::new(laws.into_iter().chain([(StepKind::Prefill, law(&prefill))]), Noise::None)
    }

    fn backend(device: &str, model: &str, part: impl FnOnce(&ModelSpec) -> Option<Part>) -> Modelled {
        let mut tier = Simulated::tier(EngineKind::Vllm, device, model, part);
        tier.profile = Some(Arc::new(Self::profile(&tier)));
        Modelled::new(&tier, TokenProcess::default(), Streams::new(7))
    }
}

impl Factory for Profiled {
    type Backend = Modelled;

    fn target(&self) -> Modelled {
        Self::backend("a100-40-sxm", "qwen2.5-vl-7b", |_| None)
    }

    fn drafter(&self) -> Modelled {
        Self::backend("rtx-3090", "qwen2-vl-2b", |_| None)
    }

    fn request(&self, number: u64) -> Request {
        Simulated(EngineKind::Vllm, TokenProcess::default()).request(number)
    }
}

impl Simulated {
    fn tier(engine: EngineKind, device: &str, model: &str, part: impl FnOnce(&ModelSpec) -> Option<Part>) -> Tier {
        let tier = Tier::named(device, model, engine).expect("a known device and model");
        Tier { part: part(&tier.model), ..tier }
    }

    fn backend(&self, device: &str, model: &str, part: impl FnOnce(&ModelSpec) -> Option<Part>) -> Modelled {
        Modelled::new(&Self::tier(self.0, device, model, part), self.1.clone(), Streams::new(7))
    }
}

impl Factory for Simulated {
    type Backend = Modelled;

    fn target(&self) -> Modelled {
        self.backend("a100-40-sxm", "qwen2.5-vl-7b", |_| None)
    }

    fn drafter(&self) -> Modelled {
        self.backend("rtx-3090", "qwen2-vl-2b", |_| None)
    }

    fn request(&self, number: u64) -> Request {
        let size = ImageSize::Pixels { width: 280, height: 280 };
        let images = Images { count: 2, size, payload: Bytes::new(40_000), moving: false, encoded: false };
        let images = (number % 2 == 1).then_some(images);
        let prompt = Prompt { request: number, text_tokens: 30 + number as u32, images, audio: None };
        Request { prompt, output_tokens: 1 + 7 * number as u32 }
    }
}

impl Splits for Profiled {
    fn part(&self, upper: bool) -> Modelled {
        let part = |model: &ModelSpec| if upper { Part::upper(model, 8, false) } else { Part::lower(model, 8) };
        Self::backend("a100-40-sxm", "qwen2.5-vl-7b", |model| Some(part(model)))
    }
}

impl Splits for Simulated {
    fn part(&self, upper: bool) -> Modelled {
        let part = |model: &ModelSpec| if upper { Part::upper(model, 8, false) } else { Part::lower(model, 8) };
        self.backend("a100-40-sxm", "qwen2.5-vl-7b", |model| Some(part(model)))
    }
}

#[test]
fn noise_is_drawn_from_the_spread_and_repeats_itself() {
    let durations = |noise| {
        let mut tier = Simulated::tier(EngineKind::Vllm, "rtx-3090", "qwen2-vl-2b", |_| None);
        tier.profile = Some(Arc::new(Profiled::profile(&tier).with_noise(noise)));
        let mut backend = Modelled::new(&tier, TokenProcess::default(), Streams::new(7));
        let sequence = open(&mut backend, &Profiled.request(9));
        read(&mut backend, sequence, false);
        let durations: Vec<f64> =
            (0..200).map(|_| one(&mut backend, sequence, Work::Pass).1.duration.as_ms_f64()).collect();
        let coverage = backend.coverage().expect("a profile counts");
        assert_eq!((coverage.iterations, coverage.measured), (201, 201));
        durations
    };
    let (plain, drawn) = (durations(Noise::None), durations(Noise::Stream("noise/edge")));
    assert_eq!(drawn, durations(Noise::Stream("noise/edge")));
    let ratios: Vec<f64> = plain.iter().zip(&drawn).map(|(plain, drawn)| drawn / plain).collect();
    assert!(ratios.iter().all(|ratio| (0.969..=1.041).contains(ratio)), "{ratios:?}");
    assert!(ratios.iter().any(|ratio| *ratio < 0.99) && ratios.iter().any(|ratio| *ratio > 1.01));
    let slow = durations(Noise::Quantile(1.0));
    assert!(plain.iter().zip(&slow).all(|(plain, slow)| (slow / plain - 1.04).abs() < 1e-6));
}

fn iid(acceptance: f64) -> TokenProcess {
    TokenProcess::Iid(Ratio::new(acceptance))
}

conformance! {
    with parts:
    modelled_hf: Some(super::Simulated(super::EngineKind::Hf, super::TokenProcess::default())),
    modelled_vllm: Some(super::Simulated(super::EngineKind::Vllm, super::TokenProcess::default())),
    modelled_graph: Some(super::Simulated(super::EngineKind::Graph, super::TokenProcess::default())),
    modelled_always_right: Some(super::Simulated(super::EngineKind::Vllm, super::iid(1.0))),
    modelled_always_wrong: Some(super::Simulated(super::EngineKind::Vllm, super::iid(0.0))),
    profiled: Some(super::Profiled),
}

#[cfg(feature = "onnx")]
conformance! {
    shared_real: super::real::shared("conformance of real models"),
    written_real: super::real::written("conformance of written models"),
}
