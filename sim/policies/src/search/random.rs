//! Search by chance: what any method has to beat.

use super::{Found, Objective, Watch, uniform};
use kernel::Stream;

/// The best of `n` points drawn uniformly between the bounds; at least one is drawn.
pub(crate) fn solve(objective: &dyn Objective, n: u32, stream: &mut Stream) -> Found {
    let mut watch = Watch::new(objective);
    for _ in 0..n.max(1) {
        let at = uniform(watch.dimensions(), stream);
        watch.look(&at);
    }
    watch.found()
}

#[cfg(test)]
mod tests {
    use super::{super::tests::Problem, *};
    use kernel::Streams;

    #[test]
    fn the_best_of_many_is_near_and_within_the_bounds() {
        let problem = Problem::free(&[(-1.0, 1.0), (2.0, 5.0)], |at| (at[0] - 0.3).abs() + (at[1] - 4.0).abs());
        let found = solve(&problem, 20_000, &mut Streams::new(1).stream("random", 0));
        assert!(found.feasible && found.value < 0.05, "{found:?}");
        assert_eq!(found.evaluations, 20_000);
        assert_eq!(found.value, problem.evaluate(&found.at).value);
    }

    #[test]
    fn one_point_is_drawn_at_the_least() {
        let problem = Problem::free(&[(1.0, 2.0)], |at| at[0]);
        let found = solve(&problem, 0, &mut Streams::new(1).stream("random", 0));
        assert_eq!(found.evaluations, 1);
        assert!((1.0..=2.0).contains(&found.at[0]));
    }
}
