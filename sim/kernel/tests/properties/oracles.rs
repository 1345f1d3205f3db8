//! Recursions and balances that a run must obey to the nanosecond.

use kernel::{FifoServer, Host, Kernel, Spawner, Target};
use proptest::prelude::*;
use std::cell::{Cell, RefCell};
use units::SimDuration;

/// A host without components.
struct Quiet;

impl<'a> Host<'a> for Quiet {
    fn event(&'a self, target: Target, _: &mut Spawner<'a>) {
        panic!("nobody is {target:?}");
    }
}

/// A gap before the job arrives, and its service at each of two stations, ns.
type Job = (u64, u64, u64);

/// The times of one job, ns: its arrival at each station and its departure from the last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Path {
    first: u64,
    second: u64,
    left: u64,
}

#[derive(Debug, PartialEq, Eq)]
struct Run {
    paths: Vec<Path>,
    /// The number in the system integrated over time, job nanoseconds.
    area: u128,
    events: u64,
}

/// The number of jobs in the system, and its integral.
#[derive(Default)]
struct Balance {
    arrived: Cell<u64>,
    left: Cell<u64>,
    since: Cell<u64>,
    area: Cell<u128>,
}

impl Balance {
    fn step(&self, now: u64, arrived: u64, left: u64) {
        assert!(now >= self.since.get(), "time went back");
        let present = self.arrived.get() - self.left.get();
        self.area.set(self.area.get() + u128::from(present) * u128::from(now - self.since.get()));
        self.since.set(now);
        self.arrived.set(self.arrived.get() + arrived);
        self.left.set(self.left.get() + left);
        assert!(self.left.get() <= self.arrived.get(), "more left than came");
    }
}

/// Two FIFO stations in a row, of the given numbers of workers; every job is a process.
fn tandem(jobs: &[Job], workers: [u32; 2]) -> Run {
    let kernel = &Kernel::new();
    let stations = &workers.map(|workers| RefCell::new(FifoServer::new(workers)));
    let (paths, balance) = (&RefCell::new(vec![Path::default(); jobs.len()]), &Balance::default());
    let serve = async |station: usize, service: u64| {
        let now = kernel.now();
        let end = stations[station].borrow_mut().serve(now, SimDuration::from_ns(service)).end;
        kernel.sleep(end - now).await;
        kernel.now().as_ns()
    };
    let serve = &serve;
    let alive = kernel.run(&Quiet, |spawner| {
        let mut arrival = 0;
        for (number, &(gap, one, two)) in jobs.iter().enumerate() {
            arrival += gap;
            spawner.spawn(async move {
                kernel.sleep(SimDuration::from_ns(arrival)).await;
                let first = kernel.now().as_ns();
                balance.step(first, 1, 0);
                let second = serve(0, one).await;
                let left = serve(1, two).await;
                balance.step(left, 0, 1);
                paths.borrow_mut()[number] = Path { first, second, left };
            });
        }
    });
    assert_eq!((alive, balance.arrived.get() - balance.left.get()), (0, 0), "jobs are left in the system");
    for (station, worked) in stations.iter().zip([|job: &Job| job.1, |job: &Job| job.2]) {
        assert_eq!(
            station.borrow().busy().as_ns(),
            u128::from(jobs.iter().map(worked).sum::<u64>()),
            "work is conserved"
        );
    }
    Run { paths: paths.take(), area: balance.area.get(), events: kernel.events() }
}

/// Departures from `workers` workers by Kiefer and Wolfowitz: the sorted workloads that an arrival finds.
fn kiefer_wolfowitz(workers: usize, jobs: impl Iterator<Item = (u64, u64)>) -> Vec<u64> {
    let (mut workloads, mut before) = (vec![0; workers], 0);
    let serve = |(arrival, service): (u64, u64)| {
        workloads.iter_mut().for_each(|work: &mut u64| *work = work.saturating_sub(arrival - before));
        workloads.sort_unstable();
        before = arrival;
        workloads[0] += service;
        arrival + workloads[0]
    };
    jobs.map(serve).collect()
}

/// Departures from one worker by Lindley.
fn lindley(jobs: impl Iterator<Item = (u64, u64)>) -> Vec<u64> {
    let mut departure = 0;
    let serve = |(arrival, service): (u64, u64)| {
        departure = departure.max(arrival) + service;
        departure
    };
    jobs.map(serve).collect()
}

/// Gaps and services short enough to meet at the same nanosecond often.
fn jobs() -> impl Strategy<Value = Vec<Job>> {
    prop::collection::vec((0u64..30, 0u64..40, 0u64..40), 1..120)
}

proptest! {
    #[test]
    fn every_stage_obeys_lindley(jobs in jobs()) {
        let paths = tandem(&jobs, [1, 1]).paths;
        let first = lindley(paths.iter().zip(&jobs).map(|(path, job)| (path.first, job.1)));
        prop_assert_eq!(&paths.iter().map(|path| path.second).collect::<Vec<_>>(), &first);
        let second = lindley(paths.iter().zip(&jobs).map(|(path, job)| (path.second, job.2)));
        prop_assert_eq!(&paths.iter().map(|path| path.left).collect::<Vec<_>>(), &second);
    }

    #[test]
    fn many_workers_obey_kiefer_and_wolfowitz(jobs in jobs(), workers in 1u32..6) {
        let paths = tandem(&jobs, [workers, 1]).paths;
        let judged = kiefer_wolfowitz(workers as usize, paths.iter().zip(&jobs).map(|(path, job)| (path.first, job.1)));
        prop_assert_eq!(&paths.iter().map(|path| path.second).collect::<Vec<_>>(), &judged);
    }

    #[test]
    fn littles_law_is_exact_from_empty_to_empty(jobs in jobs(), workers in [1u32..4, 1u32..4]) {
        let run = tandem(&jobs, workers);
        prop_assert_eq!(run.area, run.paths.iter().map(|path| u128::from(path.left - path.first)).sum::<u128>());
        prop_assert_eq!(run.events, 3 * jobs.len() as u64);
    }

    #[test]
    fn slower_clocks_stretch_everything(jobs in jobs(), workers in [1u32..4, 1u32..4], scale in 1u64..1_000_000) {
        let run = tandem(&jobs, workers);
        let slow: Vec<Job> = jobs.iter().map(|job| (job.0 * scale, job.1 * scale, job.2 * scale)).collect();
        let stretched = |path: &Path| {
            Path { first: path.first * scale, second: path.second * scale, left: path.left * scale }
        };
        let wanted = Run {
            paths: run.paths.iter().map(stretched).collect(),
            area: run.area * u128::from(scale),
            events: run.events,
        };
        prop_assert_eq!(tandem(&slow, workers), wanted);
    }
}

#[test]
fn a_long_run_obeys_them_too() {
    let keyed = kernel::Streams::new(4).keyed("jobs", 0);
    let jobs: Vec<Job> = (0..50_000)
        .map(|n| {
            let below = |k: u64, limit| keyed.bits(3 * n + k) % limit;
            (below(0, 2_000), below(1, 3_600), below(2, 1_900))
        })
        .collect();
    let run = tandem(&jobs, [2, 1]);
    let judged = kiefer_wolfowitz(2, run.paths.iter().zip(&jobs).map(|(path, job)| (path.first, job.1)));
    assert!(run.paths.iter().map(|path| path.second).eq(judged));
    assert_eq!(run.area, run.paths.iter().map(|path| u128::from(path.left - path.first)).sum());
}
