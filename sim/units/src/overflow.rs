//! The one panic of arithmetic that an input can cause: an amount beyond what its type holds.

/// The payload of a panic: an amount grew beyond the range of its type, for instance a time beyond 584 years.
///
/// A program that catches it can tell a scenario that is too large from a bug of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overflow(
    /// The amount that overflowed, e.g. `SimTime`.
    pub &'static str,
);

/// Panics with an [`Overflow`].
#[cold]
#[inline(never)]
pub fn overflow(amount: &'static str) -> ! {
    std::panic::panic_any(Overflow(amount))
}
