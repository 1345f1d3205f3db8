//! `sim tune`: looks for the best point of a sweep without running all of them.
//!
//! The space is that of the scenario's `[sweep]` table: each axis is a line of values in their order. Some searches start at
//! places spread over it ([`search`]); the best that they find is then compared with its neighbours until none is better. What
//! was run is a results folder like any other, with the points that were looked at. It is a search: another point may be better.

mod command;
mod search;
mod space;

pub use command::{Args, run};
