//! An answer as a table, as CSV and as JSON.

use super::{Answer, Candidate, Objective};
use crate::estimate::Estimate;
use crate::frame::ReportError;
use crate::json::Document;
use crate::numbers::short;
use crate::runs::PointValues;
use crate::sheet::Sheet;
use serde_json::json;
use std::path::Path;
use tables::{AskedEstimates, BestRow, csv_text};

impl Answer<'_> {
    /// The first `top` as a table, with a line that says what was left out.
    pub fn text(&self, top: usize) -> String {
        let shown = |estimate: &Estimate| {
            let half = estimate.ci95.map_or_else(String::new, |half| format!(" ± {}", short(half, 2)));
            format!("{}{half}", short(estimate.mean, 5))
        };
        let table = if self.is_empty() { String::new() } else { self.sheet(top, shown).text() + "\n" };
        format!("{table}{}\n", self.foot(top))
    }

    fn sheet(&self, top: usize, figure: impl Fn(&Estimate) -> String) -> Sheet {
        let single = self.objectives.len() == 1;
        let heading = [BestRow::point.name, BestRow::policy.name].into_iter();
        let heading = heading.chain(self.runs.keys.iter().chain(&self.metrics).map(String::as_str));
        let mut sheet = Sheet::new(heading.chain(single.then_some(BestRow::rank.name)));
        for (rank, found) in self.ranked(top) {
            let names = [found.cell.point.to_string(), found.cell.policy.clone()];
            let row = names.into_iter().chain(found.cell.values.iter().cloned());
            let row = row.chain(found.figures.iter().map(&figure));
            sheet.row(row.chain(single.then(|| self.mark(found, rank).to_owned())));
        }
        sheet
    }

    /// The first `top` as CSV, with all digits.
    pub fn csv(&self, top: usize) -> String {
        csv_text(self.rows(top), &self.own_names())
    }

    /// The first `top` as a JSON document about the results of a folder, with the counts of what was left out.
    ///
    /// # Errors
    ///
    /// If the folder has no manifest that can be read.
    pub fn json(&self, folder: &Path, top: usize) -> Result<String, ReportError> {
        let objective = |objective: &Objective| {
            let better = if objective.maximise { "higher" } else { "lower" };
            json!({ "metric": objective.metric, "better": better })
        };
        let members = vec![
            ("objectives", self.objectives.iter().map(objective).collect()),
            ("looked_at", self.looked_at.into()),
            ("found", self.found.len().into()),
            ("outside_constraints", self.outside.into()),
            ("not_surely_within", self.unsure.into()),
            ("failed", self.failed.into()),
            ("without_a_metric", self.without.into()),
        ];
        Ok(Document::of(folder, members, self.rows(top), &self.own_names())?.text())
    }

    /// The names of columns that only this answer has: varied keys and metrics.
    fn own_names(&self) -> Vec<String> {
        [self.runs.varied_keys(), &self.metrics].concat()
    }

    fn rows(&self, top: usize) -> impl Iterator<Item = BestRow> {
        self.ranked(top).map(|(rank, found)| {
            let values = found.cell.values.iter().map(String::as_str);
            let PointValues { dataset, bandwidth_mbps, varied } = PointValues::of(values);
            let rank = match self.mark(found, rank) {
                "" if self.objectives.len() > 1 => "front",
                "" => "apart",
                mark => mark,
            };
            BestRow {
                point: found.cell.point,
                policy: found.cell.policy.as_str().into(),
                dataset,
                bandwidth_mbps,
                varied,
                asked: AskedEstimates(found.figures.iter().map(|figure| (figure.mean, figure.ci95)).collect()),
                rank: rank.into(),
            }
        })
    }

    fn foot(&self, top: usize) -> String {
        let Self { looked_at, failed, without, outside, unsure, found, .. } = self;
        let groups = self.groups();
        let of_each = if groups > 1 { format!(" in each of {groups} environments (--per)") } else { String::new() };
        let mut said = match (self.objectives.len(), found.len()) {
            (_, 0) => format!("no point found, of {looked_at} (policies at points)"),
            (1, held) if groups > 1 => {
                format!("the best {} of {held} points{of_each}, of {looked_at} (policies at points)", top.min(held))
            }
            (1, held) => format!("the best {} of {held} points, of {looked_at} (policies at points)", top.min(held)),
            (_, front) => format!("{front} points on the front{of_each}, of {looked_at} (policies at points)"),
        };
        let others = [
            (*outside, "outside the constraints"),
            (*unsure, "within by their means, not by their intervals"),
            (*failed, "failed"),
            (*without, "without one of the metrics"),
        ];
        for (count, why) in others.iter().filter(|(count, _)| *count > 0) {
            said += &format!("; {count} {why}");
        }
        if self.objectives.len() == 1 && found.len() > 1 {
            let overlaps =
                self.ranked(usize::MAX).filter(|(rank, found)| *rank > 0 && !self.mark(found, *rank).is_empty());
            said += &format!("; {} not to be told from the best by their intervals", overlaps.count());
        }
        said
    }

    /// A candidate's mark: `best`, `tied`, or `overlaps` if its interval overlaps the best's. Points of a front have
    /// none.
    fn mark(&self, candidate: &Candidate<'_>, rank: usize) -> &'static str {
        if self.objectives.len() > 1 {
            return "";
        }
        let best = self.found.iter().find(|found| found.group == candidate.group).unwrap_or(candidate);
        let (best, own) = (best.figures[0], candidate.figures[0]);
        let ([low, high], [own_low, own_high]) = (best.interval(), own.interval());
        if rank == 0 {
            "best"
        } else if own.mean == best.mean {
            "tied"
        } else if own_low <= high && low <= own_high {
            "overlaps"
        } else {
            ""
        }
    }
}
