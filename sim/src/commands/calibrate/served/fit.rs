//! The fit: constants with which a simulation of whole traces comes nearest to the requests of their fitted halves.
//!
//! All constants are sought at once. Then one after the other goes back to its default, the last of the list first, as long as
//! the others make up for it: requests cannot tell such a constant from those.

use super::super::simplex::{Effort, minimise};
use super::constants::{CONSTANTS, Values};
use super::trace::{Half, Pair, Trace};
use crate::terminal::Failure;
use rayon::prelude::*;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Error from which on the loss grows linearly, as a logarithm: a few odd requests pull nothing.
const DELTA: f64 = 0.1;

/// Twice the logarithm of the likelihood that a constant has to be worth (Akaike), and that the ends of a range lose (95 %).
/// Errors of neighbours are not independent, so both are on the small side.
const WORTH: f64 = 2.0;

/// Loss of an error that any simulation has, 1 %: below it two fits are about as good.
const LITTLE: f64 = 0.5 * 0.01 * 0.01;

const RANGE: f64 = 3.84;

/// Weight of the distance from the defaults. A direction in which the requests say nothing is not gone.
const NEAR: f64 = 1e-6;

/// Speeds of the device over which the loss is averaged. Requests change places in a queue at a hair's breadth, which makes the
/// loss of one speed jagged.
const SPEEDS: [f64; 3] = [0.97, 1.0, 1.03];

/// Starts of the search for all constants: multiples of the defaults, of shares and of times.
const STARTS: [[f64; 2]; 3] = [[1.0, 1.0], [0.5, 1.0], [0.7, 3.0]];

/// Effort of the search from a start, and of one without a constant.
const WHOLE: Effort = Effort { step: 1.0, rounds: 4, moves: 80, tolerance: 1e-6 };
const WITHOUT: Effort = Effort { step: 0.5, rounds: 3, moves: 40, tolerance: 1e-6 };

/// Distances from the best place at which the end of a range is sought, the furthest first.
const DISTANCES: [f64; 14] = [4.0, 3.0, 2.0, 1.5, 1.0, 0.7, 0.5, 0.35, 0.25, 0.18, 0.12, 0.08, 0.05, 0.03];

/// The search for constants.
pub struct Fit<'t> {
    traces: &'t [Trace],
    defaults: Values,
    /// Latencies that are fitted to.
    latencies: f64,
    /// A tenth of the time of a token, the unit of times.
    scale_ms: f64,
    done: &'t AtomicU64,
    failure: Mutex<Option<Failure>>,
}

/// The end of a constant in a fit: found, or kept at its default.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fate {
    /// It was fitted; from the first to the last value the fit is about as good, all others as they are.
    Fitted([f64; 2]),
    /// It stays at its default. Without it the loss is that much greater, in per cent.
    Kept(f64),
}

/// The constants that were found.
#[derive(Clone, Debug)]
pub struct Found {
    /// Their values.
    pub values: Values,
    /// The end of each constant.
    pub fates: [Fate; CONSTANTS.len()],
}

/// A place of the search: its values and the loss there.
#[derive(Clone, Copy, Debug)]
struct At {
    values: Values,
    loss: f64,
}

/// Simulations of each trace at most, for a bar.
pub fn most_simulations() -> u64 {
    let count = CONSTANTS.len() as u64;
    let effort = |effort: Effort| 2 * u64::from(effort.rounds) * effort.moves * SPEEDS.len() as u64;
    STARTS.len() as u64 * effort(WHOLE) + (1..=count).map(|free| free * effort(WITHOUT)).sum::<u64>()
}

impl<'t> Fit<'t> {
    /// A search from the constants that the scenario has; `done` counts simulations.
    pub fn new(traces: &'t [Trace], token_ms: f64, done: &'t AtomicU64) -> Self {
        let defaults = traces[0].defaults();
        let of_trace = |trace: &Trace| trace.pairs(trace.measured(), Half::Fitted).flat_map(errors).count();
        let latencies = traces.iter().map(of_trace).sum::<usize>() as f64;
        Self { traces, defaults, latencies, scale_ms: 0.1 * token_ms, done, failure: Mutex::default() }
    }

    /// Searches.
    ///
    /// # Errors
    /// If a simulation fails.
    pub fn find(&self) -> Result<Found, Failure> {
        let mut free: Vec<usize> = (0..CONSTANTS.len()).collect();
        let mut fates = [Fate::Kept(0.0); CONSTANTS.len()];
        let starts = STARTS.map(|factors| self.search(&free, self.start(factors), WHOLE));
        let mut best = starts.into_iter().min_by(|a, b| a.loss.total_cmp(&b.loss)).expect("a start");
        while let Some((lost, without)) = self.not_missed(&free, best) {
            fates[lost] = Fate::Kept(100.0 * (without.loss / best.loss - 1.0));
            free.retain(|one| *one != lost);
            best = without;
        }
        // To the digits that are written.
        for number in &free {
            best.values[*number] = CONSTANTS[*number].rounded(best.values[*number]);
        }
        best.loss = self.loss(&best.values);
        for number in free {
            fates[number] = Fate::Fitted(self.range(number, best));
        }
        let failure = self.failure.lock().expect("no panic holds this lock").take();
        failure.map_or(Ok(Found { values: best.values, fates }), Err)
    }

