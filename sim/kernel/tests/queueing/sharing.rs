//! Processor sharing, which is what flows do on a fair link.

use crate::models::{JOBS, Law, Sample, exponential, fixed, hyperexponential, run_with, seconds};
use crate::table::compare;
use kernel::{FairLink, Kernel, Phase, RateProfile, Streams, Target};
use std::cell::{Cell, RefCell};
use units::{BitsPerSecond, Bytes};

/// A fair link of one byte a nanosecond, so that a flow's size in bytes is its service time in nanoseconds.
struct Shared<'k> {
    kernel: &'k Kernel,
    link: RefCell<FairLink>,
    /// Number of the planned event, never 0; an event of another number was planned before things changed.
    plan: Cell<u32>,
    ended: RefCell<Vec<u32>>,
}

impl<'k> Shared<'k> {
    fn new(kernel: &'k Kernel) -> Self {
        let link = FairLink::new(RateProfile::constant(BitsPerSecond::new(8_000_000_000)), None);
        Self { kernel, link: RefCell::new(link), plan: Cell::new(0), ended: RefCell::default() }
    }

    async fn transfer(&self, size: Bytes) {
        let wait = self.kernel.wait();
        self.link.borrow_mut().start(self.kernel.now(), wait.index(), size);
        self.plan();
        wait.await;
    }

    fn plan(&self) {
        self.plan.set(self.plan.get() % (Target::LIMIT - 1) + 1);
        if let Some(time) = self.link.borrow().next_event() {
            self.kernel.schedule(time, Phase::Happen, Target::component(self.plan.get()), None);
        }
    }

    fn event(&self, plan: u32) {
        if plan == self.plan.get() {
            let mut ended = self.ended.borrow_mut();
            self.link.borrow_mut().take_ended(self.kernel.now(), &mut ended);
            ended.drain(..).for_each(|wait| self.kernel.fire(wait));
            self.plan();
        }
    }
}

/// Mean sojourn, and the slope of the sojourn over the size.
fn share(streams: Streams, rho: f64, law: Law) -> [f64; 2] {
    let kernel = &Kernel::new();
    let (link, sojourns) = (&Shared::new(kernel), &Sample::default());
    let (products, squares) = (&Sample::default(), &Sample::default());
    let services = &RefCell::new(streams.stream("services", 0));
    let mut gaps = streams.stream("gaps", 0);
    let job = |job| async move {
        let (arrival, size) = (kernel.now(), seconds(law(&mut services.borrow_mut())));
        link.transfer(Bytes::new(size.as_ns())).await;
        let (sojourn, size) = ((kernel.now() - arrival).as_secs_f64(), size.as_secs_f64());
        sojourns.add(job, sojourn);
        products.add(job, sojourn * size);
        squares.add(job, size * size);
    };
    run_with(kernel, JOBS, || seconds(exponential(&mut gaps) / rho), job, |plan| link.event(plan));
    [sojourns.mean(), products.mean() / squares.mean()]
}

#[test]
fn the_mean_sojourn_is_proportional_to_the_size_and_insensitive() {
    let rho = 0.7;
    let stretch = 1.0 / (1.0 - rho);
    let laws: [(&str, Law); 3] = [
        ("M/G/1-PS .7 exponential", exponential),
        ("M/G/1-PS .7 fixed", fixed),
        ("M/G/1-PS .7 hyperexponential", hyperexponential),
    ];
    for (case, law) in laws {
        compare(case, [("T", stretch), ("T over x", stretch)], |streams| share(streams, rho, law));
    }
}
