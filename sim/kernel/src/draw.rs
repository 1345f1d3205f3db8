//! Random variates, portable to the last bit.
//!
//! Crates share features in one build. Any crate that turns on `num-traits/std` switches `rand_distr` from the `libm`
//! crate to the platform's functions. Those differ in the last bit in several per cent of draws.
//!
//! So only the ziggurats of `rand_distr` are used, and of them only the table lookups. Their tails take a logarithm,
//! so a draw that falls into a tail is drawn again here. Each logarithm or power calls `libm`, by name. The
//! determinism fence forbids `f64::ln` and its kin in the simulated packages.

use crate::random::{Stream, unit};
use rand_distr::{Distribution, Exp1, StandardNormal};

/// Uniform in (0, 1).
#[inline]
pub fn uniform(stream: &mut Stream) -> f64 {
    unit(stream)
}

/// Exponential with mean 1.
#[inline]
pub fn exponential(stream: &mut Stream) -> f64 {
    let x: f64 = Exp1.sample(stream);
    // Beyond any point the law has no memory: the tail begins anew.
    if x < EXPONENTIAL_TAIL { x } else { EXPONENTIAL_TAIL - libm::log(unit(stream)) }
}

/// Start of the tails of the ziggurats (Doornik 2005, 256 layers).
const EXPONENTIAL_TAIL: f64 = 7.697_117_470_131_05;
const NORMAL_TAIL: f64 = 3.654_152_885_361_009;

/// Normal with mean 0 and standard deviation 1.
#[inline]
pub fn normal(stream: &mut Stream) -> f64 {
    let x: f64 = StandardNormal.sample(stream);
    if x.abs() < NORMAL_TAIL { x } else { normal_tail(stream).copysign(x) }
}

/// A normal above [`NORMAL_TAIL`], by Marsaglia (1964).
#[cold]
fn normal_tail(stream: &mut Stream) -> f64 {
    loop {
        let x = -libm::log(unit(stream)) / NORMAL_TAIL;
        let y = -libm::log(unit(stream));
        if 2.0 * y > x * x {
            return NORMAL_TAIL + x;
        }
    }
}

/// exp(N(mu, sigma)): lognormal with median exp(mu).
pub fn lognormal(mu: f64, sigma: f64, stream: &mut Stream) -> f64 {
    libm::exp(mu + sigma * normal(stream))
}

/// Gamma with the given shape and scale (mean shape * scale), by Marsaglia and Tsang (2000).
pub fn gamma(shape: f64, scale: f64, stream: &mut Stream) -> f64 {
    if shape < 1.0 {
        // Their boost: Gamma(a) = Gamma(a + 1) U^(1/a).
        let power = libm::pow(uniform(stream), 1.0 / shape);
        return gamma(shape + 1.0, scale, stream) * power;
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = normal(stream);
        let v = 1.0 + c * x;
        if v <= 0.0 {
            continue;
        }
        let v = v * v * v;
        if libm::log(uniform(stream)) < 0.5 * x * x + d - d * v + d * libm::log(v) {
            return d * v * scale;
        }
    }
}

/// Beta(a, b), from two gammas.
pub fn beta(a: f64, b: f64, stream: &mut Stream) -> f64 {
    let x = gamma(a, 1.0, stream);
    x / (x + gamma(b, 1.0, stream))
}

/// Weibull with the given shape and scale, by inversion.
pub fn weibull(shape: f64, scale: f64, stream: &mut Stream) -> f64 {
    scale * libm::pow(exponential(stream), 1.0 / shape)
}

/// Failures before the first success of probability `p`; mean (1 - p) / p.
///
/// # Panics
/// If `p` is not in (0, 1].
pub fn geometric(p: f64, stream: &mut Stream) -> u64 {
    assert!(p > 0.0 && p <= 1.0, "a geometric law needs a probability above 0, not {p}");
    if p == 1.0 {
        return 0;
    }
    libm::floor(libm::log(uniform(stream)) / libm::log1p(-p)) as u64
}

/// Successes among `n` trials of probability `p`, by jumping from success to success: O(1 + n p).
pub fn binomial(n: u64, p: f64, stream: &mut Stream) -> u64 {
    if p <= 0.0 {
        return 0;
    }
    let (mut successes, mut trial) = (0, geometric(p, stream));
    while trial < n {
        successes += 1;
        trial += 1 + geometric(p, stream);
    }
    successes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Streams;

    /// Mean and variance of 200,000 draws.
    fn moments(mut draw: impl FnMut(&mut Stream) -> f64) -> (f64, f64) {
        let mut stream = Streams::new(11).stream("moments", 0);
        let n = 200_000;
        let (mut sum, mut square) = (0.0, 0.0);
        for _ in 0..n {
            let x = draw(&mut stream);
            sum += x;
            square += x * x;
        }
        let mean = sum / f64::from(n);
        (mean, square / f64::from(n) - mean * mean)
    }

    fn near((mean, variance): (f64, f64), want: (f64, f64)) {
        assert!((mean - want.0).abs() < 0.015 * want.0.max(1.0), "mean {mean}, want {}", want.0);
        assert!((variance - want.1).abs() < 0.04 * want.1.max(0.3), "variance {variance}, want {}", want.1);
    }

    #[test]
    fn moments_are_those_of_the_laws() {
        near(moments(exponential), (1.0, 1.0));
        near(moments(normal), (0.0, 1.0));
        near(moments(|s| gamma(2.0, 0.7, s)), (1.4, 0.98));
        near(moments(|s| gamma(0.5, 2.0, s)), (1.0, 2.0));
        near(moments(|s| beta(1.2, 2.8, s)), (0.3, 0.042));
        near(moments(|s| weibull(2.0, 1.0, s)), (0.886_227, 0.214_602));
        near(moments(|s| geometric(0.625, s) as f64), (0.6, 0.96));
        near(moments(|s| binomial(100, 0.03, s) as f64), (3.0, 2.91));
        near(moments(|s| lognormal(0.0, 0.35, s)), (1.063_159, 0.147_300));
    }

    #[test]
    fn draws_are_frozen_to_the_last_bit() {
        let mut s = Streams::new(5).stream("bits", 0);
        let bits = [
            exponential(&mut s),
            normal(&mut s),
            gamma(2.5, 1.0, &mut s),
            beta(1.2, 2.8, &mut s),
            lognormal(0.1, 0.6, &mut s),
            weibull(1.3, 2.0, &mut s),
        ]
        .map(f64::to_bits);
        assert_eq!(bits, FROZEN, "{bits:#x?}");
    }

    const FROZEN: [u64; 6] = [
        0x4002_1e86_e1e1_523f,
        0xbfe7_a11c_4c53_3c47,
        0x3ffd_c937_5559_694c,
        0x3fc6_54b4_43f2_7551,
        0x3ffe_7724_5176_ff5c,
        0x3fe0_9712_aae3_ef50,
    ];
}
