//! The parts that the cases are built from. One unit of time is a second.

use kernel::{FifoServer, Host, Kernel, Phase, Spawner, Stream, Target, draw};
use std::cell::{Cell, RefCell};
use units::{SimDuration, SimTime};

/// Jobs of one replication, and how many of them are left out while the system fills.
pub const JOBS: u64 = 45_000;
pub const WARM_UP: u64 = 5_000;

pub fn seconds(time: f64) -> SimDuration {
    SimDuration::from_secs_f64(time)
}

/// A law of durations with mean 1.
pub type Law = fn(&mut Stream) -> f64;

pub fn fixed(_: &mut Stream) -> f64 {
    1.0
}

pub fn exponential(stream: &mut Stream) -> f64 {
    draw::exponential(stream)
}

/// Hyperexponential: mean [`SLOW`] with probability [`SLOW_SHARE`], else so short that the mean is 1.
pub fn hyperexponential(stream: &mut Stream) -> f64 {
    let slow = draw::uniform(stream) < SLOW_SHARE;
    draw::exponential(stream) * if slow { SLOW } else { FAST }
}

const SLOW_SHARE: f64 = 0.25;
const SLOW: f64 = 2.5;
const FAST: f64 = (1.0 - SLOW_SHARE * SLOW) / (1.0 - SLOW_SHARE);

/// Second and third moments of [`hyperexponential`].
pub fn hyperexponential_moments() -> (f64, f64) {
    let moment = |n: i32| {
        let power = |x: f64| (0..n).fold(1.0, |product, _| product * x);
        SLOW_SHARE * power(SLOW) + (1.0 - SLOW_SHARE) * power(FAST)
    };
    (2.0 * moment(2), 6.0 * moment(3))
}

/// Jobs that arrive from outside, and the components that they meet. Component 0 is the source; the others belong to
/// `others`.
struct Open<'k, G, J, O> {
    kernel: &'k Kernel,
    jobs: u64,
    arrived: Cell<u64>,
    gap: RefCell<G>,
    job: J,
    others: O,
}

impl<'a, 'k: 'a, G, J, O, F> Host<'a> for Open<'k, G, J, O>
where
    G: FnMut() -> SimDuration,
    J: Fn(u64) -> F,
    F: Future<Output = ()> + 'k,
    O: Fn(u32),
{
    fn event(&'a self, target: Target, spawner: &mut Spawner<'a>) {
        let code = target.decode().expect("waits never get here");
        if code != 0 {
            return (self.others)(code);
        }
        let number = self.arrived.get();
        self.arrived.set(number + 1);
        if number + 1 < self.jobs {
            let next = self.kernel.now() + (self.gap.borrow_mut())();
            self.kernel.schedule(next, Phase::Happen, Target::component(0), None);
        }
        spawner.spawn((self.job)(number));
    }
}

/// Runs `jobs` jobs, `gap` apart, with the host's other components given to `others`.
pub fn run_with<'k, F: Future<Output = ()> + 'k>(
    kernel: &'k Kernel,
    jobs: u64,
    gap: impl FnMut() -> SimDuration,
    job: impl Fn(u64) -> F,
    others: impl Fn(u32),
) {
    let host = Open { kernel, jobs, arrived: Cell::new(0), gap: RefCell::new(gap), job, others };
    let alive = kernel.run(&host, |_| kernel.schedule(SimTime::ZERO, Phase::Happen, Target::component(0), None));
    assert_eq!(alive, 0, "jobs are left in the system");
}

/// Runs [`JOBS`] jobs that need no component.
pub fn run<'k, F: Future<Output = ()> + 'k>(
    kernel: &'k Kernel,
    gap: impl FnMut() -> SimDuration,
    job: impl Fn(u64) -> F,
) {
    run_with(kernel, JOBS, gap, job, |code| panic!("nobody is component {code}"));
}

/// A host without components.
pub struct Quiet;

