//! A stopwatch, for callers that may not read the clock themselves.

use std::time::{Duration, Instant};

/// Does some work; what came of it, and how long it took by the wall clock.
///
/// Wall time is what a replay is about: it has the waiting for a GPU in it, and what else the machine did meanwhile.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let came = work();
    (came, start.elapsed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_done_once_and_takes_the_time_it_takes() {
        let mut times = 0;
        let sleep = Duration::from_millis(2);
        let (came, took) = timed(|| {
            std::thread::sleep(sleep);
            times += 1;
            times
        });
        assert_eq!(came, 1);
        assert!(took >= sleep);
    }
}
