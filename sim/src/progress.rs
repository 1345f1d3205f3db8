//! A bar on stderr for anything that takes over a second.

use indicatif::{ProgressBar, ProgressStyle};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// Runs `work` beside a bar that follows the counter it is given.
pub fn with_bar<R: Send>(total: u64, unit: &str, work: impl FnOnce(&AtomicU64) -> R + Send) -> R {
    let done = AtomicU64::new(0);
    let (stop, stopped) = channel::<()>();
    std::thread::scope(|scope| {
        let counter = &done;
        let bar = scope.spawn(move || {
            let mut wait = Duration::from_secs(1);
            let mut bar = None;
            while stopped.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                wait = Duration::from_millis(100);
                let bar = bar.get_or_insert_with(|| new_bar(total, unit));
                bar.set_position(counter.load(Ordering::Relaxed));
            }
            bar.inspect(ProgressBar::finish_and_clear);
        });
        let result = work(&done);
        drop(stop);
        bar.join().expect("the bar does not panic");
        result
    })
}

/// Draws only where stderr is a terminal.
fn new_bar(total: u64, unit: &str) -> ProgressBar {
    let template = format!("{{bar:40}} {{human_pos}}/{{human_len}} {unit}, {{per_sec}}, {{eta}} left");
    ProgressBar::new(total).with_style(ProgressStyle::with_template(&template).expect("a sound template"))
}
