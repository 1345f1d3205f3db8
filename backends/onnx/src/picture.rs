//! Pictures as pixels: decoded from their files, and turned the way they are shown.

use crate::error::{Result, refused};
use crate::resample;
use std::io::Cursor;
use std::path::Path;
use traces::picture::{self, Format, Header, Turn};

/// A picture of 8 bits a channel, red, green and blue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Rows of pixels, three bytes each.
    pub bytes: Vec<u8>,
}

impl Picture {
    /// Reads a PNG, JPEG or WebP, turned as its camera says. Of an animation it is the first picture.
    ///
    /// # Errors
    /// The file cannot be read, is none of these, is cut off, or has too many pixels.
    pub fn read(path: &Path) -> Result<Self> {
        let (bytes, header) = match picture::read(path) {
            Ok(read) => read,
            Err(error) => return refused(error.to_string()),
        };
        match decoded(bytes, &header) {
            Ok(picture) => Ok(picture.turned(header.turn)),
            Err(fault) => refused(format!("{}: {fault}", path.display())),
        }
    }

    /// The same picture, resized as Pillow's bicubic does.
    pub(crate) fn resized(&self, width: u32, height: u32) -> Self {
        if (width, height) == (self.width, self.height) {
            return self.clone();
        }
        let (from, to) = ((self.width, self.height), (width, height));
        let sides = |(width, height): (u32, u32)| (width as usize, height as usize);
        let bytes = resample::resize(&self.bytes, sides(from), sides(to));
        Self { width, height, bytes }
    }

    /// The picture as it is shown.
    fn turned(self, turn: Turn) -> Self {
        if turn == Turn::NONE {
            return self;
        }
        let stored = (self.width, self.height);
        let (width, height) = turn.sides(stored);
        let mut bytes = Vec::with_capacity(self.bytes.len());
        for y in 0..height {
            for x in 0..width {
                let (x, y) = turn.source((x, y), stored);
                let at = (y as usize * stored.0 as usize + x as usize) * 3;
                bytes.extend_from_slice(&self.bytes[at..at + 3]);
            }
        }
        Self { width, height, bytes }
    }
}

type Decoded = std::result::Result<Picture, String>;

/// The pixels of a file, which has no more of them than its header states.
fn decoded(bytes: Vec<u8>, header: &Header) -> Decoded {
    let picture = match header.format {
        Format::Png => png(&bytes)?,
        Format::Jpeg => jpeg(bytes)?,
        Format::WebP => webp(&bytes)?,
    };
    let pixels = picture.width as usize * picture.height as usize;
    if (picture.width, picture.height) != header.stored || picture.bytes.len() != 3 * pixels {
        return Err("a picture whose pixels do not fit its header".to_owned());
    }
    Ok(picture)
}

// Transparency is dropped, not painted over: so do Pillow and the models' own preprocessing.
fn opaque(samples: &[u8]) -> Vec<u8> {
    samples.as_chunks::<4>().0.iter().flat_map(|p| [p[0], p[1], p[2]]).collect()
}

fn png(bytes: &[u8]) -> Decoded {
    let told = |error: png::DecodingError| format!("no PNG that can be read: {error}");
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(told)?;
    let size = reader.output_buffer_size().ok_or("a PNG too large to be read")?;
    let mut samples = vec![0; size];
    let frame = reader.next_frame(&mut samples).map_err(told)?;
    samples.truncate(frame.buffer_size());
    let bytes = match frame.color_type {
        png::ColorType::Rgb => samples,
        png::ColorType::Rgba => opaque(&samples),
        png::ColorType::Grayscale => samples.iter().flat_map(|p| [*p; 3]).collect(),
        png::ColorType::GrayscaleAlpha => samples.as_chunks::<2>().0.iter().flat_map(|p| [p[0]; 3]).collect(),
        png::ColorType::Indexed => return Err("a PNG whose palette is missing".to_owned()),
    };
    Ok(Picture { width: frame.width, height: frame.height, bytes })
}

