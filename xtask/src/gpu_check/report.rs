//! The report of a check: a section for each stage, written anew after each, so that what ends early keeps what was found.

use std::path::{Path, PathBuf};

use crate::failure::Outcome;

/// The report in the making.
pub struct Report {
    file: PathBuf,
    text: String,
}

impl Report {
    /// A report in this folder, with its heading.
    pub fn begin(folder: &Path, heading: &str) -> Outcome<Self> {
        std::fs::create_dir_all(folder)
            .map_err(|error| format!("cannot make {}: {error}; name another folder with --out", folder.display()))?;
        let report = Self { file: folder.join("report.md"), text: format!("# {heading}\n") };
        report.save()?;
        Ok(report)
    }

    /// Adds a section, and prints it.
    pub fn section(&mut self, title: &str, text: &str) -> Outcome {
        let section = format!("\n## {title}\n\n{}\n", text.trim_end());
        print!("{section}");
        self.text += &section;
        self.save()
    }

    fn save(&self) -> Outcome {
        let written = std::fs::write(&self.file, &self.text);
        written.map_err(|error| format!("cannot write {}: {error}", self.file.display()).into())
    }
}
