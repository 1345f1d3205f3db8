use super::{
    super::{random, tests::Problem},
    *,
};
use kernel::Streams;

fn stream(seed: u64) -> Stream {
    Streams::new(seed).stream("gp_ei", 0)
}

#[test]
fn expected_improvement_in_closed_form() {
    // I Phi(I / s) + s phi(I / s), with I = best - mean - .1.
    let want = [
        ((0.0, 0.0, 1.0), 0.350_935_331_204_714_7),
        ((0.0, -0.5, 0.2), 0.401_698_140_523_365_93),
        ((1.0, 1.5, 0.7), 0.075_996_848_381_884_92),
        ((0.0, -0.3, 0.0), 0.2),
        ((0.0, 0.3, 0.0), 0.0),
    ];
    for ((best, mean, deviation), want) in want {
        let got = expected_improvement(best - 0.1, mean, deviation);
        assert!((got - want).abs() < 1e-14, "{got} {want}");
    }
}

#[test]
fn infeasible_points_are_worse_than_feasible_ones_in_any_unit() {
    let seen = |unit: f64| {
        [(3.0, 0.0), (9.0, 4.0 * unit), (1.0, 0.0), (0.0, 1.0 * unit)]
            .map(|(value, violation)| Evaluation { value, violation })
    };
    for unit in [1e-9, 1.0, 1e9] {
        assert_eq!(penalised(&seen(unit)), (vec![3.0, 5.0, 1.0, 3.5], 1.0));
        // Until something is feasible it is violation that counts.
        let [_, more, _, less] = seen(unit);
        assert_eq!(penalised(&[more, less]), (vec![1.0, 0.25], 0.25));
    }
}

#[test]
fn values_are_standardised() {
    let seen = [2.0, 4.0, 9.0].map(|value| Evaluation { value, violation: 0.0 });
    let (values, best) = standardised(&seen);
    assert!(values.iter().sum::<f64>().abs() < 1e-14);
    assert!((values.iter().map(|x| x * x).sum::<f64>() - 3.0).abs() < 1e-14);
    assert_eq!(best, values[0]);
    // Equal values have no deviation.
    assert_eq!(standardised(&seen[..1]), (vec![0.0], 0.0));
}

/// Branin's function; the least is .397887, in three places.
fn branin() -> Problem {
    Problem::free(&[(-5.0, 10.0), (0.0, 15.0)], |at| {
        let bent = at[1] - 5.1 / (4.0 * PI * PI) * at[0] * at[0] + 5.0 / PI * at[0] - 6.0;
        bent * bent + 10.0 * (1.0 - 1.0 / (8.0 * PI)) * libm::cos(at[0]) + 10.0
    })
}

/// The median of what 50 evaluations find over 20 seeds: by the process, and by chance.
fn medians(problem: &Problem) -> (f64, f64) {
    let median = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        0.5 * (values[9] + values[10])
    };
    let process = (0..20).map(|seed| solve(problem, 50, 0.1, &mut stream(seed)).value).collect();
    let chance = (0..20).map(|seed| random::solve(problem, 50, &mut stream(seed)).value).collect();
    (median(process), median(chance))
}

#[test]
fn it_beats_chance() {
    let (process, chance) = medians(&branin());
    assert!(process < chance, "Branin: {process}, by chance {chance}");
    assert!(process - 0.397_887 < 0.5, "Branin: {process}");
    let bowl = |at: &[f64]| at.iter().map(|x| (x - 0.3) * (x - 0.3)).sum();
    for (dimensions, gap) in [(1, 1e-3), (2, 5e-3), (4, 5e-2)] {
        let (process, chance) = medians(&Problem::free(&vec![(0.0, 1.0); dimensions], bowl));
        assert!(process < chance, "{dimensions} dimensions: {process}, by chance {chance}");
        assert!(process < gap, "{dimensions} dimensions: {process}");
    }
}

#[test]
fn constraints_are_kept_where_they_can_be() {
    let problem = Problem {
        bounds: vec![(0.0, 1.0); 2],
        value: |at| 2.0 - at[0] - at[1],
        violation: |at| (at[0] * at[0] + at[1] * at[1] - 0.81).max(0.0),
    };
    for seed in 0..20 {
        let found = solve(&problem, 50, 0.1, &mut stream(seed));
        assert!(found.feasible && problem.evaluate(&found.at).violation == 0.0, "{found:?}");
        // The best is 2 - .9 sqrt 2 = .7272.
        assert!(found.value < 0.9, "{found:?}");
    }
}

#[test]
fn a_small_feasible_part_is_looked_for() {
    // A hundredth of the square; 50 points miss it by chance in three runs of five.
    let problem = Problem {
        bounds: vec![(0.0, 1.0); 2],
        value: |at| at[0],
        violation: |at| (0.9 - at[0]).max(0.9 - at[1]).max(0.0),
    };
    let found = (0..20).filter(|seed| solve(&problem, 50, 0.1, &mut stream(*seed)).feasible).count();
    assert!(found >= 19, "{found} of 20");
}

