//! The threads that runs are spread over.

use crate::terminal::Failure;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// More threads than that, on a machine of fewer cores, only take memory.
const MOST: usize = 256;

/// Threads that each of `runs` may use: those that are left when every run has one.
pub fn of_each(threads: Option<usize>, runs: u64) -> u32 {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = threads.unwrap_or(cores).min(cores.max(MOST)) as u64;
    u32::try_from(threads / runs.max(1)).unwrap_or(u32::MAX).max(1)
}

/// So many threads, or one for each core; no more than `tasks`, for they would have nothing to do.
///
/// # Errors
/// If they cannot be started.
pub fn pool(threads: Option<usize>, tasks: u64) -> Result<ThreadPool, Failure> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let most = usize::try_from(tasks).unwrap_or(usize::MAX).min(cores.max(MOST));
    ThreadPoolBuilder::new()
        // 0 is all cores.
        .num_threads(threads.unwrap_or(0).min(most))
        .build()
        .map_err(|error| Failure::refused(format!("cannot start {threads:?} threads: {error}")))
}
