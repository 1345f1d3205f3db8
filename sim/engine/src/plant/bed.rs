//! One request's bed: the virtual testbed as a policy sees it.

use super::flight::Flight;
use super::job::{Task, Then};
use super::message::Body;
use super::posts::Act;
use super::state::State;
use super::world::World;
use crate::ledger::{Grading, Kind, Lane, Ledger, SlotId};
use backends::{Compute, Done, Sequence};
use kernel::{Wait, WaitIndex};
use model::{
    accuracy::Score,
    decoding::{Draft, Token, Verdict},
    mas::Descriptors,
    modality::Modality,
    request::{Input, Prompt},
};
use policies::{Batch, Cloud, Edge, Hidden, Note, Plan, Prices, Stretch, Testbed, Tree, Verify, View};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use units::{Ratio, SimDuration};

/// One request's view of the world.
pub(crate) struct Bed<'w, C> {
    pub(crate) world: &'w World<'w, C>,
    pub(crate) id: SlotId,
}

impl<'w, C: Compute> Bed<'w, C> {
    #[inline]
    pub(super) fn with<R>(&self, act: impl FnOnce(&mut State<'w, C>) -> R) -> R {
        act(&mut self.world.state.borrow_mut())
    }

    fn submit_to_edge(&self, task: Task) {
        self.with(|state| {
            let gpu = state.ledger.slots.get(self.id.index).edge;
            self.world.submit(state, gpu, self.id, task);
        });
    }

    /// Opens the edge's sequence of this request, asks for its memory, and returns the length of its prompt.
    fn open_on_edge(&self, input: &Input) -> u32 {
        self.with(|state| {
            let prompt = self.world.open_on_edge(state, self.id, input);
            let gpu = state.ledger.slots.get(self.id.index).edge;
            self.world.ask_for_memory(state, gpu, self.id);
            prompt
        })
    }

    /// Gives a job to the edge's GPU, to be awaited, and to have what came of it looked at.
    fn on_edge<R, T: FnOnce(&mut State<'w, C>, SlotId) -> R + Unpin>(
        &self,
        task: impl FnOnce(WaitIndex) -> Task,
        then: T,
    ) -> OnEdge<'_, 'w, C, T> {
        let wait = self.world.kernel.wait();
        self.submit_to_edge(task(wait.index()));
        OnEdge { bed: self, wait, then: Some(then) }
    }

    /// Occupies a worker of the edge's processor.
    async fn on_cpu(&self, kind: Kind, duration: SimDuration) {
        if duration == SimDuration::ZERO {
            return;
        }
        let kernel = self.world.kernel;
        let end = self.with(|state| {
            let edge = state.ledger.slots.get(self.id.index).edge;
            let service = state.edge_cpus[edge as usize].serve(kernel.now(), duration);
            if state.ledger.watch.is_on() {
                self.world.watch_processor(state, self.id, (Lane::EdgeCpu, edge), kind, service);
            }
            service.end
        });
        kernel.sleep(end - kernel.now()).await;
    }

    /// The backend of the request's edge, and its sequence there.
    #[inline]
    fn drafts<'s>(&self, state: &'s mut State<'w, C>) -> (&'s mut C, Sequence) {
        let slot = state.ledger.slots.get(self.id.index);
        let tier = self.world.tier(slot.edge);
        (&mut state.computes[tier], slot.resources.sequence(true))
    }

    /// A wait that fires when the answer has been committed whole.
    fn answered(&self) -> Wait<'w> {
        let wait = self.world.kernel.wait();
        self.with(|state| state.ledger.slots.get_mut(self.id.index).resources.pending.answered = Some(wait.index()));
        wait
    }
}

impl<C: Compute> Testbed for Bed<'_, C> {
    type Edge = Self;
    type Cloud = Self;

    fn prompt(&self) -> Prompt {
        self.with(|state| state.ledger.slots.get(self.id.index).about.request.prompt)
    }

    fn edge(&self) -> &Self {
        self
    }

    fn cloud(&self) -> &Self {
        self
    }

    fn view(&self) -> View<'_> {
        let world = self.world;
        self.with(|state| world.view_of(state, self.id))
    }

    fn elapsed(&self) -> SimDuration {
        self.world.kernel.now() - self.with(|state| state.ledger.slots.get(self.id.index).about.submit)
    }

    fn note(&self, round: u32, note: &'static Note, value: f64) {
        self.with(|state| state.ledger.notes.decision(self.id, round, note, value));
    }
}

