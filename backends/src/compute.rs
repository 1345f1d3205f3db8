//! The trait of all backends.

use crate::Coverage;
use model::{
    decoding::{Draft, Token},
    load::Cost,
    mas::Descriptors,
    request::{Input, Request},
};
use units::{Ratio, SimDuration};

/// A sequence that a backend holds.
pub type Sequence = u32;

/// One item of a batch.
#[derive(Clone, Copy, Debug)]
pub enum Work<'w> {
    /// Measures the input's modalities with the first layers of the vision tower.
    Probe,
    /// Reads the next `tokens` of the prompt, and of a sequence that was [forgotten](Compute::forget) those of its answer too.
    Prefill {
        /// Tokens of this chunk, at least 1.
        tokens: u32,
        /// Pictures that are encoded for it.
        pictures: u32,
        /// True makes the logits of the last chunk into the first token of an answer, at no further cost.
        answer: bool,
    },
    /// Appends the model's own next token.
    Decode,
    /// Passes one token through the model and appends nothing.
    Pass,
    /// Appends the model's own next token as a draft of another model's.
    Draft,
    /// Appends the model's own next token, with its entropy.
    Own,
    /// Compares k drafts with the model's own tokens in one pass, appends those that agree, and one of its own: the
    /// correction at the first mismatch, or a bonus behind the last if that is wanted. The pass takes k + 1 tokens, the
    /// newest of the answer first; behind a prompt, whose last logits are known, it takes the k drafts.
    Verify {
        /// The drafts, which continue the answer.
        drafts: &'w [Token],
        /// True asks for a bonus.
        bonus: bool,
        /// True compares the drafts; false takes them as they are.
        judged: bool,
    },
    /// Compares drafts as [`Verify`](Self::Verify) does, with a bonus, but for the first `stand` of them, which are taken as they are.
    Check {
        /// The drafts, which continue the answer.
        drafts: &'w [Token],
        /// Drafts that stand.
        stand: usize,
    },
    /// Passes the next `tokens` tokens of a later pass, which then takes the rest: of a batch of drafts that no step has room
    /// for, with the token before it. What is still to be read comes first, and counts.
    Piece {
        /// Tokens of this piece, at least 1.
        tokens: u32,
    },
    /// Encodes the pictures with the vision tower of the cloud's model.
    Encode,
    /// Passes so many nodes of a tree of drafts, of which the root is the newest token of the answer; nothing is appended. Their
    /// children are then among the [`candidates`](Compute::candidates).
    Expand {
        /// Nodes, at least 1.
        nodes: u32,
        /// Their depth: 0 of the root, whose logits are known behind a prompt.
        depth: u32,
    },
    /// Compares a tree of drafts with the model's own tokens in one pass, appends the longest path that agrees, and one token of
    /// its own behind it.
    Judge {
        /// The drafts, parents before their children.
        drafts: &'w [Token],
        /// The place of each one's parent; none for a child of the answer.
        parents: &'w [Option<u16>],
    },
}

impl Work<'_> {
    /// Drafts that it passes through the model.
    pub fn drafts(&self) -> usize {
        match self {
            Self::Verify { drafts, .. } | Self::Check { drafts, .. } | Self::Judge { drafts, .. } => drafts.len(),
            _ => 0,
        }
    }

    /// True if it only wants the next token of the sequence.
    pub fn wants_one_token(&self) -> bool {
        let one = matches!(self, Self::Decode | Self::Draft | Self::Own | Self::Verify { drafts: [], .. });
        one || matches!(self, Self::Expand { depth: 0, .. })
    }
}

/// The result of one item.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Done {
    /// It produced nothing to look at.
    Nothing,
    /// A token was appended.
    Token(Token),
    /// A draft was appended.
    Draft(Draft),
    /// Drafts were compared.
    Verified {
        /// Drafts that agree, up to the first mismatch; of those that are not judged, all.
        accepted: u32,
        /// The token of its own that was appended behind them, if one was.
        token: Option<Token>,
        /// True if the answer ends with the appended tokens.
        ends: bool,
    },
    /// A tree of drafts was compared.
    Judged {
        /// Drafts of the longest path that agrees.
        accepted: u32,
        /// The place of the last of them; none if there are none.
        last: Option<u16>,
        /// The token of its own that was appended behind them, if one was.
        token: Option<Token>,
        /// True if the answer ends with the appended tokens.
        ends: bool,
    },
}

