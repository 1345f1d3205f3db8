//! The terminal: text on stdout, progress on stderr, and failures with their exit codes.

mod failure;
mod interrupt;
mod layout;
mod look;
mod panics;
mod print;
mod progress;

pub use failure::{Code, Failure, say};
pub use interrupt::{Unfinished, remove, watch_for_interrupts};
pub use layout::Layout;
pub use look::{be_quiet, with_bold_heading};
pub use panics::{at_work_on, report_panics, surviving};
pub use print::print;
pub use progress::with_bar;