impl<'w, C: Compute> Edge for Bed<'w, C> {
    async fn preprocess(&self) {
        let prompt = self.prompt();
        if !prompt.is_text() {
            let duration = self.with(|state| {
                let slot = state.ledger.slots.get(self.id.index);
                let tier = self.world.tier(slot.edge);
                let measured = state.computes[tier].preprocess(&slot.about.request);
                measured.unwrap_or_else(|| self.world.preprocess(tier, &prompt))
            });
            self.on_cpu(Kind::Preprocess, duration).await;
        }
    }

    async fn probe(&self, tau_s: Ratio) -> Descriptors {
        let world = self.world;
        let prompt = self.prompt();
        let start = world.kernel.now();
        let probed = |edge: &mut C, sequence| edge.probed(sequence, tau_s);
        let found = self.look_at(&Input::whole(prompt), |wait| Task::Probe { wait }, probed).await;
        self.with(|state| {
            let edge = state.ledger.slots.get(self.id.index).edge;
            let bytes = world.edge_prices(edge).pricing.probe_bytes(&prompt);
            let figures = state.ledger.figures(self.id).into_iter();
            figures.for_each(|metrics| metrics.probe.record(world.kernel.now() - start, bytes));
        });
        let found = found.or_else(|| world.spec.probed.get(&prompt.request).copied());
        found.unwrap_or_else(|| world.spec.descriptors.draw(world.streams, &prompt, tau_s))
    }

    fn score(&self, auc: Ratio) -> f64 {
        let request = self.prompt().request;
        self.with(|state| {
            let grading = &state.ledger.grading;
            let Grading { streams, .. } = grading;
            let accuracy = grading.of(state.ledger.slots.get(self.id.index));
            let difficulty = accuracy.difficulty(*streams, request);
            Score::new(auc, accuracy.edge_error()).draw(&difficulty, *streams, request)
        })
    }

    async fn think(&self, time: SimDuration) {
        self.on_cpu(Kind::Plan, time).await;
    }

    fn note_plan(&self, plan: &Plan) {
        self.with(|state| {
            let slot = state.ledger.slots.get_mut(self.id.index);
            slot.about.plan(plan.mas, &plan.input);
            if let Some(regret) = plan.regret
                && !self.world.post_now(state, self.id, || Act::Regret(regret))
            {
                state.ledger.figures(self.id).into_iter().for_each(|metrics| metrics.regret.record(&regret));
            }
        });
    }

    fn note_threshold(&self, nats: f32, unsure: Option<&Draft>) {
        self.with(|state| state.ledger.notes.threshold(self.id, nats, unsure));
    }

    async fn answer(&self, input: &Input) {
        let left = self.open_on_edge(input);
        let answered = self.answered();
        self.submit_to_edge(Task::Prefill { left, then: Then::Answer });
        answered.await;
    }

    async fn answer_drafted(&self, input: &Input, n_draft: u32) {
        let left = self.open_on_edge(input);
        self.with(|state| self.world.open_beside(state, self.id, true, input, n_draft));
        let answered = self.answered();
        self.submit_to_edge(Task::Prefill { left, then: Then::Speculate });
        answered.await;
    }

    async fn prefill(&self, input: &Input) {
        let left = self.open_on_edge(input);
        self.on_edge(|wait| Task::Prefill { left, then: Then::Fire(wait) }, |_, _| ()).await;
    }

