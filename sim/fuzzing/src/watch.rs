//! Executions that take long, told while they do.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// An execution that takes longer is told.
const LONG: Duration = Duration::from_secs(20);

/// The execution that each thread is at.
pub struct Watch(Vec<Mutex<State>>);

/// The state of a thread.
#[derive(Clone, Copy)]
enum State {
    Before,
    At { number: u64, since: Instant, is_told: bool },
    Ended,
}

/// The end of a thread, which is noted when this is dropped.
pub struct Ending<'w>(&'w Mutex<State>);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        *self.0.lock().expect("no panic holds it") = State::Ended;
    }
}

impl Watch {
    /// A watch over so many threads.
    pub fn new(threads: usize) -> Self {
        Self((0..threads).map(|_| Mutex::new(State::Before)).collect())
    }

    /// Notes that a thread begins an execution.
    pub fn begin(&self, thread: usize, number: u64) {
        *self.0[thread].lock().expect("no panic holds it") =
            State::At { number, since: Instant::now(), is_told: false };
    }

    /// Notes that a thread has ended when this is dropped, by a panic too.
    pub fn ending(&self, thread: usize) -> Ending<'_> {
        Ending(&self.0[thread])
    }

    /// Tells of each execution that takes long, until all threads have ended or one has failed.
    pub fn tell(&self, target: &str, seed: u64, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            let mut all_ended = true;
            for thread in &self.0 {
                let mut state = thread.lock().expect("no panic holds it");
                all_ended &= matches!(*state, State::Ended);
                if let State::At { number, since, is_told: is_told @ false } = &mut *state
                    && since.elapsed() > LONG
                {
                    *is_told = true;
                    let seconds = LONG.as_secs();
                    eprintln!(
                        "fuzz: {target}: execution {number} takes longer than {seconds} s; FUZZ_SEED={seed} FUZZ_ONLY={number}"
                    );
                }
            }
            if all_ended {
                return;
            }
            // The watch looks at the threads a hundred times a second; they must not wait for it.
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
