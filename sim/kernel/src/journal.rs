//! The digest of a run's events, and the first event in which two runs differ.
//!
//! "Not equal" is a complaint; "first different at 3.2 s, event 8,114" is a clue. A first run recorded with
//! [`Journal::recorder`] is compared by a second run made with [`Journal::checker`].

use crate::{Key, Target};
use units::SimTime;

/// One event as the journal keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Time of the event.
    pub time: SimTime,
    /// Wait or component that the event was for.
    pub target: Target,
}

impl std::fmt::Display for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seconds = self.time.as_secs_f64();
        match self.target.decode() {
            Ok(code) => write!(f, "component {code:#x} at {seconds} s"),
            Err(wait) => write!(f, "wait {wait} at {seconds} s"),
        }
    }
}

/// The first event in which two runs differ. `None` on one side: that run had ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Difference {
    /// Number of the event, from 0.
    pub event: u64,
    /// The event of the first run.
    pub first: Option<Seen>,
    /// The event of the second run.
    pub second: Option<Seen>,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let show = |seen: Option<Seen>| seen.map_or_else(|| "had ended".to_owned(), |seen| seen.to_string());
        write!(f, "event {}: the first run had {}, the second {}", self.event, show(self.first), show(self.second))
    }
}

impl std::fmt::Debug for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

/// Digest of a run's events, and optionally their record or their comparison with an earlier record.
///
/// ```
/// use kernel::{Host, Journal, Kernel, Spawner, Target};
/// use units::SimDuration;
///
/// struct NoComponents;
/// impl<'a> Host<'a> for NoComponents {
///     fn event(&'a self, _: Target, _: &mut Spawner<'a>) {}
/// }
///
/// fn run(journal: Journal, ms: u64) -> Journal {
///     let kernel = Kernel::with_journal(journal);
///     kernel.run(&NoComponents, |spawner| spawner.spawn(async { kernel.sleep(SimDuration::from_ms(ms)).await }));
///     kernel.take_journal()
/// }
///
/// let second = run(Journal::checker(run(Journal::recorder(), 20)), 25);
/// let difference = second.difference().expect("they sleep for different times");
/// assert_eq!(difference.to_string(), "event 0: the first run had wait 0 at 0.02 s, the second wait 0 at 0.025 s");
/// ```
pub struct Journal {
    digest: u64,
    events: u64,
    mode: Mode,
}

enum Mode {
    Digest,
    Record(Vec<Seen>),
    Check { expected: Vec<Seen>, difference: Option<Difference> },
}

impl Journal {
    /// A journal that keeps a digest only, as every run does.
    pub fn digest_only() -> Self {
        Self { digest: 0, events: 0, mode: Mode::Digest }
    }

    /// A journal that also keeps every event, 16 bytes each.
    pub fn recorder() -> Self {
        Self { mode: Mode::Record(Vec::new()), ..Self::digest_only() }
    }

    /// A journal that compares each event with that of an earlier run.
    ///
    /// # Panics
    /// If `first` was not made by [`Journal::recorder`].
    pub fn checker(first: Self) -> Self {
        let Mode::Record(expected) = first.mode else { panic!("the first run was not recorded") };
        Self { mode: Mode::Check { expected, difference: None }, ..Self::digest_only() }
    }

    /// A number that two runs share if, but for chance, they had the same events.
    pub fn digest(&self) -> u64 {
        self.digest
    }

    /// The first event that differs from the recorded run.
    pub fn difference(&self) -> Option<Difference> {
        let Mode::Check { expected, difference } = &self.mode else { return None };
        let missing = || {
            let first = *expected.get(usize::try_from(self.events).ok()?)?;
            Some(Difference { event: self.events, first: Some(first), second: None })
        };
        difference.or_else(missing)
    }

    #[inline]
    pub(crate) fn record(&mut self, key: Key) {
        let seen = Seen { time: key.time(), target: key.target() };
        let target = seen.target.decode().map_or_else(u64::from, |code| u64::from(code) | 1 << 32);
        // Multiply and rotate, twice: as strong as a run-against-run comparison needs, and one nanosecond.
        for word in [seen.time.as_ns(), target] {
            self.digest = (self.digest.rotate_left(23) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        }
        match &mut self.mode {
            Mode::Digest => {}
            Mode::Record(events) => events.push(seen),
            Mode::Check { expected, difference } => {
                let first = usize::try_from(self.events).ok().and_then(|event| expected.get(event).copied());
                if difference.is_none() && first != Some(seen) {
                    *difference = Some(Difference { event: self.events, first, second: Some(seen) });
                }
            }
        }
        self.events += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Phase;

    fn run(mut journal: Journal, times: &[u64]) -> Journal {
        for (sequence, &ns) in times.iter().enumerate() {
            journal.record(Key::new(SimTime::from_ns(ns), Phase::Happen, sequence as u64, Target::component(3)));
        }
        journal
    }

    #[test]
    fn equal_runs_have_no_difference_and_one_digest() {
        let first = run(Journal::recorder(), &[1, 2, 3]);
        let digest = first.digest();
        let second = run(Journal::checker(first), &[1, 2, 3]);
        assert_eq!(second.difference(), None);
        assert_eq!(second.digest(), digest);
        assert_ne!(digest, run(Journal::digest_only(), &[1, 3, 2]).digest());
    }

    #[test]
    fn the_first_difference_is_named() {
        let first = run(Journal::recorder(), &[1_000_000_000, 2_000_000_000, 3_200_000_000]);
        let second = run(Journal::checker(first), &[1_000_000_000, 2_500_000_000, 3_200_000_000]);
        let difference = second.difference().expect("they differ").to_string();
        assert_eq!(difference, "event 1: the first run had component 0x3 at 2 s, the second component 0x3 at 2.5 s");
    }

    #[test]
    fn a_run_that_ends_early_differs_at_its_end() {
        let first = run(Journal::recorder(), &[1, 2]);
        let second = run(Journal::checker(first), &[1]);
        assert_eq!(second.difference().map(|difference| (difference.event, difference.second)), Some((1, None)));
    }
}
