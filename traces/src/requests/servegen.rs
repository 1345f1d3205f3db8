//! ServeGen: no requests, but the laws of its clients, in the folder that is published or in two files.

use super::{Format, Requests, ServeGen, TraceFile, client_folder};
use crate::TraceError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::Ratio;

/// ServeGen's clients: a folder as it is published, or two files of all clients.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Written")]
#[schemars(with = "Written")]
pub struct Servegen {
    #[serde(flatten)]
    files: Files,
    share: Ratio,
}

/// The places of the laws.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
enum Files {
    /// A folder of one model, with `chunk-N-trace.csv` and `chunk-N-dataset.json` for each client.
    Folder {
        /// The folder.
        folder: TraceFile,
    },
    /// Two files of all clients.
    Pair {
        /// Times at which each client sends, CSV.
        arrivals: TraceFile,
        /// Lengths of its requests, JSONL.
        tokens: TraceFile,
    },
}

/// ServeGen's clients: a folder as it is published, or two files of all clients.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Servegen")]
struct Written {
    /// A folder of one model, with `chunk-N-trace.csv` and `chunk-N-dataset.json` for each client.
    folder: Option<TraceFile>,
    /// In place of a folder: times at which each client sends, CSV.
    arrivals: Option<TraceFile>,
    /// In place of a folder: lengths of each client's requests, JSONL.
    tokens: Option<TraceFile>,
    /// Share of the requests to keep; default all.
    #[serde(default = "all")]
    share: Ratio,
}

impl TryFrom<Written> for Servegen {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let Written { folder, arrivals, tokens, share } = written;
        let files = match (folder, arrivals, tokens) {
            (Some(folder), None, None) => Files::Folder { folder },
            (None, Some(arrivals), Some(tokens)) => Files::Pair { arrivals, tokens },
            _ => return Err("expected `folder`, as ServeGen publishes it, or both `arrivals` and `tokens`"),
        };
        Ok(Self { files, share })
    }
}

fn all() -> Ratio {
    Ratio::ONE
}

impl Format for Servegen {
    const EXAMPLE: &str = "{ arrivals = \"FILE\", tokens = \"FILE\" }";
    const PICTURES: bool = true;

    fn files(&mut self) -> Vec<&mut TraceFile> {
        match &mut self.files {
            Files::Folder { folder } => vec![folder],
            Files::Pair { arrivals, tokens } => vec![arrivals, tokens],
        }
    }

    fn read(&self) -> Result<Requests, TraceError> {
        let laws = match &self.files {
            Files::Folder { folder } => client_folder::read(folder.path()?)?,
            Files::Pair { arrivals, tokens } => ServeGen::read(arrivals.path()?, tokens.path()?)?,
        };
        Ok(Requests::Laws(laws, self.share))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_or_two_files() {
        for (text, files) in [("folder = \"f\"", 1), ("arrivals = \"a\"\ntokens = \"t\"\nshare = \"10 %\"", 2)] {
            let mut servegen: Servegen = toml::from_str(text).unwrap();
            assert_eq!(servegen.files().len(), files);
            let again: Servegen = toml::from_str(&toml::to_string(&servegen).unwrap()).unwrap();
            assert_eq!(format!("{servegen:?}"), format!("{again:?}"));
        }
        for text in ["", "folder = \"f\"\ntokens = \"t\"", "arrivals = \"a\"", "folders = \"f\""] {
            assert!(toml::from_str::<Servegen>(text).is_err(), "{text}");
        }
    }
}
