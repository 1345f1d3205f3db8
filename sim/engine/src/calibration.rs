//! Calibration sets, those of policies and that of the closed forms. A set is a pure function of the token process and of how it
//! is drawn, and runs of a sweep share most of them: the latest of a thread are kept, since drawing 10,000 tokens takes longer than
//! simulating a short run.

use model::tokens::{Calibration, TokenProcess};
use std::cell::{OnceCell, RefCell};
use std::collections::VecDeque;
use std::ops::Deref;
use std::rc::Rc;

/// Sets that a thread keeps: those of two token processes, one for the policy and one for the closed forms each.
const KEPT: usize = 4;

/// Tokens that the closed forms know the token process by.
const CLOSED_FORM_TOKENS: u32 = 10_000;

/// The seed of these tokens. It is the same for all runs: a closed form is of a platform and a process, not of a run.
const CLOSED_FORM_SEED: u64 = 1;

/// The way in which a set is drawn.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    /// [`Calibration::sample`], with so many samples and a seed.
    Sampled(u32, u64),
    /// [`Calibration::expected`], for the closed forms.
    Expected,
}

impl Way {
    fn draw(self, process: &TokenProcess) -> Calibration {
        match self {
            Self::Sampled(samples, seed) => Calibration::sample(process, samples, seed),
            Self::Expected => Calibration::expected(process, CLOSED_FORM_TOKENS, CLOSED_FORM_SEED),
        }
    }
}

struct Drawn {
    process: TokenProcess,
    way: Way,
    set: Rc<Calibration>,
}

thread_local! {
    static LATEST: RefCell<VecDeque<Drawn>> = const { RefCell::new(VecDeque::new()) };
}

/// [`Calibration::sample`], drawn anew only if it is none of the latest.
pub fn calibration(process: &TokenProcess, samples: u32, seed: u64) -> Rc<Calibration> {
    latest(process, Way::Sampled(samples, seed))
}

fn latest(process: &TokenProcess, way: Way) -> Rc<Calibration> {
    LATEST.with_borrow_mut(|latest| {
        let place = latest.iter().position(|drawn| drawn.way == way && drawn.process == *process);
        let anew = || Drawn { process: process.clone(), way, set: Rc::new(way.draw(process)) };
        let drawn = place.and_then(|place| latest.remove(place)).unwrap_or_else(anew);
        let set = drawn.set.clone();
        latest.truncate(KEPT - 1);
        latest.push_front(drawn);
        set
    })
}

/// The set of the closed forms, drawn when somebody looks at it: those of systems that draft nothing never do.
pub(crate) struct Undrawn<'p> {
    process: &'p TokenProcess,
    set: OnceCell<Rc<Calibration>>,
}

impl<'p> Undrawn<'p> {
    /// The set of a process, unless one was measured.
    pub(crate) fn new(process: &'p TokenProcess, measured: Option<Rc<Calibration>>) -> Self {
        Self { process, set: measured.map_or_else(OnceCell::new, OnceCell::from) }
    }
}

impl Deref for Undrawn<'_> {
    type Target = Calibration;

    fn deref(&self) -> &Calibration {
        self.set.get_or_init(|| latest(self.process, Way::Expected))
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
        for seed in 3..3 + 2 * KEPT as u64 {
            calibration(&process, 100, seed);
            assert!(Rc::ptr_eq(&first, &calibration(&process, 100, 1)), "a set that is used stays");
        }
        for seed in 30..30 + KEPT as u64 {
            calibration(&process, 100, seed);
        }
        let again = calibration(&process, 100, 1);
        assert!(!Rc::ptr_eq(&first, &again));
        assert_eq!(first.quantile(Ratio::new(0.7)), again.quantile(Ratio::new(0.7)));
    }
}
