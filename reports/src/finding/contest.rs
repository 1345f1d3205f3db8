//! The contest of policies at each point: the fastest of those that are as accurate as the reference, and its lead.

use crate::effects::Points;
use crate::estimate::{Estimate, mean};
use crate::figure::by_point;
use crate::reference::{is_as_accurate, reference};
use crate::runs::Runs;
use tables::Metric;

/// Latencies and accuracies of every policy at every point.
pub(super) struct Contest {
    /// The place of the policy that accuracies are held to.
    pub reference: usize,
    /// The latency of each run, by policy and point, in ms.
    latencies_ms: Vec<Vec<Option<Vec<f64>>>>,
    /// The mean accuracy, by policy and point, in per cent.
    accuracies_pct: Vec<Vec<Option<f64>>>,
    /// True if the reference's accuracy is known somewhere.
    pub knows_accuracy: bool,
}

/// The fastest policy of a point.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Win {
    pub point: usize,
    pub policy: usize,
    /// Its latency, in ms.
    pub ms: f64,
    /// The next of those that are as accurate.
    pub next: Option<Lead>,
    /// The reference, where it is another policy.
    pub reference: Option<Lead>,
}

/// A lead over another policy.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Lead {
    pub over: usize,
    /// The part of the other's latency that is saved.
    pub saved: f64,
    /// False if the 95 % interval of the difference reaches over nothing.
    pub is_sure: bool,
}

impl Contest {
    pub fn of(runs: &Runs, points: &Points) -> Self {
        let reference = reference(&points.policies);
        let (latency, accuracy) = (runs.metric(Metric::E2eMean), runs.metric(Metric::Accuracy));
        let accuracies_pct = by_point(runs, points, |cell| accuracy.all_of(cell).map(|values| mean(&values)));
        let knows_accuracy = accuracies_pct.get(reference).is_some_and(|own| own.iter().any(Option::is_some));
        Self {
            reference,
            latencies_ms: by_point(runs, points, |cell| latency.all_of(cell)),
            accuracies_pct,
            knows_accuracy,
        }
    }

    /// The winner of each point at which one can be told: among policies as accurate as the reference, or among all.
    pub fn wins(&self, points: usize, among_all: bool) -> Vec<Win> {
        (0..points).filter_map(|point| self.win(point, among_all)).collect()
    }

    fn win(&self, point: usize, among_all: bool) -> Option<Win> {
        let bound = self.accuracies_pct[self.reference][point];
        if self.knows_accuracy && bound.is_none() {
            return None;
        }
        let is_in = |policy: &usize| among_all || is_as_accurate(self.accuracies_pct[*policy][point], bound);
        let known =
            (0..self.latencies_ms.len()).filter(is_in).filter_map(|policy| Some((policy, self.ms(policy, point)?)));
        let mut order: Vec<(usize, f64)> = known.collect();
        order.sort_by(|a, b| a.1.total_cmp(&b.1));
        let (policy, ms) = *order.first()?;
        let reference = (policy != self.reference).then(|| self.lead(policy, self.reference, point)).flatten();
        Some(Win { point, policy, ms, next: order.get(1).and_then(|next| self.lead(policy, next.0, point)), reference })
    }

    /// The mean latency of a policy at a point, in ms.
    pub fn ms(&self, policy: usize, point: usize) -> Option<f64> {
        self.latencies_ms[policy][point].as_deref().map(mean)
    }

    /// The mean accuracy of a policy at a point, in per cent.
    pub fn accuracy_pct(&self, policy: usize, point: usize) -> Option<f64> {
        self.accuracies_pct[policy][point]
    }

    fn lead(&self, policy: usize, over: usize, point: usize) -> Option<Lead> {
        let (own, other) = (self.latencies_ms[policy][point].as_ref()?, self.latencies_ms[over][point].as_ref()?);
        // Policies of a point see the same random numbers, replication by replication.
        let is_paired = own.len() == other.len();
        let difference = if is_paired { Estimate::paired(own, other) } else { Estimate::unpaired(own, other) };
        Some(Lead { over, saved: 1.0 - mean(own) / mean(other), is_sure: difference.interval()[1] < 0.0 })
    }
}
