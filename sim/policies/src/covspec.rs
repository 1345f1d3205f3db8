//! CoVSpec (Jia, Tang, Yang; arXiv 2605.02218): the draft sees few of the visual tokens, and what it is sure of stands unverified.
//!
//! 1. The draft reads 64 of 768 visual tokens, the target all. (Theirs are chosen by relevance, activity and a low-rank choice.)
//! 2. A token whose likeliest candidate is far above the second stands without verification. So the answer is not the target's own.
//! 3. The length of a draft follows recent acceptance and the delay of the channel.
//! 4. While a verdict is out, the device drafts on from several likely bonus tokens. Verdict and correction are apart: the residual is
//!    sampled on the device, so that no distributions of the draft go up.
//!
//! Seen: the abstract; the rest second hand, by two summaries that agree; no code. Assumed: a gate of .5 on the difference of the chances of
//! the two candidates, which come from the calibration set; only what precedes the first unsure token of a draft stands, since nothing
//! behind it can be shown before its verdict; a mean of acceptance of weight .9; two branches; lengths of 2 to 8; 16 kB a token, which the
//! printed traffic gives; pruning for the draft alone leaves its acceptance as `[tokens]` has it. Its 96 % fewer bytes are against
//! sending whole distributions; compare it with `cloud_only` in time, and with `speculative` and `verify.rule`s in bytes.

use crate::batch::{Batch, Tree, Verify};
use crate::settings::{idle_if, payload};
use crate::testbed::{Cloud, Edge, Testbed, Verification};
use crate::{About, Asked, Briefing, Idle, Memory, Policy, ServedBy, Uses};
use model::{
    decoding::{Draft, Verdict},
    modality::Modality,
    request::{Input, Kept, PruneStage},
    tokens::Calibration,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::cell::Cell;
use units::{Bytes, Ratio};

/// Drafts from few visual tokens, of which the sure ones stand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CovSpec {
    /// Share of the visual tokens that the draft sees.
    pub draft_visual: Ratio,
    /// Difference of the chances of the two likeliest tokens from which on the first stands unverified; 1 for never.
    pub gate: Ratio,
    /// Shortest draft.
    pub shortest: u32,
    /// Longest draft.
    pub longest: u32,
    /// Weight of the past in the mean of acceptance.
    pub memory: Ratio,
    /// Likely bonus tokens from which it is drafted on while a verdict is out; 0 for none.
    pub branches: u32,
    /// Bytes of a drafted token on the wire.
    pub token: Bytes,
}

impl Default for CovSpec {
    fn default() -> Self {
        Self {
            draft_visual: Ratio::new(64.0 / 768.0),
            gate: Ratio::new(0.5),
            shortest: 2,
            longest: 8,
            memory: Ratio::new(0.9),
            branches: 2,
            token: Bytes::new(16_000),
        }
    }
}

/// The mean of acceptance on an edge.
pub struct Acceptance(Cell<f64>);

impl Memory<CovSpec> for Acceptance {
    fn of(_: &CovSpec) -> Self {
        Self(Cell::new(0.8))
    }
}

impl Acceptance {
    fn learn(&self, verdict: &Verdict, memory: Ratio) {
        if let Some(seen) = verdict.acceptance() {
            let weight = memory.as_f64();
            self.0.set(weight * self.0.get() + (1.0 - weight) * seen);
        }
    }
}

/// Drafts that wait to be sent: those that stand, and then those that are to be judged.
#[derive(Default)]
struct Cache {
    drafts: Vec<Draft>,
    stand: usize,
}

/// Most drafts that stand before a batch tells the cloud of them.
const MOST_STANDING: usize = 48;

impl CovSpec {
    /// The prompt as the draft reads it.
    fn pruned(&self, whole: Input) -> Input {
        let mut input = whole;
        input.handling.prune_stage = PruneStage::PostVit;
        input.kept[Modality::Visual] = Kept { retention: self.draft_visual.as_f64(), compression: 0.0 };
        input
    }

    /// True of a token that stands unverified.
    fn is_sure(&self, draft: &Draft, chances: &Calibration) -> bool {
        let chance = |rank| chances.chance_of(draft.entropy_nats, rank);
        self.gate < Ratio::ONE && chance(0) - chance(1) >= self.gate.as_f64()
    }

