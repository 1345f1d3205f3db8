//! The renewal form of drafting and verifying: what a round commits, and what it takes.

use super::Drafting;

/// Rounds of drafting and verifying.
pub(super) struct Rounds<'d> {
    pub drafting: &'d Drafting<'d>,
    /// Seconds of a drafted token.
    pub draft: f64,
    /// Seconds in the cloud of the verification of so many.
    pub compute: &'d dyn Fn(u32) -> f64,
    /// Seconds on the link of so many, with or without the state of an unsure token.
    pub link: &'d dyn Fn(u32, bool) -> f64,
}

/// The batches of a pipeline that is never stopped: the time at which each is sent and its verdict lands.
struct Unstopped {
    sent: Vec<f64>,
    landed: Vec<f64>,
}

impl Rounds<'_> {
    /// From sending a batch to its verdict.
    fn verify(&self, drafts: u32, unsure: bool) -> f64 {
        (self.compute)(drafts) + (self.link)(drafts, unsure)
    }

    /// Batches that end early: the probability of each, and its tokens that are sure enough.
    fn unsure(&self) -> impl Iterator<Item = (f64, u32)> {
        let Drafting { n_draft, confident, .. } = *self.drafting;
        let reach = (0..n_draft).scan(1.0, move |reach, sure| {
            let unsure = *reach * (1.0 - confident);
            *reach *= confident;
            Some((unsure, sure))
        });
        reach.filter(|(probability, _)| *probability > 0.0)
    }

    /// Seconds for so many tokens when the edge waits for every verdict.
    pub fn blocking(&self, tokens: f64) -> f64 {
        let Drafting { n_draft, confident, acceptance, speculation } = *self.drafting;
        let (mut mean, mut square, mut time) = (0.0, 0.0, 0.0);
        let mut add = |probability: f64, committed: (f64, f64), seconds: f64| {
            mean += probability * committed.0;
            square += probability * committed.1;
            time += probability * seconds;
        };
        for (probability, sure) in self.unsure() {
            let seconds = f64::from(sure + 1) * self.draft + self.verify(sure, true);
            add(probability, committed(acceptance, sure, true), seconds);
        }
        let full = libm::pow(confident, f64::from(n_draft));
        let seconds = f64::from(n_draft) * self.draft + self.verify(n_draft, false);
        add(full, committed(acceptance, n_draft, speculation.bonus), seconds);
        // The last round overshoots by half of what the mean round of a length-biased choice holds.
        let overshoot = (square / mean - 1.0) / 2.0;
        (tokens + overshoot) / mean * time
    }

    /// The first so many batches of a pipeline. The edge goes on when fewer than W of them are on their way, the cloud
    /// verifies one after the other.
    fn unstopped(&self, batches: usize) -> Unstopped {
        let Drafting { n_draft, speculation, .. } = *self.drafting;
        let (window, drafting) = (speculation.window as usize, f64::from(n_draft) * self.draft);
        let (compute, verify) = ((self.compute)(n_draft), self.verify(n_draft, false));
        let (mut sent, mut landed) = (Vec::with_capacity(batches), Vec::with_capacity(batches));
        for batch in 0..batches {
            let last = sent.last().copied().unwrap_or(0.0);
            let room = if batch < window { 0.0 } else { landed[batch - window] };
            sent.push(f64::max(last, room) + drafting);
            let free = landed.last().map_or(0.0, |landed| landed + compute);
            landed.push(f64::max(sent[batch] + verify, free));
        }
        Unstopped { sent, landed }
    }

    /// Seconds for so many tokens with several batches in flight: cycles of batches that are accepted whole, and one at the
    /// end that is rejected or has a token that is not sure enough, whose verdict the edge has to wait for.
    pub fn pipelined(&self, tokens: f64) -> f64 {
        let Drafting { n_draft, confident, acceptance, speculation } = *self.drafting;
        let (n, window) = (f64::from(n_draft), speculation.window as usize);
        let most = libm::ceil(tokens / n) as usize;
        let Unstopped { sent, landed } = self.unstopped(most + window);
        let full = libm::pow(confident, n);
        let whole = full * libm::pow(acceptance, n);
        // Tokens of a full batch that is accepted whole, and what the others bring by themselves.
        let all = committed(acceptance, n_draft, false);
        let rejected = (full * all.0 - whole * n, full * all.1 - whole * n * n);
        let (mut mean, mut square, mut time, mut reach) = (0.0, 0.0, 0.0, 1.0);
        for batch in 0..most {
            let before = batch as f64 * n;
            let mut add = |probability: f64, tokens: (f64, f64)| {
                mean += reach * (probability * before + tokens.0);
                square += reach * (probability * before * before + 2.0 * before * tokens.0 + tokens.1);
            };
            let free = if batch == 0 { f64::NEG_INFINITY } else { landed[batch - 1] };
            let begun = sent[batch] - n * self.draft;
            for (probability, sure) in self.unsure() {
                let sending = begun + f64::from(sure + 1) * self.draft;
                let verdict = f64::max(sending + self.verify(sure, true), free + (self.compute)(sure));
                let tokens = committed(acceptance, sure, true);
                add(probability, (probability * tokens.0, probability * tokens.1));
                time += reach * probability * verdict;
            }
            // The token that is being drafted when the verdict arrives is made to its end, unless the window is full.
            let ahead = (landed[batch] - sent[batch]) / self.draft;
            let full_window = sent[batch + window - 1] <= landed[batch];
            let left = if full_window { 0.0 } else { (libm::ceil(ahead) - ahead) * self.draft };
            add(full - whole, rejected);
            time += reach * (full - whole) * (landed[batch] + left);
            reach *= whole;
            if reach < 1e-9 {
                break;
            }
        }
        // Where nothing stops it, the answer ends the cycle, and its last batch.
        mean += reach * tokens;
        time += reach * (landed[most - 1] - (most as f64 * n - tokens) * self.draft);
        // The last cycle is cut short by what it overshoots, but for the wait at its end.
        let overshoot = (1.0 - reach) * (square / mean - 1.0).max(0.0) / 2.0;
        let each = sent[most - 1] / (most as f64 * n);
        tokens / mean * time + overshoot * (time / mean - each)
    }
}

/// Mean and mean square of the tokens that a batch of `drafts` commits: the accepted ones and one of the target's own,
/// but for a batch that is accepted whole without a bonus.
fn committed(acceptance: f64, drafts: u32, bonus: bool) -> (f64, f64) {
    let (mut mean, mut square, mut reach) = (0.0, 0.0, 1.0);
    for accepted in 0..drafts {
        let tokens = f64::from(accepted) + 1.0;
        mean += reach * (1.0 - acceptance) * tokens;
        square += reach * (1.0 - acceptance) * tokens * tokens;
        reach *= acceptance;
    }
    let whole = f64::from(drafts) + f64::from(u8::from(bonus));
    (mean + reach * whole, square + reach * whole * whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_of_a_verify_are_the_formula() {
        // (1 - a^(g+1)) / (1 - a) with a bonus, (1 - a^g) / (1 - a) without.
        for (a, g) in [(0.5, 4), (0.825, 4), (0.9, 1), (0.97, 16)] {
            let formula = |n: i32| (1.0 - libm::pow(a, f64::from(n))) / (1.0 - a);
            assert!((committed(a, g, true).0 - formula(g as i32 + 1)).abs() < 1e-12);
            assert!((committed(a, g, false).0 - formula(g as i32)).abs() < 1e-12);
        }
        // All accepted: always g + 1.
        assert_eq!(committed(1.0, 4, true), (5.0, 25.0));
    }
}
