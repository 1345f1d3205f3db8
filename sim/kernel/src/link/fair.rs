//! A link whose flows share its rate max-min fairly.
//!
//! All flows have the same cap, such as that of a shaper. So all get the same rate, min(cap,
//! rate / flows), and max-min fairness is processor sharing.
//!
//! The link keeps one number, the service `S` in bits that every flow present has had. A flow of `b` bits that starts
//! at `S0` ends when `S` reaches `S0 + b`, whatever comes and goes between. A heap of those ends replaces updating
//! every flow at every change.

use super::RateProfile;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use units::{BitsPerSecond, Bytes, SimDuration, SimTime};

/// Flows closer than this to their end have ended: half a thousandth of a bit, far above the rounding of `S`.
const EPSILON_BITS: f64 = 5e-4;

/// A max-min fair link; the owner schedules an event at [`next_event`](Self::next_event) after every change.
///
/// ```
/// use kernel::{FairLink, RateProfile};
/// use units::{BitsPerSecond, Bytes, SimTime};
///
/// let mut link = FairLink::new(RateProfile::constant(BitsPerSecond::from_mbps(8)), None);
/// link.start(SimTime::ZERO, 0, Bytes::new(1000));
/// link.start(SimTime::ZERO, 1, Bytes::new(3000));
/// let (mut ended, now) = (Vec::new(), link.next_event().expect("two flows"));
/// link.take_ended(now, &mut ended);
/// assert_eq!((now.as_ms_f64(), ended), (2.0, vec![0]), "1,000 B at half of 1,000 B/ms");
/// ```
#[derive(Clone, Debug)]
pub struct FairLink {
    rate: RateProfile,
    cap: Option<BitsPerSecond>,
    flows: BinaryHeap<Reverse<Flow>>,
    service: f64,
    updated: SimTime,
    started: u64,
}

/// A flow, ordered by where it ends and then by where it began.
#[derive(Clone, Copy, Debug)]
struct Flow {
    end: f64,
    order: u64,
    id: u32,
}

impl PartialEq for Flow {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Flow {}
impl PartialOrd for Flow {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Flow {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.end.total_cmp(&other.end).then(self.order.cmp(&other.order))
    }
}

impl FairLink {
    /// An idle link on which no flow gets more than `cap`.
    pub fn new(rate: RateProfile, cap: Option<BitsPerSecond>) -> Self {
        Self { rate, cap, flows: BinaryHeap::new(), service: 0.0, updated: SimTime::ZERO, started: 0 }
    }

    /// Starts flow `id` of `size`.
    pub fn start(&mut self, now: SimTime, id: u32, size: Bytes) {
        self.advance(now);
        let end = self.service + size.bits() as f64;
        self.flows.push(Reverse(Flow { end, order: self.started, id }));
        self.started += 1;
    }

    /// Time of the next event of the link: a flow ends or the rate changes. Valid until the next
    /// [`start`](Self::start).
    pub fn next_event(&self) -> Option<SimTime> {
        let Reverse(first) = self.flows.peek()?;
        let change = self.rate.next_change(self.updated);
        let rate = self.rate_per_flow();
        if rate <= 0.0 {
            return change;
        }
        let left = (first.end - self.service).max(0.0);
        let end = self.updated + SimDuration::from_ns((left / rate * 1e9).ceil() as u64);
        Some(change.map_or(end, |change| change.min(end)))
    }

    /// Moves to `now` and takes out the flows that have ended, in the order of their ends.
    pub fn take_ended(&mut self, now: SimTime, ended: &mut Vec<u32>) {
        self.advance(now);
        while let Some(Reverse(first)) = self.flows.peek()
            && first.end <= self.service + EPSILON_BITS
        {
            ended.push(first.id);
            self.flows.pop();
        }
        if self.flows.is_empty() {
            // A new busy period starts from zero, so that rounding never accumulates over a run.
            self.service = 0.0;
        }
    }

    /// The rate that another flow would get now.
    pub fn share(&self, now: SimTime) -> BitsPerSecond {
        let share = BitsPerSecond::new(self.rate.at(now).as_u64() / (self.flows.len() as u64 + 1));
        self.cap.map_or(share, |cap| if cap < share { cap } else { share })
    }

