//! Tests of the figures that stand beside those of the papers: what is printed stands there, and nothing is drawn without its
//! data.

use super::tests::{count, svg};
use crate::fixture::{self, Cell};
use serde_json::{Value, json};

/// Each text stands in the figure so many times.
fn has(svg: &str, texts: &[(&str, usize)]) {
    for (text, times) in texts {
        let all: Vec<&str> = svg.lines().filter(|line| !line.starts_with('<')).collect();
        assert_eq!(count(svg, text), *times, "{text} in {all:?}");
    }
}

fn policy(label: &str, kind: &str, settings: Value) -> Value {
    json!({ "label": label, "kind": kind, "settings": settings })
}

#[test]
fn accuracies_are_a_table_with_the_printed_ones() {
    let cell = |dataset: &'static str, mbps: &'static str, policy: &'static str, values: &[f64]| {
        Cell::new(policy, "0.3", &[("accuracy_pct", values)]).at(&[("dataset", dataset), ("bandwidth_mbps", mbps)])
    };
    let mut cells = Vec::new();
    for mbps in ["200", "400"] {
        for dataset in ["vqav2", "mmbench"] {
            cells.push(cell(dataset, mbps, "msao", &[74.0, 76.0]));
            cells.push(cell(dataset, mbps, "edge_only", &[62.0, 62.0]));
        }
    }
    let folder = fixture::folder(&cells);
    let plain = svg("accuracy", folder.path()).expect("a figure");
    has(&plain, &[("200 Mbps", 1), ("400 Mbps", 1), ("75.0 \u{b1}12.7", 4), ("62.0", 4), ("printed", 0)]);
    fixture::policies(folder.path(), &["msao", "edge_only"]);
    let beside = svg("accuracy", folder.path()).expect("a figure");
    // Of Table 1: MSAO at 200 Mbps on both, and how far off the simulated mean of 75 is.
    has(&beside, &[("76.1", 1), ("75.2", 1), ("\u{2212}1.1", 1), ("\u{2212}0.2", 1), ("printed in the paper", 1)]);
    assert_eq!(svg("accuracy", folder.path()), Some(beside), "equal folders give equal bytes");
    let none = fixture::folder(&[Cell::new("msao", "0.3", &[("e2e_ms_mean", &[1.0])])]);
    assert_eq!(svg("accuracy", none.path()), None);
}

#[test]
fn many_data_sets_stand_below_each_other() {
    let cells = ["a", "b", "c"]
        .map(|dataset| Cell::new("msao", "0.3", &[("accuracy_pct", &[70.0])]).at(&[("dataset", dataset)]));
    let table = svg("accuracy", fixture::folder(&cells).path()).expect("a figure");
    has(&table, &[("a", 1), ("b", 1), ("c", 1), ("accuracy, %", 1), ("70.0", 3)]);
}

fn probed(dataset: &'static str, probe_ms: f64) -> [Cell; 2] {
    let metrics = |probe_ms: f64| {
        [("probe_ms_mean", probe_ms), ("e2e_ms_mean", 1000.0), ("probe_flop_pct", 0.5), ("probe_memory_gb_peak", 0.25)]
    };
    ["msao", "cloud_only"].map(|policy| {
        let ms = if policy == "msao" { probe_ms } else { 0.0 };
        let values = metrics(ms).map(|(name, value)| (name, [value]));
        let columns: Vec<(&str, &[f64])> = values.iter().map(|(name, value)| (*name, value.as_slice())).collect();
        Cell::new(policy, "0.3", &columns).at(&[("dataset", dataset)])
    })
}

#[test]
fn the_probe_has_a_panel_for_each_cost_and_the_printed_ranges() {
    let folder = fixture::folder(&[probed("v1", 6.1), probed("v7", 17.8)].concat());
    fixture::policies(folder.path(), &["msao", "cloud_only"]);
    let probe = svg("probe", folder.path()).expect("a figure");
    has(&probe, &[("time, ms", 1), ("6.10", 1), ("17.8", 1), ("V1", 4), ("V7", 4), ("V2", 0)]);
    has(&probe, &[("0.61", 1), ("1.78", 1), ("0.50", 2), ("0.25", 2)]);
    has(&probe, &[("printed: 4.2 to 15.3 ms", 1), ("printed: 0.47 to 1.23 %", 1), ("printed: 0.12 to 0.28 GB", 1)]);
    has(&probe, &[("printed: under 2 %", 1)]);
    assert_eq!(svg("probe", folder.path()), Some(probe), "equal folders give equal bytes");
    assert_eq!(svg("probe", fixture::folder(&probed("vqav2", 6.1)).path()), None, "another data set");
    assert_eq!(svg("probe", fixture::folder(&probed("v1", 0.0)).path()), None, "nothing is probed");
}

