//! The models of the simulation, as pure functions: requests, devices, language models, formats of weights, engines, the cost of an
//! iteration, the KV cache, energy, draft tokens and accuracy.
//!
//! Everything here is a function of its arguments and of named random streams; nothing knows of clocks, queues or
//! policies. Constants that no source gives are assumptions and say so where they stand; `docs/semantics.md` lists them.

pub mod accuracy;
pub mod audio;
pub mod dataset;
pub mod decoding;
pub mod device;
pub mod energy;
pub mod engine_kind;
pub mod format;
pub mod kv;
pub mod latency;
pub mod load;
pub mod mas;
pub mod memory;
pub mod modality;
pub mod model_spec;
pub mod parallel;
pub mod preprocess;
pub mod published;
pub mod request;
pub mod roofline;
pub mod step;
pub mod token_likelihood;
pub mod tokens;
pub mod vision;
