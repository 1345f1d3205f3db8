//! The search: from the start by factors of two until one value surely meets the targets and one surely misses them, then by bisection
//! while values are sure. Near the answer they are not but for very many runs. From there on runs are added on both sides of the place
//! where the targets stop being met, until the interval of that place is 2 % wide (`crossing.rs`). Whole numbers, of which
//! there is none between two in a row, are judged one by one to the end.
//!
//! It knows nothing but verdicts and crossings.

use super::axis::Axis;
use super::crossing::Crossing;
use super::verdict::Verdict;
use tables::Finding;

/// The ratio of the ends of a bracket that is narrow enough.
const NARROW: f64 = 1.02;

/// The step of the search while one end is not known.
const STEP: f64 = 2.0;

/// The least ratio of the ends of an interval: a straight line is not exactly what figures follow.
const LEAST: f64 = 1.015;

/// The ratio of values between which the answer is roughly known.
const ROUGH: f64 = 1.08;

/// The growth of a figure, in parts of its bound, from the answer to the values on both sides at which runs are added: more of it says
/// more of the slope, and makes the line less straight. And the least and the largest step that may take, in logarithms.
const GROWTH: f64 = 0.1;
const STEPS: [f64; 2] = [0.008, 0.025];

/// Steps within which the values are near enough for a line.
const NEAR: f64 = 2.2;

/// The part of the runs of a line by which it grows.
const MORE: u32 = 4;

/// The part of the runs after which a value at an end of the axis is left alone.
const PATIENCE: u64 = 10;

/// The bounds of a search.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// True if the least value is sought: smaller ones are then the harder ones.
    pub least: bool,
    /// Replications at a value that is looked at first.
    pub replications: u32,
    /// The most runs.
    pub runs: u64,
}

/// The answer of a search.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The way in which it ended.
    pub finding: Finding,
    /// The hardest value that surely meets the targets.
    pub meets: Option<f64>,
    /// The easiest value that surely misses them.
    pub misses: Option<f64>,
    /// The target that is missed there.
    pub limited_by: String,
    /// Values that were looked at.
    pub points: u64,
    /// Runs that it took.
    pub runs: u64,
}

/// The runs that a search looks at.
pub trait Runs {
    /// The reason why a value cannot be run.
    type Error;

    /// The verdict on a value after so many replications in all.
    ///
    /// # Errors
    /// If the value cannot be run.
    fn look(&mut self, value: f64, replications: u32) -> Result<Verdict, Self::Error>;

    /// The place where the targets stop being met, by the runs at these values, each with its place; none if they do not tell.
    fn crossing(&self, values: &[(f64, f64)]) -> Option<Crossing>;
}

/// A value that was looked at.
#[derive(Clone, Debug)]
struct Looked {
    value: f64,
    runs: u32,
    verdict: Verdict,
}

impl Looked {
    /// True if the verdict is sure, and not by the luck of a few runs.
    fn is_sure(&self) -> bool {
        self.verdict.is_settled(self.runs)
    }
}

/// A search under way.
struct Search<'a> {
    axis: &'a Axis,
    limits: Limits,
    /// The values that were looked at, the easier ones first.
    known: Vec<Looked>,
}

/// The next step of a search.
enum Step {
    /// A value with so many replications.
    Look(f64, u32),
    /// The end.
    End(Finding),
}

/// Searches an axis.
///
/// # Errors
/// The first of `runs`.
pub fn search<R: Runs>(axis: &Axis, limits: Limits, runs: &mut R) -> Result<Answer, R::Error> {
    let (mut search, mut spent) = (Search { axis, limits, known: Vec::new() }, 0);
    loop {
        let (value, wanted) = match search.step(runs) {
            Step::Look(value, wanted) => (value, wanted),
            Step::End(finding) => return Ok(search.answer(finding, spent, runs)),
        };
        let have = search.find(value).map_or(0, |at| search.known[at].runs);
        let left = u32::try_from(limits.runs - spent).unwrap_or(u32::MAX);
        let wanted = wanted.min(have.saturating_add(left));
        // A value of fewer runs than the others would be judged by them.
        if wanted <= have || (have == 0 && wanted < limits.replications) {
            return Ok(search.answer(Finding::Bracket, spent, runs));
        }
        let verdict = runs.look(value, wanted)?;
        spent += u64::from(wanted - have);
        search.put(Looked { value, runs: wanted, verdict });
    }
}

