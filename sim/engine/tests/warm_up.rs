//! The warm-up: it changes no event, and figures are those of the requests behind it.

use crate::common::strategies::{any_spec, config, policy};
use crate::common::{Log, Override, cloud_only, run, run_logged, spec, try_run};
use engine::{Outcome, RequestRecord, RunError, RunSpec, Side, Since, WarmUp};
use kernel::Journal;
use model::engine_kind::EngineKind;
use proptest::prelude::*;
use std::collections::BTreeSet;
use units::{SimDuration, SimTime};

fn warmed(spec: &RunSpec, warm_up: WarmUp) -> RunSpec {
    let mut spec = spec.clone();
    spec.workload.warm_up = warm_up;
    spec
}

/// Time that a side's iterations take from an instant on.
fn busy_since(log: &Log, side: Side, since: SimTime) -> u64 {
    let of_side = log.steps.iter().filter(|step| step.side == side);
    let iterations: BTreeSet<_> = of_side.map(|step| (step.gpu, step.start, step.duration)).collect();
    let part = |start: SimTime, end: SimTime| if end > since { (end - start.max(since)).as_ns() } else { 0 };
    iterations.into_iter().map(|(_, start, duration)| part(start, start + duration)).sum()
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-6 * a.abs().max(b.abs())
}

/// Holds a run with a warm-up of its first `first` requests to the same run without one.
fn check(whole: &(Outcome, Log), part: &(Outcome, Log), first: u64, end: SimTime) -> Result<(), TestCaseError> {
    let ((whole, all), (part, log)) = (whole, part);
    prop_assert_eq!((part.events, part.journal.digest()), (whole.events, whole.journal.digest()));
    let served = |row: &RequestRecord| (row.request.prompt.request, row.submit, row.moments.map(|at| at.last_token));
    prop_assert!(log.requests.iter().map(served).eq(all.requests.iter().map(served)));
    let counted = || log.requests.iter().filter(|row| !row.warm_up);
    prop_assert_eq!(counted().count() as u64, whole.metrics.submitted - first);
    let first_counted = counted().map(|row| row.submit).min();
    prop_assert!(log.requests.iter().all(|row| !row.warm_up || Some(row.submit) <= first_counted));
    let sum = |of: &dyn Fn(&RequestRecord) -> u64| counted().map(of).sum::<u64>();
    let metrics = &part.metrics;
    prop_assert_eq!((part.warm_up, metrics.submitted), (first, whole.metrics.submitted - first));
    let moments = |row: &RequestRecord| row.moments.expect("an answered request");
    prop_assert_eq!(metrics.completed, counted().count() as u64);
    prop_assert_eq!(metrics.output_tokens, sum(&|row| moments(row).tokens.into()));
    prop_assert_eq!(metrics.e2e.sum_ns(), u128::from(sum(&|row| moments(row).e2e().as_ns())));
    prop_assert_eq!(metrics.ttft.sum_ns(), u128::from(sum(&|row| moments(row).ttft().as_ns())));
    prop_assert_eq!(metrics.itl.sum_ns(), metrics.e2e.sum_ns() - metrics.ttft.sum_ns());
    prop_assert_eq!(metrics.drafted, sum(&|row| row.drafted.into()));
    prop_assert_eq!(metrics.accepted, sum(&|row| row.accepted.into()));
    prop_assert!(metrics.accepted <= metrics.verified && metrics.verified <= metrics.drafted);
    prop_assert_eq!(metrics.closed_forms.requests, metrics.completed);
    // Rates count from its end, whoever's work it is.
    prop_assert_eq!(part.makespan, whole.makespan - end.since_start());
    let answered = |row: &&RequestRecord| moments(row).last_token >= end;
    prop_assert!(part.since.answered >= metrics.completed);
    prop_assert!(part.since.answered <= log.requests.iter().filter(answered).count() as u64);
    prop_assert!(part.since.tokens >= metrics.output_tokens && part.since.tokens <= whole.metrics.output_tokens);
    let tiers = [(Side::Edge, part.edge, whole.edge), (Side::Cloud, part.cloud, whole.cloud)];
    for (side, part, whole) in tiers {
        prop_assert_eq!(part.busy.as_ns(), u128::from(busy_since(log, side, end)));
        let flop = |row: &RequestRecord| if side == Side::Edge { row.edge_flop } else { row.cloud_flop };
        prop_assert!(near(part.flop.as_f64(), counted().map(flop).sum()));
        prop_assert_eq!((part.iterations, part.memory), (whole.iterations, whole.memory));
    }
    let joules = part.edge.work_joules + part.cloud.work_joules;
    prop_assert!(near(joules, counted().map(|row| row.joules).sum()));
    prop_assert_eq!(part.up.sent, whole.up.sent);
    let uplink = sum(&|row| row.uplink.as_u64());
    prop_assert!(part.up.counted().as_u64() >= uplink && part.up.counted() <= part.up.sent);
    if part.up.lost.as_u64() == 0 {
        prop_assert_eq!(part.up.counted().as_u64(), uplink);
    }
    Ok(())
}

