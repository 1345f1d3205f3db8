//! The division of points into parts: ranges for one machine, shards for many.

use serde::{Deserialize, Serialize};

/// The rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// Parts of so many points in a row; the last may have fewer.
    Ranges(u64),
    /// So many parts; part I of N has points I, I + N, I + 2N and so on, so that slow and fast regions are shared out.
    Shards(u64),
}

/// Parts that one machine makes, at most: the loss of one is small.
const MOST_RANGES: u64 = 128;
/// Parts that it makes at least, where there are as many points: each thread has some.
const FEWEST_RANGES: u64 = 32;
/// Requests of a part, where that leaves enough of them: its file costs about a millisecond.
const REQUESTS_OF_A_PART: u64 = 4096;

impl Split {
    /// For a sweep of so many points on one machine, with so many requests each.
    pub fn on_one_machine(points: u64, requests: u64) -> Self {
        let wanted = points.saturating_mul(requests) / REQUESTS_OF_A_PART;
        Self::Ranges(points.div_ceil(wanted.clamp(FEWEST_RANGES, MOST_RANGES)).max(1))
    }

    /// Number of parts.
    pub fn parts(self, points: u64) -> u64 {
        match self {
            Self::Ranges(size) => points.div_ceil(size),
            Self::Shards(shards) => shards,
        }
    }

    /// The points of a part, rising.
    pub fn points_of(self, part: u64, points: u64) -> impl Iterator<Item = u64> + Clone + Send {
        let (first, end, step) = match self {
            Self::Ranges(size) => (part * size, points.min((part + 1) * size), 1),
            Self::Shards(shards) => (part, points, shards),
        };
        (first..end).step_by(usize::try_from(step).expect("a step that fits"))
    }

    /// The part that a point is in.
    pub fn part_of(self, point: u64) -> u64 {
        match self {
            Self::Ranges(size) => point / size,
            Self::Shards(shards) => point % shards,
        }
    }

    /// The name of a part's file.
    pub fn file_name(self, part: u64) -> String {
        match self {
            Self::Ranges(size) => format!("points-{:09}.parquet", part * size),
            Self::Shards(shards) => format!("shard-{part:04}-of-{shards:04}.parquet"),
        }
    }

    /// The name of the file with the classes of a part's runs.
    pub fn classes_name(self, part: u64) -> String {
        self.file_name(part).replace(".parquet", ".classes.parquet")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_point_is_in_one_part(points in 1u64..2000, size in 1u64..300) {
            let splits = [Split::Ranges(size), Split::Shards(size.min(points)), Split::on_one_machine(points, size)];
            for split in splits {
                let mut seen = vec![0; points as usize];
                for part in 0..split.parts(points) {
                    let mut last = None;
                    for point in split.points_of(part, points) {
                        prop_assert_eq!(split.part_of(point), part);
                        prop_assert!(last < Some(point));
                        last = Some(point);
                        seen[point as usize] += 1;
                    }
                    prop_assert!(last.is_some(), "{:?}: part {} is empty", split, part);
                }
                prop_assert!(seen.iter().all(|times| *times == 1));
            }
        }
    }

    #[test]
    fn ten_million_points_are_few_parts() {
        assert_eq!(Split::on_one_machine(10_000_000, 8).parts(10_000_000), 128);
        assert_eq!(Split::on_one_machine(128, 5_000), Split::Ranges(1));
    }

    #[test]
    fn small_points_are_fewer_parts() {
        let parts = |points, requests| Split::on_one_machine(points, requests).parts(points);
        assert_eq!([parts(2_000, 8), parts(20, 8), parts(2_000, 150), parts(2_000, u64::MAX)], [32, 20, 72, 125]);
    }
}
