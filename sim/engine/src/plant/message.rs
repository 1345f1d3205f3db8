//! Messages between edge and cloud.

use super::job::Then;
use crate::ledger::SlotId;
use kernel::WaitIndex;
use model::decoding::{Token, Verdict};
use smallvec::SmallVec;
use units::{Bytes, SimDuration};

/// A message on the link.
pub(crate) struct Message {
    pub(crate) slot: SlotId,
    pub(crate) edge: u32,
    pub(crate) pool: u32,
    pub(crate) wire: Bytes,
    /// Where edges and cloud are simulated apart: in the cloud its number on the edges' side, there its place among what the cloud sent.
    pub(crate) number: u32,
    pub(crate) body: Body,
}

impl Message {
    /// The drafts that it carries.
    #[inline]
    pub(crate) fn drafts(&self) -> &Drafts {
        let Body::Drafts(drafts) = &self.body else { unreachable!("a message with drafts") };
        drafts
    }

    /// The drafts that it carries, to be changed.
    pub(crate) fn drafts_mut(&mut self) -> &mut Drafts {
        let Body::Drafts(drafts) = &mut self.body else { unreachable!("a message with drafts") };
        drafts
    }
}

pub(crate) enum Body {
    /// Up: an input to read, and what comes behind it. It takes so much longer than its bytes and half a round trip. It is prepared once
    /// the cloud's host has taken its pictures in hand.
    Input { then: Then, delay: SimDuration, is_prepared: bool },
    /// Up: drafts to verify. Down: their verdict.
    Drafts(Drafts),
    /// Up: a part of an input. Down: the cloud's word that it wants to see more.
    Part { wait: WaitIndex },
    /// Up: drafts ahead of the batch that has them verified. Nothing is done with them before that is there.
    Ahead { tokens: u32 },
    /// Up: hidden states of a prompt, from which the cloud writes the whole answer.
    Prompt,
    /// Up: hidden states of a prompt or of a token. Down: the token that came of them.
    Hidden { first: bool, wait: WaitIndex, token: Token },
    /// Down: tokens of an answer that the cloud streams, perhaps the last.
    Tokens { count: u32, ends: bool },
}

impl Body {
    /// True if it takes no time on the link.
    #[inline]
    pub(crate) fn is_off_the_link(&self) -> bool {
        matches!(self, Self::Drafts(drafts) if drafts.off_the_link)
    }
}

/// The shape of a tree of drafts.
#[derive(Clone)]
pub(crate) struct Shape {
    /// The place of each one's parent; none for a child of the answer.
    pub(crate) parents: Vec<Option<u16>>,
}

impl Shape {
    /// True of a draft between the root and the end of a path, the end included.
    pub(crate) fn is_on_the_path(&self, end: Option<u16>, place: usize) -> bool {
        std::iter::successors(end, |at| self.parents[usize::from(*at)]).any(|at| usize::from(at) == place)
    }
}

pub(crate) struct Drafts {
    pub(crate) content: Content,
    /// Their shape, where they are no sequence.
    pub(crate) tree: Option<Box<Shape>>,
    /// Position of the first of them.
    pub(crate) start: u32,
    pub(crate) bonus: bool,
    pub(crate) judged: bool,
    /// The first so many stand, whatever the model's own tokens are.
    pub(crate) stand: u32,
    pub(crate) one_by_one: bool,
    pub(crate) off_the_link: bool,
    pub(crate) epoch: u32,
    /// Their number among the batches of a watched request, from 1.
    pub(crate) round: u32,
    /// Fires when the verdict is there; none if the cloud goes on by itself then.
    pub(crate) wait: Option<WaitIndex>,
    /// The edge waits for the verdict no more.
    pub(crate) abandoned: bool,
    /// The cloud has dropped them: there will be no verdict.
    pub(crate) dropped: bool,
}

/// The drafts that go up, or the verdict on them that comes down.
pub(crate) enum Content {
    /// In place up to the N_max of the paper.
    Tokens(SmallVec<[Token; 5]>),
    Verdict(Verdict),
}

impl Drafts {
    /// The drafts themselves, up to their verdict.
    #[inline]
    pub(crate) fn tokens(&self) -> &[Token] {
        let Content::Tokens(tokens) = &self.content else { unreachable!("drafts are looked at before their verdict") };
        tokens
    }

    /// Their number, up to their verdict.
    #[inline]
    pub(crate) fn count(&self) -> u32 {
        self.tokens().len() as u32
    }

    /// The verdict on them, which is there.
    #[inline]
    pub(crate) fn verdict(&self) -> Verdict {
        let Content::Verdict(verdict) = self.content else { unreachable!("a verdict that has been sent") };
        verdict
    }

    /// The verdict on them, to be changed.
    pub(crate) fn verdict_mut(&mut self) -> &mut Verdict {
        let Content::Verdict(verdict) = &mut self.content else { unreachable!("a verdict that has been sent") };
        verdict
    }
}
