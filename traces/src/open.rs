//! Opening a file of the world: plain or gzip, with a limit on how long a line may be.

use crate::{TraceError, input};
use flate2::bufread::MultiGzDecoder;
use std::{
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

/// The longest line that is read. The longest in any public trace that we know is below 1 MiB.
const LONGEST_LINE: usize = 16 << 20;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// UTF-8's mark, which editors on Windows put in front of a text.
const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// Opens `path`, unpacking it if its content is gzip.
pub(crate) fn open(path: &Path) -> Result<Box<dyn Read + Send>, TraceError> {
    Ok(Box::new(Guarded { inner: open_unguarded(path)?, line_length: 0 }))
}

/// The same without a limit on the length of a line, for who never holds one whole.
pub(crate) fn open_unguarded(path: &Path) -> Result<Box<dyn Read + Send>, TraceError> {
    let refuse = |error| TraceError::reading(path, error);
    let mut file = BufReader::with_capacity(1 << 16, input::open(path).map_err(refuse)?);
    let start = file.fill_buf().map_err(refuse)?;
    let is_gzip = start.starts_with(&GZIP_MAGIC);
    let unpacked: Box<dyn Read + Send> = if is_gzip { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
    without_mark(unpacked).map_err(refuse)
}

/// The rest of a file behind its byte-order mark, if it has one.
fn without_mark(mut file: Box<dyn Read + Send>) -> io::Result<Box<dyn Read + Send>> {
    let mut start = Vec::new();
    file.by_ref().take(BYTE_ORDER_MARK.len() as u64).read_to_end(&mut start)?;
    if start == BYTE_ORDER_MARK {
        start.clear();
    }
    Ok(Box::new(io::Cursor::new(start).chain(file)))
}

/// Refuses a line so long that reading it whole would exhaust the memory: a binary file by mistake, for example.
struct Guarded {
    inner: Box<dyn Read + Send>,
    line_length: usize,
}

impl Read for Guarded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        match buffer[..count].iter().rposition(|&byte| byte == b'\n') {
            Some(newline) => self.line_length = count - newline - 1,
            None => self.line_length += count,
        }
        if self.line_length > LONGEST_LINE {
            return Err(io::Error::other(format!("a line longer than {} MiB", LONGEST_LINE >> 20)));
        }
        Ok(count)
    }
}

/// The lines of a file, numbered from 1, without their line ends.
pub(crate) struct Lines {
    path: PathBuf,
    reader: BufReader<Box<dyn Read + Send>>,
    number: u64,
    buffer: Vec<u8>,
}

impl Lines {
    pub fn open(path: &Path) -> Result<Self, TraceError> {
        let reader = BufReader::with_capacity(1 << 16, open(path)?);
        Ok(Self { path: path.to_owned(), reader, number: 0, buffer: Vec::new() })
    }

    /// The next line and its number, or `None` after the last.
    pub fn next(&mut self) -> Result<Option<(u64, &str)>, TraceError> {
        self.buffer.clear();
        let read = self.reader.read_until(b'\n', &mut self.buffer);
        if read.map_err(|error| TraceError::reading(&self.path, error).at(self.number + 1))? == 0 {
            return Ok(None);
        }
        self.number += 1;
        let line = str::from_utf8(&self.buffer).map_err(|_| not_utf8(&self.path, self.number))?;
        Ok(Some((self.number, line.trim_end_matches(['\n', '\r']))))
    }
}

pub(crate) fn not_utf8(path: &Path, line: u64) -> TraceError {
    TraceError::new(path, "bytes that are not UTF-8", "a text file", "check that it is the right file").at(line)
}

/// The refusal of a file without any content.
pub(crate) fn empty(path: &Path, expected: &str) -> TraceError {
    TraceError::new(path, "an empty file", expected, "check that the file was written completely")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{file_with, gzipped};

    fn all(path: &Path) -> Result<Vec<String>, TraceError> {
        let mut lines = Lines::open(path)?;
        let mut all = Vec::new();
        while let Some((_, line)) = lines.next()? {
            all.push(line.to_owned());
        }
        Ok(all)
    }

    #[test]
    fn gzip_is_known_by_its_content() {
        let text = b"one\ntwo\r\nthree";
        for content in [text.to_vec(), gzipped(text), [gzipped(b"one\ntwo"), gzipped(b"\nthree")].concat()] {
            assert_eq!(all(file_with(&content).path()).unwrap(), ["one", "two", "three"]);
        }
    }

    #[test]
    fn a_byte_order_mark_is_skipped() {
        for content in [b"\xef\xbb\xbfone".to_vec(), gzipped(b"\xef\xbb\xbfone")] {
            assert_eq!(all(file_with(&content).path()).unwrap(), ["one"]);
        }
        assert_eq!(all(file_with(b"a\n\xef\xbb\xbfb").path()).unwrap(), ["a", "\u{feff}b"], "only at the start");
        assert_eq!(all(file_with(b"on").path()).unwrap(), ["on"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_refused() {
        let message = all(Path::new("/dev/zero")).unwrap_err().to_string();
        assert_eq!(
            message,
            "/dev/zero: found a device or a pipe; expected a file; copy what it gives into a file, since an input is read \
             more than once"
        );
    }

    #[test]
    fn a_cut_or_damaged_gzip_is_refused() {
        let whole = gzipped("some longer text\n".repeat(100).as_bytes());
        for length in [2, 5, 11, whole.len() / 2, whole.len() - 1] {
            let file = file_with(&whole[..length]);
            let message = all(file.path()).unwrap_err().to_string();
            assert!(message.starts_with(&file.path().display().to_string()), "{message}");
            assert!(
                message.contains("a gzip stream that is cut off; expected a whole one; copy the file again"),
                "{message}"
            );
        }
        let mut damaged = whole.clone();
        let last = damaged.len() - 6;
        damaged[last] ^= 0xff;
        let message = all(file_with(&damaged).path()).unwrap_err().to_string();
        assert!(message.contains("a damaged gzip stream"), "{message}");
    }

    #[test]
    fn an_endless_line_is_refused() {
        let message = all(file_with(&vec![b'7'; LONGEST_LINE + 1]).path()).unwrap_err().to_string();
        assert!(message.contains(":1: found a read error (a line longer than 16 MiB)"), "{message}");
    }

    #[test]
    fn a_missing_file_is_named() {
        let message = all(Path::new("/nowhere/trace.csv")).unwrap_err().to_string();
        assert_eq!(message, "/nowhere/trace.csv: found no such file; expected a trace file; check the path");
    }

    #[test]
    fn not_utf8_is_refused_with_its_line() {
        let message = all(file_with(b"fine\n\xff\xfe\n").path()).unwrap_err().to_string();
        assert!(message.contains(":2: found bytes that are not UTF-8"), "{message}");
    }
}
