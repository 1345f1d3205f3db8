//! Fuzz targets of the program: random scenarios, made from the schema, and damaged results folders, baselines and profiles.
//!
//! `cargo xtask fuzz` runs them for long, with those of `traces` and `onnx`.

mod folders;
mod mutator;
mod profiles;
mod scenarios;
