//! Panics: a bug of this program, but for an amount that overflowed, which a scenario can ask for.

use super::failure::{Code, Failure, say};
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use units::Overflow;

thread_local! {
    /// The run that this thread is at.
    static AT_WORK: RefCell<Option<String>> = const { RefCell::new(None) };
    /// True while a panic of this thread is caught.
    static SURVIVES: Cell<bool> = const { Cell::new(false) };
}

/// Notes which run this thread is at, for the report of a panic.
pub fn at_work_on(run: String) {
    AT_WORK.set(Some(run));
}

/// Reports panics by one message, and ends the program by the exit code of whose turn it is.
pub fn report_panics() {
    set_hook(Box::new(|panic| {
        if tables::is_reading() {
            // A damaged file: whoever reads it refuses it.
            return;
        }
        let overflow = overflow(panic.payload());
        let run = AT_WORK.with_borrow(|run| run.as_ref().map_or_else(String::new, |run| format!(" (in {run})")));
        match (&overflow, SURVIVES.get()) {
            // Whoever catches it tells it.
            (Some(_), true) => {}
            (Some(failure), false) => say(format_args!("sim: {failure}{run}")),
            (None, _) => say(format_args!(
                "sim: a bug in this program{run}: {panic}\nplease report it with the scenario and the version"
            )),
        }
        if !SURVIVES.get() {
            std::process::exit(overflow.map_or(Code::Bug, |failure| failure.code()) as i32);
        }
    }));
}

/// Does some work of many. A panic is a failure of this work alone.
///
/// # Errors
/// If the work panics; a bug has been reported where it happened.
pub fn surviving<T>(work: impl FnOnce() -> T) -> Result<T, Failure> {
    SURVIVES.set(true);
    // Whatever the work has touched is dropped with it.
    let done = catch_unwind(AssertUnwindSafe(work));
    SURVIVES.set(false);
    done.map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        overflow(&*panic).unwrap_or_else(|| Failure::bug(text.unwrap_or("a panic without a message")))
    })
}

/// The failure of a panic that is an overflow.
fn overflow(payload: &dyn Any) -> Option<Failure> {
    let Overflow(amount) = payload.downcast_ref::<Overflow>()?;
    let why = match *amount {
        "SimTime" | "SimDuration" => "a time beyond the 584 years of the simulated clock",
        _ => "an amount beyond what 64 bits hold",
    };
    Some(Failure::refused(format!("the run comes to {why} ({amount}); make its amounts smaller")))
}
