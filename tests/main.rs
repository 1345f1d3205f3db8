//! Tests of the whole, through the real binary.

mod best;
mod check;
mod command_line;
mod determinism;
mod idle_keys;
mod keys;
mod kubernetes;
mod many_points;
mod models;
mod parallel;
mod parquet_file;
mod policies;
mod presets;
mod real_input;
mod refusals;
mod report;
mod results;
mod scenarios;
mod schema;
mod slurm;
mod summary;
mod support;
mod sweep;
mod tools;
mod trace_files;
mod tune;
