//! Tests of the figure.

use crate::figure::tests::{count, svg};
use crate::fixture::{self, Cell};

fn cell(policy: &'static str, tau: &'static str, e2e: f64, accuracy: f64, energy: f64) -> Cell {
    let metrics: [(&str, &[f64]); 3] =
        [("e2e_ms_mean", &[e2e]), ("accuracy_pct", &[accuracy]), ("energy_j_per_request", &[energy])];
    Cell::new(policy, tau, &metrics)
}

#[test]
fn who_is_on_no_front_is_said_and_is_open() {
    let cells = [
        cell("cloud_only", "0.3", 90.0, 77.0, 30.0),
        cell("edge_only", "0.3", 80.0, 60.0, 20.0),
        cell("msao", "0.3", 120.0, 75.0, 50.0),
    ];
    let figure = svg("pareto", fixture::folder(&cells).path()).expect("a figure");
    let texts = [
        "Accuracy against latency: cloud_only and edge_only are on the front, of 3 policies",
        "accuracy, %",
        "mean end-to-end latency, ms",
        "50 J",
    ];
    for text in texts {
        assert_eq!(count(&figure, text), 1, "{text} in {figure}");
    }
    // Each mark has a white edge; that of msao is white inside too.
    let shapes = |colour: &str| figure.matches(&format!("fill=\"{colour}\"")).count();
    assert_eq!([shapes("#0072B2"), shapes("#009E73"), shapes("#D55E00")], [2, 2, 2], "legend and mark: {figure}");
    // From below the edge up, over to the cloud, up, and on to the right.
    let front = figure.matches("stroke=\"#696969\"").count();
    assert_eq!(front, 1, "{figure}");
}

#[test]
fn settings_on_a_front_are_named_once_where_they_lie_on_each_other() {
    let cells = [
        cell("msao", "0.1", 80.0, 70.0, 20.0),
        cell("msao", "0.2", 80.0, 70.0, 20.0),
        cell("msao", "0.3", 90.0, 77.0, 20.0),
        cell("msao", "0.4", 95.0, 76.0, 20.0),
    ];
    let figure = svg("pareto", fixture::folder(&cells).path()).expect("a figure");
    let labels = ["0.1 (+1)", "0.2", "0.3", "0.4"].map(|label| count(&figure, label));
    assert_eq!(labels, [1, 0, 1, 0], "{figure}");
    assert_eq!(count(&figure, "Accuracy against latency: 3 of 4 settings of msao are on a front"), 1, "{figure}");
}

#[test]
fn a_policy_that_the_settings_are_not_of_has_no_label() {
    let cells = [
        cell("edge_only", "0.1", 80.0, 60.0, 20.0),
        cell("msao", "0.1", 90.0, 70.0, 20.0),
        cell("edge_only", "0.2", 80.0, 60.0, 20.0),
        cell("msao", "0.2", 95.0, 71.0, 20.0),
    ];
    let figure = svg("pareto", fixture::folder(&cells).path()).expect("a figure");
    assert_eq!(["0.1", "0.2", "0.1 (+1)"].map(|label| count(&figure, label)), [1, 1, 0], "{figure}");
}

#[test]
fn where_no_accuracy_differs_energy_does() {
    let cells = [cell("cloud_only", "0.3", 90.0, 77.0, 30.0), cell("speculative", "0.3", 120.0, 77.0, 20.0)];
    let figure = svg("pareto", fixture::folder(&cells).path()).expect("a figure");
    assert_eq!(count(&figure, "Energy against latency: every policy is on the front"), 1, "{figure}");
    assert_eq!((count(&figure, "energy, J a request"), count(&figure, "accuracy, %")), (1, 0), "{figure}");
}

#[test]
fn one_mark_or_no_energy_has_no_front() {
    assert_eq!(svg("pareto", fixture::folder(&[cell("msao", "0.3", 90.0, 77.0, 30.0)]).path()), None);
    let metrics: [(&str, &[f64]); 2] = [("e2e_ms_mean", &[9.0]), ("accuracy_pct", &[70.0])];
    let cells = ["msao", "edge_only"].map(|policy| Cell::new(policy, "0.3", &metrics));
    assert_eq!(svg("pareto", fixture::folder(&cells).path()), None);
}
