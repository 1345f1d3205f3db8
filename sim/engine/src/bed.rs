//! What a policy sees of the virtual testbed: one request's bed.

use crate::gpu::{Task, Then};
use crate::recorder::TokenRecord;
use crate::slot::{Body, Drafts, Slot, SlotId};
use crate::state::State;
use crate::world::{TOKEN_BYTES, World};
use backends::{Compute, Done};
use kernel::{Wait, WaitIndex};
use model::{
    decoding::{Draft, Token, Verdict},
    mas::{Descriptors, Mas},
    request::{Input, Prompt},
};
use policies::{Batch, Cloud, Edge, Pass, Testbed, Verification, View};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use units::{BitsPerSecond, Bytes, SimDuration};

/// One request's view of the world.
pub(crate) struct Bed<'w, C> {
    pub(crate) world: &'w World<'w, C>,
    pub(crate) id: SlotId,
}

impl<'w, C: Compute> Bed<'w, C> {
    #[inline]
    fn with<R>(&self, act: impl FnOnce(&mut State<'w, C>) -> R) -> R {
        act(&mut self.world.state.borrow_mut())
    }

    fn submit_to_edge(&self, task: Task) {
        self.with(|state| {
            let gpu = state.slots.get(self.id.index).edge;
            self.world.submit(state, gpu, self.id, task);
        });
    }

    /// Opens the edge's sequence of this request, asks for its memory, and returns the length of its prompt.
    fn open_on_edge(&self, input: &Input) -> u32 {
        self.with(|state| {
            let prompt = self.world.open_on_edge(state, self.id, input);
            let gpu = state.slots.get(self.id.index).edge;
            self.world.ask_for_memory(state, gpu, self.id);
            prompt
        })
    }

    /// Gives a job to the edge's GPU, waits until it fires, and looks at what came of it.
    async fn on_edge<R>(&self, task: impl FnOnce(WaitIndex) -> Task, then: impl FnOnce(&mut Slot) -> R) -> R {
        let wait = self.world.kernel.wait();
        self.submit_to_edge(task(wait.index()));
        wait.await;
        self.with(|state| then(state.slots.get_mut(self.id.index)))
    }

    /// Occupies a worker of the edge's processor.
    async fn on_cpu(&self, duration: SimDuration) {
        if duration == SimDuration::ZERO {
            return;
        }
        let kernel = self.world.kernel;
        let end = self.with(|state| {
            let edge = state.slots.get(self.id.index).edge;
            state.edge_cpus[edge as usize].serve(kernel.now(), duration).end
        });
        kernel.sleep(end - kernel.now()).await;
    }

    /// A wait that fires when the answer has been committed whole.
    fn answered(&self) -> Wait<'w> {
        let wait = self.world.kernel.wait();
        self.with(|state| state.slots.get_mut(self.id.index).answered = Some(wait.index()));
        wait
    }
}

impl<C: Compute> Testbed for Bed<'_, C> {
    type Edge = Self;
    type Cloud = Self;

    fn prompt(&self) -> Prompt {
        self.with(|state| state.slots.get(self.id.index).request.prompt)
    }

    fn edge(&self) -> &Self {
        self
    }

    fn cloud(&self) -> &Self {
        self
    }

    fn view(&self) -> View<'_> {
        let world = self.world;
        self.with(|state| {
            let (edge_requests, cloud_requests) = state.requests.split_at(world.spec.edge.count as usize);
            let index = state.slots.get(self.id.index).edge as usize;
            View {
                // At a moment of silence next to nothing, so that an upload's time is still a number.
                uplink: state.up.rate(world.kernel.now()).max(BitsPerSecond::new(1)),
                rtt: world.spec.link.rtt,
                edge_requests: edge_requests[index],
                cloud_requests: f64::from(cloud_requests.iter().sum::<u32>()) / cloud_requests.len() as f64,
                edge_free_tokens: state.gpus[index].kv.free_blocks() * model::kv::BLOCK_TOKENS,
                edge: &world.edge_prices,
                cloud: &world.cloud_prices,
            }
        })
    }

    fn elapsed(&self) -> SimDuration {
        self.world.kernel.now() - self.with(|state| state.slots.get(self.id.index).submit)
    }
}

