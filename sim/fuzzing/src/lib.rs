//! Fuzz targets of the tests: random inputs for as long as is asked for, on all processors, and counted.
//!
//! A target is a test that calls [`fuzz`]. It takes [`SECONDS`], or `FUZZ_SECONDS`, and goes on until its counts are
//! `FUZZ_EXECUTIONS`, at least 1; `cargo xtask fuzz` sets both. Each execution has dice of its own, made of `FUZZ_SEED` and its number, so
//! that one that fails can be run alone: `FUZZ_ONLY`.

mod counts;
mod dice;
mod mutate;
mod watch;

pub use counts::{Count, Counts};
pub use dice::Dice;
pub use mutate::{bytes, json, number_text};

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use watch::Watch;

/// Seconds of a target, where `FUZZ_SECONDS` does not say.
pub const SECONDS: u64 = 2;

/// An execution that is under way, for the report of its failure.
struct Guard<'f> {
    target: &'f str,
    seed: u64,
    number: u64,
    stop: &'f AtomicBool,
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.stop.store(true, Ordering::Relaxed);
            let Self { target, seed, number, .. } = self;
            eprintln!("fuzz: {target}: execution {number} failed; FUZZ_SEED={seed} FUZZ_ONLY={number} runs it alone");
        }
    }
}

/// Does some work on an input, which is printed where the work panics, and before it where it is run alone.
///
/// # Panics
/// If the work does.
pub fn telling<T>(input: impl Fn() -> String, work: impl FnOnce() -> T) -> T {
    if number("FUZZ_ONLY").is_some() {
        eprintln!("fuzz: this input:\n{}", input());
    }
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        eprintln!("fuzz: by this input:\n{}", input());
        std::panic::resume_unwind(panic)
    })
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Executes a target until time and counts are reached, and prints the counts and their rate on stderr.
///
/// `worker` makes what one thread needs; what it makes is called once for each execution. It counts what came of it, and
/// panics where the target has a bug.
///
/// # Panics
/// If an execution does.
pub fn fuzz<W: FnMut(&mut Dice, &Counts)>(target: &str, counts: &[Count], worker: impl Fn() -> W + Sync) {
    let counts = Counts::new(counts);
    let (seed, only) = (number("FUZZ_SEED").unwrap_or(1), number("FUZZ_ONLY"));
    let (seconds, goal) = (number("FUZZ_SECONDS"), number("FUZZ_EXECUTIONS").unwrap_or(0).max(1));
    let least = Duration::from_secs(seconds.unwrap_or(SECONDS));
    // Tests run beside each other; a target that is run by itself has all processors.
    let threads = if seconds.is_some() && only.is_none() {
        std::thread::available_parallelism().map_or(1, usize::from)
    } else {
        1
    };
    let (begun, next, stop) = (Instant::now(), AtomicU64::new(only.unwrap_or(0)), AtomicBool::new(false));
    let is_done = || only.is_some() || begun.elapsed() >= least && counts.reached(goal);
    let watch = Watch::new(threads);
    let work = |thread: usize| {
        let _ending = watch.ending(thread);
        let mut execute = worker();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let guard = Guard { target, seed, number, stop: &stop };
            watch.begin(thread, number);
            execute(&mut Dice::of(seed, number), &counts);
            drop(guard);
            if stop.load(Ordering::Relaxed) || is_done() {
                return;
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| watch.tell(target, seed, &stop));
        for thread in 1..threads {
            scope.spawn(move || work(thread));
        }
        work(0);
    });
    let executions = next.load(Ordering::Relaxed) - only.unwrap_or(0);
    let rate = executions as f64 / begun.elapsed().as_secs_f64();
    eprintln!(
        "fuzz: {target}: {executions} executions, {}; {rate:.0} executions/s on {threads} threads",
        counts.text()
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_counts_and_repeats_itself() {
        let drawn = std::sync::Mutex::new(Vec::new());
        let counts = [Count::goal("all"), Count::part("even", 2), Count::free("never")];
        fuzz("test", &counts, || {
            |dice, counts| {
                let value = dice.below(1000);
                counts.add("all");
                if value % 2 == 0 {
                    counts.add("even");
                }
                drawn.lock().expect("no panic").push(value);
                // Few executions are enough here, and all of them are kept.
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        let drawn = drawn.into_inner().expect("no panic");
        assert!(drawn.len() > 3);
        let again: Vec<u64> = (0..drawn.len() as u64).map(|number| Dice::of(1, number).below(1000)).collect();
        let (mut drawn, mut again) = (drawn, again);
        drawn.sort_unstable();
        again.sort_unstable();
        assert_eq!(drawn, again);
    }
}
