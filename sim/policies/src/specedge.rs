//! SpecEdge (Park, Cho, Han; NeurIPS 2025; arXiv 2505.17052): edges draft trees, and a server verifies them in full batches.
//!
//! 1. The edge grows a tree, a pass a level, with the likeliest nodes of each level as its front; the likeliest 32 nodes of all go up.
//! 2. The server takes a token of its own at every node. A child lives if it is that token; the longest living path stands, and a bonus
//!    token behind it.
//! 3. While the verdict is out, the edge takes the likeliest leaf with its likeliest next token, and grows a tree behind it. It is kept
//!    only if the path ends in that leaf and the bonus is that token.
//! 4. The server verifies full batches, first come, first served. There are twice as many edges as places of a batch, so that one half
//!    drafts while the other is verified.
//!
//! Seen: the abstract, the authors' code (`kaist-ina/specedge`, at 1edcaf0) as a whole, and the paper's conditions second hand.
//! Settings are those of its example configuration. Assumed: a lean protocol of 8 B a node (`round` of 135 kB repeats theirs, which sends
//! rows of an attention mask); the chances of nodes come from the calibration set, by entropy; the second and further candidates
//! of a node hold the target's token at the rates of `sim/model/src/tokens/rank.rs`; the depth that fits is at least that of the example.
//! Its printed gains are over drafting on the server, so compare with `cloud_speculative`. In a replay the tree is a sequence.

use crate::batch::{Batch, Parents, Tree, Verify};
use crate::queue::{Verifier, Waiting};
use crate::settings::{count, payload};
use crate::speculation::read_prompt;
use crate::testbed::{Cloud, Edge, Testbed, Verification};
use crate::{About, Briefing, Policy, ServedBy, Uses};
use model::{decoding::Token, request::Input, tokens::Calibration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::{Bytes, Ratio};

/// Trees of drafts on the edges, full batches in the cloud.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SpecEdge {
    /// Nodes of a tree that go up.
    pub budget: u32,
    /// Nodes of a level that are grown from, at most.
    pub beams: u32,
    /// Candidates that are looked at behind each node.
    pub width: u32,
    /// Levels of a tree; without a number, as many as make drafting and the round trip as long as a verification, and at least 4.
    pub depth: Option<u32>,
    /// Factor on the chance of a node for each level.
    pub level_discount: Ratio,
    /// The tree that grows while a verdict is out.
    pub ahead: Ahead,
    /// Bytes of a node on the wire.
    pub node: Bytes,
    /// Bytes of a round on the wire, beside its nodes.
    pub round: Bytes,
    /// Places of the cloud's batches; without a number, half of the clients of each of its GPUs.
    pub batch: Option<u32>,
    /// The cloud waits until a batch is full (`static`); otherwise it verifies those that are there (`dynamic`).
    pub full_batches: bool,
}

/// The tree that grows while a verdict is out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Ahead {
    /// Its levels; 0 for none.
    pub depth: u32,
    /// Factor on the chance of the next token of a leaf.
    pub discount: Ratio,
    /// Its levels count among those of the next tree, where it is kept (`included`); otherwise the next has all of its own (`excluded`).
    pub is_included: bool,
}

impl Default for Ahead {
    fn default() -> Self {
        Self { depth: 3, discount: Ratio::new(0.95), is_included: true }
    }
}

impl Default for SpecEdge {
    fn default() -> Self {
        Self {
            budget: 32,
            beams: 32,
            width: 16,
            depth: None,
            level_discount: Ratio::new(0.9),
            ahead: Ahead::default(),
            node: Bytes::new(8),
            round: Bytes::ZERO,
            batch: None,
            full_batches: true,
        }
    }
}

/// Levels of a tree, at least and at most, where they are fitted.
const DEPTHS: [f64; 2] = [4.0, 12.0];

/// A tree that grew while a verdict was out, and the leaf and the token that it continues.
struct Guess {
    leaf: u16,
    bonus: Token,
    tree: Tree,
    levels: u32,
}

impl SpecEdge {
    /// Levels at which drafting and the round trip take as long as a verification.
    fn depth<B: Testbed>(&self, bed: &B) -> u32 {
        let fitted = || {
            let view = bed.view();
            let context = view.edge.prompt_tokens(&Input::whole(bed.prompt()));
            let verify = view.cloud.verify(u64::from(self.budget) + 1, context).as_secs_f64();
            let level = view.edge.token(context).as_secs_f64();
            let levels = (verify - view.rtt.as_secs_f64()) / level;
            libm::round(levels).clamp(DEPTHS[0], DEPTHS[1]) as u32
        };
        self.depth.unwrap_or_else(fitted)
    }

    /// Grows a tree by so many levels from the nodes at its front, as long as `goes_on`; the levels that it grew.
    async fn grow<B: Testbed>(
        &self,
        bed: &B,
        chances: &Calibration,
        tree: &mut Tree,
        mut front: Vec<Option<u16>>,
        levels: u32,
        goes_on: impl Fn() -> bool,
    ) -> u32 {
        for level in 0..levels {
            front.retain(|node| node.is_none_or(|place| !tree.drafts[usize::from(place)].token.ends));
            if front.is_empty() || !goes_on() {
                return level;
            }
            let drafts = bed.edge().expand(tree, &front, self.width).await;
            let each = drafts.len() / front.len();
            let mut children: Vec<_> = Vec::with_capacity(drafts.len());
            for (place, draft) in drafts.into_iter().enumerate() {
                let (parent, rank) = (front[place / each], (place % each) as u32);
                let chance = chances.chance_of(draft.entropy_nats, rank).max(1e-9) * self.level_discount.as_f64();
                children.push((tree.score(parent) + libm::log(chance), parent, draft));
            }
            children.sort_by(|a, b| b.0.total_cmp(&a.0));
            children.truncate(self.beams as usize);
            front = children.into_iter().map(|(score, parent, draft)| Some(tree.push(draft, parent, score))).collect();
        }
        levels
    }

