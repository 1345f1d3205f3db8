//! Further candidates of the draft: the place of the target's token among them, and the chance of each by its entropy.

use super::{Calibration, RequestTokens, TokenProcess};

/// Probability that the next candidate is the target's token, where none before it is [A]. Published rates of 1 to 5 candidates
/// grow by a quarter of the misses at first, and by less later (SpecInfer, arXiv 2305.09781, Table 1).
const NEXT: f64 = 0.25;

/// Keys of the draws, far above those of everything else.
const RANKS: u64 = 1 << 50;

/// Candidates that are looked at, at most; the target's token may be none of them.
const MOST: u32 = 64;

impl TokenProcess {
    /// The place of the target's token among the draft's candidates at `position`, likeliest first: 0 exactly if the target agrees
    /// with the draft's token.
    pub fn rank(&self, tokens: &RequestTokens, position: u32) -> u32 {
        if self.outcome(tokens, position).agrees {
            return 0;
        }
        let draw = tokens.keyed.unit(RANKS + u64::from(position));
        // One draw for all: the candidate behind the first whose share of the misses the draw falls into.
        let (mut rank, mut left) = (1, 1.0 - NEXT);
        while draw < left && rank < MOST {
            (rank, left) = (rank + 1, left * (1.0 - NEXT));
        }
        rank
    }
}

impl Calibration {
    /// The chance that the target agrees with a token of this entropy: the share of those of the set that are nearest to it, a tenth
    /// of all.
    ///
    /// ```
    /// use model::tokens::{Calibration, TokenOutcome};
    ///
    /// let token = |entropy_nats, agrees| TokenOutcome { entropy_nats, agrees };
    /// let set = Calibration::of(vec![token(0.1, true), token(0.2, true), token(2.0, false), token(2.5, false)]);
    /// assert_eq!((set.chance(0.1), set.chance(3.0)), (1.0, 0.0));
    /// ```
    pub fn chance(&self, entropy_nats: f32) -> f64 {
        let tokens = self.entropies.len();
        let half = (tokens / 20).max(1);
        let at = self.entropies.partition_point(|entropy| *entropy <= entropy_nats);
        let (from, to) = (at.saturating_sub(half).min(tokens - 1), (at + half).min(tokens));
        let before = from.checked_sub(1).map_or(0.0, |last| self.agreed[last]);
        (self.agreed[to - 1] - before) / (to - from) as f64
    }

    /// The chance that the target's token is this one of the candidates at this entropy, counted from 0.
    pub fn chance_of(&self, entropy_nats: f32, rank: u32) -> f64 {
        let first = self.chance(entropy_nats);
        match rank {
            0 => first,
            _ => (1.0 - first) * NEXT * libm::pow(1.0 - NEXT, f64::from(rank - 1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Streams;
    use units::Ratio;

    #[test]
    fn ranks_are_geometric_behind_the_first() {
        let (process, streams) = (TokenProcess::Iid(Ratio::new(0.6)), Streams::new(3));
        let mut counts = [0_u32; 4];
        for request in 0..20_000 {
            let tokens = process.request(streams, request, 1);
            let rank = process.rank(&tokens, 5);
            assert_eq!(rank == 0, process.outcome(&tokens, 5).agrees);
            counts[rank.min(3) as usize] += 1;
        }
        let shares = counts.map(|count| f64::from(count) / 20_000.0);
        for (share, expected) in shares.iter().zip([0.6, 0.4 * 0.25, 0.4 * 0.75 * 0.25, 0.4 * 0.75 * 0.75]) {
            assert!((share - expected).abs() < 0.01, "{shares:?}");
        }
    }

    #[test]
    fn chances_are_those_of_the_process() {
        let process = TokenProcess::Iid(Ratio::new(0.7));
        let set = Calibration::sample(&process, 5_000, 1);
        assert!((set.chance(0.3) - 0.7).abs() < 0.06);
        let all: f64 = (0..64).map(|rank| set.chance_of(0.3, rank)).sum();
        assert!((all - 1.0).abs() < 1e-6, "{all}");
        let chain = Calibration::sample(&TokenProcess::default(), 5_000, 1);
        assert!(chain.chance(0.05) > 0.95 && chain.chance(3.0) < 0.4);
    }
}
