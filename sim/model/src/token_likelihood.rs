//! The likelihood of recorded tokens under the two-state process of [`crate::tokens`], which a fit maximises.
//!
//! A request's share of hard tokens is not seen, so it is integrated over; the states are not seen, so they are summed over
//! (the forward algorithm of hidden Markov chains).

use crate::tokens::TwoState;

/// Shares of hard tokens that the integral is taken at.
const SHARES: usize = 24;

/// Entropies below this, in nats, are not told apart: each has the mean density of all of them.
const LEAST_NATS: f64 = 1e-3;

/// Mean logarithm of the density of an entropy, over all tokens of all requests (nats in, 1/nats).
pub fn entropy_log_likelihood(chain: &TwoState, requests: &[Vec<f64>]) -> f64 {
    let nodes = nodes(chain);
    let tokens: usize = requests.iter().map(Vec::len).sum();
    requests.iter().map(|entropies| of_request(chain, &nodes, entropies)).sum::<f64>() / tokens.max(1) as f64
}

/// Shares of hard tokens, each with the logarithm of its weight. They lie as sin^2 does, dense at both ends. The
/// integrand is then smooth there too for parameters from a half up.
fn nodes(chain: &TwoState) -> Vec<(f64, f64)> {
    let at = |node: usize| {
        let sine = libm::sin(std::f64::consts::FRAC_PI_2 * (node as f64 + 0.5) / SHARES as f64);
        sine * sine
    };
    let log_density =
        |share: f64| (chain.hard_alpha - 0.5) * libm::log(share) + (chain.hard_beta - 0.5) * libm::log(1.0 - share);
    let logs: Vec<f64> = (0..SHARES).map(|node| log_density(at(node))).collect();
    let sum = log_sum(&logs);
    logs.into_iter().enumerate().map(|(node, log)| (at(node), log - sum)).collect()
}

fn of_request(chain: &TwoState, nodes: &[(f64, f64)], entropies: &[f64]) -> f64 {
    let densities: Vec<(f64, f64)> = entropies
        .iter()
        .map(|entropy| {
            let of_easy = density(*entropy, chain.easy_entropy_nats, chain.easy_deviation);
            (of_easy, density(*entropy, chain.hard_entropy_nats, chain.hard_deviation))
        })
        .collect();
    let stay = chain.stay.as_f64();
    let logs: Vec<f64> =
        nodes.iter().map(|(share, log_weight)| log_weight + forward(*share, stay, &densities)).collect();
    log_sum(&logs)
}

/// The logarithm of the likelihood of a request with that share of hard tokens.
fn forward(share: f64, stay: f64, densities: &[(f64, f64)]) -> f64 {
    let (mut hard, mut log) = (share, 0.0);
    for (place, (of_easy, of_hard)) in densities.iter().enumerate() {
        if place > 0 {
            hard = stay * hard + (1.0 - stay) * share;
        }
        let (easy_now, hard_now) = ((1.0 - hard) * of_easy, hard * of_hard);
        let both = (easy_now + hard_now).max(f64::MIN_POSITIVE);
        log += libm::log(both);
        hard = hard_now / both;
    }
    log
}

/// The density of an entropy, 1/nats: lognormal with a deviation, else that of Gamma(2, mean / 2).
fn density(entropy: f64, mean: f64, deviation: Option<f64>) -> f64 {
    match deviation {
        None => gamma_density(entropy, mean / 2.0),
        Some(deviation) => lognormal_density(entropy, libm::log(mean) - deviation * deviation / 2.0, deviation),
    }
}

fn gamma_density(entropy: f64, scale: f64) -> f64 {
    if entropy < LEAST_NATS {
        let least = LEAST_NATS / scale;
        // expm1 keeps the digits that 1 - exp(-x) (1 + x) would lose for a small x.
        return (-libm::expm1(-least) - least * libm::exp(-least)) / LEAST_NATS;
    }
    entropy / (scale * scale) * libm::exp(-entropy / scale)
}

