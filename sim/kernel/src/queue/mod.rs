//! The pending events. Three queues stand behind one trait: the fast one that runs, a plain one to compare speed with,
//! and a slow obvious oracle for both.

mod binary;
mod heap;
mod lanes;
mod sorted;

use crate::Key;

pub use binary::BinaryQueue;
pub use lanes::LaneQueue;
pub use sorted::SortedQueue;

/// The queue that the kernel runs on.
#[cfg(not(feature = "binary-queue"))]
pub(crate) type Pending = LaneQueue;
#[cfg(feature = "binary-queue")]
pub(crate) type Pending = BinaryQueue;

/// A queue of events that gives back the smallest [`Key`] first.
///
/// `lane` is a hint and never changes the order. Events of one lane are expected to come sorted (a constant delay) or
/// nearly so. A queue may keep them in a ring instead of a heap.
pub trait Queue {
    /// Adds an event.
    fn push(&mut self, key: Key, lane: Option<Lane>);
    /// Removes and returns the event that happens next, if it comes before a limit.
    fn pop_before(&mut self, limit: Key) -> Option<Key>;
    /// The event that happens next.
    fn next(&mut self) -> Option<Key>;
    /// Removes and returns the event that happens next.
    fn pop(&mut self) -> Option<Key> {
        self.pop_before(Key::NEVER)
    }
    /// Number of pending events.
    fn len(&self) -> usize;
    /// True if no event is pending.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// One of a few classes of events that are mostly scheduled in the order in which they happen.
pub type Lane = u8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Phase, Target};
    use proptest::prelude::*;
    use units::SimTime;

    /// A step of the test: schedule `delay` after the last popped time, in a lane or not; then perhaps pop.
    type Step = (u64, Option<Lane>, bool, bool);

    /// Runs the steps and returns the order in which events came out.
    fn replay(queue: &mut impl Queue, steps: &[Step]) -> Vec<Key> {
        let (mut now, mut out) = (0, Vec::new());
        for (sequence, &(delay, lane, late, pop)) in steps.iter().enumerate() {
            let phase = if late { Phase::Batch } else { Phase::Happen };
            let time = SimTime::from_ns(now + delay);
            queue.push(Key::new(time, phase, sequence as u64, Target::component(sequence as u32 % 1000)), lane);
            if pop {
                let key = queue.pop().expect("one was just pushed");
                now = key.time().as_ns();
                out.push(key);
            }
        }
        while let Some(key) = queue.pop() {
            out.push(key);
        }
        assert!(queue.is_empty());
        out
    }

    proptest! {
        #[test]
        fn every_queue_agrees_with_the_judge(
            steps in prop::collection::vec((0u64..50, prop::option::of(0u8..4), any::<bool>(), prop::bool::weighted(0.4)), 0..400)
        ) {
            let judged = replay(&mut SortedQueue::default(), &steps);
            prop_assert_eq!(&replay(&mut BinaryQueue::default(), &steps), &judged);
            prop_assert_eq!(&replay(&mut LaneQueue::default(), &steps), &judged);
        }
    }

    #[test]
    fn a_hundred_thousand_pending_agree_too() {
        // Two ordering bugs of bucket queues were invisible with 1,000 pending events.
        let mut state = 7u64;
        let steps: Vec<Step> = (0..200_000u64)
            .map(|step| {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                let lane = [None, None, Some(1), Some(2)][(state >> 40) as usize % 4];
                (
                    if lane.is_some() { 1_000_000 } else { (state >> 33) % 100_000_000 },
                    lane,
                    state >> 63 == 1,
                    step > 100_000,
                )
            })
            .collect();
        let judged = replay(&mut BinaryQueue::default(), &steps);
        assert_eq!(replay(&mut LaneQueue::default(), &steps), judged);
        assert!(judged.windows(2).all(|pair| pair[0].time() <= pair[1].time()));
    }
}
