//! Verdicts on what the papers print, by a rule: each claim that a results folder can test is held to its runs.
//!
//! It promises a row for every claim, tested or not, and the same rows for the same folders. It does not tune: a claim that
//! does not come out is shown with what came out. `docs/claims.md` says how to read it.

mod answer;
mod beside;
mod papers;
mod question;
mod verdict;

pub(crate) use beside::PrintedBeside;
pub use verdict::Verdict;

use crate::frame::ReportError;
use crate::numbers::short;
use crate::sheet::Sheet;
use answer::Source;
use papers::CLAIMS;
use std::path::PathBuf;
use verdict::judge;

const HEADING: [&str; 14] = [
    "id",
    "printed",
    "simulated",
    "simulated_ci95",
    "relative_difference",
    "verdict",
    "assumption",
    "unit",
    "system",
    "place",
    "quantity",
    "dataset",
    "bandwidth_mbps",
    "simulated_at",
];

/// Every claim with its verdict.
pub struct Claims {
    /// The table.
    pub csv: String,
    /// The verdicts, in the order of its rows.
    pub verdicts: Vec<Verdict>,
}

/// Judges every claim by the runs of these folders together.
///
/// # Errors
///
/// If one is not a results folder of this version.
pub fn claims(folders: &[PathBuf]) -> Result<Claims, ReportError> {
    let sources = folders.iter().map(|folder| Source::read(folder)).collect::<Result<Vec<_>, _>>()?;
    let mut sheet = Sheet::new(HEADING.into_iter());
    let mut verdicts = Vec::new();
    for claim in CLAIMS.iter() {
        let judged = judge(claim, &sources);
        let value = judged.answer.as_ref().map(|answer| answer.value);
        let number = |value: Option<f64>| value.map_or_else(String::new, |value| short(value, 5));
        let relative = value.and_then(|value| {
            let (away, bound) = claim.printed.distance(value.mean)?;
            (bound != 0.0).then(|| away / bound.abs())
        });
        let given = |text: &Option<String>| text.clone().unwrap_or_default();
        let place = judged.answer.as_ref().map(|answer| format!("{}: {}", answer.scenario, answer.place));
        sheet.row(
            [
                claim.id.clone(),
                claim.printed.text(),
                number(value.map(|value| value.mean)),
                number(value.and_then(|value| value.ci95)),
                number(relative),
                judged.verdict.to_string(),
                judged.assumption,
                claim.unit.clone(),
                claim.system.clone(),
                claim.place.clone(),
                claim.quantity.clone(),
                given(&claim.dataset),
                given(&claim.bandwidth_mbps),
                given(&place),
            ]
            .into_iter(),
        );
        verdicts.push(judged.verdict);
    }
    Ok(Claims { csv: sheet.csv(), verdicts })
}

impl Claims {
    /// How many there are of each verdict, in a line.
    pub fn count(&self) -> String {
        let of = |is: fn(&Verdict) -> bool| self.verdicts.iter().filter(|verdict| is(verdict)).count();
        format!(
            "{} claims of the papers: {} reproduced, {} reproduced only under an assumption, {} contradicted, {} not testable here",
            self.verdicts.len(),
            of(|verdict| *verdict == Verdict::Reproduced),
            of(|verdict| matches!(verdict, Verdict::OnlyUnder(_))),
            of(|verdict| matches!(verdict, Verdict::ContradictedBy(_))),
            of(|verdict| matches!(verdict, Verdict::NotTestable(_))),
        )
    }
}
