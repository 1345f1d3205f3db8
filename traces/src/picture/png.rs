//! PNG: chunks with a checksum each, from the header to the end.

use super::{Fault, Format, Header, at, exif::Blocks, span};
use flate2::Crc;

pub const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

const XMP: &[u8] = b"XML:com.adobe.xmp\0\0\0\0\0";

/// Walks over all chunks to the last one. A file without it is cut off.
pub fn header(bytes: &[u8]) -> Result<Header, Fault> {
    let (mut stored, mut has_data, mut blocks, mut place) = (None, false, Blocks::default(), SIGNATURE.len());
    loop {
        let length = u32::from_be_bytes(at(bytes, place)?) as usize;
        let kind: [u8; 4] = at(bytes, place + 4)?;
        let content = span(bytes, place + 8, length)?;
        let end = place + 8 + length;
        let sum = u32::from_be_bytes(at(bytes, end)?);
        // Capitals mark the chunks without which there is no picture.
        if kind[0].is_ascii_uppercase() && checksum(&bytes[place + 4..end]) != sum {
            return Err(Fault::Damaged("pixel data"));
        }
        match &kind {
            b"IHDR" if place == SIGNATURE.len() && length == 13 => {
                stored = Some((u32::from_be_bytes(at(content, 0)?), u32::from_be_bytes(at(content, 4)?)));
            }
            _ if stored.is_none() => return Err(Fault::NoPicture),
            b"IDAT" => has_data = true,
            b"eXIf" => blocks.exif = Some(content),
            b"iTXt" => blocks.xmp = blocks.xmp.or(content.strip_prefix(XMP)),
            b"IEND" => break,
            _ => {}
        }
        place = end + 4;
    }
    let stored = stored.filter(|_| has_data).ok_or(Fault::NoPicture)?;
    Ok(Header { format: Format::Png, stored, turn: blocks.turn() })
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut sum = Crc::new();
    sum.update(bytes);
    sum.sum()
}
