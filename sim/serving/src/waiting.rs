//! The queue of requests that wait for admission.

use std::collections::{BTreeMap, VecDeque};

use crate::request::{Id, Request};
use crate::settings::Order;

/// Rank among waiting requests: priority, arrival, tie.
type Rank = (i32, u64, u64, Id);

/// Waiting requests, the next one first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// In order of arrival; preempted ones return to the front.
    Fcfs(VecDeque<Id>),
    /// By rank; preempted ones return to their place.
    Priority(BTreeMap<Rank, Id>),
}

impl Waiting {
    /// An empty queue.
    pub fn new(order: Order) -> Self {
        match order {
            Order::Fcfs => Self::Fcfs(VecDeque::new()),
            Order::Priority => Self::Priority(BTreeMap::new()),
        }
    }

    /// Adds a new request.
    pub fn push(&mut self, id: Id, request: &Request) {
        match self {
            Self::Fcfs(queue) => queue.push_back(id),
            Self::Priority(queue) => drop(queue.insert(rank(id, request), id)),
        }
    }

    /// Puts a request back.
    pub fn put_back(&mut self, id: Id, request: &Request) {
        match self {
            Self::Fcfs(queue) => queue.push_front(id),
            Self::Priority(queue) => drop(queue.insert(rank(id, request), id)),
        }
    }

    /// The next request.
    pub fn first(&self) -> Option<Id> {
        match self {
            Self::Fcfs(queue) => queue.front().copied(),
            Self::Priority(queue) => queue.first_key_value().map(|(_, id)| *id),
        }
    }

    /// Takes the next request.
    pub fn pop(&mut self) -> Option<Id> {
        match self {
            Self::Fcfs(queue) => queue.pop_front(),
            Self::Priority(queue) => queue.pop_first().map(|(_, id)| id),
        }
    }

    /// Takes a request that ended while it waited.
    pub fn remove(&mut self, id: Id, request: &Request) {
        match self {
            Self::Fcfs(queue) => queue.retain(|waiting| *waiting != id),
            Self::Priority(queue) => drop(queue.remove(&rank(id, request))),
        }
    }

    /// The number of requests.
    pub fn len(&self) -> usize {
        match self {
            Self::Fcfs(queue) => queue.len(),
            Self::Priority(queue) => queue.len(),
        }
    }

    /// All requests, the next one first.
    pub fn iter(&self) -> Box<dyn Iterator<Item = Id> + '_> {
        match self {
            Self::Fcfs(queue) => Box::new(queue.iter().copied()),
            Self::Priority(queue) => Box::new(queue.values().copied()),
        }
    }
}

fn rank(id: Id, request: &Request) -> Rank {
    (request.priority, request.arrival, request.tie, id)
}
