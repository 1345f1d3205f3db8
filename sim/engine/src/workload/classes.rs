//! Classes of requests: chat beside cameras, each with a dataset, a share, a priority and limits of its own.

use super::{Content, Workload};
use kernel::Streams;

impl Workload {
    /// The class of a session that begins with this request, drawn by the shares; 0 where there are no classes.
    pub fn draw_class(&self, streams: Streams, number: u64) -> u32 {
        let mut left = if self.classes.is_empty() { 0.0 } else { streams.keyed("class", number).unit(0) };
        let shared = || self.classes.iter().enumerate().filter(|(_, class)| class.share > 0.0);
        let found = shared().find(|(_, class)| {
            left -= class.share;
            left < 0.0
        });
        // Shares may sum to a little less than 1.
        found.or_else(|| shared().next_back()).map_or(0, |(number, _)| number as u32)
    }

    /// The content of a class.
    pub(crate) fn content_of(&self, class: u32) -> &Content {
        self.classes.get(class as usize).and_then(|class| class.content.as_ref()).unwrap_or(&self.content)
    }

    /// The priority of a class.
    pub(crate) fn priority_of(&self, class: u32) -> i32 {
        self.classes.get(class as usize).map_or(0, |class| class.priority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RunSpec;
    use crate::workload::Class;
    use model::latency::LatencyLimits;
    use policies::System;

    #[test]
    fn a_class_is_drawn_as_often_as_its_share() {
        let (_, policy) = System::examples().swap_remove(0);
        let class = |name: &str, share| Class {
            name: name.into(),
            content: None,
            share,
            arrivals: None,
            priority: 0,
            slo: LatencyLimits::default(),
            accuracy: Vec::new(),
            benchmark: model::published::Benchmark::Other,
        };
        let classes = [class("own", 0.0), class("chat", 0.3), class("photo", 0.7)];
        let workload = Workload { classes: classes.into(), ..RunSpec::example(policy).workload };
        let mut counts = [0u32; 3];
        (0..10_000).for_each(|number| counts[workload.draw_class(Streams::new(1), number) as usize] += 1);
        assert_eq!(counts[0], 0, "a class with arrivals of its own is not drawn");
        assert!((2850..3150).contains(&counts[1]), "{counts:?}");
        let none = Workload { classes: [].into(), ..workload };
        assert_eq!((none.draw_class(Streams::new(1), 3), none.priority_of(0)), (0, 0));
    }
}