    /// Guesses the end of the path that stands and the token behind it, and grows a tree from there until the verdict is there.
    async fn guess<B: Testbed>(
        &self,
        bed: &B,
        chances: &Calibration,
        sent: &Tree,
        verdict: &impl Verification,
    ) -> Option<Guess> {
        let leaves: Vec<Option<u16>> =
            sent.leaves().filter(|leaf| !sent.drafts[usize::from(*leaf)].token.ends).map(Some).collect();
        if self.ahead.depth == 0 || leaves.is_empty() || verdict.has_arrived() {
            return None;
        }
        let next = bed.edge().expand(sent, &leaves, 1).await;
        let score =
            |place: usize| sent.score(leaves[place]) + libm::log(chances.chance(next[place].entropy_nats).max(1e-9));
        let best = (0..next.len()).max_by(|a, b| score(*a).total_cmp(&score(*b)))?;
        let mut tree = sent.clone();
        let bonus = tree.push(next[best], leaves[best], score(best) + libm::log(self.ahead.discount.as_f64()));
        let goes_on = || !verdict.has_arrived();
        let levels = self.grow(bed, chances, &mut tree, vec![Some(bonus)], self.ahead.depth, goes_on).await;
        Some(Guess { leaf: leaves[best]?, bonus: next[best].token, tree: tree.below(bonus), levels })
    }
}

impl About for SpecEdge {
    fn uses(&self) -> Uses {
        Uses { edge_model: true, cloud: true, drafts: true, ..Uses::default() }
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        payload("node", self.node)?;
        payload("round", self.round)?;
        for (key, value) in [("budget", self.budget), ("beams", self.beams), ("width", self.width)] {
            match value {
                1..=64 => {}
                _ => return Err((key, format!("expected 1 to 64, got {value}"))),
            }
        }
        if self.level_discount == Ratio::ZERO || self.ahead.discount == Ratio::ZERO {
            return Err(("level_discount", "expected factors above 0, also of `ahead.discount`".to_owned()));
        }
        if self.ahead.depth > 16 {
            return Err(("ahead.depth", format!("expected at most 16 levels, got {}", self.ahead.depth)));
        }
        self.depth.map_or(Ok(()), |depth| match depth {
            1..=32 => Ok(()),
            _ => Err(("depth", format!("expected 1 to 32 levels, got {depth}"))),
        })?;
        self.batch.map_or(Ok(()), |batch| count("batch", batch))
    }

    fn queues(&self) -> bool {
        true
    }

    /// The oldest, once there are enough of them.
    fn next(&self, waiting: &[Waiting], verifier: &Verifier<'_>) -> Vec<usize> {
        let half = verifier.clients.div_ceil(2);
        let full = self.batch.map_or(half, |batch| batch.min(half)).max(1) as usize;
        let waits = self.full_batches && waiting.len() < full;
        if waits { Vec::new() } else { (0..full.min(waiting.len())).collect() }
    }

    fn examples() -> Vec<(&'static str, Self)> {
        let excluded = Ahead { is_included: false, ..Ahead::default() };
        let small =
            Self { budget: 5, width: 2, depth: Some(2), ahead: excluded, full_batches: false, ..Self::default() };
        let none = Ahead { depth: 0, ..Ahead::default() };
        vec![("", Self::default()), ("small", small), ("not_ahead", Self { ahead: none, ..Self::default() })]
    }
}

impl Policy for SpecEdge {
    type Memory = ();

    async fn serve<B: Testbed>(&self, bed: &B, briefing: &Briefing, (): &()) -> ServedBy {
        bed.edge().preprocess().await;
        Box::pin(read_prompt(bed, Input::whole(bed.prompt()))).await;
        let by = Verify { token_bytes: self.node, ..Verify::default() };
        let chances = &briefing.calibration;
        let (mut tree, mut grown, mut start) = (Tree::default(), 0, 0);
        loop {
            let front = if tree.drafts.is_empty() { vec![None] } else { tree.leaves().map(Some).collect() };
            let more = self.depth(bed).saturating_sub(grown).max(u32::from(tree.drafts.is_empty()));
            Box::pin(self.grow(bed, chances, &mut tree, front, more, || true)).await; // 1
            tree.keep_likeliest(self.budget as usize);
            let parents = Parents::Tree(&tree.parents);
            let counts = bed.edge().grows_trees();
            let batch = Batch { parents, counts, bonus: true, state: self.round, ..Batch::of(&tree.drafts, start) };
            let pending = bed.cloud().verify(&batch, &by); // 2
            let guess = Box::pin(self.guess(bed, chances, &tree, &pending)).await; // 3
            let verdict = pending.await;
            let came_true = |guess: &Guess| verdict.last == Some(guess.leaf) && verdict.token == Some(guess.bonus);
            let guess = guess.filter(came_true);
            if guess.is_none() {
                bed.edge().rewind(verdict.committed - u32::from(verdict.token.is_some()));
            }
            bed.edge().commit(&verdict);
            if verdict.ends {
                return ServedBy::Cloud;
            }
            start = verdict.committed;
            (tree, grown) = match guess {
                Some(guess) => (guess.tree, if self.ahead.is_included { guess.levels } else { 0 }),
                None => (Tree::default(), 0),
            };
        }
    }
}
