//! The arrival process: laws of the times at which requests or sessions come, and an open loop under way.

use super::{Row, Workload};
use kernel::{Stream, Streams, draw};
use std::sync::Arc;
use units::{PerSecond, SimDuration, SimTime};

/// The arrival process of requests. Rates are means over all edges together.
#[derive(Clone, Debug)]
pub enum Arrivals {
    /// Each client sends its next request when the last was answered and it has thought for a while.
    ClosedLoop {
        /// Clients of each edge.
        clients: u32,
        /// Time to think.
        think: SimDuration,
    },
    /// At the times of the trace, shifted to start at 0 and stretched by 1 / speed; edges take turns.
    Trace {
        /// 2 replays the trace twice as fast.
        speed: f64,
    },
    /// One after the other, equally far apart; the first at 0.
    Constant {
        /// Requests a second.
        rate: PerSecond,
    },
    /// Independently of each other and of answers; the edge is drawn for each.
    Poisson {
        /// Requests a second.
        rate: PerSecond,
    },
    /// With gaps of a gamma law: burstier than Poisson below a shape of 1, steadier above it.
    Gamma {
        /// Requests a second.
        rate: PerSecond,
        /// Shape; 1 is Poisson.
        shape: f64,
    },
    /// Poisson at the rate of a state, which changes at random (Markov-modulated Poisson process).
    Mmpp {
        /// Requests a second.
        rate: PerSecond,
        /// The states, which follow each other in turn.
        states: Arc<[State]>,
    },
    /// Each edge sends one request in each period.
    Periodic {
        /// Time between two requests of an edge.
        period: SimDuration,
        /// Moments of the period at which edges send.
        phases: Phases,
        /// Time by which an answer must be there, from its request.
        deadline: SimDuration,
    },
    /// Poisson at a rate that follows a curve.
    Curve(Arc<Curve>),
}

/// A state of a Markov-modulated Poisson process.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct State {
    /// Rate in this state, relative to that in others.
    pub weight: f64,
    /// Mean time in this state.
    pub mean: SimDuration,
}

/// The moments of a period at which edges send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phases {
    /// Evenly over the period.
    #[default]
    Even,
    /// All at its beginning.
    Together,
    /// Each at a moment of its own that is drawn, the same in each period.
    Random,
}

/// A rate that is constant over each of many steps, which repeat.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// Length of a step.
    pub step: SimDuration,
    /// Requests a second in each step; one of them at least is above 0.
    pub rates: Vec<f64>,
}

impl Arrivals {
    /// The time by which an answer must be there, where requests come periodically.
    pub(crate) fn deadline(&self) -> Option<SimDuration> {
        match self {
            Self::Periodic { deadline, .. } => Some(*deadline),
            _ => None,
        }
    }

    /// True if requests come for as long as there are any, at times that no trace gives: behind the last of them, the run drains.
    pub(crate) fn drain(&self) -> bool {
        !matches!(self, Self::ClosedLoop { .. } | Self::Trace { .. })
    }
}

/// An open loop under way.
pub(crate) struct OpenLoop {
    stream: Stream,
    /// Arrivals so far.
    arrived: u64,
    law: Law,
}

/// The part of a law that changes or is drawn once.
enum Law {
    /// Nothing.
    Memoryless,
    /// The state, and the seconds that are left of it.
    Mmpp { state: usize, left_s: f64 },
    /// Phase and edge, in the order of a period.
    Periodic(Vec<(SimDuration, u32)>),
}

impl OpenLoop {
    /// The loop of a source of requests at so many edges, before its first arrival.
    pub(crate) fn new(arrivals: &Arrivals, streams: Streams, source: u64, edges: u32) -> Self {
        let mut stream = streams.stream("arrivals", source);
        let law = match arrivals {
            Arrivals::Mmpp { states, .. } => first_state(states, &mut stream),
            Arrivals::Periodic { period, phases, .. } => Law::Periodic(order(*period, *phases, streams, edges)),
            _ => Law::Memoryless,
        };
        Self { stream, arrived: 0, law }
    }

    /// The time of the next arrival, of this row, given that of the one before it.
    ///
    /// # Panics
    /// If the loop is closed.
    pub(crate) fn next(&mut self, arrivals: &Arrivals, workload: &Workload, row: Row, previous: SimTime) -> SimTime {
        let (stream, arrived) = (&mut self.stream, self.arrived);
        self.arrived += 1;
        let in_s = |seconds: f64| previous + SimDuration::from_secs_f64(seconds);
        let since_start = |seconds: f64| SimTime::ZERO + SimDuration::from_secs_f64(seconds);
        match (arrivals, &mut self.law) {
            (Arrivals::Constant { rate }, _) => since_start(arrived as f64 / rate.as_f64()),
            (Arrivals::Poisson { rate }, _) => in_s(draw::exponential(stream) / rate.as_f64()),
            (Arrivals::Gamma { rate, shape }, _) => in_s(gamma_gap(*shape, stream) / rate.as_f64()),
            (Arrivals::Mmpp { rate, states }, Law::Mmpp { state, left_s }) => {
                in_s(mmpp_gap(rate.as_f64(), states, (state, left_s), stream))
            }
            (Arrivals::Periodic { period, .. }, Law::Periodic(order)) => {
                let (cycle, place) = (arrived / order.len() as u64, (arrived % order.len() as u64) as usize);
                SimTime::ZERO + *period * cycle + order[place].0
            }
            (Arrivals::Curve(curve), _) => in_s(curve.gap(previous.since_start(), draw::exponential(stream))),
            (Arrivals::Trace { speed }, _) => since_start(workload.offset_at(row).as_secs_f64() / speed),
            _ => unreachable!("a closed loop has no arrivals"),
        }
    }

