//! The division of a run into parts, or the reason why it stays whole.

use crate::routing::Learners;
use crate::spec::{Connections, HopSpec, RunSpec, SharedBy, TcpSpec, Transport};
use crate::workload::Arrivals;
use std::ops::Range;
use units::{Ratio, SimDuration};

/// A division of a run into parts.
pub(crate) struct Division {
    /// The edges of each part. The first part shares its thread with the cloud.
    pub(crate) parts: Vec<Range<u32>>,
    /// The shortest way down: whatever the cloud sends arrives so much later at least.
    pub(crate) lookahead: SimDuration,
}

/// The part of a run's work that is the cloud's, about: 13 % of the instructions of `pipelined` and more under a serving engine, with
/// what passes between the parts.
const CLOUDS_SHARE: f64 = 0.2;

impl Division {
    /// The division of a run for the threads that it may use; none of a run that stays whole.
    pub(crate) fn of(spec: &RunSpec) -> Option<Self> {
        if spec.edge_count() < spec.least_edges_apart || !spec.policy.uses().edge_model {
            return None;
        }
        let lookahead = lookahead(spec).ok()?;
        Some(Self { parts: parts(spec.edge_count(), spec.threads), lookahead })
    }
}

impl RunSpec {
    /// The reason why a run of many edges is simulated on one thread, whatever it may use; none of one that is not.
    pub fn stays_on_one_thread(&self) -> Option<&'static str> {
        if self.edge_count() < self.least_edges_apart {
            return None;
        }
        let sends = (!self.policy.uses().edge_model).then_some("its edges only send");
        sends.or_else(|| lookahead(self).err())
    }
}

/// The edges of each part, for so many threads. The thread of the cloud has fewer.
fn parts(edges: u32, threads: u32) -> Vec<Range<u32>> {
    let threads = threads.clamp(1, edges.max(1));
    let even = 1.0 / f64::from(threads);
    let beside_cloud = ((even - CLOUDS_SHARE) / (1.0 - CLOUDS_SHARE)).max(0.0);
    let first = if threads == 1 { edges } else { (f64::from(edges) * beside_cloud).round() as u32 };
    let rest = u64::from(edges - first);
    let others = u64::from(threads - 1).max(1);
    let end = |part: u64| first + (rest * part / others) as u32;
    std::iter::once(0..first).chain((1..u64::from(threads)).map(|part| end(part - 1)..end(part))).collect()
}

