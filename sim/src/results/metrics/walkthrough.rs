//! The walk-through of CONTRIBUTING.md is true: the computation of its metric compiles as it stands.

use super::{Facts, Spent, per};
use crate::scenario::{Costs, MemoryScope};
use engine::{Metrics, Outcome, RunSpec, Since, TierOutcome, Traffic, Window};
use kernel::Journal;
use policies::{CloudOnly, System, Uses};
use units::{Bytes, Flops, ServerTime, SimDuration};

/// The metric of the walk-through, which its line of the list declares.
enum Metric {
    EnergyPerToken,
}

impl Facts<'_> {
    fn value_by_the_walk_through(&self, metric: Metric) -> Option<f64> {
        let metrics = &self.outcome.metrics;
        match metric {
            Metric::EnergyPerToken => per(self.spent.all_j(), metrics.output_tokens),
        }
    }
}

/// A run with so many output tokens, and so much energy of each tier.
fn outcome(output_tokens: u64, work_joules: f64, idle_joules: f64) -> Outcome {
    let tier = TierOutcome {
        gpus: 1,
        iterations: 1,
        busy: ServerTime::ZERO,
        flop: Flops::ZERO,
        work_joules,
        idle_joules,
        coverage: None,
        memory: Bytes::ZERO,
    };
    let metrics = Metrics { output_tokens, ..Metrics::default() };
    let (edge, cloud, up, down) = (tier, tier, Traffic::default(), Traffic::default());
    let (since, window) = (Since::default(), Window::default());
    let (makespan, journal) = (SimDuration::ZERO, Journal::digest_only());
    Outcome { metrics, warm_up: 0, since, window, events: 0, makespan, edge, cloud, up, down, journal }
}

#[test]
fn the_metric_is_computed() {
    let value = |output_tokens| {
        let outcome = outcome(output_tokens, 30.0, 10.0);
        let spec = RunSpec::example(System::CloudOnly(CloudOnly::default()));
        let spent = Spent { outcome: &outcome, spec: &spec, costs: Costs::default() };
        let facts =
            Facts { outcome: &outcome, memory_scope: MemoryScope::Total, spent, uses: Uses::default(), slo: false };
        facts.value_by_the_walk_through(Metric::EnergyPerToken)
    };
    assert_eq!((value(20), value(0)), (Some(4.0), None));
}

/// The line stands in the document, and those of the house are like it.
#[test]
fn the_document_has_the_line_verbatim() {
    let line_of = |source: &'static str, metric: &str| {
        let found = source.lines().find(|line| line.trim_start().starts_with(&format!("Metric::{metric} => ")));
        found.unwrap_or_else(|| panic!("no line of {metric}"))
    };
    let line = line_of(include_str!("walkthrough.rs"), "EnergyPerToken");
    let document = include_str!("../../../../CONTRIBUTING.md");
    assert!(document.contains(&format!("```rust\n{line}\n```\n")), "copy the line into it:\n{line}");
    let indent = |line: &str| line.len() - line.trim_start().len();
    assert_eq!(indent(line), indent(line_of(include_str!("../metrics.rs"), "Energy")));
}
