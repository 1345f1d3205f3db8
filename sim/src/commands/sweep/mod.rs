//! `sim sweep`: the points of a scenario, on all cores or past one machine, in parts that outlive the process.
//!
//! The contract: the list of points is a pure function of the scenario. A point's random numbers come from the scenario and the
//! point, never from the part, the shard or the attempt. A part is written under a temporary name, synced and renamed, so what is
//! there is whole, and a part that is there is not run again. Whoever puts the parts together gets the same bytes.

mod command;
pub mod emit;
mod folder;
mod merge;
pub mod point;
pub mod shared;
pub mod slurm;
mod split;

pub use command::{Args, run};
