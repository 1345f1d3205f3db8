//! The parts of a prompt that other prompts may have too, by which a prefix cache finds them.

/// The parts of a request's prompt that other prompts may have too. The text behind them is its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shared {
    /// Tokens of the system prompt, which comes first.
    pub(crate) system: u32,
    /// Number of the request that first showed its pictures or its sound, which come next.
    pub(crate) shown: u64,
    /// Texts between them and the request's own, in order.
    pub(crate) texts: Box<[Text]>,
}

impl Shared {
    /// The parts of a request that shares nothing.
    pub(crate) fn nothing(request: u64) -> Self {
        Self { system: 0, shown: request, texts: Box::default() }
    }
}

/// A text in a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    /// Equal sources are equal tokens.
    pub(crate) source: Source,
    /// Number of its tokens.
    pub(crate) tokens: u32,
}

/// The origin of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A request's own text.
    Request(u64),
    /// The answer to a request.
    Answer(u64),
    /// A block of a trace.
    Block(u64),
}
