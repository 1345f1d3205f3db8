//! Trained weights: a safetensors file in half precision, and the words that its tokens are.
//!
//! They fill the very graphs that random weights fill, tensor by tensor, by the same names. Beside a draft stand the heads of Eq. 3
//! and 6 that were fitted to it.

use super::build::GraphBuilder;
use super::weights::Weight;
use half::f16;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::io;

/// The weights and words of a trained model, as they stand in the binary.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Trained {
    /// A JSON list of words, by their numbers.
    pub(super) words: &'static str,
    /// A safetensors file.
    pub(super) weights: &'static [u8],
    /// The probe's heads that were fitted to it, a TOML file; only a draft has them.
    pub(super) heads: Option<&'static str>,
}

impl fmt::Debug for Trained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Trained({} bytes of weights)", self.weights.len())
    }
}

impl Trained {
    /// The words, by their numbers.
    pub(super) fn words(&self) -> Vec<String> {
        serde_json::from_str(self.words).expect("the words of the house are a JSON list")
    }
}

/// A tensor's place in a safetensors file.
#[derive(Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: [usize; 2],
}

/// Tensors of a safetensors file, by name.
pub(crate) struct Tensors<'b> {
    entries: BTreeMap<String, Entry>,
    data: &'b [u8],
}

impl<'b> Tensors<'b> {
    /// Reads a file and compares it with the graphs that it is to fill.
    ///
    /// # Errors
    /// It is no safetensors file, or a tensor of the graphs is not there in half precision with the same sides.
    pub fn of(file: &'b [u8], graphs: &[GraphBuilder]) -> io::Result<Self> {
        let wrong = |what: String| io::Error::new(io::ErrorKind::InvalidData, format!("trained weights: {what}"));
        let cut = || wrong("the file ends early; expected a safetensors file".to_owned());
        let (length, rest) = file.split_first_chunk().ok_or_else(cut)?;
        let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| cut())?;
        let (header, data) = rest.split_at_checked(length).ok_or_else(cut)?;
        let entries: BTreeMap<String, Entry> =
            serde_json::from_slice(header).map_err(|error| wrong(format!("{error}; expected a safetensors header")))?;
        let tensors = Self { entries, data };
        for weight in graphs.iter().flat_map(GraphBuilder::tensors) {
            if tensors.bytes(weight).is_none() {
                let Weight { name, sides, .. } = weight;
                return Err(wrong(format!("expected {name} of {sides:?} in half precision; train the pair again")));
            }
        }
        Ok(tensors)
    }

    /// The bytes of a tensor.
    fn bytes(&self, weight: &Weight) -> Option<&'b [u8]> {
        let Entry { dtype, shape, data_offsets: [start, end] } = self.entries.get(&weight.name)?;
        let bytes = self.data.get(*start..*end)?;
        let fits = dtype == "F16" && *shape == weight.sides && bytes.len() as u64 == 2 * weight.count();
        fits.then_some(bytes)
    }

    /// Gives values of a tensor from an index on.
    pub fn fill(&self, weight: &Weight, start: u64, values: &mut [f32]) {
        let bytes = self.bytes(weight).unwrap_or_default().as_chunks().0;
        let from = usize::try_from(start).unwrap_or(usize::MAX);
        let halves = bytes.iter().skip(from).map(|half| f16::from_le_bytes(*half).to_f32());
        values.iter_mut().zip(halves).for_each(|(value, half)| *value = half);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Attention, Dtype, Recipe, Release};
    use super::*;

    fn graphs() -> [GraphBuilder; 3] {
        let (_, shape) = Release::named("trained").unwrap().models[0];
        Recipe { shape, dtype: Dtype::Fp32, attention: Attention::Plain, seed: 0 }.graphs()
    }

    fn refused(file: &[u8]) -> String {
        Tensors::of(file, &graphs()).err().expect("a broken file is refused").to_string()
    }

    #[test]
    fn broken_weights_are_refused() {
        assert!(refused(b"abc").contains("the file ends early"));
        assert!(refused(b"\xff\0\0\0\0\0\0\0{}").contains("the file ends early"));
        assert!(refused(b"\x02\0\0\0\0\0\0\0[]").contains("expected a safetensors header"));
        let one = r#"{"model.norm.weight":{"dtype":"F32","shape":[48],"data_offsets":[0,96]}}"#;
        let file = [&(one.len() as u64).to_le_bytes()[..], one.as_bytes(), &[0; 96]].concat();
        assert!(refused(&file).contains("in half precision; train the pair again"));
    }

    #[test]
    fn weights_of_the_binary_fill_their_graphs() {
        for (_, shape) in Release::named("trained").unwrap().models {
            let recipe = Recipe { shape: *shape, dtype: Dtype::Fp32, attention: Attention::Fused, seed: 0 };
            let graphs = recipe.graphs();
            let tensors = Tensors::of(shape.trained.unwrap().weights, &graphs).unwrap();
            for weight in graphs.iter().flat_map(GraphBuilder::tensors) {
                let mut values = vec![f32::NAN; weight.count() as usize];
                tensors.fill(weight, 0, &mut values);
                assert!(values.iter().all(|value| value.is_finite()), "{}", weight.name);
                let mut last = [0.0];
                tensors.fill(weight, weight.count() - 1, &mut last);
                assert_eq!(values.last(), Some(&last[0]), "{}", weight.name);
            }
        }
    }
}
