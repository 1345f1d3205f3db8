//! The requests of a dataset: a shape of which they are drawn, or a trace that has them.

use super::played::{Part, Traces, Wanted};
use crate::terminal::Failure;
use engine::{Content, Played};
use model::dataset::{Shape, Spread};
use model::{accuracy::Accuracy, published::Benchmark};
use policies::Asked;
use std::path::Path;
use std::sync::Arc;
use traces::requests::RequestTrace;

/// The requests of a dataset.
pub enum Requests<'s> {
    /// Drawn from a shape.
    Shape(Arc<Shape>),
    /// Those of a trace.
    Trace(&'s RequestTrace),
}

impl Requests<'_> {
    /// Accuracies of the models on the dataset, where its table has them.
    pub fn accuracy(&self) -> Option<Accuracy> {
        match self {
            Self::Shape(shape) => shape.accuracy,
            Self::Trace(_) => None,
        }
    }

    /// Modalities that requests may have.
    pub fn asked(&self) -> Asked {
        match self {
            Self::Shape(shape) => {
                Asked { pictures: shape.has_pictures(), moves: shape.moves(), more_than_text: !shape.is_text() }
            }
            Self::Trace(trace) => {
                let pictures = trace.has_pictures();
                let moves = trace.moves();
                Asked { pictures, moves, more_than_text: pictures || moves }
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

    /// True if requests are known to have pictures before any of them is read.
    pub fn has_pictures(&self) -> bool {
        matches!(self, Self::Shape(_)) && self.asked().pictures
    }

    /// The content of a run, and true if it has times of arrival. Reads what is wanted of a trace, which lies beside the
    /// scenario; what has only laws is drawn from `seed`.
    pub fn content(self, traces: &Traces, beside: &Path, how: &Reading) -> Result<(Content, bool), Failure> {
        match self {
            Self::Shape(mut shape) => {
                if let Some(tokens) = how.output_tokens {
                    Arc::make_mut(&mut shape).output_tokens = Spread::Constant(tokens);
                }
                Ok((Content::Shape(shape), false))
            }
            Self::Trace(trace) => {
                let part = traces.part(trace, beside, &how.wanted, how.seed)?;
                let Part { requests, blocks, is_timed } = part;
                Ok((Content::Trace(Played { requests, output_tokens: how.output_tokens, blocks }), is_timed))
            }
        }
    }
}

/// The way in which a dataset becomes the requests of a run.
pub struct Reading {
    /// Length of every answer in place of its own.
    pub output_tokens: Option<u32>,
    /// The part of a trace.
    pub wanted: Wanted,
    /// Seed of what is drawn from laws.
    pub seed: u64,
}
