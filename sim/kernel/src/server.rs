//! Servers: first in first out with any number of workers, and the on-off state of one that works in batches.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use units::{ServerTime, SimDuration, SimTime};

/// A FIFO station of `c` workers whose service times are known on arrival.
///
/// It schedules nothing. A job's start follows from the times at which the workers become free (the recursion of
/// Lindley for one worker, of Kiefer and Wolfowitz for more). The only event is the caller's own at [`Service::end`].
///
/// ```
/// use kernel::FifoServer;
/// use units::{SimDuration, SimTime};
///
/// let mut station = FifoServer::new(2);
/// let ends = [30, 30, 30].map(|ms| station.serve(SimTime::ZERO, SimDuration::from_ms(ms)).end.as_ms_f64());
/// assert_eq!(ends, [30.0, 30.0, 60.0], "the third job waits for a worker");
/// ```
#[derive(Clone, Debug)]
pub struct FifoServer {
    free_at: BinaryHeap<Reverse<SimTime>>,
    busy: ServerTime,
    last_arrival: SimTime,
}

/// The interval in which one job is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    /// Time at which a worker takes the job.
    pub start: SimTime,
    /// Time at which the worker is done.
    pub end: SimTime,
}

impl FifoServer {
    /// A station of `workers` idle workers.
    ///
    /// # Panics
    /// If `workers` is zero.
    pub fn new(workers: u32) -> Self {
        assert!(workers > 0, "a station needs a worker");
        let free_at = (0..workers).map(|_| Reverse(SimTime::ZERO)).collect();
        Self { free_at, busy: ServerTime::ZERO, last_arrival: SimTime::ZERO }
    }

    /// Admits a job that needs `duration` of one worker.
    ///
    /// # Panics
    /// If jobs arrive out of order.
    pub fn serve(&mut self, now: SimTime, duration: SimDuration) -> Service {
        assert!(now >= self.last_arrival, "a FIFO station was given a job from the past");
        self.last_arrival = now;
        let mut worker = self.free_at.peek_mut().expect("a station has a worker");
        let start = worker.0.max(now);
        let end = start + duration;
        *worker = Reverse(end);
        self.busy += duration;
        Service { start, end }
    }

    /// Work admitted so far, over all workers.
    pub fn busy(&self) -> ServerTime {
        self.busy
    }

    /// Number of workers.
    pub fn workers(&self) -> u32 {
        u32::try_from(self.free_at.len()).expect("made from a u32")
    }
}

/// The state of a server that works in batches: idle, about to form a batch, or busy with one.
///
/// The owner knows the content and duration of a batch. The server sees to it that batches are formed in
/// [`Phase::Batch`](crate::Phase::Batch), once an instant, and counts the busy time.
///
/// ```
/// use kernel::BatchServer;
/// use units::{SimDuration, SimTime};
///
/// let mut gpu = BatchServer::default();
/// assert!(gpu.poke(), "idle: the owner schedules one event in the batch phase");
/// let end = gpu.start(SimTime::ZERO, SimDuration::from_ms(12));
/// assert!(!gpu.poke(), "busy: the new work waits for the end of the batch");
/// gpu.finish(end);
/// assert_eq!((gpu.batches(), gpu.busy().as_ms_f64()), (1, 12.0));
/// ```
#[derive(Clone, Debug, Default)]
pub struct BatchServer {
    state: State,
    busy: SimDuration,
    batches: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Idle,
    Forming,
    Busy {
        since: SimTime,
    },
}

impl BatchServer {
    /// Tells the server that work has come. On `true` the owner schedules one event in the batch phase of this
    /// instant. At that event it calls [`start`](Self::start) or [`rest`](Self::rest).
    #[inline]
    pub fn poke(&mut self) -> bool {
        let idle = self.state == State::Idle;
        if idle {
            self.state = State::Forming;
        }
        idle
    }

    /// Starts a batch that takes `duration`; returns the time of its completion.
    ///
    /// # Panics
    /// If the server was not about to form a batch.
    #[inline]
    pub fn start(&mut self, now: SimTime, duration: SimDuration) -> SimTime {
        assert!(self.state == State::Forming, "a batch was started on a server that was {:?}", self.state);
        self.state = State::Busy { since: now };
        self.batches += 1;
        now + duration
    }

    /// Ends the forming of a batch for which there is no work.
    ///
    /// # Panics
    /// If the server was not about to form a batch.
    #[inline]
    pub fn rest(&mut self) {
        assert!(self.state == State::Forming, "a server that was {:?} was put to rest", self.state);
        self.state = State::Idle;
    }

    /// Completes the batch in work; returns the time at which it was started.
    ///
    /// # Panics
    /// If no batch is in work.
    #[inline]
    pub fn finish(&mut self, now: SimTime) -> SimTime {
        let State::Busy { since } = self.state else { panic!("a batch ended on a server that was {:?}", self.state) };
        self.busy += now - since;
        self.state = State::Idle;
        since
    }

    /// Time spent on complete batches.
    pub fn busy(&self) -> SimDuration {
        self.busy
    }

    /// Batches begun.
    pub fn batches(&self) -> u64 {
        self.batches
    }

    /// True if a batch is about to be formed.
    pub fn is_forming(&self) -> bool {
        self.state == State::Forming
    }

    /// True if a batch is in work.
    pub fn is_busy(&self) -> bool {
        matches!(self.state, State::Busy { .. })
    }

    /// True if no batch is formed or in work.
    pub fn is_idle(&self) -> bool {
        self.state == State::Idle
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ns(ns: u64) -> SimTime {
        SimTime::from_ns(ns)
    }

    proptest! {
        #[test]
        fn one_worker_is_lindley(jobs in prop::collection::vec((0u64..100, 0u64..100), 1..200)) {
            let (mut server, mut now, mut departure) = (FifoServer::new(1), 0, 0);
            for (gap, service) in jobs {
                now += gap;
                departure = departure.max(now) + service;
                prop_assert_eq!(server.serve(ns(now), SimDuration::from_ns(service)).end, ns(departure));
            }
        }

        #[test]
        fn many_workers_are_kiefer_wolfowitz(
            workers in 1usize..6, jobs in prop::collection::vec((0u64..60, 0u64..200), 1..200)
        ) {
            // The vector of workloads, sorted: the job waits for the smallest.
            let (mut server, mut now, mut workloads) = (FifoServer::new(workers as u32), 0u64, vec![0u64; workers]);
            for (gap, service) in jobs {
                now += gap;
                workloads.iter_mut().for_each(|w| *w = w.saturating_sub(gap));
                workloads.sort_unstable();
                let wait = workloads[0];
                workloads[0] += service;
                let served = server.serve(ns(now), SimDuration::from_ns(service));
                prop_assert_eq!(served, Service { start: ns(now + wait), end: ns(now + wait + service) });
            }
        }
    }

    #[test]
    fn a_batch_server_asks_once_an_instant() {
        let mut server = BatchServer::default();
        assert!(server.poke() && !server.poke());
        assert_eq!(server.start(ns(10), SimDuration::from_ns(5)), ns(15));
        assert!(!server.poke(), "busy: the owner looks again at the end");
        server.finish(ns(15));
        assert_eq!((server.busy(), server.batches()), (SimDuration::from_ns(5), 1));
        assert!(server.poke());
        server.rest();
        assert!(server.is_idle());
    }
}
