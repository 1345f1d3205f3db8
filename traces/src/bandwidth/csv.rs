//! A bandwidth series from two columns of a CSV file.
//!
//! The unit is the end of the column's name: `t_s` or `t_ms`; `dl_bps`, `dl_kbps`, `dl_mbps` or `dl_gbps`. Readings of this kind
//! have three habits, and each has one reading here:
//!
//! - Some rows have the time of the row before (a logger that fires twice a second and writes whole seconds). The last one holds.
//! - The first time need not be zero. It becomes zero.
//! - The last row has no end. It holds for as long as the median of the other rows, or for one second if it is the only one.

use super::BandwidthSeries;
use crate::{
    TraceError,
    error::shown,
    rows::{CsvFile, Row},
};
use std::path::Path;
use units::{BitsPerSecond, SimDuration};

/// The columns of a CSV file that are the series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvColumns {
    /// The time; ends in `_s` or `_ms`.
    pub time: String,
    /// The bit rate; ends in `_bps`, `_kbps`, `_mbps` or `_gbps`.
    pub rate: String,
    /// Keeps the rows in which this column has this value: one run of a file with many.
    pub only: Option<(String, String)>,
}

/// Endings of a column's name, and the power of ten from that unit to what is held.
const TIME_UNITS: [(&str, u32); 2] = [("_s", 9), ("_ms", 6)];
const RATE_UNITS: [(&str, u32); 4] = [("_bps", 0), ("_kbps", 3), ("_mbps", 6), ("_gbps", 9)];

impl BandwidthSeries {
    /// Reads the series in `columns` of the CSV file at `path`.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, has no such column or row, goes back in time, or has a time or rate that is not a number
    /// from 0 up; if all rates are 0.
    pub fn from_csv(path: &Path, columns: &CsvColumns) -> Result<Self, TraceError> {
        let mut file = CsvFile::open(path, "a CSV file with a header")?;
        let chosen = Chosen::new(&file, columns)?;
        let mut rows: Vec<(SimDuration, BitsPerSecond)> = Vec::new();
        while let Some(row) = file.next()? {
            let Some((time, rate)) = chosen.read(&row)? else { continue };
            match rows.last_mut() {
                Some((last, held)) if *last == time => *held = rate,
                Some((last, _)) if *last > time => return Err(backwards(&row, *last, time)),
                _ => rows.push((time, rate)),
            }
        }
        let Some(&(first, _)) = rows.first() else { return Err(no_row(path, columns)) };
        let segments: Vec<_> = rows.iter().map(|(time, rate)| (*time - first, *rate)).collect();
        let period = segments.last().and_then(|(last, _)| last.checked_add(median_spacing(&segments)));
        let period =
            period.ok_or_else(|| TraceError::new(path, "a last time of 584 years", "less", "check the unit"))?;
        Self::new(path, segments, period)
    }
}

/// The columns, found and with their units.
struct Chosen<'a> {
    time: (usize, u32),
    rate: (usize, u32),
    only: Option<(usize, &'a str)>,
}

impl<'a> Chosen<'a> {
    fn new(file: &CsvFile, columns: &'a CsvColumns) -> Result<Self, TraceError> {
        let only = columns.only.as_ref().map(|(name, value)| Ok((file.column(name)?, value.as_str())));
        Ok(Self {
            time: (file.column(&columns.time)?, unit(file, &columns.time, &TIME_UNITS)?),
            rate: (file.column(&columns.rate)?, unit(file, &columns.rate, &RATE_UNITS)?),
            only: only.transpose()?,
        })
    }

    /// Time and rate of a row, or `None` if it is not one of those to keep.
    fn read(&self, row: &Row<'_>) -> Result<Option<(SimDuration, BitsPerSecond)>, TraceError> {
        if self.only.is_some_and(|(column, value)| row.text(column) != value) {
            return Ok(None);
        }
        let time = SimDuration::from_ns(row.fixed_point(self.time.0, self.time.1)?);
        let rate = BitsPerSecond::new(row.fixed_point(self.rate.0, self.rate.1)?);
        Ok(Some((time, rate)))
    }
}

fn unit(file: &CsvFile, name: &str, units: &[(&str, u32)]) -> Result<u32, TraceError> {
    let unit = units.iter().find(|(ending, _)| name.ends_with(ending));
    unit.map(|(_, exponent)| *exponent).ok_or_else(|| {
        let endings: Vec<&str> = units.iter().map(|(ending, _)| *ending).collect();
        let expected = format!("a name that ends in its unit, {}", endings.join(" or "));
        TraceError::new(file.path(), format!("the column \"{}\"", shown(name)), expected, "rename the column").at(1)
    })
}

/// The lower median of the distances between starts. A mean would let one hole in the readings set the last row's length.
fn median_spacing(segments: &[(SimDuration, BitsPerSecond)]) -> SimDuration {
    let mut spacings: Vec<SimDuration> = segments.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    spacings.sort_unstable();
    spacings.get(spacings.len().saturating_sub(1) / 2).copied().unwrap_or(SimDuration::from_secs(1))
}

fn backwards(row: &Row<'_>, last: SimDuration, time: SimDuration) -> TraceError {
    let remedy = "sort the file by time or, if it holds many runs, choose one with `only`";
    row.refusal(format!("the time {time} after {last}"), "times that rise", remedy)
}

