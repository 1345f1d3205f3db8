//! What must hold exactly, job by job and in integers, of everything that runs on the kernel.

#[path = "properties/determinism.rs"]
mod determinism;
#[path = "properties/oracles.rs"]
mod oracles;