impl<'a> Host<'a> for Quiet {
    fn event(&'a self, target: Target, _: &mut Spawner<'a>) {
        panic!("nobody is {target:?}");
    }
}

/// A FIFO station.
pub struct Station<'k> {
    kernel: &'k Kernel,
    server: RefCell<FifoServer>,
}

impl<'k> Station<'k> {
    pub fn new(kernel: &'k Kernel, workers: u32) -> Self {
        Self { kernel, server: RefCell::new(FifoServer::new(workers)) }
    }

    /// Waits for a worker.
    pub async fn queue(&self, duration: SimDuration) -> SimTime {
        let now = self.kernel.now();
        let service = self.server.borrow_mut().serve(now, duration);
        self.kernel.sleep(service.start - now).await;
        service.end
    }

    /// Waits for a worker and is served; returns the time spent waiting.
    pub async fn serve(&self, duration: SimDuration) -> f64 {
        let now = self.kernel.now();
        let service = self.server.borrow_mut().serve(now, duration);
        self.kernel.sleep(service.end - now).await;
        (service.start - now).as_secs_f64()
    }
}

/// Figures of the jobs after the warm-up.
#[derive(Default)]
pub struct Sample(RefCell<Vec<f64>>);

impl Sample {
    pub fn add(&self, job: u64, figure: f64) {
        if job >= WARM_UP {
            self.0.borrow_mut().push(figure);
        }
    }

    pub fn mean_of(&self, of: impl Fn(f64) -> f64) -> f64 {
        let figures = self.0.borrow();
        figures.iter().map(|&figure| of(figure)).sum::<f64>() / figures.len() as f64
    }

    pub fn mean(&self) -> f64 {
        self.mean_of(|figure| figure)
    }

    pub fn square(&self) -> f64 {
        self.mean_of(|figure| figure * figure)
    }

    pub fn variance(&self) -> f64 {
        self.square() - self.mean() * self.mean()
    }

    /// Share of the figures above `limit`.
    pub fn above(&self, limit: f64) -> f64 {
        self.mean_of(|figure| f64::from(u8::from(figure > limit)))
    }

    pub fn quantile(&self, share: f64) -> f64 {
        let mut figures = self.0.borrow_mut();
        figures.sort_unstable_by(f64::total_cmp);
        figures[(share * figures.len() as f64) as usize]
    }
}

/// The number of jobs somewhere, averaged over time between the first job after the warm-up and the last one.
pub struct Level<'k> {
    kernel: &'k Kernel,
    number: Cell<u64>,
    since: Cell<SimTime>,
    opened: Cell<SimTime>,
    area: Cell<f64>,
    mean: Cell<f64>,
}

impl<'k> Level<'k> {
    pub fn new(kernel: &'k Kernel) -> Self {
        let (since, opened) = (Cell::default(), Cell::default());
        Self { kernel, number: Cell::new(0), since, opened, area: Cell::new(0.0), mean: Cell::new(0.0) }
    }

    /// Tells the level that a job arrives, before the job changes it.
    pub fn arrival(&self, job: u64) {
        let now = self.kernel.now();
        if job == WARM_UP {
            self.area.set(0.0);
            self.since.set(now);
            self.opened.set(now);
        } else if job == JOBS - 1 {
            self.change(0);
            self.mean.set(self.area.get() / (now - self.opened.get()).as_secs_f64());
        }
    }

    pub fn change(&self, by: i64) {
        let now = self.kernel.now();
        let area = self.number.get() as f64 * (now - self.since.get()).as_secs_f64();
        self.area.set(self.area.get() + area);
        self.since.set(now);
        self.number.set(self.number.get().checked_add_signed(by).expect("nobody leaves who was not there"));
    }

    pub fn number(&self) -> u64 {
        self.number.get()
    }

    pub fn mean(&self) -> f64 {
        self.mean.get()
    }
}
