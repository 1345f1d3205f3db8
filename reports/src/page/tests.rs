//! The page without a browser.

use super::*;
use crate::fixture::{self, Cell};
use std::fs;
use tables::{Metric, MetricEstimates, RequestRow, SummaryRow, TableWriter, VariedValues};
use tempfile::TempDir;

const HOSTILE: &str = "</script><script>alert(1)</script>";

/// Two policies at two points, of which one is called by `label`.
fn cells(label: &'static str) -> Vec<Cell> {
    let cell =
        |policy, tau, e2e: &[f64]| Cell::new(policy, tau, &[("e2e_ms_mean", e2e), ("accuracy_pct", &[70.0, 70.0])]);
    vec![
        cell("cloud_only", "0.25", &[100.0, 102.0]),
        cell(label, "0.25", &[81.0, 83.0]),
        cell("cloud_only", "0.5", &[104.0, 104.0]),
        cell(label, "0.5", &[90.0, 96.5]),
    ]
}

/// A results folder as `sim` writes it.
fn folder(cells: &[Cell]) -> TempDir {
    let folder = fixture::folder(cells);
    let scenario = format!("name = \"fixture\"\ndescription = {}\n", toml::Value::from(HOSTILE));
    fs::write(folder.path().join("scenario.toml"), scenario).unwrap();
    write_summary(cells, folder.path());
    folder
}

fn write_summary(cells: &[Cell], folder: &Path) {
    let varied = ["policy.msao.tau_s".to_owned()];
    let mut table = TableWriter::create_varied(&folder.join("summary.parquet"), &varied, &[]).unwrap();
    for cell in cells {
        let mut metrics = MetricEstimates::default();
        for (name, values) in &cell.metrics {
            let estimate = crate::Estimate::of(&values.iter().flatten().copied().collect::<Vec<_>>());
            metrics[Metric::named(name).unwrap()] = Some((estimate.mean, estimate.ci95));
        }
        let row = SummaryRow {
            policy: cell.policy.into(),
            dataset: "vqav2".into(),
            bandwidth_mbps: Some(cell.mbps()),
            varied: VariedValues(vec![cell.tau.into()]),
            replications: 2,
            edge_engine: "vllm".into(),
            cloud_engine: "vllm".into(),
            metrics,
            ..SummaryRow::default()
        };
        table.write(row).unwrap();
    }
    table.finish().unwrap();
}

fn page(folders: &[&TempDir]) -> String {
    let paths: Vec<PathBuf> = folders.iter().map(|folder| folder.path().to_owned()).collect();
    page_of(&paths, &paths[0].join("report")).unwrap()
}

