//! The ledger of a run: the requests that came in, the tokens that were committed, and what they cost.
//!
//! It knows requests and the time, and no GPU, KV cache or link: those are a plant's, which holds its resources `R` for each
//! request in the ledger's slots. Another plant, say one over sockets, keeps the same ledger.
//!
//! | file | what it holds |
//! |---|---|
//! | `slot.rs` | a request in flight |
//! | `tally.rs` | the cost of a request: its shares of iterations, tokens, bytes |
//! | `grading.rs` | the probability that an answer is right |
//! | `flow.rs` | counts over all requests |
//! | `warm_up.rs` | the first requests, which no figure counts |
//! | `drain.rs` | the time behind the last arrival, in which no rate counts |
//! | `on_the_way.rs` | tokens that were committed before they arrive |
//! | `elsewhere.rs` | requests of which edges and cloud are simulated apart |
//! | `metrics.rs` | sums and quantiles over the requests that are counted |
//! | `recorder.rs` | rows for tables, and the trait that takes them |
//! | `notes.rs` | the decisions and thresholds that policies note |
//! | `watch.rs` | the requests whose spans are recorded |
//! | `invariants.rs` | conservation of requests, Little's law |

mod drain;
mod elsewhere;
mod flow;
mod grading;
mod invariants;
mod metrics;
mod notes;
mod on_the_way;
mod recorder;
mod slot;
mod tally;
mod warm_up;
mod watch;

pub use drain::Backlog;
pub use flow::Done;
pub use metrics::{
    ClosedFormSums, Deadlines, Durations, LatencySum, MemorySums, Metrics, OfClass, ProbeSums, RegretSums,
};
pub use recorder::{
    DecisionRecord, Kind, Lane, NoRecorder, Phase, Recorder, RequestRecord, Shortfall, Side, SpanRecord, Status,
    StepRecord, TokenRecord,
};

pub(crate) use elsewhere::{Ended, Kept};
pub(crate) use grading::Grading;
pub(crate) use recorder::Row;
pub(crate) use slot::{Arrival, Slot, SlotId};
pub use tally::MemoryTally;
pub(crate) use tally::Share;
pub(crate) use warm_up::WarmUp;
pub(crate) use watch::Watch;

use drain::Drain;
use flow::Flow;
use kernel::{Key, Numbered};
use model::{
    decoding::Verdict,
    latency::{LatencyLimits, Moments},
    request::Request,
};
use notes::Notes;
use on_the_way::OnTheWay;
use policies::ServedBy;
use std::collections::BTreeMap;
use tally::Tally;
use units::{SimDuration, SimTime};

/// Work since the end of the warm-up, of whichever request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Since {
    /// Tokens that were committed.
    pub tokens: u64,
    /// Requests that were answered.
    pub answered: u64,
}

/// The part of a run in which rates count: from the end of the warm-up to the last arrival, or to the end of the run where the
/// arrivals have no drain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// Its length.
    pub lasts: SimDuration,
    /// The work in it, of whichever request.
    pub done: Done,
    /// The requests in flight in its second half; none where the arrivals have no drain.
    pub backlog: Option<Backlog>,
}

/// The requests of a run: those in flight, and the sums over those that have ended.
pub(crate) struct Ledger<'w, R> {
    pub(crate) slots: Numbered<Slot<R>>,
    generation: u32,
    /// All requests.
    flow: Flow,
    pub(crate) warm_up: WarmUp,
    pub(crate) drain: Drain,
    on_the_way: OnTheWay,
    /// Limits on latencies that a request of each class meets or misses.
    slo: Vec<LatencyLimits>,
    /// The requests behind the warm-up.
    pub(crate) metrics: Metrics,
    pub(crate) recorder: &'w mut dyn Recorder,
    /// The recorder's answers, asked once.
    pub(crate) wants_steps: bool,
    pub(crate) wants_tokens: bool,
    /// Rows of the token log, by the message of their batch, until there is a verdict.
    pub(crate) logs: BTreeMap<u32, Vec<TokenRecord>>,
    /// The decisions and thresholds that policies noted, where the recorder wants them.
    pub(crate) notes: Notes,
    /// The requests whose spans the recorder wants.
    pub(crate) watch: Watch,
    pub(crate) grading: Grading,
    /// Costs of the requests that have ended: the edges', then the cloud's.
    costs: [Share; 2],
    /// Those of them that are counted.
    counted: [Share; 2],
    /// Busy time that did not divide evenly among the items of its iteration: less than a nanosecond an item. It belongs to
    /// no request.
    undivided: [SimDuration; 2],
}

