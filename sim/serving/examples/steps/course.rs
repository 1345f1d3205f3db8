//! The course of a request.

use serde_json::{Value, json};

use crate::log::LogRequest;

/// The course of a request so far.
#[derive(Default)]
pub struct Course {
    pub verifications: usize,
    pub outputs: u32,
    pub first_us: Option<u64>,
    pub last_us: u64,
    pub preemptions: u32,
    pub first_hit: Option<u32>,
    pub ended: bool,
}

impl Course {
    /// The result in the words of the log.
    pub fn result(&self, request: &LogRequest) -> Value {
        let since = |time: u64| time - request.arrival_us;
        let first = self.first_us;
        let tpot = first.filter(|_| self.outputs > 1).map(|first| {
            let mean = (self.last_us - first) as f64 / f64::from(self.outputs - 1);
            format!("{mean:.3}").parse::<f64>().expect("a number was written")
        });
        json!({
            "finished": self.ended,
            "preemptions": self.preemptions,
            "ttft_us": first.map(since),
            "e2e_us": first.filter(|_| self.ended).map(|_| since(self.last_us)),
            "tpot_us": tpot,
            "output_tokens": self.outputs,
            "finish_reason": self.ended.then_some("FINISHED_LENGTH_CAPPED"),
            "cached_tokens_at_first_admission": self.first_hit,
        })
    }
}
