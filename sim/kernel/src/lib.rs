//! A discrete-event kernel: virtual clock, event order, async processes, servers, links, random streams.
//!
//! Promises:
//!
//! * **One order.** Events happen by (time, [`Phase`], sequence of scheduling), see [`Key`]. No other order exists.
//! * **Time is integer nanoseconds** and never goes back; both ends of the queue check it, in release too.
//! * **The same seed gives the same events** on every platform: random numbers come from named, keyed streams of
//!   xoshiro256++ ([`Streams`]), transcendental functions from `libm` by name ([`draw`]).
//! * **A difference can be found**: a [`Journal`] digests every event, and a second run can be checked against a
//!   recorded first one, naming the first event that differs.
//!
//! Limits: the kernel knows nothing of language models, requests or metrics, and it is no general async runtime.
//! Processes are polled by a loop of a few lines on one thread ([`Kernel::run`]); a waker is an index.
//!
//! A process is an `async` block that awaits [`Kernel::sleep`] or a [`Wait`] that something else fires:
//!
//! ```
//! use kernel::{Host, Kernel, Spawner, Target};
//! use std::cell::Cell;
//! use units::{SimDuration, SimTime};
//!
//! struct Quiet;
//! impl<'a> Host<'a> for Quiet {
//!     fn event(&'a self, _: Target, _: &mut Spawner<'a>) {}
//! }
//!
//! let (kernel, host, done) = (Kernel::new(), Quiet, Cell::new(SimTime::ZERO));
//! kernel.run(&host, |spawner| {
//!     spawner.spawn(async {
//!         kernel.sleep(SimDuration::from_ms(20)).await;
//!         done.set(kernel.now());
//!     });
//! });
//! assert_eq!(done.get().as_ms_f64(), 20.0);
//! ```

pub mod draw;
mod journal;
mod key;
mod link;
mod numbered;
mod process;
mod queue;
mod random;
mod server;

pub use journal::{Difference, Journal, Seen};
pub use key::{Key, Phase, Target};
pub use link::{Congestion, FairLink, FifoLink, Profile, RateProfile, Tcp, TcpSender};
pub use numbered::Numbered;
pub use process::{Host, Kernel, Spawner, Wait, WaitIndex, join};
pub use queue::{BinaryQueue, Lane, LaneQueue, Queue, SortedQueue};
pub use random::{Keyed, Stream, Streams};
pub use server::{BatchServer, FifoServer, Service};
