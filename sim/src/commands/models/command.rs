//! `sim models`: what each of its commands does.

use super::args::Command;
use super::opened::{checked, loaded};
use super::{answer, check, describe, measure, write};
use crate::terminal::Failure;

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
        Command::Check(asked) => check::run(asked),
        Command::Measure(asked) => measure::run(asked),
        Command::Write(asked) => crate::terminal::print(&write::written(asked)?),
    }
}
