//! The file beside a table of measured steps: `steps.json` beside `steps.csv`. It has the provenance of the table and the dimensions
//! of its models, vision towers included.

#[cfg(feature = "onnx")]
use crate::results::whole_file;
use crate::terminal::Failure;
use model::model_spec::ModelSpec;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The format that such files name; others that lie there are not ours.
const FORMAT: &str = "msao-sim measured steps 1";

/// Provenance and dimensions of a table.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Beside {
    format: String,
    /// Machine, driver, library and provider, and the way of measuring.
    pub provenance: BTreeMap<String, String>,
    /// Measurements of each shape.
    pub repeats: u32,
    /// Shapes that were asked for and not measured.
    pub left_out: Vec<String>,
    /// Dimensions of the models, by the name that the table calls them.
    pub models: Vec<ModelSpec>,
}

impl Beside {
    /// The place of the file.
    pub fn path(table: &Path) -> PathBuf {
        table.with_extension("json")
    }

    /// Reads what lies beside a table; none if nothing of ours does.
    ///
    /// # Errors
    /// If the file cannot be read, or is ours and broken.
    pub fn read(table: &Path) -> Result<Option<Self>, Failure> {
        let path = Self::path(table);
        if !path.is_file() {
            return Ok(None);
        }
        let text = traces::input::read_text(&path).map_err(|error| Failure::io("read", &path, &error))?;
        let value: Value = serde_json::from_str(&text).unwrap_or_default();
        if value["format"] != FORMAT {
            return Ok(None);
        }
        let expected = "expected what `sim models measure` writes; measure again, or remove the file";
        let read = serde_json::from_value(value);
        read.map(Some).map_err(|error| Failure::refused(format!("{}: {error}; {expected}", path.display())))
    }
}

/// Measuring takes real models.
#[cfg(feature = "onnx")]
impl Beside {
    /// The file's content before anything is measured.
    pub fn new(provenance: BTreeMap<String, String>, repeats: u32, model: ModelSpec) -> Self {
        Self { format: FORMAT.to_owned(), provenance, repeats, left_out: Vec::new(), models: vec![model] }
    }

    /// Writes it beside a table.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, table: &Path) -> Result<(), Failure> {
        whole_file::write(&Self::path(table), &(serde_json::to_string_pretty(self).expect("JSON") + "\n"))
    }
}
