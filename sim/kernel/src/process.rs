//! The virtual clock and the processes that wait on it.
//!
//! A process is a future polled by [`Kernel::run`] on one thread. It can await only a [`Wait`]: a slot that is fired
//! at once or at a given time. There is no waker beyond the index of the process.

use crate::journal::Journal;
use crate::queue::{Lane, Pending};
use crate::{Key, Phase, Queue, Target};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use units::{SimDuration, SimTime};

/// The clock, the pending events and the waits. Shared by reference between the host and its processes.
///
/// ```
/// use kernel::{FifoServer, Host, Kernel, Spawner, Target};
/// use std::cell::{Cell, RefCell};
/// use units::SimDuration;
///
/// struct NoComponents;
/// impl<'a> Host<'a> for NoComponents {
///     fn event(&'a self, _: Target, _: &mut Spawner<'a>) {}
/// }
///
/// // Two jobs of 30 ms arrive at one worker at time zero: the second waits for the first.
/// let kernel = Kernel::new();
/// let (worker, last) = (RefCell::new(FifoServer::new(1)), Cell::new(0.0));
/// let waiting = kernel.run(&NoComponents, |spawner| {
///     for _ in 0..2 {
///         spawner.spawn(async {
///             let served = worker.borrow_mut().serve(kernel.now(), SimDuration::from_ms(30));
///             kernel.sleep(served.end - kernel.now()).await;
///             last.set(kernel.now().as_ms_f64());
///         });
///     }
/// });
/// assert_eq!((waiting, last.get(), kernel.events()), (0, 60.0, 2));
/// ```
pub struct Kernel {
    now: Cell<SimTime>,
    /// The last in order of the events so far.
    reached: Cell<Key>,
    sequence: Cell<u64>,
    events: Cell<u64>,
    queue: RefCell<Pending>,
    waits: RefCell<Waits>,
    ready: RefCell<VecDeque<ProcessId>>,
    polled: Cell<ProcessId>,
    journal: RefCell<Journal>,
}

/// The owner of the components that events are for.
pub trait Host<'a> {
    /// An event for a component (made by [`Target::component`]) is due.
    fn event(&'a self, target: Target, spawner: &mut Spawner<'a>);

    /// True if an event for a component at a time has been withdrawn. It then leaves no trace: the clock stays where it is.
    #[inline]
    fn is_withdrawn(&self, _time: SimTime, _target: Target) -> bool {
        false
    }
}

type ProcessId = u32;
type Process<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// The list of processes, to which new ones are added. A new process is polled for the first time at the instant of
/// its spawning, after the event that spawned it.
#[derive(Default)]
pub struct Spawner<'a> {
    processes: Vec<Option<Process<'a>>>,
    free: Vec<ProcessId>,
    spawned: Vec<ProcessId>,
}

impl<'a> Spawner<'a> {
    /// Starts a process.
    pub fn spawn(&mut self, process: impl Future<Output = ()> + 'a) {
        let process: Process<'a> = Box::pin(process);
        let id = match self.free.pop() {
            Some(id) => {
                self.processes[id as usize] = Some(process);
                id
            }
            None => {
                self.processes.push(Some(process));
                u32::try_from(self.processes.len() - 1).expect("fewer than 2^32 processes")
            }
        };
        self.spawned.push(id);
    }

    /// Processes that have not ended.
    pub fn alive(&self) -> usize {
        self.processes.len() - self.free.len()
    }
}

impl Default for Kernel {
    fn default() -> Self {
        Self::new()
    }
}

impl Kernel {
    /// A kernel at time zero that only digests its events.
    pub fn new() -> Self {
        Self::with_journal(Journal::digest_only())
    }

    /// A kernel whose events go to `journal`, for instance to be compared with an earlier run's.
    pub fn with_journal(journal: Journal) -> Self {
        Self {
            now: Cell::new(SimTime::ZERO),
            reached: Cell::new(Key::START),
            sequence: Cell::new(0),
            events: Cell::new(0),
            queue: RefCell::default(),
            waits: RefCell::default(),
            ready: RefCell::default(),
            polled: Cell::new(0),
            journal: RefCell::new(journal),
        }
    }

    /// The current instant.
    #[inline]
    pub fn now(&self) -> SimTime {
        self.now.get()
    }

