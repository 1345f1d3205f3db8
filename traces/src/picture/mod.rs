//! Picture files without their pixels: format, size as shown, and whether the file is whole.
//!
//! PNG, JPEG and WebP are told by their first bytes. A camera writes how it was held beside the pixels ([`Turn`]), and the size of a
//! picture is that of the turned one. What is cut off is refused here, before anything decodes it: decoders fill the rest with grey.

mod exif;
mod jpeg;
mod png;
mod turn;
mod webp;

pub use turn::Turn;

use crate::{TraceError, error::shown, input};
use std::{
    fmt,
    io::{self, Read},
    path::Path,
};

/// The formats, for messages.
pub const FORMATS: &str = "a PNG, JPEG or WebP";

/// Pixels of a picture, at most. Pillow refuses more, and with it the models' own preprocessing.
pub const MOST_PIXELS: u64 = 178_956_970;

/// Bytes of a picture's file, at most: its pixels uncompressed in 16 bits a channel.
const MOST_BYTES: u64 = 8 * MOST_PIXELS;

/// The advice for a file that is no picture.
const REMEDY: &str = "convert it, or copy it again";

/// The format of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// PNG, of whose animations the default picture counts.
    Png,
    /// JPEG, of every coding.
    Jpeg,
    /// WebP, of whose animations the first frame counts.
    WebP,
}

impl Format {
    /// The ending of its files' names.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::WebP => "webp",
        }
    }
}

/// The facts that a picture's file states beside its pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The format.
    pub format: Format,
    /// Columns and rows as they are stored.
    pub stored: (u32, u32),
    /// The turn from the stored picture to the shown one.
    pub turn: Turn,
}

impl Header {
    /// Columns and rows of the picture as it is shown.
    pub fn shown(&self) -> (u32, u32) {
        self.turn.sides(self.stored)
    }
}

/// A reason to refuse a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It has none of the formats.
    NoPicture,
    /// Its end is missing.
    CutOff,
    /// A part of it does not fit its checksum.
    Damaged(&'static str),
    /// It has more pixels than [`MOST_PIXELS`], or no pixels.
    Size(u32, u32),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPicture => f.write_str("no picture"),
            Self::CutOff => f.write_str("a picture that is cut off"),
            Self::Damaged(part) => write!(f, "a picture whose {part} is damaged"),
            Self::Size(width, height) => write!(f, "a picture of {width} x {height} pixels"),
        }
    }
}

impl Fault {
    /// The text of what was expected.
    pub fn expected(&self) -> String {
        match self {
            Self::NoPicture => FORMATS.to_owned(),
            Self::CutOff | Self::Damaged(_) => FORMATS.replacen("a ", "a whole ", 1),
            Self::Size(..) => format!("at least one pixel and at most {MOST_PIXELS}"),
        }
    }
}

/// The header of a picture that is whole.
///
/// # Errors
///
/// It has another format, it is cut off or damaged, or it has too many pixels to be decoded.
pub fn header(bytes: &[u8]) -> Result<Header, Fault> {
    let header = if png::SIGNATURE.starts_with(&bytes[..bytes.len().min(8)]) {
        png::header(bytes)
    } else if jpeg::START.starts_with(&bytes[..bytes.len().min(3)]) {
        jpeg::header(bytes)
    } else if webp::is_start(bytes) {
        webp::header(bytes)
    } else {
        Err(Fault::NoPicture)
    }?;
    let (width, height) = header.stored;
    match u64::from(width) * u64::from(height) {
        1..=MOST_PIXELS => Ok(header),
        _ => Err(Fault::Size(width, height)),
    }
}

/// The bytes of the picture at `path` and its header. A file that is too large for a picture is not read to its end.
///
/// # Errors
///
/// If the file cannot be read, or as [`header`].
pub fn read(path: &Path) -> Result<(Vec<u8>, Header), TraceError> {
    let mut bytes = Vec::new();
    let file = input::open(path).map_err(|error| reading(path, error))?;
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(|error| reading(path, error))?;
    if bytes.len() as u64 > MOST_BYTES {
        let found = format!("a file of more than {} MB", MOST_BYTES / 1_000_000);
        return Err(TraceError::new(path, found, FORMATS, REMEDY));
    }
    match header(&bytes) {
        Ok(header) => Ok((bytes, header)),
        Err(fault) => Err(TraceError::new(path, fault.to_string(), fault.expected(), remedy(&fault))),
    }
}

/// Columns and rows of the picture at `path` as it is shown.
///
/// # Errors
///
/// The refusals of [`read`].
pub fn size(path: &Path) -> Result<(u32, u32), TraceError> {
    read(path).map(|(_, header)| header.shown())
}

fn remedy(fault: &Fault) -> &'static str {
    match fault {
        Fault::NoPicture => REMEDY,
        Fault::CutOff | Fault::Damaged(_) => "copy it again",
        Fault::Size(..) => "scale it down",
    }
}

fn reading(path: &Path, error: io::Error) -> TraceError {
    let refusal = TraceError::reading(path, error);
    TraceError { expected: refusal.expected.replace("a trace file", FORMATS), ..refusal }
}

/// The ending of a picture file's name, by its content; what is no whole picture in words.
pub(crate) fn ending(bytes: &[u8]) -> Result<&'static str, String> {
    match header(bytes) {
        Ok(header) => Ok(header.format.ending()),
        Err(Fault::NoPicture) => {
            Err(format!("bytes that begin \"{}\"", shown(&String::from_utf8_lossy(&bytes[..bytes.len().min(8)]))))
        }
        Err(fault) => Err(fault.to_string()),
    }
}

/// The next `N` bytes at a place.
fn at<const N: usize>(bytes: &[u8], place: usize) -> Result<[u8; N], Fault> {
    let end = place.checked_add(N).ok_or(Fault::CutOff)?;
    bytes.get(place..end).and_then(|bytes| bytes.try_into().ok()).ok_or(Fault::CutOff)
}

/// `length` bytes at a place.
fn span(bytes: &[u8], place: usize, length: usize) -> Result<&[u8], Fault> {
    place.checked_add(length).and_then(|end| bytes.get(place..end)).ok_or(Fault::CutOff)
}

#[cfg(test)]
mod tests;
