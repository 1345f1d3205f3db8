//! Arrays as NumPy stores them, read as far as replays take them: numbers in C order, little-endian.

use crate::error::{Result, refused};
use half::f16;
use std::path::Path;

/// An array of numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Its sides.
    pub shape: Vec<usize>,
    /// Its values, the last side first.
    pub values: Values,
}

/// Values of a type.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// `<f4`, or `<f2` and `<f8` made into it.
    Floats(Vec<f32>),
    /// `<i8`, or `<i4` made into it.
    Integers(Vec<i64>),
}

/// Reads a file.
///
/// # Errors
/// It cannot be read, is no .npy, or holds something else.
pub fn read(path: &Path) -> Result<Array> {
    let bytes = match traces::input::read_bytes(path) {
        Ok(bytes) => bytes,
        Err(error) => return refused(format!("cannot read {}: {error}", path.display())),
    };
    parse(&bytes).or_else(|fault| refused(format!("{}: {fault}", path.display())))
}

fn parse(bytes: &[u8]) -> std::result::Result<Array, String> {
    let none = || "no .npy array".to_owned();
    let rest = bytes.strip_prefix(b"\x93NUMPY").ok_or_else(none)?;
    let (version, rest) = rest.split_at_checked(2).ok_or_else(none)?;
    let width = if version[0] == 1 { 2 } else { 4 };
    let (length, rest) = rest.split_at_checked(width).ok_or_else(none)?;
    let length = length.iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
    let (header, data) = rest.split_at_checked(length).ok_or_else(none)?;
    let header = std::str::from_utf8(header).map_err(|_| none())?;
    if header.contains("'fortran_order': True") {
        return Err("expected C order, found Fortran's; save it with numpy.ascontiguousarray".to_owned());
    }
    let shape = between(header, "'shape': (", ")").ok_or_else(none)?;
    let shape: Vec<usize> = shape
        .split(',')
        .map(str::trim)
        .filter(|side| !side.is_empty())
        .map(|side| side.parse().map_err(|_| none()))
        .collect::<std::result::Result<_, _>>()?;
    let kind = between(header, "'descr': '", "'").ok_or_else(none)?;
    let values = match kind {
        "<f4" => Values::Floats(numbers(data, f32::from_le_bytes)),
        "<f2" => Values::Floats(numbers(data, |b| f16::from_le_bytes(b).to_f32())),
        "<f8" => Values::Floats(numbers(data, |b| f64::from_le_bytes(b) as f32)),
        "<i8" => Values::Integers(numbers(data, i64::from_le_bytes)),
        "<i4" => Values::Integers(numbers(data, |b| i64::from(i32::from_le_bytes(b)))),
        _ => return Err(format!("expected numbers of type <f4, <f2, <f8, <i8 or <i4, found {kind}")),
    };
    let there = match &values {
        Values::Floats(values) => values.len(),
        Values::Integers(values) => values.len(),
    };
    let wanted = shape.iter().try_fold(1_usize, |product, side| product.checked_mul(*side));
    if wanted != Some(there) {
        return Err(format!("cut short: {there} values, expected those of shape {shape:?}"));
    }
    Ok(Array { shape, values })
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    text.split_once(before)?.1.split_once(after).map(|(found, _)| found)
}

fn numbers<const N: usize, T>(data: &[u8], number: impl Fn([u8; N]) -> T) -> Vec<T> {
    data.as_chunks::<N>().0.iter().map(|bytes| number(*bytes)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn npy(kind: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n");
        let length = u16::try_from(header.len()).unwrap().to_le_bytes();
        [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), data].concat()
    }

    #[test]
    fn numbers_of_every_type_are_read() {
        let floats = parse(&npy("<f4", "(1, 2)", &[1.5_f32.to_le_bytes(), 2_f32.to_le_bytes()].concat())).unwrap();
        assert_eq!(floats, Array { shape: vec![1, 2], values: Values::Floats(vec![1.5, 2.0]) });
        let halves = parse(&npy("<f2", "(1,)", &f16::from_f32(0.25).to_le_bytes())).unwrap();
        assert_eq!(halves.values, Values::Floats(vec![0.25]));
        let integers = parse(&npy("<i4", "()", &(-7_i32).to_le_bytes())).unwrap();
        assert_eq!(integers, Array { shape: vec![], values: Values::Integers(vec![-7]) });
    }

    #[test]
    fn what_is_no_array_is_told() {
        assert_eq!(parse(b"hello").unwrap_err(), "no .npy array");
        assert!(parse(&npy("<f4", "(2,)", &[0; 4])).unwrap_err().starts_with("cut short: 1 values"));
        assert!(parse(&npy("|b1", "(1,)", &[0])).unwrap_err().contains("found |b1"));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..100)) {
            let _ = parse(&bytes);
            let _ = parse(&[b"\x93NUMPY\x01\x00", &bytes[..]].concat());
        }
    }
}
