//! Qwen-Bailian: requests to a Qwen model on Aliyun, JSONL.
//!
//! Published at <https://github.com/alibaba-edu/qwen-bailian-usagetraces-anon>: a line is an object with `timestamp` in seconds,
//! `input_length` and `output_length` in tokens, and `type`: text, search, image or file. The tokens of pictures are among the
//! input's and are not told apart, so such a request is read as text, which is remarked on. `chat_id` and
//! `parent_chat_id` tell conversations, each turn of which states its whole context, and `hash_ids` have a number for each 16
//! tokens of the input: equal numbers are equal content.

use super::{Blocks, Format, RequestStream, Requests, ServedRequest, TraceFile, TraceRequest};
use crate::{TraceError, json::Decimal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::Path};

/// The file of a Qwen-Bailian trace.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct QwenBailian(TraceFile);

impl Format for QwenBailian {
    const EXAMPLE: &str = "\"FILE\"";
    const PICTURES: bool = false;

    fn files(&mut self) -> Vec<&mut TraceFile> {
        vec![&mut self.0]
    }

    fn read(&self) -> Result<Requests, TraceError> {
        open(self.0.path()?).map(Requests::Listed)
    }
}

const EXPECTED: &str = "{\"chat_id\": <number>, \"timestamp\": <seconds>, \"input_length\": <tokens>, \
                        \"output_length\": <tokens>, \"type\": <text>, ...}";

#[derive(Deserialize)]
struct Line {
    chat_id: i64,
    #[serde(default = "none")]
    parent_chat_id: i64,
    timestamp: Decimal,
    input_length: u32,
    output_length: u32,
    #[serde(default)]
    hash_ids: Option<Box<[u64]>>,
}

/// Tokens of a block of `hash_ids`.
const BLOCK_TOKENS: u32 = 16;

fn none() -> i64 {
    -1
}

fn open(path: &Path) -> Result<RequestStream, TraceError> {
    let (named, mut roots) = (path.to_owned(), BTreeMap::<i64, i64>::new());
    let stream = RequestStream::jsonl(path, EXPECTED, move |text| {
        let line: Line = serde_json::from_str(text).map_err(|error| TraceError::json(&named, &error, EXPECTED))?;
        let arrival = super::bench::time(&named, line.timestamp)?;
        let root = roots.get(&line.parent_chat_id).copied().unwrap_or(match line.parent_chat_id {
            -1 => line.chat_id,
            parent => parent,
        });
        roots.insert(line.chat_id, root);
        let request = TraceRequest::text(arrival, line.input_length, line.output_length);
        let has_failed = line.input_length == 0 || line.output_length == 0;
        let blocks = line.hash_ids.map(|numbers| Blocks { tokens: BLOCK_TOKENS, numbers });
        let session = Some(root.to_string().into());
        Ok((!has_failed).then(|| ServedRequest { session, blocks, ..request.into() }))
    })?;
    let remark = "pictures are among the tokens of the input and are not told apart: all of it is read as text";
    Ok(stream.leaving_out("they have no token").remarking(Some(remark.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::read_as;

    #[test]
    fn turns_of_a_conversation_have_one_name() {
        let line = |chat: u32, parent: i32, at: &str| {
            format!(
                "{{\"chat_id\":{chat},\"parent_chat_id\":{parent},\"timestamp\":{at},\"input_length\":521,\
                 \"output_length\":132,\"type\":\"image\",\"turn\":1,\"hash_ids\":[1089]}}\n"
            )
        };
        let text = line(159, -1, "61.114") + &line(160, -1, "61.331") + &line(170, 159, "62") + &line(171, 170, "63.5");
        let all = read_as("qwen_bailian", text.as_bytes()).unwrap();
        let sessions: Vec<_> = all.iter().map(|one| one.session.as_deref().unwrap()).collect();
        assert_eq!(sessions, ["159", "160", "159", "159"]);
        assert_eq!(all[1].request.arrival.as_ns(), 217_000_000);
        assert_eq!(all[3].blocks, Some(Blocks { tokens: 16, numbers: [1089].into() }));
        let said = read_as("qwen_bailian", b"{\"timestamp\":1}\n").unwrap_err();
        assert!(said.starts_with("trace:1: found JSON with missing field `chat_id`"), "{said}");
    }
}
