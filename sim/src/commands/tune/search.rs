//! The search: the simplex method of Nelder and Mead (1965), by argmin, from several places of the box, rounded to its points;
//! then, from the best that was found, one step along each axis for as long as that helps.

use argmin::core::{CostFunction, Error, Executor};
use argmin::solver::neldermead::NelderMead;
use kernel::Streams;
use rayon::prelude::*;
use std::cell::RefCell;
use std::collections::BTreeSet;

/// Limits of the search.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Points that may be looked at.
    pub points: u64,
    /// Places that it starts from.
    pub starts: u32,
    /// Seed of those places.
    pub seed: u64,
}

/// Share of the points that the searches may use; the rest is for the neighbours of the best.
const FOR_SEARCHES: f64 = 0.75;

/// Cost of points that a search may no longer look at: above all others, and its square is still a number.
const OUT_OF_REACH: f64 = 1e150;

/// Distance of the corners of the first simplex from its start, in parts of the box.
const FIRST_STEP: f64 = 0.5;

/// The best point found of a box with so many points along each axis, and its cost. The same for every number of threads:
/// searches know nothing of each other.
pub fn search(lengths: &[u64], limits: Limits, cost: impl Fn(&[u64]) -> f64 + Sync) -> (Vec<u64>, f64) {
    let each = (limits.points as f64 * FOR_SEARCHES / f64::from(limits.starts)).ceil() as usize;
    let looks: Vec<Looks> =
        (0..limits.starts).into_par_iter().map(|start| simplex(lengths, limits, start, each, &cost)).collect();
    let mut seen: BTreeSet<Vec<u64>> = looks.iter().flat_map(|looks| looks.seen.iter().cloned()).collect();
    let best = looks.into_iter().map(|looks| looks.best).min_by(better).expect("there is a start");
    along_the_axes(lengths, limits.points, best, &mut seen, &cost)
}

/// The cheaper first; of equals the first in the box, so that the order of searches does not matter.
fn better(a: &(Vec<u64>, f64), b: &(Vec<u64>, f64)) -> std::cmp::Ordering {
    a.1.total_cmp(&b.1).then_with(|| a.0.cmp(&b.0))
}

/// The points that one search has evaluated.
struct Looks {
    seen: BTreeSet<Vec<u64>>,
    best: (Vec<u64>, f64),
}

/// A cost over the unit box, of so many points at most.
struct Rounded<'c, C> {
    lengths: &'c [u64],
    most: usize,
    cost: &'c C,
    looks: RefCell<Looks>,
}

impl<C: Fn(&[u64]) -> f64> CostFunction for &Rounded<'_, C> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, at: &Vec<f64>) -> Result<f64, Error> {
        let at = rounded(at, self.lengths);
        let mut looks = self.looks.borrow_mut();
        if !looks.seen.contains(&at) && looks.seen.len() >= self.most {
            // Not an error: argmin panics if the corners of its first simplex have none.
            return Ok(OUT_OF_REACH);
        }
        let cost = (self.cost)(&at);
        looks.seen.insert(at.clone());
        let found = (at, cost);
        if better(&found, &looks.best).is_lt() {
            looks.best = found;
        }
        Ok(cost)
    }
}

/// The nearest point of the box to a place in the unit box or beyond.
fn rounded(at: &[f64], lengths: &[u64]) -> Vec<u64> {
    at.iter()
        .zip(lengths)
        .map(|(share, length)| (share.clamp(0.0, 1.0) * (*length - 1) as f64).round() as u64)
        .collect()
}

fn simplex(lengths: &[u64], limits: Limits, start: u32, most: usize, cost: &(impl Fn(&[u64]) -> f64 + Sync)) -> Looks {
    let draws = Streams::new(limits.seed).keyed("tune", u64::from(start));
    // The first search starts in the middle, the others anywhere.
    let place: Vec<f64> =
        (0..lengths.len()).map(|axis| if start == 0 { 0.5 } else { draws.unit(axis as u64) }).collect();
    let corner = |axis: usize| {
        let mut corner = place.clone();
        corner[axis] += if corner[axis] < 0.5 { FIRST_STEP } else { -FIRST_STEP };
        corner
    };
    let corners: Vec<Vec<f64>> = std::iter::once(place.clone()).chain((0..lengths.len()).map(corner)).collect();
    let looks = Looks { seen: BTreeSet::new(), best: (rounded(&place, lengths), f64::INFINITY) };
    let problem = Rounded { lengths, most, cost, looks: RefCell::new(looks) };
    // A simplex that has shrunk into one point of the box stops by itself; one that goes round in circles looks at no new
    // point, and is stopped.
    let steps = 20 * most as u64;
    let searched = Executor::new(&problem, NelderMead::new(corners))
        .configure(|state| state.max_iters(steps))
        .timer(false)
        .ctrlc(false)
        .run();
    searched.expect("argmin fails only where the cost does, and this one does not");
    problem.looks.into_inner()
}

