//! A guard around the crates that read Parquet: on some damaged files they panic.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicUsize, Ordering},
};

/// Reads that are under way, on any thread: a crate may read on several.
static READS: AtomicUsize = AtomicUsize::new(0);

/// Reads a file that may be damaged.
///
/// ```
/// assert_eq!(tables::reading(|| 1), Ok(1));
/// assert_eq!(tables::reading(|| panic!("no such page")), Err::<(), _>("a damaged file (no such page)".to_owned()));
/// ```
///
/// # Errors
///
/// If the read panics: the damage, as a message says it.
pub fn reading<T>(read: impl FnOnce() -> T) -> Result<T, String> {
    READS.fetch_add(1, Ordering::SeqCst);
    // What was read so far is dropped with the reader.
    let done = catch_unwind(AssertUnwindSafe(read));
    READS.fetch_sub(1, Ordering::SeqCst);
    done.map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        format!("a damaged file ({})", text.unwrap_or("its reader gave up"))
    })
}

/// True while a file is read that may be damaged: a panic is then no bug of this program, and becomes a refusal.
pub fn is_reading() -> bool {
    READS.load(Ordering::SeqCst) > 0
}
