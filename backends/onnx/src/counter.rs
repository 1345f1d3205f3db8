//! Lengths of texts in tokens, by a tokenizer alone.

use crate::error::{Result, refused};
use crate::tokenizer_file::parsed;
use std::path::{Path, PathBuf};

/// A tokenizer that counts.
pub struct TokenCounter {
    tokenizer: tokenizers::Tokenizer,
    file: PathBuf,
}

impl TokenCounter {
    /// Reads a `tokenizer.json`.
    ///
    /// # Errors
    /// The file is missing or broken.
    pub fn open(file: &Path) -> Result<Self> {
        let read = traces::input::read_text(file).map_err(|error| error.to_string());
        let tokenizer = read.and_then(|text| parsed(&text));
        match tokenizer {
            Ok(tokenizer) => Ok(Self { tokenizer, file: file.to_owned() }),
            Err(error) => refused(format!("cannot read the tokenizer {}: {error}", file.display())),
        }
    }

    /// Tokens of a text, without any that a model puts in front.
    ///
    /// # Errors
    /// The tokenizer fails.
    pub fn count(&self, text: &str) -> Result<u32> {
        match self.tokenizer.encode_fast(text, false) {
            Ok(encoding) => Ok(u32::try_from(encoding.len()).unwrap_or(u32::MAX)),
            Err(error) => refused(format!("the tokenizer {} fails: {error}", self.file.display())),
        }
    }
}
