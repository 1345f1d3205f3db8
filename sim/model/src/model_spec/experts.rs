//! A mixture of experts in the place of an MLP.

use serde::{Deserialize, Serialize};

/// The routed and shared experts of every layer.
///
/// A router sends each token to some of the experts, and an iteration reads those that any of its tokens was sent to. The
/// routing is assumed to be uniform and independent [A]: real routers favour some experts, so fewer are hit.
///
/// ```
/// use model::model_spec::Experts;
///
/// let experts = Experts { experts: 128, per_token: 8, shared: 0, intermediate: 768 };
/// assert_eq!(experts.expected_hit(1), 8.0);
/// assert_eq!(experts.expected_hit(64).round(), 126.0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Experts {
    /// Routed experts of a layer.
    pub experts: u64,
    /// Routed experts that a token passes.
    pub per_token: u64,
    /// Experts that every token passes beside them, of the same width.
    pub shared: u64,
    /// Width of an expert's MLP.
    pub intermediate: u64,
}

impl Experts {
    /// Expected number of distinct experts of a layer that so many tokens hit: E (1 - (1 - k / E)^n).
    pub fn expected_hit(&self, tokens: u64) -> f64 {
        let (experts, per_token) = (self.experts as f64, self.per_token as f64);
        experts * (1.0 - libm::pow(1.0 - per_token / experts, tokens as f64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QWEN3: Experts = Experts { experts: 128, per_token: 8, shared: 0, intermediate: 768 };

    #[test]
    fn no_token_hits_none_one_hits_its_own_and_many_hit_all() {
        assert_eq!((QWEN3.expected_hit(0), QWEN3.expected_hit(1)), (0.0, 8.0));
        assert!((QWEN3.expected_hit(2) - (8.0 + 8.0 * 120.0 / 128.0)).abs() < 1e-12);
        assert!(QWEN3.expected_hit(1000) > 127.999 && QWEN3.expected_hit(1000) <= 128.0);
        let all = Experts { per_token: 128, ..QWEN3 };
        assert_eq!(all.expected_hit(1), 128.0);
    }

    /// Two experts, one a token: by counting all routes of three tokens, 2 of 8 hit one expert and 6 hit both.
    #[test]
    fn the_expectation_is_that_of_all_routes() {
        let two = Experts { experts: 2, per_token: 1, ..QWEN3 };
        assert!((two.expected_hit(3) - (2.0 + 6.0 * 2.0) / 8.0).abs() < 1e-12);
    }
}