#[test]
fn an_ablation_has_the_change_against_the_whole() {
    let cell = |policy: &'static str, accuracy: &[f64], latency: &[f64]| {
        Cell::new(policy, "0.3", &[("accuracy_pct", accuracy), ("e2e_ms_mean", latency)])
    };
    let folder = fixture::folder(&[
        cell("whole", &[76.0, 77.0], &[2000.0, 4000.0]),
        cell("blind", &[70.0, 71.0], &[2000.0, 4000.0]),
        cell("static", &[76.0, 77.0], &[3000.0, 6000.0]),
        cell("other", &[50.0, 50.0], &[1.0, 1.0]),
    ]);
    let all = |settings: Value| {
        json!([
            policy("whole", "msao", json!({})),
            policy("blind", "msao", json!({ "plan.modality_awareness.uniform": "50 %" })),
            policy("static", "msao", settings),
            policy("other", "msao", json!({ "plan.modality_awareness.uniform": "50 %", "tau_s": "0.1" })),
        ])
    };
    fixture::manifest(folder.path(), json!({}), all(json!({ "semantics.route.static": "75 %" })));
    let ablation = svg("ablation", folder.path()).expect("a figure");
    has(&ablation, &[("without modality-awareness", 1), ("without collaborative scheduling", 1), ("whole", 1)]);
    // Simulated: six points less, half as much again. Printed: 76.5 and 69.7 %, 2.9 and 4.3 s.
    has(&ablation, &[("\u{2212}6.0 pt", 1), ("+50.0 %", 1), ("76.5", 2), ("69.7", 1), ("2,900", 1), ("4,300", 1)]);
    has(&ablation, &[("\u{2212}6.8 pt", 1), ("+48.3 %", 1), ("50.0", 0), ("memory of both tiers, GB", 0)]);
    let title =
        "Without modality-awareness: accuracy \u{2212}6.0 pt; without collaborative scheduling: latency +50.0 %";
    has(&ablation, &[(title, 1)]);
    assert_eq!(svg("ablation", folder.path()), Some(ablation), "equal folders give equal bytes");
    fixture::manifest(folder.path(), json!({}), json!([policy("whole", "msao", json!({}))]));
    assert_eq!(svg("ablation", folder.path()), None, "the whole alone");
}

#[test]
fn devices_stand_alone_and_in_pairs() {
    let cell = |policy: &'static str, machine: &'static str, mbps: &'static str, ttft: f64, tpot: f64| {
        Cell::new(policy, "0.3", &[("ttft_ms_mean", &[ttft]), ("tpot_ms_mean", &[tpot])]).at(&[
            ("bandwidth_mbps", mbps),
            ("edge.device", "iphone"),
            ("cloud.device", machine),
        ])
    };
    let mut cells = Vec::new();
    for (machine, mbps) in [("m2", "2"), ("m2", "90"), ("a100", "2"), ("a100", "90")] {
        cells.push(cell("edge_only", machine, mbps, 21_000.0, 200.0));
        cells.push(cell("cloud_only", machine, mbps, 4_700.0, 57.2));
        cells.push(cell("mf", machine, mbps, 6_040.0, 57.3));
    }
    let folder = fixture::folder(&cells);
    let policies = [policy("edge_only", "edge_only", json!({})), policy("cloud_only", "cloud_only", json!({}))];
    let mindfusion = policy("mf", "mindfusion", json!({ "layers_on_device": "1" }));
    fixture::manifest(folder.path(), json!({}), [policies.to_vec(), vec![mindfusion]].concat().into());
    let devices = svg("mindfusion_devices", folder.path()).expect("a figure");
    has(&devices, &[("phone alone", 1), ("iphone", 1), ("machine alone, 90 Mbps", 1), ("machine alone, 2 Mbps", 0)]);
    // Printed: the phone 32 s and 5.38 tokens/s; with an M2 in the LAN 5.91 s; with an A100 over the Internet 128.53 tokens/s.
    has(&devices, &[("21.0", 1), ("32.0", 1), ("5.38", 1), ("iphone + m2", 1), ("5.91", 1), ("129", 2), ("17.5", 4)]);
    has(
        &devices,
        &[("First token of MindFusion: 0.29 times the phone&apos;s time, 1.3 times the machine&apos;s time", 1)],
    );
    assert_eq!(svg("mindfusion_devices", folder.path()), Some(devices), "equal folders give equal bytes");
    fixture::manifest(folder.path(), json!({}), policies.to_vec().into());
    assert_eq!(svg("mindfusion_devices", folder.path()), None, "no MindFusion");
}

#[test]
fn traffic_has_the_printed_accuracy_of_each_system() {
    let cell = |policy: &'static str, accuracy: f64, mb: f64| {
        Cell::new(policy, "0.3", &[("accuracy_pct", &[accuracy]), ("uplink_mb_per_request", &[mb])])
    };
    let folder = fixture::folder(&[cell("rd", 78.4, 0.9), cell("d", 78.6, 5.2), cell("tome", 57.3, 0.55)]);
    let policies = json!([
        policy("rd", "mindfusion", json!({})),
        policy("d", "mindfusion", json!({ "representation_compression": "false" })),
        policy("tome", "token_dropping", json!({ "method": "tome" })),
    ]);
    let model = json!({ "cloud.model": "llava-1.5-7b" });
    fixture::manifest(folder.path(), model, policies.clone());
    let traffic = svg("mindfusion_traffic", folder.path()).expect("a figure");
    // The name at its point and in the table; simulated; printed 77.96, 78.53 and 57.1.
    has(&traffic, &[("rd", 2), ("d", 2), ("tome", 2), ("78.4", 1), ("78.6", 1), ("57.3", 1), ("0.550", 1)]);
    has(&traffic, &[("78.0", 1), ("78.5", 1), ("57.1", 1), ("uplink, MB a request", 1)]);
    assert_eq!(svg("mindfusion_traffic", folder.path()), Some(traffic), "equal folders give equal bytes");
    fixture::manifest(folder.path(), json!({}), policies);
    let another = svg("mindfusion_traffic", folder.path()).expect("a figure");
    has(&another, &[("57.1", 0), ("printed in the paper", 0)]);
    fixture::policies(folder.path(), &["rd", "d", "tome"]);
    assert_eq!(svg("mindfusion_traffic", folder.path()), None, "other systems");
}
