//! Small files of each format, whole, cut at every byte, and turned.

use super::*;
use crate::testing::file_with;
use proptest::prelude::*;

fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
    [&[0xff, marker], &u16::try_from(content.len() + 2).unwrap().to_be_bytes()[..], content].concat()
}

/// A JPEG of 640 x 480: these segments, padding, a frame, coded data with a restart, the end.
fn jpeg(before: &[Vec<u8>]) -> Vec<u8> {
    let frame = segment(0xc2, b"\x08\x01\xe0\x02\x80\x03\x01\x11\0\x02\x11\0\x03\x11\0");
    let scan = [&segment(0xda, b"\x01\x01\0\0\x3f\0")[..], b"ab\xff\0c\xff\xd0d\xff\xd9"].concat();
    [&[0xff, 0xd8][..], &before.concat(), &[0xff], &frame, &scan].concat()
}

fn chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let named = [&kind[..], content].concat();
    let mut sum = flate2::Crc::new();
    sum.update(&named);
    [&u32::try_from(content.len()).unwrap().to_be_bytes()[..], &named, &sum.sum().to_be_bytes()].concat()
}

/// A PNG of 112 x 56 with these chunks.
fn png(before: &[Vec<u8>]) -> Vec<u8> {
    let head = chunk(b"IHDR", b"\0\0\0\x70\0\0\0\x38\x08\x02\0\0\0");
    [b"\x89PNG\r\n\x1a\n", &head[..], &before.concat(), &chunk(b"IDAT", b"data"), &chunk(b"IEND", b"")].concat()
}

fn riff(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let chunk = |(kind, content): &(&[u8; 4], &[u8])| {
        let pad = &[0][..content.len() % 2];
        [&kind[..], &u32::try_from(content.len()).unwrap().to_le_bytes(), content, pad].concat()
    };
    let chunks = chunks.iter().map(chunk).collect::<Vec<_>>().concat();
    [b"RIFF", &u32::try_from(chunks.len() + 4).unwrap().to_le_bytes()[..], b"WEBP", &chunks].concat()
}

const LOSSY: &[u8] = b"\0\0\0\x9d\x01\x2a\x60\x00\x40\x00...";

/// Tags with an orientation as their second, in either order of bytes.
fn tags(little: bool, orientation: u16) -> Vec<u8> {
    let words: [u16; 16] = [42, 0, 8, 2, 0x010f, 3, 0, 1, 7, 0, 0x0112, 3, 0, 1, orientation, 0];
    let mut words = words.to_vec();
    if little {
        // Longs are two words, the low one first.
        for at in [1, 6, 12] {
            words.swap(at, at + 1);
        }
    }
    let bytes = words.iter().flat_map(|word| if little { word.to_le_bytes() } else { word.to_be_bytes() });
    [if little { *b"II" } else { *b"MM" }.to_vec(), bytes.collect()].concat()
}

fn exif(orientation: u16) -> Vec<u8> {
    [b"Exif\0\0", &tags(false, orientation)[..]].concat()
}

#[test]
fn sizes_and_formats_are_read() {
    let cases: [(Vec<u8>, &str, (u32, u32)); 6] = [
        (jpeg(&[segment(0xe0, b"ab")]), "jpg", (640, 480)),
        (png(&[]), "png", (112, 56)),
        (riff(&[(b"VP8 ", LOSSY)]), "webp", (96, 64)),
        (riff(&[(b"VP8L", b"\x2f\x5f\xc0\x0f\0")]), "webp", (96, 64)),
        (riff(&[(b"VP8X", b"\0\0\0\0\x5f\0\0\x3f\0\0"), (b"ALPH", b"abc"), (b"VP8 ", LOSSY)]), "webp", (96, 64)),
        (riff(&[(b"VP8X", b"\x02\0\0\0\x5f\0\0\x3f\0\0"), (b"ANMF", b"...")]), "webp", (96, 64)),
    ];
    for (bytes, name, sides) in cases {
        assert_eq!(ending(&bytes), Ok(name));
        assert_eq!(size(file_with(&bytes).path()).unwrap(), sides, "{name}");
        // Bytes behind the end do not matter: cameras put films there.
        assert_eq!(header(&[&bytes[..], b"more"].concat()).unwrap().shown(), sides, "{name}");
    }
}

#[test]
fn what_is_cut_anywhere_is_refused() {
    let with_thumbnail = jpeg(&[segment(0xe1, &jpeg(&[]))]);
    for whole in [jpeg(&[]), with_thumbnail, png(&[]), riff(&[(b"VP8 ", LOSSY)])] {
        for end in 0..whole.len() {
            assert_eq!(header(&whole[..end]), Err(Fault::CutOff), "{end} of {}", whole.len());
        }
    }
}

