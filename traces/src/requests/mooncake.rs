//! Mooncake traces and their kin: JSONL, text only.
//!
//! Published at <https://github.com/kvcache-ai/Mooncake>: a line is an object with `timestamp` in milliseconds,
//! `input_length` and `output_length` in tokens, and `hash_ids`, a number for each 512 tokens of the prompt: equal numbers are
//! equal content. The numbers that a prompt has too few of are content of its own, those that it has too many of are not read.
//!
//! Tools that replay such traces write decimal times, `input_tokens` and `output_tokens`, and sessions: lines of one
//! `session_id`, where a later turn may have a `delay` in place of its time. The delay counts from the end of an answer, which
//! a trace does not know. Such a turn is sent that long after the turn before was sent, which is remarked on.

use super::{Blocks, Format, RequestStream, Requests, ServedRequest, TraceFile, TraceRequest};
use crate::{
    TraceError,
    json::Decimal,
    open::{Lines, empty},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::Path};
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
        open(self.0.path()?).map(Requests::Listed)
    }
}

const EXPECTED: &str = "{\"timestamp\": <ms>, \"input_length\": <tokens>, \"output_length\": <tokens>, ...}";

#[derive(Deserialize)]
struct Line {
    #[serde(alias = "created_time")]
    timestamp: Option<Decimal>,
    #[serde(alias = "delay_ms")]
    delay: Option<Decimal>,
    session_id: Option<Name>,
    #[serde(alias = "input_tokens")]
    input_length: u32,
    #[serde(alias = "output_tokens")]
    output_length: u32,
    #[serde(default)]
    hash_ids: Option<Box<[u64]>>,
}

/// Tokens of a block of `hash_ids`.
const BLOCK_TOKENS: u32 = 512;

/// A name, written as text or as a number.
#[derive(Deserialize)]
#[serde(untagged)]
enum Name {
    Text(Box<str>),
    Number(i64),
}

impl Name {
    fn text(self) -> Box<str> {
        match self {
            Self::Text(text) => text,
            Self::Number(number) => number.to_string().into(),
        }
    }
}

fn open(path: &Path) -> Result<RequestStream, TraceError> {
    let mut lines = Lines::open(path)?;
    while let Some((_, text)) = lines.next()? {
        let has_sessions = |text| serde_json::from_str(text).is_ok_and(|line: Line| line.session_id.is_some());
        if !text.trim().is_empty() && has_sessions(text) {
            return sessions(path);
        } else if !text.trim().is_empty() {
            break;
        }
    }
    let named = path.to_owned();
    RequestStream::jsonl(path, EXPECTED, move |text| {
        let line = line(&named, text)?;
        let Some(timestamp) = line.timestamp else { return Err(without_time(&named)) };
        let arrival = milliseconds(&named, timestamp)?;
        Ok(Some(request(line, arrival)))
    })
}

/// The requests of a file with sessions, whose lines need not be in order of time.
fn sessions(path: &Path) -> Result<RequestStream, TraceError> {
    let (mut lines, mut all) = (Lines::open(path)?, Vec::new());
    let (mut latest, mut delayed) = (BTreeMap::<Box<str>, SimDuration>::new(), 0_u64);
    while let Some((number, text)) = lines.next()? {
        if text.trim().is_empty() {
            continue;
        }
        let mut line = line(path, text).map_err(|refusal| refusal.at(number))?;
        let session = line.session_id.take().map(Name::text);
        let before = session.as_ref().and_then(|session| latest.get(session).copied());
        let arrival = match (line.timestamp, line.delay, before) {
            (Some(timestamp), ..) => milliseconds(path, timestamp),
            (None, Some(delay), Some(before)) => {
                delayed += 1;
                milliseconds(path, delay).map(|delay| before + delay)
            }
            _ => Err(without_time(path)),
        };
        let arrival = arrival.map_err(|refusal| refusal.at(number))?;
        latest.extend(session.clone().map(|session| (session, arrival)));
        all.push(Some(ServedRequest { session, ..request(line, arrival) }));
    }
    if all.is_empty() {
        return Err(empty(path, EXPECTED));
    }
    let remark =
        format!("{delayed} turns wait for an answer (delay); each is sent that long after the turn before was sent");
    Ok(RequestStream::sorted(path, all).remarking((delayed > 0).then_some(remark)))
}

fn line(path: &Path, text: &str) -> Result<Line, TraceError> {
    serde_json::from_str(text).map_err(|error| TraceError::json(path, &error, EXPECTED))
}

fn request(line: Line, arrival: SimDuration) -> ServedRequest {
    let session = line.session_id.map(Name::text);
    let request = TraceRequest::text(arrival, line.input_length, line.output_length);
    let blocks = line.hash_ids.map(|numbers| Blocks { tokens: BLOCK_TOKENS, numbers });
    ServedRequest { session, blocks, ..request.into() }
}

