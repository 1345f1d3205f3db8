//! A policy: its course through the testbed, and its memory.

use crate::about::About;
use crate::testbed::{Briefing, Testbed};
use std::future::Future;
use std::ops::Deref;
use std::rc::Rc;

/// An offloading policy: a struct of settings that can serve requests.
///
/// ```
/// use policies::{About, Briefing, Cloud, Edge, Policy, ServedBy, Testbed};
/// use model::request::Input;
///
/// /// The cloud answers everything.
/// #[derive(Default)]
/// struct AllInCloud {}
///
/// impl About for AllInCloud {}
///
/// impl Policy for AllInCloud {
///     type Memory = ();
///
///     async fn serve<B: Testbed>(&self, bed: &B, _: &Briefing, (): &()) -> ServedBy {
///         bed.edge().preprocess().await;
///         bed.cloud().answer(&Input::whole(bed.prompt())).await;
///         ServedBy::Cloud
///     }
/// }
/// ```
pub trait Policy: About + Sync {
    /// Its state between requests, such as what it has learned; `()` for none. Each edge has its own.
    type Memory: Memory<Self>;

    /// Serves one request to the end.
    fn serve<B: Testbed>(&self, bed: &B, briefing: &Briefing, memory: &Self::Memory) -> impl Future<Output = ServedBy>;
}

/// The memory of a policy, made from its settings before the first request, for each edge one.
///
/// ```
/// use policies::{Memory, Shared};
/// use std::cell::Cell;
///
/// struct Settings { first: u32 }
/// struct Seen(Cell<u32>);
///
/// impl Memory<Settings> for Seen {
///     fn of(settings: &Settings) -> Self {
///         Self(Cell::new(settings.first))
///     }
/// }
///
/// let settings = Settings { first: 3 };
/// let of_edge_0 = Seen::of(&settings);
/// let of_edge_1 = of_edge_0.of_another_edge(&settings);
/// of_edge_0.0.set(7);
/// assert_eq!(of_edge_1.0.get(), 3);
/// // In a `Shared` all edges remember together.
/// let of_edge_0 = Shared::<Seen>::of(&settings);
/// let of_edge_1 = of_edge_0.of_another_edge(&settings);
/// of_edge_0.0.set(7);
/// assert_eq!(of_edge_1.0.get(), 7);
/// ```
pub trait Memory<P>: Sized {
    /// The memory of the first edge.
    fn of(settings: &P) -> Self;
    /// The memory of one more edge. It has nothing of the others', unless it says so.
    fn of_another_edge(&self, settings: &P) -> Self {
        Self::of(settings)
    }
    /// The sums that this edge has learned by itself; none of a memory that learns nothing that edges could add up.
    fn learned(&self) -> Option<Learned> {
        None
    }
    /// The reason why the policy cannot go on, such as a program that has ended. Its run then ends without a result.
    fn fault(&self) -> Option<String> {
        None
    }
    /// Takes in the sums that the other edges have learned, as far as their reports have arrived, in the place of earlier ones.
    fn hear(&self, _others: Learned) {}
}

/// Sums over what an edge has seen, such as tries and rewards; those of several edges add up.
///
/// ```
/// use policies::Learned;
///
/// let (here, there) = (Learned([3.0, 1.5, 0.0, 0.0]), Learned([1.0, 1.0, 0.0, 0.0]));
/// assert_eq!(here.plus(there).0[..2], [4.0, 2.5]);
/// assert_eq!(here.plus(there).minus(here), there);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Learned(pub [f64; 4]);

impl Learned {
    /// The sums of both.
    pub fn plus(self, other: Self) -> Self {
        Self(std::array::from_fn(|place| self.0[place] + other.0[place]))
    }

    /// The sums without those of the other.
    pub fn minus(self, other: Self) -> Self {
        Self(std::array::from_fn(|place| self.0[place] - other.0[place]))
    }
}

impl<P> Memory<P> for () {
    fn of(_: &P) {}
}

/// A memory, or a part of one, that all edges share.
#[derive(Debug, Default)]
pub struct Shared<T>(Rc<T>);

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<P, T: Memory<P>> Memory<P> for Shared<T> {
    fn of(settings: &P) -> Self {
        Self(Rc::new(T::of(settings)))
    }
    fn of_another_edge(&self, _: &P) -> Self {
        self.clone()
    }
}

/// The giver of an answer, which decides its accuracy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ServedBy {
    /// The edge's model.
    Edge,
    /// The cloud's model, or tokens that it verified.
    Cloud,
    /// The edge's model, with tokens of the cloud's where it was not sure.
    Both,
    /// The cloud's model on an input whose effect on accuracy is published: the share of right answers that remains.
    Published(f64),
}
