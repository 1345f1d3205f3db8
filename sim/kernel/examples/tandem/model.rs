//! The tandem of three FIFO queues that `benches/reference/tandem.py` simulates too, with the same draws and so with
//! the same result to the nanosecond. `tests/reference.rs` compares them.

use kernel::{FifoServer, Host, Kernel, Phase, Spawner, Streams, Target};
use std::cell::{Cell, RefCell};
use units::SimDuration;

/// Means of the gaps between arrivals and of the three services, ns; each is uniform from 0 to twice its mean.
const MEANS: [u64; 4] = [1_000_000, 700_000, 850_000, 600_000];
const NAMES: [&str; 4] = ["gaps", "first", "second", "third"];

/// Gaps and services, drawn before the run so that the reference is not charged for drawing in Python.
pub struct Draws([Vec<u64>; 4]);

impl Draws {
    pub fn new(seed: u64, jobs: u64) -> Self {
        let draw = |which: usize| {
            let keyed = Streams::new(seed).keyed(NAMES[which], 0);
            (0..jobs).map(|job| ((u128::from(keyed.bits(job)) * u128::from(2 * MEANS[which])) >> 64) as u64).collect()
        };
        Self([0, 1, 2, 3].map(draw))
    }
}

/// What both simulators must agree on.
#[derive(Debug, PartialEq, Eq)]
pub struct Outcome {
    pub events: u64,
    pub sojourns_ns: u64,
}

struct Tandem<'k> {
    kernel: &'k Kernel,
    draws: &'k Draws,
    stages: [RefCell<FifoServer>; 3],
    arrived: Cell<usize>,
    sojourns_ns: Cell<u64>,
}

impl<'k> Tandem<'k> {
    fn plan_arrival(&self) {
        if let Some(&gap) = self.draws.0[0].get(self.arrived.get()) {
            let time = self.kernel.now() + SimDuration::from_ns(gap);
            self.kernel.schedule(time, Phase::Happen, Target::component(0), None);
        }
    }

    async fn job(&self, number: usize) {
        let arrival = self.kernel.now();
        for (stage, services) in self.stages.iter().zip(&self.draws.0[1..]) {
            let now = self.kernel.now();
            let end = stage.borrow_mut().serve(now, SimDuration::from_ns(services[number])).end;
            self.kernel.sleep(end - now).await;
        }
        self.sojourns_ns.set(self.sojourns_ns.get() + (self.kernel.now() - arrival).as_ns());
    }
}

impl<'a> Host<'a> for Tandem<'a> {
    fn event(&'a self, _: Target, spawner: &mut Spawner<'a>) {
        let number = self.arrived.get();
        self.arrived.set(number + 1);
        self.plan_arrival();
        spawner.spawn(self.job(number));
    }
}

/// Simulates all jobs, a process each.
pub fn simulate(draws: &Draws) -> Outcome {
    let kernel = Kernel::new();
    let stages = [1, 1, 1].map(|workers| RefCell::new(FifoServer::new(workers)));
    let (arrived, sojourns_ns) = (Cell::new(0), Cell::new(0));
    let tandem = Tandem { kernel: &kernel, draws, stages, arrived, sojourns_ns };
    kernel.run(&tandem, |_| tandem.plan_arrival());
    Outcome { events: kernel.events(), sojourns_ns: tandem.sojourns_ns.get() }
}
