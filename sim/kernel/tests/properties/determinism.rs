//! One order of events, whichever queue holds them, however often and however optimised it runs.

use kernel::{BatchServer, BinaryQueue, FairLink, Host, Journal, Kernel, Key, Lane, LaneQueue, Phase, Queue};
use kernel::{RateProfile, SortedQueue, Spawner, Streams, Target, WaitIndex, draw, join};
use std::cell::{Cell, RefCell};
use units::{BitsPerSecond, Bytes, SimDuration, SimTime};

/// A push as the kernel got it, and how many events had happened before.
#[derive(Clone, Copy)]
struct Push {
    after: u64,
    time: SimTime,
    phase: Phase,
    code: u32,
    lane: Option<Lane>,
}

/// Components that schedule each other: every event draws what it schedules, in all phases and lanes, in order and out
/// of it, most at instants that others share.
struct Storm<'k> {
    kernel: &'k Kernel,
    streams: Streams,
    pushes: RefCell<Vec<Push>>,
    seen: RefCell<Vec<(SimTime, u32)>>,
}

const STORM: usize = 40_000;

impl<'k> Storm<'k> {
    fn push(&self, delay: u64, phase: Phase, code: u32, lane: Option<Lane>) {
        let time = self.kernel.now() + SimDuration::from_ns(delay);
        let after = self.kernel.events();
        self.pushes.borrow_mut().push(Push { after, time, phase, code, lane });
        self.kernel.schedule(time, phase, Target::component(code), lane);
    }
}

impl<'a> Host<'a> for Storm<'a> {
    fn event(&'a self, target: Target, spawner: &mut Spawner<'a>) {
        let code = target.decode().expect("the storm has no waits of its own");
        self.seen.borrow_mut().push((self.kernel.now(), code));
        let keyed = self.streams.keyed("storm", self.kernel.events());
        let below = |k, limit| keyed.bits(k) % limit;
        let growing = self.pushes.borrow().len() < STORM;
        let follow = if growing { [0, 0, 1, 1, 1, 2, 2, 2][below(0, 8) as usize] } else { 0 };
        for next in 0..follow {
            let phase = if below(10 * next + 1, 4) == 0 { Phase::Batch } else { Phase::Happen };
            let code = below(10 * next + 2, 5_000) as u32;
            let lane = below(10 * next + 3, 4) as Lane;
            let lane = (lane < 3).then_some(lane);
            // Mostly the lane's constant delay, now and then one that is out of order in it.
            let constant = lane.filter(|_| below(10 * next + 4, 8) > 0).map(|lane| 40 * u64::from(lane));
            let delay = constant.unwrap_or_else(|| below(10 * next + 5, 100));
            if below(10 * next + 6, 5) == 0 {
                // By way of a process, which runs after this event and before the next.
                spawner.spawn(async move { self.push(delay, phase, code, lane) });
            } else {
                self.push(delay, phase, code, lane);
            }
        }
    }
}

/// Runs the storm through the kernel.
fn storm(seed: u64) -> (Vec<Push>, Vec<(SimTime, u32)>, u64) {
    let kernel = Kernel::new();
    let (pushes, seen) = Default::default();
    let host = Storm { kernel: &kernel, streams: Streams::new(seed), pushes, seen };
    kernel.run(&host, |_| (0..400).for_each(|code| host.push(u64::from(code) % 90, Phase::Happen, code, None)));
    let (pushes, seen) = (host.pushes.take(), host.seen.take());
    (pushes, seen, kernel.take_journal().digest())
}

/// Replays recorded pushes on another queue.
fn replay(queue: &mut impl Queue, pushes: &[Push]) -> Vec<(SimTime, u32)> {
    let (mut next, mut seen) = (0, Vec::new());
    loop {
        while let Some(push) = pushes.get(next).filter(|push| push.after == seen.len() as u64) {
            queue.push(Key::new(push.time, push.phase, next as u64, Target::component(push.code)), push.lane);
            next += 1;
        }
        let Some(key) = queue.pop() else { return seen };
        seen.push((key.time(), key.target().decode().expect("a component")));
    }
}

