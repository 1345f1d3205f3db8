//! The pieces that every format of request traces is made of: the files that it names, and the way it is read.

use super::{RequestStream, ServeGen, Texts};
use crate::TraceError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A format of request traces, with the files that a scenario names.
pub trait Format {
    /// Its value in a scenario, with `FILE` for each file; behind `dataset.NAME = `.
    const EXAMPLE: &str;
    /// True if its requests may have pictures.
    const PICTURES: bool;
    /// True if its requests may have a video or sound.
    const MOVES: bool = false;

    /// Every file that it reads. They are found beside the scenario, and hashed for the results, by this list alone.
    fn files(&mut self) -> Vec<&mut TraceFile>;

    /// Opens the files for their requests.
    ///
    /// # Errors
    /// If a file cannot be opened, or is seen not to be of this format.
    fn read(&self) -> Result<Requests, TraceError>;
}

/// A format of the list, by what a scenario and a refusal say of it.
#[derive(Clone, Copy, Debug)]
pub struct FormatEntry {
    /// Name in scenarios.
    pub name: &'static str,
    /// Description, in a sentence.
    pub description: &'static str,
    /// Value in a scenario, with `FILE` for each file.
    pub example: &'static str,
}

/// The content of a trace.
pub enum Requests {
    /// Requests, read as they are wanted.
    Listed(RequestStream),
    /// Laws of arrival and length, and the share of the requests to keep: whoever draws from them owns the stream.
    Laws(ServeGen, units::Ratio),
    /// Requests as texts: whoever has a tokenizer counts them.
    Texts(Texts),
}

impl From<RequestStream> for Requests {
    fn from(stream: RequestStream) -> Self {
        Self::Listed(stream)
    }
}

/// A file of a trace, named relative to the scenario.
///
/// It can be opened only after its place was found, which the list of [`Format::files`] is for. So a format that leaves a
/// file out of the list cannot read it.
///
/// ```
/// use std::path::Path;
/// use traces::requests::TraceFile;
///
/// let mut file = TraceFile::from(Path::new("trace.csv"));
/// assert!(file.path().unwrap_err().to_string().contains("is not among the files"));
/// file.find(|name| Path::new("/data").join(name));
/// assert_eq!(file.path().unwrap(), Path::new("/data/trace.csv"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "PathBuf", into = "PathBuf")]
#[schemars(with = "PathBuf")]
pub struct TraceFile {
    path: PathBuf,
    is_found: bool,
}

impl TraceFile {
    /// The path, to open the file.
    ///
    /// # Errors
    /// If its place was not found, as it is not among the files of its format.
    pub fn path(&self) -> Result<&Path, TraceError> {
        let expected = "every file that the format reads";
        let missing =
            || TraceError::new(&self.path, "a file that is not among the files of its format", expected, REMEDY);
        self.is_found.then_some(&*self.path).ok_or_else(missing)
    }

    /// Puts the path at which the file is found in place of its name.
    pub fn find(&mut self, place: impl FnOnce(&Path) -> PathBuf) {
        *self = Self { path: place(&self.path), is_found: true };
    }
}

const REMEDY: &str = "add it to the format's `files`";

impl From<PathBuf> for TraceFile {
    fn from(path: PathBuf) -> Self {
        Self { path, is_found: false }
    }
}

impl From<&Path> for TraceFile {
    fn from(path: &Path) -> Self {
        path.to_owned().into()
    }
}

impl From<TraceFile> for PathBuf {
    fn from(file: TraceFile) -> Self {
        file.path
    }
}
