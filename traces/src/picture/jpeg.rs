//! JPEG: segments from the start of the image to its end.

use super::{Fault, Format, Header, at, exif::Blocks, span};

pub const START: &[u8] = b"\xff\xd8\xff";

const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";

/// Walks over all segments to the end of the image. A file without that end is cut off.
pub fn header(bytes: &[u8]) -> Result<Header, Fault> {
    let (mut stored, mut blocks, mut place) = (None, Blocks::default(), 2);
    loop {
        let (marker, behind) = next_marker(bytes, place)?;
        place = behind;
        match marker {
            0xd9 => break,
            // Markers that stand alone.
            0x01 | 0xd0..=0xd8 => continue,
            _ => {}
        }
        let length = usize::from(u16::from_be_bytes(at(bytes, place)?));
        let Some(length) = length.checked_sub(2) else { return Err(Fault::NoPicture) };
        let segment = span(bytes, place + 2, length)?;
        place += 2 + length;
        match marker {
            // Start of frame, of every coding; c4, c8 and cc are tables.
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                // A second one could ask for any memory.
                if stored.is_some() {
                    return Err(Fault::NoPicture);
                }
                let frame: [u8; 5] = at(segment, 0).map_err(|_| Fault::NoPicture)?;
                let side = |at: usize| u32::from(u16::from_be_bytes([frame[at], frame[at + 1]]));
                stored = Some((side(3), side(1)));
            }
            0xda if stored.is_none() => return Err(Fault::NoPicture),
            0xe1 if segment.starts_with(b"Exif\0\0") => _ = blocks.exif.get_or_insert(segment),
            0xe1 => blocks.xmp = blocks.xmp.or(segment.strip_prefix(XMP)),
            _ => {}
        }
    }
    let stored = stored.ok_or(Fault::NoPicture)?;
    Ok(Header { format: Format::Jpeg, stored, turn: blocks.turn() })
}

/// The next marker, and the place behind it. Coded data has `ff 00` for `ff`, and any number of `ff` may stand before a marker.
fn next_marker(bytes: &[u8], from: usize) -> Result<(u8, usize), Fault> {
    let rest = bytes.get(from..).unwrap_or_default();
    let found = rest.windows(2).position(|pair| pair[0] == 0xff && !matches!(pair[1], 0x00 | 0xff));
    found.map(|place| (rest[place + 1], from + place + 2)).ok_or(Fault::CutOff)
}
