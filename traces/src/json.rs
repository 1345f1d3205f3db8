//! JSON of the world: numbers as decimals, and the objects of a file, however they are put together.

use crate::{
    TraceError,
    decimal::fixed_point,
    open::{empty, open_unguarded},
};
use serde::{Deserialize, de::DeserializeOwned};
use std::{
    io::{self, BufRead, BufReader, Read},
    marker::PhantomData,
    path::{Path, PathBuf},
};
use units::SimDuration;

/// A number that is finite and not negative.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Deserialize)]
#[serde(try_from = "f64")]
pub(crate) struct Decimal(f64);

impl TryFrom<f64> for Decimal {
    type Error = &'static str;

    fn try_from(number: f64) -> Result<Self, Self::Error> {
        let fits = number.is_finite() && number >= 0.0;
        fits.then_some(Self(number)).ok_or("a number below 0, where one from 0 up is expected")
    }
}

impl Decimal {
    pub fn as_f64(self) -> f64 {
        self.0
    }

    /// The duration of so many units of `10^-decimals` seconds, if it fits.
    ///
    /// Up to 15 digits of the text are kept, since the shortest text of a number is read, not the number.
    pub fn duration(self, decimals: u32) -> Option<SimDuration> {
        fixed_point(&self.0.to_string(), 9 - decimals).map(SimDuration::from_ns)
    }
}

/// The objects of a file: one, several behind each other or a line each, or those of an array.
pub(crate) struct Objects<T> {
    path: PathBuf,
    expected: &'static str,
    reader: Counting,
    found: u64,
    line: u64,
    of: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Objects<T> {
    /// Opens `path`; `expected` says in a refusal what its objects should be.
    pub fn open(path: &Path, expected: &'static str) -> Result<Self, TraceError> {
        let reader = Counting { inner: BufReader::with_capacity(1 << 16, open_unguarded(path)?), line: 1 };
        Ok(Self { path: path.to_owned(), expected, reader, found: 0, line: 1, of: PhantomData })
    }

    /// The next object, or `None` after the last.
    pub fn next(&mut self) -> Result<Option<T>, TraceError> {
        if !self.reader.skip_to_object().map_err(|error| TraceError::reading(&self.path, error))? {
            return if self.found > 0 { Ok(None) } else { Err(empty(&self.path, self.expected)) };
        }
        self.line = self.reader.line;
        let object = T::deserialize(&mut serde_json::Deserializer::from_reader(&mut self.reader));
        let object = object.map_err(|error| {
            let line = self.line + (error.line() as u64).saturating_sub(1);
            TraceError::json(&self.path, &error, self.expected).at(line)
        })?;
        self.found += 1;
        Ok(Some(object))
    }

    /// The line on which the latest object began.
    pub fn line(&self) -> u64 {
        self.line
    }
}

/// A reader that counts lines.
struct Counting {
    inner: BufReader<Box<dyn Read + Send>>,
    line: u64,
}

impl Counting {
    /// Skips what stands between objects, and a stream's `data:` before one; false at the end of the file.
    fn skip_to_object(&mut self) -> io::Result<bool> {
        loop {
            let Some(byte) = self.inner.fill_buf()?.first().copied() else { return Ok(false) };
            match byte {
                b'd' | b'D' => {
                    let mut word = [0; 5];
                    if self.inner.read_exact(&mut word).is_err() || ![*b"data:", *b"DONE]"].contains(&word) {
                        return Ok(true);
                    }
                }
                b'[' | b']' | b',' => self.inner.consume(1),
                _ if byte.is_ascii_whitespace() => {
                    self.line += u64::from(byte == b'\n');
                    self.inner.consume(1);
                }
                _ => return Ok(true),
            }
        }
    }
}

fn count_lines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}

impl Read for Counting {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.line += count_lines(&buffer[..count]);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::file_with;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Object {
        at: Decimal,
    }

    fn all(text: &str) -> Result<Vec<(u64, f64)>, String> {
        let file = file_with(text.as_bytes());
        let mut objects = Objects::<Object>::open(file.path(), "{\"at\": ...}").map_err(|error| error.to_string())?;
        let mut all = Vec::new();
        while let Some(object) = objects.next().map_err(|error| error.to_string())? {
            all.push((objects.line(), object.at.as_f64()));
        }
        Ok(all)
    }

    #[test]
    fn objects_stand_in_an_array_or_behind_each_other() {
        for text in [
            "{\"at\": 1}\n{\"at\": 2.5}\n\n",
            "[{\"at\": 1},\n {\"at\": 2.5}]\n",
            "data: {\"at\": 1}\ndata: {\"at\": 2.5}\n\ndata: [DONE]\n",
        ] {
            assert_eq!(all(text).unwrap(), [(1, 1.0), (2, 2.5)], "{text}");
        }
        assert_eq!(all("{\n\"at\": 1\n}").unwrap(), [(1, 1.0)]);
    }

    #[test]
    fn what_is_no_object_is_refused_with_its_line() {
        for (text, says) in [
            ("", "found an empty file; expected {\"at\": ...}"),
            ("{\"at\": 1}\n{\"at\":", ":2: found JSON that ends too early"),
            ("{\"at\": 1}\n{\n\"at\": -1}", ":3: found JSON with a number below 0"),
            ("a,b\n1,2\n", ":1: found JSON with expected value"),
        ] {
            let said = all(text).unwrap_err();
            assert!(said.contains(says), "{said}\nhas no\n{says}");
        }
    }

    #[test]
    fn decimals_become_durations_as_they_stand() {
        let duration = |number: f64, decimals| Decimal(number).duration(decimals);
        assert_eq!(duration(10_535.5, 3), Some(SimDuration::from_us(10_535_500)));
        assert_eq!(duration(61.114, 0), Some(SimDuration::from_ms(61_114)));
        assert_eq!(duration(353_399.725, 0), Some(SimDuration::from_ms(353_399_725)));
        assert_eq!(duration(1e30, 0), None);
    }
}
