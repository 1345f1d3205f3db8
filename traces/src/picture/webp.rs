//! WebP: chunks in a RIFF container that states its length.

use super::{Fault, Format, Header, at, exif::Blocks, span};

/// Bytes before the first chunk.
const START: usize = 12;

/// True if the bytes begin as a WebP does.
pub fn is_start(bytes: &[u8]) -> bool {
    let tag = |from: usize, tag: &[u8]| tag.starts_with(bytes.get(from..bytes.len().min(from + 4)).unwrap_or_default());
    tag(0, b"RIFF") && tag(8, b"WEBP")
}

/// Walks over all chunks. A file that is shorter than it says is cut off.
pub fn header(bytes: &[u8]) -> Result<Header, Fault> {
    let length = u32::from_le_bytes(at(bytes, 4)?) as usize;
    let content = span(bytes, 8, length)?;
    let (mut canvas, mut frame, mut blocks, mut place) = (None, None, Blocks::default(), START - 8);
    while place < content.len() {
        let kind: [u8; 4] = at(content, place)?;
        let length = u32::from_le_bytes(at(content, place + 4)?) as usize;
        let chunk = span(content, place + 8, length)?;
        match &kind {
            b"VP8X" => canvas = Some((1 + low(at(chunk, 4)?), 1 + low(at(chunk, 7)?))),
            b"VP8 " if frame.is_none() => frame = Some(lossy(chunk)?),
            b"VP8L" if frame.is_none() => frame = Some(lossless(chunk)?),
            b"ANMF" => frame = frame.or(canvas),
            b"EXIF" => blocks.exif = Some(chunk),
            b"XMP " => blocks.xmp = Some(chunk),
            _ => {}
        }
        // Chunks begin at even places.
        place += 8 + length + length % 2;
    }
    let frame = frame.ok_or(Fault::NoPicture)?;
    Ok(Header { format: Format::WebP, stored: canvas.unwrap_or(frame), turn: blocks.turn() })
}

/// A number of three bytes.
fn low(bytes: [u8; 3]) -> u32 {
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0])
}

/// Columns and rows in the head of a lossy frame, in 14 bits each.
fn lossy(chunk: &[u8]) -> Result<(u32, u32), Fault> {
    let head: [u8; 10] = at(chunk, 0)?;
    if head[3..6] != *b"\x9d\x01\x2a" {
        return Err(Fault::NoPicture);
    }
    let side = |at: usize| u32::from(u16::from_le_bytes([head[at], head[at + 1]]) & 0x3fff);
    Ok((side(6), side(8)))
}

/// Columns and rows in the head of a lossless frame, less one, in 14 bits each.
fn lossless(chunk: &[u8]) -> Result<(u32, u32), Fault> {
    let head: [u8; 5] = at(chunk, 0)?;
    if head[0] != 0x2f {
        return Err(Fault::NoPicture);
    }
    let bits = u32::from_le_bytes([head[1], head[2], head[3], head[4]]);
    Ok((1 + (bits & 0x3fff), 1 + (bits >> 14 & 0x3fff)))
}
