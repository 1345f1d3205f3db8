//! The results folder: its tables, its manifest, and the way it comes to be whole or not there.

pub mod class_runs;
pub mod classes;
mod folder;
pub mod latencies;
pub mod making;
pub mod manifest;
pub mod metrics;
pub mod replayed;
pub mod rows;
pub mod runs;
mod shares;
pub mod shortfalls;
mod spans;
mod spent;
pub mod summary;
pub mod swept;
pub mod whole_file;

pub use folder::Results;
