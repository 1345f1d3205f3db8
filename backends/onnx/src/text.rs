//! Text to tokens and back, and the form in which a model expects a conversation.

use crate::error::{Result, refused};
use crate::folder::Folder;
use minijinja::{Environment, context};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A model's tokenizer and chat template.
pub struct Text {
    tokenizer: tokenizers::Tokenizer,
    template: Option<String>,
    file: String,
}

impl Text {
    /// Reads `tokenizer.json` and the chat template, which lies in one of three files.
    ///
    /// # Errors
    /// The tokenizer is missing or broken.
    pub(crate) fn of(folder: &Folder) -> Result<Self> {
        let path = folder.path().join("tokenizer.json");
        // `from_file` is generic: all of the tokenizer's reading would be compiled here once more.
        let read = std::fs::read_to_string(&path).map_err(|error| error.to_string());
        let tokenizer = read.and_then(|text| text.parse::<tokenizers::Tokenizer>().map_err(|error| error.to_string()));
        let tokenizer =
            tokenizer.or_else(|error| refused(format!("cannot read the tokenizer {}: {error}", path.display())))?;
        let plain = std::fs::read_to_string(folder.path().join("chat_template.jinja")).ok();
        let template = match plain {
            Some(template) => Some(template),
            None => template(&folder.json("chat_template.json")?).or(template(&folder.json("tokenizer_config.json")?)),
        };
        Ok(Self { tokenizer, template, file: path.display().to_string() })
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
        let mut content = vec![json!({"type": "image"}); images];
        content.push(json!({"type": "text", "text": question}));
        render(template, &json!([{"role": "user", "content": content}])).or_else(|error| {
            refused(format!("the chat template beside {} fails: {error}; give the prompt with --rendered", self.file))
        })
    }

    /// Tokens of a text, special ones where they are written out.
    ///
    /// # Errors
    /// The tokenizer fails.
    pub fn tokens(&self, text: &str) -> Result<Vec<u32>> {
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
        self.tokenizer
            .decode(tokens, true)
            .or_else(|error| refused(format!("the tokenizer {} fails: {error}", self.file)))
    }

    /// Entries of the vocabulary, added ones included.
    pub fn entries(&self) -> usize {
        self.tokenizer.get_vocab_size(true)
    }

    /// Checks that two models count in the same tokens, without which one cannot verify the other's.
    ///
    /// # Errors
    /// They do not; the message names a token that differs.
    pub fn check_same(&self, other: &Self) -> Result<()> {
        let by_id = |text: &Self| -> BTreeMap<u32, String> {
            text.tokenizer.get_vocab(true).into_iter().map(|(token, id)| (id, token)).collect()
        };
        let (ours, theirs) = (by_id(self), by_id(other));
        let differs = ours.keys().chain(theirs.keys()).find(|id| ours.get(id) != theirs.get(id));
        let Some(id) = differs else { return Ok(()) };
        let name =
            |tokens: &BTreeMap<u32, String>| tokens.get(id).map_or("nothing".to_owned(), |token| format!("{token:?}"));
        refused(format!(
            "draft and target have different tokenizers: token {id} is {} in {} and {} in {}; expected the same vocabulary",
            name(&ours),
            self.file,
            name(&theirs),
            other.file
        ))
    }
}

/// The template in a configuration: a text, or the default one of several with names.
fn template(config: &Value) -> Option<String> {
    let template = &config["chat_template"];
    let named = |templates: &Vec<Value>| {
        let default = templates.iter().find(|t| t["name"] == "default").or(templates.first());
        default.and_then(|template| template["template"].as_str()).map(str::to_owned)
    };
    template.as_str().map(str::to_owned).or_else(|| template.as_array().and_then(named))
}

/// Renders as the models' own library does: its white space, the methods of Python's types, its function for refusals.
fn render(template: &str, messages: &Value) -> std::result::Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.add_function("raise_exception", |message: String| -> std::result::Result<String, minijinja::Error> {
        Err(minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, message))
    });
    environment.render_str(template, context! { messages, add_generation_prompt => true })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_render_as_in_python() {
        let template = "{% for m in messages %}\n{%- for c in m['content'] %}\n{% if c['type'] == 'image' %}<I>{% elif c.text is string %}\
                        {{ c['text'].strip() | upper }}{% endif %}{% endfor %}{% endfor %}{% if add_generation_prompt %}!\n{% endif %}";
        let messages = json!([{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": " hi "}]}]);
        assert_eq!(render(template, &messages).unwrap(), "<I>HI!\n");
        let refusal = render("{{ raise_exception('no pictures') }}", &messages).unwrap_err().to_string();
        assert!(refusal.contains("no pictures"), "{refusal}");
    }

    #[test]
    fn a_template_is_found_by_name() {
        assert_eq!(template(&json!({"chat_template": "a"})).as_deref(), Some("a"));
        let named =
            json!({"chat_template": [{"name": "tools", "template": "b"}, {"name": "default", "template": "c"}]});
        assert_eq!(template(&named).as_deref(), Some("c"));
        assert_eq!(template(&json!({})), None);
    }
}
