//! One FIFO server with unlimited room.

use crate::models::{JOBS, Law, Level, Sample, Station};
use crate::models::{exponential, fixed, hyperexponential, hyperexponential_moments, run, seconds};
use crate::table::compare;
use kernel::{FifoServer, Host, Kernel, Phase, Spawner, Streams, Target, draw};
use std::cell::{Cell, RefCell};
use units::SimTime;

/// Waits and sojourns of a G/G/1 with arrivals at `rate` and services of mean 1.
fn fifo(streams: Streams, rate: f64, gap: Law, service: Law) -> (Sample, Sample) {
    let kernel = Kernel::new();
    let figures = (Sample::default(), Sample::default());
    let (station, waits, sojourns) = (&Station::new(&kernel, 1), &figures.0, &figures.1);
    let services = &RefCell::new(streams.stream("services", 0));
    let mut gaps = streams.stream("gaps", 0);
    let job = |job| async move {
        let duration = seconds(service(&mut services.borrow_mut()));
        let wait = station.serve(duration).await;
        waits.add(job, wait);
        sojourns.add(job, wait + duration.as_secs_f64());
    };
    run(&kernel, || seconds(gap(&mut gaps) / rate), job);
    figures
}

#[test]
fn poisson_arrivals_and_exponential_services() {
    let rho = 0.7;
    let [p90, p99] = [10.0, 100.0].map(|odds| libm::log(odds) / (1.0 - rho));
    let wanted = [("T", 1.0 / (1.0 - rho)), ("p99 of T", p99), ("P(T > p90)", 0.1), ("P(Wq > 0)", rho)];
    compare("M/M/1 .7", wanted, |streams| {
        let (waits, sojourns) = fifo(streams, rho, exponential, exponential);
        [sojourns.mean(), sojourns.quantile(0.99), sojourns.above(p90), waits.above(0.0)]
    });
}

#[test]
fn numbers_in_queue_and_in_system() {
    let rho = 0.7;
    compare("M/M/1 .7", [("Lq", rho * rho / (1.0 - rho)), ("L", rho / (1.0 - rho))], |streams| {
        let kernel = Kernel::new();
        let (station, queue, system) = (&Station::new(&kernel, 1), &Level::new(&kernel), &Level::new(&kernel));
        let mut gaps = streams.stream("gaps", 0);
        let services = &RefCell::new(streams.stream("services", 0));
        let (kernel, levels) = (&kernel, [queue, system]);
        let job = |job| async move {
            let duration = seconds(exponential(&mut services.borrow_mut()));
            levels.iter().for_each(|level| level.arrival(job));
            levels.iter().for_each(|level| level.change(1));
            let end = station.queue(duration).await;
            queue.change(-1);
            kernel.sleep(end - kernel.now()).await;
            system.change(-1);
        };
        run(kernel, || seconds(exponential(&mut gaps) / rho), job);
        [queue.mean(), system.mean()]
    });
}

#[test]
fn poisson_arrivals_and_fixed_services() {
    let rho = 0.8;
    let wait = rho / (2.0 * (1.0 - rho));
    compare("M/D/1 .8", [("Wq", wait), ("T", wait + 1.0), ("P(Wq > 0)", rho)], |streams| {
        let (waits, sojourns) = fifo(streams, rho, exponential, fixed);
        [waits.mean(), sojourns.mean(), waits.above(0.0)]
    });
}

#[test]
fn general_services_follow_pollaczek_and_khinchine() {
    let rho = 0.6;
    let laws: [(&str, Law, (f64, f64)); 3] = [
        ("M/G/1 .6 hyperexponential", hyperexponential, hyperexponential_moments()),
        ("M/G/1 .6 exponential", exponential, (2.0, 6.0)),
        ("M/G/1 .6 fixed", fixed, (1.0, 1.0)),
    ];
    for (case, law, (second, third)) in laws {
        let wait = rho * second / (2.0 * (1.0 - rho));
        let square = 2.0 * wait * wait + rho * third / (3.0 * (1.0 - rho));
        compare(case, [("Wq", wait), ("E[Wq^2]", square)], |streams| {
            let (waits, _) = fifo(streams, rho, exponential, law);
            [waits.mean(), waits.square()]
        });
    }
}

#[test]
fn regular_arrivals_and_exponential_services() {
    let rho = 0.8;
    let sigma = (0..200).fold(0.5, |sigma, _| libm::exp((sigma - 1.0) / rho));
    let wanted = [("T", 1.0 / (1.0 - sigma)), ("P(Wq > 0)", sigma), ("P(T > 5)", libm::exp(5.0 * (sigma - 1.0)))];
    compare("D/M/1 .8", wanted, |streams| {
        let (waits, sojourns) = fifo(streams, rho, fixed, exponential);
        [sojourns.mean(), waits.above(0.0), sojourns.above(5.0)]
    });
}

/// Arrivals in groups: every event of the source spawns several jobs at one instant, served in the order of spawning.
struct Groups<'k> {
    kernel: &'k Kernel,
    station: Station<'k>,
    streams: Streams,
    jobs: Cell<u64>,
    sojourns: Sample,
}

impl<'a> Host<'a> for Groups<'a> {
    fn event(&'a self, source: Target, spawner: &mut Spawner<'a>) {
        let first = self.jobs.get();
        let mut stream = self.streams.stream("groups", first);
        let size = 1 + draw::geometric(GROUP_ENDS, &mut stream);
        self.jobs.set(first + size);
        if first + size < JOBS {
            let next = self.kernel.now() + seconds(draw::exponential(&mut stream) / GROUP_RATE);
            self.kernel.schedule(next, Phase::Happen, source, None);
        }
        for job in first..first + size {
            let duration = seconds(draw::exponential(&mut self.streams.stream("services", job)));
            spawner.spawn(async move {
                let wait = self.station.serve(duration).await;
                self.sojourns.add(job, wait + duration.as_secs_f64());
            });
        }
    }
}

const GROUP_ENDS: f64 = 0.4;
const GROUP_RATE: f64 = 0.25;

#[test]
fn arrivals_in_groups() {
    let mean = 1.0 / GROUP_ENDS;
    let square = (2.0 - GROUP_ENDS) / (GROUP_ENDS * GROUP_ENDS);
    let sojourn = (1.0 + square / mean) / (2.0 * (1.0 - GROUP_RATE * mean));
    compare("M^[X]/M/1 .625 geometric", [("T", sojourn)], |streams| {
        let kernel = Kernel::new();
        let (station, jobs, sojourns) = (Station::new(&kernel, 1), Cell::new(0), Sample::default());
        let host = Groups { kernel: &kernel, station, streams, jobs, sojourns };
        kernel.run(&host, |_| kernel.schedule(SimTime::ZERO, Phase::Happen, Target::component(0), None));
        [host.sojourns.mean()]
    });
}

#[test]
fn the_share_of_time_that_a_server_works_is_the_load() {
    let rho = 0.7;
    compare("M/M/1 .7", [("utilisation", rho)], |streams| {
        let kernel = &Kernel::new();
        let server = &RefCell::new(FifoServer::new(1));
        let services = &RefCell::new(streams.stream("services", 0));
        let mut gaps = streams.stream("gaps", 0);
        let job = |_| async move {
            let duration = seconds(exponential(&mut services.borrow_mut()));
            let end = server.borrow_mut().serve(kernel.now(), duration).end;
            kernel.sleep(end - kernel.now()).await;
        };
        run(kernel, || seconds(exponential(&mut gaps) / rho), job);
        [server.borrow().busy().as_secs_f64() / kernel.now().as_secs_f64()]
    });
}