fn lognormal_density(entropy: f64, median_log: f64, deviation: f64) -> f64 {
    let z = |entropy: f64| (libm::log(entropy) - median_log) / deviation;
    if entropy < LEAST_NATS {
        return 0.5 * libm::erfc(-z(LEAST_NATS) * std::f64::consts::FRAC_1_SQRT_2) / LEAST_NATS;
    }
    let z = z(entropy);
    libm::exp(-0.5 * z * z) / (entropy * deviation * std::f64::consts::TAU.sqrt())
}

fn log_sum(logs: &[f64]) -> f64 {
    let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    most + libm::log(logs.iter().map(|log| libm::exp(log - most)).sum::<f64>())
}

/// Mean logarithm of the probability of each verdict given its entropy.
pub fn verdict_log_likelihood(chain: &TwoState, tokens: &[(f64, bool)]) -> f64 {
    let log = |(entropy, accepted): &(f64, bool)| {
        let p = chain.acceptance(*entropy).clamp(1e-6, 1.0 - 1e-6);
        libm::log(if *accepted { p } else { 1.0 - p })
    };
    tokens.iter().map(log).sum::<f64>() / tokens.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::TokenProcess;
    use kernel::Streams;
    use units::Ratio;

    #[test]
    fn a_verdict_that_cannot_be_has_a_probability_of_a_millionth() {
        let sure = TwoState { accept_peak: Ratio::ONE, ..TwoState::default() };
        let rejected = verdict_log_likelihood(&sure, &[(0.0, false)]);
        assert!((rejected / libm::log(1e-6) - 1.0).abs() < 1e-9, "{rejected}");
        assert!(verdict_log_likelihood(&sure, &[(0.0, true)]).abs() < 1e-5);
        assert_eq!(verdict_log_likelihood(&sure, &[]), 0.0);
    }

    /// Each law has the mass of 1 below 60 nats, summed in small steps; the lowest step holds what is not told apart.
    #[test]
    fn densities_sum_to_one() {
        for deviation in [None, Some(0.4), Some(2.0)] {
            let steps = (0..60_000).map(|step| density(1e-3 * (f64::from(step) + 0.5), 0.2, deviation));
            let mass = 1e-3 * steps.sum::<f64>();
            assert!((mass - 1.0).abs() < 2e-3, "{deviation:?}: {mass}");
        }
    }

    #[test]
    fn the_process_that_made_them_is_the_likeliest() {
        let truth = TwoState::default();
        let process = TokenProcess::TwoState(truth);
        let streams = Streams::new(5);
        let draw = |request| {
            let tokens = process.request(streams, request, 1);
            (0..60).map(|position| process.outcome(&tokens, position)).collect::<Vec<_>>()
        };
        let drawn: Vec<_> = (0..300).map(draw).collect();
        let entropies: Vec<Vec<f64>> =
            drawn.iter().map(|all| all.iter().map(|one| f64::from(one.entropy_nats)).collect()).collect();
        let verdicts: Vec<(f64, bool)> =
            drawn.iter().flatten().map(|one| (f64::from(one.entropy_nats), one.agrees)).collect();
        let (best, judged) = (entropy_log_likelihood(&truth, &entropies), verdict_log_likelihood(&truth, &verdicts));
        for other in [
            TwoState { stay: Ratio::new(0.1), ..truth },
            TwoState { stay: Ratio::new(0.9), ..truth },
            TwoState { hard_alpha: 4.0, ..truth },
            TwoState { easy_entropy_nats: 0.2, ..truth },
            TwoState { hard_entropy_nats: 1.0, ..truth },
            TwoState { easy_deviation: Some(0.8), ..truth },
        ] {
            assert!(entropy_log_likelihood(&other, &entropies) < best, "{other:?}");
        }
        for other in [TwoState { accept_half_nats: 2.0, ..truth }, TwoState { accept_power: 3.0, ..truth }] {
            assert!(verdict_log_likelihood(&other, &verdicts) < judged, "{other:?}");
        }
    }
}
