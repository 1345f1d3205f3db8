//! Sweeps.
#![allow(dead_code)]

pub mod emit;
pub mod slurm;
