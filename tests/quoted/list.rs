//! The list: `docs/quoted.toml`.

use serde::Deserialize;
use std::collections::BTreeMap;

/// The figures that the pages quote, the runs that give them, and the numbers that no run gives.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quoted {
    /// Runs by name.
    pub run: BTreeMap<String, Run>,
    /// Sentences with figures.
    pub figure: Vec<Figure>,
    /// Code blocks with lines of a printed table.
    pub excerpt: Vec<Excerpt>,
    /// Sentences of another file.
    pub copy: Vec<Copied>,
    /// Numbers that are no results of a run.
    pub exempt: Vec<Exempt>,
}

/// A scenario, run once for all figures of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// The scenario file.
    pub scenario: String,
    /// Overrides, as `--set` has them.
    #[serde(default)]
    pub set: Vec<String>,
}

/// A sentence with figures.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// The page.
    pub file: String,
    /// The sentence, with `{}` for each figure; it stands once in the page.
    pub says: String,
    /// The figures, in the order of the sentence.
    pub values: Vec<Value>,
}

/// A figure of a run.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Value {
    /// Name of the run.
    pub run: String,
    /// Label of the policy.
    pub policy: String,
    /// Values of columns that choose the points; all points if empty.
    #[serde(default)]
    pub at: BTreeMap<String, String>,
    /// A column of `summary.csv`, or a stage of `report/stages.svg` (mean of the sampled requests, ms).
    pub of: String,
    /// A column to compare with, at the same point.
    pub against: Option<String>,
    /// A policy to compare with, at the same point.
    pub against_policy: Option<String>,
    /// The comparison.
    #[serde(default)]
    pub measure: Measure,
    /// The choice among several points.
    #[serde(default)]
    pub over: Over,
}

/// The comparison of a figure with another.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// No comparison: the figure itself.
    #[default]
    Value,
    /// The figure over the other.
    Ratio,
    /// 100 (figure / other - 1).
    ChangePct,
    /// The figure less the other.
    Difference,
}

/// The choice among several points.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Over {
    /// Every point prints the quoted figure.
    #[default]
    All,
    /// The least.
    Min,
    /// The greatest.
    Max,
}

/// A code block with lines of a printed table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Excerpt {
    /// The page.
    pub file: String,
    /// Name of the run.
    pub run: String,
    /// The block's first words.
    pub begins: String,
}

/// A sentence with figures that stands in another file too.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Copied {
    /// The page.
    pub file: String,
    /// The sentence, with `{}` for each figure.
    pub says: String,
    /// The file that has the figures.
    pub of: String,
    /// The text of that file behind which the sentence comes first.
    pub behind: String,
}

/// Numbers that are no results of a run.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exempt {
    /// The page.
    pub file: String,
    /// Heading of the section, with the sections below it; the whole page if it is the title.
    pub section: Option<String>,
    /// Text that stands once in the page.
    pub text: Option<String>,
    /// The kind of number.
    pub is: Kind,
    /// The test that holds the numbers, as `file::name`.
    pub by: Option<String>,
    /// The reason, in words.
    pub why: String,
}

/// The kinds of numbers that are no results of a run.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Timed or counted on a machine, which a test cannot repeat.
    Measured,
    /// Printed by others.
    Published,
    /// A value of a key, or a rule of the program.
    Setting,
    /// Worked out from numbers that stand beside it.
    Arithmetic,
    /// Held by another test.
    Tested,
}
