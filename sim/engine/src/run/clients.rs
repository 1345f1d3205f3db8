//! Clients: they play sessions turn by turn, think, and give up on answers that do not come.

use super::Run;
use crate::plant::Bed;
use crate::workload::{Arrivals, Session};
use backends::Compute;
use policies::Policy;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use units::{SimDuration, SimTime};

impl<'a, C: Compute, P: Policy> Run<'a, C, P> {
    /// A client of a closed loop.
    #[expect(clippy::manual_async_fn, reason = "an `async fn` keeps its arguments twice, and there are many clients")]
    pub(super) fn client(&'a self, edge: u32, client: u32, think: SimDuration) -> impl Future<Output = ()> + 'a {
        async move {
            // Not `while let`, which would keep the session while it is played.
            loop {
                let Some(session) = self.begin(None, edge) else { return };
                if !self.play(session, edge, client).await {
                    return;
                }
                if think > SimDuration::ZERO {
                    self.world.kernel.sleep(think).await;
                }
            }
        }
    }

    /// Plays a session of an open loop.
    pub(super) fn play_alone(&'a self, session: Session, edge: u32) -> impl Future<Output = ()> + 'a {
        let played = self.play(session, edge, 0);
        async move {
            played.await;
        }
    }

    /// Plays a session to its end; false if its client gives up on a turn and goes on by itself.
    fn play(&'a self, mut session: Session, edge: u32, client: u32) -> impl Future<Output = bool> + 'a {
        let bed = self.admit(&mut session, edge, client);
        self.play_on(session.rest(), edge, client, bed)
    }

    /// Plays a session from a turn on that has been taken in.
    #[expect(
        clippy::manual_async_fn,
        reason = "an `async fn` keeps its arguments twice, and every request waits in one"
    )]
    fn play_on(
        &'a self,
        mut rest: Option<Box<Session>>,
        edge: u32,
        client: u32,
        mut bed: Bed<'a, C>,
    ) -> impl Future<Output = bool> + 'a {
        async move {
            loop {
                let answered = match self.world.spec.workload.timeout {
                    None => self.serve(bed).await,
                    Some(timeout) => {
                        let mut served = Box::pin(self.serve(bed));
                        let Some(answered) = self.in_time(&mut served, timeout).await else {
                            self.given_up.borrow_mut().push(GivenUp { rest, edge, client });
                            self.world.schedule_adoption();
                            // The servers are not told.
                            served.await;
                            return false;
                        };
                        answered
                    }
                };
                match self.next_turn(&mut rest, edge, client, answered).await {
                    Some(next) => bed = next,
                    None => return true,
                }
            }
        }
    }

    /// The time of an answer that comes while its client waits; none if the client gives up.
    async fn in_time(
        &self,
        served: &mut Pin<Box<impl Future<Output = SimTime>>>,
        timeout: SimDuration,
    ) -> Option<SimTime> {
        let mut patience = self.world.kernel.sleep(timeout);
        let answered = poll_fn(|context| {
            if let Poll::Ready(at) = served.as_mut().poll(context) {
                return Poll::Ready(Some(at));
            }
            Pin::new(&mut patience).poll(context).map(|()| None)
        });
        answered.await
    }

    /// A client that has given up goes on by itself: with its session, and in a closed loop with the next ones.
    pub(super) async fn go_on(&'a self, GivenUp { mut rest, edge, client }: GivenUp) {
        let bed = self.next_turn(&mut rest, edge, client, self.world.kernel.now()).await;
        if let Some(bed) = bed
            && !self.play_on(rest, edge, client, bed).await
        {
            return;
        }
        let source = self.sources.iter().find(|source| source.edges().any(|one| one == edge));
        if let Some(Arrivals::ClosedLoop { think, .. }) = source.map(|source| &source.arrivals) {
            self.world.kernel.sleep(*think).await;
            self.client(edge, client, *think).await;
        }
    }

    /// The next turn of a session, which its user sends after thinking about the answer to the one before; none at its end.
    async fn next_turn(
        &self,
        rest: &mut Option<Box<Session>>,
        edge: u32,
        client: u32,
        answered: SimTime,
    ) -> Option<Bed<'a, C>>
    where
        Self: 'a,
    {
        let (world, session) = (self.world, rest.as_deref_mut()?);
        let think = session.think(&world.spec.workload, world.streams)?;
        // A policy may be busy for a while after the last token.
        let left = (answered + think).saturating_since(world.kernel.now());
        if left > SimDuration::ZERO {
            world.kernel.sleep(left).await;
        }
        Some(self.admit(session, edge, client))
    }
}

/// A client that has given up on a request, and the rest of its session.
pub(super) struct GivenUp {
    rest: Option<Box<Session>>,
    edge: u32,
    client: u32,
}