    fn draft(&self) -> impl Future<Output = Draft> {
        let take = |state: &mut State<'w, C>, id: SlotId| {
            let slot = state.ledger.slots.get_mut(id.index);
            slot.tally.drafted += 1;
            slot.resources.drafted()
        };
        self.on_edge(|wait| Task::Draft { wait, stretch: Stretch::ONE }, take)
    }

    fn draft_on(&self, stretch: Stretch, drafts: &mut Vec<Draft>) -> impl Future<Output = Draft> {
        let take = |state: &mut State<'w, C>, id: SlotId| {
            let slot = state.ledger.slots.get_mut(id.index);
            let last = slot.resources.drafted();
            slot.tally.drafted += state.gpus[slot.edge as usize].ahead.take_before(&last, drafts);
            last
        };
        let now = self.world.kernel.now();
        self.with(|state| state.ledger.slots.get_mut(self.id.index).resources.pending.look_for_verdicts(now));
        self.on_edge(|wait| Task::Draft { wait, stretch }, take)
    }

    fn grows_trees(&self) -> bool {
        C::TREES
    }

    async fn expand(&self, tree: &Tree, nodes: &[Option<u16>], most: u32) -> Vec<Draft> {
        if !C::TREES {
            return vec![self.draft().await];
        }
        let (count, depth) = (nodes.len() as u32, nodes.iter().map(|node| tree.path(*node).len()).max());
        let depth = depth.expect("nodes to expand") as u32;
        self.on_edge(|wait| Task::Expand { wait, nodes: count, depth }, |_, _| ()).await;
        self.with(|state| {
            let (edge, sequence) = self.drafts(state);
            nodes.iter().flat_map(|node| edge.candidates(sequence, &tree.path(*node), most)).collect()
        })
    }

    fn decode(&self) -> impl Future<Output = Draft> {
        let made = |state: &mut State<'w, C>, id: SlotId| state.ledger.slots.get(id.index).resources.drafted();
        self.on_edge(|wait| Task::Own { wait }, made)
    }

    fn trust(&self, token: &Draft) {
        let world = self.world;
        self.with(|state| {
            let State { ledger: Ledger { slots, .. }, computes, .. } = state;
            let slot = slots.get_mut(self.id.index);
            let edge = &computes[world.tier(slot.edge)];
            let sequence = slot.resources.on_edge.as_ref().expect("tokens have a sequence").sequence;
            let critical = token.position < world.spec.critical_tokens;
            slot.about.diverged |= critical && edge.agrees(sequence, token) == Some(false);
            state.ledger.commit(self.id, 1, world.kernel.now());
        });
    }

    fn commit(&self, verdict: &Verdict) {
        self.with(|state| {
            let (edge, sequence) = self.drafts(state);
            if verdict.rejects() || verdict.committed > edge.answer_tokens(sequence) {
                let kept = verdict.committed - u32::from(verdict.token.is_some());
                edge.truncate(sequence, kept);
                // The path of a tree, which was not appended while the tree grew.
                while edge.answer_tokens(sequence) < kept {
                    edge.adopt(sequence, Token::default());
                }
                if let Some(token) = verdict.token {
                    edge.adopt(sequence, token);
                }
            }
            state.ledger.commit_verdict(self.id, verdict);
        });
    }

    fn rewind(&self, position: u32) {
        self.with(|state| {
            let (edge, sequence) = self.drafts(state);
            edge.truncate(sequence, position);
        });
    }

    fn adopt(&self, token: Token) {
        self.with(|state| {
            let (edge, sequence) = self.drafts(state);
            edge.adopt(sequence, token);
        });
    }

    async fn pass(&self) {
        self.on_edge(|wait| Task::Lower { wait }, |_, _| ()).await;
    }
}

impl<'w, C: Compute> Cloud for Bed<'w, C> {
    type Verification = Flight<'w, C>;

    async fn answer(&self, input: &Input) {
        self.encode(input).await;
        let answered = self.answered();
        self.upload(input, Then::Answer);
        answered.await;
    }

    async fn answer_drafted(&self, input: &Input, n_draft: u32) {
        self.encode(input).await;
        let answered = self.answered();
        self.upload(input, Then::Speculate);
        self.with(|state| self.world.open_beside(state, self.id, false, input, n_draft));
        answered.await;
    }

    async fn answer_in_parts(&self, input: &Input, parts: u32) {
        self.encode(input).await;
        for _ in 1..parts {
            let wait = self.world.kernel.wait();
            let (payload, body) = (input.bytes(Modality::Visual), Body::Part { wait: wait.index() });
            self.with(|state| self.world.send_up(state, self.id, payload, body));
            wait.await;
        }
        let answered = self.answered();
        self.upload(input, Then::Answer);
        answered.await;
    }

    async fn consider(&self, input: &Input) {
        self.encode(input).await;
        let wait = self.world.kernel.wait();
        self.upload(input, Then::Answer);
        self.with(|state| self.world.withhold(state, self.id, wait.index()));
        wait.await;
        self.with(|state| self.world.give_up_cloud(state, self.id));
    }

    async fn open(&self, input: &Input) {
        self.encode(input).await;
        self.upload(input, Then::Open);
    }

    fn send_ahead(&self, drafts: &[Draft], by: &Verify) {
        let (tokens, payload) = (drafts.len() as u32, by.token_bytes * drafts.len() as u64);
        self.with(|state| self.world.send_up(state, self.id, payload, Body::Ahead { tokens }));
    }

