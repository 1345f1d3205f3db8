//! Profiles: the files that `sim calibrate` writes and that scenarios name, laws of steps here and token processes in
//! [`tokens`]. Numbers only, with where they are from and how wrong they are ([`Errors`]).

mod errors;
pub mod tokens;

pub use errors::{Errors, to_digits};

use super::explain::explain;
use crate::terminal::Failure;
use model::preprocess::Preprocess;
use model::step::StepKind;
use model::step::law::{Range, Spread};
use model::step::parts::Parts;
use model::step::table::Table;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;

/// Says what the file is, and in which version.
pub const FORMAT: &str = "msao-sim profile 1";

/// A profile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// [`FORMAT`].
    pub format: String,
    /// The version of the tool that wrote it.
    pub tool_version: String,
    /// Rows withheld from the fit for the errors.
    pub hold_out: String,
    /// Machine, driver, provider, library, model's hash, date: as far as stated.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub provenance: BTreeMap<String, String>,
    /// The files that it was fitted to.
    #[serde(default)]
    pub source: Vec<SourceFile>,
    /// Time of preprocessing on an edge's processor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preprocess: Option<PreprocessEntry>,
    /// The laws.
    pub law: Vec<LawEntry>,
}

/// A file that a profile was fitted to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceFile {
    /// Its name.
    pub file: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
}

impl SourceFile {
    /// A file's name and hash.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn of(path: &Path) -> Result<Self, Failure> {
        let mut hash = Sha256::new();
        let read = traces::input::for_each_piece(path, |piece| hash.update(piece));
        read.map_err(|error| Failure::io("read", path, &error))?;
        let sha256 = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        // Without the folders, which differ from machine to machine.
        let name = path.file_name().unwrap_or(path.as_os_str());
        Ok(Self { file: name.to_string_lossy().into_owned(), sha256 })
    }
}

/// Way of measuring of rows with kernel times alone: without the host time of the engine that launches them.
pub const KERNELS: &str = "sum_of_kernels";

/// The form of a law.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// The physical form with the terms of a plain roofline alone.
    Roofline,
    /// The physical form.
    Parts,
    /// A table, with the physical form where the table has no answer.
    Table,
}

impl Form {
    /// The form's name in a profile.
    pub fn name(self) -> &'static str {
        match self {
            Self::Roofline => "roofline",
            Self::Parts => "parts",
            Self::Table => "table",
        }
    }
}

/// A law, and how wrong it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LawEntry {
    /// Kind of step.
    pub kind: StepKind,
    /// The side of a results folder; empty of a table.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub side: String,
    /// The device as its source calls it.
    pub gpu: String,
    /// The device as scenarios call it.
    pub device: String,
    /// GPUs that shared each layer.
    pub gpus: u32,
    /// Bandwidth of all of them that the form's multiples refer to, 10^9 bytes/s.
    pub bandwidth_gb_s: f64,
    /// Their peak, 10^12 FLOP/s.
    pub peak_tflops: f64,
    /// The model as scenarios call it.
    pub model: String,
    /// The engine and its version.
    pub engine: String,
    /// Way of measuring; empty if not stated.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub how: String,
    /// The width of weights and activations; empty if not stated.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub dtype: String,
    /// The better form on a validation split.
    pub form: Form,
    /// Rows that it was fitted to.
    pub rows: u64,
    /// Rows withheld from the fit for the errors.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub withheld: String,
    /// Quantiles of measured / predicted.
    pub spread: Spread,
    /// The measured range.
    pub range: Range,
    /// Errors of the uncalibrated roofline, on the withheld rows if there are any.
    pub roofline: Errors,
    /// Errors on the rows that a fit has seen.
    pub in_sample: Errors,
    /// Errors on rows that the fit has not seen; `None` if nothing could be withheld.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out: Option<Errors>,
    /// Residuals of the form beside a table, on the same rows. It is carried over to other devices and models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<FormResiduals>,
    /// The physical form.
    pub parts: Parts,
    /// The table, of a law that is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<Table>,
}

/// Residuals of the form beside a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormResiduals {
    /// Quantiles of measured / predicted.
    pub spread: Spread,
    /// Errors on withheld rows, or in sample if nothing could be withheld.
    pub errors: Errors,
}

/// The law of a processor, and how wrong it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PreprocessEntry {
    /// Requests that it was fitted to.
    pub rows: u64,
    /// Quantiles of measured / predicted.
    pub spread: Spread,
    /// Errors on those requests.
    pub in_sample: Errors,
    /// The law.
    pub law: Preprocess,
}

impl Profile {
    /// Reads and checks a profile.
    ///
    /// # Errors
    /// With file and line, if it is none or a number makes no sense.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let text = traces::input::read_text(path).map_err(|error| Failure::io("read the profile", path, &error))?;
        let profile: Self = toml::from_str(&text).map_err(|error| {
            let line = error.span().map_or(1, |span| 1 + text[..span.start.min(text.len())].matches('\n').count());
            let place = path.display();
            Failure::refused(format!(
                "{place}:{line}: {}; expected a profile that `sim calibrate` wrote",
                explain(error.message())
            ))
        })?;
        let wrong = |what: String| {
            let expected = "expected a profile that `sim calibrate` wrote; write it again";
            Failure::refused(format!("{}: found {what}; {expected}", path.display()))
        };
        if profile.format != FORMAT {
            return Err(wrong(format!("format = {:?}, this version reads {FORMAT:?}", profile.format)));
        }
        if profile.law.is_empty() {
            return Err(wrong("no [[law]]".to_owned()));
        }
        if let Some(PreprocessEntry { law, spread, .. }) = &profile.preprocess {
            let check = law.check().and_then(|()| if spread.is_sound() { Ok(()) } else { Err("spread") });
            check.map_err(|key| wrong(format!("a law of preprocessing whose {key} makes no sense")))?;
        }
        for law in &profile.law {
            let check = law.parts.check().and_then(|()| law.table.as_ref().map_or(Ok(()), Table::check));
            let at = |key: &str| format!("a law of {} whose {key} makes no sense", law.kind.name());
            check.map_err(|key| wrong(at(key)))?;
            let spreads = [Some(&law.spread), law.beside.as_ref().map(|beside| &beside.spread)];
            if spreads.into_iter().flatten().any(|spread| !spread.is_sound()) {
                return Err(wrong(at("spread")));
            }
            if (law.form == Form::Table) != law.table.is_some() {
                return Err(wrong(at("table")));
            }
        }
        Ok(profile)
    }

    /// The text of the file.
    pub fn text(&self) -> String {
        let head = "# Laws of a step, fitted by `sim calibrate` (docs/calibration.md). A scenario uses them with\n\
                    # `profile = \"FILE\"` in [edge] or [cloud].\n\n";
        head.to_owned() + &toml::to_string(self).expect("a profile is TOML")
    }
}
