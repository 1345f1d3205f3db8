//! The keys of `[arrivals]`: the loads that a scenario can have.

use super::Source;
use crate::terminal::Failure;
use engine::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use units::{PerSecond, SimDuration};

/// The arrival process of requests. Rates are means over all edges together.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Arrivals {
    /// Closed loop: each client sends its next request after the answer to its last.
    ClosedLoop(ClosedLoop),
    /// Open loop: Poisson arrivals at a mean rate, whatever the answers.
    Poisson(Rate),
    /// Arrivals at the times in the dataset's trace.
    Trace(TraceTimes),
    /// Open loop: arrivals that are equally far apart.
    Constant(Rate),
    /// Open loop: gaps of a gamma law, burstier or steadier than Poisson.
    Gamma(Gamma),
    /// Open loop: a Markov-modulated Poisson process, whose rate changes at random between states.
    Mmpp(Mmpp),
    /// Open loop: each edge sends a request in each period, as a camera or a robot does.
    Periodic(Periodic),
    /// Open loop: Poisson arrivals at a rate that follows counts over time, such as a trace's per-minute counts.
    Curve(Curve),
    /// Open loop: Poisson arrivals at a rate that rises and falls with the day.
    Diurnal(Diurnal),
}

impl Default for Arrivals {
    fn default() -> Self {
        Self::ClosedLoop(ClosedLoop::default())
    }
}

/// Clients that wait for their answer.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ClosedLoop {
    /// Number of clients of each edge; default 1.
    pub clients: u32,
    /// Time between an answer and the client's next request, e.g. `2 s`; default 0.
    pub think: SimDuration,
}

impl Default for ClosedLoop {
    fn default() -> Self {
        Self { clients: 1, think: SimDuration::ZERO }
    }
}

/// A mean rate.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Mean rate over all edges together, e.g. `2 /s`.
    pub rate: PerSecond,
}

/// Arrivals of a trace.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TraceTimes {
    /// Factor on the trace's speed: 2 replays it twice as fast; default 1.
    pub speed: f64,
    /// Mean rate of the requests that are played, e.g. `2 /s`, in place of `speed`: their times are scaled to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<PerSecond>,
}

impl Default for TraceTimes {
    fn default() -> Self {
        Self { speed: 1.0, rate: None }
    }
}

/// Arrivals with gaps of a gamma law.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gamma {
    /// Mean rate over all edges together, e.g. `2 /s`.
    pub rate: PerSecond,
    /// Shape of the law, 0.01 to 1000: 1 is Poisson, less is burstier, more is steadier (`--burstiness` of vLLM's benchmark). The
    /// squared coefficient of variation of a gap is one over it.
    pub shape: f64,
}

/// A Markov-modulated Poisson process.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mmpp {
    /// Mean rate over all edges together and over all states, e.g. `2 /s`.
    pub rate: PerSecond,
    /// States, which follow each other in turn, e.g. `[{ weight = 1, mean = "60 s" }, { weight = 5, mean = "10 s" }]`.
    pub states: Vec<MmppState>,
}

/// A state of a Markov-modulated Poisson process.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MmppState {
    /// Rate in this state relative to that in the others; 0 is silence.
    pub weight: f64,
    /// Mean time in this state, e.g. `10 s`; times are exponential.
    pub mean: SimDuration,
}

/// Requests that each edge sends in turn with a period.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Periodic {
    /// Time between two requests of an edge, e.g. `500 ms`.
    pub period: SimDuration,
    /// Moments of the period at which the edges send; default `even`.
    #[serde(default)]
    pub phases: Phases,
    /// Time by which an answer must be there, from its request, e.g. `300 ms`; if absent, the period. Later ones are in
    /// `deadline_miss_pct`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<SimDuration>,
}

/// The moments of a period at which edges send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phases {
    /// Evenly over the period.
    #[default]
    Even,
    /// All at its beginning.
    Together,
    /// Each at a moment of its own, drawn once for a replication.
    Random,
}

/// A rate that follows counts over time, which repeat.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Curve {
    /// CSV file of the counts, relative to the scenario: a row for each step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// Column of the counts in the file; if absent, the one called `requests`, `count` or `arrivals`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// Counts of the steps, in place of a file, e.g. `[10, 40, 20]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<Vec<f64>>,
    /// Length of a step; default `1 min`.
    #[serde(default = "minute")]
    pub step: SimDuration,
    /// Mean rate over the whole curve, e.g. `2 /s`, to which the counts are scaled; if absent, they are as they stand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<PerSecond>,
}

fn minute() -> SimDuration {
    SimDuration::from_secs(60)
}

/// A rate that rises and falls with the day: a sine, which starts at its trough.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Diurnal {
    /// Mean rate over all edges together, e.g. `2 /s`.
    pub rate: PerSecond,
    /// Rate at the peak relative to that in the trough; default 4.
    #[serde(default = "four")]
    pub peak_to_trough: f64,
    /// Length of the day; default `24 h`. A shorter one shows a whole day in fewer requests.
    #[serde(default = "day")]
    pub day: SimDuration,
}

fn four() -> f64 {
    4.0
}