/// The journal's digest, written down a second time.
fn digest(seen: &[(SimTime, u32)]) -> u64 {
    let words = seen.iter().flat_map(|&(time, code)| [time.as_ns(), u64::from(code) | 1 << 32]);
    words.fold(0u64, |digest, word| (digest.rotate_left(23) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

#[test]
fn the_kernel_and_every_queue_agree_on_the_order() {
    for seed in 0..3 {
        let (pushes, seen, kernels) = storm(seed);
        assert!(seen.len() >= STORM, "the storm died down after {} events", seen.len());
        assert_eq!(seen.len(), pushes.len());
        assert!(seen.windows(2).all(|pair| pair[0].0 <= pair[1].0), "time went back");
        let judged = replay(&mut SortedQueue::default(), &pushes);
        assert!(seen == judged, "the kernel's order is not the judge's");
        assert!(replay(&mut BinaryQueue::default(), &pushes) == judged, "the binary heap's order is not the judge's");
        assert!(replay(&mut LaneQueue::default(), &pushes) == judged, "the lanes' order is not the judge's");
        assert_eq!(digest(&judged), kernels);
    }
}

/// Clients of a batch server behind a fair link: every part of the kernel that computes with floats or draws.
struct Service<'k> {
    kernel: &'k Kernel,
    link: RefCell<FairLink>,
    plan: Cell<u32>,
    server: RefCell<BatchServer>,
    waiting: RefCell<Vec<WaitIndex>>,
    in_work: RefCell<Vec<WaitIndex>>,
}

const FORM: u32 = 0;
const DONE: u32 = 1;
const LINK: u32 = 2;

impl<'k> Service<'k> {
    fn new(kernel: &'k Kernel) -> Self {
        let pieces = [(0, 90), (3, 20), (5, 0), (6, 300)].map(|(ms, mbps)| (SimDuration::from_ms(ms), mbps));
        let pieces = pieces.map(|(start, mbps)| (start, BitsPerSecond::from_mbps(mbps)));
        let rate = RateProfile::piecewise(&pieces, SimDuration::from_ms(10));
        let link = RefCell::new(FairLink::new(rate, Some(BitsPerSecond::from_mbps(40))));
        let (plan, server, waiting, in_work) = Default::default();
        Self { kernel, link, plan, server, waiting, in_work }
    }

    async fn transfer(&self, size: Bytes) {
        let wait = self.kernel.wait();
        self.link.borrow_mut().start(self.kernel.now(), wait.index(), size);
        self.plan();
        wait.await;
    }

    fn plan(&self) {
        self.plan.set(self.plan.get().max(LINK) + 1);
        if let Some(time) = self.link.borrow().next_event() {
            self.kernel.schedule(time, Phase::Happen, Target::component(self.plan.get()), None);
        }
    }

    async fn batch(&self) {
        let wait = self.kernel.wait();
        self.waiting.borrow_mut().push(wait.index());
        self.poke();
        wait.await;
    }

    fn poke(&self) {
        if self.server.borrow_mut().poke() {
            self.kernel.schedule(self.kernel.now(), Phase::Batch, Target::component(FORM), None);
        }
    }

    fn form(&self) {
        self.in_work.swap(&self.waiting);
        let duration = SimDuration::from_us(700 + 150 * self.in_work.borrow().len() as u64);
        let end = self.server.borrow_mut().start(self.kernel.now(), duration);
        self.kernel.schedule(end, Phase::Happen, Target::component(DONE), None);
    }

    fn done(&self) {
        self.server.borrow_mut().finish(self.kernel.now());
        self.in_work.borrow_mut().drain(..).for_each(|wait| self.kernel.fire(wait));
        if !self.waiting.borrow().is_empty() {
            self.poke();
        }
    }

    /// One client: thinks, sends while it computes, is served in a batch, and hears back after a constant delay.
    async fn client(&self, streams: Streams, number: u64, delay: SimDuration) {
        let mut stream = streams.stream("client", number);
        for _ in 0..20 {
            let think = SimDuration::from_secs_f64(2e-3 * draw::lognormal(0.0, 0.5, &mut stream));
            self.kernel.sleep(think).await;
            let size = Bytes::new(draw::gamma(1.5, 4_000.0, &mut stream) as u64 + 1);
            let compute = SimDuration::from_secs_f64(1e-3 * draw::exponential(&mut stream));
            join(self.transfer(size), self.kernel.sleep(compute)).await;
            self.batch().await;
            let wait = self.kernel.wait();
            self.kernel.fire_at(self.kernel.now() + delay, wait.index(), Some(0));
            wait.await;
        }
    }
}

impl<'a> Host<'a> for Service<'a> {
    fn event(&'a self, target: Target, _: &mut Spawner<'a>) {
        match target.decode().expect("waits never get here") {
            FORM => self.form(),
            DONE => self.done(),
            plan if plan == self.plan.get() => {
                let mut ended = Vec::new();
                self.link.borrow_mut().take_ended(self.kernel.now(), &mut ended);
                ended.drain(..).for_each(|wait| self.kernel.fire(wait));
                self.plan();
            }
            _ => {}
        }
    }
}

/// Runs 30 clients; client `odd` hears back later than the others by `late`.
fn service(journal: Journal, odd: u64, late: SimDuration) -> Journal {
    let kernel = Kernel::with_journal(journal);
    let host = Service::new(&kernel);
    let alive = kernel.run(&host, |spawner| {
        for number in 0..30 {
            let delay = SimDuration::from_ms(5) + if number == odd { late } else { SimDuration::ZERO };
            spawner.spawn(host.client(Streams::new(9), number, delay));
        }
    });
    assert_eq!((alive, host.link.borrow().flows()), (0, 0));
    kernel.take_journal()
}

#[test]
fn a_second_run_finds_no_difference() {
    let first = service(Journal::recorder(), 7, SimDuration::ZERO);
    let digest = first.digest();
    let second = service(Journal::checker(first), 7, SimDuration::ZERO);
    assert_eq!((second.difference(), second.digest()), (None, digest));
}

#[test]
fn a_perturbed_run_is_told_its_first_different_event() {
    let first = service(Journal::recorder(), 7, SimDuration::ZERO);
    let digest = first.digest();
    let second = service(Journal::checker(first), 7, SimDuration::from_ns(1));
    let difference = second.difference().expect("client 7 hears back later");
    assert_ne!(second.digest(), digest);
    let (was, is) = (difference.first.expect("an event"), difference.second.expect("an event"));
    // The event that the change delayed, or one that overtook it: nothing before it can differ.
    assert!(was.time <= is.time && (is.time - was.time).as_ns() <= 1, "{difference}");
    assert!(was.target.decode().is_err(), "what was delayed is a wait: {difference}");
    assert_eq!(difference.to_string(), DIFFERENCE);
}

const DIFFERENCE: &str = "event 154: the first run had wait 7 at 0.012330573 s, the second wait 7 at 0.012330574 s";

#[test]
fn the_digest_is_frozen() {
    // The same in debug and release and on every platform; a change means that every published result changes.
    let digest = service(Journal::digest_only(), 7, SimDuration::ZERO).digest();
    assert_eq!(digest, FROZEN, "{digest:#x}");
    let (_, _, digest) = storm(0);
    assert_eq!(digest, FROZEN_STORM, "{digest:#x}");
}

const FROZEN: u64 = 0x8b4d_8caa_2b61_9d35;
const FROZEN_STORM: u64 = 0xf669_cb2c_5853_0a8c;

#[test]
fn the_tails_of_the_draws_are_frozen() {
    // Enough draws to reach the tails, where `rand_distr` itself would take the platform's logarithm in builds in which
    // any crate turns on `num-traits/std`: this package alone does not, the workspace does.
    let mut stream = Streams::new(5).stream("tails", 0);
    let mut digests = [0u64; 2];
    for _ in 0..2_000_000 {
        for (digest, draw) in digests.iter_mut().zip([draw::exponential, draw::normal]) {
            *digest = (digest.rotate_left(23) ^ draw(&mut stream).to_bits()).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        }
    }
    assert_eq!(digests, FROZEN_TAILS, "{digests:#x?}");
}

const FROZEN_TAILS: [u64; 2] = [0xf014_1a8a_9e95_0c4e, 0xf0f8_76ab_bd29_fa45];
