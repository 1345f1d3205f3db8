//! Chat templates: a conversation as text, as transformers renders it.
//!
//! They are written for Jinja in Python. What differs here is made the same: the tags of transformers ([`blocks`]), the text of
//! Python's values ([`python`]), and its clock ([`clock`]). Whatever a template says, its rendering ends after [`STEPS`] steps, and
//! makes no more text than its [`meter`] allows.

mod blocks;
mod clock;
mod compiled;
mod leaving;
mod meter;
mod python;
#[cfg(test)]
mod tests;

use crate::error::one_line;
use compiled::Compiled;
use meter::Meter;
use minijinja::{Environment, Error, ErrorKind, context};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Steps of a rendering, at most; a long template takes some thousand.
const STEPS: u64 = 1_000_000;

/// Copies of the question that a rendering may make, beside [`meter::BYTES`].
const COPIES: usize = 64;

/// A chat template, and what it may refer to.
pub struct Template {
    source: String,
    /// Special tokens by their names in a template.
    variables: BTreeMap<String, String>,
    form: Form,
    place: Place,
}

/// The text that stands for a picture in a prompt.
pub struct Place {
    /// Its one token that the picture's features replace.
    pub marker: String,
    /// That token between those that begin and end a picture.
    pub whole: String,
}

/// The form of a message's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// A list of pictures and texts.
    Parts,
    /// One text.
    Text,
}

#[derive(Serialize)]
struct Message<'m> {
    role: &'static str,
    content: Content<'m>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Content<'m> {
    Parts(Vec<Part<'m>>),
    Text(&'m str),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Part<'m> {
    Image,
    Text { text: &'m str },
}

/// A question that no template writes by itself, and that changes of case leave alone.
const PROBE: &str = "\u{e000}7\u{e000}";

impl Template {
    /// A template with the special tokens that `configurations` name.
    pub fn new(source: &str, configurations: &[&Value], place: Place) -> Self {
        let source = compiled::without_constant_products(&blocks::plain(source));
        let variables = special_tokens(configurations);
        let mut template = Self { source, variables, form: Form::Parts, place };
        template.form = template.form_of_content();
        template
    }

    /// A conversation of one turn, pictures first.
    ///
    /// A template that has no place for pictures gets their places within the question, a line each, as vLLM has it.
    pub fn conversation(&self, images: usize, question: &str) -> Result<String, String> {
        let rendered = self.render(self.form, images, question)?;
        if images == 0 || rendered.contains(&self.place.marker) {
            return Ok(rendered);
        }
        let question = vec![&*self.place.whole; images].into_iter().chain([question]).collect::<Vec<_>>().join("\n");
        self.render(self.form, 0, &question)
    }

    /// The form that the template takes. One for text alone fails on a list, or writes the list down as it is.
    fn form_of_content(&self) -> Form {
        let listed = [": '", ": \"", ":\""].map(|before| format!("{before}{PROBE}"));
        let is_plain = |text: String| text.contains(PROBE) && !listed.iter().any(|listed| text.contains(listed));
        let writes = |form| self.render(form, 0, PROBE).is_ok_and(is_plain);
        if !writes(Form::Parts) && writes(Form::Text) { Form::Text } else { Form::Parts }
    }

    fn render(&self, form: Form, images: usize, question: &str) -> Result<String, String> {
        let content = match form {
            Form::Text => Content::Text(question),
            Form::Parts => {
                let pictures = std::iter::repeat_with(|| Part::Image).take(images);
                Content::Parts(pictures.chain([Part::Text { text: question }]).collect())
            }
        };
        let nothing = minijinja::Value::from(());
        let context = context! {
            messages => minijinja::Value::from_serialize([Message { role: "user", content }]),
            add_generation_prompt => true,
            tools => nothing,
            documents => nothing,
            one_as_a_variable => 1,
            ..minijinja::Value::from_serialize(&self.variables)
        };
        let bytes = meter::BYTES.saturating_add(question.len().saturating_mul(COPIES));
        let meter = Meter::new(bytes);
        let environment = environment(&meter);
        let rendered = Compiled::new(&self.source).and_then(|template| template.render(&environment, context));
        rendered.map_err(|error| match error.kind() {
            _ if meter.is_empty() => format!("it makes more than {} MiB of text", bytes >> 20),
            ErrorKind::OutOfFuel => format!("it takes more than {STEPS} steps"),
            _ => one_line(&error.to_string()),
        })
    }
}

/// The special tokens: as text, or as an object that has it.
fn special_tokens(configurations: &[&Value]) -> BTreeMap<String, String> {
    const NAMES: [&str; 7] =
        ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];
    let text = |value: &Value| value.as_str().or(value["content"].as_str()).map(str::to_owned);
    let mut found = BTreeMap::new();
    for configuration in configurations {
        let named = NAMES.iter().map(|name| ((*name).to_owned(), &configuration[*name]));
        let extra = configuration["extra_special_tokens"].as_object().into_iter().flatten();
        for (name, value) in named.chain(extra.map(|(name, value)| (name.clone(), value))) {
            if let Some(token) = text(value) {
                found.entry(name).or_insert(token);
            }
        }
    }
    found
}

/// Jinja with transformers' settings and functions.
fn environment(meter: &Meter) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_fuel(Some(STEPS));
    environment.add_function("raise_exception", |message: String| -> Result<String, Error> {
        Err(Error::new(ErrorKind::InvalidOperation, message))
    });
    environment.add_function("strftime_now", |format: String| clock::formatted(&format, clock::now()));
    // It shows all that there is, and no template of a conversation wants that.
    environment.remove_global("debug");
    python::add(&mut environment, meter);
    environment
}
