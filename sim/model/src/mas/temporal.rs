//! Temporal redundancy of real frames (MSAO, Eq. 5): the share of locality-sensitive hashes that neighbours share.
//!
//! The paper names no hash family. Assumption of ours: random hyperplanes (Charikar 2002), where a hash is the side of
//! a plane on which a frame lies, so that two frames at an angle agree in the share 1 - angle / pi on average.

use super::tensor::{TensorError, dot, entries, expect_finite, expect_length, expect_some};
use kernel::{Streams, draw};

/// K random hyperplanes through the origin of R^D: the h_k of Eq. 5.
#[derive(Clone, Debug, PartialEq)]
pub struct Lsh {
    /// D: entries of a frame.
    dimension: usize,
    /// K x D, row-major: the normals of the planes.
    planes: Vec<f32>,
}

impl Lsh {
    /// K where nothing else is asked for; an assumption of ours. The similarity then has a deviation of at most 1/16.
    pub const DEFAULT_PLANES: usize = 64;

    /// `planes` hyperplanes for frames of `dimension` entries, their normals' entries drawn from N(0, 1).
    ///
    /// Plane k is a pure function of the streams' seed and k: it is drawn from the stream `lsh` with key k. More planes
    /// leave the first as they are, and so does a longer frame in its first entries. Holds 4 K D bytes.
    ///
    /// # Errors
    ///
    /// If either number is 0, or their product does not fit a machine word.
    pub fn new(dimension: usize, planes: usize, streams: Streams) -> Result<Self, TensorError> {
        expect_some("entries of a frame", dimension)?;
        expect_some("hyperplanes", planes)?;
        let mut normals = Vec::with_capacity(entries("hyperplanes", &[planes, dimension])?);
        for plane in 0..planes {
            let mut stream = streams.stream("lsh", plane as u64);
            normals.extend((0..dimension).map(|_| draw::normal(&mut stream) as f32));
        }
        Ok(Self { dimension, planes: normals })
    }

    /// h_1 .. h_K of a frame: whether it lies on the positive side of each plane, or on the plane. A frame of zeros
    /// lies on all of them.
    ///
    /// # Errors
    ///
    /// If the frame has not D entries, or one is NaN or infinite.
    pub fn signature(&self, frame: &[f32]) -> Result<Vec<bool>, TensorError> {
        expect_length("entries of a frame", self.dimension, frame.len())?;
        expect_finite("entries of a frame", frame)?;
        Ok(self.planes.chunks_exact(self.dimension).map(|normal| dot(normal, frame) >= 0.0).collect())
    }

    /// sim of Eq. 5 for two frames of D entries: the share of hashes in which they agree, in [0, 1].
    ///
    /// 1 for equal frames, 0 for opposite ones (unless a plane goes through both). Only directions count, not lengths.
    /// A frame of zeros has none: it is like another of zeros (1), and like any else in about half of the hashes.
    ///
    /// # Errors
    ///
    /// If a frame has not D entries, or one is NaN or infinite.
    pub fn similarity(&self, a: &[f32], b: &[f32]) -> Result<f64, TensorError> {
        Ok(agreement(&self.signature(a)?, &self.signature(b)?))
    }

    /// Mean of sim_t (Eq. 5) over neighbouring frames of D entries; `None` with fewer than two frames.
    ///
    /// gamma_avg of Eq. 7 is [`gamma`] of it; that it is the plain mean is an assumption of ours. Each frame is hashed
    /// once.
    ///
    /// # Errors
    ///
    /// If a frame has not D entries, or one is NaN or infinite.
    pub fn mean_similarity<'a>(&self, frames: impl IntoIterator<Item = &'a [f32]>) -> Result<Option<f64>, TensorError> {
        let (mut sum, mut pairs, mut previous) = (0.0, 0u64, None::<Vec<bool>>);
        for frame in frames {
            let signature = self.signature(frame)?;
            if let Some(previous) = &previous {
                sum += agreement(previous, &signature);
                pairs += 1;
            }
            previous = Some(signature);
        }
        Ok((pairs > 0).then(|| sum / pairs as f64))
    }
}

/// gamma of §4.1.2: 1 - sim. The paper calls it the redundancy score, but it is low where frames repeat.
pub fn gamma(similarity: f64) -> f64 {
    1.0 - similarity
}

