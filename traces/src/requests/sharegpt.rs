//! ShareGPT: conversations as text, JSON.
//!
//! An array, or lines, of objects with `conversations`, a list of turns `{"from": "human", "value": <text>}`; also read are
//! `messages` with `role` and `content`. A conversation is one request, as benchmarks of servers take it: its first prompt and
//! the answer behind it. Lengths are counted by a tokenizer, and there are no times of arrival.

use super::texts::{Pair, Texts};
use super::{Format, Requests, TraceFile};
use crate::{TraceError, json::Objects};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The file of ShareGPT's conversations, and the tokenizer that counts them.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sharegpt {
    /// The conversations, JSON.
    file: TraceFile,
    /// The `tokenizer.json` by which prompts and answers are counted.
    tokenizer: TraceFile,
}

impl Format for Sharegpt {
    const EXAMPLE: &str = "{ file = \"FILE\", tokenizer = \"FILE\" }";
    const PICTURES: bool = false;

    fn files(&mut self) -> Vec<&mut TraceFile> {
        vec![&mut self.file, &mut self.tokenizer]
    }

    fn read(&self) -> Result<Requests, TraceError> {
        let (path, tokenizer) = (self.file.path()?, self.tokenizer.path()?);
        let mut conversations = Objects::<Conversation>::open(path, EXPECTED)?;
        let pairs = Box::new(move || {
            let Some(conversation) = conversations.next()? else { return Ok(None) };
            Ok(Some((conversations.line(), conversation.pair())))
        });
        Ok(Requests::Texts(Texts::new(path, tokenizer, pairs)))
    }
}

const EXPECTED: &str = "{\"conversations\": [{\"from\": \"human\", \"value\": <text>}, {\"from\": \"gpt\", ...}, ...]}";

#[derive(Deserialize)]
struct Conversation {
    #[serde(alias = "conversation", alias = "messages")]
    conversations: Vec<Turn>,
}

#[derive(Deserialize)]
struct Turn {
    #[serde(alias = "role")]
    from: String,
    #[serde(alias = "content")]
    value: Option<String>,
}

impl Conversation {
    /// The first prompt that an answer stands behind.
    fn pair(self) -> Pair {
        let text = |turn: &Turn, names: [&str; 3]| {
            turn.value.clone().filter(|text| names.contains(&&*turn.from) && !text.is_empty())
        };
        self.conversations.windows(2).find_map(|turns| {
            let prompt = text(&turns[0], ["human", "user", "prompter"])?;
            Some((prompt, text(&turns[1], ["gpt", "assistant", "chatgpt"])?))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::file_with;
    use std::path::Path;

    /// Tokens of a prompt and of its answer, here words.
    type Lengths = (u32, u32);

    /// Lengths in words, and remarks.
    fn read(text: &str) -> Result<(Vec<Lengths>, Vec<String>), String> {
        let (file, tokenizer) = (file_with(text.as_bytes()), file_with(b"{}"));
        let path = |file: &Path| TraceFile::from(file);
        let mut format = Sharegpt { file: path(file.path()), tokenizer: path(tokenizer.path()) };
        format.files().into_iter().for_each(|file| file.find(Path::to_owned));
        let Requests::Texts(texts) = format.read().map_err(|error| error.to_string())? else { panic!("texts") };
        let mut stream = texts.counted(|text| Ok(text.split_whitespace().count() as u32));
        assert!(!stream.is_timed());
        let all = stream.all().map_err(|error| error.to_string())?;
        let lengths = all.iter().map(|one| (one.request.text_tokens, one.request.output_tokens));
        Ok((lengths.collect(), stream.remarks()))
    }

    #[test]
    fn a_conversation_is_its_first_prompt_and_answer() {
        let text = r#"[
            {"id": "a", "conversations": [{"from": "human", "value": "one two"}, {"from": "gpt", "value": "three"}]},
            {"id": "b", "conversations": [{"from": "gpt", "value": "alone"}]},
            {"id": "c", "conversations": [{"from": "system", "value": "be good"}, {"from": "human", "value": "a"},
              {"from": "gpt", "value": "b c d"}, {"from": "human", "value": "more"}]},
            {"id": "d", "conversations": []}]"#;
        let (lengths, remarks) = read(text).unwrap();
        assert_eq!(lengths, [(2, 1), (1, 3)]);
        assert_eq!(remarks, ["2 of 4 requests are left out: no prompt with an answer behind it"]);
        let lines =
            "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"assistant\",\"content\":\"y z\"}]}\n";
        assert_eq!(read(&lines.repeat(2)).unwrap().0, [(1, 2), (1, 2)]);
    }

    #[test]
    fn what_is_no_conversation_is_refused() {
        let said = read("[{\"id\": 1}]").unwrap_err();
        assert!(said.contains(":1: found JSON with missing field `conversations`"), "{said}");
    }
}
