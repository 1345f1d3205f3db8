//! The search: from the start by factors of two until one value surely meets the targets and one surely misses them, then between
//! these two by bisection.
//!
//! A value near the answer is not to be told from it but by very many runs. So a value that is still not sure after a part of the
//! runs is left alone, and its neighbours on both sides are asked: the two sure ends close in on it from there.
//!
//! It knows nothing but verdicts.

use super::axis::Axis;
use super::verdict::Verdict;
use tables::Finding;

/// The ratio of the ends of a bracket that is narrow enough.
const NARROW: f64 = 1.02;

/// The step of the search while one end is not known.
const STEP: f64 = 2.0;

/// The ratio of neighbours between which no other is asked.
const CLOSE: f64 = 1.004;

/// The part of the runs after which a value that is not sure is left alone.
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

/// A value that was looked at.
#[derive(Clone, Debug)]
struct Looked {
    value: f64,
    runs: u32,
    verdict: Verdict,
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

/// Searches an axis; `look` judges a value after so many replications in all.
///
/// # Errors
/// The first of `look`.
pub fn search<E>(
    axis: &Axis,
    limits: Limits,
    mut look: impl FnMut(f64, u32) -> Result<Verdict, E>,
) -> Result<Answer, E> {
    let (mut search, mut runs) = (Search { axis, limits, known: Vec::new() }, 0);
    loop {
        let (value, wanted) = match search.step() {
            Step::Look(value, wanted) => (value, wanted),
            Step::End(finding) => return Ok(search.answer(finding, runs)),
        };
        let have = search.find(value).map_or(0, |at| search.known[at].runs);
        let left = u32::try_from(limits.runs - runs).unwrap_or(u32::MAX);
        let wanted = wanted.min(have.saturating_add(left));
        // A value of fewer runs than the others would be judged by them.
        if wanted <= have || (have == 0 && wanted < limits.replications) {
            return Ok(search.answer(Finding::Bracket, runs));
        }
        let verdict = look(value, wanted)?;
        runs += u64::from(wanted - have);
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
        let bad = self.known.iter().position(|one| one.verdict.sure && !one.verdict.met);
        let good =
            self.known[..bad.unwrap_or(self.known.len())].iter().rposition(|one| one.verdict.sure && one.verdict.met);
        [good, bad]
    }

    fn step(&self) -> Step {
        match self.ends() {
            _ if self.known.is_empty() => Step::Look(self.axis.start, self.limits.replications),
            [Some(good), Some(bad)] => self.closer(good, bad),
            [_, None] => self.beyond(&self.known[self.known.len() - 1], true),
            [None, Some(_)] => self.beyond(&self.known[0], false),
        }
    }

    /// More runs at the hardest or the easiest value while they may make it sure; else a step beyond it. At the end of the axis the
    /// search ends when it is sure.
    fn beyond(&self, last: &Looked, harder: bool) -> Step {
        if !last.verdict.sure && last.verdict.met != harder && last.runs < self.patience() {
            return twice(last);
        }
        let up = harder != self.limits.least;
        let next = self.axis.rounded(if up { last.value * STEP } else { last.value / STEP });
        match (next != last.value, last.verdict.sure) {
            (true, _) => Step::Look(next, self.limits.replications),
            (false, true) => Step::End(if harder { Finding::Always } else { Finding::Never }),
            (false, false) => twice(last),
        }
    }

    /// A step that brings the sure ends closer.
    fn closer(&self, good: usize, bad: usize) -> Step {
        let value = |at: usize| self.known[at].value;
        if self.between(value(good), value(bad), NARROW).is_none() {
            return Step::End(Finding::Found);
        }
        let Some(least_known) = self.known[good + 1..bad].iter().min_by_key(|one| one.runs) else {
            return self.look_between(good, bad).unwrap_or(Step::End(Finding::Found));
        };
        if least_known.runs < self.patience() {
            return twice(least_known);
        }
        let gap = |at: usize| (value(at) / value(at + 1)).max(value(at + 1) / value(at));
        let (first, last) = (good, bad - 1);
        let order = if gap(first) >= gap(last) { [first, last] } else { [last, first] };
        let asked = order.into_iter().find_map(|at| self.look_between(at, at + 1));
        asked.unwrap_or_else(|| twice(least_known))
    }

    fn look_between(&self, a: usize, b: usize) -> Option<Step> {
        let middle = self.between(self.known[a].value, self.known[b].value, CLOSE)?;
        Some(Step::Look(middle, self.limits.replications))
    }

    /// Runs after which a value is left alone.
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

    fn answer(&self, finding: Finding, runs: u64) -> Answer {
        let [meets, misses] = self.ends().map(|end| end.map(|at| &self.known[at]));
        Answer {
            finding,
            meets: meets.map(|one| one.value),
            misses: misses.map(|one| one.value),
            limited_by: misses.map_or_else(String::new, |one| one.verdict.limited_by.clone()),
            points: self.known.len() as u64,
            runs,
        }
    }
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
    fn known(met: bool) -> Verdict {
        Verdict { met, sure: true, limited_by: if met { String::new() } else { "limit".to_owned() } }
    }

    fn searched(axis: &Axis, limits: Limits, mut look: impl FnMut(f64, u32) -> Verdict) -> Answer {
        search(axis, limits, |value, runs| Ok::<_, Infallible>(look(value, runs)))
            .unwrap_or_else(|never| match never {})
    }

    #[test]
    fn the_largest_value_is_found_within_two_per_cent_from_anywhere() {
        for start in [0.01, 1.0, 17.3, 900.0] {
            let axis = Axis::of_rate(start, [0.001, 1000.0]);
            let answer = searched(&axis, LIMITS, |value, _| known(value <= 17.3));
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
            let answer = searched(&axis, Limits { least: true, ..LIMITS }, |value, _| known(value >= least));
            let misses = (least > 1.0).then_some(least - 1.0);
            assert_eq!((answer.meets, answer.misses), (Some(least), misses), "{start}");
            assert_eq!(answer.finding, if least > 1.0 { Finding::Found } else { Finding::Always });
        }
    }

    #[test]
    fn what_is_met_or_missed_everywhere_is_told() {
        let axis = Axis::of_rate(1.0, [0.1, 50.0]);
        let never = searched(&axis, LIMITS, |_, _| known(false));
        assert_eq!((never.finding, never.meets, never.misses), (Finding::Never, None, Some(0.1)));
        let always = searched(&axis, LIMITS, |_, _| known(true));
        assert_eq!((always.finding, always.meets, always.misses), (Finding::Always, Some(50.0), None));
    }

    /// Intervals that are looked at again and again are wrong now and then, next to the answer.
    const NEAR: f64 = 9.95;
    const FAR: f64 = 10.05;

    /// A figure with noise: its mean grows with the value, and is at the limit at 10.
    fn noisy(value: f64, runs: u32, noise: f64) -> Verdict {
        let draws = Streams::new(3).keyed("noise", value.to_bits());
        let values: Vec<f64> = (0..runs).map(|run| value + noise * (draws.unit(run.into()) - 0.5)).collect();
        let estimate = reports::Estimate::of(&values);
        let met = estimate.mean <= 10.0;
        let sure = estimate.interval().iter().all(|end| (*end <= 10.0) == met) && estimate.ci95.is_some();
        Verdict { met, sure, limited_by: String::new() }
    }

    #[test]
    fn replications_are_added_until_both_ends_are_sure() {
        let axis = Axis::of_rate(3.0, [0.1, 50.0]);
        let answer = searched(&axis, Limits { runs: 100_000, ..LIMITS }, |value, runs| noisy(value, runs, 4.0));
        let (meets, misses) = (answer.meets.expect("a value"), answer.misses.expect("a value"));
        assert_eq!(answer.finding, Finding::Found, "{answer:?}");
        assert!(meets <= FAR && NEAR <= misses && misses / meets <= NARROW, "{answer:?}");
        assert!(answer.runs > 100, "noise of 40 % needs many: {answer:?}");
    }

    #[test]
    fn runs_that_do_not_suffice_leave_a_wider_bracket() {
        let axis = Axis::of_rate(3.0, [0.1, 50.0]);
        let mut widths = Vec::new();
        for runs in [60, 200, 1000] {
            let answer = searched(&axis, Limits { runs, ..LIMITS }, |value, runs| noisy(value, runs, 4.0));
            let (meets, misses) = (answer.meets.expect("a value"), answer.misses.expect("a value"));
            assert!(meets <= FAR && NEAR <= misses && answer.runs <= runs, "{answer:?}");
            assert_eq!(answer.finding == Finding::Found, misses / meets <= NARROW, "{answer:?}");
            widths.push(misses / meets);
        }
        assert!(widths.is_sorted_by(|few, many| few > many) && widths[0] > NARROW, "{widths:?}");
    }
}