    /// The edge of the latest arrival, of request number `number` and of this row.
    pub(crate) fn edge(&self, arrivals: &Arrivals, streams: Streams, (number, row): (u64, Row), edges: u32) -> u32 {
        match (arrivals, &self.law) {
            (Arrivals::Trace { .. }, _) => (row.number() % u64::from(edges)) as u32,
            (_, Law::Periodic(order)) => order[((self.arrived - 1) % order.len() as u64) as usize].1,
            _ => (streams.keyed("edge", number).bits(0) % u64::from(edges)) as u32,
        }
    }
}

/// A gap of mean 1. At a shape of 1 it takes the draws of a Poisson process.
fn gamma_gap(shape: f64, stream: &mut Stream) -> f64 {
    if shape == 1.0 { draw::exponential(stream) } else { draw::gamma(shape, 1.0 / shape, stream) }
}

/// The state in which a process that has always run is found.
fn first_state(states: &[State], stream: &mut Stream) -> Law {
    let total: f64 = states.iter().map(|state| state.mean.as_secs_f64()).sum();
    let mut left = draw::uniform(stream) * total;
    let found = states.iter().position(|state| {
        left -= state.mean.as_secs_f64();
        left < 0.0
    });
    let state = found.unwrap_or(states.len() - 1);
    Law::Mmpp { state, left_s: draw::exponential(stream) * states[state].mean.as_secs_f64() }
}

/// The seconds to the next arrival of a Markov-modulated process with this mean rate.
fn mmpp_gap(rate: f64, states: &[State], (state, left_s): (&mut usize, &mut f64), stream: &mut Stream) -> f64 {
    let seconds = |state: &State| state.mean.as_secs_f64();
    let weighed: f64 = states.iter().map(|state| state.weight * seconds(state)).sum();
    let scale = rate * states.iter().map(seconds).sum::<f64>() / weighed;
    let (mut gap, mut needed) = (0.0, draw::exponential(stream));
    loop {
        let rate = scale * states[*state].weight;
        let takes = needed / rate;
        if takes < *left_s {
            *left_s -= takes;
            return gap + takes;
        }
        needed -= rate * *left_s;
        gap += *left_s;
        *state = (*state + 1) % states.len();
        *left_s = draw::exponential(stream) * seconds(&states[*state]);
    }
}

/// The phases of edges in a period, in their order.
fn order(period: SimDuration, phases: Phases, streams: Streams, edges: u32) -> Vec<(SimDuration, u32)> {
    let phase = |edge: u32| match phases {
        Phases::Even => period * u64::from(edge) / u64::from(edges),
        Phases::Together => SimDuration::ZERO,
        Phases::Random => {
            SimDuration::from_secs_f64(period.as_secs_f64() * streams.keyed("phase", u64::from(edge)).unit(0))
        }
    };
    let mut order: Vec<_> = (0..edges).map(|edge| (phase(edge), edge)).collect();
    order.sort();
    order
}

impl Curve {
    /// Mean rate, requests a second.
    pub fn mean(&self) -> f64 {
        self.rates.iter().sum::<f64>() / self.rates.len() as f64
    }

    /// The same curve with another mean rate.
    #[must_use]
    pub fn with_mean(&self, mean: f64) -> Self {
        let factor = mean / self.mean();
        Self { step: self.step, rates: self.rates.iter().map(|rate| rate * factor).collect() }
    }

    /// The seconds from `now` until so many requests are expected to have come.
    fn gap(&self, now: SimDuration, mut needed: f64) -> f64 {
        let (step, steps) = (self.step.as_secs_f64(), self.rates.len() as u64);
        // Whole turns of the curve first: they may be many.
        let expected = self.mean() * step * steps as f64;
        let turns = (needed / expected).floor();
        needed -= turns * expected;
        let (mut gap, mut number) = (turns * step * steps as f64, now.as_ns() / self.step.as_ns());
        let mut left = step - SimDuration::from_ns(now.as_ns() % self.step.as_ns()).as_secs_f64();
        loop {
            let rate = self.rates[(number % steps) as usize];
            if needed <= rate * left && rate > 0.0 {
                return gap + needed / rate;
            }
            needed -= rate * left;
            gap += left;
            (number, left) = (number + 1, step);
        }
    }
}

#[cfg(test)]
mod tests;
