//! The rounds of the parts of a run, on one thread or several.

use super::cloud::Cloud;
use super::division::Division;
use super::edges::{self, Edges, Rest, Round};
use super::rows::Wanted;
use crate::ledger::Recorder;
use crate::models::Models;
use crate::outcome::Outcome;
use crate::plant::{Deliveries, Delivery, Extent};
use crate::run::{RunError, SetUp};
use crate::spec::RunSpec;
use kernel::{Journal, Kernel};
use policies::{Policy, Visitor};
use std::ops::Range;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::{self, Scope, ScopedJoinHandle};
use units::{SimDuration, SimTime};

/// A run in parts that is about to begin.
pub(crate) struct InParts<'s> {
    pub(crate) spec: &'s RunSpec,
    pub(crate) division: Division,
    pub(crate) journal: Journal,
    pub(crate) recorder: &'s mut dyn Recorder,
    pub(crate) progress: &'s AtomicU64,
}

impl Visitor for InParts<'_> {
    type Output = Result<Outcome, RunError>;

    fn visit<P: Policy>(self, policy: &P) -> Self::Output {
        let Self { spec, division: Division { parts, lookahead }, journal, recorder, progress } = self;
        let wanted = &Wanted::by(recorder, spec.workload.len());
        let kernel = Kernel::with_journal(journal);
        let extent = Extent::Cloud(Deliveries::default());
        let cloud = SetUp { spec, kernel: &kernel, extent, recorder, progress };
        let (first, others) = parts.split_first().expect("a run has a part");
        thread::scope(|scope| {
            let start = |edges: &Range<u32>| Remote::start(scope, (spec, policy), edges.clone(), wanted);
            let others: Vec<Remote<'_>> = others.iter().map(start).collect();
            cloud.set_up(policy, Models::modelled(spec), |run| {
                edges::set_up((spec, policy), first.clone(), wanted, |own| {
                    let mut rounds = Rounds { cloud: Cloud::new(run), own, others: &others, parts: &parts };
                    rounds.take_all(lookahead);
                    let Rounds { cloud, own, .. } = rounds;
                    // Another part that has failed says why; this one only waits for it.
                    let mut rests = others.into_iter().map(Remote::end).collect::<Result<Vec<Rest>, RunError>>()?;
                    rests.push(own.end()?);
                    cloud.end(rests)
                })
            })
        })
    }
}

/// The parts of a run, under way on this thread and others.
struct Rounds<'a, 'b, 'o, 's, P: Policy> {
    cloud: Cloud<'a, P>,
    own: Edges<'b, P>,
    others: &'o [Remote<'s>],
    parts: &'o [Range<u32>],
}

impl<P: Policy> Rounds<'_, '_, '_, '_, P> {
    /// Takes all rounds, until nothing is left to do or a part has failed.
    fn take_all(&mut self, lookahead: SimDuration) {
        let mut deliveries = Vec::new();
        // The edges do nothing before this; at the end of time, nothing at all.
        let mut edges = SimTime::ZERO;
        loop {
            let cloud = self.cloud.next().unwrap_or(SimTime::MAX);
            let first = edges.min(cloud);
            if first == SimTime::MAX && deliveries.is_empty() {
                return;
            }
            // Whatever the cloud does from now on reaches an edge by this time at the earliest.
            let reached = later(first, lookahead);
            let until = [reached.min(later(edges, lookahead / 2)), edges.min(later(cloud, lookahead))];
            let Some(next) = self.take_one(until, std::mem::take(&mut deliveries)) else { return };
            deliveries = self.cloud.deliveries();
            let arrivals = deliveries.iter().filter_map(|(_, delivery)| delivery.at());
            edges = arrivals.chain(next).min().unwrap_or(SimTime::MAX);
        }
    }

    /// Takes a round: the edges go on up to a time, and the cloud up to another. The times of the next events; none if a part has failed.
    fn take_one(
        &mut self,
        [edges, cloud]: [SimTime; 2],
        deliveries: Vec<(u32, Delivery)>,
    ) -> Option<impl Iterator<Item = SimTime> + use<P>> {
        let room = 2 * deliveries.len() / self.parts.len();
        let mut of_parts: Vec<Vec<Delivery>> = self.parts.iter().map(|_| Vec::with_capacity(room)).collect();
        for (edge, delivery) in deliveries {
            of_parts[self.parts.partition_point(|part| part.end <= edge)].push(delivery);
        }
        let mut of_parts = of_parts.into_iter();
        let own = of_parts.next().expect("a run has a part");
        for (other, deliveries) in self.others.iter().zip(of_parts) {
            other.go(Go { until: edges, deliveries })?;
        }
        let mut rounds = vec![self.own.round(edges, own)];
        self.cloud.round(cloud);
        for other in self.others {
            rounds.push(other.came()?);
        }
        let next: Vec<SimTime> = rounds.iter().filter_map(|round| round.next).collect();
        rounds.into_iter().for_each(|round| self.cloud.take(round.posted));
        Some(next.into_iter())
    }
}

/// A time that is later, or the end of time.
fn later(time: SimTime, by: SimDuration) -> SimTime {
    if time == SimTime::MAX { time } else { time + by }
}

/// The things that a part is given for its next round.
struct Go {
    until: SimTime,
    deliveries: Vec<Delivery>,
}

/// Looks so often for what another thread sends before going to sleep: for some tens of microseconds, which is about what waking up takes.
const LOOKS: u32 = 1000;

/// Waits for what another thread will send soon; none if it has gone.
fn soon<T>(receiver: &Receiver<T>) -> Option<T> {
    for _ in 0..LOOKS {
        match receiver.try_recv() {
            Ok(thing) => return Some(thing),
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) => std::hint::spin_loop(),
        }
    }
    receiver.recv().ok()
}

/// A part of the edges on a thread of its own.
struct Remote<'s> {
    go: Sender<Go>,
    came: Receiver<Round>,
    thread: ScopedJoinHandle<'s, Result<Rest, RunError>>,
}

impl<'s> Remote<'s> {
    /// Starts a part. It goes on as long as somebody tells it to.
    fn start<'e, P: Policy>(
        scope: &'s Scope<'s, 'e>,
        run: (&'e RunSpec, &'e P),
        edges: Range<u32>,
        wanted: &'e Wanted,
    ) -> Self {
        let ((go, gone), (come, came)) = (channel::<Go>(), channel());
        let thread = scope.spawn(move || {
            edges::set_up(run, edges, wanted, |mut part| {
                while let Some(Go { until, deliveries }) = soon(&gone) {
                    if come.send(part.round(until, deliveries)).is_err() {
                        break;
                    }
                }
                part.end()
            })
        });
        Self { go, came, thread }
    }

    /// Lets it take a round; none if it has failed.
    fn go(&self, go: Go) -> Option<()> {
        self.go.send(go).ok()
    }

    /// The things that came of its round; none if it has failed.
    fn came(&self) -> Option<Round> {
        soon(&self.came)
    }

    /// Ends it.
    fn end(self) -> Result<Rest, RunError> {
        drop(self.go);
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}
