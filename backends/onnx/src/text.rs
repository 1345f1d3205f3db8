//! Text to tokens and back, and the form in which a model expects a conversation.

use crate::budget::Budget;
use crate::error::{Result, refused};
use crate::folder::Folder;
use crate::template::{Place, Template};
use crate::tokenizer_file::parsed;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::sync::Arc;
use tokenizers::Tokenizer;
use traces::input;

/// A model's tokenizer and chat template.
pub struct Text {
    tokenizer: Arc<Tokenizer>,
    /// The tokenizer of the answers: its own, or that of a target with more tokens.
    words: Arc<Tokenizer>,
    budget: Budget,
    template: Option<Template>,
    file: String,
}

impl Text {
    /// Reads `tokenizer.json` and the chat template, which lies in one of four files.
    ///
    /// # Errors
    /// The tokenizer is missing or broken.
    pub(crate) fn of(folder: &Folder) -> Result<Self> {
        let path = folder.path().join("tokenizer.json");
        // `from_file` is generic: all of the tokenizer's reading would be compiled here once more.
        let read = input::read_text(&path).map_err(|error| error.to_string());
        let parsed = read.and_then(|text| {
            let budget = Budget::of(&serde_json::from_str(&text).map_err(|error| error.to_string())?);
            parsed(&text).map(|tokenizer| (tokenizer, budget))
        });
        let (tokenizer, budget) =
            parsed.or_else(|error| refused(format!("cannot read the tokenizer {}: {error}", path.display())))?;
        let configuration = folder.json("tokenizer_config.json")?;
        let plain = folder.path().join("chat_template.jinja");
        let source = match input::read_text(&plain) {
            Ok(source) => Some(source),
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return refused(format!("cannot read the chat template {}: {error}", plain.display()));
            }
            Err(_) => source(&folder.json("chat_template.json")?)
                .or(source(&folder.json("processor_config.json")?))
                .or(source(&configuration)),
        };
        let special = folder.json("special_tokens_map.json")?;
        let word = |token: u32| tokenizer.id_to_token(token).unwrap_or_default();
        let whole = folder.config.place.iter().map(|token| word(*token)).collect();
        let place = Place { marker: word(folder.config.image_token), whole };
        let template = source.map(|source| Template::new(&source, &[&configuration, &special], place));
        let tokenizer = Arc::new(tokenizer);
        Ok(Self { words: tokenizer.clone(), tokenizer, budget, template, file: path.display().to_string() })
    }

    /// A conversation of one turn: pictures first, then the question.
    ///
    /// # Errors
    /// The folder has no chat template, or it fails.
    pub fn rendered(&self, images: usize, question: &str) -> Result<String> {
        let Some(template) = &self.template else {
            return refused(format!(
                "no chat template beside {}; give the whole prompt with --rendered instead of --prompt",
                self.file
            ));
        };
        template.conversation(images, question).or_else(|error| {
            refused(format!("the chat template beside {} fails: {error}; give the prompt with --rendered", self.file))
        })
    }

    /// Tokens of a text, special ones where they are written out.
    ///
    /// # Errors
    /// The tokenizer fails, or one of its expressions takes too many steps.
    pub fn tokens(&self, text: &str) -> Result<Vec<u32>> {
        if let Some(expression) = self.budget.broken_by(text) {
            return refused(format!(
                "the tokenizer {} fails: its expression `{expression}` takes too many steps on this text; ask something shorter",
                self.file
            ));
        }
        match self.tokenizer.encode_fast(text, false) {
            Ok(encoding) => Ok(encoding.get_ids().to_vec()),
            Err(error) => refused(format!("the tokenizer {} fails: {error}", self.file)),
        }
    }

    /// Text of tokens, without the special ones.
    ///
    /// # Errors
    /// The tokenizer fails.
    pub fn text(&self, tokens: &[u32]) -> Result<String> {
        self.words.decode(tokens, true).or_else(|error| refused(format!("the tokenizer {} fails: {error}", self.file)))
    }

    /// Entries of the vocabulary, added ones included.
    pub fn entries(&self) -> usize {
        self.tokenizer.get_vocab_size(true)
    }

    /// Checks that every token of this draft's means the same to a target, without which one cannot verify the other's. The target
    /// may have more, and its words are those of the answers from then on.
    ///
    /// # Errors
    /// They do not; the message names a token that differs.
    pub(crate) fn drafts_for(&mut self, target: &Self) -> Result<()> {
        let by_id = |text: &Self| -> BTreeMap<u32, String> {
            text.tokenizer.get_vocab(true).into_iter().map(|(token, id)| (id, token)).collect()
        };
        let (ours, theirs) = (by_id(self), by_id(target));
        let Some(id) = ours.keys().find(|id| ours.get(id) != theirs.get(id)) else {
            self.words = target.tokenizer.clone();
            return Ok(());
        };
        let name =
            |tokens: &BTreeMap<u32, String>| tokens.get(id).map_or("nothing".to_owned(), |token| format!("{token:?}"));
        refused(format!(
            "draft and target have different tokenizers: token {id} is {} in {} and {} in {}; expected the same vocabulary, or more \
             tokens behind it in the target's",
            name(&ours),
            self.file,
            name(&theirs),
            target.file
        ))
    }
}

/// The template in a configuration: a text, or the default one of several with names.
fn source(config: &Value) -> Option<String> {
    let template = &config["chat_template"];
    let named = |templates: &Vec<Value>| {
        let default = templates.iter().find(|t| t["name"] == "default").or(templates.first());
        default.and_then(|template| template["template"].as_str()).map(str::to_owned)
    };
    let by_name = || template["default"].as_str().map(str::to_owned);
    template.as_str().map(str::to_owned).or_else(|| template.as_array().and_then(named)).or_else(by_name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_template_is_found_by_name() {
        assert_eq!(source(&json!({"chat_template": "a"})).as_deref(), Some("a"));
        let named =
            json!({"chat_template": [{"name": "tools", "template": "b"}, {"name": "default", "template": "c"}]});
        assert_eq!(source(&named).as_deref(), Some("c"));
        assert_eq!(source(&json!({"chat_template": {"default": "d"}})).as_deref(), Some("d"));
        assert_eq!(source(&json!({})), None);
    }
}
