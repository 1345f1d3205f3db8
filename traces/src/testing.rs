//! Small helpers of the tests in this package.

use crate::requests::{RequestTrace, Requests, ServedRequest};
use flate2::{Compression, write::GzEncoder};
use std::{
    collections::BTreeMap,
    io::Write,
    path::{Path, PathBuf},
};
use tempfile::NamedTempFile;

/// A temporary file with this content.
pub fn file_with(content: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().expect("a temporary file");
    file.write_all(content).expect("room for a temporary file");
    file
}

/// `content` as one gzip member.
pub fn gzipped(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).expect("memory");
    encoder.finish().expect("memory")
}

/// A path below the shared folder, or `None`, said aloud, where there is no such folder.
pub fn shared(path: &str) -> Option<PathBuf> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared"));
    if folder.is_dir() {
        return Some(folder.join(path));
    }
    eprintln!("skipped: ../shared is not here");
    None
}

/// A trace as a scenario has it: the format's name and its value, in TOML.
pub fn trace(format: &str, value: &str) -> RequestTrace {
    let mut written: BTreeMap<String, RequestTrace> =
        toml::from_str(&format!("dataset.{format} = {value}")).unwrap_or_else(|error| panic!("{format}: {error}"));
    written.remove("dataset").expect("it was written")
}

/// All requests of a trace, or why it is refused.
pub fn requests(trace: &RequestTrace) -> Result<Vec<ServedRequest>, String> {
    match trace.read().map_err(|refusal| refusal.to_string())? {
        Requests::Listed(mut stream) => stream.all().map_err(|refusal| refusal.to_string()),
        Requests::Texts(texts) => {
            let mut stream = texts.counted(|text| Ok(text.len() as u32));
            stream.all().map_err(|refusal| refusal.to_string())
        }
        Requests::Laws(..) => Ok(Vec::new()),
    }
}

/// The refusal of a trace.
pub fn refusal(trace: &RequestTrace) -> String {
    requests(trace).expect_err("a refusal")
}

/// The requests of a file of a format with one file, or why it is refused, by the name `trace`.
pub fn read_as(format: &str, content: &[u8]) -> Result<Vec<ServedRequest>, String> {
    let file = file_with(content);
    let path = file.path().display().to_string();
    let mut trace = trace(format, &format!("{path:?}"));
    trace.files().into_iter().for_each(|file| file.find(Path::to_owned));
    requests(&trace).map_err(|refusal| refusal.replace(&path, "trace"))
}