    fn verify(&self, batch: &Batch<'_>, by: &Verify) -> Flight<'w, C> {
        let wait = self.world.kernel.wait();
        let message = self.world.send_drafts(self.id, batch, by, Some(wait.index()));
        let log = self.world.log(self.id, batch);
        if !log.is_empty() {
            self.with(|state| state.ledger.logs.insert(message, log));
        }
        Flight { world: self.world, message, wait: Some(wait) }
    }

    async fn finish(&self, batch: &Batch<'_>, by: &Verify) {
        let answered = self.answered();
        let mut log = self.world.log(self.id, batch);
        let message = self.world.send_drafts(self.id, batch, by, None);
        self.with(|state| {
            let pending = &mut state.ledger.slots.get_mut(self.id.index).resources.pending;
            (pending.last_batch, pending.drafted_first) = (Some(message), true);
        });
        answered.await;
        self.with(|state| {
            let pending = &mut state.ledger.slots.get_mut(self.id.index).resources.pending;
            let verdict = pending.last_verdict.take().expect("the drafts had a verdict");
            state.ledger.write_log(&mut log, Some(&|place| place < verdict.accepted as usize));
        });
    }

    async fn pass(&self, hidden: &Hidden<'_>) -> bool {
        let wait = self.world.kernel.wait();
        let first = hidden.prompt.is_some();
        self.send_hidden(hidden, Body::Hidden { first, wait: wait.index(), token: Token::default() });
        wait.await;
        let Done::Token(token) = self.with(|state| state.ledger.slots.get(self.id.index).resources.edge_done) else {
            unreachable!("the upper layers make a token")
        };
        token.ends
    }

    async fn answer_from(&self, hidden: &Hidden<'_>) {
        let answered = self.answered();
        self.send_hidden(hidden, Body::Prompt);
        answered.await;
    }
}

impl<'w, C: Compute> Bed<'w, C> {
    /// Lets the edge's GPU look at an input, before any prompt is read, and asks what it saw; nothing is cached.
    async fn look_at<R>(
        &self,
        input: &Input,
        task: impl FnOnce(WaitIndex) -> Task,
        saw: impl FnOnce(&mut C, Sequence) -> R,
    ) -> R {
        self.with(|state| self.world.open_on_edge(state, self.id, input));
        self.on_edge(task, |_, _| ()).await;
        self.with(|state| {
            let (edge, sequence) = self.drafts(state);
            let saw = saw(edge, sequence);
            self.world.close_on_edge(state, self.id);
            saw
        })
    }

    /// Runs the cloud model's vision tower, where its output is what is sent.
    async fn encode(&self, input: &Input) {
        if input.prompt.images.is_some_and(|images| images.encoded) {
            self.look_at(input, |wait| Task::Encode { wait }, |_, _| ()).await;
        }
    }

    fn upload(&self, input: &Input, then: Then) {
        self.with(|state| {
            let view = self.world.view_of(state, self.id);
            let delay = view.delay(&input.prompt) - view.way_up;
            self.world.open_on_cloud(state, self.id, input, true);
            let counted = state.ledger.figures(self.id);
            counted.into_iter().for_each(|metrics| metrics.raw_upload += input.raw_payload());
            self.world.send_up(state, self.id, input.payload(), Body::Input { then, delay, is_prepared: false });
        });
    }

    fn send_hidden(&self, hidden: &Hidden<'_>, body: Body) {
        self.with(|state| {
            let prices = self.world.pool_prices(state.ledger.slots.get(self.id.index).pool);
            let payload = match hidden.prompt {
                Some(input) => {
                    self.world.open_on_cloud(state, self.id, input, false);
                    prices.prompt_state_bytes(input, hidden.visual)
                }
                None => prices.hidden_bytes(),
            };
            self.world.send_up(state, self.id, payload, body);
        });
    }
}

/// A job that the edge's GPU has been given. By hand, because every request waits in one, and a future of an `async fn`
/// keeps its arguments twice.
struct OnEdge<'b, 'w, C, T> {
    bed: &'b Bed<'w, C>,
    wait: Wait<'w>,
    /// Taken when the job is done.
    then: Option<T>,
}

impl<'w, C: Compute, R, T: FnOnce(&mut State<'w, C>, SlotId) -> R + Unpin> Future for OnEdge<'_, 'w, C, T> {
    type Output = R;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<R> {
        ready!(Pin::new(&mut self.wait).poll(context));
        let then = self.then.take().expect("a job is looked at once");
        Poll::Ready(self.bed.with(|state| then(state, self.bed.id)))
    }
}
