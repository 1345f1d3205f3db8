//! Properties that hold exactly, job by job and in integers, for everything that runs on the kernel.

#[path = "properties/determinism.rs"]
mod determinism;
#[path = "properties/oracles.rs"]
mod oracles;
