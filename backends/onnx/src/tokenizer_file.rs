//! The text of a `tokenizer.json`.

use std::panic::catch_unwind;
use tokenizers::Tokenizer;

/// The tokenizer that a text describes.
///
/// # Errors
/// If the text is none, or one of those on which the crate that reads it panics.
pub fn parsed(text: &str) -> Result<Tokenizer, String> {
    let read = catch_unwind(|| text.parse::<Tokenizer>().map_err(|error| error.to_string()));
    read.unwrap_or_else(|_| Err("its merges are none of its vocabulary's".to_owned()))
}