/// The lookahead of a run whose edges meet nowhere but in the cloud; otherwise the place where they meet before.
fn lookahead(spec: &RunSpec) -> Result<SimDuration, &'static str> {
    let says = |applies: bool, reason| if applies { Err(reason) } else { Ok(()) };
    says(spec.policy.needs_the_cloud_at_once(), "its policy needs the cloud at once")?;
    says(spec.policy.queues(), "its policy orders the cloud's queue by what edges have")?;
    says(spec.policy.split().is_some(), "its model is split")?;
    says(spec.learners == Learners::Shared && spec.policy.learns(), "its edges share what they learn")?;
    says(spec.pools.len() > 1, "its requests are given one of several pools")?;
    let workload = &spec.workload;
    let closed = |arrivals: &Arrivals| matches!(arrivals, Arrivals::ClosedLoop { .. });
    let own = spec.edges.iter().filter_map(|group| group.arrivals.as_ref());
    let of_classes = workload.classes.iter().filter_map(|class| class.arrivals.as_ref());
    let mut all = own.chain(of_classes).chain([&workload.arrivals]);
    says(all.any(closed), "its clients take the next request in turn")?;
    says(workload.sessions.is_some(), "its users ask again")?;
    says(workload.timeout.is_some(), "its clients give up")?;
    says(workload.fall_back || workload.fall_back_after.is_some(), "its edges fall back")?;
    let link = &spec.link;
    let per_request = matches!(link.transport, Transport::Tcp(TcpSpec { connections: Connections::PerRequest, .. }));
    says(per_request, "each request has a connection")?;
    says(link.jitter > SimDuration::ZERO, "its link draws jitter")?;
    let hops = || spec.edges.iter().flat_map(|group| &group.hops).map(|hop| &link.hops[*hop as usize]);
    says(hops().any(|hop| hop.shared_by != SharedBy::Edge), "its edges share a hop")?;
    let waits = hops().any(|hop| hop.queue.is_some());
    says(waits && spec.routing.report_every.is_some(), "its routers go by reports, which wait in queues")?;
    let loses = |hop: &HopSpec| [&hop.up, &hop.down].iter().any(|way| way.loss.constant() != Some(Ratio::ZERO));
    says(hops().any(loses), "its link draws losses")?;
    let way = |hops: &[u32]| {
        let of_hop = |hop: &u32| link.hops[*hop as usize].down.rtt.constant();
        hops.iter().map(of_hop).sum::<Option<SimDuration>>()
    };
    let ways: Option<Vec<SimDuration>> = spec.edges.iter().map(|group| way(&group.hops)).collect();
    let least = ways.and_then(|ways| ways.into_iter().min()).ok_or("its round trips change")?;
    let lookahead = (least + spec.pools[0].rtt) / 2;
    says(lookahead < SimDuration::from_us(1), "its link takes no time")?;
    Ok(lookahead)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Profile;
    use policies::{CloudOnly, EdgeOnly, Speculative, System};
    use units::PerSecond;

    /// A thousand edges that draft and meet in the cloud alone.
    fn spec() -> RunSpec {
        let mut spec = RunSpec::example(System::Speculative(Speculative::default()));
        spec.edges[0].count = RunSpec::LEAST_EDGES_APART;
        spec.link.hops[0].shared_by = SharedBy::Edge;
        spec.workload.arrivals = Arrivals::Poisson { rate: PerSecond::new(9.0) };
        spec
    }

    #[test]
    fn every_edge_is_in_one_part() {
        for (edges, threads) in [(1, 1), (1, 4), (5, 2), (1000, 1), (1000, 2), (1000, 3), (1001, 8), (9, 64)] {
            let parts = parts(edges, threads);
            let joined = parts.iter().try_fold(0, |end, part| (part.start == end).then_some(part.end));
            assert_eq!(joined, Some(edges), "{edges} edges on {threads} threads: {parts:?}");
        }
        assert_eq!(parts(1000, 2), [0..375, 375..1000], "the cloud shares the first thread");
    }

    #[test]
    fn a_run_is_divided_or_says_why_not() {
        type Change = fn(&mut RunSpec);
        let cases: [(Change, Option<&str>); 10] = [
            (|_| (), None),
            (|spec| spec.edges[0].count -= 1, None),
            (|spec| spec.policy = System::CloudOnly(CloudOnly::default()), Some("its edges only send")),
            (|spec| spec.link.hops[0].shared_by = SharedBy::All, Some("its edges share a hop")),
            (|spec| spec.link.jitter = SimDuration::from_ms(1), Some("its link draws jitter")),
            (|spec| spec.link.hops[0].up.loss = Profile::from(Ratio::new(0.1)), Some("its link draws losses")),
            (|spec| spec.link.hops[0].down.rtt = SimDuration::ZERO.into(), Some("its link takes no time")),
            (|spec| spec.pools = vec![spec.pools[0].clone(); 2], Some("its requests are given one of several pools")),
            (|spec| spec.workload.timeout = Some(SimDuration::from_ms(9)), Some("its clients give up")),
            (
                |spec| spec.workload.arrivals = Arrivals::ClosedLoop { clients: 1, think: SimDuration::ZERO },
                Some("its clients take the next request in turn"),
            ),
        ];
        for (place, (change, reason)) in cases.into_iter().enumerate() {
            let mut spec = spec();
            change(&mut spec);
            assert_eq!(spec.stays_on_one_thread(), reason, "case {place}");
            let is_large = spec.edge_count() >= RunSpec::LEAST_EDGES_APART;
            assert_eq!(Division::of(&spec).is_some(), is_large && reason.is_none(), "case {place}");
        }
        let lookahead = Division::of(&spec()).map(|division| division.lookahead);
        assert_eq!(lookahead, Some(SimDuration::from_ms(10)), "half of a round trip of 20 ms");
        let mut alone = spec();
        alone.policy = System::EdgeOnly(EdgeOnly::default());
        assert!(Division::of(&alone).is_some(), "edges that never meet");
    }
}
