//! The backends that play the models, behind [`Compute`].
//!
//! A backend holds sequences (a prompt and the answer so far, with its KV cache) and runs batches of work on them. What
//! a batch takes and what comes out of it is its affair; queues, batching and the link are the engine's.
//!
//! [`Modelled`] computes durations by the roofline, or by the measured laws of a [`Profile`], and outcomes by the token
//! process. To add a backend: one file, its lines below, its factory in `tests/conformance.rs`, the suite that every backend
//! passes, and its line in the engine's `simulate.rs`, which compiles its runs.

mod compute;
mod modelled;
mod pricing;
#[cfg(feature = "onnx")]
mod probe;
mod profile;
#[cfg(feature = "onnx")]
mod pruning;
#[cfg(feature = "onnx")]
pub mod real;
mod tier;

pub use compute::{Compute, Done, Sequence, Work};
pub use modelled::Modelled;
#[cfg(feature = "onnx")]
pub use onnx;
pub use pricing::Pricing;
#[cfg(feature = "onnx")]
pub use probe::{Encoded, Heads, Probe, Probed};
pub use profile::{Coverage, Noise, Profile};
#[cfg(feature = "onnx")]
pub use pruning::{Map, pruned};
pub use tier::{Part, Tier};