impl<C: Compute> Edge for Bed<'_, C> {
    async fn preprocess(&self) {
        if self.prompt().images.is_some() {
            self.on_cpu(self.world.spec.edge.preprocess).await;
        }
    }

    async fn probe(&self) -> Descriptors {
        let world = self.world;
        let prompt = self.prompt();
        // The probe runs before there is a plan, on the whole input, and caches nothing.
        self.with(|state| self.world.open_on_edge(state, self.id, &Input::whole(prompt)));
        self.on_edge(|wait| Task::Probe { wait }, |_| ()).await;
        self.with(|state| world.close_on_edge(state, self.id));
        Descriptors::draw(&world.spec.descriptors, world.streams, prompt.request)
    }

    async fn think(&self, time: SimDuration) {
        self.on_cpu(time).await;
    }

    fn note_plan(&self, mas: Mas, input: &Input) {
        self.with(|state| {
            let slot = state.slots.get_mut(self.id.index);
            (slot.mas, slot.input) = (Some(mas), *input);
        });
    }

    async fn answer(&self, input: &Input) {
        let left = self.open_on_edge(input);
        let answered = self.answered();
        self.submit_to_edge(Task::Prefill { left, then: Then::Answer });
        answered.await;
    }

    async fn prefill(&self, input: &Input) {
        let left = self.open_on_edge(input);
        self.on_edge(|wait| Task::Prefill { left, then: Then::Fire(wait) }, |_| ()).await;
    }

    async fn draft(&self) -> Draft {
        let take = |slot: &mut Slot| {
            let Done::Draft(draft) = slot.edge_done else { unreachable!("a draft step makes a draft") };
            slot.tally.drafted += 1;
            draft
        };
        self.on_edge(|wait| Task::Draft { wait }, take).await
    }

    fn commit(&self, verdict: &Verdict) {
        self.with(|state| {
            let slot = state.slots.get_mut(self.id.index);
            state.metrics.verified += u64::from(verdict.drafted);
            slot.tally.rounds += 1;
            slot.tally.accepted += verdict.accepted;
            slot.committed.epoch += u32::from(verdict.rejects());
            let tokens = verdict.committed - slot.committed.tokens;
            let sequence = slot.on_edge.as_ref().expect("drafts have a sequence").sequence;
            if verdict.rejects() || verdict.committed > state.edge.answer_tokens(sequence) {
                state.edge.set_answer(sequence, verdict.committed);
            }
            self.world.commit(state, self.id, tokens, verdict.at);
        });
    }

    fn rewind(&self, position: u32) {
        self.with(|state| {
            let held = state.slots.get(self.id.index).on_edge.as_ref();
            state.edge.set_answer(held.expect("drafts have a sequence").sequence, position);
        });
    }

    async fn lower_layers(&self, pass: Pass) {
        let first = matches!(pass, Pass::Prompt(_));
        if let Pass::Prompt(input) = pass {
            self.open_on_edge(&input);
        }
        self.on_edge(|wait| Task::Lower { first, wait }, |_| ()).await;
    }
}

impl<'w, C: Compute> Cloud for Bed<'w, C> {
    type Verification = Flight<'w, C>;

    async fn answer(&self, input: &Input) {
        let answered = self.answered();
        self.with(|state| {
            self.world.open_on_cloud(state, self.id, input);
            self.world.send_up(state, self.id, input.payload(), Body::Input { answer: true });
        });
        answered.await;
    }

    fn open(&self, input: &Input) {
        self.with(|state| {
            self.world.open_on_cloud(state, self.id, input);
            self.world.send_up(state, self.id, input.payload(), Body::Input { answer: false });
        });
    }