/// A model on a device.
///
/// ```
/// use backends::{Compute, Done, Modelled, Tier, Work};
/// # use model::{engine_kind::EngineKind, request::{Input, Prompt, Request}, tokens::TokenProcess};
///
/// let tier = Tier::named("a100-40-sxm", "qwen2.5-vl-7b", EngineKind::Vllm).unwrap();
/// let mut cloud = Modelled::new(&tier, TokenProcess::default(), kernel::Streams::new(1));
/// # let prompt = Prompt { request: 0, text_tokens: 30, images: None, audio: None };
/// # let (request, input) = (Request { prompt, output_tokens: 5 }, Input::whole(prompt));
/// let (sequence, mut done) = (cloud.open(&request, &input), Vec::new());
/// let prefill = Work::Prefill { tokens: cloud.prompt_tokens(sequence), pictures: 0, answer: true };
/// let cost = cloud.run([(sequence, prefill)].into_iter(), &mut done);
/// println!("prefill of 30 tokens: {}", cost.duration);
/// assert!(matches!(done[..], [Done::Token(_)]), "the prefill makes the first token");
/// cloud.close(sequence);
/// ```
///
/// # Panics
/// Every operation on a sequence panics if it is not open: that is a bug of the caller.
pub trait Compute {
    /// True if it drafts and judges trees; others have sequences alone.
    const TREES: bool = false;

    /// A new sequence for a request's input. Nothing is read yet.
    fn open(&mut self, request: &Request, input: &Input) -> Sequence;

    /// Tokens of the sequence's prompt.
    fn prompt_tokens(&self, sequence: Sequence) -> u32;

    /// Tokens of the answer that the sequence holds.
    fn answer_tokens(&self, sequence: Sequence) -> u32;

    /// Tokens that the sequence holds in its KV cache.
    fn context(&self, sequence: Sequence) -> u64;

    /// Tokens of the prompt that are still to be read, and of a sequence that was forgotten all that had passed the model.
    fn unread_tokens(&self, sequence: Sequence) -> u32 {
        u64::from(self.prompt_tokens(sequence)).saturating_sub(self.context(sequence)) as u32
    }

