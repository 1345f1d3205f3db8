//! `shortfalls.parquet`: requests that were rejected, and answers that were cut. The file is there as soon as there is one.

use crate::{
    Shortfall, Text, VariedValues,
    row::{FEW, rows},
};
use std::ops::{AddAssign, Index, IndexMut};

rows! {
    /// One reason why requests of a policy at a point were not served as they were asked for.
    pub struct ShortfallRow in "`shortfalls.parquet`", table "shortfalls", version 1, groups of FEW;
    {
        /// The number of the point in the sweep's grid.
        point: u64,
        /// The label of the policy.
        policy: Text,
        /// The dataset of the point.
        dataset: Text,
        /// The mean rate of the uplink, in megabits per second.
        bandwidth_mbps: Option<f64>,
        /// The value of a varied key, as text; the column has the name of the key.
        varied: VariedValues,
        /// The reason.
        reason: Shortfall,
        /// Requests with this reason, over all replications.
        requests: u64,
        /// Requests that were sent, over all replications.
        of_requests: u64,
    }
}

impl Shortfall {
    /// True if the request was rejected.
    pub const fn is_rejection(self) -> bool {
        !matches!(self, Self::Cut | Self::TimedOut)
    }

    /// The end of a sentence about requests.
    pub const fn words(self) -> &'static str {
        match self {
            Self::EdgeContext => {
                "were rejected: prompt and answer are longer than the context window of the edge's model"
            }
            Self::CloudContext => {
                "were rejected: prompt and answer are longer than the context window of the cloud's model"
            }
            Self::EdgeMemory => "were rejected: prompt and answer have no room in the KV cache of the edge",
            Self::CloudMemory => "were rejected: prompt and answer have no room in the KV cache of the cloud",
            Self::TimedOut => "timed out: the answer came later than workload.timeout allows",
            Self::Cut => "were answered in part: workload.max_output_tokens cuts longer answers",
        }
    }
}

/// A number of requests for each reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shortfalls([u64; Shortfall::ALL.len()]);

impl Shortfalls {
    /// The reasons that there are, each with its number.
    pub fn iter(&self) -> impl Iterator<Item = (Shortfall, u64)> + '_ {
        Shortfall::ALL.iter().map(|reason| (*reason, self[*reason])).filter(|(_, count)| *count > 0)
    }
}

impl Index<Shortfall> for Shortfalls {
    type Output = u64;

    fn index(&self, reason: Shortfall) -> &u64 {
        &self.0[reason as usize]
    }
}

impl IndexMut<Shortfall> for Shortfalls {
    fn index_mut(&mut self, reason: Shortfall) -> &mut u64 {
        &mut self.0[reason as usize]
    }
}

impl AddAssign for Shortfalls {
    fn add_assign(&mut self, more: Self) {
        self.0.iter_mut().zip(more.0).for_each(|(sum, count)| *sum += count);
    }
}
