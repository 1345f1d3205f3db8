//! Rates, round-trip times and losses of a link over time, from measured series.
//!
//! | format | file |
//! |---|---|
//! | `csv` | any CSV with a column of times and one of values; keys name them and their units where the file does not |
//! | `iperf3` | the report of `iperf3 --json` or `--json-stream` |
//! | `irish5g` | the Irish 5G and 4G data sets (Raca et al. 2018 and 2020), a session a file |
//! | `lumos5g` | Lumos5G 1.0 (Narayanan et al. 2020), one run of the file |
//! | `mahimahi` | when a link could carry a packet |
//! | `norway3g` | the logs of 3G on Norwegian commutes (Riiser et al. 2013) |
//! | `pensieve` | the cooked traces of Pensieve and its kin: seconds and Mbps |
//!
//! A format is a file in this folder and a variant of [`Format`], and stands in the lists of `sim/src/scenario/course.rs`.

mod csv;
mod guess;
mod iperf3;
mod keys;
mod mahimahi;
mod plain;
mod published;
mod quantity;
mod spans;
mod unit;

pub use guess::guess;
pub use keys::{Only, SeriesFile};
pub use quantity::{Loss, Quantity};

use crate::TraceError;
use std::path::Path;
use units::{BitsPerSecond, SimDuration};

/// A quantity that is constant on segments and repeats for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series<V> {
    segments: Vec<(SimDuration, V)>,
    period: SimDuration,
}

/// The bit rate of a link over time.
pub type BandwidthSeries = Series<BitsPerSecond>;

/// The round-trip time of a link over time.
pub type RoundTripSeries = Series<SimDuration>;

/// The loss of a link over time.
pub type LossSeries = Series<Loss>;

/// The words about a series that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// The place of the values in the file: `the column dl_mbps, in Mbps`.
    pub values: String,
    /// The place of the times in the file: `the column t_s, in s`.
    pub times: String,
    /// Readings, before equal neighbours are merged.
    pub readings: u64,
    /// Rows without a value; the one before holds on.
    pub gaps: u64,
}

/// The formats of series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Any CSV file.
    Csv,
    /// The report of iperf3.
    Iperf3,
    /// The Irish 5G and 4G data sets.
    Irish5g,
    /// Lumos5G 1.0.
    Lumos5g,
    /// A Mahimahi trace.
    Mahimahi,
    /// Logs of 3G in Norway.
    Norway3g,
    /// Cooked traces of Pensieve.
    Pensieve,
}

impl Format {
    /// Every format.
    pub const ALL: &[Self] =
        &[Self::Csv, Self::Iperf3, Self::Irish5g, Self::Lumos5g, Self::Mahimahi, Self::Norway3g, Self::Pensieve];

    /// Its name in scenarios.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Iperf3 => "iperf3",
            Self::Irish5g => "irish5g",
            Self::Lumos5g => "lumos5g",
            Self::Mahimahi => "mahimahi",
            Self::Norway3g => "norway3g",
            Self::Pensieve => "pensieve",
        }
    }
}

/// Reads a series of rates; `keys` are those of the scenario, and `path` the place of their file.
///
/// # Errors
///
/// If the file cannot be read, is not of the format, goes back in time, has a value that is no number from 0 up, or no rate
/// above 0; if a key is none of the format's, or the file leaves a column or a unit open.
pub fn read_rates(format: Format, path: &Path, keys: &SeriesFile) -> Result<(BandwidthSeries, About), TraceError> {
    match format {
        Format::Csv => csv::read(path, keys, &csv::Habits::default()),
        Format::Irish5g => csv::read(path, &published::irish5g_rates(path, keys)?, &published::IRISH5G),
        Format::Lumos5g => csv::read(path, &published::lumos5g(path, keys)?, &csv::Habits::default()),
        Format::Iperf3 => iperf3::read(path, keys),
        Format::Mahimahi => {
            keys.refuse_all(path, "a Mahimahi trace")?;
            mahimahi::read(path)
        }
        Format::Norway3g => {
            keys.refuse_all(path, "a log of 3G in Norway")?;
            plain::read_norway(path)
        }
        Format::Pensieve => {
            keys.refuse_all(path, "a cooked trace of Pensieve")?;
            plain::read_pensieve(path)
        }
    }
}

/// Reads a series of round-trip times, from `csv` or `irish5g`.
///
/// # Errors
///
/// The refusals of [`read_rates`], and one of a format without round-trip times.
pub fn read_round_trips(
    format: Format,
    path: &Path,
    keys: &SeriesFile,
) -> Result<(RoundTripSeries, About), TraceError> {
    match format {
        Format::Csv => csv::read(path, keys, &csv::Habits { gaps: &[""] }),
        Format::Irish5g => csv::read(path, &published::irish5g_round_trips(path, keys)?, &published::IRISH5G),
        _ => Err(TraceError::new(path, "a format without round-trip times", "csv or irish5g", "name another file")),
    }
}

/// Reads a series of losses, from `csv`.
///
/// # Errors
///
/// The refusals of [`read_rates`], and one of a format without losses.
pub fn read_losses(format: Format, path: &Path, keys: &SeriesFile) -> Result<(LossSeries, About), TraceError> {
    match format {
        Format::Csv => csv::read(path, keys, &csv::Habits { gaps: &[""] }),
        _ => Err(TraceError::new(path, "a format without losses", "csv", "name another file")),
    }
}

impl<V: Quantity> Series<V> {
    /// Start and value of each segment: the first starts at zero, starts rise, and neighbours differ.
    pub fn segments(&self) -> &[(SimDuration, V)] {
        &self.segments
    }

    /// After this long, later than the last start, the series starts again.
    pub fn period(&self) -> SimDuration {
        self.period
    }

    /// The average over time, rounded to a whole unit.
    pub fn mean(&self) -> V {
        let ends = self.segments[1..].iter().map(|(start, _)| *start).chain([self.period]);
        let weight = |value: V, length: SimDuration| u128::from(value.as_u64()) * u128::from(length.as_ns());
        let sum: u128 = self.segments.iter().zip(ends).map(|((start, value), end)| weight(*value, end - *start)).sum();
        let period = u128::from(self.period.as_ns());
        let mean = (sum + period / 2) / period;
        V::from_u64(u64::try_from(mean).expect("a mean is no more than the largest"))
    }

    /// The lowest value.
    pub fn lowest(&self) -> V {
        self.values().min().expect("a series has a segment")
    }

    /// The highest value.
    pub fn highest(&self) -> V {
        self.values().max().expect("a series has a segment")
    }

    fn values(&self) -> impl Iterator<Item = V> + '_ {
        self.segments.iter().map(|(_, value)| *value)
    }
}
