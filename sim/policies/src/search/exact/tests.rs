mod steps;

use super::{super::tests::Problem, *};
use kernel::Keyed;

/// The least feasible value on a grid of so many points a side.
fn brute_force(problem: &Problem, points: usize) -> f64 {
    let mut watch = Watch::new(problem);
    grid(&mut watch, points);
    assert!(watch.best().1.feasible());
    watch.best().1.value
}

/// No worse than brute force, nor better than it by more than its grid is coarse.
fn check(problem: &Problem, points: usize, coarse: f64) -> Found {
    let (found, brute) = (solve(problem), brute_force(problem, points));
    assert!(found.feasible);
    let seen = problem.evaluate(&found.at);
    assert_eq!((seen.value, seen.violation), (found.value, 0.0));
    assert!(found.value <= brute + 1e-5 * brute.abs().max(1e-3), "{found:?} brute force {brute}");
    assert!(found.value >= brute - coarse, "{found:?} brute force {brute}");
    found
}

#[test]
fn convex_in_one_two_and_three_dimensions() {
    let bowl = |at: &[f64]| at.iter().map(|x| (x - 0.37) * (x - 0.37)).sum::<f64>() + 1.0;
    for (dimensions, points) in [(1, 10_001), (2, 501), (3, 101)] {
        let found = check(&Problem::free(&vec![(-2.0, 3.0); dimensions], bowl), points, 1e-2);
        assert!(found.at.iter().all(|x| (x - 0.37).abs() < 1e-3), "{found:?}");
    }
}

#[test]
fn one_dimension_takes_few_looks() {
    let found = solve(&Problem::free(&[(0.0, 1.0)], |at| 1.0 + (at[0] - 0.37).abs()));
    assert!(found.value < 1.000_001 && found.evaluations < 50, "{found:?}");
}

#[test]
fn ends_and_corners_are_hit_to_the_last_bit() {
    let found = solve(&Problem::free(&[(0.1, 0.7)], |at| -at[0]));
    assert_eq!(found.at, [0.7]);
    let found = check(&Problem::free(&[(0.1, 0.7), (-3.0, 9.1)], |at| at[1] - at[0]), 101, 1e-12);
    assert_eq!(found.at, [0.7, -3.0]);
}

#[test]
fn a_ridge_across_the_axes_does_not_hold_it_up() {
    // The least of max(3x + y, 2 - x + y / 2) on [0, 1]^2 is at y = 0, x = 1/2: 1.5.
    let ridge = |at: &[f64]| (3.0 * at[0] + at[1]).max(2.0 - at[0] + at[1] / 2.0);
    let found = check(&Problem::free(&[(0.0, 1.0); 2], ridge), 1001, 1e-9);
    assert!((found.value - 1.5).abs() < 1e-5, "{found:?}");
    // No coordinate improves anywhere on x + y = 1.1 but towards x = .45, where it ends.
    let steep = |at: &[f64]| 10.0 * (at[0] + at[1] - 1.1).abs() + (at[0] - at[1] - 0.2).abs();
    let found = check(&Problem::free(&[(0.0, 1.0); 2], steep), 1001, 1e-9);
    assert!(found.value < 1e-4, "{found:?}");
}

#[test]
fn a_constraint_that_cuts_off_the_corner() {
    // The corner (1, 1) would be best. On the circle about it, x = .9 / sqrt(1 + 4), y = 2x.
    let problem = Problem {
        bounds: vec![(0.0, 1.0); 2],
        value: |at| 3.0 - at[0] - 2.0 * at[1],
        violation: |at| (at[0] * at[0] + at[1] * at[1] - 0.81).max(0.0),
    };
    let found = check(&problem, 2001, 1e-3);
    assert!((found.value - (3.0 - 0.9 * 5f64.sqrt())).abs() < 1e-5, "{found:?}");
}

#[test]
fn the_shape_of_the_plan() {
    // Retention and compression: the slower of two tiers, and a loss that may not be above .02.
    let problem = Problem {
        bounds: vec![(0.2, 1.0), (0.0, 0.9)],
        value: |at| (0.05 + 0.10 * at[0]).max(0.02 + 0.16 * at[0] * (1.0 - at[1])),
        violation: |at| {
            let pruned = 1.0 - at[0];
            let squared = at[1] * at[1];
            (0.06 * pruned * pruned + 0.05 * squared * squared - 0.02).max(0.0)
        },
    };
    check(&problem, 3001, 1e-3);
}