fn day() -> SimDuration {
    SimDuration::from_secs(86_400)
}

/// Slowest mean rate, requests a second.
const SLOWEST: PerSecond = PerSecond::new(1.0 / 3600.0);
/// Longest state, step and day, and longest period.
const LONGEST: SimDuration = SimDuration::from_secs(86_400);
const LONGEST_PERIOD: SimDuration = SimDuration::from_secs(3600);
/// Shortest of those.
const SHORTEST: SimDuration = SimDuration::from_ms(1);
/// Steps of a day: a quarter of an hour each.
const STEPS_OF_DAY: u32 = 96;
/// Most states and counts that a scenario lists.
const MOST: usize = 1_000_000;

impl Arrivals {
    /// The key of the mean rate, and the rate, of those that have one.
    pub fn rate(&self) -> Option<(&'static str, PerSecond)> {
        match self {
            Self::ClosedLoop(_) | Self::Periodic(_) => None,
            Self::Poisson(poisson) => Some(("arrivals.poisson.rate", poisson.rate)),
            Self::Trace(times) => Some(("arrivals.trace.rate", times.rate?)),
            Self::Constant(constant) => Some(("arrivals.constant.rate", constant.rate)),
            Self::Gamma(gamma) => Some(("arrivals.gamma.rate", gamma.rate)),
            Self::Mmpp(mmpp) => Some(("arrivals.mmpp.rate", mmpp.rate)),
            Self::Curve(curve) => Some(("arrivals.curve.rate", curve.rate?)),
            Self::Diurnal(diurnal) => Some(("arrivals.diurnal.rate", diurnal.rate)),
        }
    }

    /// The arrivals in words; none of those of a trace.
    pub fn words(&self) -> Option<String> {
        Some(match self {
            Self::Trace(_) => return None,
            Self::ClosedLoop(ClosedLoop { clients: 1, .. }) => "a closed loop of 1 client for each edge".to_owned(),
            Self::ClosedLoop(closed) => format!("a closed loop of {} clients for each edge", closed.clients),
            Self::Poisson(poisson) => format!("Poisson, {}", poisson.rate),
            Self::Constant(constant) => format!("equally far apart, {}", constant.rate),
            Self::Gamma(gamma) => format!("gamma of shape {}, {}", gamma.shape, gamma.rate),
            Self::Mmpp(mmpp) => {
                format!("a Markov-modulated Poisson process of {} states, {}", mmpp.states.len(), mmpp.rate)
            }
            Self::Periodic(periodic) => format!("one for each edge every {}", periodic.period),
            Self::Curve(curve) => {
                let rate = curve.rate.map_or_else(String::new, |rate| format!(", {rate} in the mean"));
                format!("Poisson along a curve{rate}")
            }
            Self::Diurnal(diurnal) => format!("Poisson along a day, {} in the mean", diurnal.rate),
        })
    }

    /// The file that it reads.
    pub fn file(&mut self) -> Option<&mut PathBuf> {
        match self {
            Self::Curve(curve) => curve.file.as_mut(),
            _ => None,
        }
    }

    /// Refuses numbers that no load can have, at these keys: `arrivals` of the scenario or of a group of edges.
    pub fn check(&self, source: &Source, at: &str) -> Result<(), Failure> {
        let refuse = |key: &str, expected: &str| {
            let key = key.replacen("arrivals", at, 1);
            Err(source.refuse_key(&key, &format!("expected {expected}")))
        };
        if let Some((key, _)) = self.rate().filter(|(_, rate)| *rate < SLOWEST) {
            return refuse(key, "at least 1 /h");
        }
        let (key, longest, times) = self.times();
        if times.iter().any(|time| *time < SHORTEST || *time > longest) {
            return refuse(key, &format!("{SHORTEST} to {longest}"));
        }
        let is_weight = |weight: f64| weight == 0.0 || (1e-6..=1e6).contains(&weight);
        match self {
            Self::ClosedLoop(closed) if closed.clients == 0 => refuse("arrivals.closed_loop.clients", "more than 0"),
            Self::Trace(times) if !(times.speed.is_finite() && times.speed > 0.0) => {
                refuse("arrivals.trace.speed", "a finite number above 0")
            }
            Self::Trace(times) if times.speed < 1e-3 => refuse("arrivals.trace.speed", "at least 0.001"),
            Self::Trace(times) if times.rate.is_some() && times.speed != 1.0 => {
                refuse("arrivals.trace.rate", "a speed or a rate, not both")
            }
            Self::Gamma(gamma) if !(0.01..=1e3).contains(&gamma.shape) => {
                refuse("arrivals.gamma.shape", "0.01 to 1000")
            }
            Self::Mmpp(Mmpp { states, .. }) if states.len() > MOST || !states.iter().any(|one| one.weight > 0.0) => {
                refuse("arrivals.mmpp.states", "states, of which one at least has a weight above 0")
            }
            Self::Mmpp(Mmpp { states, .. }) if !states.iter().all(|one| is_weight(one.weight)) => {
                refuse("arrivals.mmpp.states", "weights that are 0 or from 1e-6 to 1e6")
            }
            Self::Periodic(Periodic { deadline: Some(time), .. }) if !(SHORTEST..=LONGEST_PERIOD).contains(time) => {
                refuse("arrivals.periodic.deadline", &format!("{SHORTEST} to {LONGEST_PERIOD}"))
            }
            Self::Curve(curve) if curve.file.is_some() == curve.counts.is_some() => {
                refuse("arrivals.curve", "a file or counts, one of them")
            }
            Self::Diurnal(diurnal) if !(1.0..=1e6).contains(&diurnal.peak_to_trough) => {
                refuse("arrivals.diurnal.peak_to_trough", "1 to 1e6")
            }
            _ => Ok(()),
        }
    }

