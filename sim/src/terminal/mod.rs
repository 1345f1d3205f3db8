//! The terminal: text on stdout, progress on stderr, and failures with their exit codes.

mod failure;
mod interrupt;
mod print;
mod progress;

pub use failure::{Code, Failure, at_work, at_work_on, say, survives, surviving};
pub use interrupt::{Unfinished, remove, watch_for_interrupts};
pub use print::print;
pub use progress::with_bar;