    /// A start of the search.
    fn start(&self, factors: [f64; 2]) -> Values {
        std::array::from_fn(|number| CONSTANTS[number].times(self.defaults[number], factors))
    }

    /// The loss at which twice the logarithm of the likelihood is less by `worth`, where the scale of the errors is fitted too.
    fn greater(&self, loss: f64, worth: f64) -> f64 {
        (loss + LITTLE) * libm::exp(worth / self.latencies) - LITTLE
    }

    /// The last constant that the others make up for, and the place without it.
    fn not_missed(&self, free: &[usize], best: At) -> Option<(usize, At)> {
        let most = self.greater(best.loss, WORTH);
        let without = |lost: &usize| {
            let others: Vec<usize> = free.iter().copied().filter(|one| one != lost).collect();
            let mut start = best.values;
            start[*lost] = self.defaults[*lost];
            (*lost, self.search(&others, start, WITHOUT))
        };
        free.iter().rev().map(without).find(|(_, at)| at.loss <= most)
    }

    fn search(&self, free: &[usize], start: Values, effort: Effort) -> At {
        let values = |places: &[f64]| {
            let mut values = start;
            for (number, place) in free.iter().zip(places) {
                values[*number] = CONSTANTS[*number].value(*place, self.scale_ms);
            }
            values
        };
        let places = free.iter().map(|number| CONSTANTS[*number].place(start[*number], self.scale_ms)).collect();
        let (places, loss) = match free {
            [] => (Vec::new(), self.loss(&start)),
            _ => minimise(&|places| self.loss(&values(places)), places, effort),
        };
        At { values: values(&places), loss }
    }

    /// The values of a constant with which the loss is hardly greater.
    fn range(&self, number: usize, best: At) -> [f64; 2] {
        let constant = &CONSTANTS[number];
        let place = constant.place(best.values[number], self.scale_ms);
        let most = self.greater(best.loss, RANGE);
        let value_at = |place: f64| constant.value(place, self.scale_ms);
        let fits = |place: f64| {
            let mut values = best.values;
            values[number] = value_at(place);
            self.loss(&values) <= most
        };
        let end = |side: f64| {
            let places = DISTANCES.iter().map(|distance| place + side * distance);
            // Less than nothing is no time: there the axis turns.
            let places = places.map(|at| if constant.is_time() { at.max(0.0) } else { at });
            places.into_iter().find(|at| fits(*at)).map_or(best.values[number], value_at)
        };
        [end(-1.0), end(1.0)]
    }

    /// The mean loss of a latency of a fitted request, and a little for what is far from the defaults.
    fn loss(&self, values: &Values) -> f64 {
        let at = |speed: &f64| {
            self.loss_at(&std::array::from_fn(|number| CONSTANTS[number].times(values[number], [*speed, 1.0])))
        };
        let far = |number: usize| {
            let [place, default] =
                [values[number], self.defaults[number]].map(|value| CONSTANTS[number].place(value, self.scale_ms));
            (place - default).powi(2)
        };
        let mean = SPEEDS.par_iter().map(at).collect::<Vec<_>>().iter().sum::<f64>() / SPEEDS.len() as f64;
        mean + NEAR * (0..CONSTANTS.len()).map(far).sum::<f64>()
    }

    /// The mean loss at one speed: Huber's, of ln(simulated / measured).
    fn loss_at(&self, values: &Values) -> f64 {
        let of_trace = |trace: &Trace| match trace.simulate(values) {
            Ok(simulated) => {
                trace.pairs(&simulated, Half::Fitted).flat_map(errors).fold((0.0, 0.0), |(sum, n), off| {
                    let off = off.abs();
                    (sum + if off <= DELTA { 0.5 * off * off } else { DELTA * (off - 0.5 * DELTA) }, n + 1.0)
                })
            }
            Err(failure) => {
                self.failure.lock().expect("no panic holds this lock").get_or_insert(failure);
                (f64::MAX, 1.0)
            }
        };
        let each: Vec<(f64, f64)> = self.traces.par_iter().map(of_trace).collect();
        self.done.fetch_add(1, Ordering::Relaxed);
        let (sum, count) = each.iter().fold((0.0, 0.0), |all, one| (all.0 + one.0, all.1 + one.1));
        sum / count
    }
}

/// The errors of a request, as logarithms: of TTFT and TPOT, or of E2E where neither was measured.
pub fn errors((measured, simulated): Pair<'_>) -> impl Iterator<Item = f64> {
    let off = |measured: Option<f64>, simulated: Option<f64>| {
        Some(libm::log(simulated? / measured?)).filter(|off| off.is_finite())
    };
    let parts = [off(measured.ttft_ms, simulated.ttft_ms), off(measured.tpot_ms, simulated.tpot_ms)];
    let whole = if parts == [None, None] { off(measured.e2e_ms, simulated.e2e_ms) } else { None };
    parts.into_iter().chain([whole]).flatten()
}
