//! Means, spreads and moments of the laws of arrival, against their formulas.

use super::*;
use crate::RunSpec;
use policies::System;

const EDGES: u32 = 4;

/// The times of so many arrivals, in seconds, and their edges.
fn times(arrivals: &Arrivals, seed: u64, count: usize) -> Vec<(f64, u32)> {
    let (_, policy) = System::examples().swap_remove(0);
    let workload = Workload { arrivals: arrivals.clone(), ..RunSpec::example(policy).workload };
    let streams = Streams::new(seed);
    let mut open = OpenLoop::new(arrivals, streams, 0, EDGES);
    let mut now = SimTime::ZERO;
    (0..count as u64)
        .map(|number| {
            let row = Row::of_workload(number);
            now = open.next(arrivals, &workload, row, now);
            (now.since_start().as_secs_f64(), open.edge(arrivals, streams, (number, row), EDGES))
        })
        .collect()
}

/// Mean rate, and the squared coefficient of variation of the gaps, over 100,000 arrivals.
fn moments(arrivals: &Arrivals) -> (f64, f64) {
    let times = times(arrivals, 3, 100_001);
    let gaps: Vec<f64> = times.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
    let variance = gaps.iter().map(|gap| (gap - mean) * (gap - mean)).sum::<f64>() / gaps.len() as f64;
    (1.0 / mean, variance / (mean * mean))
}

fn near(found: f64, expected: f64, share: f64) {
    assert!((found / expected - 1.0).abs() < share, "{found}, not {expected}");
}

fn rate(per_s: f64) -> PerSecond {
    PerSecond::new(per_s)
}

#[test]
fn gaps_have_the_mean_and_the_spread_of_their_law() {
    let (per_s, spread) = moments(&Arrivals::Poisson { rate: rate(5.0) });
    near(per_s, 5.0, 0.01);
    near(spread, 1.0, 0.03);
    // The squared coefficient of variation of a gamma law is 1 / shape.
    for shape in [0.25, 0.5, 2.0, 4.0] {
        let (per_s, spread) = moments(&Arrivals::Gamma { rate: rate(5.0), shape });
        near(per_s, 5.0, 0.03);
        near(spread, 1.0 / shape, 0.06);
    }
    let (per_s, spread) = moments(&Arrivals::Constant { rate: rate(8.0) });
    near(per_s, 8.0, 1e-9);
    assert!(spread < 1e-12, "{spread}");
}

#[test]
fn a_gamma_process_of_shape_1_is_poisson_draw_by_draw() {
    let gamma = Arrivals::Gamma { rate: rate(3.0), shape: 1.0 };
    assert_eq!(times(&gamma, 5, 1000), times(&Arrivals::Poisson { rate: rate(3.0) }, 5, 1000));
}

#[test]
fn constant_arrivals_do_not_drift() {
    let times = times(&Arrivals::Constant { rate: rate(3.0) }, 1, 300_001);
    assert_eq!((times[0].0, times[300_000].0), (0.0, 100_000.0));
}

/// The index of dispersion of a switched Poisson process tends to
/// 1 + 2 p (1 - p) (a - b)^2 / (m (r + s)), where a and b are the rates, p the share of time in the first state, m the mean rate
/// and r, s the rates of leaving (Fischer and Meier-Hellstern 1993).
#[test]
fn a_switched_process_has_its_mean_rate_and_its_dispersion() {
    let second = SimDuration::from_secs;
    let states = [State { weight: 5.0, mean: second(2) }, State { weight: 1.0, mean: second(6) }];
    let mmpp = Arrivals::Mmpp { rate: rate(10.0), states: states.into() };
    let times = times(&mmpp, 3, 400_000);
    near(times.len() as f64 / times[times.len() - 1].0, 10.0, 0.02);
    // Rates of 25 and 5 a second: 1 + 2 (1/4) (3/4) 400 / (10 (1/2 + 1/6)) = 23.5.
    let window = 100.0;
    let last = (times[times.len() - 1].0 / window) as usize;
    let mut counts = vec![0.0; last];
    times.iter().map(|(at, _)| (at / window) as usize).filter(|at| *at < last).for_each(|at| counts[at] += 1.0);
    let mean = counts.iter().sum::<f64>() / last as f64;
    let variance = counts.iter().map(|count| (count - mean) * (count - mean)).sum::<f64>() / last as f64;
    near(variance / mean, 23.5, 0.2);
}

#[test]
fn one_state_is_poisson_in_law() {
    let states = [State { weight: 7.0, mean: SimDuration::from_secs(3) }];
    let (per_s, spread) = moments(&Arrivals::Mmpp { rate: rate(5.0), states: states.into() });
    near(per_s, 5.0, 0.01);
    near(spread, 1.0, 0.03);
}

#[test]
fn each_edge_sends_once_a_period_at_its_phase() {
    let period = SimDuration::from_secs(2);
    let sent = |phases, seed| times(&Arrivals::Periodic { period, phases, deadline: period }, seed, 12);
    let even: Vec<(f64, u32)> = (0..12).map(|k| (0.5 * f64::from(k), k % EDGES)).collect();
    assert_eq!(sent(Phases::Even, 1), even);
    let together: Vec<(f64, u32)> = (0..12).map(|k| (2.0 * f64::from(k / EDGES), k % EDGES)).collect();
    assert_eq!(sent(Phases::Together, 1), together);
    let random = sent(Phases::Random, 1);
    for (first, again) in random.iter().zip(&random[EDGES as usize..]) {
        assert_eq!(first.1, again.1);
        assert!((again.0 - first.0 - 2.0).abs() < 1e-8, "{random:?}");
    }
    assert!(random.windows(2).all(|pair| pair[0].0 <= pair[1].0), "{random:?}");
    assert_ne!(random, sent(Phases::Random, 2));
}

#[test]
fn a_curve_is_followed_step_by_step() {
    // 0, 30 and 10 a second for 10 s each.
    let curve = Curve { step: SimDuration::from_secs(10), rates: vec![0.0, 30.0, 10.0] };
    near(curve.mean(), 40.0 / 3.0, 1e-12);
    let times = times(&Arrivals::Curve(curve.clone().into()), 7, 100_000);
    let turns = (times[times.len() - 1].0 / 30.0).floor();
    let mut counts = [0.0; 3];
    times.iter().filter(|(at, _)| *at < turns * 30.0).for_each(|(at, _)| counts[(at % 30.0 / 10.0) as usize] += 1.0);
    assert_eq!(counts[0], 0.0);
    near(counts[1], turns * 300.0, 0.02);
    near(counts[2], turns * 100.0, 0.03);
    let doubled = curve.with_mean(80.0 / 3.0);
    assert_eq!(doubled.rates, [0.0, 60.0, 20.0]);
    // From the middle of the last step: 50 come in it, nothing in the next, and 30 after one second more.
    near(curve.gap(SimDuration::from_secs(25), 80.0), 5.0 + 10.0 + 1.0, 1e-12);
    // Ten turns and one request of the first step that has any.
    near(curve.gap(SimDuration::ZERO, 4003.0), 310.0 + 0.1, 1e-12);
}