proptest! {
    #![proptest_config(config(96))]

    #[test]
    fn figures_are_of_the_requests_behind_it_and_no_event_is_another(
        spec in any_spec(policy().boxed()), at in any::<prop::sample::Index>()
    ) {
        let whole = run_logged(&spec);
        let first = at.index(spec.workload.requests as usize) as u64;
        let mut sent: Vec<SimTime> = whole.1.requests.iter().map(|row| row.submit).collect();
        sent.sort_unstable();
        let sent = sent[first as usize];
        let part = run_logged(&warmed(&spec, WarmUp::Requests(first)));
        check(&whole, &part, first, if first == 0 { SimTime::ZERO } else { sent })?;
        // Before a time: those that are sent earlier.
        let before = whole.1.requests.iter().filter(|row| row.submit < sent).count() as u64;
        check(&whole, &run_logged(&warmed(&spec, WarmUp::Time(sent.since_start()))), before, sent)?;
    }
}

/// Every request takes as long as the last one did, so rates are the same without the first of them.
#[test]
fn rates_of_a_steady_run_stay() {
    let spec = spec(cloud_only(), EngineKind::Graph, 10, 20).text_only(30);
    let figures = |warm_up| {
        let outcome = run(&warmed(&spec, warm_up));
        let (span, counted) = (outcome.makespan.as_ns(), outcome.metrics.completed);
        let (busy, idle) = (outcome.cloud.busy.as_ns() as u64, outcome.cloud.idle_joules);
        (
            (counted, outcome.since, outcome.metrics.e2e.sum_ns()),
            [span, busy].map(|ns| ns / counted),
            idle / span as f64,
        )
    };
    let (whole, part) = (figures(WarmUp::Requests(0)), figures(WarmUp::Requests(4)));
    assert_eq!((part.0.0, part.0.1), (6, Since { tokens: 120, answered: 6 }));
    assert_eq!(part.0.2 * 10, whole.0.2 * 6);
    assert_eq!(part.1, whole.1);
    assert!(near(part.2, whole.2));
}

/// The second of two clients that start at once is served when the warm-up ends: its tokens from then on count in rates.
#[test]
fn what_is_left_of_the_warm_up_counts_in_rates() {
    let spec = spec(cloud_only(), EngineKind::Hf, 4, 20).text_only(30).clients(2);
    let (outcome, log) = run_logged(&warmed(&spec, WarmUp::Requests(2)));
    assert_eq!((outcome.metrics.completed, outcome.metrics.output_tokens), (2, 40));
    // One at a time: the second's answer begins when the first's ends, and so does the third request.
    assert_eq!(outcome.since, Since { tokens: 60, answered: 3 });
    let third = log.requests.iter().find(|row| row.request.prompt.request == 2).expect("the third").submit;
    assert_eq!(outcome.makespan, run(&spec).makespan - third.since_start());
}

#[test]
fn a_warm_up_that_leaves_nothing_is_refused() {
    let spec = spec(cloud_only(), EngineKind::Graph, 3, 5).text_only(30);
    for warm_up in [WarmUp::Requests(3), WarmUp::Requests(u64::MAX), WarmUp::Time(SimDuration::MAX)] {
        let refused = try_run(&warmed(&spec, warm_up), Journal::digest_only());
        assert!(matches!(refused, Err(RunError::AllWarmUp { requests: 3, last }) if !last.is_zero()), "{warm_up:?}");
    }
    let last = run_logged(&spec).1.requests.iter().map(|row| row.submit).max().expect("requests").since_start();
    assert_eq!(run(&warmed(&spec, WarmUp::Time(last))).metrics.completed, 1, "it arrives at that time, not before");
}
