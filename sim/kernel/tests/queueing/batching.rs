//! A server that takes all that waits, and the rounds of speculative decoding.

use crate::models::{JOBS, Quiet, Sample, exponential, run_with, seconds};
use crate::table::compare;
use kernel::{BatchServer, Kernel, Phase, Streams, Target, WaitIndex, draw};
use std::cell::{Cell, RefCell};
use units::SimDuration;

/// A batch of b takes `ALPHA` b + `TAU`.
const ALPHA: f64 = 0.1;
const TAU: f64 = 1.0;

const FORM: u32 = 1;
const DONE: u32 = 2;

struct Batcher<'k> {
    kernel: &'k Kernel,
    server: RefCell<BatchServer>,
    waiting: RefCell<Vec<WaitIndex>>,
    in_work: RefCell<Vec<WaitIndex>>,
}

impl<'k> Batcher<'k> {
    fn new(kernel: &'k Kernel) -> Self {
        Self { kernel, server: RefCell::default(), waiting: RefCell::default(), in_work: RefCell::default() }
    }

    async fn serve(&self) {
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

    fn event(&self, code: u32) {
        let now = self.kernel.now();
        if code == FORM {
            self.in_work.swap(&self.waiting);
            let duration = seconds(ALPHA * self.in_work.borrow().len() as f64 + TAU);
            let end = self.server.borrow_mut().start(now, duration);
            self.kernel.schedule(end, Phase::Happen, Target::component(DONE), None);
        } else {
            self.server.borrow_mut().finish(now);
            self.in_work.borrow_mut().drain(..).for_each(|wait| self.kernel.fire(wait));
            if !self.waiting.borrow().is_empty() {
                self.poke();
            }
        }
    }
}

/// Mean sojourn and mean batch.
fn batched(streams: Streams, rate: f64) -> [f64; 2] {
    let kernel = &Kernel::new();
    let (batcher, sojourns) = (&Batcher::new(kernel), &Sample::default());
    let mut gaps = streams.stream("gaps", 0);
    let job = |job| async move {
        let arrival = kernel.now();
        batcher.serve().await;
        sojourns.add(job, (kernel.now() - arrival).as_secs_f64());
    };
    run_with(kernel, JOBS, || seconds(exponential(&mut gaps) / rate), job, |code| batcher.event(code));
    [sojourns.mean(), JOBS as f64 / batcher.server.borrow().batches() as f64]
}

/// Exact mean sojourn and mean batch, from the Markov chain of the batch sizes: the batch that follows one of b is what
/// arrives in its time, or one job if nothing does. n Poisson arrivals in a time s wait s/2 on average for its end.
fn chain(rate: f64) -> [f64; 2] {
    const LARGEST: usize = 160;
    let service = |b: usize| ALPHA * b as f64 + TAU;
    let arrivals: Vec<Vec<f64>> = (0..=LARGEST).map(|b| poisson(rate * service(b), LARGEST)).collect();
    let mut shares = vec![0.0; LARGEST + 1];
    shares[1] = 1.0;
    for _ in 0..300 {
        let mut next = vec![0.0; LARGEST + 1];
        for b in 1..=LARGEST {
            (0..=LARGEST).for_each(|n| next[n.max(1)] += shares[b] * arrivals[b][n]);
        }
        shares = next;
    }
    let (mut sojourns, mut jobs) = (0.0, 0.0);
    for b in 1..=LARGEST {
        for (n, arrivals) in arrivals[b].iter().enumerate() {
            let (wait, next) = if n == 0 { (0.0, 1) } else { (service(b) / 2.0, n) };
            let jobs_next = shares[b] * arrivals * next as f64;
            jobs += jobs_next;
            sojourns += jobs_next * (wait + service(next));
        }
    }
    [sojourns / jobs, jobs]
}

/// Probabilities of 0 to `largest`.
fn poisson(mean: f64, largest: usize) -> Vec<f64> {
    let first = libm::exp(-mean);
    std::iter::successors(Some((0, first)), |&(n, p)| Some((n + 1, p * mean / f64::from(n + 1))))
        .map(|(_, p)| p)
        .take(largest + 1)
        .collect()
}

#[test]
fn dynamic_batching() {
    for rate in [0.5, 2.0, 5.0, 8.0] {
        let [sojourn, batch] = chain(rate);
        let load = rate * ALPHA;
        let bound = 3.0 * TAU / (2.0 * (1.0 - load)) + ALPHA / 2.0 * (load + 2.0) / (1.0 - load * load);
        println!("batching la {rate}: exact over phi1 {:.5}", sojourn / bound);
        assert!(sojourn <= bound * (1.0 + 1e-9), "phi1 bounds the mean sojourn");
        let case = format!("batching .1 b + 1, la {rate}");
        compare(&case, [("T", sojourn), ("E[B]", batch)], |streams| batched(streams, rate));
    }
}

/// Drafts `k` tokens a round, each accepted with probability `a` up to the first that is not; the verifier adds one.
async fn decode(kernel: &Kernel, rounds: u64, mut accepted: impl FnMut(u64) -> u64, tokens: &Cell<[u64; 2]>) {
    for round in 0..rounds {
        kernel.sleep(SimDuration::from_ms(20)).await;
        let new = 1 + accepted(round);
        tokens.set([tokens.get()[0] + new, tokens.get()[1] + new * new]);
    }
}

/// Mean and mean square of the tokens a round.
fn rounds(rounds: u64, accepted: impl FnMut(u64) -> u64) -> [f64; 2] {
    let (kernel, tokens) = (Kernel::new(), Cell::default());
    let alive = kernel.run(&Quiet, |spawner| spawner.spawn(decode(&kernel, rounds, accepted, &tokens)));
    assert_eq!((alive, kernel.now().as_ns()), (0, rounds * 20_000_000));
    tokens.get().map(|sum| sum as f64 / rounds as f64)
}

#[test]
fn tokens_of_speculative_decoding() {
    for (k, a) in [(4u32, 0.8), (7, 0.6), (2, 0.95)] {
        let power = |n: u32| libm::pow(a, f64::from(n));
        let mean = (1.0 - power(k + 1)) / (1.0 - a);
        let square = (0..=k).map(|i| f64::from(2 * i + 1) * power(i)).sum();
        compare(&format!("speculation k {k}, a {a}"), [("tokens/round", mean), ("E[tokens^2]", square)], |streams| {
            let mut stream = streams.stream("acceptance", 0);
            rounds(JOBS, |_| draw::geometric(1.0 - a, &mut stream).min(k.into()))
        });
    }
}

#[test]
fn acceptance_of_none_and_of_all_is_exact() {
    let keyed = |round| Streams::new(1).keyed("acceptance", round);
    for (a, k, tokens) in [(0.0, 5, 1.0), (1.0, 5, 6.0), (1.0, 0, 1.0)] {
        let accepted = |round| (0..k).take_while(|&token| keyed(round).unit(token) < a).count() as u64;
        assert_eq!(rounds(1_000, accepted), [tokens, tokens * tokens]);
    }
}