    /// Runs one batch, at most one item a sequence; `done` gets one entry an item, in order.
    fn run<'w>(&mut self, batch: impl Iterator<Item = (Sequence, Work<'w>)>, done: &mut Vec<Done>) -> Cost;

    /// The outcome of work that needs no pass: it wants the first token of the answer, which the last logits of the prompt
    /// already give. None of all other work, which [`run`](Self::run) has to do.
    ///
    /// ```
    /// # use backends::{Compute, Done, Modelled, Tier, Work};
    /// # use model::{engine_kind::EngineKind, request::{Input, Prompt, Request}, tokens::TokenProcess};
    /// # let tier = Tier::named("rtx-3090", "qwen2-vl-2b", EngineKind::Vllm).unwrap();
    /// # let mut edge = Modelled::new(&tier, TokenProcess::default(), kernel::Streams::new(1));
    /// # let prompt = Prompt { request: 0, text_tokens: 30, images: None, audio: None };
    /// # let (request, input) = (Request { prompt, output_tokens: 5 }, Input::whole(prompt));
    /// let (sequence, mut done) = (edge.open(&request, &input), Vec::new());
    /// assert_eq!(edge.known(sequence, &Work::Draft), None, "the prompt has not been read");
    /// edge.run([(sequence, Work::Prefill { tokens: 30, pictures: 0, answer: false })].into_iter(), &mut done);
    /// assert!(matches!(edge.known(sequence, &Work::Draft), Some(Done::Draft(_))));
    /// assert_eq!(edge.known(sequence, &Work::Draft), None, "the second draft takes a pass");
    /// ```
    fn known(&mut self, sequence: Sequence, work: &Work<'_>) -> Option<Done>;

    /// Works out the next steps of a sequence, each alone in its batch, without taking them: drafts, or tokens of its own answer.
    /// `step` gets the cost and the outcome of each, and says whether another follows. False where a step is only known once it was
    /// taken, as of real models.
    ///
    /// ```
    /// # use backends::{Compute, Done, Modelled, Tier, Work};
    /// # use model::{engine_kind::EngineKind, request::{Input, Prompt, Request}, tokens::TokenProcess};
    /// # let tier = Tier::named("rtx-3090", "qwen2-vl-2b", EngineKind::Vllm).unwrap();
    /// # let mut edge = Modelled::new(&tier, TokenProcess::default(), kernel::Streams::new(1));
    /// # let prompt = Prompt { request: 0, text_tokens: 30, images: None, audio: None };
    /// # let (request, input) = (Request { prompt, output_tokens: 5 }, Input::whole(prompt));
    /// # let (sequence, mut done) = (edge.open(&request, &input), Vec::new());
    /// # edge.run([(sequence, Work::Prefill { tokens: 30, pictures: 0, answer: true })].into_iter(), &mut done);
    /// let mut seen = Vec::new();
    /// assert!(edge.look_ahead(sequence, &Work::Draft, |cost, done| {
    ///     seen.push((cost, done));
    ///     seen.len() < 2
    /// }));
    /// let taken = [(); 2].map(|()| {
    ///     done.clear();
    ///     (edge.run([(sequence, Work::Draft)].into_iter(), &mut done), done[0])
    /// });
    /// assert_eq!(seen, taken);
    /// ```
    fn look_ahead(&self, _: Sequence, _: &Work<'_>, _step: impl FnMut(Cost, Done) -> bool) -> bool {
        false
    }

    /// Takes the first so many of the steps that were [seen ahead](Self::look_ahead).
    ///
    /// # Panics
    /// Where no step is.
    fn take_steps(&mut self, _: Sequence, steps: u32) {
        panic!("{steps} steps that nobody has seen");
    }

    /// Forgets all but the first `answer_tokens` tokens of the answer; of a shorter one, nothing.
    fn truncate(&mut self, sequence: Sequence, answer_tokens: u32);

    /// Appends a token that another model made.
    fn adopt(&mut self, sequence: Sequence, token: Token);

    /// Decodes and resizes the pictures of a request, and returns the duration. None where the backend neither does it nor
    /// has a law of it.
    fn preprocess(&mut self, _: &Request) -> Option<SimDuration> {
        None
    }

    /// Findings of the probe that this sequence ran; importances below `tau_s` are sparse (Eq. 4). None of a modelled
    /// backend, which has no tensors.
    fn probed(&mut self, _: Sequence, _tau_s: Ratio) -> Option<Descriptors> {
        None
    }

    /// Score of the sequence's answer, from 0 to 1. None of a modelled backend, which has no words.
    fn grade(&mut self, _: Sequence) -> Option<f64> {
        None
    }

    /// The target's agreement with a draft, where the backend knows it: a modelled one does, a real one would have to ask.
    fn agrees(&self, _: Sequence, _: &Draft) -> Option<bool> {
        None
    }

    /// The likeliest tokens behind a path from the end of the answer, likeliest first, where the last node of the path has passed.
    ///
    /// # Panics
    /// Where trees are not drafted.
    fn candidates(&mut self, _: Sequence, path: &[Token], _most: u32) -> Vec<Draft> {
        panic!("no candidates behind {} tokens: this backend drafts sequences", path.len());
    }

    /// Iterations inside and outside of the measured range, where prices are measured.
    fn coverage(&self) -> Option<Coverage> {
        None
    }

    /// True if the newest token of the answer is still to be passed through the model.
    fn is_behind(&self, sequence: Sequence) -> bool {
        self.answer_tokens(sequence) > 0
    }

    /// Length at which the answer of a sequence ends, where the backend knows it beforehand, as a modelled one does.
    fn answer_length(&self, _: Sequence) -> Option<u32> {
        None
    }

    /// Lets go of all keys and values of a sequence that is preempted, and returns of how many tokens. Its prompt and its
    /// answer are read again.
    ///
    /// # Panics
    /// Where nobody preempts: in replays.
    fn forget(&mut self, _: Sequence) -> u32 {
        panic!("sequences of a replay are not preempted");
    }

    /// Finds the keys and values of its first `tokens` tokens in a cache, as if they had been read.
    ///
    /// # Panics
    /// Where nothing is cached: in replays.
    fn find(&mut self, _: Sequence, tokens: u32) {
        panic!("{tokens} tokens cannot be found: replays have no prefix cache");
    }

    /// Gives up the sequence.
    fn close(&mut self, sequence: Sequence);

    /// Open sequences.
    fn open_sequences(&self) -> usize;
}
