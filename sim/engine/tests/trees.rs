//! Trees of drafts, trees that grow while a verdict is out, and queues of drafts that a policy orders, by hand.

use crate::common::{CUT_PROMPTS, Override, blocking, run_logged, spec};
use engine::{Kind, Side};
use model::engine_kind::EngineKind;
use policies::{Ahead, SpecEdge, System};

const OUTPUT: u32 = 23;

/// Trees without a guess.
fn trees(budget: u32, width: u32, depth: u32) -> SpecEdge {
    let ahead = Ahead { depth: 0, ..Ahead::default() };
    SpecEdge { budget, beams: width, width, depth: Some(depth), ahead, ..SpecEdge::default() }
}

#[test]
fn a_tree_of_one_branch_is_a_sequence_to_the_nanosecond() {
    for engine in CUT_PROMPTS {
        let runs = |acceptance| {
            let of = |policy| spec(policy, engine, 4, OUTPUT).iid(acceptance);
            let [tree, sequence] =
                [System::SpecEdge(trees(4, 1, 4)), blocking(4)].map(|policy| run_logged(&of(policy)).1);
            let pass = sequence.steps.iter().filter(|step| step.kind == Kind::Draft).map(|step| step.duration.as_ns());
            let pass = pass.max().expect("a draft");
            let both = tree.e2e_ns().into_values().zip(sequence.e2e_ns().into_values());
            both.map(|(tree, sequence)| (tree, sequence, pass)).collect::<Vec<_>>()
        };
        assert!(runs(1.0).iter().all(|(tree, sequence, _)| tree == sequence), "{engine:?}");
        // A tree ends where the edge's own answer would; a sequence of wrong tokens goes on behind that, by 3, 2 and 1 tokens in
        // the last three rounds.
        for (tree, sequence, pass) in [runs(0.0), runs(0.7)].concat() {
            let saved = sequence.checked_sub(tree).expect("a tree is no slower");
            assert!(saved <= 7 * pass, "{engine:?}: {tree} and {sequence}, {pass} a pass");
        }
    }
}

#[test]
fn siblings_are_accepted_as_often_as_the_target_s_token_is_among_them() {
    // One level of four candidates: one is accepted unless the first is wrong and so are three more.
    let spec = spec(System::SpecEdge(trees(4, 4, 1)), EngineKind::Vllm, 300, 60).iid(0.6);
    let rows = run_logged(&spec).1.requests;
    let sum = |of: fn(&engine::RequestRecord) -> u32| rows.iter().map(|row| f64::from(of(row))).sum::<f64>();
    let (seen, expected) = (sum(|row| row.accepted) / sum(|row| row.rounds), 1.0 - 0.4 * 0.421_875);
    assert!((seen - expected).abs() < 0.01, "{seen} for {expected}");
}

#[test]
fn a_tree_is_judged_along_its_longest_path() {
    // Two levels of two candidates each: 2 and 4 nodes, all of which fit.
    let (_, log) = run_logged(&spec(System::SpecEdge(trees(6, 2, 2)), EngineKind::Vllm, 40, 30).iid(0.5));
    let mut batches: std::collections::BTreeMap<_, Vec<_>> = std::collections::BTreeMap::new();
    for token in &log.tokens {
        batches.entry((token.request, token.round)).or_default().push(*token);
    }
    assert!(batches.values().any(|batch| batch.iter().filter(|token| token.accepted).count() == 2));
    for batch in batches.values() {
        let first = batch[0].position;
        let accepted: Vec<u32> = batch.iter().filter(|token| token.accepted).map(|token| token.position).collect();
        // At most one token for each position, and none without the one before it.
        assert_eq!(accepted, (first..first + accepted.len() as u32).collect::<Vec<_>>(), "{batch:?}");
    }
    // One pass for the root, then one of both its children.
    let drafts = log.steps.iter().filter(|step| step.kind == Kind::Draft).map(|step| step.tokens);
    assert!(drafts.clone().all(|tokens| tokens == 1 || tokens == 2) && drafts.max() == Some(2));
}

#[test]
fn a_guess_that_comes_true_saves_its_levels() {
    let of = |depth| {
        let ahead = Ahead { depth, ..Ahead::default() };
        let policy = SpecEdge { ahead, ..trees(4, 1, 4) };
        let (_, log) = run_logged(&spec(System::SpecEdge(policy), EngineKind::Graph, 1, 41).iid(1.0));
        let moments = log.requests[0].moments.expect("an answer");
        (moments.e2e().as_ns(), log.requests[0].rounds, log)
    };
    let (alone, rounds, log) = of(0);
    let (guessing, same, _) = of(1);
    // 41 tokens by fives, of which every round drafts four: one pass ahead for the guess, one for its level.
    assert_eq!((rounds, same), (9, 9));
    let level =
        log.steps.iter().filter(|step| step.side == Side::Edge && step.kind == Kind::Draft).map(|step| step.duration);
    let level = level.map(|duration| duration.as_ns()).max().expect("a level");
    let saved = alone - guessing;
    // Seven or eight of the rounds have a level less to draft behind the verdict.
    assert!((6 * level..=9 * level).contains(&saved), "{saved} ns saved, {level} ns a level");
}

#[test]
fn the_cloud_verifies_full_batches_of_half_its_clients() {
    let spec = spec(System::SpecEdge(trees(4, 2, 2)), EngineKind::Vllm, 60, 40).text_only(30).clients(8);
    let (_, log) = run_logged(&spec);
    let sizes: Vec<u32> = log
        .iterations(Side::Cloud)
        .values()
        .map(|items| items.iter().filter(|item| item.kind == Kind::Verify).count() as u32)
        .collect();
    let mut verified: Vec<u32> = sizes.into_iter().filter(|size| *size > 0).collect();
    assert!(verified.iter().all(|size| *size <= 4), "{verified:?}");
    verified.sort_unstable();
    assert_eq!(verified[verified.len() / 2], 4, "most batches are full");
}
