//! The time of decoding and resizing a request's pictures on a processor: a constant for each request, and a time for
//! each visual token.

use serde::{Deserialize, Serialize};

/// The law; see the module.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocess {
    /// Time of a request with pictures, microseconds.
    pub base_us: f64,
    /// Time of each visual token, before any is pruned, microseconds.
    pub token_us: f64,
}

impl Preprocess {
    /// The line through measured requests, visual tokens and milliseconds, by least squares; neither coefficient is negative.
    /// `None` without any request.
    pub fn fit(requests: &[(u64, f64)]) -> Option<Self> {
        let many = requests.len() as f64;
        if requests.is_empty() {
            return None;
        }
        let mean = |of: &dyn Fn(&(u64, f64)) -> f64| requests.iter().map(of).sum::<f64>() / many;
        let (tokens, ms) = (mean(&|one| one.0 as f64), mean(&|one| one.1));
        let square = mean(&|one| (one.0 as f64 - tokens) * (one.0 as f64 - tokens));
        let both = mean(&|one| (one.0 as f64 - tokens) * (one.1 - ms));
        let slope = if square > 0.0 { (both / square).max(0.0) } else { 0.0 };
        // A line that would start below 0 goes through it.
        let slope = if slope * tokens > ms { ms / tokens } else { slope };
        Some(Self { base_us: 1e3 * (ms - slope * tokens), token_us: 1e3 * slope })
    }

    /// Checks that neither time is negative and not both are 0. The error has the name of the first bad one.
    pub fn check(&self) -> Result<(), &'static str> {
        let sound = |us: f64| us.is_finite() && us >= 0.0;
        match self {
            _ if !sound(self.base_us) || self.base_us + self.token_us <= 0.0 => Err("base_us"),
            _ if !sound(self.token_us) => Err("token_us"),
            _ => Ok(()),
        }
    }

    /// Time of a request whose pictures become so many visual tokens, ns.
    pub fn ns(&self, visual_tokens: u64) -> f64 {
        1e3 * (self.base_us + visual_tokens as f64 * self.token_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found() {
        let exact: Vec<(u64, f64)> = [10, 40, 100].map(|tokens| (tokens, 2.0 + 0.05 * tokens as f64)).to_vec();
        let law = Preprocess::fit(&exact).unwrap();
        assert!((law.base_us - 2000.0).abs() < 1e-6 && (law.token_us - 50.0).abs() < 1e-9, "{law:?}");
        assert!((law.ns(60) - 5e6).abs() < 1e-3);
        assert_eq!(law.check(), Ok(()));
    }

    #[test]
    fn neither_time_is_negative() {
        let falling = Preprocess::fit(&[(10, 5.0), (100, 3.0)]).unwrap();
        assert_eq!((falling.base_us, falling.token_us), (4000.0, 0.0));
        let steep = Preprocess::fit(&[(10, 0.1), (20, 10.0)]).unwrap();
        assert!(steep.base_us.abs() < 1e-9 && steep.token_us > 0.0, "{steep:?}");
        assert_eq!(Preprocess::fit(&[(7, 3.0)]), Some(Preprocess { base_us: 3000.0, token_us: 0.0 }));
        assert_eq!(Preprocess::fit(&[]), None);
        assert!(Preprocess { base_us: f64::NAN, token_us: 1.0 }.check().is_err());
    }
}
