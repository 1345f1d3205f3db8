//! Best points and fronts of small sweeps, against a search of all pairs.

use super::*;
use crate::fixture::{self, Cell as Made};
use proptest::prelude::*;

const TAUS: [&str; 12] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"];

fn sweep(points: &[(f64, f64)]) -> Vec<Made> {
    let cell = |(tau, (e2e, accuracy)): (&&'static str, &(f64, f64))| {
        Made::new("msao", tau, &[("e2e_ms_mean", &[*e2e, *e2e]), ("accuracy_pct", &[*accuracy, *accuracy])])
    };
    TAUS.iter().zip(points).map(cell).collect()
}

fn question(objectives: &[&str], constraints: &[&str]) -> Question {
    Question {
        objectives: objectives.iter().map(|text| text.parse().unwrap()).collect(),
        constraints: constraints.iter().map(|text| text.parse().unwrap()).collect(),
        policy: None,
        per: Per::default(),
        by_mean: false,
    }
}

/// Few distinct values, so that ties are common.
fn points() -> impl Strategy<Value = Vec<(f64, f64)>> {
    let point = (1..6u8, 1..6u8).prop_map(|(a, b)| (f64::from(a), f64::from(b)));
    proptest::collection::vec(point, 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn the_best_against_trying_all(points in points(), least in 1..6u8) {
        let runs = fixture::runs(&sweep(&points));
        let answer = best(&runs, &question(&["e2e_ms_mean"], &[&format!("accuracy_pct >= {least}")])).unwrap();
        let mut expected: Vec<(u64, f64)> = points
            .iter()
            .enumerate()
            .filter(|(_, (_, accuracy))| *accuracy >= f64::from(least))
            .map(|(point, (e2e, _))| (point as u64, *e2e))
            .collect();
        expected.sort_by(|a, b| a.1.total_cmp(&b.1));
        let found: Vec<(u64, f64)> = answer.means().iter().map(|(point, _, means)| (*point, means[0])).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn nothing_on_the_front_is_dominated_and_everything_else_is(points in points()) {
        let runs = fixture::runs(&sweep(&points));
        let answer = best(&runs, &question(&["e2e_ms_mean", "accuracy_pct"], &[])).unwrap();
        let front: Vec<u64> = answer.means().iter().map(|(point, ..)| *point).collect();
        for (number, (e2e, accuracy)) in points.iter().enumerate() {
            let dominated = points.iter().any(|(other, right)| {
                other <= e2e && right >= accuracy && (other < e2e || right > accuracy)
            });
            prop_assert_eq!(front.contains(&(number as u64)), !dominated, "point {}", number);
        }
    }
}

#[test]
fn ties_and_overlaps_are_marked() {
    let cell = |tau, values: &[f64]| Made::new("msao", tau, &[("e2e_ms_mean", values)]);
    let cells =
        [cell("0", &[9.0, 11.0]), cell("1", &[8.0, 12.0]), cell("2", &[30.0, 30.1]), cell("3", &[2000.0, 2001.0])];
    let runs = fixture::runs(&cells);
    let text = best(&runs, &question(&["e2e_ms_mean"], &[])).unwrap().text(3);
    let marks: Vec<_> = text.lines().take(4).map(|line| line.split_whitespace().last().unwrap()).collect();
    // Half-widths of 12.7 and 25.4 around 10: 30.05 lies in neither interval, but its own is narrow.
    assert_eq!(marks, ["rank", "best", "tied", "0.64"], "{text}");
    assert!(
        text.ends_with(
            "\nthe best 3 of 4 points, of 4 (policies at points); 1 not to be told from the best by their intervals\n"
        ),
        "{text}"
    );
}

#[test]
fn each_environment_has_its_own_best_and_front() {
    let cell = |rtt: &'static str, tau, e2e: f64, accuracy: f64| {
        let metrics: [(&'static str, &[f64]); 2] =
            [("e2e_ms_mean", &[e2e, e2e]), ("accuracy_pct", &[accuracy, accuracy])];
        Made::new("msao", tau, &metrics).at(&[("link.rtt", rtt)])
    };
    let cells = [
        cell("5 ms", "0", 1.0, 50.0),
        cell("5 ms", "1", 2.0, 40.0),
        cell("80 ms", "0", 9.0, 45.0),
        cell("80 ms", "1", 8.0, 44.0),
    ];
    let runs = fixture::runs(&cells);
    let found = |per: Per, objectives: &[&str]| -> Vec<u64> {
        let question = Question { per, ..question(objectives, &[]) };
        best(&runs, &question).unwrap().means().iter().map(|(point, ..)| *point).collect()
    };
    assert_eq!(found(Per::Environment, &["e2e_ms_mean", "accuracy_pct"]), [0, 3, 2]);
    assert_eq!(found(Per::All, &["e2e_ms_mean", "accuracy_pct"]), [0]);
    assert_eq!(found(Per::Environment, &["e2e_ms_mean"]), [0, 1, 3, 2]);
    assert_eq!(found(Per::Keys(vec!["policy.msao.tau_s".to_owned()]), &["e2e_ms_mean"]), [0, 2, 1, 3]);
    let answer = best(&runs, &question(&["e2e_ms_mean"], &[])).unwrap();
    let text = answer.text(1);
    assert_eq!((answer.groups(), text.matches(" best\n").count()), (2, 2), "{text}");
    assert!(text.contains("the best 1 of 4 points in each of 2 environments (--per), of 4"), "{text}");
    let unknown = Question { per: "link.rt".parse().unwrap(), ..question(&["e2e_ms_mean"], &[]) };
    let refusal = best(&runs, &unknown).map(drop).unwrap_err().to_string();
    assert_eq!(refusal, "--per: no key link.rt; did you mean link.rtt?");
}

#[test]
fn a_constraint_holds_with_its_whole_interval() {
    let cell =
        |tau, accuracy: &[f64]| Made::new("msao", tau, &[("e2e_ms_mean", &[1.0, 1.0]), ("accuracy_pct", accuracy)]);
    let runs = fixture::runs(&[cell("0", &[76.0, 76.1]), cell("1", &[74.0, 78.0]), cell("2", &[70.0, 71.0])]);
    let sure = best(&runs, &question(&["e2e_ms_mean"], &["accuracy_pct >= 75"])).unwrap();
    assert_eq!((sure.len(), sure.outside, sure.unsure), (1, 1, 1));
    assert!(sure.text(10).contains("; 1 outside the constraints; 1 within by their means, not by their intervals"));
    let by_mean = Question { by_mean: true, ..question(&["e2e_ms_mean"], &["accuracy_pct >= 75"]) };
    assert_eq!(best(&runs, &by_mean).unwrap().len(), 2);
    let alone = fixture::runs(&[Made::new("msao", "0", &[("e2e_ms_mean", &[1.0]), ("accuracy_pct", &[75.0])])]);
    assert_eq!(best(&alone, &question(&["e2e_ms_mean"], &["accuracy_pct >= 75"])).unwrap().len(), 1);
}

#[test]
fn what_has_no_figure_is_counted() {
    let mut cells = sweep(&[(1.0, 50.0), (2.0, 80.0), (3.0, 80.0), (4.0, 90.0)]);
    cells[1].failed = "broken";
    cells[2].metrics[0].1[0] = None;
    let runs = fixture::runs(&cells);
    let answer = best(&runs, &question(&["e2e_ms_mean"], &["accuracy_pct >= 75"])).unwrap();
    assert_eq!(answer.means(), [(3, "msao", vec![4.0, 90.0])]);
    let foot = "the best 1 of 1 points, of 4 (policies at points); 1 outside the constraints; 1 failed; 1 without one of the metrics\n";
    assert!(answer.text(10).ends_with(foot), "{}", answer.text(10));
    let short = "2 of 4 policies at points could be judged; 1 have no e2e_ms_mean or accuracy_pct in some \
                 replication; 1 failed";
    assert_eq!(answer.shortfall().as_deref(), Some(short));
    let none = best(&runs, &question(&["e2e_ms_mean"], &["accuracy_pct > 99"])).unwrap();
    assert_eq!(none.shortfall(), Some(format!("{short}; 2 are outside the constraints")));
    let whole = fixture::runs(&sweep(&[(1.0, 50.0)]));
    assert_eq!(best(&whole, &question(&["e2e_ms_mean"], &[])).unwrap().shortfall(), None);
    assert!(none.is_empty() && none.text(10).starts_with("no point found, of 4"));
    let csv = answer.csv(10);
    assert_eq!(csv.lines().nth(1), Some("3,msao,vqav2,400,3,4,0,90,0,best"), "{csv}");
}

#[test]
fn constraints_and_objectives_are_read() {
    let constraint = |text: &str| text.parse::<Constraint>();
    assert_eq!(constraint("accuracy_pct>=75").unwrap(), constraint(" accuracy_pct  >=  75.0 ").unwrap());
    assert!(constraint("e2e_ms_mean < 1e3").unwrap().holds(999.0));
    assert!(!constraint("e2e_ms_mean < 1e3").unwrap().holds(1000.0));
    assert!(constraint("e2e_ms_mean <= 1000").unwrap().holds(1000.0));
    for bad in [
        "",
        "accuracy_pct",
        "accuracy_pct = 75",
        ">= 75",
        "accuracy_pct >= 75 ms",
        "e2e_ms_p99 <= 2 kg",
        "retention_mean >= 1 s",
        "a b >= 1",
        "a >= nan",
        "a >= 1 >= 2",
    ] {
        let refused = constraint(bad).unwrap_err();
        assert!(refused.contains("expected a metric, one of <= >= < >, and a number"), "{refused}");
    }
    for (text, value, written) in [
        ("e2e_ms_p99 <= 2 s", 2000.0, "e2e_ms_p99 <= 2000 ms"),
        ("accuracy_pct >= 75 %", 75.0, "accuracy_pct >= 75 %"),
        ("makespan_s < 1 min", 60.0, "makespan_s < 60 s"),
        ("retention_mean > 0.5", 0.5, "retention_mean > 0.5"),
    ] {
        let read = constraint(text).unwrap();
        assert_eq!((read.value(), read.to_string().as_str()), (value, written));
        assert_eq!(constraint(written).as_ref(), Ok(&read));
    }
    let objective = |text: &str| text.parse::<Objective>();
    assert!(objective("accuracy_pct").unwrap().maximise && !objective("e2e_ms_mean").unwrap().maximise);
    assert!(objective("e2e_ms_mean:max").unwrap().maximise);
    assert!(objective("served_by_cloud_pct").unwrap_err().contains("say served_by_cloud_pct:min or"));
    assert!(objective("e2e_ms_mean:up").unwrap_err().contains("expected e2e_ms_mean, e2e_ms_mean:min or"));
}

#[test]
fn one_policy_may_be_asked_for() {
    let cell = |policy, e2e| Made::new(policy, "0", &[("e2e_ms_mean", &[e2e])]);
    let runs = fixture::runs(&[cell("msao", 2.0), cell("edge_only", 1.0)]);
    let asked = |policy: &str| Question { policy: Some(policy.to_owned()), ..question(&["e2e_ms_mean"], &[]) };
    assert_eq!(best(&runs, &asked("msao")).unwrap().means()[0].1, "msao");
    assert!(best(&runs, &asked("msoa")).unwrap_err().to_string().contains("did you mean msao?"));
}