fn jpeg(bytes: Vec<u8>) -> Decoded {
    let told = |error: zune_jpeg::errors::DecodeErrors| format!("no JPEG that can be read: {error}");
    // The pixels are counted before; a side may have as many as the format can say.
    let most = usize::from(u16::MAX);
    let options = zune_core::options::DecoderOptions::default()
        .set_max_width(most)
        .set_max_height(most)
        .jpeg_set_out_colorspace(zune_core::colorspace::ColorSpace::RGB);
    let mut decoder = zune_jpeg::JpegDecoder::new_with_options(zune_core::bytestream::ZCursor::new(bytes), options);
    let bytes = decoder.decode().map_err(told)?;
    let (width, height) = decoder.dimensions().ok_or("a JPEG without a size")?;
    let side = |side: usize| u32::try_from(side).map_err(|_| "a JPEG too large to be read".to_owned());
    Ok(Picture { width: side(width)?, height: side(height)?, bytes })
}

fn webp(bytes: &[u8]) -> Decoded {
    let told = |error: image_webp::DecodingError| format!("no WebP that can be read: {error}");
    let mut decoder = image_webp::WebPDecoder::new(Cursor::new(bytes)).map_err(told)?;
    let size = decoder.output_buffer_size().ok_or("a WebP too large to be read")?;
    let mut samples = vec![0; size];
    decoder.read_image(&mut samples).map_err(told)?;
    let (width, height) = decoder.dimensions();
    let bytes = if decoder.has_alpha() { opaque(&samples) } else { samples };
    Ok(Picture { width, height, bytes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A PNG of these grey levels.
    fn grey(width: u32, height: u32, levels: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width, height);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.write_header().unwrap().write_image_data(levels).unwrap();
        bytes
    }

    fn read(bytes: &[u8]) -> std::result::Result<Picture, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("i.png");
        std::fs::write(&path, bytes).unwrap();
        Picture::read(&path).map_err(|error| error.to_string())
    }

    /// A lossless WebP of one pixel.
    const WEBP: &[u8] = b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\0\0\0\x10\x07\x10\x11\x11\x88\x88\xfe\x07\0";

    #[test]
    fn what_is_no_whole_picture_is_refused() {
        let whole = grey(2, 2, &[0, 1, 2, 3]);
        assert_eq!(read(&whole).unwrap().bytes, [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]);
        for (bytes, told) in [
            (&b"hello"[..], "found no picture; expected a PNG, JPEG or WebP"),
            (b"\x89PNG\r\n\x1a\n", "a picture that is cut off"),
            (&[0xff, 0xd8, 0xff], "a picture that is cut off"),
            (&whole[..whole.len() - 1], "a picture that is cut off"),
            (&WEBP[..WEBP.len() - 1], "a picture that is cut off"),
        ] {
            let message = read(bytes).unwrap_err();
            assert!(message.contains(told), "{message}");
        }
    }

    #[test]
    fn a_webp_is_read() {
        let picture = read(WEBP).unwrap();
        assert_eq!((picture.width, picture.height, picture.bytes.len()), (1, 1, 3));
    }

    #[test]
    fn a_turned_picture_has_its_pixels_elsewhere() {
        let picture = Picture { width: 2, height: 1, bytes: vec![1, 2, 3, 4, 5, 6] };
        assert_eq!(picture.clone().turned(Turn::of(3)).bytes, [4, 5, 6, 1, 2, 3]);
        let upright = picture.turned(Turn::of(6));
        assert_eq!((upright.width, upright.height), (1, 2));
    }

    /// A file without a library's help: its header, one pixel's data, a block of EXIF between them.
    #[test]
    fn the_orientation_of_a_file_is_applied() {
        let whole = grey(3, 1, &[7, 8, 9]);
        let data = whole.windows(4).position(|bytes| bytes == b"IDAT").unwrap() - 4;
        let tags = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
        let chunk = [&u32::try_from(tags.len()).unwrap().to_be_bytes()[..], b"eXIf", tags, &[0; 4]].concat();
        let turned = read(&[&whole[..data], &chunk, &whole[data..]].concat()).unwrap();
        assert_eq!((turned.width, turned.height), (1, 3));
        assert_eq!(turned.bytes, [7, 7, 7, 8, 8, 8, 9, 9, 9]);
    }

    proptest! {
        #[test]
        fn broken_pictures_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = png(&[b"\x89PNG\r\n\x1a\n", &bytes[..]].concat());
            let _ = jpeg([&[0xff, 0xd8], &bytes[..]].concat());
            let _ = webp(&[b"RIFF\xff\0\0\0WEBPVP8L", &bytes[..]].concat());
        }
    }
}