#[test]
fn orientations_are_found_wherever_they_stand() {
    let xmp = b"http://ns.adobe.com/xap/1.0/\0<x tiff:Orientation=\"6\"/>";
    let itxt = b"XML:com.adobe.xmp\0\0\0\0\0<tiff:Orientation>6</tiff:Orientation>";
    let turned = [
        jpeg(&[segment(0xe1, &exif(6))]),
        jpeg(&[segment(0xe1, &[b"Exif\0\0", &tags(true, 6)[..]].concat())]),
        jpeg(&[segment(0xe1, xmp)]),
        png(&[chunk(b"eXIf", &tags(true, 6))]),
        png(&[chunk(b"iTXt", itxt)]),
        riff(&[(b"VP8 ", LOSSY), (b"EXIF", &exif(6))]),
        riff(&[(b"VP8 ", LOSSY), (b"EXIF", &tags(true, 6))]),
    ];
    for bytes in turned {
        let header = header(&bytes).unwrap();
        assert_eq!(header.turn, Turn::of(6), "{header:?}");
        assert_eq!(header.shown(), (header.stored.1, header.stored.0));
    }
    // EXIF goes first; a number that is none turns nothing, and neither do broken tags.
    let both = jpeg(&[segment(0xe1, xmp), segment(0xe1, &exif(3))]);
    assert_eq!(header(&both).unwrap().turn, Turn::of(3));
    for none in [exif(0), exif(9), b"Exif\0\0MM\0*\xff\xff\xff\xff".to_vec(), b"Exif\0\0".to_vec()] {
        assert_eq!(header(&jpeg(&[segment(0xe1, &none)])).unwrap().turn, Turn::NONE);
    }
}

/// A picture of 3 x 2 in each orientation, as Pillow's `ImageOps.exif_transpose` shows it.
#[test]
fn turns_are_those_of_pillow() {
    let shown = ["abcdef", "cbafed", "fedcba", "defabc", "adbecf", "daebfc", "fcebda", "cfbead"];
    for (orientation, wanted) in (1..).zip(shown) {
        let turn = Turn::of(orientation);
        let (width, height) = turn.sides((3, 2));
        let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let pixel = |(x, y): (u32, u32)| char::from(b"abcdef"[(y * 3 + x) as usize]);
        let pixels: String = places.map(|place| pixel(turn.source(place, (3, 2)))).collect();
        assert_eq!(pixels, wanted, "{orientation}");
    }
}

#[test]
fn what_is_no_picture_is_refused() {
    let said = |content: &[u8]| size(file_with(content).path()).unwrap_err().to_string();
    assert!(said(b"hello").contains("found no picture; expected a PNG, JPEG or WebP; convert it"));
    assert!(said(b"").contains("found a picture that is cut off; expected a whole PNG, JPEG or WebP; copy it again"));
    assert!(said(b"\xff\xd8\xff\xda\0\x08123456\xff\xd9").contains("found no picture"));
    // The second frame could ask for any memory.
    let frame = segment(0xc0, b"\x08\xff\xff\xff\xff\x03\x01\x11\0\x02\x11\0\x03\x11\0");
    assert_eq!(header(&jpeg(&[frame])), Err(Fault::NoPicture));
    let mut damaged = png(&[]);
    let data = damaged.windows(4).position(|bytes| bytes == b"data").unwrap();
    damaged[data] ^= 1;
    assert!(said(&damaged).contains("found a picture whose pixel data is damaged"));
    let huge = chunk(b"IHDR", b"\0\0\xff\xff\0\0\xff\xff\x08\x02\0\0\0");
    let huge = [b"\x89PNG\r\n\x1a\n", &huge[..], &chunk(b"IDAT", b"data"), &chunk(b"IEND", b"")].concat();
    let told =
        "found a picture of 65535 x 65535 pixels; expected at least one pixel and at most 178956970; scale it down";
    assert!(said(&huge).contains(told), "{}", said(&huge));
    let gone = size(Path::new("/nowhere/a.png")).unwrap_err().to_string();
    assert_eq!(gone, "/nowhere/a.png: found no such file; expected a PNG, JPEG or WebP; check the path");
}

proptest! {
    #[test]
    fn broken_headers_do_not_panic(start in 0_usize..4, bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let start = [&b"\x89PNG\r\n\x1a\n"[..], b"\xff\xd8\xff", b"RIFF\x40\0\0\0WEBP", b""][start];
        let _ = header(&[start, &bytes].concat());
    }

    #[test]
    fn broken_tags_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..60), little in any::<bool>()) {
        let start = if little { b"II*\0" } else { b"MM\0*" };
        let _ = header(&jpeg(&[segment(0xe1, &[b"Exif\0\0", &start[..], &bytes].concat())])).unwrap();
    }
}