impl<'w, R: Default> Ledger<'w, R> {
    pub(crate) fn new(
        grading: Grading,
        (warm_up, requests): (WarmUp, u64),
        slo: Vec<LatencyLimits>,
        recorder: &'w mut dyn Recorder,
    ) -> Self {
        Self {
            slots: Numbered::default(),
            generation: 0,
            flow: Flow::default(),
            warm_up,
            drain: Drain::new(requests),
            on_the_way: OnTheWay::default(),
            metrics: Metrics::of_classes(slo.len()),
            slo,
            wants_steps: recorder.wants_steps(),
            wants_tokens: recorder.wants_tokens(),
            notes: Notes::new(recorder),
            recorder,
            logs: BTreeMap::new(),
            watch: Watch::default(),
            grading,
            costs: Default::default(),
            counted: Default::default(),
            undivided: Default::default(),
        }
    }

    /// The generation of the next request.
    pub(crate) fn next_generation(&self) -> u32 {
        self.generation + 1
    }

    /// Takes a request in.
    pub(crate) fn admit(&mut self, arrival: Arrival, now: SimTime, reached: Key) -> SlotId {
        let (number, edge, class) = (arrival.turn.request.prompt.request, arrival.edge, arrival.turn.class);
        self.generation += 1;
        let generation = self.generation;
        if self.warm_up.admit(generation, now) {
            self.warm_up.take_back(self.on_the_way.tokens(|arrival| arrival > reached));
        }
        self.flow.submit(now);
        let id = SlotId { index: self.slots.insert(Slot::new(arrival, generation, now)), generation };
        if !self.warm_up.has(id) {
            self.metrics.submit(class);
            self.drain.admit(generation, self.flow.in_flight());
        }
        if self.recorder.wants_spans(number) {
            self.watch.begin(id, number, edge);
        }
        id
    }
}

