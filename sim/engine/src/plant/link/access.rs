//! The links that edges have for themselves, between them and the shared one.
//!
//! On the way up a flight takes the edge's own link first and then the shared one, on the way down the other way round. Its packets
//! pass on as they come, so a flight takes as long as the slower of the two, behind the flights before it on each.

use super::flight::{Flight, Loss};
use crate::spec::RunSpec;
use kernel::{FifoLink, Numbered, Service};
use units::{BitsPerSecond, SimTime};

/// One direction of the links of all edges.
pub(crate) struct Access {
    /// By edge; empty if no group has links of its own.
    links: Vec<Option<Own>>,
    /// Flights on them, on their way up.
    passing: Numbered<Passing>,
}

struct Own {
    link: FifoLink,
    loss: f64,
}

/// A flight on its edge's own link.
pub(super) struct Passing {
    pub(super) flight: Flight,
    pub(super) loss: Loss,
    /// It was put on the link then.
    pub(super) put: SimTime,
    pub(super) service: Service,
}

impl Access {
    /// The links of a run's edges in one direction.
    pub(crate) fn new(spec: &RunSpec, up: bool) -> Self {
        let mut links = Vec::new();
        if spec.edges.iter().any(|group| group.access.is_some()) {
            for group in &spec.edges {
                for _ in 0..group.count {
                    let edge = links.len() as u32;
                    links.push(group.access.as_ref().map(|access| {
                        let rate = if up { &access.up } else { &access.down };
                        let link = FifoLink::starting_at(rate.clone(), access.start(edge, spec.replication));
                        Own { link, loss: access.loss.as_f64() }
                    }));
                }
            }
        }
        Self { links, passing: Numbered::default() }
    }

    fn own(&self, edge: u32) -> Option<&Own> {
        self.links.get(edge as usize)?.as_ref()
    }

    /// True if an edge has a link for itself.
    #[inline]
    pub(super) fn is_there(&self, edge: u32) -> bool {
        self.own(edge).is_some()
    }

    /// The rate of an edge's own link now.
    pub(super) fn rate(&self, edge: u32, now: SimTime) -> Option<BitsPerSecond> {
        Some(self.own(edge)?.link.rate_at(now))
    }

    /// The probability that a packet gets over an edge's own link.
    pub(super) fn survival(&self, edge: u32) -> f64 {
        self.own(edge).map_or(1.0, |own| 1.0 - own.loss)
    }

    /// A flight enters its edge's own link on its way up; its number, and the time at which it will have passed.
    pub(super) fn enter(&mut self, now: SimTime, flight: Flight, loss: Loss) -> (u32, SimTime) {
        let own = self.links[flight.edge as usize].as_mut().expect("a link of its own");
        let service = own.link.send(now, flight.bytes + loss.bytes);
        (self.passing.insert(Passing { flight, loss, put: now, service }), service.end)
    }

    /// A flight has passed its edge's own link on its way up.
    pub(super) fn leave(&mut self, flight: u32) -> Passing {
        self.passing.remove(flight)
    }

    /// The whole way of a flight down, over the shared link and then the edge's own.
    pub(super) fn pass_on(&mut self, flight: &Flight, shared: Service, loss: Loss) -> Service {
        let Some(own) = self.links.get_mut(flight.edge as usize).and_then(Option::as_mut) else { return shared };
        let end = own.link.pass_on(shared, flight.bytes + loss.bytes).end;
        Service { start: shared.start, end }
    }
}
