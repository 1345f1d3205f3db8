//! The tandem of three FIFO queues that `benches/reference/tandem.py` simulates too, with the same draws and so with
//! the same result to the nanosecond. `tests/reference.rs` compares them.
//!
//! Written twice, as one may write a model for this kernel: with a process for each job, as SimPy has it, and with events
//! for three components, as the Python script has it.

use kernel::{FifoServer, Host, Kernel, Phase, Spawner, Streams, Target};
use std::cell::{Cell, RefCell};
use units::{SimDuration, SimTime};

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

/// The figures on which both simulators must agree.
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

/// The same queues as components: an event is an arrival or the end of a service, and the host does what follows.
struct Components<'k> {
    kernel: &'k Kernel,
    draws: &'k Draws,
    stages: [RefCell<FifoServer>; 3],
    arrivals: RefCell<Vec<SimTime>>,
    /// Jobs that each stage has served: in a tandem they come in order.
    served: [Cell<usize>; 3],
    sojourns_ns: Cell<u64>,
}

/// Component codes: the end of a service at a stage is its number.
const ARRIVAL: u32 = 3;

impl Components<'_> {
    fn plan_arrival(&self, job: usize) {
        if let Some(&gap) = self.draws.0[0].get(job) {
            let time = self.kernel.now() + SimDuration::from_ns(gap);
            self.schedule(time, ARRIVAL);
        }
    }

    fn serve(&self, stage: u32, job: usize) {
        let service = SimDuration::from_ns(self.draws.0[stage as usize + 1][job]);
        let end = self.stages[stage as usize].borrow_mut().serve(self.kernel.now(), service).end;
        self.schedule(end, stage);
    }

    /// Arrivals come in order, and services of a stage end in order, so each has a lane.
    fn schedule(&self, time: SimTime, code: u32) {
        self.kernel.schedule(time, Phase::Happen, Target::component(code), Some(code as u8));
    }
}

impl<'a> Host<'a> for Components<'a> {
    fn event(&'a self, target: Target, _: &mut Spawner<'a>) {
        let stage = target.decode().expect("an event for a component");
        if stage == ARRIVAL {
            let job = self.arrivals.borrow().len();
            self.arrivals.borrow_mut().push(self.kernel.now());
            self.plan_arrival(job + 1);
            return self.serve(0, job);
        }
        let job = self.served[stage as usize].replace(self.served[stage as usize].get() + 1);
        if stage + 1 < ARRIVAL {
            return self.serve(stage + 1, job);
        }
        let sojourn = self.kernel.now() - self.arrivals.borrow()[job];
        self.sojourns_ns.set(self.sojourns_ns.get() + sojourn.as_ns());
    }
}

/// Simulates all jobs by events alone.
pub fn simulate_events(draws: &Draws) -> Outcome {
    let kernel = Kernel::new();
    let components = Components {
        kernel: &kernel,
        draws,
        stages: [1, 1, 1].map(|workers| RefCell::new(FifoServer::new(workers))),
        arrivals: RefCell::new(Vec::with_capacity(draws.0[0].len())),
        served: Default::default(),
        sojourns_ns: Cell::new(0),
    };
    kernel.run(&components, |_| components.plan_arrival(0));
    Outcome { events: kernel.events(), sojourns_ns: components.sojourns_ns.get() }
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