    fn verify(&self, batch: &Batch<'_>) -> Flight<'w, C> {
        let wait = self.world.kernel.wait();
        let payload = TOKEN_BYTES * batch.drafts.len() as u64 + batch.state;
        self.with(|state| {
            let epoch = state.slots.get(self.id.index).committed.epoch;
            let drafts = Drafts {
                tokens: batch.drafts.iter().map(|draft| draft.token).collect(),
                bonus: batch.bonus,
                epoch,
                wait: wait.index(),
                abandoned: false,
                dropped: false,
                verdict: None,
            };
            let message = self.world.send_up(state, self.id, payload, Body::Drafts(drafts));
            let log = if state.recorder.wants_tokens() { self.log(state, batch) } else { Vec::new() };
            Flight { world: self.world, message, wait: Some(wait), log }
        })
    }

    async fn upper_layers(&self, pass: Pass) -> bool {
        let wait = self.world.kernel.wait();
        self.with(|state| {
            let tokens = match &pass {
                Pass::Prompt(input) => {
                    self.world.open_on_cloud(state, self.id, input);
                    policies::Prices::prompt_tokens(&self.world.cloud_prices, input)
                }
                Pass::Token => 1,
            };
            let payload = self.world.hidden_bytes() * tokens;
            let first = matches!(pass, Pass::Prompt(_));
            let body = Body::Hidden { first, wait: wait.index(), token: Token::default() };
            self.world.send_up(state, self.id, payload, body);
        });
        wait.await;
        let Done::Token(token) = self.with(|state| state.slots.get(self.id.index).edge_done) else {
            unreachable!("the upper layers make a token")
        };
        token.ends
    }
}

impl<'w, C: Compute> Bed<'w, C> {
    /// Rows for the tokens of a batch, and for the one that was not sure enough, if the batch goes with a state.
    fn log(&self, state: &State<'w, C>, batch: &Batch<'_>) -> Vec<TokenRecord> {
        let slot = state.slots.get(self.id.index);
        let unsure = match slot.edge_done {
            Done::Draft(draft) if batch.state != Bytes::ZERO => Some(draft),
            _ => None,
        };
        let row = |draft: &Draft, verified| TokenRecord {
            request: slot.request.prompt.request,
            round: slot.tally.rounds,
            position: draft.position,
            entropy_nats: draft.entropy_nats,
            theta_nats: batch.theta_nats,
            accepted: false,
            verified,
        };
        batch.drafts.iter().map(|draft| row(draft, true)).chain(unsure.map(|draft| row(&draft, false))).collect()
    }
}

/// A batch on its way to its verdict. Dropping it gives the verdict up.
pub(crate) struct Flight<'w, C: Compute> {
    world: &'w World<'w, C>,
    message: u32,
    /// Taken when the verdict has been read.
    wait: Option<Wait<'w>>,
    /// Rows of the token log, if one is kept.
    log: Vec<TokenRecord>,
}

impl<C: Compute> Flight<'_, C> {
    /// Writes the rows of the token log: with so many accepted, or without a verdict.
    fn write_log(&mut self, state: &mut State<'_, C>, accepted: Option<u32>) {
        for (place, mut row) in self.log.drain(..).enumerate() {
            row.verified &= accepted.is_some();
            row.accepted = (place as u32) < accepted.unwrap_or(0);
            state.recorder.token(&row);
        }
    }
}

impl<C: Compute> Verification for Flight<'_, C> {
    fn has_arrived(&self) -> bool {
        self.wait.as_ref().is_none_or(Wait::is_fired)
    }
}

impl<C: Compute> Future for Flight<'_, C> {
    type Output = Verdict;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Verdict> {
        let wait = self.wait.as_mut().expect("a verdict is read once");
        ready!(Pin::new(wait).poll(context));
        self.wait = None;
        let state = &mut *self.world.state.borrow_mut();
        let Body::Drafts(drafts) = state.messages.remove(self.message).body else { unreachable!("a verdict") };
        let verdict = drafts.verdict.expect("a verdict that has arrived");
        self.write_log(state, Some(verdict.accepted));
        Poll::Ready(verdict)
    }
}

impl<C: Compute> Drop for Flight<'_, C> {
    fn drop(&mut self) {
        let Some(wait) = self.wait.take() else { return };
        let world = self.world;
        let state = &mut *world.state.borrow_mut();
        self.write_log(state, None);
        let Body::Drafts(drafts) = &mut state.messages.get_mut(self.message).body else { unreachable!("drafts") };
        if wait.is_fired() {
            state.messages.remove(self.message);
        } else if drafts.dropped {
            world.forget_drafts(state, self.message);
        } else {
            drafts.abandoned = true;
        }
    }
}
