//! The threads that runs are spread over.

use crate::failure::Failure;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// So many threads, or one for each core; no more than `tasks`, for they would have nothing to do.
///
/// # Errors
/// If they cannot be started.
pub fn pool(threads: Option<usize>, tasks: u64) -> Result<ThreadPool, Failure> {
    let most = usize::try_from(tasks).unwrap_or(usize::MAX);
    ThreadPoolBuilder::new()
        // 0 is all cores.
        .num_threads(threads.unwrap_or(0).min(most))
        .build()
        .map_err(|error| Failure::refused(format!("cannot start {threads:?} threads: {error}")))
}
