//! The place where a target stops being met: a straight line through the runs around it, and the interval of its crossing.
//!
//! Runs at one value alone tell it from the answer if they are very many. Runs on both sides tell together where a line through them
//! crosses the bound, and how surely: Fieller's interval, from Student's t. Replications differ from value to value, so that
//! runs are independent.

use reports::students_t;

/// The crossing of one target, over a place that grows with the hardness of a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Crossing {
    /// Its best estimate.
    pub at: f64,
    /// The growth of the excess for a step of 1.
    pub slope: f64,
    /// The ends of its 95 % interval.
    pub ends: [f64; 2],
    /// True if the line is of enough runs and its slope well known. An interval from a slope that looks steep by luck is too narrow.
    pub is_steady: bool,
    /// The target.
    pub target: String,
}

/// Runs of a line that is believed.
const ENOUGH: f64 = 100.0;

/// Standard errors from 0 of a slope that is well known.
const STEADY: f64 = 4.0;

impl Crossing {
    /// The crossing of a line through runs, each with its place and its excess over the bound; none if the line does not surely rise.
    pub fn of(target: &str, runs: &[(f64, f64)]) -> Option<Self> {
        let many = runs.len() as f64;
        if runs.len() < 4 || !runs.iter().all(|(_, excess)| excess.is_finite()) {
            return None;
        }
        let mean = |of: &dyn Fn(&(f64, f64)) -> f64| runs.iter().map(of).sum::<f64>() / many;
        let (place, excess) = (mean(&|run| run.0), mean(&|run| run.1));
        let square = mean(&|run| (run.0 - place).powi(2)) * many;
        let slope = mean(&|run| (run.0 - place) * (run.1 - excess)) * many / square;
        let rest = mean(&|run| (run.1 - excess - slope * (run.0 - place)).powi(2)) * many / (many - 2.0);
        let spread = students_t(many - 2.0).powi(2) * rest;
        // The line is as far from the bound as its own interval reaches at these distances from the mean place.
        let steep = slope * slope - spread / square;
        if !(slope > 0.0 && steep > 0.0) {
            return None;
        }
        let root = (spread / many * steep + spread / square * excess * excess).sqrt();
        let ends = [-1.0, 1.0].map(|side| place + (side * root - slope * excess) / steep);
        let is_steady = many >= ENOUGH && slope * slope >= STEADY * STEADY * rest / square;
        Some(Self { at: place - excess / slope, slope, ends, is_steady, target: target.to_owned() })
    }

    /// The crossing of all targets, of which one that is missed is missed by all.
    pub fn first(all: Vec<Self>) -> Option<Self> {
        let low = all.iter().map(|one| one.ends[0]).fold(f64::INFINITY, f64::min);
        let is_steady = all.iter().filter(|one| one.ends[0] <= low).all(|one| one.is_steady);
        let first = all.into_iter().min_by(|a, b| a.ends[1].total_cmp(&b.ends[1]))?;
        Some(Self { ends: [low.min(first.ends[0]), first.ends[1]], is_steady: first.is_steady && is_steady, ..first })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Streams;

    /// Runs at places 0 and 2, whose excess grows by `slope` and is 0 at 1, with noise.
    fn runs(many: u64, slope: f64, seed: u64) -> Vec<(f64, f64)> {
        let draws = Streams::new(seed).keyed("noise", 0);
        let noise = |run| (0..12).map(|k| draws.unit(12 * run + k)).sum::<f64>() - 6.0;
        (0..many).map(|run| (2.0 * (run % 2) as f64, slope * (2.0 * (run % 2) as f64 - 1.0) + noise(run))).collect()
    }

    #[test]
    fn a_line_without_noise_crosses_at_one_place() {
        let exact = [(0.0, -1.0), (0.0, -1.0), (2.0, 3.0), (2.0, 3.0)];
        let Crossing { at, ends, .. } = Crossing::of("limit", &exact).expect("a line that rises");
        assert!([at, ends[0], ends[1]].iter().all(|place| (place - 0.5).abs() < 1e-9), "{at} {ends:?}");
        assert!(Crossing::of("limit", &exact.map(|(place, excess)| (place, -excess))).is_none());
        assert!(Crossing::of("limit", &runs(8, 0.0, 1)).is_none());
    }

    #[test]
    fn the_interval_holds_the_crossing_nineteen_times_of_twenty() {
        let held = (0..1000).filter(|seed| {
            let found = Crossing::of("limit", &runs(40, 2.0, *seed)).expect("a steep line");
            (found.ends[0]..=found.ends[1]).contains(&1.0)
        });
        let held = held.count();
        assert!((930..=968).contains(&held), "{held} of 1000");
    }

    #[test]
    fn the_target_that_is_missed_first_decides() {
        let one = |target: &str, at, low, high| Crossing {
            at,
            slope: 1.0,
            ends: [low, high],
            is_steady: true,
            target: target.to_owned(),
        };
        let first = Crossing::first(vec![one("late", 3.0, 1.0, 5.0), one("early", 2.0, 1.5, 2.5)]).expect("two");
        assert_eq!(first, one("early", 2.0, 1.0, 2.5));
        assert_eq!(Crossing::first(Vec::new()), None);
    }
}