fn agreement(a: &[bool], b: &[bool]) -> f64 {
    let equal = a.iter().zip(b).filter(|(a, b)| a == b).count();
    equal as f64 / a.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    const D: usize = 8;

    fn lsh(seed: u64) -> Lsh {
        Lsh::new(D, Lsh::DEFAULT_PLANES, Streams::new(seed)).unwrap()
    }

    #[test]
    fn by_hand() {
        // Normals (1, 0), (0, 1), (1, 1), (1, -1).
        //   a = ( 3,  1):  3 +   1 +   4 +  2 +
        //   b = ( 1, -2):  1 +  -2 -  -1 -  3 +   agrees with a in 2 of 4
        //   c = (-1, -2): -1 -  -2 -  -3 -  1 +   agrees with b in 3 of 4
        let lsh = Lsh { dimension: 2, planes: vec![1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, -1.0] };
        let (a, b, c) = ([3.0, 1.0], [1.0, -2.0], [-1.0, -2.0]);
        assert_eq!(lsh.signature(&b), Ok(vec![true, false, false, true]));
        assert_eq!(lsh.similarity(&a, &b), Ok(0.5));
        assert_eq!(lsh.similarity(&b, &c), Ok(0.75));
        assert_eq!(gamma(0.75), 0.25);
        // (.5 + .75) / 2 = .625.
        assert_eq!(lsh.mean_similarity([&a[..], &b, &c]), Ok(Some(0.625)));
        assert_eq!(lsh.mean_similarity([&a[..]]), Ok(None));
        assert_eq!(lsh.mean_similarity([]), Ok(None));
    }

    #[test]
    fn a_frame_of_zeros_lies_on_every_plane() {
        let lsh = lsh(1);
        assert_eq!(lsh.similarity(&[0.0; D], &[-0.0; D]), Ok(1.0));
        assert!(lsh.signature(&[-0.0; D]).unwrap().iter().all(|side| *side));
        let other = lsh.similarity(&[0.0; D], &[1.0; D]).unwrap();
        // 64 fair coins: 1/2, and five deviations of 1/16.
        assert!((other - 0.5).abs() < 5.0 / 16.0, "{other}");
    }

    #[test]
    fn planes_are_a_function_of_the_seed_and_their_number() {
        assert_eq!(lsh(1), lsh(1));
        assert_ne!(lsh(1), lsh(2));
        let more = Lsh::new(D, 2 * Lsh::DEFAULT_PLANES, Streams::new(1)).unwrap();
        assert!(more.planes.starts_with(&lsh(1).planes));
        let longer = Lsh::new(D + 3, Lsh::DEFAULT_PLANES, Streams::new(1)).unwrap();
        for (plane, long) in lsh(1).planes.chunks(D).zip(longer.planes.chunks(D + 3)) {
            assert!(long.starts_with(plane));
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_with_both_numbers() {
        let lsh = lsh(1);
        let message = |error: TensorError| error.to_string();
        let short = lsh.similarity(&[0.0; D], &[0.0; 7]).unwrap_err();
        assert_eq!(message(short), "entries of a frame: 8 expected, 7 came");
        let (good, bad) = ([1.0; D], [f32::INFINITY; D]);
        let infinite = lsh.mean_similarity([&good[..], &bad]).unwrap_err();
        assert_eq!(message(infinite), "entries of a frame: a finite number expected at index 0");
        assert_eq!(Lsh::new(0, 64, Streams::new(1)), Err(TensorError::Missing { what: "entries of a frame" }));
        assert_eq!(Lsh::new(8, 0, Streams::new(1)), Err(TensorError::Missing { what: "hyperplanes" }));
        assert_eq!(Lsh::new(8, usize::MAX, Streams::new(1)), Err(TensorError::TooLarge { what: "hyperplanes" }));
    }

    /// Whole numbers, so that products with a whole scale are exact and no rounding moves a frame over a plane.
    fn frame() -> impl Strategy<Value = Vec<f32>> {
        let entries = prop::collection::vec(-1000i16..1000, D);
        entries.prop_map(|entries| entries.into_iter().map(f32::from).collect())
    }

    fn scaled(frame: &[f32], factor: f32) -> Vec<f32> {
        frame.iter().map(|x| factor * x).collect()
    }

    /// Planes enough to see the expectation.
    static MANY: LazyLock<Lsh> = LazyLock::new(|| Lsh::new(D, 20_000, Streams::new(7)).unwrap());

    proptest! {
        #[test]
        fn equal_is_one_opposite_is_zero_and_order_does_not_matter(a in frame(), b in frame(), seed: u64) {
            let lsh = lsh(seed);
            prop_assert_eq!(lsh.similarity(&a, &a), Ok(1.0));
            prop_assert_eq!(lsh.similarity(&a, &b), lsh.similarity(&b, &a));
            if a.iter().any(|x| *x != 0.0) {
                prop_assert_eq!(lsh.similarity(&a, &scaled(&a, -1.0)), Ok(0.0));
            }
        }

        #[test]
        fn only_directions_count(a in frame(), b in frame(), whole in 1u16..1000, power in 0i32..60, seed: u64) {
            let lsh = lsh(seed);
            let similarity = lsh.similarity(&a, &b);
            prop_assert_eq!(lsh.similarity(&scaled(&a, f32::from(whole)), &b), similarity);
            prop_assert_eq!(lsh.similarity(&a, &scaled(&b, libm::ldexpf(1.0, -power))), similarity);
        }

        #[test]
        fn any_frames_give_a_share_or_an_error(
            a in prop::collection::vec(prop::num::f32::ANY, D), b in prop::collection::vec(prop::num::f32::ANY, D)
        ) {
            match lsh(3).similarity(&a, &b) {
                Ok(similarity) => prop_assert!((0.0..=1.0).contains(&similarity)),
                Err(_) => prop_assert!(a.iter().chain(&b).any(|x| !x.is_finite())),
            }
        }

        #[test]
        fn the_expectation_is_one_minus_the_angle_over_pi(a in frame(), b in frame(), towards in -20.0f32..20.0) {
            // Some of a in b, so that small and large angles occur.
            let b: Vec<f32> = b.iter().zip(&a).map(|(b, a)| b + towards * a).collect();
            let (aa, bb) = (dot(&a, &a), dot(&b, &b));
            prop_assume!(aa > 0.0 && bb > 0.0);
            let angle = libm::acos((dot(&a, &b) / (aa * bb).sqrt()).clamp(-1.0, 1.0));
            let want = 1.0 - angle / std::f64::consts::PI;
            let similarity = MANY.similarity(&a, &b).unwrap();
            // A share of 20,000 planes has a deviation of at most .5 / sqrt(20000) = .00354; five of them.
            prop_assert!((similarity - want).abs() < 0.0177, "{} where {} is expected", similarity, want);
        }
    }
}