impl Search<'_> {
    /// Orders two values, the easier first.
    fn hardness(&self, value: f64) -> f64 {
        if self.limits.least { -value } else { value }
    }

    fn find(&self, value: f64) -> Option<usize> {
        self.known.iter().position(|looked| looked.value == value)
    }

    fn put(&mut self, looked: Looked) {
        match self.find(looked.value) {
            Some(at) => self.known[at] = looked,
            None => {
                let before = |other: &Looked| self.hardness(other.value) < self.hardness(looked.value);
                let at = self.known.partition_point(before);
                self.known.insert(at, looked);
            }
        }
    }

    /// The place of the hardest value that surely meets the targets before the easiest that surely misses them, and of that one.
    fn ends(&self) -> [Option<usize>; 2] {
        let bad = self.known.iter().position(|one| one.is_sure() && !one.verdict.met);
        let good =
            self.known[..bad.unwrap_or(self.known.len())].iter().rposition(|one| one.is_sure() && one.verdict.met);
        [good, bad]
    }

    fn step(&self, runs: &impl Runs) -> Step {
        match self.ends() {
            _ if self.known.is_empty() => Step::Look(self.axis.start, self.limits.replications),
            [Some(good), Some(bad)] => self.closer(good, bad, runs),
            [_, None] => self.beyond(&self.known[self.known.len() - 1], true),
            [None, Some(_)] => self.beyond(&self.known[0], false),
        }
    }

    /// More runs at the hardest or the easiest value while they may make it sure; else a step beyond it. At the end of the axis the
    /// search ends when it is sure.
    fn beyond(&self, last: &Looked, harder: bool) -> Step {
        if !last.is_sure() && last.verdict.met != harder && last.runs < self.patience() {
            return twice(last);
        }
        let up = harder != self.limits.least;
        let next = self.axis.rounded(if up { last.value * STEP } else { last.value / STEP });
        match (next != last.value, last.is_sure()) {
            (true, _) => Step::Look(next, self.limits.replications),
            (false, true) => Step::End(if harder { Finding::Always } else { Finding::Never }),
            (false, false) => twice(last),
        }
    }

    /// A step that brings the ends closer.
    fn closer(&self, good: usize, bad: usize, runs: &impl Runs) -> Step {
        let value = |at: usize| self.known[at].value;
        if self.between(value(good), value(bad), NARROW).is_none() {
            return Step::End(Finding::Found);
        }
        // The first value that seems to miss, and the one before it.
        let misses = (good + 1..bad).find(|at| !self.known[*at].verdict.met).unwrap_or(bad);
        let pair = [&self.known[misses - 1], &self.known[misses]];
        let rough = if pair.iter().all(|one| one.is_sure()) || self.axis.is_whole() { NARROW } else { ROUGH };
        if let Some(middle) = self.between(pair[0].value, pair[1].value, rough) {
            return Step::Look(middle, self.limits.replications);
        }
        if self.axis.is_whole() {
            let unsure = pair.iter().filter(|one| !one.is_sure()).min_by_key(|one| one.runs);
            return twice(unsure.expect("two sure ones in a row are an answer"));
        }
        match self.crossing(good, bad, runs) {
            Some(crossing) if crossing.is_steady && crossing.ends[1] - crossing.ends[0] <= NARROW.ln() => {
                Step::End(Finding::Found)
            }
            found => {
                let middle = f64::midpoint(self.place(pair[0].value), self.place(pair[1].value));
                found.map_or_else(|| self.aside(middle, STEPS[1]), |crossing| self.aside(crossing.at, step(&crossing)))
            }
        }
    }

    /// More runs on the side of a place that has fewer, a step away.
    fn aside(&self, place: f64, step: f64) -> Step {
        let near: Vec<&Looked> =
            self.known.iter().filter(|one| (self.place(one.value) - place).abs() <= NEAR * step).collect();
        let of = |side: f64| near.iter().filter(move |one| (self.place(one.value) - place) * side > 0.0);
        let runs = |side: f64| of(side).map(|one| one.runs).sum::<u32>();
        let side = if runs(-1.0) <= runs(1.0) { -1.0 } else { 1.0 };
        // One that is there already, if it is about as far away.
        let is_aside = |one: &&&Looked| {
            let away = (self.place(one.value) - place).abs() / step;
            (0.5..1.5).contains(&away)
        };
        let more = (near.iter().map(|one| one.runs).sum::<u32>() / MORE).max(self.limits.replications);
        match of(side).filter(is_aside).max_by_key(|one| one.runs) {
            Some(one) => Step::Look(one.value, one.runs.saturating_add(more)),
            None => Step::Look(self.value(place + side * step), more),
        }
    }

    /// The place of a value: its logarithm, the harder ones last.
    fn place(&self, value: f64) -> f64 {
        self.hardness(1.0) * value.ln()
    }

    /// The value at a place, as it is looked at.
    fn value(&self, place: f64) -> f64 {
        self.axis.rounded((self.hardness(1.0) * place).exp())
    }

    /// The place between two values that are sure where the targets stop being met, by the values near it; none if they do not tell.
    fn crossing(&self, good: usize, bad: usize, runs: &impl Runs) -> Option<Crossing> {
        let misses = (good + 1..bad).find(|at| !self.known[*at].verdict.met).unwrap_or(bad);
        let middle = f64::midpoint(self.place(self.known[misses - 1].value), self.place(self.known[misses].value));
        let near = |place: f64, step: f64| {
            let all = self.known.iter().map(|one| (self.place(one.value), one.value));
            let near: Vec<(f64, f64)> = all.filter(|(other, _)| (other - place).abs() <= NEAR * step).collect();
            runs.crossing(&near)
        };
        let [first, last] = [good, bad].map(|at| self.place(self.known[at].value));
        let rough = near(middle, STEPS[1])?;
        let found = near(rough.at.clamp(first, last), step(&rough));
        let found = found.unwrap_or(Crossing { is_steady: false, ..rough });
        let within = |place: f64| place.clamp(first, last);
        let half = LEAST.ln() / 2.0;
        let ends = [found.ends[0].min(found.at - half), found.ends[1].max(found.at + half)];
        Some(Crossing { at: within(found.at), ends: ends.map(within), ..found })
    }

    /// Runs after which a value at an end of the axis is left alone.
    fn patience(&self) -> u32 {
        u32::try_from(self.limits.runs / PATIENCE).unwrap_or(u32::MAX)
    }

    /// A value between two; none if they are as near as this ratio, or whole numbers in a row.
    fn between(&self, a: f64, b: f64, near: f64) -> Option<f64> {
        let (low, high) = (a.min(b), a.max(b));
        if high / low <= near || (self.axis.is_whole() && high - low <= 1.0) {
            return None;
        }
        let middle = self.axis.rounded((low * high).sqrt());
        let middle = if middle <= low || middle >= high { self.axis.rounded(f64::midpoint(low, high)) } else { middle };
        Some(middle).filter(|middle| *middle > low && *middle < high)
    }

    fn answer(&self, finding: Finding, spent: u64, runs: &impl Runs) -> Answer {
        let ends = self.ends();
        let [meets, misses] = ends.map(|end| end.map(|at| &self.known[at]));
        let answer = Answer {
            finding,
            meets: meets.map(|one| one.value),
            misses: misses.map(|one| one.value),
            limited_by: misses.map_or_else(String::new, |one| one.verdict.limited_by.clone()),
            points: self.known.len() as u64,
            runs: spent,
        };
        let [Some(good), Some(bad)] = ends else { return answer };
        let is_known =
            self.axis.is_whole() || self.between(self.known[good].value, self.known[bad].value, NARROW).is_none();
        match self.crossing(good, bad, runs).filter(|_| !is_known) {
            None => answer,
            Some(Crossing { ends, target, .. }) => {
                let [meets, misses] = ends.map(|end| Some(self.value(end)));
                Answer { meets, misses, limited_by: target, ..answer }
            }
        }
    }
}

