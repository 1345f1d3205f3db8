//! The constants of an engine that the latencies of its requests may tell, and the axes on which they are sought.

use crate::scenario::Tuning;
use crate::scenario::profile::to_digits;
use model::engine_kind::EngineProfile;
use units::{Ratio, SimDuration};

/// A constant of an engine.
pub struct Constant {
    /// Its key in `[cloud.tuning]`.
    pub key: &'static str,
    kind: Kind,
    read: fn(&EngineProfile) -> f64,
    write: fn(&mut Tuning, f64),
}

/// The unit of a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A time, in milliseconds.
    Time,
    /// A share of one.
    Share,
}

/// The constants. Of two that requests cannot tell apart the later keeps its default. What a step takes whatever it does is so
/// host time before it is slow memory.
pub const CONSTANTS: [Constant; 6] = [
    Constant {
        key: "eta_flop",
        kind: Kind::Share,
        read: |engine| engine.eta_flop.as_f64(),
        write: |tuning, share| tuning.eta_flop = Some(Ratio::new(share)),
    },
    Constant {
        key: "overhead",
        kind: Kind::Time,
        read: |engine| engine.overhead.as_ms_f64(),
        write: |tuning, ms| tuning.overhead = Some(SimDuration::from_secs_f64(ms / 1e3)),
    },
    Constant {
        key: "eta_mem",
        kind: Kind::Share,
        read: |engine| engine.eta_mem.as_f64(),
        write: |tuning, share| tuning.eta_mem = Some(Ratio::new(share)),
    },
    Constant {
        key: "sequence_overhead",
        kind: Kind::Time,
        read: |engine| engine.sequence_overhead.as_ms_f64(),
        write: |tuning, ms| tuning.sequence_overhead = Some(SimDuration::from_secs_f64(ms / 1e3)),
    },
    Constant {
        key: "prefill_overhead",
        kind: Kind::Time,
        read: |engine| engine.prefill_overhead.as_ms_f64(),
        write: |tuning, ms| tuning.prefill_overhead = Some(SimDuration::from_secs_f64(ms / 1e3)),
    },
    Constant {
        key: "layer_overhead",
        kind: Kind::Time,
        read: |engine| engine.layer_overhead.as_ms_f64(),
        write: |tuning, ms| tuning.layer_overhead = Some(SimDuration::from_secs_f64(ms / 1e3)),
    },
];

/// A value of each constant, in the order of [`CONSTANTS`].
pub type Values = [f64; CONSTANTS.len()];

/// The least share that is sought: with less no run ends.
const LEAST_SHARE: f64 = 1e-3;

/// The greatest time that is sought, milliseconds.
const MOST_MS: f64 = 60_000.0;

/// The values of an engine.
pub fn of_engine(engine: &EngineProfile) -> Values {
    std::array::from_fn(|number| (CONSTANTS[number].read)(engine))
}

/// The tuning that gives an engine these values.
pub fn tuning(values: &Values) -> Tuning {
    let mut tuning = Tuning::default();
    for (constant, value) in CONSTANTS.iter().zip(values) {
        (constant.write)(&mut tuning, *value);
    }
    tuning
}

impl Constant {
    /// Sets this constant alone.
    pub fn put(&self, tuning: &mut Tuning, value: f64) {
        (self.write)(tuning, value);
    }

    /// The place of a value on the axis of a search; a step of 1 is `scale_ms` of a time, or two thirds more of a share.
    pub fn place(&self, value: f64, scale_ms: f64) -> f64 {
        match self.kind {
            Kind::Time => value / scale_ms,
            Kind::Share => 2.0 * libm::log(value),
        }
    }

    /// The value at a place.
    pub fn value(&self, place: f64, scale_ms: f64) -> f64 {
        match self.kind {
            Kind::Time => (place.abs() * scale_ms).min(MOST_MS),
            Kind::Share => libm::exp(0.5 * place).clamp(LEAST_SHARE, 1.0),
        }
    }

    /// True if it is a time, which may be none.
    pub fn is_time(&self) -> bool {
        self.kind == Kind::Time
    }

    /// A value times the first factor of a share, or the second of a time.
    pub fn times(&self, value: f64, [share, time]: [f64; 2]) -> f64 {
        match self.kind {
            Kind::Time => value * time,
            Kind::Share => (value * share).clamp(LEAST_SHARE, 1.0),
        }
    }

    /// True if a value is the largest that it can have.
    pub fn is_at_its_end(&self, value: f64) -> bool {
        self.kind == Kind::Share && value >= 1.0
    }

    /// A value to four digits: more of them requests do not tell.
    pub fn rounded(&self, value: f64) -> f64 {
        let digits = to_digits(value);
        match self.kind {
            Kind::Time => (digits * 1e3).round() / 1e3,
            Kind::Share => (digits * 1e4).round() / 1e4,
        }
    }

    /// A value in words.
    pub fn told(&self, value: f64) -> String {
        match self.kind {
            Kind::Time => format!("{value:.3} ms"),
            Kind::Share => format!("{value:.3}"),
        }
    }
}