fn no_row(path: &Path, columns: &CsvColumns) -> TraceError {
    let found = match &columns.only {
        Some((name, value)) => format!("no row with {} = \"{}\"", shown(name), shown(value)),
        None => "no row".to_owned(),
    };
    TraceError::new(path, found, "at least one", "choose a value that the file has")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{file_with, shared};

    fn columns(time: &str, rate: &str, only: Option<(&str, &str)>) -> CsvColumns {
        let only = only.map(|(name, value)| (name.to_owned(), value.to_owned()));
        CsvColumns { time: time.to_owned(), rate: rate.to_owned(), only }
    }

    fn read(text: &str, columns: &CsvColumns) -> Result<BandwidthSeries, String> {
        BandwidthSeries::from_csv(file_with(text.as_bytes()).path(), columns).map_err(|error| error.to_string())
    }

    #[test]
    fn units_come_from_the_names() {
        let in_s = read("t_s,dl_mbps\n1,10\n2,20.5\n", &columns("t_s", "dl_mbps", None)).unwrap();
        let in_ms = read("t_ms,dl_kbps\n1000,10000\n2000,20500\n", &columns("t_ms", "dl_kbps", None)).unwrap();
        assert_eq!(in_s, in_ms);
        assert_eq!(in_s.segments()[1], (SimDuration::from_secs(1), BitsPerSecond::new(20_500_000)));
        assert_eq!(in_s.period(), SimDuration::from_secs(2));
    }

    #[test]
    fn one_run_is_chosen_and_doubled_times_keep_the_last() {
        let text = "run,t_s,dl_mbps\na,0,1\na,1,2\na,1,3\na,2,4\na,9,5\nb,0,7\n";
        let series = read(text, &columns("t_s", "dl_mbps", Some(("run", "a")))).unwrap();
        let seconds: Vec<_> = series.segments().iter().map(|(t, r)| (t.as_secs_f64(), r.as_mbps_f64())).collect();
        assert_eq!(seconds, [(0.0, 1.0), (1.0, 3.0), (2.0, 4.0), (9.0, 5.0)]);
        assert_eq!(series.period(), SimDuration::from_secs(10));
        let alone = read(text, &columns("t_s", "dl_mbps", Some(("run", "b")))).unwrap();
        assert_eq!(alone.period(), SimDuration::from_secs(1));
    }

    #[test]
    fn refusals_say_where_what_and_what_to_do() {
        let plain = columns("t_s", "dl_mbps", None);
        for (text, columns, says) in [
            ("", &plain, "found an empty file; expected a CSV file with a header"),
            ("t_s,dl_mbps\n", &plain, "found no row; expected at least one"),
            ("t_s,ul_mbps\n0,1\n", &plain, ":1: found the columns t_s,ul_mbps; expected a column \"dl_mbps\""),
            (
                "t_s,rate\n0,1\n",
                &columns("t_s", "rate", None),
                ":1: found the column \"rate\"; expected a name that ends in its unit, _bps or",
            ),
            (
                "t,dl_mbps\n0,1\n",
                &columns("t", "dl_mbps", None),
                ":1: found the column \"t\"; expected a name that ends in its unit, _s or _ms",
            ),
            (
                "t_s,dl_mbps\n0,1\n2,1\n1,1\n",
                &plain,
                ":4: found the time 1 s after 2 s; expected times that rise; sort the file",
            ),
            ("t_s,dl_mbps\n0,NaN\n", &plain, ":2: found dl_mbps = \"NaN\"; expected a decimal number from 0 up"),
            ("t_s,dl_mbps\n0,-1\n", &plain, ":2: found dl_mbps = \"-1\""),
            ("t_s,dl_mbps\n0,inf\n", &plain, ":2: found dl_mbps = \"inf\""),
            ("t_s,dl_mbps\n0,\n", &plain, ":2: found dl_mbps = \"\""),
            ("t_s,dl_mbps\n0,1\n1\n", &plain, ":3: found 1 fields; expected 2, as in the header t_s,dl_mbps"),
            ("t_s,dl_mbps\n0,0\n1,0.0\n", &plain, "found a bandwidth of 0 at all times"),
            (
                "run,t_s,dl_mbps\na,0,1\n",
                &columns("t_s", "dl_mbps", Some(("run", "b"))),
                "found no row with run = \"b\"",
            ),
            ("t_s,dl_mbps\n18446744073.7,1\n", &plain, ""),
            ("t_s,dl_mbps\n0,1\n18446744073.7,1\n", &plain, "found a last time of 584 years"),
        ] {
            match read(text, columns) {
                Err(refused) => assert!(!says.is_empty() && refused.contains(says), "{refused}\nhas no\n{says}"),
                Ok(_) => assert!(says.is_empty(), "{text} is accepted"),
            }
        }
    }

    #[test]
    fn shared_series_are_read() {
        let Some(folder) = shared("traces/network") else { return };
        for (file, rate, only, low, high) in [
            ("lumos5g_5g", "downlink_mbps", ("trace", "100"), 50.0, 1000.0),
            ("lumos5g_4g", "downlink_mbps", ("trace", "50015"), 5.0, 100.0),
            ("us5g_walk_iperf_1hz", "tcp_mbps", ("run", "15652"), 100.0, 2000.0),
            ("ucc5g_ireland_download", "dl_kbps", ("session", "2019.12.14_10.16.30"), 1.0, 500.0),
        ] {
            let path = folder.join(format!("{file}.csv.gz"));
            let series = BandwidthSeries::from_csv(&path, &columns("t_s", rate, Some(only))).unwrap();
            let mean = series.mean().as_mbps_f64();
            assert!((low..high).contains(&mean), "{file}: {mean} Mbps");
            assert!(series.segments().len() > 50, "{file}: {}", series.segments().len());
        }
    }
}
