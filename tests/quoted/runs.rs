//! The runs that give figures, each run once.

use super::list::{Measure, Over, Quoted, Value};
use crate::summary::summary;
use crate::support::{Sim, repository};
use reports::{Stage, StageTimes, stage_times};
use std::collections::BTreeMap;

/// The results of one run.
pub struct Results {
    /// The printed table.
    pub table: String,
    summary: String,
    stages: Vec<StageTimes>,
}

impl Results {
    fn of(scenario: &str, set: &[String]) -> Self {
        let sim = Sim::new();
        let mut args = vec![repository(scenario).display().to_string(), "--out".to_owned(), "out".to_owned()];
        args.extend(set.iter().flat_map(|set| ["--set".to_owned(), set.clone()]));
        let table = sim.done(args).stdout;
        let stages = stage_times(&sim.path("out")).expect("spans");
        Self { table, summary: sim.text("out/summary.csv"), stages }
    }

    /// Every run of the list, by name.
    pub fn of_all(quoted: &Quoted) -> BTreeMap<&str, Self> {
        quoted.run.iter().map(|(name, run)| (&**name, Self::of(&run.scenario, &run.set))).collect()
    }

    /// The figure at each point that `value` chooses; of several points as `over` says.
    pub fn figures(&self, value: &Value) -> Result<Vec<f64>, String> {
        let rows = summary(&self.summary);
        let mut figures = Vec::new();
        for (point, row) in rows.iter().filter(|row| row["policy"] == value.policy).enumerate() {
            if value.at.iter().any(|(column, text)| row[&**column] != text) {
                continue;
            }
            let other = value.against_policy.as_deref().unwrap_or(&value.policy);
            let column = value.against.as_deref().unwrap_or(&value.of);
            let figure = self.at(&rows, point, &value.policy, &value.of)?;
            figures.push(match value.measure {
                Measure::Value => figure,
                Measure::Ratio => figure / self.at(&rows, point, other, column)?,
                Measure::ChangePct => 100.0 * (figure / self.at(&rows, point, other, column)? - 1.0),
                Measure::Difference => figure - self.at(&rows, point, other, column)?,
            });
        }
        let least = |figures: &[f64]| figures.iter().copied().fold(f64::INFINITY, f64::min);
        let most = |figures: &[f64]| figures.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        match value.over {
            _ if figures.is_empty() => Err(format!("{} has no row of {} at {:?}", value.run, value.policy, value.at)),
            Over::All => Ok(figures),
            Over::Min => Ok(vec![least(&figures)]),
            Over::Max => Ok(vec![most(&figures)]),
        }
    }

    /// A column of a policy at a point, or a stage of its sampled requests.
    fn at(&self, rows: &[BTreeMap<&str, &str>], point: usize, policy: &str, column: &str) -> Result<f64, String> {
        if let Some(stage) = Stage::ALL.into_iter().find(|stage| stage.name() == column) {
            let sampled = self.stages.iter().filter(|times| times.policy == policy && times.point as usize == point);
            let ms: Vec<f64> = sampled.map(|times| times.ns[stage as usize] as f64 / 1e6).collect();
            return Ok(ms.iter().sum::<f64>() / ms.len() as f64);
        }
        let of_policy = rows.iter().filter(|row| row["policy"] == policy).nth(point);
        let text = of_policy.and_then(|row| row.get(column)).ok_or_else(|| format!("no {column} of {policy}"))?;
        text.parse().map_err(|_| format!("{column} of {policy} is {text:?}"))
    }
}
