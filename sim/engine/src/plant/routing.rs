//! Routing: a request is given a pool when it comes in, and a replica of the pool when it is sent.
//!
//! A policy plans for one pool, whose prices and round trip it sees, so the pool is settled first. Both choices go by the same
//! rule, and by loads that are as old as reports make them.

use super::reports::Load;
use super::served::Length;
use super::state::State;
use super::world::World;
use crate::ledger::{Shortfall, SlotId};
use crate::routing::Rule;
use crate::workload::{Shared, Source, Turn};
use backends::Compute;
use model::request::{Input, Request};
use policies::Prices;
use std::ops::Range;
use units::SimDuration;

/// A replica keeps the prompts that belong to it until it has so many requests more than the idlest one, and so many times as
/// many: the defaults of SGLang's router.
const AFFINITY_MOST_MORE: u32 = 64;
const AFFINITY_MOST_TIMES: f64 = 1.5;

/// The facts of a request that rules look at.
struct Asking<'r> {
    edge: u32,
    request: &'r Request,
    input: &'r Input,
    /// The content that its prompt begins with.
    beginning: u64,
}

impl<'w, C: Compute> World<'w, C> {
    /// The pool of a request that comes in at an edge: of those that can hold it.
    pub(crate) fn pool_for(&self, state: &mut State<'w, C>, edge: u32, turn: &Turn, verifies: bool) -> u32 {
        let pools = self.spec.pools.len();
        if pools == 1 {
            return 0;
        }
        if self.spec.routing.rule == Rule::ByClass {
            return self.spec.edges[self.tier(edge)].pool;
        }
        let request = &turn.request;
        let input = Input::whole(request.prompt);
        let holds = |pool: &usize| self.shortfall_in_cloud(state, *pool, request, verifies).is_none();
        let able: Vec<Range<u32>> = (0..pools).filter(holds).map(|pool| self.servers(pool)).collect();
        if able.is_empty() {
            return 0;
        }
        let asking = Asking { edge, request, input: &input, beginning: beginning(request, turn.shared.as_deref()) };
        let gpu = self.choose(state, &asking, &able, pools);
        self.fleet.pool(self.tier(gpu)) as u32
    }

    /// The replica of its pool that a request is sent to.
    pub(crate) fn replica_for(&self, state: &mut State<'w, C>, id: SlotId, input: &Input) -> u32 {
        let slot = state.ledger.slots.get(id.index);
        let pool = slot.pool as usize;
        let servers = self.servers(pool);
        if servers.len() == 1 {
            return servers.start;
        }
        if self.spec.routing == crate::Routing::default() {
            return state.requests.idlest(pool);
        }
        let (edge, request) = (slot.edge, slot.about.request);
        let beginning = beginning(&request, slot.about.shared.as_deref());
        self.choose(state, &Asking { edge, request: &request, input, beginning }, &[servers], pool)
    }

    /// The replica that the rule gives a request, of these. Each of the turns of a round robin has a counter of its own.
    fn choose(&self, state: &mut State<'w, C>, asking: &Asking<'_>, among: &[Range<u32>], turns: usize) -> u32 {
        let many = among.iter().map(|range| range.len()).sum::<usize>() as u64;
        let nth = |place: u64| among.iter().cloned().flatten().nth(place as usize).expect("a replica");
        let number = asking.request.prompt.request;
        match self.spec.routing.rule {
            Rule::RoundRobin => {
                let turn = state.turns[turns];
                state.turns[turns] += 1;
                nth(turn % many)
            }
            Rule::PowerOfTwo => {
                let draws = self.streams.keyed("router", number);
                let first = draws.bits(turns as u64 * 2) % many;
                let other = (first + 1 + draws.bits(turns as u64 * 2 + 1) % (many - 1).max(1)) % many;
                let [first, other] = [first, other].map(nth);
                let [one, two] = [first, other].map(|gpu| self.load(state, asking.edge, gpu).requests);
                if two < one { other } else { first }
            }
            Rule::ShortestWork => self.least(state, asking, among, |state, gpu| {
                let own = self.expected_work(state, gpu, asking.input);
                let way = self.spec.pools[self.fleet.pool(self.tier(gpu))].rtt;
                (self.load(state, asking.edge, gpu).work + own + way).as_ns()
            }),
            Rule::PrefixAffinity => self.owner(state, asking, among),
            Rule::FewestRequests | Rule::ByClass => self.fewest(state, asking, among),
        }
    }

    fn fewest(&self, state: &mut State<'w, C>, asking: &Asking<'_>, among: &[Range<u32>]) -> u32 {
        self.least(state, asking, among, |state, gpu| self.load(state, asking.edge, gpu).requests.into())
    }