    /// Events that have happened.
    pub fn events(&self) -> u64 {
        self.events.get()
    }

    /// Takes the journal of this run out, after it.
    pub fn take_journal(&self) -> Journal {
        self.journal.replace(Journal::digest_only())
    }

    /// Schedules an event for a component.
    ///
    /// # Panics
    /// If `time` lies in the past.
    #[inline]
    pub fn schedule(&self, time: SimTime, phase: Phase, target: Target, lane: Option<Lane>) {
        self.push(time, self.place(time, phase, target), lane);
    }

    /// Takes the place in the order of events that one at this time would have, without scheduling it. It is passed once
    /// [`reached`](Self::reached) is not before it.
    #[inline]
    pub fn take_place(&self, time: SimTime) -> Key {
        self.place(time, Phase::Happen, Target::FIRST)
    }

    /// The last place in the order of events that has been reached.
    #[inline]
    pub fn reached(&self) -> Key {
        self.reached.get()
    }

    #[inline]
    fn place(&self, time: SimTime, phase: Phase, target: Target) -> Key {
        let sequence = self.sequence.get();
        self.sequence.set(sequence + 1);
        Key::new(time, phase, sequence, target)
    }

    /// Schedules the end of an iteration of the server with this number.
    ///
    /// # Panics
    /// If `time` lies in the past.
    #[inline]
    pub fn schedule_end(&self, time: SimTime, server: u32, target: Target, lane: Option<Lane>) {
        self.push(time, Key::new(time, Phase::Iterate, server.into(), target), lane);
    }

    #[inline]
    fn push(&self, time: SimTime, key: Key, lane: Option<Lane>) {
        assert!(time >= self.now.get(), "event scheduled at {time:?}, before now ({:?})", self.now.get());
        self.queue.borrow_mut().push(key, lane);
    }

    /// True if an iteration of a server that ends then is over, whether it has an event or not.
    ///
    /// ```
    /// use kernel::{Host, Kernel, Spawner, Target};
    /// use units::SimTime;
    ///
    /// struct Two<'k>(&'k Kernel);
    /// impl<'a> Host<'a> for Two<'_> {
    ///     fn event(&'a self, _: Target, _: &mut Spawner<'a>) {
    ///         let at = |ns, server| self.0.is_over(SimTime::from_ns(ns), server);
    ///         assert_eq!([at(6, 9), at(7, 0), at(7, 1), at(7, 2), at(8, 0)], [true, true, true, false, false]);
    ///     }
    /// }
    /// let kernel = Kernel::new();
    /// kernel.run(&Two(&kernel), |_| kernel.schedule_end(SimTime::from_ns(7), 1, Target::component(0), None));
    /// ```
    #[inline]
    pub fn is_over(&self, end: SimTime, server: u32) -> bool {
        Key::new(end, Phase::Iterate, server.into(), Target::FIRST) <= self.reached.get()
    }

