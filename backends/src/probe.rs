//! What a probe finds.

use crate::Map;
use model::mas::Descriptors;
use onnx::{Result, Rows, View};
use units::Ratio;

/// What a probe found.
pub struct Found {
    maps: Vec<Map>,
}

/// Looks.
pub fn look(_: &[Rows], _: &[View], _: &Rows) -> Result<Found> {
    Ok(Found { maps: Vec::new() })
}

impl Found {
    /// Maps.
    pub fn maps(&self) -> &[Map] {
        &self.maps
    }
    /// Descriptors.
    pub fn descriptors(&self, _: Ratio) -> Descriptors {
        Descriptors::default()
    }
}
