//! The parts of the exact search, worked by hand on the points that they look at.

use super::*;
use std::cell::RefCell;

/// A problem over the unit cube that keeps the points it is asked for.
struct Log<F> {
    bounds: Vec<(f64, f64)>,
    function: F,
    looked: RefCell<Vec<Vec<f64>>>,
}

impl<F: Fn(&[f64]) -> Evaluation> Log<F> {
    fn new(dimensions: usize, function: F) -> Self {
        Self { bounds: vec![(0.0, 1.0); dimensions], function, looked: RefCell::default() }
    }
    /// True if a point was looked at.
    fn has(&self, at: &[f64]) -> bool {
        let near = |point: &Vec<f64>| point.iter().zip(at).all(|(a, b)| (a - b).abs() < 1e-12);
        self.looked.borrow().iter().any(near)
    }
}

impl<F: Fn(&[f64]) -> Evaluation> Objective for Log<F> {
    fn bounds(&self) -> &[(f64, f64)] {
        &self.bounds
    }
    fn evaluate(&self, at: &[f64]) -> Evaluation {
        assert!(at.iter().all(|x| (0.0..=1.0).contains(x)), "{at:?}");
        self.looked.borrow_mut().push(at.to_vec());
        (self.function)(at)
    }
}

fn allowed(value: f64) -> Evaluation {
    Evaluation { value, violation: 0.0 }
}

/// Flat ground, allowed everywhere.
fn flat(_: &[f64]) -> Evaluation {
    allowed(1.0)
}

fn near(got: &[f64], want: &[f64]) {
    let equal = got.len() == want.len() && got.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-12);
    assert!(equal, "{got:?}, not {want:?}");
}

#[test]
fn points_a_side_of_the_grid() {
    assert_eq!([0, 1, 2, 3, 4, 5, 6].map(points_a_side), [9, 9, 17, 9, 5, 3, 3]);
}

#[test]
fn the_grid_has_the_corners() {
    let log = Log::new(2, flat);
    grid(&mut Watch::new(&log), 3);
    let want: Vec<[f64; 2]> = [0.0, 0.5, 1.0].into_iter().flat_map(|y| [0.0, 0.5, 1.0].map(|x| [x, y])).collect();
    assert_eq!(*log.looked.borrow(), want);
}

#[test]
fn a_goal_is_a_number_for_what_counts() {
    let (good, bad) = (allowed(3.0), Evaluation { value: 3.0, violation: 0.5 });
    assert_eq!([good, bad].map(|seen| Goal::Violation.of(seen)), [0.0, 0.5]);
    assert_eq!([good, bad].map(|seen| Goal::Value.of(seen)), [3.0, f64::INFINITY]);
}

#[test]
fn a_turned_basis_is_a_mirror_of_the_axes() {
    near(&unit_vector(1, 3), &[0.0, 1.0, 0.0]);
    let mut signs = [false; 2];
    for round in 0..20 {
        let basis = turned_basis(3, round);
        for (i, one) in basis.iter().enumerate() {
            for (j, other) in basis.iter().enumerate() {
                let product: f64 = one.iter().zip(other).map(|(a, b)| a * b).sum();
                assert!((product - f64::from(u8::from(i == j))).abs() < 1e-12, "orthonormal: {basis:?}");
                assert!((one[j] - other[i]).abs() < 1e-12, "a mirror is its own inverse: {basis:?}");
            }
        }
        // The plane's normal points anywhere, so the axes lean to either side of one another.
        signs[usize::from(basis[0][1] > 0.0)] = true;
        assert_ne!(basis, turned_basis(3, round + 1));
    }
    assert_eq!(signs, [true; 2]);
}

#[test]
fn a_step_along_a_direction_stays_in_the_cube() {
    near(&along(&[0.25, 0.5], &[1.0, -0.5], 0.5), &[0.75, 0.25]);
    near(&along(&[0.25, 0.5], &[1.0, -0.5], 2.0), &[1.0, 0.0]);
}

#[test]
fn the_cube_ends_a_line() {
    // (direction, reach, the way to go): from (.25, .5), at cost 1.
    let table = [
        ([1.0, 0.0], 0.5, 0.5),
        ([1.0, 0.0], 2.0, 0.75),
        ([1.0, 0.0], -2.0, -0.25),
        ([0.6, 0.8], 1.0, 0.625),       // y: .5 / .8, before x: .75 / .6
        ([-0.6, 0.8], 1.0, 0.25 / 0.6), // x: .25 / .6, before y: .5 / .8
        ([-0.6, 0.8], -1.0, -0.625),    // y again, downwards, before x: .75 / .6
        ([0.0, -1.0], 0.25, 0.25),
    ];
    for (direction, reach, want) in table {
        let log = Log::new(2, flat);
        let (t, cost) = farthest(&mut Watch::new(&log), &[0.25, 0.5], &direction, reach, Goal::Value);
        assert!((t - want).abs() < 1e-12 && cost == 1.0, "{direction:?} {reach}: {t}");
        assert_eq!(log.looked.borrow().len(), 1);
    }
}

#[test]
fn the_feasible_part_ends_a_line() {
    let log = Log::new(1, |at| Evaluation { value: at[0], violation: (at[0] - 0.61).max(0.0) });
    let (t, cost) = farthest(&mut Watch::new(&log), &[0.2], &[1.0], 0.8, Goal::Value);
    // .41 away, found by 14 halvings of .8.
    assert!(t <= 0.41 && t > 0.41 - 0.8 / 16_384.0 && (cost - 0.2 - t).abs() < 1e-12, "{t} {cost}");
    let looked = log.looked.borrow();
    assert_eq!(looked.len(), 15);
    near(&[looked[1][0], looked[2][0], looked[3][0]], &[0.6, 0.8, 0.7]); // inside, outside, outside
}

