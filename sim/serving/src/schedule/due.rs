//! Work that a step could do for a request.

/// Work that was found for a request, before there is room for it.
pub(super) struct Due {
    pub tokens: u32,
    /// Pictures to encode or hold; mostly none.
    pub pictures: Option<Box<Pictures>>,
}

impl Due {
    /// Tokens without pictures.
    pub fn of(tokens: u32) -> Self {
        Self { tokens, pictures: None }
    }
}

/// Pictures that a request needs in the step.
#[derive(Default)]
pub(super) struct Pictures {
    /// Places of those to encode.
    pub encode: Vec<u32>,
    /// Places that show one of those once more.
    pub again: Vec<u32>,
    /// Embeddings to encode.
    pub embeddings: u32,
    /// Embeddings that the step can still encode then.
    pub left: u32,
}