    /// Flows present.
    pub fn flows(&self) -> usize {
        self.flows.len()
    }

    /// The link's rate over time.
    pub fn rate(&self) -> &RateProfile {
        &self.rate
    }

    /// # Panics
    /// If the owner slept through a change of the rate.
    fn advance(&mut self, now: SimTime) {
        if !self.flows.is_empty() {
            let change = self.rate.next_change(self.updated);
            assert!(change.is_none_or(|change| now <= change), "a fair link was not told of a change of its rate");
            self.service += self.rate_per_flow() * 1e-9 * (now - self.updated).as_ns() as f64;
        }
        self.updated = now;
    }

    fn rate_per_flow(&self) -> f64 {
        let share = self.rate.at(self.updated).as_u64() as f64 / self.flows.len() as f64;
        self.cap.map_or(share, |cap| share.min(cap.as_u64() as f64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The slow oracle: every flow's remaining bits, updated at every event; rates by filling up the water level.
    fn slow(rate: u64, cap: u64, flows: &[(u64, u64)]) -> Vec<f64> {
        let mut left: Vec<f64> = flows.iter().map(|&(_, bytes)| bytes as f64 * 8.0).collect();
        let mut ends = vec![f64::NAN; flows.len()];
        let mut now = 0.0;
        while ends.iter().any(|end| end.is_nan()) {
            let present: Vec<usize> =
                (0..flows.len()).filter(|&i| flows[i].0 as f64 <= now && ends[i].is_nan()).collect();
            let (mut spare, mut share) = (rate as f64, vec![0.0; flows.len()]);
            for (filled, &i) in present.iter().enumerate() {
                share[i] = (spare / (present.len() - filled) as f64).min(cap as f64);
                spare -= share[i];
            }
            let arrival = flows.iter().map(|f| f.0 as f64).filter(|&at| at > now).fold(f64::INFINITY, f64::min);
            let next = present.iter().map(|&i| now + left[i] / share[i] * 1e9).fold(arrival, f64::min);
            for &i in &present {
                left[i] -= share[i] * (next - now) * 1e-9;
                if left[i] < 1e-6 {
                    ends[i] = next;
                }
            }
            now = next;
        }
        ends
    }

    fn fast(rate: u64, cap: u64, flows: &[(u64, u64)]) -> Vec<f64> {
        let mut link = FairLink::new(RateProfile::constant(BitsPerSecond::new(rate)), Some(BitsPerSecond::new(cap)));
        let mut ends = vec![f64::NAN; flows.len()];
        let (mut next_flow, mut ended) = (0, Vec::new());
        loop {
            let arrival = flows.get(next_flow).map(|flow| SimTime::from_ns(flow.0));
            let Some(now) = [arrival, link.next_event()].into_iter().flatten().min() else { return ends };
            link.take_ended(now, &mut ended);
            ended.drain(..).for_each(|id| ends[id as usize] = now.as_ns() as f64);
            if arrival == Some(now) {
                link.start(now, next_flow as u32, Bytes::new(flows[next_flow].1));
                next_flow += 1;
            }
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_slow_truth(
            cap in prop::sample::select(vec![30_000_000u64, 90_000_000, 1_000_000_000]),
            jobs in prop::collection::vec((0u64..3_000_000, 1u64..40_000), 1..30)
        ) {
            let mut at = 0;
            let flows: Vec<(u64, u64)> = jobs.iter().map(|&(gap, bytes)| { at += gap; (at, bytes) }).collect();
            let (fast, slow) = (fast(100_000_000, cap, &flows), slow(100_000_000, cap, &flows));
            for (fast, slow) in fast.iter().zip(&slow) {
                // Each change of the set of flows may round one end up by a nanosecond.
                prop_assert!((fast - slow).abs() <= 2.0 * flows.len() as f64, "{fast} {slow}");
            }
        }
    }

    #[test]
    fn two_equal_flows_take_twice_as_long_and_end_together() {
        let ends = fast(8_000_000_000, 8_000_000_000, &[(0, 1000), (0, 1000)]);
        assert_eq!(ends, [2000.0, 2000.0]);
    }
}