fn without_time(path: &Path) -> TraceError {
    let remedy = "add a timestamp, or a delay behind an earlier turn of the session";
    TraceError::new(path, "a line without a timestamp", EXPECTED, remedy)
}

fn milliseconds(path: &Path, ms: Decimal) -> Result<SimDuration, TraceError> {
    // Far below the end of the clock, so that sums of two fit.
    let fits = ms.duration(3).filter(|duration| *duration < SimDuration::from_secs(1 << 33));
    fits.ok_or_else(|| {
        let found = format!("timestamp = {}", ms.as_f64());
        TraceError::new(path, found, "milliseconds below 270 years", "check the unit of the timestamps")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{file_with, read_as, shared};

    const FIRST: &str = "{\"timestamp\":3000,\"input_length\":6758,\"output_length\":500,\"hash_ids\":[0,1,2]}\n";

    fn read(text: &str) -> Result<Vec<ServedRequest>, String> {
        read_as("mooncake", text.as_bytes())
    }

    #[test]
    fn lines_become_requests() {
        for second in ["3027", "3027.0"] {
            let requests = read(&format!("{FIRST}{}\n\n", FIRST.replace("3000", second))).unwrap();
            assert_eq!(requests.len(), 2);
            let second = requests[1].request;
            assert_eq!(second.arrival, SimDuration::from_ms(27));
            assert_eq!((second.text_tokens, second.output_tokens), (6758, 500));
        }
        assert_eq!(read(FIRST).unwrap()[0].blocks, Some(Blocks { tokens: 512, numbers: [0, 1, 2].into() }));
        let kin = "{\"created_time\":1.25,\"input_tokens\":5,\"output_tokens\":6}\n";
        assert_eq!(read(&format!("{kin}{}", kin.replace("1.25", "2"))).unwrap()[1].request.arrival.as_ns(), 750_000);
    }

    #[test]
    fn turns_of_sessions_are_in_order_of_time() {
        let turn = |session: &str, time: &str, input| {
            format!("{{\"session_id\":{session},{time},\"input_length\":{input},\"output_length\":2}}\n")
        };
        let text = turn("\"a\"", "\"timestamp\":0", 1)
            + &turn("\"a\"", "\"delay\":2000.5", 2)
            + &turn("7", "\"timestamp\":1000", 3)
            + &turn("\"a\"", "\"timestamp\":9000", 4);
        let file = file_with(text.as_bytes());
        let mut stream = open(file.path()).unwrap();
        let all: Vec<_> = stream.all().unwrap();
        let told: Vec<_> = all
            .iter()
            .map(|one| (one.request.arrival.as_ms_f64(), one.request.text_tokens, one.session.as_deref().unwrap()))
            .collect();
        assert_eq!(told, [(0.0, 1, "a"), (1000.0, 3, "7"), (2000.5, 2, "a"), (9000.0, 4, "a")]);
        assert!(stream.remarks()[0].starts_with("1 turns wait for an answer"), "{:?}", stream.remarks());
        let lost = turn("1", "\"timestamp\":0", 1) + &turn("2", "\"delay\":5", 1);
        assert!(read(&lost).unwrap_err().starts_with("trace:2: found a line without a timestamp"));
    }

    #[test]
    fn refusals_say_where_what_and_what_to_do() {
        for (second, says) in [
            ("{\"timestamp\":1,\"input_length\":", ":2: found JSON that ends too early at column 30"),
            ("{\"timestamp\":1,\"input_length\":1}\n", ":2: found JSON with missing field `output_length`"),
            ("{\"input_length\":1,\"output_length\":1}\n", ":2: found a line without a timestamp"),
            (
                "{\"timestamp\":1,\"input_length\":1,\"output_length\":1,\"hash_ids\":[-1]}\n",
                ":2: found JSON with invalid value: integer `-1`, expected u64",
            ),
            ("{\"timestamp\":NaN,\"input_length\":1,\"output_length\":1}\n", ":2: found JSON with expected value"),
            ("{\"timestamp\":-1,\"input_length\":1,\"output_length\":1}\n", ":2: found JSON with a number below 0"),
            (
                "{\"timestamp\":1,\"input_length\":1.5,\"output_length\":1}\n",
                ":2: found JSON with invalid type: floating",
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
            let refused = read(&format!("{FIRST}{second}")).unwrap_err();
            assert!(refused.contains(says), "{refused}\nhas no\n{says}");
            assert_eq!(refused.lines().count(), 1, "{refused}");
        }
        for nothing in ["", "\n\n"] {
            let refused = read(nothing).unwrap_err();
            assert!(refused.contains("found an empty file; expected {\"timestamp\": <ms>"), "{refused}");
        }
    }

    #[test]
    fn shared_trace_is_read() {
        let Some(path) = shared("traces/requests/mooncake_conversation.jsonl.gz") else { return };
        assert!(open(&path).unwrap().all().unwrap().len() > 6_000);
    }
}