    /// The length at which a token takes the least time, by recent acceptance and the channel.
    fn length<B: Testbed>(&self, bed: &B, acceptance: f64) -> usize {
        let view = bed.view();
        let context = view.edge.prompt_tokens(&Input::whole(bed.prompt()));
        let draft = (view.edge.token(context) + view.uplink.transfer_time(self.token)).as_secs_f64();
        let round = (view.rtt + view.cloud.verify(u64::from(self.longest) + 1, context)).as_secs_f64();
        self.best_length(draft, round, acceptance) as usize
    }

    /// The length at which a token takes the least time, if a draft takes so many seconds, and the rest of a round so many.
    fn best_length(&self, draft: f64, round: f64, acceptance: f64) -> u32 {
        let a = acceptance.clamp(0.01, 0.99);
        let tokens = |k: u32| (1.0 - libm::pow(a, f64::from(k + 1))) / (1.0 - a);
        let time = |k: &u32| (f64::from(*k) * draft + round) / tokens(*k);
        (self.shortest..=self.longest).min_by(|a, b| time(a).total_cmp(&time(b))).unwrap_or(self.shortest)
    }

    /// Drafts until so many are to be judged. `true` if the answer has ended, and nothing is left to judge.
    async fn draft<B: Testbed>(&self, bed: &B, chances: &Calibration, cache: &mut Cache, length: usize) -> bool {
        let ended = |cache: &Cache| cache.drafts.last().is_some_and(|last| last.token.ends);
        while cache.drafts.len() - cache.stand < length && !ended(cache) {
            let draft = bed.edge().decode().await;
            let is_first = cache.drafts.len() == cache.stand && cache.stand < MOST_STANDING;
            if is_first && self.is_sure(&draft, chances) {
                bed.edge().trust(&draft);
                cache.stand += 1;
            }
            cache.drafts.push(draft);
        }
        ended(cache) && cache.stand == cache.drafts.len()
    }

    /// Drafts on from likely bonus tokens until the verdict is there; a branch for each.
    async fn branch<B: Testbed>(
        &self,
        bed: &B,
        last: &Draft,
        length: usize,
        verdict: &impl Verification,
    ) -> Vec<Vec<Draft>> {
        if self.branches == 0 || !bed.edge().grows_trees() || last.token.ends || verdict.has_arrived() {
            return Vec::new();
        }
        let mut tree = Tree::default();
        let first = bed.edge().expand(&tree, &[None], self.branches).await;
        let mut front: Vec<Option<u16>> = first.iter().map(|draft| Some(tree.push(*draft, None, 0.0))).collect();
        let mut branches: Vec<Vec<Draft>> = first.into_iter().map(|draft| vec![draft]).collect();
        for _ in 0..length {
            let goes_on = |branch: &&mut Vec<Draft>| !branch[branch.len() - 1].token.ends;
            let mut growing: Vec<(&mut Vec<Draft>, &mut Option<u16>)> =
                branches.iter_mut().zip(&mut front).filter(|(branch, _)| goes_on(branch)).collect();
            if verdict.has_arrived() || growing.is_empty() {
                break;
            }
            let nodes: Vec<Option<u16>> = growing.iter().map(|(_, node)| **node).collect();
            let next = bed.edge().expand(&tree, &nodes, 1).await;
            for ((branch, node), draft) in growing.iter_mut().zip(next) {
                **node = Some(tree.push(draft, **node, 0.0));
                branch.push(draft);
            }
        }
        branches
    }

    /// Keeps drafts that a branch has made: those that are sure stand, up to the first that is not.
    fn keep<B: Testbed>(&self, bed: &B, chances: &Calibration, branch: &[Draft]) -> Cache {
        branch.iter().for_each(|draft| bed.edge().adopt(draft.token));
        let sure = branch.iter().take_while(|draft| self.is_sure(draft, chances));
        let stand = sure.inspect(|draft| bed.edge().trust(draft)).count();
        Cache { drafts: branch.to_vec(), stand }
    }
}

impl About for CovSpec {
    fn uses(&self) -> Uses {
        let trusts = self.gate < Ratio::ONE;
        Uses { edge_model: true, cloud: true, drafts: true, trusts, edge_answers: trusts, ..Uses::default() }
    }

    fn idle(&self, asked: Asked) -> Vec<Idle> {
        idle_if(!asked.pictures, &["draft_visual"], "no request has pictures")
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        payload("token", self.token)?;
        if self.draft_visual == Ratio::ZERO {
            return Err(("draft_visual", "expected a share above 0".to_owned()));
        }
        if self.shortest == 0 || self.shortest > self.longest || self.longest > 12 {
            return Err(("longest", "expected 1 <= shortest <= longest <= 12".to_owned()));
        }
        if self.branches > 8 { Err(("branches", "expected at most 8".to_owned())) } else { Ok(()) }
    }