    /// The replica with the least of something. Of equals, which old reports often make, another one is the first for each
    /// request; where loads are known at once, the one with the lowest number is.
    fn least(
        &self,
        state: &mut State<'w, C>,
        asking: &Asking<'_>,
        among: &[Range<u32>],
        mut of: impl FnMut(&mut State<'w, C>, u32) -> u64,
    ) -> u32 {
        let many = among.iter().map(|range| range.len()).sum::<usize>() as u64;
        let first = if state.reports.is_some() { asking.request.prompt.request % many } else { 0 };
        let replicas = among.iter().cloned().flatten().zip((0..many).map(|place| (place + many - first) % many));
        let least = replicas.min_by_key(|(gpu, turn)| (of(state, *gpu), *turn));
        least.expect("a replica").0
    }

    /// The replica that the beginning of a prompt belongs to, or the one with the fewest requests if that has far more.
    fn owner(&self, state: &mut State<'w, C>, asking: &Asking<'_>, among: &[Range<u32>]) -> u32 {
        let replicas = among.iter().cloned().flatten();
        // Rendezvous hashing: with one replica more or less, most beginnings stay where they are.
        let weight = |gpu: &u32| self.streams.keyed("affinity", asking.beginning).bits(u64::from(*gpu));
        let owner = replicas.max_by_key(weight).expect("a replica");
        let idlest = self.fewest(state, asking, among);
        let [owner_has, idlest_has] = [owner, idlest].map(|gpu| self.load(state, asking.edge, gpu).requests);
        let is_far = owner_has > idlest_has + AFFINITY_MOST_MORE
            && f64::from(owner_has) > AFFINITY_MOST_TIMES * f64::from(idlest_has);
        if is_far { idlest } else { owner }
    }

    /// The load of a replica as an edge knows it now.
    pub(crate) fn load(&self, state: &mut State<'w, C>, edge: u32, gpu: u32) -> Load {
        let delay = self.report_delay(state, edge, gpu);
        match &mut state.reports {
            Some(reports) => reports.seen(self.replica(gpu), self.kernel.now(), delay),
            None => Load { requests: state.requests.of(gpu), work: state.work[self.replica(gpu)] },
        }
    }

    /// The requests of a pool as an edge knows them now.
    pub(super) fn requests_in_pool(&self, state: &mut State<'w, C>, edge: u32, pool: usize) -> u32 {
        let servers = self.servers(pool);
        let (now, delay) = (self.kernel.now(), self.report_delay(state, edge, servers.start));
        match &mut state.reports {
            Some(reports) => servers.map(|gpu| reports.seen(self.replica(gpu), now, delay).requests).sum(),
            None => state.requests.in_pool(pool),
        }
    }

    /// The time of a report's way from a replica to an edge, where there are reports.
    fn report_delay(&self, state: &State<'w, C>, edge: u32, gpu: u32) -> SimDuration {
        match state.reports {
            Some(_) => self.rtt(state, edge, self.fleet.pool(self.tier(gpu))) / 2,
            None => SimDuration::ZERO,
        }
    }

    /// The number of a GPU among the replicas of all pools.
    fn replica(&self, gpu: u32) -> usize {
        (gpu - self.edges()) as usize
    }

    /// A replica has a request more, or one less, with its work.
    pub(crate) fn change_load(&self, state: &mut State<'w, C>, edge: u32, gpu: u32, change: Change) {
        let replica = self.replica(gpu);
        let work = &mut state.work[replica];
        match change {
            Change::More(more) => {
                state.requests.add(gpu);
                *work += more;
            }
            Change::Less(less) => {
                state.requests.take(gpu);
                *work = work.saturating_sub(less);
            }
        }
        let load = Load { requests: state.requests.of(gpu), work: *work };
        let delay = self.report_delay(state, edge, gpu);
        if let Some(reports) = &mut state.reports {
            reports.change(replica, self.kernel.now(), load, delay);
        }
    }

    /// The work that a request is expected to be for a replica: its prompt, and an answer of the mean length so far. Only a
    /// rule that looks at work pays for it.
    pub(crate) fn expected_work(&self, state: &State<'w, C>, gpu: u32, input: &Input) -> SimDuration {
        if self.spec.routing.rule != Rule::ShortestWork {
            return SimDuration::ZERO;
        }
        let prices = &self.prices[self.tier(gpu)];
        let tokens = state.ledger.mean_answer().max(1);
        prices.pricing.prefill(input) + prices.token(prices.prompt_tokens(input) + tokens / 2) * tokens
    }

    /// The reason why a pool cannot serve a request, if it cannot even alone.
    pub(crate) fn shortfall_in_cloud(
        &self,
        state: &State<'w, C>,
        pool: usize,
        request: &Request,
        verifies: bool,
    ) -> Option<Shortfall> {
        let gpu = self.servers(pool).start;
        let [over, full] = self.lacks(state, gpu, request, verifies);
        let memory = full.then_some(Shortfall::CloudMemory);
        over.then_some(Shortfall::CloudContext).or(memory)
    }

    /// Two flags: a request is too long for the context window of a GPU's model, and too large for its KV cache.
    pub(crate) fn lacks(&self, state: &State<'w, C>, gpu: u32, request: &Request, verifies: bool) -> [bool; 2] {
        let (tier, workload) = (self.tier(gpu), &self.spec.workload);
        let prompt = self.prices[tier].pricing.prompt_tokens(&Input::whole(request.prompt));
        let window = self.spec.tier(tier).0.model.context_window;
        let gpu = &state.gpus[gpu as usize];
        let full = match &gpu.served {
            None => !gpu.kv.could_hold(prompt + workload.reserved(request)),
            Some(served) => {
                let (allowed, reserved) = (workload.allowed(request), workload.reserved(request));
                !served.could_hold(Length { prompt, allowed, reserved }, verifies)
            }
        };
        [window.is_some_and(|most| prompt + workload.allowed(request) > most), full]
    }

    /// The GPUs of a pool.
    fn servers(&self, pool: usize) -> Range<u32> {
        self.fleet.gpus(self.fleet.tier_of_pool(pool))
    }
}

/// A change of a replica's load.
pub(crate) enum Change {
    /// A request with so much work has been assigned.
    More(SimDuration),
    /// It has ended.
    Less(SimDuration),
}

/// The content that a prompt begins with: its pictures and the session that they were shown in, or a text that others quote.
fn beginning(request: &Request, shared: Option<&Shared>) -> u64 {
    let number = request.prompt.request;
    let Some(shared) = shared else { return number };
    match shared.texts.first().map(|text| text.source) {
        Some(Source::Block(block)) => block,
        _ => shared.shown,
    }
}