#[test]
fn a_sliver_between_the_grid_points_is_found_by_its_violation() {
    let sliver = Problem {
        bounds: vec![(0.0, 1.0); 2],
        value: |at| at[0],
        violation: |at| ((at[0] + at[1] - 1.03).abs() - 1e-3).max(0.0),
    };
    let found = solve(&sliver);
    // x + y lies in [1.029, 1.031], so the least x is .029.
    assert!(found.feasible && (found.value - 0.029).abs() < 1e-4, "{found:?}");
}

#[test]
fn a_feasible_middle_of_a_line() {
    let problem = Problem {
        bounds: vec![(0.0, 10.0)],
        value: |at| at[0],
        violation: |at| (3.21 - at[0]).max(at[0] - 4.0).max(0.0),
    };
    let found = solve(&problem);
    assert!(found.feasible && (found.value - 3.21).abs() < 1e-4, "{found:?}");
}

#[test]
fn nothing_feasible_gives_the_least_violation() {
    let problem = Problem {
        bounds: vec![(0.0, 1.0); 2],
        value: |at| at[0],
        violation: |at| 1.0 + (at[0] - 0.3).abs() + (at[1] - 0.8).abs(),
    };
    let found = solve(&problem);
    assert!(!found.feasible);
    assert!((found.at[0] - 0.3).abs() < 1e-4 && (found.at[1] - 0.8).abs() < 1e-4, "{found:?}");
}

#[test]
fn bounds_that_coincide_are_left_out() {
    let value = |at: &[f64]| (at[1] - 0.4).abs() + at[0];
    let found = solve(&Problem::free(&[(0.5, 0.5), (0.0, 1.0)], value));
    assert!(found.at[0] == 0.5 && (found.at[1] - 0.4).abs() < 1e-6, "{found:?}");
    let found = solve(&Problem::free(&[(0.5, 0.5), (0.25, 0.25)], value));
    assert_eq!((found.at, found.value), (vec![0.5, 0.25], 0.65));
}

#[test]
fn rounds_that_gain_little_by_little_do_so_in_any_unit() {
    // A bent valley, along which each round of lines goes on a little. Powers of two scale every value to the bit.
    fn valley(at: &[f64]) -> f64 {
        let (x, y) = (at[0], at[1]);
        1.0 + 100.0 * (y - x * x) * (y - x * x) + (1.0 - x) * (1.0 - x)
    }
    let values: [fn(&[f64]) -> f64; 2] = [valley, |at| valley(at) / 1_048_576.0];
    let [plain, small] = values.map(|value| solve(&Problem::free(&[(-1.5, 1.6); 2], value)));
    assert_eq!((small.at, small.evaluations), (plain.at, plain.evaluations));
}

/// The greatest of three planes over the unit square, outside of a disc forbidden.
struct Planes(Keyed);

impl Objective for Planes {
    fn bounds(&self) -> &[(f64, f64)] {
        &[(0.0, 1.0); 2]
    }
    fn evaluate(&self, at: &[f64]) -> Evaluation {
        let draw = |k| self.0.unit(k) - 0.5;
        let plane = |k: u64| draw(k) + 10.0 * draw(k + 1) * at[0] + 2.0 * draw(k + 2) * at[1];
        let (x, y) = (at[0] - draw(9) - 0.5, at[1] - draw(10) - 0.5);
        Evaluation { value: 3.0 + plane(0).max(plane(3)).max(plane(6)), violation: (x * x + y * y - 0.1).max(0.0) }
    }
}

#[test]
fn random_convex_problems_of_two_dimensions_are_solved() {
    for seed in 0..100 {
        let problem = Planes(Streams::new(seed).keyed("planes", 0));
        let found = solve(&problem);
        // A golden section within a golden section needs no care at kinks, and a steep penalty keeps it inside.
        let penalised = |x, y| {
            let seen = problem.evaluate(&[x, y]);
            seen.value + 1e4 * seen.violation
        };
        let over_y = |x| [0.0, 1.0].map(|y| penalised(x, y)).into_iter().fold(f64::INFINITY, f64::min);
        let over_y = |x| golden_section(|y| penalised(x, y), 0.0, 1.0, 40).1.min(over_y(x));
        let want = golden_section(over_y, 0.0, 1.0, 40).1.min(over_y(0.0)).min(over_y(1.0));
        assert!(found.feasible && (found.value - want).abs() < 2e-5, "{seed}: {found:?}, not {want}");
    }
}
