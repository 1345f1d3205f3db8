//! Workloads for property tests, and the loop that serves them.

pub mod held;

use proptest::collection::vec;
use proptest::prelude::*;
use serving::{Admission, Drafter, Entry, Id, Order, Outcome, Piece, Replica, Request, Rules, Settings, Step, Work};

/// A replica's settings and the requests that it serves, each queued before a step.
#[derive(Clone, Debug)]
pub struct Workload {
    pub rules: Rules,
    pub settings: Settings,
    pub requests: Vec<(usize, Request)>,
}

/// Workloads of all kinds: pictures, drafts, priorities, little memory.
pub fn any_workload() -> impl Strategy<Value = Workload> {
    let drafters = prop_oneof![
        3 => Just((Drafter::None, 0)),
        1 => (1..4u32).prop_map(|tokens| (Drafter::NGram, tokens)),
        1 => (1..4u32).prop_map(|tokens| (Drafter::Model, tokens)),
        1 => (1..4u32).prop_map(|tokens| (Drafter::Eagle, tokens)),
    ];
    let orders = prop_oneof![2 => Just(Order::Fcfs), 1 => Just(Order::Priority)];
    (text_workload(), drafters, orders, any::<[bool; 2]>(), vec(pictures(), 20)).prop_map(
        |(mut workload, (drafter, draft_tokens), order, [chunked, whole], pictures)| {
            let settings = &mut workload.settings;
            (settings.drafter, settings.draft_tokens, settings.order) = (drafter, draft_tokens, order);
            (settings.chunked_prompts, settings.whole_pictures) = (chunked, whole);
            for ((_, request), (priority, pieces)) in workload.requests.iter_mut().zip(pictures) {
                request.priority = priority;
                // Longer prompts than a slot or the context are nobody's to serve.
                let slots = if workload.rules.admission == Admission::Slot { settings.sequences } else { 1 };
                let most = settings.blocks / slots * settings.block_tokens;
                for piece in pieces {
                    if request.prompt_tokens() + piece.tokens() < most {
                        request.prompt.push(piece);
                    }
                }
            }
            workload
        },
    )
}

/// A priority and some pictures of a few.
fn pictures() -> impl Strategy<Value = (i32, Vec<Piece>)> {
    let picture = (0..4u64).prop_map(|name| Piece::Picture { name, tokens: 10 + 7 * name as u32 });
    (0..3i32, prop_oneof![2 => Just(Vec::new()), 1 => vec(picture, 1..3)])
}

/// Workloads of text without drafts, where each request fits into the memory.
pub fn text_workload() -> impl Strategy<Value = Workload> {
    let rules = prop::sample::select(Rules::all());
    let settings = (1..9u32, 4..60u32, 12..40u32, any::<[bool; 2]>(), prop::option::of(1..30u32));
    let request = (0..6usize, prop::option::of(0..3u64), 1..50u32, 1..40u32, 0..3u32);
    (rules, settings, vec(request, 1..20)).prop_map(
        |(rules, (sequences, step_tokens, blocks, switches, threshold), all)| {
            // A slot has room for the longest prompt.
            let slots = (blocks / 9).max(1);
            let sequences = if rules.admission == Admission::Slot { sequences.min(slots) } else { sequences };
            let settings = Settings {
                sequences,
                step_tokens,
                long_prompt_threshold: threshold,
                block_tokens: 8,
                blocks,
                context: blocks * 8,
                prefix_cache: switches[0],
                full_prompt_gate: switches[1],
                encoder_step: 50,
                encoder_cache: 70,
                ..Settings::default()
            };
            let mut step = 0;
            let requests = (0..).zip(all).map(|(number, (gap, shared, prompt, output, more))| {
                step += gap;
                let mut request = Request::text(100 + number, prompt, output);
                request.output_limit += more;
                request.prompt.splice(0..0, shared.map(|source| Piece::Text { source, tokens: 20 }));
                request.arrival = step as u64;
                (step, request)
            });
            Workload { rules, settings, requests: requests.collect() }
        },
    )
}

/// A replica that serves a workload, two steps in flight under asynchronous scheduling.
pub struct Server {
    pub replica: Replica,
    /// Handles by number, in the order of the workload.
    pub ids: Vec<Id>,
    coming: std::vec::IntoIter<(usize, Request)>,
    next: Option<(usize, Request)>,
    in_flight: Option<Step>,
    formed: usize,
}

/// A turn of the loop.
pub struct Turn {
    /// The step that was formed.
    pub step: Step,
    /// The outcome of the step that ended.
    pub outcomes: Vec<Outcome>,
}

impl Server {
    pub fn new(workload: &Workload) -> Self {
        let mut coming = workload.requests.clone().into_iter();
        let next = coming.next();
        let replica = Replica::new(workload.rules.clone(), workload.settings.clone());
        Self { replica, ids: Vec::new(), coming, next, in_flight: None, formed: 0 }
    }

    /// Nothing is left to do.
    pub fn is_done(&self) -> bool {
        self.next.is_none() && self.replica.is_idle() && self.in_flight.is_none()
    }

    /// Queues what arrives, forms a step and ends the oldest in flight.
    pub fn turn(&mut self) -> Turn {
        self.queue();
        let step = self.replica.schedule();
        self.formed += 1;
        let over = match self.replica.rules().asynchronous {
            true => self.in_flight.replace(step.clone()),
            false => Some(step.clone()),
        };
        let outcomes = over.map_or(Vec::new(), |over| self.replica.complete(&over, accepted));
        if self.replica.is_idle() {
            self.in_flight = None;
        }
        Turn { step, outcomes }
    }

    /// Queues the requests that arrive before the next step.
    pub fn queue(&mut self) {
        while let Some((_, request)) = self.next.take_if(|(step, _)| *step <= self.formed) {
            self.ids.push(self.replica.submit(request));
            self.next = self.coming.next();
        }
    }

    /// Advances as far as the batch is steady and nobody arrives; the number of steps.
    pub fn advance(&mut self) -> u32 {
        let most = self.next.as_ref().map_or(u32::MAX, |(step, _)| (step - self.formed) as u32);
        let advance = self.replica.advance(self.in_flight.as_mut(), most);
        self.formed += advance.steps as usize;
        advance.steps
    }
}

/// The number of right drafts, from the work alone.
fn accepted(work: &Work) -> u32 {
    (work.computed * 7 + work.blocks) % (work.drafted + 1)
}

/// The request was admitted in this step.
pub fn is_admission(work: &Work) -> bool {
    work.entry != Entry::Running
}
