//! `--json`: one document on stdout, whose rows have the columns of the dictionary.

use crate::summary::summary;
use crate::support::{Output, Sim};
use serde_json::{Map, Value};

const SWEPT: &str = "\
name = \"swept\"
replications = 2

[workload]
dataset = \"vqav2\"
requests = 5

[policy.edge_only]
[policy.msao]

[sweep]
\"link.rtt\" = [\"5 ms\", \"80 ms\"]
";

/// The results of the scenario in `out`, and what the run printed.
fn swept() -> (Sim, Output) {
    let sim = Sim::new().with("swept.toml", SWEPT);
    let output = sim.done(["swept.toml", "--out", "out", "--json"]);
    (sim, output)
}

/// The document of a command, and its rows.
fn document(output: &Output) -> (Value, Vec<Map<String, Value>>) {
    let document: Value = serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:#?}"));
    assert_eq!((&document["tool"], &document["schema_version"]), (&"msao-sim".into(), &3.into()));
    assert_eq!(document["scenario"], "swept");
    let rows = document["rows"].as_array().expect("rows").iter();
    let rows = rows.map(|row| row.as_object().expect("an object").clone()).collect();
    (document, rows)
}

/// Columns of a table in the dictionary, by `sim list columns --json`.
fn columns(sim: &Sim, table: &str) -> Vec<String> {
    let columns: Vec<Value> = serde_json::from_str(&sim.done(["list", "columns", "--json"]).stdout).expect("JSON");
    let of_table = columns.iter().filter(|column| format!("{}/{}", text(column, "table"), column["version"]) == table);
    of_table.map(|column| text(column, "name").to_owned()).collect()
}

fn text<'v>(object: &'v Value, key: &str) -> &'v str {
    object[key].as_str().unwrap_or_else(|| panic!("{key} of {object}"))
}

/// Rows have the columns and cells of a CSV file.
#[track_caller]
fn same_as_csv(rows: &[Map<String, Value>], csv: &str) {
    let expected = summary(csv);
    assert_eq!(rows.len(), expected.len());
    for (row, expected) in rows.iter().zip(expected) {
        assert!(row.keys().all(|key| expected.contains_key(key.as_str())), "{row:?}");
        for (key, cell) in expected {
            let same = match &row[key] {
                Value::Null => cell.is_empty(),
                Value::String(text) => text == cell,
                value => {
                    // The parser of the test may be off by the last digit.
                    let (value, cell) = (value.as_f64().expect("a number"), cell.parse::<f64>().expect("a number"));
                    (value - cell).abs() <= 1e-15 * cell.abs()
                }
            };
            assert!(same, "{key}: {}, not {cell}", row[key]);
        }
    }
}

#[test]
fn a_run_prints_the_rows_of_its_summary() {
    let (sim, output) = swept();
    let (document, rows) = document(&output);
    same_as_csv(&rows, &sim.text("out/summary.csv"));
    assert_eq!((text(&document, "table"), text(&document, "folder")), ("summary/5", "out"));
    let none = Value::Array(Vec::new());
    assert_eq!((&document["claims"], &document["intervals"], &document["shortfalls"]), (&Value::Null, &none, &none));
    let of_rtt = |name: String| name.replace("KEY_UNIT", "link.rtt_ms").replace("KEY", "link.rtt");
    let mut names: Vec<String> = columns(&sim, "summary/5").into_iter().map(of_rtt).collect();
    names.sort();
    let mut keys: Vec<&String> = rows[0].keys().collect();
    keys.sort();
    assert_eq!(keys, names.iter().collect::<Vec<_>>());
    assert!(output.stderr.contains(" runs, ") && output.stderr.ends_with("; results in out\n"), "{}", output.stderr);
}

#[test]
fn a_run_lists_what_was_rejected_and_cut() {
    let sim = Sim::new().with("swept.toml", SWEPT);
    let set = ["--set", "workload.output_tokens=30", "--set", "workload.max_output_tokens=20"];
    let output = sim.done(["swept.toml", "--out", "out", "--json"].iter().chain(&set));
    let told = document(&output).0["shortfalls"].as_array().expect("rows").clone();
    // Two policies at two points, with 2 x 5 requests each.
    assert_eq!(told.len(), 4, "{told:?}");
    for row in &told {
        assert_eq!((&row["reason"], &row["requests"], &row["of_requests"]), (&"cut".into(), &10.into(), &10.into()));
        assert!(["5 ms", "80 ms"].contains(&text(row, "link.rtt")), "{row}");
    }
}

#[test]
fn comparisons_print_the_rows_of_their_csv() {
    let (sim, _) = swept();
    let compared = sim.done(["compare", "out", "--json", "--csv", "c.csv"]);
    let (told, rows) = document(&compared);
    same_as_csv(&rows, &sim.text("c.csv"));
    assert_eq!((text(&told, "reference"), rows.len()), ("edge_only", 2));
    let best = sim.done(["best", "out", "--minimise", "e2e_ms_mean", "--json", "--csv", "b.csv"]);
    let (told, rows) = document(&best);
    same_as_csv(&rows, &sim.text("b.csv"));
    assert_eq!((&told["found"], &rows[0]["rank"]), (&4.into(), &"best".into()));
    let front = sim.done(["best", "out", "--pareto", "e2e_ms_mean,uplink_mb_per_request", "--json"]);
    let (told, rows) = document(&front);
    assert_eq!(told["objectives"][1], serde_json::json!({ "metric": "uplink_mb_per_request", "better": "lower" }));
    assert!(rows.iter().all(|row| row["rank"] == "front" && row["uplink_mb_per_request"].is_f64()), "{rows:?}");
}

#[test]
fn a_check_prints_every_verdict_and_keeps_its_exit_code() {
    let (sim, _) = swept();
    sim.done(["check", "out", "--baseline", "b.toml", "--bless"]);
    let check = |folder: &str| sim.run(["check", folder, "--baseline", "b.toml", "--json"]);
    let passed = check("out");
    let (told, rows) = document(&passed);
    assert_eq!((passed.code, &told["fails"], passed.stderr.as_str()), (Some(0), &false.into(), ""));
    assert_eq!(told["counts"]["unchanged"], rows.len());
    sim.done(["swept.toml", "--out", "slow", "--set", "edge.device=jetson-agx-orin-64"]);
    let failed = check("slow");
    let (told, rows) = document(&failed);
    assert_eq!((failed.code, &told["fails"]), (Some(3), &true.into()));
    let worse = rows.iter().find(|row| row["metric"] == "e2e_ms_mean" && row["fails"] == true).expect("a regression");
    assert_eq!((&worse["verdict"], &worse["link.rtt"]), (&"regressed".into(), &"5 ms".into()));
    let number = |key: &str| worse[key].as_f64().expect("a number");
    assert!((number("mean") - number("mean_baseline") - number("difference")).abs() < 1e-9 * number("mean"));
    assert!(number("difference") > number("allowed"), "{worse:?}");
}

#[test]
fn a_refusal_prints_no_document() {
    let sim = Sim::small();
    for line in
        ["small.toml --json --set link.rt=1", "compare nothing --json", "best nothing --maximise accuracy_pct --json"]
    {
        let output = sim.run(line.split(' '));
        assert_eq!((output.code, output.stdout.as_str()), (Some(2), ""), "{line}");
    }
}
