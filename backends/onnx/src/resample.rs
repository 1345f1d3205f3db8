//! Bicubic resampling as Pillow does it, to the last grey level: it is what the models' own preprocessing uses.
//!
//! Catmull-Rom's kernel (a = -1/2), as wide as the picture shrinks, first along the rows, then along the columns; weights are whole
//! multiples of 2^-22 and each pass rounds to 8 bits. Other implementations differ by several levels on noisy pictures.

/// Bits behind the point of a weight.
const BITS: u32 = 22;

/// Radius of the kernel, in pixels of the larger picture.
const REACH: f64 = 2.0;

/// The parts of a new pixel: the first old one, and the weights from it on.
struct Mix {
    first: usize,
    weights: Vec<i64>,
}

/// Rows of pixels of three bytes, resized from `(width, height)` to another size.
pub fn resize(bytes: &[u8], (width, height): (usize, usize), (to_width, to_height): (usize, usize)) -> Vec<u8> {
    let row = |y: usize| &bytes[y * width * 3..(y + 1) * width * 3];
    let mixes = mixes(width, to_width);
    let along: Vec<u8> = (0..height)
        .flat_map(|y| mixes.iter().flat_map(move |mix| mixed(mix, |x, channel| row(y)[x * 3 + channel])))
        .collect();
    let columns = self::mixes(height, to_height);
    let at = |x: usize, y: usize, channel: usize| along[(y * to_width + x) * 3 + channel];
    columns.iter().flat_map(|mix| (0..to_width).flat_map(move |x| mixed(mix, |y, channel| at(x, y, channel)))).collect()
}

fn mixed(mix: &Mix, old: impl Fn(usize, usize) -> u8) -> [u8; 3] {
    std::array::from_fn(|channel| {
        let parts = mix.weights.iter().zip(mix.first..).map(|(weight, at)| weight * i64::from(old(at, channel)));
        let sum: i64 = parts.sum::<i64>() + (1 << (BITS - 1));
        u8::try_from((sum >> BITS).clamp(0, 255)).expect("clamped")
    })
}

/// The mixes of a side that has `from` pixels and gets `to`.
fn mixes(from: usize, to: usize) -> Vec<Mix> {
    let scale = from as f64 / to as f64;
    let stretch = scale.max(1.0);
    let reach = REACH * stretch;
    let mix = |at: usize| {
        let centre = (at as f64 + 0.5) * scale;
        let first = (centre - reach + 0.5).max(0.0) as usize;
        let end = ((centre + reach + 0.5) as usize).min(from);
        let weights: Vec<f64> = (first..end).map(|x| kernel((x as f64 - centre + 0.5) / stretch)).collect();
        let sum: f64 = weights.iter().sum();
        let whole = |weight: f64| (weight / sum * f64::from(1 << BITS)).round() as i64;
        Mix { first, weights: weights.into_iter().map(whole).collect() }
    };
    (0..to).map(mix).collect()
}

/// Catmull and Rom's.
fn kernel(x: f64) -> f64 {
    let x = x.abs();
    if x < 1.0 {
        (1.5 * x - 2.5) * x * x + 1.0
    } else if x < REACH {
        ((2.5 - 0.5 * x) * x - 4.0) * x + 2.0
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// By Pillow 13: `Image.frombytes("L", (4, 1), bytes([0, 0, 255, 255])).resize((8, 1), Image.BICUBIC)`, and likewise.
    #[test]
    fn rows_grow_and_shrink_as_pillow_has_it() {
        for (row, pillow) in [
            (&[0, 0, 255, 255][..], &[0, 0, 0, 52, 203, 255, 255, 255][..]),
            (&[0, 200, 255, 30, 90, 7, 255, 128, 1], &[136, 118, 104, 105]),
        ] {
            let pixels: Vec<u8> = row.iter().flat_map(|level| [*level; 3]).collect();
            let resized = resize(&pixels, (row.len(), 1), (pillow.len(), 1));
            let levels: Vec<u8> = resized.chunks(3).map(|pixel| pixel[0]).collect();
            assert_eq!(levels, pillow);
        }
    }

    proptest! {
        #[test]
        fn one_colour_stays(level in any::<u8>(), from in (1_usize..30, 1_usize..30), to in (1_usize..30, 1_usize..30)) {
            let resized = resize(&vec![level; from.0 * from.1 * 3], from, to);
            prop_assert_eq!(resized, vec![level; to.0 * to.1 * 3]);
        }

        #[test]
        fn the_same_size_is_the_same_picture(bytes in prop::collection::vec(any::<u8>(), 5 * 4 * 3)) {
            prop_assert_eq!(resize(&bytes, (5, 4), (5, 4)), bytes);
        }
    }
}
