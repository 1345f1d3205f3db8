//! `sim models`: what each of its commands does.

use super::args::Command;
use super::{answer, describe, write};
use crate::run::replay::warn_of;
use crate::terminal::Failure;
use backends::onnx::{Folder, Model, Runtime};
use std::path::Path;

/// Does what was asked. What is wrong with the folders is said before the library is looked for.
pub fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Describe(asked) => {
            let folder = checked(&asked.folder, asked.execution.dtype.as_deref())?;
            let runtime = asked.execution.runtime()?;
            crate::terminal::print(&describe::told(&loaded(folder, &runtime)?, &runtime, asked.json))
        }
        Command::Run(asked) => {
            let folder = checked(&asked.folder, asked.execution.dtype.as_deref())?;
            let draft =
                asked.draft.as_deref().map(|folder| checked(folder, asked.draft_dtype.as_deref())).transpose()?;
            let runtime = asked.execution.runtime()?;
            let mut model = loaded(folder, &runtime)?;
            let mut draft = draft.map(|folder| loaded(folder, &runtime)).transpose()?;
            crate::terminal::print(&answer::answer(asked, &mut model, draft.as_mut(), &runtime)?)
        }
        Command::Write(asked) => crate::terminal::print(&write::written(asked)?),
    }
}

/// A model, and on stderr what its folder lacks.
fn loaded(folder: Folder, runtime: &Runtime) -> Result<Model, Failure> {
    let model = Model::load(folder, runtime)?;
    warn_of(&model)?;
    Ok(model)
}

fn checked(folder: &Path, dtype: Option<&str>) -> Result<Folder, Failure> {
    let folder = Folder::read(folder, dtype)?;
    folder.check()?;
    Ok(folder)
}
