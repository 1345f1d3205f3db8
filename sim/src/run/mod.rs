//! Runs: every policy at every point, over the cores, simulated or replayed on real models.

pub mod answered;
pub mod grid;
pub mod intervals;
pub mod one_run;
pub mod options;
#[cfg_attr(not(feature = "onnx"), path = "replay/absent.rs")]
pub mod replay;
pub mod threads;
mod until;
