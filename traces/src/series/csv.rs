//! A series from a column of a CSV file.
//!
//! Times are in a column of their own (`t_s`, or `time` and `time_unit`), or rows are a constant time apart (`every`). The units are
//! said by keys or by the ends of the columns' names. Readings of this kind have four habits, and each has one reading here:
//!
//! - Some rows have the time of the row before (a logger that fires twice a second and writes whole seconds). The last one holds.
//! - The first time need not be zero. It becomes zero.
//! - The last row has no end. It holds for as long as the median of the other rows, or for one second if it is the only one.
//! - Some rows have no value, where the format allows it. The row before holds on; those before the first value are left out.

use super::{
    About, Quantity, Series, SeriesFile, spans,
    unit::{self, Unit},
};
use crate::{
    TraceError,
    error::shown,
    requests::timestamp,
    rows::{CsvFile, Row},
};
use std::path::Path;
use units::SimDuration;

/// The habits of a format.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Habits {
    /// Texts that stand where there is no value.
    pub gaps: &'static [&'static str],
}

/// Names of columns of times, without their unit.
const TIMES: [&str; 9] = ["t", "time", "timestamp", "date", "datetime", "elapsed", "elapsed_time", "offset", "start"];

/// Reads the series in a column of the file at `path`.
///
/// # Errors
///
/// If the file cannot be read, has no such column or row, goes back in time, or has a time or value that is no number from 0
/// up; if keys and header leave a column or a unit open, or contradict each other.
pub(super) fn read<V: Quantity>(
    path: &Path,
    keys: &SeriesFile,
    habits: &Habits,
) -> Result<(Series<V>, About), TraceError> {
    let mut file = CsvFile::open(path, "a CSV file with a header")?;
    let chosen = Chosen::new::<V>(&file, keys)?;
    let mut about = chosen.about(&file);
    let mut readings: spans::Readings<V> = Vec::new();
    let mut row_number = 0;
    while let Some(row) = file.next()? {
        if chosen.only.is_some_and(|(column, value)| row.text(column) != value) {
            continue;
        }
        let time = chosen.time(&row, row_number)?;
        row_number += 1;
        if habits.gaps.contains(&row.text(chosen.value.0)) {
            about.gaps += 1;
            continue;
        }
        let value = V::from_u64(chosen.value(&row)?);
        about.readings += 1;
        match readings.last_mut() {
            Some((last, held)) if *last == time => *held = value,
            Some((last, _)) if *last > time => return Err(backwards(&row, *last, time)),
            _ => readings.push((time, value)),
        }
    }
    if readings.is_empty() {
        return Err(no_row(path, keys));
    }
    Ok((spans::series(path, spans::until_next(&readings))?, about))
}

/// The columns, found and with their units.
struct Chosen<'a> {
    value: (usize, Unit),
    time: Time,
    only: Option<(usize, &'a str)>,
}

/// The place of the times.
enum Time {
    Column(usize, Unit),
    Calendar(usize),
    Every(SimDuration),
}

impl<'a> Chosen<'a> {
    fn new<V: Quantity>(file: &CsvFile, keys: &'a SeriesFile) -> Result<Self, TraceError> {
        let only = keys.only.as_ref().map(|only| Ok((column(file, &only.column)?, only.value.as_str())));
        let time = time_of(file, keys)?;
        let value = match &keys.column {
            Some(name) => column(file, name)?,
            None => the_one(file, &time, V::unit, V::NAME)?,
        };
        let unit = unit_of(file, &file.header()[value], keys.unit.as_deref(), V::unit, ("unit", V::UNITS))?;
        Ok(Self { value: (value, unit), time, only: only.transpose()? })
    }

    fn about(&self, file: &CsvFile) -> About {
        let name = |column: usize| shown(&file.header()[column]);
        let (value, unit) = self.value;
        let times = match self.time {
            Time::Column(column, unit) => format!("the column {}, in {}", name(column), unit.name),
            Time::Calendar(column) => format!("the column {}, as dates", name(column)),
            Time::Every(every) => format!("a row every {every}"),
        };
        About { values: format!("the column {}, in {}", name(value), unit.name), times, ..About::default() }
    }

    fn time(&self, row: &Row<'_>, number: u64) -> Result<SimDuration, TraceError> {
        match self.time {
            Time::Column(column, unit) => Ok(SimDuration::from_ns(row.fixed_point(column, unit.exponent)?)),
            Time::Calendar(column) => timestamp::read(row.text(column))
                .or_else(|| timestamp::read(&dotted(row.text(column))?))
                .ok_or_else(|| row.refuse(column, "a date, as 2019-12-14 10:16:30 or 2019.12.14_10.16.30")),
            Time::Every(every) => every
                .checked_mul(number)
                .ok_or_else(|| row.refusal("a series of years".to_owned(), "less", "check `every`")),
        }
    }

    fn value(&self, row: &Row<'_>) -> Result<u64, TraceError> {
        let (column, Unit { exponent, factor, .. }) = self.value;
        let number = row.fixed_point(column, exponent)?.checked_mul(factor);
        number.ok_or_else(|| row.refuse(column, "a smaller number"))
    }
}

/// `2019.12.14_10.16.30` as `2019-12-14 10:16:30`.
fn dotted(text: &str) -> Option<String> {
    let (date, clock) = text.split_once('_')?;
    Some(format!("{} {}", date.replace('.', "-"), clock.replace('.', ":")))
}