    /// A new slot to wait on. It must be fired exactly once, or the process that awaits it never resumes.
    #[inline]
    pub fn wait(&self) -> Wait<'_> {
        Wait { kernel: self, index: self.waits.borrow_mut().take() }
    }

    /// Fires a wait at a later instant.
    #[inline]
    pub fn fire_at(&self, time: SimTime, wait: WaitIndex, lane: Option<Lane>) {
        self.schedule(time, Phase::Happen, Target::wait(wait), lane);
    }

    /// Fires a wait now: its process resumes at this instant, after the current event.
    #[inline]
    pub fn fire(&self, wait: WaitIndex) {
        if let Some(process) = self.waits.borrow_mut().fire(wait) {
            self.ready.borrow_mut().push_back(process);
        }
    }

    /// Lets the calling process sleep.
    #[inline]
    pub fn sleep(&self, duration: SimDuration) -> Wait<'_> {
        let wait = self.wait();
        self.fire_at(self.now() + duration, wait.index, None);
        wait
    }

    /// Runs until no event is pending: `start` spawns the first processes, `host` gets the components' events. Returns
    /// the number of processes that still wait: 0 unless some wait was never fired.
    pub fn run<'a>(&'a self, host: &'a impl Host<'a>, start: impl FnOnce(&mut Spawner<'a>)) -> usize {
        let mut spawner = Spawner::default();
        start(&mut spawner);
        self.run_before(Key::NEVER, host, &mut spawner);
        spawner.alive()
    }

    /// Runs up to the first event that does not come before a limit. The clock stays at the last one before it.
    pub fn run_before<'a>(&'a self, limit: Key, host: &'a impl Host<'a>, spawner: &mut Spawner<'a>) {
        loop {
            // Events for components alone leave nobody ready.
            if !(spawner.spawned.is_empty() && self.ready.borrow().is_empty()) {
                self.poll_ready(spawner);
            }
            let Some(key) = self.queue.borrow_mut().pop_before(limit) else { break };
            let (target, decoded) = (key.target(), key.target().decode());
            if decoded.is_ok() && host.is_withdrawn(key.time(), target) {
                continue;
            }
            self.reach(key);
            match decoded {
                Err(wait) => self.fire(wait),
                Ok(_) => host.event(target, spawner),
            }
        }
    }

    /// The time of the next event; none if none is pending.
    pub fn next(&self) -> Option<SimTime> {
        self.queue.borrow_mut().next().map(Key::time)
    }

    /// Comes to an event: one of the queue, or one that comes from elsewhere between two of them.
    ///
    /// # Panics
    /// If it lies in the past.
    #[inline]
    pub fn reach(&self, key: Key) {
        assert!(key.time() >= self.now.get(), "time went back from {:?} to {key:?}", self.now.get());
        self.now.set(key.time());
        if key > self.reached.get() {
            self.reached.set(key);
        }
        self.events.set(self.events.get() + 1);
        self.journal.borrow_mut().record(key);
    }

    #[inline]
    fn poll_ready(&self, spawner: &mut Spawner<'_>) {
        if !spawner.spawned.is_empty() {
            self.ready.borrow_mut().extend(spawner.spawned.drain(..));
        }
        loop {
            let Some(id) = self.ready.borrow_mut().pop_front() else { return };
            self.polled.set(id);
            let slot = &mut spawner.processes[id as usize];
            let Some(process) = slot else { continue };
            if process.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
                *slot = None;
                spawner.free.push(id);
            }
        }
    }
}

/// Index of a [`Wait`], by which it is fired.
pub type WaitIndex = u32;

/// A future that is ready once its slot has been fired.
#[must_use = "a wait does nothing unless awaited"]
pub struct Wait<'k> {
    kernel: &'k Kernel,
    index: WaitIndex,
}

impl Wait<'_> {
    /// The index by which the wait is fired.
    #[inline]
    pub fn index(&self) -> WaitIndex {
        self.index
    }

    /// True if the wait has been fired; does not wait.
    #[inline]
    pub fn is_fired(&self) -> bool {
        self.kernel.waits.borrow().0[self.index as usize] == WaitState::Fired
    }
}

impl Future for Wait<'_> {
    type Output = ();

    #[inline]
    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        let mut waits = self.kernel.waits.borrow_mut();
        let state = &mut waits.0[self.index as usize];
        if *state == WaitState::Fired {
            return Poll::Ready(());
        }
        *state = WaitState::Awaited(self.kernel.polled.get());
        Poll::Pending
    }
}

