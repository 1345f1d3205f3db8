//! Files from the world: public traces, measurements and questions. The tables of results are `traces/tables`.
//!
//! | module | what it reads |
//! |---|---|
//! | [`measured`] | CSV of measured forward passes, of data sheets and of models: what `sim calibrate` fits to |
//! | [`requests`] | public traces, what benchmarks of servers write, and our own CSV: when requests arrive and how long they are, or the laws of it |
//! | [`counts`] | CSV of counts over time: how many requests come in each minute |
//! | [`series`] | CSV, iperf3, Mahimahi and published data sets: how fast a link is at each time, and how long a round trip takes |
//! | [`picture`] | PNG, JPEG and WebP without their pixels: size as shown, and whether the file is whole |
//! | [`questions`] | questions about pictures with reference answers: our JSONL, VQAv2, MMBench; how answers are scored |
//!
//! # Promises
//!
//! - A reader gives what is wanted of a file or refuses it. A refusal is one line that says where, what was found, what was expected
//!   and what to do: see [`TraceError`]. No file, however broken, makes a reader panic.
//! - Inputs may be plain or gzip; which one is seen from the content, not from the name. A byte-order mark is skipped.
//! - An input is a file: what never ends, such as a device, is refused before it is read. See [`input`].
//! - Times are converted from decimal text to whole nanoseconds without passing through floating point.
//! - Memory is bounded by the trace.
//!
//! # What is not here
//!
//! No random numbers: laws of arrival and length are handed on as data, and whoever draws from them owns the stream. No
//! idea of what a request costs. No trace data: the public files stay where they were published.

pub mod counts;
mod decimal;
mod error;
#[cfg(test)]
mod fuzz;
pub mod input;
mod json;
pub mod measured;
mod open;
pub mod picture;
pub mod questions;
pub mod requests;
mod rows;
pub mod series;
#[cfg(test)]
mod testing;

pub use error::TraceError;