impl<R> Ledger<'_, R> {
    /// True if a request is still in flight.
    pub(crate) fn lives(&self, id: SlotId) -> bool {
        self.slots.find(id.index).is_some_and(|slot| slot.generation == id.generation)
    }

    /// The figures that a request counts in: none for one of the warm-up.
    #[inline]
    pub(crate) fn figures(&mut self, id: SlotId) -> Option<&mut Metrics> {
        (!self.warm_up.has(id)).then_some(&mut self.metrics)
    }

    /// The work for the requests that are counted, which have ended: that of the edges and that of the cloud. Without a
    /// warm-up it is the whole `work` of the tiers, of which sums of shares differ in the last digits.
    pub(crate) fn counted(&self, work: [Share; 2]) -> [Share; 2] {
        if self.warm_up.requests() == 0 { work } else { self.counted }
    }

    /// The time at which the last request ended, once all have.
    pub(crate) fn last_end(&self) -> SimTime {
        self.flow.changed
    }

    /// Mean length of the answers so far, of the warm-up too; 0 before the first.
    pub(crate) fn mean_answer(&self) -> u64 {
        self.flow.output_tokens.checked_div(self.flow.completed).unwrap_or(0)
    }

    /// Tokens that were committed, and requests that were answered, since the end of the warm-up.
    pub(crate) fn since_warm_up(&self) -> Since {
        let done = self.flow.done().without(&[&self.warm_up.before().done]);
        Since { tokens: done.tokens, answered: done.answered }
    }

    /// The last request has arrived.
    pub(crate) fn begin_drain(&mut self, now: SimTime) {
        self.drain.begin(now, self.generation, self.flow.in_flight());
        self.drain.count(self.on_the_way.tokens(|arrival| arrival.time() > now));
    }

    /// The part of a run that ends at `end` in which rates count.
    pub(crate) fn window(&self, end: SimTime) -> Window {
        let begins = self.warm_up.end().min(end);
        Window {
            lasts: self.drain.begins().min(end).saturating_since(begins),
            done: self.flow.done().without(&[&self.warm_up.before().done, self.drain.after()]),
            backlog: self.drain.backlog(),
        }
    }

    /// Charges the work of an iteration to the requests of its items, in equal shares.
    #[inline]
    pub(crate) fn charge(&mut self, side: Side, work: Share, requests: impl ExactSizeIterator<Item = SlotId>) {
        let items = requests.len();
        let share = work.of_one_in(items);
        if items > 1 {
            self.undivided[side as usize] += work.busy - share.busy * items as u64;
        }
        for id in requests {
            let slot = self.slots.get_mut(id.index);
            debug_assert_eq!(slot.generation, id.generation, "an iteration works for requests in flight alone");
            match side {
                Side::Edge => slot.tally.edge.add(&share),
                Side::Cloud => slot.tally.cloud.add(&share),
            }
        }
    }

    /// Commits tokens at the edge.
    #[inline]
    pub(crate) fn commit(&mut self, id: SlotId, tokens: u32, at: SimTime) {
        if tokens == 0 {
            return;
        }
        let gap = self.slots.get_mut(id.index).commit(tokens, at);
        self.warm_up.commit(tokens, at);
        self.drain.commit(tokens, at);
        let Some(metrics) = self.figures(id) else { return };
        if let Some(gap) = gap {
            metrics.itl.record(gap);
        }
        if tokens > 1 {
            metrics.itl.record_n(SimDuration::ZERO, u64::from(tokens - 1));
        }
    }

    /// Commits tokens that arrive at the edge later, before which nobody looks at them.
    #[inline]
    pub(crate) fn commit_ahead(&mut self, id: SlotId, tokens: u32, now: SimTime, arrival: Key) {
        self.commit(id, tokens, arrival.time());
        if self.warm_up.end() == SimTime::MAX || self.drain.begins() == SimTime::MAX {
            self.on_the_way.add(now, arrival, tokens);
        }
    }

    /// Commits the tokens that a verdict lets stand, at the time it arrived.
    #[inline]
    pub(crate) fn commit_verdict(&mut self, id: SlotId, verdict: &Verdict) {
        self.judge(id, verdict.accepted, verdict.drafted);
        let slot = self.slots.get_mut(id.index);
        slot.committed.epoch += u32::from(verdict.rejects());
        let tokens = verdict.committed - slot.committed.tokens;
        self.commit(id, tokens, verdict.at);
    }

    /// Counts a verdict: so many of the drafts were accepted.
    #[inline]
    pub(crate) fn judge(&mut self, id: SlotId, accepted: u32, drafted: u32) {
        self.flow.verified += u64::from(drafted);
        self.figures(id).into_iter().for_each(|metrics| metrics.verified += u64::from(drafted));
        let slot = self.slots.get_mut(id.index);
        slot.tally.rounds += 1;
        slot.tally.accepted += accepted;
    }

    /// Ends a request, served or rejected for a reason, and writes its row. `graded` is the grade of its answer, where
    /// whoever answered can tell.
    pub(crate) fn end(
        &mut self,
        id: SlotId,
        now: SimTime,
        ending: Result<ServedBy, Shortfall>,
        graded: Option<f64>,
    ) -> Slot<R> {
        let served_by = ending.ok();
        let slot = self.slots.remove(id.index);
        let record = self.record(id, &slot, ending, graded);
        let shortfall = ending.err().or(slot.about.cut.then_some(Shortfall::Cut));
        self.add(&slot.tally, &record, served_by, shortfall, now);
        if self.watch.is_on() {
            self.watch.end(slot.generation, &record, self.recorder);
        }
        self.recorder.request(&record);
        self.notes.end(id, &record, self.recorder);
        slot
    }

    /// Adds a request that has ended to the sums.
    fn add(
        &mut self,
        tally: &Tally,
        record: &RequestRecord,
        served_by: Option<ServedBy>,
        shortfall: Option<Shortfall>,
        now: SimTime,
    ) {
        let add = |costs: &mut [Share; 2]| {
            costs[Side::Edge as usize].add(&tally.edge);
            costs[Side::Cloud as usize].add(&tally.cloud);
        };
        add(&mut self.costs);
        let met = record.moments.as_ref().filter(|_| record.met).map(|moments| moments.tokens);
        self.flow.end(now, record, met);
        shortfall.into_iter().for_each(|reason| self.flow.shortfalls[reason] += 1);
        if let Some(moments) = &record.moments {
            let is_in_window = (self.warm_up.end()..=self.drain.begins()).contains(&moments.last_token);
            self.metrics
                .class(record.class)
                .filter(|_| is_in_window)
                .into_iter()
                .for_each(|class| class.done.answer(met));
            self.warm_up.answer(moments.last_token, met);
            self.drain.answer(moments.last_token, met);
        }
        if record.warm_up {
            return;
        }
        add(&mut self.counted);
        self.metrics.end(record, matches!(served_by, Some(ServedBy::Cloud | ServedBy::Published(_))));
        shortfall.into_iter().for_each(|reason| self.metrics.shortfalls[reason] += 1);
    }

    fn record(
        &self,
        id: SlotId,
        slot: &Slot<R>,
        ending: Result<ServedBy, Shortfall>,
        graded: Option<f64>,
    ) -> RequestRecord {
        let Slot { committed, tally, about, .. } = slot;
        let served_by = ending.ok();
        let status = match ending {
            Ok(_) => Status::Completed,
            Err(Shortfall::TimedOut) => Status::TimedOut,
            Err(_) => Status::Rejected,
        };
        let moments = served_by.map(|_| Moments {
            submit: about.submit,
            first_token: committed.first,
            last_token: committed.last,
            tokens: committed.tokens,
        });
        let answered = served_by.zip(moments.as_ref());
        let correct = answered.map_or(Some(0.0), |(by, moments)| self.grading.correct(slot, by, moments.e2e(), graded));
        // A real model's answer ends where it ends.
        let output_tokens = if status == Status::Rejected { about.request.output_tokens } else { committed.tokens };
        RequestRecord {
            request: Request { output_tokens, ..about.request },
            edge: slot.edge,
            class: about.class,
            group: about.group,
            pool: about.was_sent.then_some(slot.pool),
            client: about.client,
            status,
            fell_back: about.fell_back,
            met: moments.as_ref().is_some_and(|moments| self.slo[about.class as usize].met_by(moments)),
            missed: about.deadline.map(|most| moments.as_ref().is_none_or(|moments| moments.e2e() > most)),
            moments,
            submit: about.submit,
            warm_up: self.warm_up.has(id),
            visual_tokens: about.visual_tokens,
            mas: about.mas(),
            input: about.input(),
            uplink: tally.uplink,
            downlink: tally.downlink,
            rounds: tally.rounds,
            drafted: tally.drafted,
            accepted: tally.accepted,
            memory: tally.memory,
            edge_flop: tally.edge.flop.as_f64(),
            cloud_flop: tally.cloud.flop.as_f64(),
            edge_busy: tally.edge.busy,
            cloud_busy: tally.cloud.busy,
            joules: tally.edge.joules + tally.cloud.joules,
            correct,
            served_by: served_by.unwrap_or(ServedBy::Edge),
        }
    }

    /// Writes the rows of the batch of a message, if a log is kept.
    #[inline]
    pub(crate) fn end_log(&mut self, message: u32, accepted: Option<&dyn Fn(usize) -> bool>) {
        if let Some(mut log) = self.logs.remove(&message) {
            self.write_log(&mut log, accepted);
        }
    }

    /// Writes the rows of a batch: with those of its tokens accepted, by their places, or without a verdict.
    pub(crate) fn write_log(&mut self, log: &mut [TokenRecord], accepted: Option<&dyn Fn(usize) -> bool>) {
        for (place, row) in log.iter_mut().enumerate() {
            row.verified &= accepted.is_some();
            row.accepted = accepted.is_some_and(|accepted| accepted(place));
            self.recorder.token(row);
        }
    }
}
