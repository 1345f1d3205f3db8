//! Accuracy of both models when pictures are compressed.

use super::{Graded, Tried, answered, gain, mean, prompt_of};
use backends::onnx::{Model, Picture};
use backends::real::Questions;
use drawn::SIDE_PX;

/// Compressed pictures: pixels of a side and bits of a channel that are left.
const COMPRESSED: [(u32, u32); 8] = [(56, 8), (37, 8), (28, 8), (14, 8), (112, 4), (112, 3), (112, 2), (112, 1)];

/// The scores of draft and target on pictures that were compressed in one way.
pub struct Compressed {
    /// Bits of a channel that are left.
    pub bits: u32,
    /// Share of the picture's bytes that is left.
    pub share: f64,
    /// The scores of draft and target.
    pub scores: [Vec<f64>; 2],
}

/// Prints accuracy of both models on pictures that were compressed and put back to their size.
/// `whole` has the scores on whole pictures.
pub fn measured(models: &mut [Model; 2], whole: &[Vec<f64>; 2], count: u64) -> Tried<Vec<Compressed>> {
    let mut scored = |(side, bits): (u32, u32)| -> Tried<[Vec<f64>; 2]> {
        let mut scores: [Vec<f64>; 2] = Default::default();
        for request in 0..count {
            let pictures: Vec<_> =
                Graded.pictures(request)?.iter().map(|picture| compressed(picture, side, bits)).collect();
            for (model, scores) in models.iter_mut().zip(&mut scores) {
                let prompt = prompt_of(model, request, &pictures)?;
                scores.push(answered(model, &prompt, request)?.0);
            }
        }
        Ok(scores)
    };
    println!("\n| pixels | bits | share of the bytes | draft | target | draft's change | target's change |");
    println!("|---|---|---|---|---|---|---|");
    let mut all = Vec::new();
    for (side, bits) in COMPRESSED {
        let share = f64::from(side * side * bits) / f64::from(SIDE_PX * SIDE_PX * 8);
        let scores = scored((side, bits))?;
        let means = scores.iter().map(|scores| format!("{:.3}", mean(scores)));
        let changes = scores.iter().zip(whole).map(|(less, whole)| gain(less, whole));
        let cells: Vec<String> = means.chain(changes).collect();
        println!("| {side} x {side} | {bits} | {share:.3} | {} |", cells.join(" | "));
        all.push(Compressed { bits, share, scores });
    }
    Ok(all)
}

/// The picture with `side` x `side` pixels and `bits` a channel, put back to its size by repeating pixels.
fn compressed(picture: &Picture, side: u32, bits: u32) -> Picture {
    let (from, to) = (picture.width as usize, side as usize);
    let levels = f32::from((1_u16 << bits) - 1);
    // Each pixel goes to the cell that its middle lies in.
    let cell = |at: usize| (2 * at + 1) * to / (2 * from);
    let mut cells = vec![[0.0_f32; 4]; to * to];
    let pixels = || picture.bytes.as_chunks::<3>().0.iter().enumerate();
    for (at, pixel) in pixels() {
        let sums = &mut cells[cell(at / from) * to + cell(at % from)];
        sums.iter_mut().zip(pixel).for_each(|(sum, level)| *sum += f32::from(*level));
        sums[3] += 1.0;
    }
    let level = |sum: f32, count: f32| ((sum / count / 255.0 * levels).round() / levels * 255.0).round() as u8;
    let bytes = pixels().flat_map(|(at, _)| {
        let [red, green, blue, count] = cells[cell(at / from) * to + cell(at % from)];
        [red, green, blue].map(|sum| level(sum, count))
    });
    Picture { bytes: bytes.collect(), ..picture.clone() }
}