#[test]
fn nothing_feasible_is_said() {
    let problem = Problem { bounds: vec![(0.0, 1.0)], value: |at| at[0], violation: |at| 1.0 + at[0] };
    let found = solve(&problem, 30, 0.1, &mut stream(1));
    assert!(!found.feasible && found.at[0] < 0.1 && found.evaluations == 30, "{found:?}");
}

#[test]
fn the_same_seed_gives_the_same_answer_to_the_last_bit() {
    let bits = |seed| {
        let found = solve(&branin(), 50, 0.1, &mut stream(seed));
        found.at.iter().chain([&found.value]).map(|x| x.to_bits()).collect::<Vec<_>>()
    };
    assert_eq!(bits(3), bits(3));
    assert_ne!(bits(3), bits(4));
}

#[test]
fn one_feasible_value_has_no_spread_so_one_stands_in() {
    let seen = [(3.0, 0.0), (0.0, 0.5), (9.0, 1.0)].map(|(value, violation)| Evaluation { value, violation });
    assert_eq!(penalised(&seen), (vec![3.0, 3.5, 4.0], 3.0));
}

/// A process over the line or the square, conditioned on these values.
fn process(points: &[&[f64]], values: &[f64]) -> Process {
    let mut process = Process::new(FIRST_LENGTH);
    points.iter().for_each(|point| process.add(point));
    process.condition(values);
    process
}

fn hope(process: &Process) -> Hope<'_> {
    Hope { process, target: -1.1, scratch: Vec::new() }
}

#[test]
fn a_candidate_moves_to_the_side_of_more_hope() {
    let ends: [&[f64]; 2] = [&[0.0], &[1.0]];
    // Half-way the deviation is greatest, and the mean falls towards the end of value -1.
    for (values, to) in [([-1.0, 1.0], 0.4), ([1.0, -1.0], 0.6)] {
        let process = process(&ends, &values);
        let mut hope = hope(&process);
        let (mut best, mut most) = ([0.5], hope.at(&[0.5]));
        assert!(hope.moved(&mut best, &mut most, 0.1));
        assert!((best[0] - to).abs() < 1e-12 && most == hope.at(&best), "{best:?}");
        // The ends are known, so there is less hope: it stays.
        assert!(!hope.moved(&mut best, &mut most, 1.0));
        assert!((best[0] - to).abs() < 1e-12 && most == hope.at(&best), "{best:?}");
    }
}

#[test]
fn the_greatest_hope_is_no_less_than_any_on_a_fine_grid() {
    let points: [&[f64]; 5] = [&[0.1, 0.2], &[0.8, 0.3], &[0.5, 0.9], &[0.4, 0.4], &[0.9, 0.9]];
    let process = process(&points, &[0.3, -0.6, 1.4, -0.9, 0.2]);
    let mut scanned = 0.0f64;
    let mut hopes = hope(&process);
    for step in 0..201 * 201 {
        scanned = scanned.max(hopes.at(&[f64::from(step % 201) / 200.0, f64::from(step / 201) / 200.0]));
    }
    for seed in 0..5 {
        let best = hope(&process).greatest(2, &mut stream(seed));
        assert!(hopes.at(&best) >= scanned, "{best:?}");
    }
}

/// Keeps the points that it is asked for.
struct Log(std::cell::RefCell<Vec<Vec<f64>>>);

impl Objective for Log {
    fn bounds(&self) -> &[(f64, f64)] {
        &[(0.0, 1.0); 2]
    }
    fn evaluate(&self, at: &[f64]) -> Evaluation {
        self.0.borrow_mut().push(at.to_vec());
        Evaluation { value: (at[0] - 0.3).abs() + at[1], violation: 0.0 }
    }
}

#[test]
fn five_points_are_drawn_and_the_sixth_is_hoped_to_improve_by_xi() {
    let log = Log(Default::default());
    solve(&log, 6, 0.1, &mut stream(1));
    let looked = log.0.take();
    let mut stream = stream(1);
    let drawn: Vec<Vec<f64>> = (0..5).map(|_| uniform(2, &mut stream)).collect();
    assert_eq!(looked[..5], drawn);
    // A tenth of a deviation below the best, by the process of the likeliest length.
    let seen: Vec<Evaluation> = drawn.iter().map(|at| log.evaluate(at)).collect();
    let (values, best) = standardised(&seen);
    let mut process = Process::new(FIRST_LENGTH);
    drawn.iter().for_each(|at| process.add(at));
    process.fit_length(&values);
    process.condition(&values);
    let sixth = Hope { process: &process, target: best - 0.1, scratch: Vec::new() }.greatest(2, &mut stream);
    assert_eq!(looked[5], sixth);
}

#[test]
fn a_problem_without_freedom_is_looked_at_all_the_same() {
    let found = solve(&Problem::free(&[(0.5, 0.5)], |at| at[0]), 8, 0.1, &mut stream(1));
    assert_eq!((found.at, found.value, found.evaluations), (vec![0.5], 0.5, 8));
}
