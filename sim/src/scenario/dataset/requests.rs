//! The requests of a dataset: a shape of which they are drawn, or a trace that has them.

use super::shipped;
use crate::terminal::Failure;
use engine::{Content, draw_servegen};
use kernel::Streams;
use model::dataset::{Shape, Spread};
use model::{accuracy::Accuracy, published::Benchmark};
use policies::Asked;
use std::path::Path;
use std::sync::Arc;
use traces::requests::{RequestTrace, Requests as Traced};

/// The requests of a dataset.
pub enum Requests<'s> {
    /// Drawn from a shape.
    Shape(Arc<Shape>),
    /// Those of a trace.
    Trace(&'s RequestTrace),
}

impl Requests<'_> {
    /// Accuracies of the models on the dataset; those on VQAv2 where it has none.
    pub fn accuracy(&self) -> Accuracy {
        let own = match self {
            Self::Shape(shape) => shape.accuracy,
            Self::Trace(_) => None,
        };
        own.or_else(|| shipped("vqav2")?.accuracy).expect("VQAv2 ships with its accuracy")
    }

    /// Modalities that requests may have.
    pub fn asked(&self) -> Asked {
        match self {
            Self::Shape(shape) => {
                Asked { pictures: shape.has_pictures(), moves: shape.moves(), more_than_text: !shape.is_text() }
            }
            Self::Trace(trace) => {
                let pictures = trace.has_pictures();
                Asked { pictures, moves: false, more_than_text: pictures }
            }
        }
    }

    /// Benchmark by which published accuracies go.
    pub fn benchmark(&self) -> Benchmark {
        match self {
            Self::Shape(shape) => shape.benchmark,
            Self::Trace(_) => Benchmark::Other,
        }
    }

    /// The content of a run, with answers of `output` tokens if that is given. Reads the files of a trace, which lie beside the
    /// scenario; what has only laws is drawn from `seed`, up to `requests`.
    pub fn content(self, beside: &Path, output: Option<u32>, requests: u64, seed: u64) -> Result<Content, Failure> {
        Ok(match self {
            Self::Shape(mut shape) => {
                if let Some(tokens) = output {
                    Arc::make_mut(&mut shape).output_tokens = Spread::Constant(tokens);
                }
                Content::Shape(shape)
            }
            Self::Trace(trace) => {
                let mut trace = trace.clone();
                trace.files().into_iter().for_each(|file| file.find(|name| beside.join(name)));
                let mut all = match trace.read()? {
                    Traced::Listed(all) => all,
                    Traced::Laws(laws, share) => draw_servegen(&laws, Streams::new(seed), requests, share),
                };
                if let Some(tokens) = output {
                    all.iter_mut().for_each(|request| request.output_tokens = tokens);
                }
                Content::Trace(all.into())
            }
        })
    }
}
