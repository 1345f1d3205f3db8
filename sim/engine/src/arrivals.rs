//! The sources of a run's requests: the workload's arrivals, and those that groups of edges have of their own.

use crate::spec::RunSpec;
use crate::workload::{Arrivals, OpenLoop, Row, Workload};
use kernel::Streams;
use std::cell::RefCell;
use std::ops::Range;
use units::{Ratio, SimTime};

/// Number of the first class among the sources, behind all groups.
const CLASSES: u64 = 1 << 32;

/// A source of requests, and the edges at which they come in.
pub(crate) struct Source {
    pub(crate) arrivals: Arrivals,
    /// The class of its requests, where they are all of one.
    pub(crate) class: Option<u32>,
    /// The first of its groups; the only one of arrivals that a group has of its own.
    pub(crate) group: u32,
    /// The edges of each of its groups.
    groups: Vec<Range<u32>>,
    /// The share of its requests that the groups up to each one have; none where every edge has as many.
    up_to: Option<Vec<f64>>,
    open: RefCell<OpenLoop>,
}

impl Source {
    /// The sources of a run: the workload's, for all groups and classes without arrivals of their own, then those.
    pub(crate) fn all(spec: &RunSpec, streams: Streams) -> Vec<Self> {
        let mut end = 0;
        let (mut common, mut first) = (Vec::new(), None);
        let mut own = Vec::new();
        for (number, group) in spec.edges.iter().enumerate() {
            let edges = end..end + group.count;
            end = edges.end;
            match &group.arrivals {
                None => {
                    first.get_or_insert(number as u32);
                    common.push((edges, group.share));
                }
                Some(arrivals) => {
                    let source = Self::new(arrivals, vec![edges], None, streams, number as u64 + 1);
                    own.push(Self { group: number as u32, ..source });
                }
            }
        }
        let Some(group) = first else { return own };
        let classes = &spec.workload.classes;
        let of_classes =
            (0..).zip(classes.iter()).filter_map(|(number, class)| Some((number, class.arrivals.as_ref()?)));
        for (number, arrivals) in of_classes {
            let source = Self::of(&common, arrivals, streams, CLASSES + u64::from(number));
            own.push(Self { class: Some(number), group, ..source });
        }
        let is_shared = classes.is_empty() || classes.iter().any(|class| class.arrivals.is_none());
        let shared = || Self { group, ..Self::of(&common, &spec.workload.arrivals, streams, 0) };
        let workload = is_shared.then(shared);
        workload.into_iter().chain(own).collect()
    }

    /// The source of requests at groups with these edges and shares.
    fn of(common: &[(Range<u32>, Option<Ratio>)], arrivals: &Arrivals, streams: Streams, number: u64) -> Self {
        let shares: Option<Vec<f64>> = common.iter().map(|(_, share)| Some((*share)?.as_f64())).collect();
        let up_to = shares.map(|shares| {
            let sums = shares.iter().scan(0.0, |sum, share| {
                *sum += share;
                Some(*sum)
            });
            sums.collect()
        });
        let groups = common.iter().map(|(edges, _)| edges.clone()).collect();
        Self::new(arrivals, groups, up_to, streams, number)
    }

    fn new(
        arrivals: &Arrivals,
        groups: Vec<Range<u32>>,
        up_to: Option<Vec<f64>>,
        streams: Streams,
        number: u64,
    ) -> Self {
        let edges = groups.iter().map(|edges| edges.end - edges.start).sum();
        let open = RefCell::new(OpenLoop::new(arrivals, streams, number, edges));
        Self { arrivals: arrivals.clone(), class: None, group: 0, groups, up_to, open }
    }

    /// The edges at which its requests come in.
    pub(crate) fn edges(&self) -> impl Iterator<Item = u32> {
        self.groups.iter().cloned().flatten()
    }

    /// The edge at which request `number`, of this row, comes in, in an open loop: edges take turns over a trace, and are drawn
    /// otherwise.
    pub(crate) fn edge(&self, streams: Streams, number: u64, row: Row) -> u32 {
        let draw = || streams.keyed("edge", number);
        if let Some(up_to) = &self.up_to {
            let share = draw().unit(1);
            let group = up_to.iter().position(|up_to| share < *up_to).unwrap_or(up_to.len() - 1);
            let edges = &self.groups[group];
            return edges.start + (draw().bits(0) % u64::from(edges.end - edges.start)) as u32;
        }
        let many: u32 = self.groups.iter().map(|edges| edges.end - edges.start).sum();
        let mut place = self.open.borrow().edge(&self.arrivals, streams, (number, row), many);
        for edges in &self.groups {
            let count = edges.end - edges.start;
            if place < count {
                return edges.start + place;
            }
            place -= count;
        }
        unreachable!("a place among all edges")
    }

    /// The arrival time of its next request, which has this row, given that of the one before.
    pub(crate) fn next(&self, workload: &Workload, row: Row, previous: SimTime) -> SimTime {
        self.open.borrow_mut().next(&self.arrivals, workload, row, previous)
    }
}