    fn examples() -> Vec<(&'static str, Self)> {
        let ungated = Self { gate: Ratio::ONE, ..Self::default() };
        let alone = Self { branches: 0, longest: 4, ..Self::default() };
        vec![("", Self::default()), ("ungated", ungated), ("alone", alone)]
    }
}

impl Policy for CovSpec {
    type Memory = Acceptance;

    async fn serve<B: Testbed>(&self, bed: &B, briefing: &Briefing, acceptance: &Acceptance) -> ServedBy {
        let whole = Input::whole(bed.prompt());
        bed.edge().preprocess().await;
        bed.cloud().open(&whole).await;
        bed.edge().prefill(&self.pruned(whole)).await; // 1
        let by = Verify { token_bytes: self.token, ..Verify::default() };
        let served = if self.gate < Ratio::ONE { ServedBy::Both } else { ServedBy::Cloud };
        let (mut cache, mut start) = (Cache::default(), 0);
        loop {
            let length = self.length(bed, acceptance.0.get()); // 3
            if Box::pin(self.draft(bed, &briefing.calibration, &mut cache, length)).await {
                return served; // 2
            }
            let Cache { drafts, stand } = &cache;
            let batch = Batch { bonus: true, stand: *stand, counts: true, ..Batch::of(drafts, start) };
            let pending = bed.cloud().verify(&batch, &by);
            let last = drafts.last().expect("something is judged");
            let branches = Box::pin(self.branch(bed, last, length, &pending)).await; // 4
            let verdict = pending.await;
            acceptance.learn(&verdict, self.memory);
            bed.edge().commit(&verdict);
            if verdict.ends {
                return served;
            }
            start = verdict.committed;
            let came_true = |branch: &&Vec<Draft>| !verdict.rejects() && verdict.token == Some(branch[0].token);
            let kept = branches.iter().find(came_true).map_or(&[][..], |branch| &branch[1..]);
            cache = self.keep(bed, &briefing.calibration, kept);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::tokens::TokenProcess;
    use units::SimTime;

    /// Drafts of 10 ms, and 50 ms for the rest of a round. At .8, lengths of 2 to 6 give 2.44, 2.95, 3.36, 3.69 and 3.95 tokens in 70 to
    /// 110 ms: 28.7, 27.1, 26.8, 27.1 and 27.8 ms a token.
    #[test]
    fn lengths_by_hand() {
        let policy = CovSpec::default();
        for (acceptance, expected) in [(0.8, 4), (0.1, 2), (0.99, 8)] {
            assert_eq!(policy.best_length(0.010, 0.050, acceptance), expected, "{acceptance}");
        }
        assert_eq!(policy.best_length(0.010, 0.500, 0.8), 8, "a far cloud");
    }

    #[test]
    fn a_share_of_pictures_is_idle_without_any() {
        let keys = |pictures| CovSpec::default().idle(Asked { pictures, moves: false, more_than_text: true });
        assert_eq!(keys(true), []);
        assert_eq!(keys(false), [("draft_visual", "no request has pictures")]);
    }

    /// Three of four accepted after .8: .9 x .8 + .1 x .75.
    #[test]
    fn recent_acceptance_by_hand() {
        let policy = CovSpec::default();
        let acceptance = Acceptance::of(&policy);
        let verdict = |accepted, drafted| Verdict {
            accepted,
            drafted,
            committed: 0,
            last: None,
            token: None,
            ends: false,
            at: SimTime::ZERO,
        };
        acceptance.learn(&verdict(3, 4), policy.memory);
        assert!((acceptance.0.get() - 0.795).abs() < 1e-12, "{}", acceptance.0.get());
        acceptance.learn(&verdict(0, 0), policy.memory);
        assert!((acceptance.0.get() - 0.795).abs() < 1e-12, "nothing was drafted, nothing is learned");
    }

    #[test]
    fn a_sure_token_is_far_ahead_of_the_second() {
        let chances = Calibration::sample(&TokenProcess::default(), 500, 1);
        let draft = |nats| Draft { token: Default::default(), position: 0, entropy_nats: nats };
        let policy = CovSpec::default();
        assert!(policy.is_sure(&draft(0.0), &chances) && !policy.is_sure(&draft(5.0), &chances));
        let ungated = CovSpec { gate: Ratio::ONE, ..policy };
        assert!(!ungated.is_sure(&draft(0.0), &chances), "a gate of 1 lets nothing stand");
    }
}