/// The column of this name; upper and lower case matter only where two columns differ by nothing else.
fn column(file: &CsvFile, name: &str) -> Result<usize, TraceError> {
    let exact = file.column(name);
    let same = |(_, column): &(usize, &String)| column.eq_ignore_ascii_case(name);
    let mut alike = file.header().iter().enumerate().filter(same).map(|(index, _)| index);
    match (&exact, alike.next(), alike.next()) {
        (Err(_), Some(only), None) => Ok(only),
        _ => exact,
    }
}

/// The times that the keys say, or that the header says.
fn time_of(file: &CsvFile, keys: &SeriesFile) -> Result<Time, TraceError> {
    let refuse = |found: &str, remedy: &str| {
        TraceError::new(file.path(), found, "either a column of times or the time between rows", remedy)
    };
    match (&keys.time, keys.every, keys.time_unit.as_deref()) {
        (Some(_), Some(_), _) => Err(refuse("both `time` and `every`", "leave one of them out")),
        (None, Some(_), Some(_)) => Err(refuse("`time_unit` without `time`", "leave it out")),
        (None, Some(every), None) if every.is_zero() => Err(refuse("`every` of 0", "write it as 1 s")),
        (None, Some(every), None) => Ok(Time::Every(every)),
        (name, None, unit) => {
            let time = match name {
                Some(name) => column(file, name)?,
                None => {
                    let is_time = |name: &str| name.is_empty() || TIMES.contains(&name);
                    let named = |name: &&String| match unit::time(unit::ending(name)) {
                        Some(_) => is_time(&unit::stem(name)),
                        None => unit.is_some() && is_time(&name.to_ascii_lowercase()),
                    };
                    let mut found = file.header().iter().filter(named);
                    match (found.next(), found.next()) {
                        (Some(one), None) => file.column(one)?,
                        _ => return Err(no_times(file)),
                    }
                }
            };
            if unit == Some("date") {
                return Ok(Time::Calendar(time));
            }
            let units = "s, ms, us or ns, or `date`";
            unit_of(file, &file.header()[time], unit, unit::time, ("time_unit", units))
                .map(|unit| Time::Column(time, unit))
        }
    }
}

fn no_times(file: &CsvFile) -> TraceError {
    let found = format!("the columns {}", shown(&file.header().join(",")));
    let remedy =
        "name a column with `time` and its unit with `time_unit`, or say `every = \"1 s\"` if a row comes each second";
    TraceError::new(file.path(), found, "one column of times, such as t_s", remedy).at(1)
}

/// The one column whose name ends in a unit of the quantity.
fn the_one(file: &CsvFile, time: &Time, unit: fn(&str) -> Option<Unit>, quantity: &str) -> Result<usize, TraceError> {
    let is_time = |index: usize| matches!(time, Time::Column(time, _) | Time::Calendar(time) if *time == index);
    let fits = |(index, name): &(usize, &String)| !is_time(*index) && unit(unit::ending(name)).is_some();
    let mut fitting = file.header().iter().enumerate().filter(fits).map(|(index, _)| index);
    match (fitting.next(), fitting.next()) {
        (Some(one), None) => Ok(one),
        (one, _) => {
            let found = format!("the columns {}", shown(&file.header().join(",")));
            let number = if one.is_some() { "one column" } else { "a column" };
            let expected = format!("{number} whose name ends in a unit of {quantity}");
            let remedy = "name the column with `column` and, if its name has none, the unit with `unit`";
            Err(TraceError::new(file.path(), found, expected, remedy).at(1))
        }
    }
}

/// The unit that a key says, or else the end of the column's name. Both may say the same.
fn unit_of(
    file: &CsvFile,
    name: &str,
    said: Option<&str>,
    unit: fn(&str) -> Option<Unit>,
    (key, units): (&str, &str),
) -> Result<Unit, TraceError> {
    let refuse = |found: String, expected: String, remedy: String| {
        Err(TraceError::new(file.path(), found, expected, remedy).at(1))
    };
    let by_name = unit(unit::ending(name));
    match (said.map(unit), by_name) {
        (Some(None), _) => {
            let found = format!("{key} = \"{}\"", shown(said.unwrap_or_default()));
            refuse(found, units.to_owned(), "correct the key".to_owned())
        }
        (Some(Some(said)), Some(named)) if said != named => {
            let found = format!("{key} = \"{}\" for the column \"{}\"", said.name, shown(name));
            refuse(
                found,
                format!("the unit of its name, {}", named.name),
                format!("leave `{key}` out, or rename the column"),
            )
        }
        (Some(Some(unit)), _) | (None, Some(unit)) => Ok(unit),
        (None, None) => {
            let found = format!("the column \"{}\"", shown(name));
            let expected = format!("a name that ends in its unit: {units}");
            refuse(found, expected, format!("say the unit with the key `{key}`, or rename the column"))
        }
    }
}

fn backwards(row: &Row<'_>, last: SimDuration, time: SimDuration) -> TraceError {
    let remedy = "sort the file by time or, if it holds many runs, choose one with `only`";
    row.refusal(format!("the time {time} after {last}"), "times that rise", remedy)
}

fn no_row(path: &Path, keys: &SeriesFile) -> TraceError {
    let found = match &keys.only {
        Some(only) => format!("no value in the rows with {} = \"{}\"", shown(&only.column), shown(&only.value)),
        None => "no row with a value".to_owned(),
    };
    TraceError::new(path, found, "at least one", "choose a value that the file has")
}

#[cfg(test)]
mod tests;
