//! The progress of long work, on stderr: a bar on a terminal, a line a minute in a log.

use super::failure::say;
use super::look::is_quiet;
use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Work that ends sooner says nothing on a terminal.
const QUIET: Duration = Duration::from_secs(1);

/// Between two looks of a bar, and between two lines of a log.
const LOOK: Duration = Duration::from_millis(100);
const LINE: Duration = Duration::from_secs(60);

/// Runs `work` and shows the counter that it is given.
pub fn with_bar<R: Send>(total: u64, unit: &str, work: impl FnOnce(&AtomicU64) -> R + Send) -> R {
    let done = AtomicU64::new(0);
    let (stop, stopped) = channel::<()>();
    let on_terminal = std::io::stderr().is_terminal() && !is_quiet();
    std::thread::scope(|scope| {
        let counter = &done;
        let shown = scope.spawn(move || {
            let (mut wait, pace) = if on_terminal { (QUIET, LOOK) } else { (LINE, LINE) };
            let started = Instant::now();
            let mut bar = None;
            while stopped.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                wait = pace;
                let done = counter.load(Ordering::Relaxed);
                if on_terminal {
                    bar.get_or_insert_with(|| new_bar(total, unit)).set_position(done);
                } else {
                    say(line(done, total, unit, started.elapsed()));
                }
            }
            bar.inspect(ProgressBar::finish_and_clear);
        });
        let result = work(&done);
        drop(stop);
        shown.join().expect("whoever shows it does not panic");
        result
    })
}

fn new_bar(total: u64, unit: &str) -> ProgressBar {
    let template = format!("{{bar:40}} {{human_pos}}/{{human_len}} {unit}, {{per_sec}}, {{eta}} left");
    ProgressBar::new(total).with_style(ProgressStyle::with_template(&template).expect("a sound template"))
}

/// A line of a log.
fn line(done: u64, total: u64, unit: &str, elapsed: Duration) -> String {
    let rate = done as f64 / elapsed.as_secs_f64();
    let left = Duration::try_from_secs_f64(total.saturating_sub(done) as f64 / rate).ok();
    let left = left.map_or_else(String::new, |left| format!(", {} left", HumanDuration(left)));
    format!("{}/{} {unit}, {rate:.1}/s{left}", HumanCount(done), HumanCount(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_rate_and_time_left() {
        let at = |done| line(done, 12_000, "points", Duration::from_secs(60));
        assert_eq!(at(3_000), "3,000/12,000 points, 50.0/s, 3 minutes left");
        assert_eq!(at(0), "0/12,000 points, 0.0/s");
    }
}
