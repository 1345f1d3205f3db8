//! Drafted tokens on their way to the cloud: the tokens, their shape, and the settings of their verification.

use model::decoding::{Draft, Token};
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
    /// The first so many of its drafts have been sent ahead, and are not sent again.
    pub ahead: usize,
    /// The first so many of its drafts stand, whatever the target's own tokens are; a verdict does not count them.
    pub stand: usize,
    /// `true` counts the others as drafted now: those of a tree, and tokens of the edge's own answer. Those of
    /// [`Edge::draft`](crate::Edge::draft) have been counted.
    pub counts: bool,
}

impl<'d> Batch<'d> {
    /// A judged sequence without a bonus and without state, from a position of the answer on.
    pub fn of(drafts: &'d [Draft], start: u32) -> Self {
        Self {
            drafts,
            parents: Parents::Sequence,
            start,
            bonus: false,
            judged: true,
            state: Bytes::ZERO,
            ahead: 0,
            stand: 0,
            counts: false,
        }
    }

    /// The drafts as one sequence.
    ///
    /// # Panics
    /// If they are a tree, which would be verified wrongly as a sequence.
    #[inline]
    pub fn as_sequence(&self) -> &'d [Draft] {
        if let Parents::Tree(parents) = self.parents {
            self.parents.check(self.drafts.len()).unwrap_or_else(|broken| panic!("{broken}"));
            let drafts = parents.len();
            assert!(self.parents.are_a_sequence(), "a tree of {drafts} drafts is no sequence");
        }
        self.drafts
    }
}

/// A tree of drafts that grows on the edge, parents before their children. Its root is the end of the answer.
///
/// ```
/// use policies::Tree;
/// use model::decoding::{Draft, Token};
///
/// let draft = |id, position| Draft { token: Token { id, ends: false }, position, entropy_nats: 0.1 };
/// let mut tree = Tree::default();
/// let (likely, other) = (tree.push(draft(7, 5), None, -0.1), tree.push(draft(8, 5), None, -2.0));
/// let child = tree.push(draft(9, 6), Some(other), -2.5);
/// assert_eq!(tree.path(Some(child)).iter().map(|token| token.id).collect::<Vec<_>>(), [8, 9]);
/// tree.keep_likeliest(2);
/// assert_eq!(tree.parents, [None, None]);
/// # assert_eq!(likely, 0);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tree {
    /// The tokens.
    pub drafts: Vec<Draft>,
    /// The place of each one's parent; none for a child of the root.
    pub parents: Vec<Option<u16>>,
    /// Logarithm of the chance of each, which is below its parent's.
    pub scores: Vec<f64>,
}

impl Tree {
    /// Adds a draft; its place.
    pub fn push(&mut self, draft: Draft, parent: Option<u16>, score: f64) -> u16 {
        self.drafts.push(draft);
        self.parents.push(parent);
        self.scores.push(score);
        (self.drafts.len() - 1) as u16
    }

    /// Logarithm of the chance of a node; 0 of the root.
    pub fn score(&self, node: Option<u16>) -> f64 {
        node.map_or(0.0, |place| self.scores[usize::from(place)])
    }

    /// The tokens from the root to a node.
    pub fn path(&self, node: Option<u16>) -> Vec<Token> {
        let parent = |place: &u16| self.parents[usize::from(*place)];
        let mut tokens: Vec<Token> =
            std::iter::successors(node, parent).map(|place| self.drafts[usize::from(place)].token).collect();
        tokens.reverse();
        tokens
    }

    /// The nodes without children.
    pub fn leaves(&self) -> impl Iterator<Item = u16> {
        (0..self.drafts.len() as u16).filter(|place| !self.parents.contains(&Some(*place)))
    }

    /// Keeps the likeliest nodes, so many at most.
    pub fn keep_likeliest(&mut self, most: usize) {
        let mut order: Vec<usize> = (0..self.drafts.len()).collect();
        order.sort_by(|a, b| self.scores[*b].total_cmp(&self.scores[*a]));
        order.truncate(most);
        order.sort_unstable();
        *self = self.with(&order, None, 0.0);
    }

    /// The tree below a node, which becomes the root.
    pub fn below(&self, node: u16) -> Self {
        let mut places: Vec<usize> = Vec::new();
        for (place, parent) in self.parents.iter().enumerate() {
            if parent.is_some_and(|parent| parent == node || places.contains(&usize::from(parent))) {
                places.push(place);
            }
        }
        self.with(&places, Some(node), self.score(Some(node)))
    }

    /// The nodes of these places, whose parents are among them or the new root.
    fn with(&self, places: &[usize], root: Option<u16>, score: f64) -> Self {
        let mut kept = Self::default();
        for place in places {
            let parent = self.parents[*place].filter(|parent| Some(*parent) != root);
            let parent = parent.and_then(|parent| places.binary_search(&usize::from(parent)).ok());
            kept.push(self.drafts[*place], parent.map(|parent| parent as u16), self.scores[*place] - score);
        }
        kept
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
    #[should_panic(expected = "a tree of 2 drafts is no sequence")]
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
