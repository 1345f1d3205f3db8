//! The graphs before the decoder: the vision tower and the embedding of tokens.

use crate::error::{Result, failed, refused};
use crate::patches::Patches;
use crate::session::{Loaded, floats, integers, is_float, sides, signature, to_floats};
use ort::session::SessionInputValue;
use ort::value::{DynValue, TensorElementType, TensorRef};

/// Rows of a width, in the host's memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    /// Values of a row.
    pub width: usize,
    /// All of them.
    pub values: Vec<f32>,
}

impl Rows {
    /// The number of rows.
    pub fn count(&self) -> usize {
        self.values.len() / self.width.max(1)
    }

    /// Some of them, in this order.
    pub(crate) fn chosen(&self, rows: &[usize]) -> Result<Self> {
        let mut values = Vec::with_capacity(rows.len() * self.width);
        for row in rows {
            let Some(row) = self.values.get(row * self.width..(row + 1) * self.width) else {
                return refused("the vision tower gave fewer features than the picture has tokens");
            };
            values.extend_from_slice(row);
        }
        Ok(Self { width: self.width, values })
    }
}

/// The vision tower.
pub(crate) struct Vision {
    pub graph: Loaded,
    pixels: Option<TensorElementType>,
    /// True if the first input is the pixels, false if it is the grid.
    pixels_first: bool,
}

impl Vision {
    /// Finds the pixels and the grid among the inputs: the grid has one of two names, so it goes by its type.
    pub fn new(graph: Loaded) -> Result<Self> {
        let inputs: Vec<_> = graph.session.inputs().iter().map(|i| (i.name().to_owned(), signature(i).0)).collect();
        let names: Vec<_> = inputs.iter().map(|(name, _)| name.as_str()).collect();
        let is_grid =
            |(name, kind): &(String, _)| name.ends_with("grid_thw") && *kind == Some(TensorElementType::Int64);
        let [first, second] = inputs.as_slice() else {
            return graph.refuse(format_args!(
                "inputs {}, expected pixel_values and grid_thw or image_grid_thw",
                names.join(", ")
            ));
        };
        let (pixels, pixels_first) = match (is_grid(first), is_grid(second)) {
            (false, true) => (first.1, true),
            (true, false) => (second.1, false),
            _ => {
                return graph
                    .refuse(format_args!("inputs {}: no grid_thw or image_grid_thw of int64", names.join(", ")));
            }
        };
        if !is_float(pixels) || !graph.session.outputs().first().is_some_and(|output| is_float(signature(output).0)) {
            return graph.refuse("pixels or features of another type than float32 or float16");
        }
        Ok(Self { graph, pixels, pixels_first })
    }

    /// The name of the grid's input.
    pub fn grid_name(&self) -> &str {
        self.graph.session.inputs()[usize::from(self.pixels_first)].name()
    }

    /// Features of one picture, a row a merged patch.
    pub fn features(&mut self, patches: &Patches) -> Result<Rows> {
        let count = patches.grid.map(|side| side as usize).iter().product::<usize>();
        if count == 0 || !patches.values.len().is_multiple_of(count) {
            return self.graph.refuse(format_args!(
                "{} pixel values for a grid of {:?}",
                patches.values.len(),
                patches.grid
            ));
        }
        let pixels = floats(self.pixels, &[count, patches.values.len() / count], patches.values.clone())?;
        let grid = integers(&[1, 3], patches.grid.iter().map(|side| i64::from(*side)).collect())?;
        let inputs = if self.pixels_first { [pixels, grid] } else { [grid, pixels] };
        let outputs = self.graph.run(&inputs.map(SessionInputValue::from))?;
        rows(&outputs[0])
    }
}

/// The embedding of tokens.
pub(crate) struct Embed {
    pub graph: Loaded,
    /// Its rows.
    pub known: u32,
}

impl Embed {
    pub fn new(graph: Loaded, known: u32) -> Result<Self> {
        let (inputs, outputs) = (graph.session.inputs(), graph.session.outputs());
        let sound = inputs.len() == 1
            && signature(&inputs[0]).0 == Some(TensorElementType::Int64)
            && outputs.first().is_some_and(|output| is_float(signature(output).0));
        if sound {
            Ok(Self { graph, known })
        } else {
            graph.refuse("expected one input of int64 and an output of floats")
        }
    }

    /// Embeddings `[1, tokens, width]`.
    ///
    /// A draft of a target with a larger vocabulary reads tokens that it has no row for. It takes its first row for them: what it
    /// proposes then is verified all the same.
    pub fn embed(&mut self, tokens: &[u32]) -> Result<DynValue> {
        let known = |id: &&u32| **id < self.known;
        let ids: Vec<_> = tokens.iter().map(|id| Some(id).filter(known).map_or(0, |id| i64::from(*id))).collect();
        let ids = TensorRef::from_array_view(([1, ids.len()], &ids[..])).map_err(failed("make a tensor"))?;
        let outputs = self.graph.run(&[ids.into()])?;
        Ok(outputs.into_iter().next().expect("a graph has an output"))
    }
}

/// The rows of a tensor: its last side is their width.
pub(crate) fn rows(value: &DynValue) -> Result<Rows> {
    let width = sides(value).last().copied().unwrap_or(0);
    Ok(Rows { width, values: to_floats(value)? })
}