impl Drop for Wait<'_> {
    #[inline]
    fn drop(&mut self) {
        self.kernel.waits.borrow_mut().release(self.index);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum WaitState {
    /// Nobody polls it yet.
    Idle,
    /// A process sleeps on it.
    Awaited(ProcessId),
    /// It was fired and not yet dropped.
    Fired,
    /// Dropped before it was fired: firing it frees the slot.
    Abandoned,
    /// The slot is free.
    Free,
}

#[derive(Default)]
struct Waits(Vec<WaitState>, Vec<WaitIndex>);

impl Waits {
    #[inline]
    fn take(&mut self) -> WaitIndex {
        match self.1.pop() {
            Some(index) => {
                self.0[index as usize] = WaitState::Idle;
                index
            }
            None => {
                self.0.push(WaitState::Idle);
                u32::try_from(self.0.len() - 1).expect("fewer than 2^32 waits")
            }
        }
    }

    #[inline]
    fn fire(&mut self, index: WaitIndex) -> Option<ProcessId> {
        let state = &mut self.0[index as usize];
        match *state {
            WaitState::Idle => *state = WaitState::Fired,
            WaitState::Awaited(process) => {
                *state = WaitState::Fired;
                return Some(process);
            }
            WaitState::Abandoned => {
                *state = WaitState::Free;
                self.1.push(index);
            }
            WaitState::Fired | WaitState::Free => panic!("wait {index} fired twice"),
        }
        None
    }

    #[inline]
    fn release(&mut self, index: WaitIndex) {
        let state = &mut self.0[index as usize];
        if *state == WaitState::Fired {
            *state = WaitState::Free;
            self.1.push(index);
        } else {
            *state = WaitState::Abandoned;
        }
    }
}

/// Awaits two futures at once and returns both results. Two that are joined overlap; two awaited in sequence depend.
pub async fn join<A: Future, B: Future>(a: A, b: B) -> (A::Output, B::Output) {
    let (mut a, mut b) = (std::pin::pin!(a), std::pin::pin!(b));
    let (mut from_a, mut from_b) = (None, None);
    std::future::poll_fn(move |context| {
        if from_a.is_none()
            && let Poll::Ready(output) = a.as_mut().poll(context)
        {
            from_a = Some(output);
        }
        if from_b.is_none()
            && let Poll::Ready(output) = b.as_mut().poll(context)
        {
            from_b = Some(output);
        }
        match (from_a.take(), from_b.take()) {
            (Some(a), Some(b)) => Poll::Ready((a, b)),
            (a, b) => {
                (from_a, from_b) = (a, b);
                Poll::Pending
            }
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A host whose components note when they were poked.
    struct Notes<'k>(&'k Kernel, RefCell<Vec<(u64, u32)>>);

    impl<'a> Host<'a> for Notes<'a> {
        fn event(&'a self, target: Target, _: &mut Spawner<'a>) {
            let code = target.decode().expect("only components get here");
            self.1.borrow_mut().push((self.0.now().as_ns(), code));
        }
    }

    #[test]
    fn processes_and_components_share_one_order() {
        let kernel = Kernel::new();
        let host = Notes(&kernel, RefCell::default());
        let alive = kernel.run(&host, |spawner| {
            kernel.schedule(SimTime::from_ns(5), Phase::Batch, Target::component(2), None);
            kernel.schedule(SimTime::from_ns(5), Phase::Happen, Target::component(1), None);
            spawner.spawn(async {
                kernel.sleep(SimDuration::from_ns(5)).await;
                // Fired in the first phase of the instant, so still before the batch.
                kernel.schedule(kernel.now(), Phase::Happen, Target::component(9), None);
            });
        });
        assert_eq!(alive, 0);
        assert_eq!(*host.1.borrow(), [(5, 1), (5, 9), (5, 2)]);
    }

    #[test]
    fn join_overlaps_and_sequence_adds() {
        let kernel = Kernel::new();
        let host = Notes(&kernel, RefCell::default());
        let times = RefCell::new(Vec::new());
        kernel.run(&host, |spawner| {
            spawner.spawn(async {
                join(kernel.sleep(SimDuration::from_ns(30)), kernel.sleep(SimDuration::from_ns(20))).await;
                times.borrow_mut().push(kernel.now().as_ns());
                kernel.sleep(SimDuration::from_ns(1)).await;
                times.borrow_mut().push(kernel.now().as_ns());
            });
        });
        assert_eq!(*times.borrow(), [30, 31]);
    }

    #[test]
    fn an_abandoned_wait_is_given_back_when_fired() {
        let kernel = Kernel::new();
        let host = Notes(&kernel, RefCell::default());
        kernel.run(&host, |_| drop(kernel.sleep(SimDuration::from_ns(3))));
        assert_eq!(kernel.waits.borrow().1, [0]);
    }

    #[test]
    fn a_process_that_waits_for_nothing_is_counted() {
        let kernel = Kernel::new();
        let host = Notes(&kernel, RefCell::default());
        assert_eq!(kernel.run(&host, |spawner| spawner.spawn(async { kernel.wait().await })), 1);
    }

    #[test]
    #[should_panic(expected = "before now")]
    fn the_past_is_refused() {
        let kernel = Kernel::new();
        let host = Notes(&kernel, RefCell::default());
        kernel.run(&host, |spawner| {
            spawner.spawn(async {
                kernel.sleep(SimDuration::from_ns(3)).await;
                kernel.schedule(SimTime::from_ns(2), Phase::Happen, Target::component(0), None);
            });
        });
    }
}
