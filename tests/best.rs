//! `sim compare` and `sim best`, through the real binary.

use crate::parquet_file::{Row, number, rows, text};
use crate::support::Sim;

/// Two policies at six points, three replications.
const SWEPT: &str = "\
name = \"swept\"
replications = 3

[workload]
dataset = \"vqav2\"
requests = 20

[policy.edge_only]
[policy.msao]

[sweep]
\"link.rtt\" = [\"5 ms\", \"80 ms\"]
\"policy.msao.mas.tau_s\" = [0.1, 0.5, 0.9]
";

fn swept() -> Sim {
    let sim = Sim::new().with("swept.toml", SWEPT);
    sim.done(["swept.toml", "--out", "out"]);
    sim
}

/// The mean of a metric over the replications of each point and policy.
fn means(sim: &Sim, metric: &str) -> Vec<f64> {
    let rows = rows(&sim.path("out/runs.parquet"));
    let place = |row: &Row| (text(row, "point_id").to_owned(), text(row, "policy").to_owned());
    let mean = |runs: &[Row]| runs.iter().filter_map(|row| number(row, metric)).sum::<f64>() / runs.len() as f64;
    rows.chunk_by(|a, b| place(a) == place(b)).map(mean).collect()
}

/// A column of a CSV.
fn column(csv: &str, name: &str) -> Vec<String> {
    let mut lines = csv.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let heading = lines.next().expect("a heading");
    let index = heading.iter().position(|column| *column == name).unwrap_or_else(|| panic!("{name} of {heading:?}"));
    lines.map(|line| line[index].to_owned()).collect()
}

#[test]
fn policies_are_compared_in_pairs() {
    let sim = swept();
    let output = sim.done(["compare", "out", "--metric", "e2e_ms_mean", "--metric", "accuracy_pct", "--csv", "c.csv"]);
    let csv = sim.text("c.csv");
    let differences = column(&csv, "difference");
    assert_eq!(differences.len(), 6 * 2);
    // The first by hand: the mean of (msao - edge_only) / edge_only over the replications of the first point.
    let rows = rows(&sim.path("out/runs.parquet"));
    let of = |policy: &str| -> Vec<f64> {
        let rows = rows.iter().filter(|row| text(row, "policy") == policy).take(3);
        rows.map(|row| number(row, "e2e_ms_mean").expect("a mean")).collect()
    };
    let relative: Vec<f64> = of("msao").iter().zip(of("edge_only")).map(|(msao, edge)| (msao - edge) / edge).collect();
    let expected = relative.iter().sum::<f64>() / 3.0;
    let found: f64 = differences[0].parse().expect("a number");
    assert!((found - expected).abs() < 1e-12, "{found}, not {expected}");
    assert!(output.stdout.contains("  slower\n"), "{}", output.stdout);
    assert!(
        output.stdout.ends_with("\nAgainst edge_only, paired, 3 replications, with 95 % intervals.\n"),
        "{}",
        output.stdout
    );
    // Of 20 requests, accuracy is all noise.
    assert!(output.stdout.contains("  no difference seen\n"), "{}", output.stdout);
    let other = sim.done(["compare", "out", "--to", "msao"]).stdout;
    assert!(other.contains("edge_only ") && other.contains("  faster\n"), "{other}");
    // Against another folder: here itself, which is no difference.
    std::fs::create_dir_all(sim.path("again")).expect("a folder");
    sim.done(["swept.toml", "--out", "again"]);
    let folders = sim.done(["compare", "out", "again"]).stdout;
    assert_eq!(folders.matches("  no difference\n").count(), 12, "{folders}");
    assert!(folders.contains(" again:msao ") && folders.contains("Against out, paired"), "{folders}");
    // Results of an older model are compared all the same, with a warning.
    assert_eq!(output.stderr, "");
    let manifest = sim.path("out/manifest.json");
    let older = sim.text("out/manifest.json").replace("\"model_version\"", "\"another\"");
    std::fs::write(&manifest, older).expect("a file");
    let warned = sim.done(["compare", "out"]).stderr;
    assert!(warned.starts_with("sim: warning: out has model version 0, this sim has "), "{warned}");
}

