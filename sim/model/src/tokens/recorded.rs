//! Tokens of an earlier run, played again.

use super::TokenOutcome;
use kernel::Keyed;
use std::sync::Arc;

/// The tokens of an earlier run.
///
/// Each request plays a recorded request whose answer was as long, drawn at random; or any, if none was. So the last
/// token, which may be harder or easier than others, is played as a last token. Past the end of a recorded answer it
/// starts again at its beginning.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded(Arc<[Vec<TokenOutcome>]>);

impl Recorded {
    /// A record of the tokens of each request, in the order of their positions; `None` without any token.
    pub fn new(requests: Vec<Vec<TokenOutcome>>) -> Option<Self> {
        let requests: Vec<Vec<TokenOutcome>> = requests.into_iter().filter(|tokens| !tokens.is_empty()).collect();
        (!requests.is_empty()).then(|| Self(requests.into()))
    }

    /// The record that a request with an answer of so many tokens plays.
    pub(super) fn record_for(&self, keyed: Keyed, output_tokens: u32) -> u32 {
        let as_long = |record: &u32| self.0[*record as usize].len() == output_tokens as usize;
        let records = 0..self.0.len() as u32;
        let alike = records.clone().filter(as_long).count();
        let drawn = |many: usize| (keyed.bits(u64::MAX) % many as u64) as usize;
        records.clone().filter(as_long).nth(drawn(alike.max(1))).unwrap_or(drawn(records.len()) as u32)
    }

    pub(super) fn outcome(&self, record: u32, position: u32) -> TokenOutcome {
        let tokens = &self.0[record as usize];
        tokens[position as usize % tokens.len()]
    }

    /// Any of the tokens.
    pub(super) fn any(&self, keyed: Keyed) -> TokenOutcome {
        let all: usize = self.0.iter().map(Vec::len).sum();
        let mut at = (keyed.bits(u64::MAX) % all as u64) as usize;
        for tokens in self.0.iter() {
            match tokens.get(at) {
                Some(outcome) => return *outcome,
                None => at -= tokens.len(),
            }
        }
        unreachable!("one of all tokens")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::{Calibration, TokenProcess};
    use kernel::Streams;

    #[test]
    fn recorded_tokens_are_played_again() {
        let outcome = |entropy_nats, agrees| TokenOutcome { entropy_nats, agrees };
        let recorded = Recorded::new(vec![vec![], vec![outcome(0.1, true), outcome(2.0, false)]]).expect("one request");
        let process = TokenProcess::Recorded(recorded);
        let tokens = process.request(Streams::new(1), 5, 3);
        let played: Vec<TokenOutcome> = (0..3).map(|position| process.outcome(&tokens, position)).collect();
        assert_eq!(played, [outcome(0.1, true), outcome(2.0, false), outcome(0.1, true)]);
        assert_eq!(Recorded::new(vec![vec![]]), None);
    }

    #[test]
    fn recorded_tokens_are_of_an_answer_as_long() {
        let of_length = |length: usize| vec![TokenOutcome { entropy_nats: length as f32, agrees: true }; length];
        let process = TokenProcess::Recorded(Recorded::new([3, 5, 5, 8].map(of_length).to_vec()).expect("requests"));
        let played = |request, output_tokens| {
            let tokens = process.request(Streams::new(1), request, output_tokens);
            process.outcome(&tokens, 0).entropy_nats
        };
        for request in 0..50 {
            assert_eq!((played(request, 5), played(request, 8)), (5.0, 8.0));
        }
        let any: std::collections::BTreeSet<u32> = (0..50).map(|request| played(request, 4) as u32).collect();
        assert_eq!(any.into_iter().collect::<Vec<_>>(), [3, 5, 8], "no answer was of four tokens");
        // A set of any tokens has those behind the first too: 8 of 21.
        let set = Calibration::sample(&process, 2000, 1);
        assert!((1.0 - set.share_below(5.0) - 8.0 / 21.0).abs() < 0.05, "{}", set.share_below(5.0));
    }
}
