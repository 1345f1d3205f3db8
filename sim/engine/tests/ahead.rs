//! A run that is worked out ahead gives what single steps and single arrivals give: every row, every sum, every bit.

use crate::common::rows::results;
use crate::common::strategies::{any_spec, config, policy, warm_up};
use crate::common::{examples, spec};
use engine::{Connections, RunSpec, TcpSpec, Transport};
use kernel::Tcp;
use model::engine_kind::EngineKind;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use std::cell::Cell;

/// Runs a spec both ways; the events of each.
fn both(spec: &RunSpec) -> [u64; 2] {
    let (ahead, found) = results(spec, true);
    let (single, wanted) = results(&RunSpec { single_steps: true, ..spec.clone() }, true);
    if found != wanted {
        let differs = found.lines().zip(wanted.lines()).find(|(found, wanted)| found != wanted);
        panic!("worked out ahead, and step by step: {differs:#?}");
    }
    let (unseen, _) = results(spec, false);
    assert_eq!(ahead, unseen, "events depend on what is recorded");
    [ahead, single]
}

fn connections() -> impl Strategy<Value = Option<Connections>> {
    prop::sample::select(vec![None, None, Some(Connections::Kept), Some(Connections::PerRequest)])
}

prop_compose! {
    fn any_run()(
        spec in any_spec(policy().boxed()), warm_up in warm_up(), patient in any::<bool>(), connections in connections(),
    ) -> RunSpec {
        let mut spec = spec;
        if let Some(connections) = connections {
            spec.link.transport = Transport::Tcp(TcpSpec { tcp: Tcp::default(), connections, tls: 0 });
        }
        spec.workload.warm_up = warm_up;
        if patient {
            spec.workload.fall_back_after = None;
        }
        spec
    }
}

/// `PROPTEST_CASES=100000 cargo test --release -p engine step_by_step -- --nocapture` holds a hundred thousand runs together, and says
/// how many of them had anything to be worked out ahead.
#[test]
fn a_run_is_the_same_step_by_step() {
    let config = config(512);
    let (cases, shorter) = (config.cases, Cell::new(0));
    let run = |spec: RunSpec| {
        let [ahead, single] = both(&spec);
        prop_assert!(ahead <= single, "{ahead} events ahead, {single} step by step");
        shorter.set(shorter.get() + u32::from(ahead < single));
        Ok(())
    };
    TestRunner::new(config).run(&any_run(), run).unwrap_or_else(|error| panic!("{error}"));
    println!("{cases} runs, {} of them with fewer events", shorter.get());
    assert!(shorter.get() > cases / 3, "only {} of {cases} runs had anything to be worked out ahead", shorter.get());
}

#[test]
fn drafts_and_streamed_tokens_take_fewer_events() {
    let fewer: Vec<String> = examples()
        .into_iter()
        .map(|(name, policy)| (name, both(&spec(policy, EngineKind::Graph, 20, 40))))
        .filter(|(_, [ahead, single])| ahead < single)
        .map(|(name, _)| name)
        .collect();
    for name in ["cloud_only", "speculative", "speculative.pipelined", "msao"] {
        assert!(fewer.iter().any(|one| one == name), "{name} is none of {fewer:?}");
    }
}
