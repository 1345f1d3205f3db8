//! The format and size of a picture file, from its first bytes, without decoding it.

use crate::{TraceError, error::shown};
use std::{
    fs::File,
    io::{self, BufReader, Read, Seek},
    path::Path,
};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
const JPEG: &[u8] = b"\xff\xd8\xff";

/// The advice for a file that is no picture.
const REMEDY: &str = "convert it, or copy it again";

/// Columns and rows of the PNG or JPEG at `path`.
///
/// # Errors
///
/// If the file cannot be read, or is neither.
pub fn size(path: &Path) -> Result<(u32, u32), TraceError> {
    let file = File::open(path).map_err(|error| reading(path, error))?;
    match size_of(BufReader::new(file)) {
        Ok(Some(size)) => Ok(size),
        Ok(None) => Err(TraceError::new(path, "no picture", "a PNG or JPEG", REMEDY)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Err(TraceError::new(path, "a picture that is cut off", "a whole PNG or JPEG", REMEDY))
        }
        Err(error) => Err(reading(path, error)),
    }
}

fn reading(path: &Path, error: io::Error) -> TraceError {
    let refusal = TraceError::reading(path, error);
    TraceError { expected: refusal.expected.replace("a trace file", "a PNG or JPEG"), ..refusal }
}

/// The ending of a picture file's name, by its content.
pub(super) fn ending(bytes: &[u8]) -> Result<&'static str, String> {
    match size_of(io::Cursor::new(bytes)) {
        Ok(Some(_)) if bytes.starts_with(PNG) => Ok("png"),
        Ok(Some(_)) => Ok("jpg"),
        Ok(None) => {
            Err(format!("bytes that begin \"{}\"", shown(&String::from_utf8_lossy(&bytes[..bytes.len().min(8)]))))
        }
        Err(_) => Err("a picture that is cut off".into()),
    }
}

/// The size in a picture's header; none if it has another format.
fn size_of(mut file: impl Read + Seek) -> io::Result<Option<(u32, u32)>> {
    let mut start = [0; 3];
    file.read_exact(&mut start)?;
    if PNG.starts_with(&start) {
        let rest: [u8; 21] = bytes(&mut file)?;
        let side = |at: usize| u32::from_be_bytes([rest[at], rest[at + 1], rest[at + 2], rest[at + 3]]);
        return Ok((rest[..5] == PNG[3..] && &rest[9..13] == b"IHDR").then(|| (side(13), side(17))));
    }
    if start == JPEG { jpeg(file) } else { Ok(None) }
}

/// The size in the first frame header; the marker of the first segment is still to come, but for its `ff`.
fn jpeg(mut file: impl Read + Seek) -> io::Result<Option<(u32, u32)>> {
    loop {
        // Any number of `ff` may stand before a marker.
        let mut marker = [0xff];
        while marker == [0xff] {
            marker = bytes(&mut file)?;
        }
        let length = i64::from(u16::from_be_bytes(bytes(&mut file)?));
        match marker[0] {
            // Start of frame, of every coding; c4, c8 and cc are tables.
            0xc0..=0xcf if !matches!(marker[0], 0xc4 | 0xc8 | 0xcc) => {
                let frame: [u8; 5] = bytes(&mut file)?;
                let side = |at: usize| u32::from(u16::from_be_bytes([frame[at], frame[at + 1]]));
                return Ok(Some((side(3), side(1))));
            }
            // No frame came before the picture's data or its end.
            0xd8..=0xda => return Ok(None),
            _ if length < 2 => return Ok(None),
            _ => file.seek_relative(length - 2)?,
        }
        if bytes(&mut file)? != [0xff] {
            return Ok(None);
        }
    }
}

fn bytes<const N: usize>(file: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::file_with;

    /// A JPEG's first bytes: an application's segment, padding, a frame of 640 x 480.
    const FRAME: &[u8] = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xff\xc2\x00\x11\x08\x01\xe0\x02\x80\x03";

    /// A PNG's first bytes: 112 x 56.
    const HEADER: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x70\0\0\0\x38\x08\x02";

    #[test]
    fn sizes_are_read_from_headers() {
        assert_eq!(size(file_with(FRAME).path()).unwrap(), (640, 480));
        assert_eq!(size(file_with(HEADER).path()).unwrap(), (112, 56));
        assert_eq!((ending(FRAME), ending(HEADER)), (Ok("jpg"), Ok("png")));
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        let said = |content: &[u8]| size(file_with(content).path()).unwrap_err().to_string();
        assert!(said(b"hello").contains("found no picture; expected a PNG or JPEG; convert it"));
        assert!(said(&FRAME[..12]).contains("found a picture that is cut off"));
        assert!(said(&HEADER[..20]).contains("found a picture that is cut off"));
        assert!(said(b"").contains("found a picture that is cut off"));
        assert!(said(b"\xff\xd8\xff\xda\0\x08").contains("found no picture"));
        let gone = size(Path::new("/nowhere/a.png")).unwrap_err().to_string();
        assert_eq!(gone, "/nowhere/a.png: found no such file; expected a PNG or JPEG; check the path");
    }
}
