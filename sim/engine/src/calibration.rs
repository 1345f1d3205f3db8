//! Calibration sets. A set is a pure function of the token process, its size and the seed, and runs of a sweep share most of
//! them: the latest of a thread are kept, since drawing 10,000 tokens takes as long as simulating a short run.

use model::tokens::{Calibration, TokenProcess};
use std::cell::{OnceCell, RefCell};
use std::collections::VecDeque;
use std::ops::Deref;
use std::rc::Rc;

/// Sets that a thread keeps: those of two token processes, one for the policy and one for the closed forms each.
const KEPT: usize = 4;

struct Drawn {
    process: TokenProcess,
    samples: u32,
    seed: u64,
    set: Rc<Calibration>,
}

thread_local! {
    static LATEST: RefCell<VecDeque<Drawn>> = const { RefCell::new(VecDeque::new()) };
}

/// [`Calibration::sample`], drawn anew only if it is none of the latest.
pub fn calibration(process: &TokenProcess, samples: u32, seed: u64) -> Rc<Calibration> {
    LATEST.with_borrow_mut(|latest| {
        let same = |drawn: &&Drawn| (drawn.samples, drawn.seed) == (samples, seed) && drawn.process == *process;
        if let Some(drawn) = latest.iter().find(same) {
            return drawn.set.clone();
        }
        let set = Rc::new(Calibration::sample(process, samples, seed));
        latest.truncate(KEPT - 1);
        latest.push_front(Drawn { process: process.clone(), samples, seed, set: set.clone() });
        set
    })
}

/// A set that is drawn when somebody looks at it: closed forms of systems that draft nothing never do.
pub(crate) struct Undrawn<'p> {
    process: &'p TokenProcess,
    samples: u32,
    seed: u64,
    set: OnceCell<Rc<Calibration>>,
}

impl<'p> Undrawn<'p> {
    /// The set of so many samples, unless one was measured.
    pub(crate) fn new(process: &'p TokenProcess, samples: u32, seed: u64, measured: Option<Rc<Calibration>>) -> Self {
        Self { process, samples, seed, set: measured.map_or_else(OnceCell::new, OnceCell::from) }
    }
}

impl Deref for Undrawn<'_> {
    type Target = Calibration;

    fn deref(&self) -> &Calibration {
        self.set.get_or_init(|| calibration(self.process, self.samples, self.seed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use units::Ratio;

    #[test]
    fn a_set_is_kept_until_others_have_come() {
        let process = TokenProcess::default();
        let first = calibration(&process, 100, 1);
        assert!(Rc::ptr_eq(&first, &calibration(&process, 100, 1)));
        for other in [
            calibration(&process, 101, 1),
            calibration(&process, 100, 2),
            calibration(&TokenProcess::Iid(Ratio::new(0.5)), 100, 1),
        ] {
            assert!(!Rc::ptr_eq(&first, &other));
        }
        assert!(Rc::ptr_eq(&first, &calibration(&process, 100, 1)));
        for seed in 3..3 + KEPT as u64 {
            calibration(&process, 100, seed);
        }
        let again = calibration(&process, 100, 1);
        assert!(!Rc::ptr_eq(&first, &again));
        assert_eq!(first.quantile(Ratio::new(0.7)), again.quantile(Ratio::new(0.7)));
    }
}
