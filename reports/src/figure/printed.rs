//! What the MSAO paper prints of its main comparison (Table 1, Figures 5 and 8): facts, in `printed.csv`, each with the id of
//! its claim. They are shown beside results of the scenarios that are that comparison, and of no others.

use crate::runs::Cell;
use std::path::Path;

const PRINTED: &str = include_str!("printed.csv");

/// The scenarios that are the paper's main comparison.
const SCENARIOS: [&str; 2] = ["paper", "paper_verbose"];

/// What is printed of a metric under a policy at a point; nothing unless the folder is of the paper's comparison.
pub(super) fn printed(folder: &Path) -> impl Fn(&str, &Cell) -> Option<f64> {
    let is_the_papers = scenario(folder).is_some_and(|name| SCENARIOS.contains(&name.as_str()));
    move |metric, cell| {
        let row = |line: &str| {
            let [known, policy, dataset, bandwidth, value, _] = line.split(',').collect::<Vec<_>>().try_into().ok()?;
            // A claim without a dataset is of each.
            let dataset = dataset.is_empty() || cell.values.iter().any(|own| own == dataset);
            let is_it =
                known == metric && policy == cell.policy && dataset && cell.values.iter().any(|own| own == bandwidth);
            if is_it { value.parse().ok() } else { None }
        };
        PRINTED.lines().skip(1).filter(|_| is_the_papers).find_map(row)
    }
}

/// The scenario that a folder's manifest names.
fn scenario(folder: &Path) -> Option<String> {
    let manifest = std::fs::read_to_string(folder.join("manifest.json")).ok()?;
    let manifest: serde_json::Value = serde_json::from_str(&manifest).ok()?;
    manifest["scenario"].as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_whole() {
        assert_eq!(PRINTED.lines().next(), Some("metric,policy,dataset,bandwidth_mbps,printed,claim"));
        assert_eq!(PRINTED.lines().count(), 1 + 35);
        for line in PRINTED.lines().skip(1) {
            let fields: Vec<&str> = line.split(',').collect();
            assert!(fields.len() == 6 && fields[4].parse::<f64>().is_ok() && !fields[5].is_empty(), "{line}");
            assert!(crate::METRICS.iter().any(|metric| metric.name == fields[0]), "{line}");
        }
    }
}
