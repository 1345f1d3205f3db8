//! `manifest.json` of a results folder: what was run, and under which assumptions.
//!
//! It has a version, that of the whole folder. A folder of another version, or of another program, is refused: what is
//! drawn from files that mean something else would be wrong without a sign of it.

use crate::frame::ReportError;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The program's name in files.
pub const TOOL: &str = "msao-sim";

/// Version of the files in a results folder that this reads; `sim` writes the same.
pub const MANIFEST_VERSION: u64 = 2;

/// Version of the model behind the results. It is raised by every change of default results, which `CHANGELOG.md` lists with
/// the key, its old default and its new one. A folder whose manifest has no such version is of version 0.
///
/// | version | change |
/// |---|---|
/// | 1 | the first that a manifest states; quantiles of validation, calibration and effects are the nearest rank |
/// | 2 | the first token behind a prompt takes no pass: a first draft, or the cloud's own token in its place |
/// | 3 | `vllm` is the scheduler of vLLM 0.19 |
/// | 4 | steps cost what kernels were measured to; accuracy and acceptance follow the models |
/// | 5 | rates of open loops count to the last arrival; a tier that ran nothing has no idle power |
/// | 6 | a silence halves the window of a connection once, also for a message that does not fit it |
/// | 7 | the host of a server under vLLM 0.7 works on pictures before it reads them |
pub const MODEL_VERSION: u64 = 7;

/// The part of a manifest that reports need.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Manifest {
    /// Name of the scenario.
    pub scenario: String,
    /// Hash of the resolved scenario.
    pub scenario_sha256: String,
    /// Version of `sim`.
    pub tool_version: String,
    /// Version of the model; 0 in folders older than it.
    #[serde(default)]
    pub model_version: u64,
    /// A remark that the reader of any table has to know.
    #[serde(default)]
    pub remark: Option<String>,
    /// Keys outside the policies that are not at their default, with their value as text.
    #[serde(default)]
    pub assumptions: BTreeMap<String, String>,
    /// The default of each key that is swept, as text; a key without one is not here.
    #[serde(default)]
    pub swept_defaults: BTreeMap<String, String>,
    /// Names of the groups of edges, where there are tables of several.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Names of the cloud's pools, where there are tables of several groups or pools.
    #[serde(default)]
    pub pools: Vec<String>,
    /// The policies.
    #[serde(default)]
    pub policies: Vec<PolicySettings>,
}

/// A policy of the scenario.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct PolicySettings {
    /// Its label.
    pub label: String,
    /// Its system.
    pub kind: String,
    /// Its settings that are not at their default, with their value as text.
    pub settings: BTreeMap<String, String>,
}

impl Manifest {
    /// Reads the manifest of a results folder.
    ///
    /// # Errors
    ///
    /// If it is not there, of another program, or of another version.
    pub fn read(folder: &Path) -> Result<Self, ReportError> {
        let path = folder.join("manifest.json");
        let text = traces::input::read_text(&path).map_err(|error| ReportError::Open { path: path.clone(), error })?;
        let refused = |what: &str| ReportError::refused(format!("{}: {what}", path.display()));
        let json: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        if json["tool"] != TOOL {
            return Err(refused("expected the manifest of msao-sim; give a results folder"));
        }
        let found = &json["schema_version"];
        match found.as_u64() {
            Some(MANIFEST_VERSION) => {}
            Some(newer) if newer > MANIFEST_VERSION => {
                let what = format!("found schema_version {newer}, expected {MANIFEST_VERSION}");
                return Err(refused(&format!("{what}; a newer sim wrote this folder: use that one")));
            }
            _ => {
                let what = format!("found schema_version {found}, expected {MANIFEST_VERSION}");
                return Err(refused(&format!("{what}; run the scenario again with this version of sim")));
            }
        }
        serde_json::from_value(json).map_err(|error| refused(&format!("{error}; run the scenario again")))
    }

    /// The policy of that label.
    pub fn policy(&self, label: &str) -> Option<&PolicySettings> {
        self.policies.iter().find(|policy| policy.label == label)
    }
}

/// A warning if results were made by models of different versions, or by another than this program's.
///
/// # Errors
///
/// If a folder has no manifest that can be read.
pub fn model_warning(folders: &[PathBuf]) -> Result<Option<String>, ReportError> {
    let versions = folders.iter().map(|folder| Ok((folder, Manifest::read(folder)?.model_version)));
    let versions = versions.collect::<Result<Vec<_>, ReportError>>()?;
    if versions.iter().all(|(_, version)| *version == MODEL_VERSION) {
        return Ok(None);
    }
    let told: Vec<_> =
        versions.iter().map(|(folder, version)| format!("{} has model version {version}", folder.display())).collect();
    Ok(Some(format!("{}, this sim has {MODEL_VERSION}: {DIFFERS}", told.join(", "))))
}

/// The advice behind two different versions of the model.
pub(crate) const DIFFERS: &str =
    "defaults or formulas differ (CHANGELOG.md lists them), so the results are no pairs; run the older scenario again";

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn read(text: &str) -> Result<Manifest, String> {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("manifest.json"), text).expect("a file");
        let place = format!("{}/", folder.path().display());
        Manifest::read(folder.path()).map_err(|error| error.to_string().replace(&place, ""))
    }

    #[test]
    fn other_folders_are_refused() {
        let version = |version: &str| read(&format!("{{\"tool\": \"msao-sim\", \"schema_version\": {version}}}"));
        let expected = "manifest.json: expected the manifest of msao-sim; give a results folder";
        for foreign in ["", "[]", "{\"tool\": \"another\"}", "{"] {
            assert_eq!(read(foreign).unwrap_err(), expected, "{foreign}");
        }
        let old = "manifest.json: found schema_version 1, expected 2; run the scenario again with this version of sim";
        assert_eq!(version("1").unwrap_err(), old);
        assert!(version("null").unwrap_err().contains("found schema_version null, expected 2"));
        assert!(version("3").unwrap_err().ends_with("a newer sim wrote this folder: use that one"));
        assert!(version("2").unwrap_err().contains("missing field `scenario`"));
    }

    #[test]
    fn results_of_another_model_are_told() {
        let folder = |version: &str| {
            let folder = tempfile::tempdir().expect("a folder");
            let text = format!(
                "{{\"tool\": \"msao-sim\", \"schema_version\": {MANIFEST_VERSION}, \"scenario\": \"a\", \
                 \"scenario_sha256\": \"\", \"tool_version\": \"\"{version}}}"
            );
            fs::write(folder.path().join("manifest.json"), text).expect("a file");
            folder
        };
        let (now, old) = (folder(&format!(", \"model_version\": {MODEL_VERSION}")), folder(""));
        let warning = |folders: &[&tempfile::TempDir]| {
            let paths: Vec<_> = folders.iter().map(|folder| folder.path().to_owned()).collect();
            model_warning(&paths).expect("they are folders").unwrap_or_default()
        };
        assert_eq!(warning(&[&now, &now]), "");
        for folders in [vec![&old], vec![&now, &old], vec![&old, &old]] {
            let told = warning(&folders);
            assert!(told.contains(&format!("{} has model version 0", old.path().display())), "{told}");
            assert!(told.contains(&format!(", this sim has {MODEL_VERSION}: ")), "{told}");
        }
    }
}
