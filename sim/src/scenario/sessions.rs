//! Sessions of users, and what prompts share: checked.

use super::{Scenario, Source};
use crate::terminal::Failure;

/// Most tokens of a system prompt.
const MOST_TOKENS: u32 = 1 << 24;

/// Refuses sessions and shared content that cannot be.
pub fn check(source: &Source, scenario: &Scenario) -> Result<(), Failure> {
    let workload = &scenario.workload;
    if workload.system_prompt > MOST_TOKENS {
        let reason = format!("found {}; expected 0 to {MOST_TOKENS} tokens", workload.system_prompt);
        return Err(source.refuse_key("workload.system_prompt", &reason));
    }
    if workload.dataset.is_trace() && workload.questions_per_picture > 1 {
        let reason = "the dataset is a trace, whose requests have pictures of their own; leave it out";
        return Err(source.refuse_key("workload.questions_per_picture", reason));
    }
    let Some(sessions) = &workload.sessions else { return Ok(()) };
    if workload.dataset.is_trace() {
        let reason = "the dataset is a trace, whose requests state their whole prompts; leave it out, or use a dataset without a trace";
        return Err(source.refuse_key("workload.sessions", reason));
    }
    sessions.check().map_err(|(key, expected)| source.refuse_key(&format!("workload.sessions.{key}"), &expected))
}