#[test]
fn the_best_point_is_the_best_of_all() {
    let sim = swept();
    let e2e = means(&sim, "e2e_ms_mean");
    sim.done(["best", "out", "--minimise", "e2e_ms_mean", "--per", "all", "--csv", "b.csv"]);
    let found: Vec<f64> = column(&sim.text("b.csv"), "e2e_ms_mean").iter().map(|text| text.parse().unwrap()).collect();
    let mut expected = e2e.clone();
    expected.sort_by(f64::total_cmp);
    assert_eq!(found.len(), expected.len());
    assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-9), "{found:?}, not {expected:?}");
    let per_rtt = sim.done(["best", "out", "--minimise", "e2e_ms_mean", "--top", "1"]).stdout;
    assert!(per_rtt.contains("the best 1 of 12 points in each of 2 environments (--per), of 12"), "{per_rtt}");
    let args = ["best", "out", "--maximise", "e2e_ms_mean", "--policy", "msao", "--per", "all", "--top", "2"];
    let table = sim.done(args).stdout;
    assert_eq!(table.lines().filter(|line| line.contains(" msao ")).count(), 2, "{table}");
    let accurate = means(&sim, "accuracy_pct");
    let limit = accurate.iter().copied().fold(f64::INFINITY, f64::min);
    let constraint = format!("accuracy_pct > {limit}");
    let table = sim.done(["best", "out", "--minimise", "e2e_ms_mean", "--subject-to", &constraint, "--by-mean"]).stdout;
    let outside = accurate.iter().filter(|mean| **mean <= limit).count();
    assert!(outside > 0 && table.contains(&format!("; {outside} outside the constraints")), "{table}");
}

#[test]
fn the_front_is_of_points_that_none_is_better_than() {
    let sim = swept();
    sim.done(["best", "out", "--pareto", "e2e_ms_mean,accuracy_pct", "--per", "all", "--csv", "front.csv"]);
    let csv = sim.text("front.csv");
    let numbers = |name: &str| column(&csv, name).iter().map(|text| text.parse().unwrap()).collect::<Vec<f64>>();
    let front: Vec<(f64, f64)> = numbers("e2e_ms_mean").into_iter().zip(numbers("accuracy_pct")).collect();
    let all: Vec<(f64, f64)> = means(&sim, "e2e_ms_mean").into_iter().zip(means(&sim, "accuracy_pct")).collect();
    let beaten = |one: &(f64, f64)| {
        all.iter().any(|two| two.0 <= one.0 && two.1 >= one.1 && (two.0 < one.0 - 1e-9 || two.1 > one.1 + 1e-9))
    };
    assert!(front.iter().all(|point| !beaten(point)), "{front:?} of {all:?}");
    assert_eq!(front.len(), all.iter().filter(|point| !beaten(point)).count(), "{front:?} of {all:?}");
}

#[test]
fn questions_that_make_no_sense_are_refused() {
    let sim = swept();
    let before = sim.tree_of("");
    let mut said = String::new();
    for line in [
        "compare out --metric e2e_mean",
        "compare out --to cloudonly",
        "compare out --metric e2e_mean --csv c.csv",
        "compare nowhere",
        "best out",
        "best out --minimise e2e_ms_p999",
        "best out --minimise e2e_ms_mean --maximise accuracy_pct",
        "best out --minimise e2e_ms_mean --subject-to accuracy_pct=75",
        "best out --minimise e2e_ms_mean --subject-to acuracy_pct>=75",
        "best out --minimise e2e_ms_mean --policy mso",
        "best out --pareto e2e_ms_mean,served_by_cloud_pct",
        "best out --pareto e2e_ms_mean:less",
        "best out --minimise e2e_ms_mean --per link.rt",
    ] {
        let output = sim.run(line.split(' '));
        assert_eq!((output.code, output.stdout.as_str()), (Some(2), ""), "{line}: {output:#?}");
        said += &format!("$ sim {line}\n{}\n", output.stderr);
    }
    insta::assert_snapshot!("questions", said);
    assert!(sim.tree_of("") == before, "something was written");
}