#[test]
fn a_line_ends_at_its_least_point() {
    let least = |function: fn(&[f64]) -> f64, reach| {
        let log = Log::new(1, |at| allowed(function(at)));
        line(&mut Watch::new(&log), &[0.5], &[1.0], reach, Goal::Value, STEPS)[0]
    };
    assert_eq!(least(|at| at[0], 0.25), 0.25);
    assert_eq!(least(|at| -at[0], 0.25), 0.75);
    let valley = least(|at| (at[0] - 0.6).abs(), 0.25);
    assert!((valley - 0.6).abs() < 5e-4 * 0.5, "{valley}");
    // Of equals the end ahead; nowhere to go, the centre.
    assert_eq!((least(|_| 1.0, 0.25), least(|at| at[0], 0.0)), (0.75, 0.5));
}

/// The points of one set of lines over flat ground, where each line leads to its end ahead.
#[test]
fn lines_run_along_axes_and_chords() {
    let log = Log::new(2, flat);
    let mut watch = Watch::new(&log);
    watch.look(&[0.5, 0.5]);
    lines(&mut watch, &[vec![1.0, 0.0], vec![0.0, 1.0]], 0.2, Goal::Value);
    let length = libm::hypot(0.02, 0.2);
    let (short, long) = (0.2 * 0.02 / length, 0.2 * 0.2 / length);
    let table = [
        ("the ends along each axis", [[0.3, 0.5], [0.7, 0.5], [0.5, 0.3], [0.5, 0.7]]),
        ("a tenth of them aside", [[0.48, 0.5], [0.52, 0.5], [0.5, 0.48], [0.5, 0.52]]),
        ("from aside along the other axis", [[0.48, 0.3], [0.52, 0.7], [0.3, 0.48], [0.7, 0.52]]),
        (
            "chords through the centre, aside in x",
            [
                [0.5 - short, 0.5 + long],
                [0.5 + short, 0.5 - long],
                [0.5 + short, 0.5 + long],
                [0.5 - short, 0.5 - long],
            ],
        ),
        (
            "chords through the centre, aside in y",
            [
                [0.5 + long, 0.5 - short],
                [0.5 - long, 0.5 + short],
                [0.5 + long, 0.5 + short],
                [0.5 - long, 0.5 - short],
            ],
        ),
    ];
    for (what, points) in table {
        assert!(points.iter().all(|point| log.has(point)), "{what}");
    }
    // A line looks at its ends and at STEPS + 2 points between: two axes, and for each of four steps aside the step, a
    // line and a chord. The centre was looked at before.
    assert_eq!(log.looked.borrow().len(), 1 + 2 * 20 + 4 * (1 + 20 + 20));
}

#[test]
fn a_single_feasible_point_has_no_chords() {
    let log = Log::new(2, |at| Evaluation { value: 1.0, violation: (at[0] - 0.5).abs() + (at[1] - 0.5).abs() });
    let mut watch = Watch::new(&log);
    watch.look(&[0.5, 0.5]);
    lines(&mut watch, &[vec![1.0, 0.0], vec![0.0, 1.0]], 0.2, Goal::Value);
    assert_eq!(watch.best().0, [0.5, 0.5]);
}

#[test]
fn the_one_line_reaches_the_neighbours_on_the_grid_and_no_farther() {
    // The grid's best point is .25 (.1145), since .375 lies up a steep wall; the least is .1145 of .125 away.
    let wall = |at: &[f64]| if at[0] < 0.3645 { 0.3645 - at[0] } else { 100.0 * (at[0] - 0.3645) };
    let found = solve(&Problem::free(&[(0.0, 1.0)], wall));
    assert!((found.at[0] - 0.3645).abs() < 1e-5, "{found:?}");
    // 9 points of the grid, both ends of the line, 26 + 2 points between them.
    assert_eq!(found.evaluations, 9 + 2 + 28);
    // Of two valleys the one with the best grid point: a golden section over all would fall into the other.
    let valleys = |at: &[f64]| (at[0] - 0.24).abs().min((at[0] - 0.65).abs() + 0.01);
    let found = solve(&Problem::free(&[(0.0, 1.0)], valleys));
    assert!((found.at[0] - 0.24).abs() < 1e-5, "{found:?}");
}

#[test]
fn one_dimension_without_a_feasible_grid_point() {
    let sliver =
        Problem { bounds: vec![(0.0, 1.0)], value: |at| at[0], violation: |at| ((at[0] - 0.32).abs() - 1e-3).max(0.0) };
    let found = solve(&sliver);
    assert!(found.feasible && (found.at[0] - 0.319).abs() < 1e-4, "{found:?}");
}

#[test]
fn the_unit_of_the_value_does_not_matter() {
    let [found, small, large] = [0, -40, 40].map(|power| {
        let ridge = |at: &[f64]| (3.0 * at[0] + at[1]).max(2.0 - at[0] + at[1] / 2.0);
        solve(&Log::new(2, |at| allowed(libm::ldexp(ridge(at), power))))
    });
    assert_eq!((&small.at, &large.at), (&found.at, &found.at));
    assert_eq!([small.evaluations, large.evaluations], [found.evaluations; 2]);
    // As documented for two dimensions.
    assert!((2000..=6000).contains(&found.evaluations), "{found:?}");
}
