//! The duties of a batch: outcomes and costs of its items.

use super::*;

/// One item of each kind for sequences that have read their prompts, except the last, which is about to.
pub fn mixed_batch(drafts: &[Token]) -> [Work<'_>; 7] {
    [
        Work::Decode,
        Work::Verify { drafts, bonus: true, judged: true },
        Work::Draft,
        Work::Own,
        Work::Pass,
        Work::Verify { drafts, bonus: true, judged: false },
        Work::Prefill { tokens: 20, pictures: 0, answer: true },
    ]
}

pub fn a_batch_has_the_outcomes_of_its_items(factory: &impl Factory) {
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
pub fn costs_lie_between<F: Factory>(_: &F, batch: &Cost, items: &[Cost]) {
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

pub fn costs_are_positive_and_grow_with_the_work<F: Factory>(factory: &F) {
    let (mut target, sequence, answer) = ready(factory);
    let short = one(&mut target, sequence, Work::Verify { drafts: &answer[..1], bonus: false, judged: true }).1;
    target.truncate(sequence, 0);
    let long = one(&mut target, sequence, Work::Verify { drafts: &answer[..9], bonus: false, judged: true }).1;
    assert!(short.duration > SimDuration::ZERO && (F::MEASURED || long.duration >= short.duration));
    assert!(long.flop > short.flop);
}

pub fn a_backend_repeats_itself(factory: &impl Factory) {
    assert_eq!(reference(factory), reference(factory));
}