/// The step from a crossing to the values on both sides at which runs are added.
fn step(crossing: &Crossing) -> f64 {
    (GROWTH / crossing.slope).clamp(STEPS[0], STEPS[1])
}

/// Twice the replications at a value.
fn twice(looked: &Looked) -> Step {
    Step::Look(looked.value, looked.runs.saturating_mul(2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Streams;
    use std::convert::Infallible;

    const LIMITS: Limits = Limits { least: false, replications: 3, runs: 400 };

    /// A verdict that is sure.
    fn known(value: f64, met: bool) -> Verdict {
        let limited_by = if met { String::new() } else { "limit".to_owned() };
        Verdict { met, sure: true, margin: if met { 1.0 } else { -1.0 } / value, spread: 0.0, limited_by }
    }

    /// Verdicts that a function gives, without a line through them.
    struct Told<F>(F);

    impl<F: FnMut(f64, u32) -> Verdict> Runs for Told<F> {
        type Error = Infallible;

        fn look(&mut self, value: f64, runs: u32) -> Result<Verdict, Infallible> {
            Ok((self.0)(value, runs))
        }

        fn crossing(&self, _: &[(f64, f64)]) -> Option<Crossing> {
            None
        }
    }

    fn searched(axis: &Axis, limits: Limits, look: impl FnMut(f64, u32) -> Verdict) -> Answer {
        search(axis, limits, &mut Told(look)).unwrap_or_else(|never| match never {})
    }

    #[test]
    fn the_largest_value_is_found_within_two_per_cent_from_anywhere() {
        for start in [0.01, 1.0, 17.3, 900.0] {
            let axis = Axis::of_rate(start, [0.001, 1000.0]);
            let answer = searched(&axis, LIMITS, |value, _| known(value, value <= 17.3));
            let (meets, misses) = (answer.meets.expect("a value"), answer.misses.expect("a value"));
            assert!(meets <= 17.3 && 17.3 < misses && misses / meets <= NARROW, "{answer:?}");
            assert_eq!((answer.finding, answer.limited_by.as_str()), (Finding::Found, "limit"));
            assert!(answer.runs == 3 * answer.points && answer.points < 30, "{answer:?}");
        }
    }

    #[test]
    fn the_least_whole_number_is_found_exactly() {
        for (start, least) in [(1.0, 1.0), (1.0, 13.0), (64.0, 13.0), (5.0, 5.0), (2.0, 3.0)] {
            let axis = Axis::of_count(start, [1.0, 100.0]);
            let answer = searched(&axis, Limits { least: true, ..LIMITS }, |value, _| known(value, value >= least));
            let misses = (least > 1.0).then_some(least - 1.0);
            assert_eq!((answer.meets, answer.misses), (Some(least), misses), "{start}");
            assert_eq!(answer.finding, if least > 1.0 { Finding::Found } else { Finding::Always });
        }
    }

    #[test]
    fn what_is_met_or_missed_everywhere_is_told() {
        let axis = Axis::of_rate(1.0, [0.1, 50.0]);
        let never = searched(&axis, LIMITS, |value, _| known(value, false));
        assert_eq!((never.finding, never.meets, never.misses), (Finding::Never, None, Some(0.1)));
        let always = searched(&axis, LIMITS, |value, _| known(value, true));
        assert_eq!((always.finding, always.meets, always.misses), (Finding::Always, Some(50.0), None));
    }

    /// A figure with noise of 40 %: its mean grows with the value, and is at the limit at 10.
    #[derive(Default)]
    struct Noisy {
        seed: u64,
        /// Values that were looked at, and their runs.
        seen: Vec<(f64, Vec<f64>)>,
    }

    impl Runs for Noisy {
        type Error = Infallible;

        fn look(&mut self, value: f64, runs: u32) -> Result<Verdict, Infallible> {
            let draws = Streams::new(self.seed).keyed("noise", value.to_bits());
            let values: Vec<f64> = (0..runs).map(|run| value * (1.0 + 0.4 * (draws.unit(run.into()) - 0.5))).collect();
            let estimate = reports::Estimate::of(&values);
            let mean = estimate.mean;
            let met = mean <= 10.0;
            let sure = estimate.interval().iter().all(|end| (*end <= 10.0) == met) && estimate.ci95.is_some();
            let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
            let spread = (squares / f64::from(runs - 1)).sqrt() / mean;
            self.seen.retain(|(known, _)| *known != value);
            self.seen.push((value, values));
            Ok(Verdict { met, sure, margin: (10.0 / mean).ln(), spread, limited_by: String::new() })
        }

        fn crossing(&self, values: &[(f64, f64)]) -> Option<Crossing> {
            let of = |place: f64, value: f64| {
                let seen = self.seen.iter().filter(move |(known, _)| *known == value);
                seen.flat_map(|(_, figures)| figures).map(move |figure| (place, figure / 10.0 - 1.0))
            };
            let runs: Vec<(f64, f64)> = values.iter().flat_map(|(place, value)| of(*place, *value)).collect();
            Crossing::of("limit", &runs)
        }
    }

    fn noisy(seed: u64, runs: u64) -> Answer {
        let axis = Axis::of_rate(3.0, [0.1, 50.0]);
        let answer = search(&axis, Limits { runs, ..LIMITS }, &mut Noisy { seed, ..Noisy::default() });
        answer.unwrap_or_else(|never| match never {})
    }

    #[test]
    fn runs_are_added_until_the_answer_is_known() {
        let answers: Vec<Answer> = (0..100).map(|seed| noisy(seed, 100_000)).collect();
        let holds = |answer: &&Answer| {
            answer.meets.is_some_and(|one| one <= 10.0) && answer.misses.is_some_and(|one| one >= 10.0)
        };
        let held = answers.iter().filter(holds).count();
        // The interval is looked at again and again.
        assert!(held >= 85, "{held} of 100");
        for answer in &answers {
            let (meets, misses) = (answer.meets.expect("a value"), answer.misses.expect("a value"));
            assert!(answer.finding == Finding::Found && misses / meets <= 1.0203, "{answer:?}");
        }
        // A standard error of half a per cent is that of 530 runs.
        let mut runs: Vec<u64> = answers.iter().map(|answer| answer.runs).collect();
        runs.sort_unstable();
        assert!((400..900).contains(&runs[50]) && runs[90] < 1500, "{runs:?}");
    }

    #[test]
    fn runs_that_do_not_suffice_leave_a_wider_bracket() {
        for runs in [60, 200] {
            let answer = noisy(1, runs);
            let (meets, misses) = (answer.meets.expect("a value"), answer.misses.expect("a value"));
            assert!(meets <= 10.0 && 10.0 <= misses && answer.runs <= runs, "{answer:?}");
            assert_eq!(answer.finding, Finding::Bracket);
        }
    }
}
