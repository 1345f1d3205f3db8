//! Drafted tokens on their way to the cloud: the tokens, their shape, and the settings of their verification.

use model::decoding::Draft;
use units::Bytes;

/// Drafted tokens that are sent for verification.
///
/// ```
/// use policies::{Batch, Parents};
/// use model::decoding::{Draft, Token};
///
/// let draft = |position| Draft { token: Token { id: 7, ends: false }, position, entropy_nats: 0.1 };
/// let sequence = [draft(5), draft(6)];
/// assert_eq!(Batch::of(&sequence, 5).as_sequence().len(), 2);
/// // Two candidates for position 5; the third draft continues the second.
/// let drafts = [draft(5), draft(5), draft(6)];
/// let tree = Batch { parents: Parents::Tree(&[None, None, Some(1)]), ..Batch::of(&drafts, 5) };
/// assert!(!tree.parents.are_a_sequence());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Batch<'d> {
    /// The tokens. They may be none, where only the target's own token is wanted.
    pub drafts: &'d [Draft],
    /// The draft that each of them continues.
    pub parents: Parents<'d>,
    /// Position in the answer of the first draft, or of the wanted token.
    pub start: u32,
    /// `true` asks for a token of the target's own behind drafts that are all accepted. A rejection always brings one.
    pub bonus: bool,
    /// `false` takes the drafts as they are: the target only adds its own token.
    pub judged: bool,
    /// Bytes of the edge's state that travel with the drafts.
    pub state: Bytes,
}

impl<'d> Batch<'d> {
    /// A judged sequence without a bonus and without state, from a position of the answer on.
    pub fn of(drafts: &'d [Draft], start: u32) -> Self {
        Self { drafts, parents: Parents::Sequence, start, bonus: false, judged: true, state: Bytes::ZERO }
    }

    /// The drafts as one sequence.
    ///
    /// # Panics
    /// If they are a tree: no backend verifies one yet, and taken for a sequence it would be verified wrongly.
    #[inline]
    pub fn as_sequence(&self) -> &'d [Draft] {
        if let Parents::Tree(parents) = self.parents {
            self.parents.check(self.drafts.len()).unwrap_or_else(|broken| panic!("{broken}"));
            let drafts = parents.len();
            assert!(self.parents.are_a_sequence(), "a tree of {drafts} drafts: backends verify sequences alone so far");
        }
        self.drafts
    }
}

/// The draft that each draft of a batch continues.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Parents<'d> {
    /// Each draft continues the one before it, the first one the committed answer.
    #[default]
    Sequence,
    /// An entry for each draft: the place of its parent in the batch, or none for a child of the committed answer.
    /// Parents stand before their children.
    Tree(&'d [Option<u16>]),
}

impl Parents<'_> {
    /// The place of a draft's parent; none for a child of the committed answer.
    pub fn of(&self, place: usize) -> Option<usize> {
        match self {
            Self::Sequence => place.checked_sub(1),
            Self::Tree(parents) => parents[place].map(usize::from),
        }
    }

    /// `true` if no draft has a sibling, in whichever form the parents are written.
    pub fn are_a_sequence(&self) -> bool {
        match self {
            Self::Sequence => true,
            Self::Tree(parents) => (0..parents.len()).all(|place| self.of(place) == place.checked_sub(1)),
        }
    }

    /// Refuses parents that are no tree over so many drafts.
    ///
    /// # Errors
    /// If there is not one entry for each draft, or a parent does not stand before its child.
    pub fn check(&self, drafts: usize) -> Result<(), String> {
        let Self::Tree(parents) = self else { return Ok(()) };
        if parents.len() != drafts {
            return Err(format!("{drafts} drafts have {} parents", parents.len()));
        }
        let late = (0..drafts).find(|&place| self.of(place).is_some_and(|parent| parent >= place));
        late.map_or(Ok(()), |place| Err(format!("the parent of draft {place} does not stand before it")))
    }
}

/// Settings of a verification. The default is one iteration, the whole link, and 8 B for each token id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verify {
    /// `true` verifies drafts one after the other, an iteration each, instead of all in one.
    pub one_by_one: bool,
    /// `true` leaves the link out, for which Eq. 14 has no term.
    pub off_the_link: bool,
    /// Bytes of a drafted token on the wire.
    pub token_bytes: Bytes,
}

impl Default for Verify {
    fn default() -> Self {
        Self { one_by_one: false, off_the_link: false, token_bytes: Bytes::new(8) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::decoding::Token;

    const DRAFT: Draft = Draft { token: Token { id: 1, ends: false }, position: 0, entropy_nats: 0.0 };

    #[test]
    fn parents_of_a_sequence_and_of_a_tree() {
        let tree = Parents::Tree(&[None, None, Some(1)]);
        let parents = |of: Parents<'_>| [0, 1, 2].map(|place| of.of(place));
        assert_eq!(parents(Parents::Sequence), [None, Some(0), Some(1)]);
        assert_eq!(parents(tree), [None, None, Some(1)]);
        assert_eq!((tree.check(3), tree.are_a_sequence()), (Ok(()), false));
        assert!(Parents::Tree(&[None, Some(0), Some(1)]).are_a_sequence());
    }

    #[test]
    fn what_is_no_tree_is_refused() {
        let told = |parents, drafts| Parents::Tree(parents).check(drafts).expect_err("no tree");
        assert_eq!(told(&[None], 2), "2 drafts have 1 parents");
        assert_eq!(told(&[None, Some(1)], 2), "the parent of draft 1 does not stand before it");
    }

    #[test]
    #[should_panic(expected = "a tree of 2 drafts: backends verify sequences alone so far")]
    fn a_tree_is_never_taken_for_a_sequence() {
        let drafts = [DRAFT; 2];
        Batch { parents: Parents::Tree(&[None, None]), ..Batch::of(&drafts, 0) }.as_sequence();
    }

    #[test]
    fn a_tree_without_siblings_is_a_sequence() {
        let drafts = [DRAFT; 2];
        let batch = Batch { parents: Parents::Tree(&[None, Some(0)]), ..Batch::of(&drafts, 0) };
        assert_eq!(batch.as_sequence().len(), 2);
    }
}
