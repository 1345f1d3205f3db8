//! Real models: multimodal decoders in the layout of the hub, executed by ONNX Runtime.
//!
//! [`Runtime`] loads the library, [`Model`] a folder; [`generate`] and [`speculate`] answer. A model is read from its files: no
//! name, type or shape is taken for granted where the graph can be asked. Step by step, [`Model::prompt`] makes a [`Prompt`],
//! [`Model::pruned`] drops of its pictures what a [`View`] leaves out, [`Model::open`] reads it, or [`Model::begin`] and
//! [`Model::read`] chunk by chunk; [`Model::step`] and [`Model::rollback`] go on and back.
//!
//! It promises the model's own tokens and entropies, the same in every run on one machine, and says where time was spent. It
//! knows nothing of policies, queues or links, and is no part of the simulated path: it reads the clock. One request is executed
//! at a time; there are no batches.

mod budget;
mod clock;
mod counter;
mod decoder;
mod dimensions;
mod error;
mod folder;
#[cfg(test)]
mod fuzz;
mod generate;
mod graph;
mod layout;
mod library;
mod logits;
mod model;
pub mod npy;
mod patches;
mod picture;
mod placement;
mod positions;
mod preprocessing;
mod pruning;
mod reading;
mod resample;
mod session;
mod template;
mod text;
mod tokenizer_file;
mod towers;
pub mod write;

pub use clock::timed;
pub use counter::TokenCounter;
pub use decoder::{Logits, Sequence};
pub use dimensions::{Dimensions, TowerDimensions};
pub use error::{OnnxError, Result};
pub use folder::{Config, DTYPES, Folder, Graph};
pub use generate::{Answer, Finish, Round, Timing, generate, speculate};
pub use graph::Outline;
pub use library::{Library, Provider};
pub use logits::{Choice, LogitsRow};
pub use model::{Description, GraphDescription, Model, Prompt};
pub use patches::{Grid, Patches, tokens};
pub use picture::Picture;
pub use placement::Placed;
pub use positions::{Positions, expand};
pub use preprocessing::Preprocessing;
pub use pruning::View;
pub use reading::Reading;
pub use session::Runtime;
pub use text::Text;
pub use towers::Rows;
