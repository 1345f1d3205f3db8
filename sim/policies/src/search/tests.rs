//! Properties of every search on random problems, and the problem that the tests of each are written with.

use super::{Evaluation, Found, Objective, Watch, exact, gp_ei, random};
use kernel::Streams;
use proptest::prelude::*;

/// A problem of two functions.
pub(super) struct Problem {
    pub bounds: Vec<(f64, f64)>,
    pub value: fn(&[f64]) -> f64,
    pub violation: fn(&[f64]) -> f64,
}

impl Problem {
    /// Without constraints.
    pub fn free(bounds: &[(f64, f64)], value: fn(&[f64]) -> f64) -> Self {
        Self { bounds: bounds.to_vec(), value, violation: |_| 0.0 }
    }
}

impl Objective for Problem {
    fn bounds(&self) -> &[(f64, f64)] {
        &self.bounds
    }
    fn evaluate(&self, at: &[f64]) -> Evaluation {
        Evaluation { value: (self.value)(at), violation: (self.violation)(at) }
    }
}

/// A random problem: kinked, stepped, cut off by a plane, of any scale.
#[derive(Clone, Debug)]
struct Any {
    bounds: Vec<(f64, f64)>,
    slopes: Vec<f64>,
    scale: f64,
    steps: f64,
    cut: f64,
}

impl Objective for Any {
    fn bounds(&self) -> &[(f64, f64)] {
        &self.bounds
    }
    fn evaluate(&self, at: &[f64]) -> Evaluation {
        let within = self.bounds.iter().zip(at).all(|((low, high), x)| low <= x && x <= high);
        assert!(within, "{at:?} is out of bounds");
        let sum: f64 = at.iter().zip(&self.slopes).map(|(x, slope)| x * slope).sum();
        let stepped = if self.steps > 0.0 { (sum * self.steps).floor() / self.steps } else { sum };
        Evaluation { value: self.scale * stepped.max(-0.5 * sum), violation: self.scale * (sum - self.cut).max(0.0) }
    }
}

fn any_problem() -> impl Strategy<Value = Any> {
    let bound = prop_oneof![3 => (-2.0f64..2.0, 0.0f64..3.0), 1 => (-2.0f64..2.0, Just(0.0))];
    let dimension = (bound.prop_map(|(low, width)| (low, low + width)), prop_oneof![-1.0f64..1.0, Just(0.0)]);
    let scale = prop_oneof![Just(1e-9), Just(1.0), Just(1e9)];
    (prop::collection::vec(dimension, 1..4), scale, prop_oneof![Just(0.0), Just(1.0), Just(10.0)], -4.0f64..4.0)
        .prop_map(|(dimensions, scale, steps, cut)| {
            let (bounds, slopes) = dimensions.into_iter().unzip();
            Any { bounds, slopes, scale, steps, cut }
        })
}

/// The answer is a point of the problem, and is told as it is.
fn check(problem: &Any, found: &Found) {
    let seen = problem.evaluate(&found.at);
    assert!(found.value.is_finite() && found.value == seen.value, "{found:?}");
    assert_eq!(found.feasible, seen.violation == 0.0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_problem_is_answered(problem in any_problem(), n in 1u32..24, seed in 0u64..1000) {
        let stream = || Streams::new(seed).stream("search", 0);
        let by_process = gp_ei::solve(&problem, n, 0.1, &mut stream());
        let by_chance = random::solve(&problem, n, &mut stream());
        let exactly = exact::solve(&problem);
        for found in [&by_process, &by_chance, &exactly] {
            check(&problem, found);
        }
        prop_assert_eq!((by_process.evaluations, by_chance.evaluations), (n, n));
        prop_assert!(exactly.feasible || !(by_process.feasible || by_chance.feasible));
        prop_assert_eq!(gp_ei::solve(&problem, n, 0.1, &mut stream()), by_process);
    }
}

/// A seen point of this value and violation.
fn seen(value: f64, violation: f64) -> Evaluation {
    Evaluation { value, violation }
}

#[test]
fn less_value_is_better_where_nothing_is_violated_else_less_violation() {
    // (one, other, one is better)
    let table = [
        (seen(1.0, 0.0), seen(2.0, 0.0), true),
        (seen(2.0, 0.0), seen(1.0, 0.0), false),
        (seen(1.0, 0.0), seen(1.0, 0.0), false),
        (seen(9.0, 0.0), seen(1.0, 0.1), true),
        (seen(1.0, 0.1), seen(9.0, 0.0), false),
        (seen(9.0, 0.1), seen(1.0, 0.2), true),
        (seen(1.0, 0.2), seen(9.0, 0.1), false),
        (seen(1.0, 0.2), seen(9.0, 0.2), false),
    ];
    for (one, other, want) in table {
        assert_eq!(one.better_than(&other), want, "{one:?} {other:?}");
    }
}

#[test]
fn a_watch_sees_the_unit_cube_without_bounds_that_coincide() {
    // Four times the first coordinate, from 2 to 6, and the third, from 0 to 10; the second is fixed.
    let problem = Problem::free(&[(2.0, 6.0), (1.0, 1.0), (0.0, 10.0)], |at| 4.0 * at[0] + at[2]);
    let mut watch = Watch::new(&problem);
    assert_eq!(watch.dimensions(), 2);
    assert_eq!(watch.outside(&[0.25, 0.5]), [3.0, 1.0, 5.0]);
    assert_eq!(watch.outside(&[0.0, 1.0]), [2.0, 1.0, 10.0]);
    assert_eq!(watch.look(&[0.25, 0.5]), seen(17.0, 0.0));
    watch.look(&[0.5, 0.1]); // 4 x 4 + 1 as well: the first is kept
    watch.look(&[0.5, 0.5]);
    assert_eq!((watch.best(), watch.evaluations), ((&[0.25, 0.5][..], seen(17.0, 0.0)), 3));
    let found = watch.found();
    assert_eq!(found, Found { at: vec![3.0, 1.0, 5.0], value: 17.0, feasible: true, evaluations: 3 });
}