/// The data that the scripts read.
fn data(page: &str) -> serde_json::Value {
    let (_, rest) = page.split_once("<script id=\"data\" type=\"application/json\">").unwrap();
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

#[test]
fn what_comes_from_files_is_escaped() {
    let folder = folder(&cells(HOSTILE));
    let report = folder.path().join("report");
    fs::create_dir_all(&report).unwrap();
    fs::write(report.join("claims.csv"), format!("id,verdict\n{HOSTILE},\"<b>{HOSTILE}\"\n")).unwrap();
    let page = page(&[&folder]);
    // Ours are the data, the library and the glue.
    assert_eq!((page.matches("<script").count(), page.matches("</script").count()), (3, 3));
    assert!(!page.contains("<b>") && page.contains("&lt;b&gt;&lt;/script&gt;&lt;script&gt;alert(1)"));
    assert_eq!(data(&page)["policies"][1]["name"], HOSTILE);
    assert!(page.contains("<p class=\"lead\">&lt;/script&gt;"), "the description");
}

#[test]
fn the_finding_stands_first() {
    let (one, two) = (folder(&cells("msao")), folder(&cells(HOSTILE)));
    let finding = "Of the policies within 3 points of cloud_only's accuracy, msao is the fastest at all 2 points. The lead is 10 to 19 % of \
                   the next policy's latency, at one point no more than the 95 % interval.";
    let alone = page(&[&one]);
    assert!(alone.contains(&format!("<h1>fixture</h1><p class=\"finding\">{finding}</p>")), "{alone}");
    let both = page(&[&one, &two]);
    assert_eq!(both.matches("<p class=\"finding\"><strong>").count(), 2, "each folder has its own");
}

#[test]
fn charts_have_the_numbers_of_the_summary() {
    let folder = folder(&cells("msao"));
    let page = page(&[&folder]);
    let data = data(&page);
    assert_eq!(data["points"], serde_json::json!(["tau_s 0.25", "tau_s 0.5"]));
    assert_eq!(data["rows"], serde_json::json!([[0, 0], [1, 0], [0, 1], [1, 1]]));
    let e2e = &data["metrics"][0];
    assert_eq!((e2e["name"].as_str(), e2e["unit"].as_str()), (Some("e2e_ms_mean"), Some("ms")));
    assert_eq!(e2e["mean"], serde_json::json!([101.0, 82.0, 104.0, 93.25]));
    let exact = crate::Estimate::of(&[90.0, 96.5]).ci95.unwrap();
    assert_eq!((e2e["ci95"][3].as_f64(), e2e["ci95"][2].as_f64()), (Some(exact), Some(0.0)));
    assert_eq!(data["policies"][1]["colour"], "#d55e00", "the colour of the drawn figures");
    // Of the table: rounded, with an interval where it does not round to nothing.
    assert!(page.contains(">101.0<small>±12.7</small></td>") && page.contains(">104.0<small></small></td>"));
}

#[test]
fn fronts_are_within_an_environment() {
    let at = |mbps: &'static str| move |cell: Cell| cell.at(&[("bandwidth_mbps", mbps)]);
    let both: Vec<Cell> = ["200", "400"].iter().flat_map(|mbps| cells("msao").into_iter().map(at(mbps))).collect();
    let folder = folder(&both);
    let page = page(&[&folder]);
    let data = data(&page);
    assert_eq!(data["environments"], serde_json::json!(["200 Mbps", "400 Mbps"]), "settings of policies are chosen");
    assert_eq!(data["environment"], serde_json::json!([0, 0, 1, 1]));
    assert!(page.contains("<option value=\"1\">400 Mbps</option>"));
    assert!(page.contains("<option value=\"e2e_ms_mean\">end-to-end latency, ms</option>"), "metrics are in words");
}

#[test]
fn drawings_have_the_colours_of_the_page() {
    let folder = folder(&cells("msao"));
    fs::create_dir_all(folder.path().join("report")).unwrap();
    let svg = "<svg><rect fill=\"#FFFFFF\"/><text fill=\"#222222\">#222222</text></svg>";
    fs::write(folder.path().join("report/latency.svg"), svg).unwrap();
    let page = page(&[&folder]);
    let themed = "<svg><rect fill=\"var(--drawn-0)\"/><text fill=\"var(--drawn-1)\">#222222</text></svg>";
    assert!(page.contains(themed) && page.contains("--drawn-1:#222222;") && page.contains("--drawn-1:#E3E6E9;"));
}

#[test]
fn requests_become_lines_of_their_point() {
    let folder = folder(&cells("msao"));
    let mut log = TableWriter::create(&folder.path().join("requests.parquet")).unwrap();
    for row in 0..40u32 {
        let policy = if row % 2 == 0 { "cloud_only" } else { "msao" };
        let e2e_ms = Some(f64::from(row));
        let place = RequestRow { policy: policy.into(), point: row / 20, e2e_ms, ..RequestRow::default() };
        log.write(RequestRow { warm_up: true, e2e_ms: Some(1e6), ..place.clone() }).unwrap();
        log.write(place).unwrap();
    }
    log.finish().unwrap();
    let measures = &data(&page(&[&folder]))["requests"]["measures"];
    let ends = |line: &serde_json::Value| {
        let values: Vec<f64> = line.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect();
        (values[0], values[values.len() - 1])
    };
    let lines: Vec<_> = measures[0]["lines"].as_array().unwrap().iter().map(ends).collect();
    assert_eq!(lines, [(0.0, 18.0), (1.0, 19.0), (20.0, 38.0), (21.0, 39.0)]);
    assert_eq!(measures.as_array().unwrap().len(), 1, "no request has a time to first token");
}

#[test]
fn every_claim_stands_there_with_all_its_columns() {
    let folder = folder(&cells("msao"));
    assert!(!page(&[&folder]).contains("id=\"claims-table\""), "no claims, no section");
    let report = folder.path().join("report");
    fs::create_dir_all(&report).unwrap();
    let verdicts = ["reproduced", "only_under", "missed", "not_testable", "reproduced"];
    let rows: String =
        verdicts.iter().enumerate().map(|(row, kind)| format!("a{row},7{row}.5,{kind},said,new\n")).collect();
    fs::write(report.join("claims.csv"), format!("id,printed,kind,verdict,some_more\n{rows}")).unwrap();
    let page = page(&[&folder]);
    for row in 0..verdicts.len() {
        assert!(page.contains(&format!("<td>a{row}</td><td class=\"n\">7{row}.5</td>")), "a{row}");
    }
    assert_eq!(page.matches("<td>new</td>").count(), verdicts.len());
    for count in ["<strong>2</strong> reproduced</button>", "<strong>1</strong> reproduced only under an assumption"] {
        assert!(page.contains(count), "{count}");
    }
}

#[test]
fn several_folders_stand_side_by_side() {
    let (one, two) = (folder(&cells("msao")), folder(&cells("perllm")));
    for (folder, figure) in [(&one, "latency"), (&two, "latency"), (&two, "memory")] {
        fs::create_dir_all(folder.path().join("report")).unwrap();
        let svg = format!("<svg xmlns=\"http://www.w3.org/2000/svg\"><title>{figure}</title></svg>\n");
        fs::write(folder.path().join(format!("report/{figure}.svg")), svg).unwrap();
    }
    let page = page(&[&one, &two]);
    let name = |folder: &TempDir| folder.path().file_name().unwrap().to_str().unwrap().to_owned();
    assert_eq!(
        page.matches(&format!("<tr><td data-label=\"results\">{}</td><td", name(&two))).count(),
        4,
        "the first column"
    );
    let (_, latency) = page.split_once("id=\"figure-latency\"").unwrap();
    let latency = latency.split_once("</section>").unwrap().0;
    assert_eq!(latency.matches("<svg").count(), 2);
    assert!(
        latency.contains("href=\"latency.svg\"")
            && latency.contains(&format!("href=\"../../{}/report/latency.png\"", name(&two)))
    );
    let data = data(&page);
    assert_eq!(data["points"].as_array().unwrap().len(), 4);
    assert_eq!(data["points"][2], format!("{}: tau_s 0.25", name(&two)));
    assert_eq!(data["policies"].as_array().unwrap().len(), 3);
}

#[test]
fn results_of_another_model_are_warned_of() {
    let now = folder(&cells("msao"));
    let old = folder(&cells("msao"));
    let manifest = old.path().join("manifest.json");
    let text = fs::read_to_string(&manifest).unwrap().replace("\"model_version\"", "\"another\"");
    fs::write(&manifest, text).unwrap();
    let warning = "has model version 0";
    assert!(!page(&[&now]).contains(warning));
    assert!(page(&[&old]).contains(warning));
    assert!(page(&[&now, &old]).contains(warning));
}

#[test]
fn equal_files_give_equal_bytes_wherever_they_stand() {
    let folders = [folder(&cells("msao")), folder(&cells("msao"))];
    assert!(page(&[&folders[0]]) == page(&[&folders[1]]));
}

#[test]
fn more_rows_than_a_page_takes_are_in_the_table_beside_it() {
    let cells: Vec<Cell> = cells("msao").into_iter().cycle().take(600).collect();
    let folder = folder(&cells[..4]);
    write_summary(&cells, folder.path());
    let page = page(&[&folder]);
    assert!(page.contains("the first 400 of 600 rows") && page.contains("href=\"../summary.csv\""));
    assert_eq!(page.matches("<tr><td data-label=\"policy\">").count(), 400);
    let data = data(&page);
    assert_eq!(data["rows"].as_array().unwrap().len(), 600, "the charts have all");
    assert_eq!(data["metrics"][0]["mean"].as_array().unwrap().len(), 600);
}

#[test]
fn nothing_is_asked_of_the_network() {
    let page = page(&[&folder(&cells("msao"))]);
    let own = page.replace(charts::SCRIPT, "");
    assert!(!own.contains("http:") && !own.contains("https:") && !own.contains("@import"), "an address in the page");
    assert!(own.contains("content=\"default-src 'none'; script-src 'sha256-"));
}

#[test]
fn what_is_no_whole_folder_is_refused() {
    let whole = folder(&cells("msao"));
    for (file, found) in [("runs.parquet", "an earlier version of sim"), ("scenario.toml", "expected a results folder")]
    {
        let content = fs::read(whole.path().join(file)).unwrap();
        fs::remove_file(whole.path().join(file)).unwrap();
        let error = page_of(&[whole.path().to_owned()], &whole.path().join("report")).unwrap_err().to_string();
        assert!(error.contains(file) && error.contains(found), "{error}");
        fs::write(whole.path().join(file), content).unwrap();
    }
}
