//! One replica of a serving engine, step by step: which requests compute how many tokens in the next step.
//!
//! The package has no clock, no randomness and no model. Requests go in, the next step's work comes out, its outcome goes
//! in, and so on: the same requests and outcomes give the same steps. What a step costs is for others to say.
//!
//! [`Rules`] say what an engine does, a file for each version; [`Settings`] are what a user of the engine sets;
//! [`Replica`] is a running one.

mod advance;
mod blocks;
mod complete;
mod content;
mod encoder;
mod engines;
mod estimate;
mod offer;
mod replica;
mod request;
mod schedule;
mod sequence;
mod session;
mod settings;
mod step;
mod waiting;

pub use advance::Advance;
pub use engines::{Admission, PictureRules, Rules, Victim};
pub use replica::Replica;
pub use request::{Id, Piece, Request};
pub use sequence::{Sequence, Status};
pub use settings::{Drafter, Order, Settings};
pub use step::{Encoding, Entry, Lookups, Outcome, Step, Work};