/// Steps to the best neighbour for as long as there is a better one and points are left.
fn along_the_axes(
    lengths: &[u64],
    points: u64,
    mut best: (Vec<u64>, f64),
    seen: &mut BTreeSet<Vec<u64>>,
    cost: &(impl Fn(&[u64]) -> f64 + Sync),
) -> (Vec<u64>, f64) {
    loop {
        let mut neighbours = neighbours(&best.0, lengths);
        let left = (points as usize).saturating_sub(seen.len());
        let mut new = 0;
        neighbours.retain(|at| {
            seen.contains(at) || {
                new += 1;
                new <= left
            }
        });
        seen.extend(neighbours.iter().cloned());
        let found = neighbours.into_par_iter().map(|at| (cost(&at), at)).map(|(cost, at)| (at, cost)).min_by(better);
        match found {
            Some(found) if found.1 < best.1 => best = found,
            _ => return best,
        }
    }
}

/// The points one step along one axis away.
fn neighbours(at: &[u64], lengths: &[u64]) -> Vec<Vec<u64>> {
    let step = |axis: usize, to: Option<u64>| {
        let to = to.filter(|to| *to < lengths[axis])?;
        let mut neighbour = at.to_vec();
        neighbour[axis] = to;
        Some(neighbour)
    };
    (0..at.len())
        .flat_map(|axis| [step(axis, at[axis].checked_sub(1)), step(axis, Some(at[axis] + 1))])
        .flatten()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    const LIMITS: Limits = Limits { points: 60, starts: 4, seed: 1 };

    /// A bowl with its least point at (3, 11, 0), stretched along its axes.
    fn bowl(at: &[u64]) -> f64 {
        let [x, y, z] = [at[0] as f64, at[1] as f64, at[2] as f64];
        (x - 3.0).powi(2) + 0.2 * (y - 11.0).powi(2) + 4.0 * z
    }

    #[test]
    fn a_bowl_is_found_in_few_of_its_points() {
        let lengths = [9, 17, 5];
        let (at, cost) = search(&lengths, LIMITS, bowl);
        assert_eq!((at, cost), (vec![3, 11, 0], 0.0));
    }

    #[test]
    fn no_more_points_are_looked_at_than_allowed() {
        for points in [5, 20, 60] {
            let seen = std::sync::Mutex::new(BTreeSet::new());
            search(&[30, 30], Limits { points, ..LIMITS }, |at| {
                seen.lock().expect("no panic").insert(at.to_vec());
                bowl(&[at[0], at[1], 0])
            });
            let seen = seen.into_inner().expect("no panic").len() as u64;
            // Each start looks at one point at least.
            assert!(seen <= points.max(u64::from(LIMITS.starts) * 2), "{seen} of {points}");
        }
    }

    #[test]
    fn axes_of_one_value_and_flat_ground_end() {
        assert_eq!(search(&[1, 1], LIMITS, |_| 7.0), (vec![0, 0], 7.0));
        let looks = AtomicUsize::new(0);
        let flat = |_: &[u64]| {
            looks.fetch_add(1, Ordering::Relaxed);
            1.0
        };
        assert_eq!(search(&[50, 50], LIMITS, flat).1, 1.0);
        assert!(looks.load(Ordering::Relaxed) < 5_000);
    }

    #[test]
    fn threads_do_not_matter() {
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            pool.install(|| search(&[40, 40, 3], LIMITS, |at| (bowl(at) * 7.3).sin() + 0.01 * bowl(at)))
        };
        assert_eq!(with(1), with(3));
    }
}
