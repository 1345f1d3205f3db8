//! Small steps that the duties are made of.

use super::*;

pub fn open<C: Compute>(backend: &mut C, request: &Request) -> Sequence {
    backend.open(request, &Input::whole(request.prompt))
}

/// Runs one item alone.
pub fn one<C: Compute>(backend: &mut C, sequence: Sequence, work: Work<'_>) -> (Done, Cost) {
    let mut done = Vec::new();
    let cost = backend.run([(sequence, work)].into_iter(), &mut done);
    assert_eq!(done.len(), 1, "one outcome an item");
    (done[0], cost)
}

/// Reads the whole prompt.
pub fn read<C: Compute>(backend: &mut C, sequence: Sequence, answer: bool) -> Done {
    let tokens = backend.prompt_tokens(sequence);
    one(backend, sequence, Work::Prefill { tokens, pictures: 0, answer }).0
}

pub fn decode<C: Compute>(backend: &mut C, sequence: Sequence) -> Token {
    let Done::Token(token) = one(backend, sequence, Work::Decode).0 else { panic!("a decode step makes a token") };
    token
}

pub fn draft<C: Compute>(backend: &mut C, sequence: Sequence) -> Draft {
    let Done::Draft(draft) = one(backend, sequence, Work::Draft).0 else { panic!("a draft step makes a draft") };
    draft
}

pub fn own<C: Compute>(backend: &mut C, sequence: Sequence) -> Draft {
    let Done::Draft(token) = one(backend, sequence, Work::Own).0 else { panic!("an own token comes with its entropy") };
    token
}

/// The same drafts: rounding depends on what is passed through a model together.
pub fn assert_alike(drafts: &[Draft], others: &[Draft]) {
    let alike = |(a, b): (&Draft, &Draft)| {
        (a.token, a.position) == (b.token, b.position) && (a.entropy_nats - b.entropy_nats).abs() < 1e-4
    };
    assert!(drafts.len() == others.len() && drafts.iter().zip(others).all(alike), "{drafts:?} are not {others:?}");
}

/// Verifies and returns the number accepted, the token added and whether the answer ends.
pub fn judge<C: Compute>(backend: &mut C, sequence: Sequence, work: Work<'_>) -> (u32, Option<Token>, bool) {
    let Done::Verified { accepted, token, ends } = one(backend, sequence, work).0 else {
        panic!("drafts were verified")
    };
    (accepted, token, ends)
}

/// Verifies and returns the number accepted and whether the answer ends.
pub fn verify<C: Compute>(backend: &mut C, sequence: Sequence, drafts: &[Token], bonus: bool) -> (u32, bool) {
    let (accepted, _, ends) = judge(backend, sequence, Work::Verify { drafts, bonus, judged: true });
    (accepted, ends)
}

/// Tokens in the prompt, the answer and the cache.
pub fn lengths<C: Compute>(backend: &C, sequence: Sequence) -> (u32, u32, u64) {
    (backend.prompt_tokens(sequence), backend.answer_tokens(sequence), backend.context(sequence))
}

/// The first request with an answer of ten tokens at least, and that answer.
pub fn reference(factory: &impl Factory) -> (Request, Vec<Token>) {
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
pub fn ready<F: Factory>(factory: &F) -> (F::Backend, Sequence, Vec<Token>) {
    let (request, answer) = reference(factory);
    let mut target = factory.target();
    let sequence = open(&mut target, &request);
    assert_eq!(read(&mut target, sequence, false), Done::Nothing);
    (target, sequence, answer)
}

/// A token that is not this one.
pub fn other(token: Token) -> Token {
    Token { id: token.id + 1, ends: false }
}
