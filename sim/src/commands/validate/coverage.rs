//! The requests that a comparison rests on, and the reasons why others are not among them.

use crate::run::answered::Served;
use std::collections::BTreeMap;
use std::fmt::Write;

/// The requests of a comparison: compared ones, and the others by reason.
#[derive(Debug, Default)]
pub struct Coverage {
    /// Requests that were to be compared.
    pub asked: usize,
    /// Requests with an E2E on both sides.
    pub compared: usize,
    /// The other requests, counted by reason.
    pub left_out: BTreeMap<&'static str, usize>,
}

const REJECTED: &str = "rejected in the simulation";
const CUT: &str = "longer than workload.max_output_tokens";
const UNMEASURED: &str = "without a measured E2E";
const ZERO: &str = "with a measured E2E of 0";
const UNANSWERED: &str = "not answered in the replay";

impl Coverage {
    /// Sorts out the requests of both sides: only those that both have answered whole are kept.
    ///
    /// `asked` requests were to be measured, and answers of more than `longest` tokens are cut by the simulation.
    pub fn of(asked: usize, longest: u32, measured: &mut Vec<Served>, simulated: &mut Vec<Served>) -> Self {
        let mut coverage = Self { asked, ..Self::default() };
        coverage.leave_out(UNANSWERED, asked.saturating_sub(measured.len()));
        let answered = numbers(simulated);
        coverage.drop_of(measured, REJECTED, |one| !answered.contains_key(&one.request));
        coverage.drop_of(measured, CUT, |one| one.output_tokens > longest);
        let kept = numbers(measured);
        simulated.retain(|one| kept.contains_key(&one.request));
        let count = |of: fn(&Served) -> bool| measured.iter().filter(|one| of(one)).count();
        coverage.leave_out(UNMEASURED, count(|one| one.e2e_ms.is_none()));
        coverage.leave_out(ZERO, count(|one| one.e2e_ms.is_some_and(|ms| ms <= 0.0)));
        coverage.compared = asked - coverage.left_out.values().sum::<usize>();
        coverage
    }

    fn leave_out(&mut self, reason: &'static str, count: usize) {
        if count > 0 {
            *self.left_out.entry(reason).or_default() += count;
        }
    }

    fn drop_of(&mut self, measured: &mut Vec<Served>, reason: &'static str, goes: impl Fn(&Served) -> bool) {
        let before = measured.len();
        measured.retain(|one| !goes(one));
        self.leave_out(reason, before - measured.len());
    }

    /// True if every request was compared, and there was one.
    pub fn is_whole(&self) -> bool {
        self.compared > 0 && self.left_out.is_empty()
    }

    /// `8 of 20 compared; 12 rejected in the simulation`.
    pub fn text(&self) -> String {
        let Self { asked, compared, left_out } = self;
        let mut text = format!("{compared} of {asked} requests compared");
        for (reason, count) in left_out {
            write!(text, "; {count} {reason}").expect("text");
        }
        text
    }
}

/// The numbers of requests, each once.
fn numbers(served: &[Served]) -> BTreeMap<u64, ()> {
    served.iter().map(|one| (one.request, ())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(request: u64, e2e_ms: Option<f64>, output_tokens: u32) -> Served {
        Served { request, output_tokens, e2e_ms, ..Served::default() }
    }

    #[test]
    fn each_request_is_compared_or_counted_with_its_reason() {
        let mut measured = vec![
            served(0, Some(5.0), 9),
            served(1, Some(5.0), 9),
            served(2, None, 9),
            served(3, Some(0.0), 9),
            served(4, Some(5.0), 99),
        ];
        let mut simulated: Vec<Served> = [0, 2, 3, 4].map(|number| served(number, Some(5.0), 9)).to_vec();
        let coverage = Coverage::of(6, 64, &mut measured, &mut simulated);
        assert_eq!((coverage.compared, coverage.is_whole()), (1, false));
        assert_eq!(
            coverage.text(),
            "1 of 6 requests compared; 1 longer than workload.max_output_tokens; 1 not answered in the replay; \
             1 rejected in the simulation; 1 with a measured E2E of 0; 1 without a measured E2E"
        );
        // Both sides have the same requests now.
        assert_eq!(numbers(&measured), numbers(&simulated));
        assert!(!Coverage::of(0, 64, &mut Vec::new(), &mut Vec::new()).is_whole());
    }
}
