use super::write_referee;
use crate::fixture::{self, Cell};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A folder of a scenario with these cells.
fn folder(scenario: &str, cells: &[Cell]) -> TempDir {
    let folder = fixture::folder(cells);
    let manifest = folder.path().join("manifest.json");
    let text = fs::read_to_string(&manifest).expect("a manifest");
    fs::write(&manifest, text.replace("\"fixture\"", &format!("{scenario:?}"))).expect("a file");
    folder
}

fn text(folders: &[&TempDir], into: &Path) -> String {
    let folders: Vec<PathBuf> = folders.iter().map(|folder| folder.path().to_owned()).collect();
    write_referee(&folders, into).expect("a page").text
}

fn paper() -> TempDir {
    let cell = |policy, ms: f64, accuracy: f64| {
        Cell::new(policy, "0.3", &[("e2e_ms_mean", &[ms, ms]), ("accuracy_pct", &[accuracy, accuracy])])
    };
    folder("paper", &[cell("cloud_only", 100.0, 77.0), cell("edge_only", 80.0, 63.0), cell("msao", 120.0, 75.5)])
}

#[test]
fn answers_are_made_of_the_rows_and_others_say_that_they_have_none() {
    let into = tempfile::tempdir().expect("a folder");
    let said = text(&[&paper()], into.path());
    let expected = "MSAO takes 1.2 times Cloud-only's latency and 1.5 times Edge-only's; its accuracy is 1.5 points below the one and 12 \
                    above the other.";
    assert!(said.contains(expected), "{said}");
    assert_eq!(said.matches("Not answered: its scenarios were not run.").count(), 3, "{said}");
    let page = fs::read_to_string(into.path().join("index.html")).expect("a page");
    assert!(page.contains("MSAO takes 1.2 times Cloud-only") && !page.contains("<script"), "{page}");
    assert!(into.path().join("claims.csv").exists());
}

#[test]
fn what_a_gpu_carries_lies_between_two_rates() {
    let cell = |policy, rate, p99: f64| {
        Cell::new(policy, "0.3", &[("e2e_ms_p99", &[p99, p99])]).at(&[("arrivals.poisson.rate", rate)])
    };
    let rates = [("2 /s", 500.0, 900.0), ("4 /s", 2100.0, 1900.0)];
    let cells: Vec<Cell> = rates
        .iter()
        .flat_map(|(rate, cloud, msao)| [cell("cloud_only", rate, *cloud), cell("msao", rate, *msao)])
        .collect();
    let into = tempfile::tempdir().expect("a folder");
    let said = text(&[&folder("load", &cells)], into.path());
    assert!(said.contains("cloud_only 2 to 4/s, msao at least 4/s."), "{said}");
}

#[test]
fn every_paper_has_a_row_that_counts_each_claim_once() {
    let into = tempfile::tempdir().expect("a folder");
    let said = text(&[&paper()], into.path());
    let rows: Vec<Vec<usize>> = said
        .lines()
        .skip_while(|line| !line.starts_with("paper"))
        .skip(1)
        .map(|line| line.split_whitespace().rev().take(6).map(|count| count.parse().expect("a count")).collect())
        .collect();
    assert_eq!(rows.len(), 8, "{said}");
    for row in rows {
        let [counts @ .., claims] = &row[..] else { panic!("{said}") };
        assert_eq!(counts.iter().sum::<usize>(), *claims, "{said}");
    }
}
