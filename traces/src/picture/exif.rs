//! The orientation in the EXIF and XMP blocks of a picture.

use super::Turn;

/// The tag of the orientation.
const ORIENTATION: u16 = 0x0112;

/// The blocks of a file, as far as they were found.
#[derive(Default)]
pub struct Blocks<'b> {
    /// EXIF: a TIFF of tags.
    pub exif: Option<&'b [u8]>,
    /// XMP: XML.
    pub xmp: Option<&'b [u8]>,
}

impl Blocks<'_> {
    /// The turn that they state: EXIF's, else XMP's, else none. Pillow looks in this order too.
    pub fn turn(&self) -> Turn {
        let of_exif = self.exif.and_then(orientation);
        of_exif.or_else(|| self.xmp.and_then(orientation_of_xmp)).map_or(Turn::NONE, Turn::of)
    }
}

/// The orientation among the tags of the first directory.
fn orientation(block: &[u8]) -> Option<u32> {
    let tiff = block.strip_prefix(b"Exif\0\0").unwrap_or(block);
    let little = match tiff.get(..4)? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let short = |place: usize| {
        let bytes = tiff.get(place..place.checked_add(2)?)?.try_into().ok()?;
        Some(if little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    };
    let long = |place: usize| {
        let bytes = tiff.get(place..place.checked_add(4)?)?.try_into().ok()?;
        Some(if little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    };
    let directory = usize::try_from(long(4)?).ok()?;
    let entries = usize::from(short(directory)?);
    let entry = (0..entries).map(|at| directory + 2 + 12 * at).find(|entry| short(*entry) == Some(ORIENTATION))?;
    // A short by the standard; some write a byte or a long.
    match short(entry + 2)? {
        1 => tiff.get(entry + 8).map(|byte| u32::from(*byte)),
        3 => short(entry + 8).map(u32::from),
        4 => long(entry + 8),
        _ => None,
    }
}

/// The digit behind `tiff:Orientation="` or `tiff:Orientation>`.
fn orientation_of_xmp(xml: &[u8]) -> Option<u32> {
    const KEY: &[u8] = b"tiff:Orientation";
    let mut places = xml.windows(KEY.len()).enumerate().filter(|(_, window)| *window == KEY);
    places.find_map(|(place, _)| {
        let rest = &xml[place + KEY.len()..];
        let digit = rest.strip_prefix(b"=\"").or(rest.strip_prefix(b">"))?.first()?;
        digit.is_ascii_digit().then(|| u32::from(digit - b'0'))
    })
}
