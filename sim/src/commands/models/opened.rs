//! Folders that are checked, and models that are loaded.

use crate::run::replay::warn_of;
use crate::terminal::Failure;
use backends::onnx::{Folder, Model, Runtime};
use std::path::Path;

/// A model, and on stderr what its folder lacks.
///
/// # Errors
/// The model is refused, or its provider is not there.
pub fn loaded(folder: Folder, runtime: &Runtime) -> Result<Model, Failure> {
    let model = Model::load(folder, runtime)?;
    warn_of(&model)?;
    Ok(model)
}

/// A folder that has all that a model needs.
///
/// # Errors
/// Something is missing or broken.
pub fn checked(folder: &Path, dtype: Option<&str>) -> Result<Folder, Failure> {
    let folder = Folder::read(folder, dtype)?;
    folder.check()?;
    Ok(folder)
}
