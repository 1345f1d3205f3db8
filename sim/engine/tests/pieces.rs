//! Drafts that are sent ahead in pieces (PipeSD), and drafted on while a verdict is out.

use crate::common::{Override, blocking, run_logged, spec};
use engine::RunSpec;
use model::engine_kind::EngineKind;
use policies::{PipeSd, System};
use units::Ratio;

/// A verdict is asked for by the length alone: no draft is unsure enough.
fn by_length(most: u32) -> PipeSd {
    let never = Ratio::new(1e-9);
    PipeSd { least_product: never, least_confidence: never, most, ..PipeSd::default() }
}

/// Every draft fits, and each takes the 28 ms of transformers on the edge.
fn all_fit(policy: System) -> RunSpec {
    spec(policy, EngineKind::Hf, 4, 24).iid(1.0)
}

#[test]
fn a_longest_draft_is_what_a_verdict_is_asked_for() {
    let rounds = |most| {
        let rows = run_logged(&all_fit(System::PipeSd(by_length(most)))).1.requests;
        rows.iter().map(|row| row.rounds).max().expect("requests")
    };
    // A round commits its drafts and the token behind them.
    let [one, three, seven] = [1, 3, 7].map(rounds);
    assert_eq!([one, three, seven], [24 / 2, 24 / 4, 24 / 8]);
}

#[test]
fn drafts_that_are_made_while_a_verdict_is_out_need_not_be_made_behind_it() {
    let e2e_ns = |policy| run_logged(&all_fit(policy)).1.e2e_ns().into_values().sum::<u64>() as f64;
    let (ahead, behind) = (e2e_ns(System::PipeSd(by_length(3))), e2e_ns(blocking(3)));
    // The first of them is the token behind the drafts, which the verdict brings anyway; the next is one of the next round's three.
    assert!(ahead < 0.95 * behind, "{ahead} for {behind}");
}
