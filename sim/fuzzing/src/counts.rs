//! Counts of what came of executions.

use std::sync::atomic::{AtomicU64, Ordering};

/// The declaration of a count.
#[derive(Clone, Copy, Debug)]
pub struct Count {
    name: &'static str,
    /// The share of the asked executions that it is to reach, as a divisor; none for a count that is only told.
    divisor: Option<u64>,
}

impl Count {
    /// A count that is to reach the executions that were asked for.
    pub const fn goal(name: &'static str) -> Self {
        Self::part(name, 1)
    }

    /// A count that is to reach a part of them: one in `divisor`.
    pub const fn part(name: &'static str, divisor: u64) -> Self {
        Self { name, divisor: Some(divisor) }
    }

    /// A count that is only told.
    pub const fn free(name: &'static str) -> Self {
        Self { name, divisor: None }
    }
}

/// Counts of all threads of a target.
#[derive(Debug)]
pub struct Counts(Vec<(Count, AtomicU64)>);

impl Counts {
    /// All at 0.
    pub(crate) fn new(counts: &[Count]) -> Self {
        Self(counts.iter().map(|count| (*count, AtomicU64::new(0))).collect())
    }

    /// Counts one.
    ///
    /// # Panics
    /// If there is no count of that name.
    pub fn add(&self, name: &str) {
        self.add_many(name, 1);
    }

    /// Counts so many.
    ///
    /// # Panics
    /// If there is no count of that name.
    pub fn add_many(&self, name: &str, many: u64) {
        let (_, value) = self.0.iter().find(|(count, _)| count.name == name).expect("a count that is declared");
        value.fetch_add(many, Ordering::Relaxed);
    }

    /// True if each count with a goal has reached its part of so many executions.
    pub(crate) fn reached(&self, executions: u64) -> bool {
        self.0.iter().all(|(count, value)| {
            count.divisor.is_none_or(|divisor| value.load(Ordering::Relaxed) >= executions.div_ceil(divisor))
        })
    }

    /// The counts in words.
    pub(crate) fn text(&self) -> String {
        let texts = self.0.iter().map(|(count, value)| format!("{} {}", value.load(Ordering::Relaxed), count.name));
        texts.collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals_are_reached_in_their_parts() {
        let counts = Counts::new(&[Count::goal("read"), Count::part("run", 10), Count::free("told")]);
        assert!(counts.reached(0) && !counts.reached(1));
        counts.add_many("read", 20);
        assert!(!counts.reached(20));
        counts.add("run");
        counts.add("run");
        assert!(counts.reached(20) && !counts.reached(21));
        assert_eq!(counts.text(), "20 read, 2 run, 0 told");
    }
}
