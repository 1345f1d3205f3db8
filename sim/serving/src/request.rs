//! A request as it comes in: its prompt, piece by piece, and the length of its answer.

/// Handle of a request in a replica, valid from [`Replica::submit`](crate::Replica::submit) until the request ends.
///
/// Places are used again; a handle of an ended request never names another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id {
    pub(crate) place: u32,
    pub(crate) generation: u32,
}

impl Id {
    /// Its place, below the most requests that were ever in the replica at once; no other request has it meanwhile.
    pub fn place(self) -> usize {
        self.place as usize
    }
}

/// A piece of a prompt: the first tokens of a text, or a picture.
///
/// Two prompts have a prefix in common as far as their pieces name the same sources.
///
/// ```
/// use serving::Piece;
/// let system = Piece::Text { source: 1, tokens: 96 };
/// let first = [system, Piece::Text { source: 7, tokens: 20 }];
/// let second = [system, Piece::Text { source: 8, tokens: 35 }];
/// assert_eq!(first[0], second[0], "96 tokens are shared");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// The first tokens of a text.
    Text {
        /// Number of the text.
        source: u64,
        /// Tokens taken, from its beginning.
        tokens: u32,
    },
    /// A picture: as many placeholder tokens as its encoder makes embeddings.
    Picture {
        /// Name of the picture; the same name is the same picture.
        name: u64,
        /// Placeholders, and embeddings.
        tokens: u32,
    },
}

impl Piece {
    /// The number of tokens.
    pub fn tokens(self) -> u32 {
        match self {
            Self::Text { tokens, .. } | Self::Picture { tokens, .. } => tokens,
        }
    }
}

/// A request: what it says, what its answer is, and its rank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The prompt, in order.
    pub prompt: Vec<Piece>,
    /// Number of the text that the answer is, for prompts that quote it later.
    pub answer: u64,
    /// Length at which the answer ends by itself.
    pub output_tokens: u32,
    /// Longest answer that was asked for (`max_tokens`), which is all that the scheduler knows beforehand.
    pub output_limit: u32,
    /// Priority, the smaller the sooner; without effect under [`Order::Fcfs`](crate::Order).
    pub priority: i32,
    /// Time of arrival in any unit: the second criterion of priorities.
    pub arrival: u64,
    /// Rank among waiting requests of equal priority and arrival.
    pub tie: u64,
    /// The answer is drafted elsewhere, and this engine verifies it: the request is a [session](crate::Replica::offer).
    pub is_session: bool,
    /// No other prompt begins as this one does. Only the request itself can find its blocks again, after a preemption.
    pub is_private: bool,
}

impl Request {
    /// A request of plain text that no other prompt shares.
    pub fn text(source: u64, prompt_tokens: u32, output_tokens: u32) -> Self {
        Self {
            prompt: vec![Piece::Text { source, tokens: prompt_tokens }],
            answer: u64::MAX - source,
            output_tokens,
            output_limit: output_tokens,
            priority: 0,
            arrival: 0,
            tie: source,
            is_session: false,
            is_private: false,
        }
    }

    /// A session over a plain text: its drafts are [offered](crate::Replica::offer) from outside.
    pub fn session(source: u64, prompt_tokens: u32) -> Self {
        Self { is_session: true, ..Self::text(source, prompt_tokens, u32::MAX) }
    }

    /// Length of the prompt.
    pub fn prompt_tokens(&self) -> u32 {
        self.prompt.iter().map(|piece| piece.tokens()).sum()
    }
}

/// A picture of a prompt and its place there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Picture {
    pub name: u64,
    pub start: u32,
    pub tokens: u32,
}

impl Picture {
    /// The pictures of a prompt, in order.
    pub fn all(prompt: &[Piece]) -> Vec<Self> {
        let mut start = 0;
        let mut pictures = Vec::new();
        for piece in prompt {
            if let Piece::Picture { name, tokens } = *piece {
                pictures.push(Self { name, start, tokens });
            }
            start += piece.tokens();
        }
        pictures
    }

    /// The first position after its placeholders.
    pub fn end(self) -> u32 {
        self.start + self.tokens
    }
}
