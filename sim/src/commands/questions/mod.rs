//! `sim questions`: what a replay asks real models, imported from published benchmarks or drawn.

mod args;
mod command;
mod describe;
mod folder;

pub use args::Command;
pub use command::run;
