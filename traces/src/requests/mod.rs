//! Arrival times and lengths of requests at real services.
//!
//! A format is a file in this folder with its line in `list.rs`, which makes [`RequestTrace`] of them.
//!
//! A file is read no further than its requests are wanted: [`RequestStream`].
//!
//! A file that was cut off is refused where that can be seen: in gzip and JSONL always, in plain CSV unless the cut falls into
//! the last field of a line. A last line without a line end is no sign of it, since the published Azure files end so.

mod aiperf;
mod azure;
mod azure_llm;
mod azure_lmm;
mod bench;
mod blocks;
mod burstgpt;
mod client_folder;
mod client_laws;
mod format;
mod guidellm;
mod list;
mod llama_server;
mod mooncake;
mod qwen_bailian;
mod recognise;
mod request;
mod served;
mod servegen;
mod sharegpt;
mod stream;
mod summaries;
mod texts;
pub(crate) mod timestamp;
mod vllm_bench;
#[cfg(test)]
mod walkthrough;
mod write;

pub use azure_lmm::TOKENS_PER_IMAGE;
pub use blocks::{BlockList, Blocks};
pub use client_laws::{ArrivalWindow, Discrete, Interarrival, ServeGen, ServeGenClient, TokenWindow};
pub use format::{Format, FormatEntry, Requests, TraceFile};
pub use list::*;
pub use recognise::recognise;
pub use request::{PictureSize, Pictures, ServedRequest, TraceRequest};
pub use served::{COLUMNS, VERSION};
pub use stream::RequestStream;
pub use texts::Texts;
pub use write::write;
