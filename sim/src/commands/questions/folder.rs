//! A folder of questions and their pictures: written beside its place, renamed when whole.

use crate::results::making::{MakingFolder, folder_of};
use crate::terminal::Failure;
use std::fs;
use std::path::{Path, PathBuf};
use traces::questions::{self, Question};

/// The folder of pictures in it.
const PICTURES: &str = "pictures";

/// The file of questions in it.
const QUESTIONS: &str = "questions.jsonl";

/// A folder in the making. Dropped before the end, it leaves nothing.
pub struct Folder {
    target: PathBuf,
    making: MakingFolder,
}

impl Folder {
    /// Begins a folder that will stand at `target`, with its folder of pictures.
    ///
    /// # Errors
    /// If something is there already, or the place cannot be written to.
    pub fn begin(target: &Path) -> Result<Self, Failure> {
        let told = |what: &str| {
            let remedy = "move it away, or choose another place with --out";
            Err(Failure::refused(format!("{}: {what} is in the way of the questions; {remedy}", target.display())))
        };
        match fs::symlink_metadata(target) {
            Ok(metadata) if !metadata.is_dir() => return told("something that is not a folder"),
            Ok(_) if !is_empty(target)? => return told("a folder that is not empty"),
            _ => {}
        }
        let parent = folder_of(target);
        fs::create_dir_all(parent).map_err(|error| Failure::io("make the folder", parent, &error))?;
        let making = MakingFolder::begin(parent, "questions");
        let making = making.map_err(|error| Failure::io("write in the folder", parent, &error))?;
        let folder = Self { target: target.to_owned(), making };
        let pictures = folder.pictures();
        fs::create_dir(&pictures).map_err(|error| Failure::io("make the folder", &pictures, &error))?;
        Ok(folder)
    }

    /// The folder of the pictures.
    pub fn pictures(&self) -> PathBuf {
        self.path().join(PICTURES)
    }

    /// The path of the folder in the making.
    pub fn path(&self) -> &Path {
        self.making.path()
    }

    /// Writes the questions, whose pictures lie in it, and puts the folder in its place. Gives the file of questions there.
    pub fn finish(self, all: &[Question]) -> Result<PathBuf, Failure> {
        questions::write(&self.path().join(QUESTIONS), all)?;
        let Self { target, making } = self;
        making.put(&target).map_err(|error| Failure::io("put the questions in", &target, &error))?;
        Ok(target.join(QUESTIONS))
    }
}

fn is_empty(folder: &Path) -> Result<bool, Failure> {
    let mut entries = fs::read_dir(folder).map_err(|error| Failure::io("read", folder, &error))?;
    Ok(entries.next().is_none())
}
