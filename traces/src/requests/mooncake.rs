//! Mooncake traces: JSONL, text only.
//!
//! Published at <https://github.com/kvcache-ai/Mooncake>: a line is an object with `timestamp` in milliseconds,
//! `input_length` and `output_length` in tokens, and `hash_ids`, which tell shared prefixes and are not read here.

use super::{Collector, Format, Requests, TraceFile, TraceRequest};
use crate::{
    TraceError,
    open::{Lines, empty},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;
use units::SimDuration;

/// The file of a Mooncake trace.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Mooncake(TraceFile);

impl Format for Mooncake {
    const EXAMPLE: &str = "\"FILE\"";
    const PICTURES: bool = false;

    fn files(&mut self) -> Vec<&mut TraceFile> {
        vec![&mut self.0]
    }

    fn read(&self) -> Result<Requests, TraceError> {
        read(self.0.path()?).map(Requests::Listed)
    }
}

const EXPECTED: &str = "{\"timestamp\": <ms>, \"input_length\": <tokens>, \"output_length\": <tokens>, ...}";

#[derive(Deserialize)]
struct Line {
    timestamp: u64,
    input_length: u32,
    output_length: u32,
}

fn read(path: &Path) -> Result<Vec<TraceRequest>, TraceError> {
    let mut lines = Lines::open(path)?;
    let mut requests = Collector::default();
    let mut is_empty = true;
    while let Some((number, text)) = lines.next()? {
        is_empty = false;
        let request = request(path, text).and_then(|request| requests.push(path, request));
        request.map_err(|refusal| refusal.at(number))?;
    }
    if is_empty {
        return Err(empty(path, EXPECTED));
    }
    requests.finish(path)
}

fn request(path: &Path, text: &str) -> Result<TraceRequest, TraceError> {
    let line: Line = serde_json::from_str(text).map_err(|error| TraceError::json(path, &error, EXPECTED))?;
    let arrival = SimDuration::from_ms(1).checked_mul(line.timestamp).ok_or_else(|| {
        let found = format!("timestamp = {}", line.timestamp);
        TraceError::new(path, found, "milliseconds below 584 years", "check the unit of the timestamps")
    })?;
    let (text_tokens, output_tokens) = (line.input_length, line.output_length);
    Ok(TraceRequest { arrival, text_tokens, images: 0, image_tokens: Some(0), output_tokens })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{file_with, shared};

    const FIRST: &str = "{\"timestamp\":3000,\"input_length\":6758,\"output_length\":500,\"hash_ids\":[0,1,2]}\n";

    #[test]
    fn lines_become_requests() {
        let text = format!("{FIRST}{}", FIRST.replace("3000", "3027"));
        let requests = read(file_with(text.as_bytes()).path()).unwrap();
        assert_eq!(requests.len(), 2);
        assert_eq!(requests[1].arrival, SimDuration::from_ms(27));
        assert_eq!((requests[1].text_tokens, requests[1].output_tokens), (6758, 500));
    }

    #[test]
    fn refusals_say_where_what_and_what_to_do() {
        for (second, says) in [
            ("{\"timestamp\":1,\"input_length\":", ":2: found JSON that ends too early at column 30"),
            ("\n", ":2: found JSON that ends too early"),
            ("{\"timestamp\":1,\"input_length\":1}\n", ":2: found JSON with missing field `output_length`"),
            ("{\"timestamp\":NaN,\"input_length\":1,\"output_length\":1}\n", ":2: found JSON with expected value"),
            (
                "{\"timestamp\":-1,\"input_length\":1,\"output_length\":1}\n",
                ":2: found JSON with invalid value: integer `-1`",
            ),
            (
                "{\"timestamp\":1.5,\"input_length\":1,\"output_length\":1}\n",
                ":2: found JSON with invalid type: floating point",
            ),
            (
                "{\"timestamp\":18446744073709551615,\"input_length\":1,\"output_length\":1}\n",
                ":2: found timestamp = 184",
            ),
            (
                "{\"timestamp\":1,\"input_length\":1,\"output_length\":1}\n",
                ":2: found an arrival 2.999 s before the one above",
            ),
            (
                "{\"timestamp\":3000,\"input_length\":1,\"output_length\":0}\n",
                ":2: found a request with 0 output tokens",
            ),
        ] {
            let refused = read(file_with(format!("{FIRST}{second}").as_bytes()).path()).unwrap_err().to_string();
            assert!(refused.contains(says), "{refused}\nhas no\n{says}");
            assert_eq!(refused.lines().count(), 1, "{refused}");
        }
        let refused = read(file_with(b"").path()).unwrap_err().to_string();
        assert!(refused.contains("found an empty file; expected {\"timestamp\": <ms>"), "{refused}");
    }

    #[test]
    fn shared_trace_is_read() {
        let Some(path) = shared("traces/requests/mooncake_conversation.jsonl.gz") else { return };
        assert!(read(&path).unwrap().len() > 6_000);
    }
}