    /// The lengths of states, steps, periods and days, the longest that one may be, and their key.
    fn times(&self) -> (&'static str, SimDuration, Vec<SimDuration>) {
        match self {
            Self::Mmpp(mmpp) => ("arrivals.mmpp.states", LONGEST, mmpp.states.iter().map(|state| state.mean).collect()),
            Self::Periodic(periodic) => ("arrivals.periodic.period", LONGEST_PERIOD, vec![periodic.period]),
            Self::Curve(curve) => ("arrivals.curve.step", LONGEST, vec![curve.step]),
            Self::Diurnal(diurnal) => ("arrivals.diurnal.day", LONGEST, vec![diurnal.day]),
            _ => ("arrivals", LONGEST, Vec::new()),
        }
    }

    /// The arrivals of a run; those of a trace at this factor on its speed.
    ///
    /// # Errors
    /// If the file of a curve is refused.
    pub fn resolve(&self, source: &Source, at: &str, speed: f64) -> Result<engine::Arrivals, Failure> {
        Ok(match self {
            Self::ClosedLoop(closed) => engine::Arrivals::ClosedLoop { clients: closed.clients, think: closed.think },
            Self::Trace(_) => engine::Arrivals::Trace { speed },
            Self::Poisson(Rate { rate }) => engine::Arrivals::Poisson { rate: *rate },
            Self::Constant(Rate { rate }) => engine::Arrivals::Constant { rate: *rate },
            Self::Gamma(Gamma { rate, shape }) => engine::Arrivals::Gamma { rate: *rate, shape: *shape },
            Self::Mmpp(Mmpp { rate, states }) => {
                let state = |state: &MmppState| State { weight: state.weight, mean: state.mean };
                engine::Arrivals::Mmpp { rate: *rate, states: states.iter().map(state).collect() }
            }
            Self::Periodic(Periodic { period, phases, deadline }) => {
                let phases = match phases {
                    Phases::Even => engine::Phases::Even,
                    Phases::Together => engine::Phases::Together,
                    Phases::Random => engine::Phases::Random,
                };
                engine::Arrivals::Periodic { period: *period, phases, deadline: deadline.unwrap_or(*period) }
            }
            Self::Curve(curve) => engine::Arrivals::Curve(curve.resolve(source, at)?.into()),
            Self::Diurnal(diurnal) => engine::Arrivals::Curve(diurnal.resolve().into()),
        })
    }
}

impl Curve {
    fn resolve(&self, source: &Source, at: &str) -> Result<engine::Curve, Failure> {
        let counts = match (&self.file, &self.counts) {
            (Some(file), _) => traces::counts::read(&source.folder().join(file), self.column.as_deref())?,
            (None, counts) => counts.clone().unwrap_or_default(),
        };
        let refuse = |expected: &str| {
            let key = if self.file.is_some() { "file" } else { "counts" };
            Err(source.refuse_key(&format!("{at}.curve.{key}"), &format!("expected {expected}")))
        };
        // The factor from tiny counts to a mean rate would be infinite.
        let is_count = |count: &f64| *count == 0.0 || (1e-12..=1e12).contains(count);
        if counts.len() > MOST || !counts.iter().all(is_count) {
            return refuse("at most a million counts, each 0 or from 1e-12 to 1e12");
        }
        let curve = engine::Curve {
            step: self.step,
            rates: counts.iter().map(|count| count / self.step.as_secs_f64()).collect(),
        };
        let mean = self.rate.map_or_else(|| curve.mean(), PerSecond::as_f64);
        if counts.iter().all(|count| *count == 0.0) || mean < SLOWEST.as_f64() {
            return refuse("counts with a mean rate of at least 1 /h");
        }
        Ok(if self.rate.is_some() { curve.with_mean(mean) } else { curve })
    }
}

impl Diurnal {
    fn resolve(&self) -> engine::Curve {
        let swing = (self.peak_to_trough - 1.0) / (self.peak_to_trough + 1.0);
        let rate = |step: u32| {
            let turn = (f64::from(step) + 0.5) / f64::from(STEPS_OF_DAY);
            1.0 - swing * libm::cos(std::f64::consts::TAU * turn)
        };
        let step = self.day / u64::from(STEPS_OF_DAY);
        let curve = engine::Curve { step, rates: (0..STEPS_OF_DAY).map(rate).collect() };
        curve.with_mean(self.rate.as_f64())
    }
}
