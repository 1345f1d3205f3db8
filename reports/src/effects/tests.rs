//! Effects of keys, on sweeps made for it.

use super::*;
use crate::figure;
use crate::fixture::{self, MetricOf};
use std::path::Path;
use tempfile::TempDir;

/// The folder of a sweep over `keys` under two policies.
fn swept(keys: &[(&str, &[&str])], metrics: &[MetricOf<'_>]) -> TempDir {
    fixture::swept(&["msao", "speculative"], keys, metrics)
}

const RTT: (&str, &[&str]) = ("link.rtt", &["5 ms", "20 ms"]);
const TAU: (&str, &[&str]) = ("policy.msao.tau_s", &["0.1", "0.2", "0.4"]);

fn effects(folder: &Path) -> String {
    Points::of(&Runs::read(folder).expect("runs")).csv()
}

/// The rows of `effects.csv` that begin so, without that beginning.
fn rows(folder: &TempDir, beginning: &str) -> Vec<String> {
    effects(folder.path()).lines().filter_map(|line| line.strip_prefix(beginning)).map(str::to_owned).collect()
}

#[test]
fn shares_of_a_full_grid_are_exact() {
    // The round trip moves msao by +- 30, tau by -+ 10 and nothing: variances 900 and 200 / 3.
    let e2e = |policy: usize, levels: &[usize]| {
        let (rtt, tau) = (levels[0] as f64, levels[1] as f64);
        Some(if policy == 0 { 470.0 + 60.0 * rtt + 10.0 * (tau - 1.0) } else { 500.0 })
    };
    let folder = swept(&[RTT, TAU], &[("e2e_ms_mean", &e2e)]);
    assert_eq!(
        rows(&folder, "msao,e2e_ms_mean,"),
        [
            "link.rtt,5 ms,3,470,460,480,93.10,20.00",
            "link.rtt,20 ms,3,530,520,540,93.10,20.00",
            "policy.msao.tau_s,0.1,2,490,460,520,6.90,40.00",
            "policy.msao.tau_s,0.2,2,500,470,530,6.90,40.00",
            "policy.msao.tau_s,0.4,2,510,480,540,6.90,40.00",
            "interactions,,6,500,460,540,0.00,",
        ]
    );
    let flat = rows(&folder, "speculative,e2e_ms_mean,");
    assert_eq!(flat[0], "link.rtt,5 ms,3,500,500,500,,20.00", "what does not differ, nothing explains");
}

#[test]
fn what_no_key_explains_alone_is_left_to_interactions() {
    let e2e = |_: usize, levels: &[usize]| Some(if levels[0] == levels[1] { 100.0 } else { 200.0 });
    let folder = swept(&[RTT, ("link.loss", &["0 %", "1 %"])], &[("e2e_ms_mean", &e2e)]);
    let rows = rows(&folder, "msao,e2e_ms_mean,");
    assert!(rows[..4].iter().all(|row| row.ends_with(",150,100,200,0.00,33.33")), "{rows:?}");
    assert_eq!(rows[4], "interactions,,4,150,100,200,100.00,");
}

#[test]
fn many_values_are_put_into_bins() {
    let values: Vec<String> = (0..40).map(|value| format!("{value} ms")).collect();
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    let e2e = |_: usize, levels: &[usize]| Some(levels[0] as f64);
    let folder = swept(&[("link.rtt", &values)], &[("e2e_ms_mean", &e2e)]);
    let rows = rows(&folder, "msao,e2e_ms_mean,link.rtt,");
    assert_eq!(rows.len(), 8);
    assert!(rows[0].starts_with("0 to 4 ms,5,2,") && rows[7].starts_with("35 to 39 ms,5,37,"), "{rows:?}");
}

#[test]
fn keys_that_vary_together_are_one() {
    let e2e = |_: usize, levels: &[usize]| Some(100.0 * levels[0] as f64);
    let runs = crate::runs::Runs::read(swept(&[RTT, TAU], &[("e2e_ms_mean", &e2e)]).path()).expect("runs");
    let mut points = Points::of(&runs);
    assert_eq!(points.keys.len(), 2);
    // The same round trips by another name, and in words that stand the other way round.
    let words: Vec<String> = points.keys[0].of_point.iter().map(|level| ["near", "far"][*level].to_owned()).collect();
    let zipped = [Key::new("words", &words), points.keys[0].clone(), points.keys[1].clone()];
    points.keys = together(zipped.into_iter());
    assert_eq!(points.keys[0].names, ["words", "link.rtt"]);
    assert_eq!(points.keys[0].levels.texts, ["5 ms", "20 ms"], "numbers go before words");
    assert_eq!(points.keys.len(), 2);
    let csv = points.csv();
    assert!(csv.contains("\nmsao,e2e_ms_mean,words + link.rtt,20 ms,3,100,100,100,100.00,20.00\n"), "{csv}");
}

#[test]
fn what_is_missing_is_left_out() {
    let e2e = |_: usize, levels: &[usize]| (levels[1] > 0).then(|| 10.0 * levels[1] as f64);
    let folder = swept(&[RTT, TAU], &[("e2e_ms_mean", &e2e)]);
    let rows = rows(&folder, "msao,e2e_ms_mean,policy");
    assert_eq!(rows, [".msao.tau_s,0.2,2,10,10,10,100.00,33.33", ".msao.tau_s,0.4,2,20,20,20,100.00,33.33"]);
}

#[test]
fn one_point_has_no_effects() {
    let folder = swept(&[], &[("e2e_ms_mean", &|_, _| Some(1.0))]);
    assert!(Points::of(&Runs::read(folder.path()).expect("runs")).keys.is_empty());
}

#[test]
fn the_figure_has_the_key_that_matters_first_and_equal_bytes_each_time() {
    let e2e = |policy: usize, levels: &[usize]| {
        Some(400.0 + levels[1] as f64 + 50.0 * levels[2] as f64 * (1 - policy) as f64)
    };
    let accuracy = |_: usize, levels: &[usize]| Some(75.0 - 0.1 * levels[2] as f64);
    let metrics: [MetricOf<'_>; 2] = [("accuracy_pct", &accuracy), ("e2e_ms_mean", &e2e)];
    let folder = swept(&[("policy.msao.low_confidence", &["wait", "continue"]), RTT, TAU], &metrics);
    let files: Vec<_> = ["sweep.svg", "sweep.png"].map(|name| folder.path().join("report").join(name)).into();
    let written = figure::draw(&figure::Folder::new(folder.path())).expect("figures");
    assert!(files.iter().all(|file| written.contains(file)), "{written:?}");
    let read = || files.iter().map(|file| std::fs::read(file).expect("a file")).collect::<Vec<_>>();
    let first = read();
    figure::draw(&figure::Folder::new(folder.path())).expect("figures");
    assert!(first == read(), "the same folder gives the same bytes");
    let svg = String::from_utf8(first[0].clone()).expect("text");
    let place = |text: &str| svg.find(&format!("\n{text}\n")).unwrap_or_else(|| panic!("no {text} in {svg}"));
    let order = ["tau_s", "rtt, ms", "low_confidence"].map(place);
    assert!(order.is_sorted(), "{order:?}");
    assert!(
        ["msao", "speculative", "end-to-end latency, ms", "accuracy, %", "explains", "100 %", "0.4"].map(place).len()
            == 7
    );
    assert!(svg.contains("width=\"1200\" height=\"800\" viewBox=\"0 0 4800 3200\""));
    // The size stands behind the signature and the header's own.
    assert_eq!(first[1][16..24], [0, 0, 9, 96, 0, 0, 6, 64], "2400 x 1600");
}
