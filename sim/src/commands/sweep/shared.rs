//! Runs that points of a sweep have in common: where a key of one policy varies, the others are the same at every value.

use crate::results::metrics::Sample;
use crate::scenario::Plan;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

/// The replications of a policy; none if one of them failed, whose reason names its own point.
type Replications = Option<Vec<Sample>>;

/// The runs of a policy at the points that have them in common.
struct Slot {
    runs: OnceLock<Replications>,
    /// Points that have not asked for them yet.
    left: AtomicU64,
}

/// The runs that were made, for as long as another point may need them.
#[derive(Default)]
pub struct Shared {
    slots: Mutex<BTreeMap<(u64, String), Arc<Slot>>>,
    saved: AtomicU64,
}

impl Shared {
    /// The replications of a policy at a point, run now or taken from a point at which the policy is the same.
    pub fn runs(
        &self,
        plan: &Plan,
        number: u64,
        policy: &str,
        run: impl Fn() -> Vec<Result<Sample, String>>,
    ) -> Vec<Result<Sample, String>> {
        let (first, points) = plan.same_for(number, policy);
        if points == 1 {
            return run();
        }
        let slot = self.slot((first, policy.to_owned()), points);
        let mut own = None;
        let kept = slot.runs.get_or_init(|| {
            let made = run();
            let whole: Replications = made.iter().map(|result| result.as_ref().ok().cloned()).collect();
            own = Some(made);
            whole
        });
        match (own, kept) {
            (Some(own), _) => own,
            (None, None) => run(),
            (None, Some(kept)) => {
                self.saved.fetch_add(kept.len() as u64, Ordering::Relaxed);
                kept.iter().cloned().map(Ok).collect()
            }
        }
    }

    /// The slot of these points, which is forgotten when the last of them has asked.
    fn slot(&self, key: (u64, String), points: u64) -> Arc<Slot> {
        let mut slots = self.slots.lock().expect("no panic holds this lock");
        let new = || Arc::new(Slot { runs: OnceLock::new(), left: AtomicU64::new(points) });
        let slot = slots.entry(key.clone()).or_insert_with(new).clone();
        if slot.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            slots.remove(&key);
        }
        slot
    }

    /// Runs that were taken from another point.
    pub fn saved(&self) -> u64 {
        self.saved.load(Ordering::Relaxed)
    }
}
