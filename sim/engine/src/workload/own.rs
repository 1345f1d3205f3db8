//! Requests that groups of edges have of their own. Each list of requests is played in its own order, whatever comes between.

use super::{Content, OwnRequests, Row, Workload};
use units::SimDuration;

/// The next row of each list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows(Vec<u64>);

impl Rows {
    /// The first rows of the workload and of each group.
    pub(crate) fn new(workload: &Workload) -> Self {
        Self(vec![0; 1 + workload.own.len()])
    }

    /// The next row of a group.
    pub(crate) fn next(&self, workload: &Workload, group: u32) -> Row {
        let owner = workload.owner(group);
        Row::new(owner, self.0[owner as usize])
    }

    /// So many rows from this one on have been taken.
    pub(crate) fn take(&mut self, row: Row, many: u64) {
        self.0[row.owner() as usize] = row.number() + many;
    }
}

impl Workload {
    /// The owner of a group's requests.
    fn owner(&self, group: u32) -> u32 {
        self.own.get(group as usize).and_then(Option::as_ref).map_or(0, |_| group + 1)
    }

    /// The requests that a group has of its own.
    pub(crate) fn own_of(&self, group: u32) -> Option<&OwnRequests> {
        self.own.get(group as usize)?.as_ref()
    }

    /// The content of a request of a class.
    pub(crate) fn content_at(&self, class: u32, row: Row) -> &Content {
        match row.owner().checked_sub(1).and_then(|group| self.own_of(group)) {
            Some(own) => &own.content,
            None => self.content_of(class),
        }
    }

    /// Requests that are left of the list of a row, from it on.
    pub(crate) fn left_at(&self, row: Row) -> u64 {
        self.content_at(0, row).len().map_or(u64::MAX, |all| all.saturating_sub(row.number()))
    }

    /// Time of a row in its trace; 0 without one.
    pub(crate) fn offset_at(&self, row: Row) -> SimDuration {
        self.content_at(0, row).offset(row.number())
    }

    /// Requests in all lists; none where one has no end.
    pub(super) fn listed(&self) -> Option<u64> {
        let is_shared = self.own.is_empty() || self.own.iter().any(Option::is_none);
        let own = self.own.iter().flatten().map(|own| &own.content);
        is_shared.then_some(&self.content).into_iter().chain(own).map(Content::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RunSpec;
    use crate::workload::{Begun, Played};
    use kernel::Streams;
    use model::published::Benchmark;
    use policies::System;
    use traces::requests::TraceRequest;

    /// A workload whose second group plays a trace of three requests, of 100, 101 and 102 tokens a second apart.
    fn workload(requests: u64) -> Workload {
        let (_, policy) = System::examples().swap_remove(0);
        let row = |number: u32| TraceRequest::text(SimDuration::from_secs(number.into()), 100 + number, 5);
        let played = Played { requests: (0..3).map(row).collect(), output_tokens: None, blocks: None };
        let own = OwnRequests { content: Content::Trace(played), benchmark: Benchmark::Other };
        Workload { own: [None, Some(own)].into(), requests, ..RunSpec::example(policy).workload }
    }

    #[test]
    fn a_trace_of_a_group_is_played_in_its_order_between_others() {
        let (workload, streams) = (workload(8), Streams::new(1));
        let mut begun = Begun::new(&workload);
        let mut told = Vec::new();
        for group in [0, 1, 0, 1, 1, 1, 0] {
            let Some(mut session) = begun.session(&workload, streams, None, group) else {
                told.push((group, 0));
                continue;
            };
            told.push((group, session.turn(&workload, streams).request.prompt.text_tokens));
        }
        assert_eq!(told, [(0, 30), (1, 100), (0, 30), (1, 101), (1, 102), (1, 0), (0, 30)]);
        assert_eq!(begun.next, 6, "a list that has ended takes no number");
    }

    #[test]
    fn lists_that_end_bound_the_run() {
        assert_eq!((workload(8).len(), workload(2).len()), (8, 2), "the other group draws its requests");
        let mut traces = workload(8);
        traces.own = [traces.own[1].clone(), traces.own[1].clone()].into();
        assert_eq!(traces.len(), 6);
        let row = Rows::new(&traces).next(&traces, 1).behind(2);
        assert_eq!((traces.offset_at(row), traces.left_at(row)), (SimDuration::from_secs(2), 1));
    }

    #[test]
    fn lists_have_keys_and_blocks_of_their_own() {
        let workload = workload(8);
        let [first, second] = [0, 1].map(|group| Rows::new(&workload).next(&workload, group));
        assert_eq!((first.key(), first.block(7)), (0, 7));
        assert!(second.key() != first.key() && second.block(7) != first.block(7));
    }
}
