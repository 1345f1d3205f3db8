//! Energy and price by part, and raw input that leaves the device, through the binary.

use crate::refusals::{refused, refused_with};
use crate::summary::{number, summary};
use crate::support::Sim;
use policies::SYSTEMS;
use std::collections::BTreeMap;

const PRICED: &str = "\
name = \"priced\"
replications = 1
policy.cloud_only = {}
policy.edge_only = {}
policy.msao = {}
policy.mindfusion = {}
[workload]
dataset = \"vqav2\"
requests = 12
output_tokens = 20
[costs]
edge_per_hour = 0.36
cloud_per_hour = 3.6
per_gb = 0.05
radio.own = { up_nj_per_bit = 400.0, down_nj_per_bit = 50.0, awake_w = 1.5 }
network_nj_per_bit = 1000.0
";

/// The figures of each policy.
fn figures(sim: &Sim, more: &[&str]) -> BTreeMap<String, BTreeMap<String, String>> {
    sim.done([&["priced.toml", "--out", "out"], more].concat());
    let csv = sim.text("out/summary.csv");
    let owned =
        |row: &BTreeMap<&str, &str>| row.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    summary(&csv).iter().map(|row| (row["policy"].to_owned(), owned(row))).collect()
}

fn of(row: &BTreeMap<String, String>, column: &str) -> f64 {
    number(&row.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect(), column)
}

fn near(found: f64, expected: f64, what: &str) {
    assert!((found - expected).abs() <= 1e-6 * expected.abs().max(1e-12), "{what}: {found}, not {expected}");
}

#[test]
fn energy_and_price_are_the_sums_of_their_parts() {
    let sim = Sim::new().with("priced.toml", PRICED);
    for (policy, row) in figures(&sim, &[]) {
        let get = |column: &str| of(&row, column);
        let parts = ["edge", "cloud", "radio", "network"].map(|part| get(&format!("{part}_energy_j_per_request")));
        near(get("energy_j_per_request"), parts.iter().sum(), &policy);
        let [edge, cloud] = ["edge", "cloud"].map(|tier| get(&format!("{tier}_work_j_per_request")));
        near(get("energy_without_idle_j_per_request"), edge + cloud + parts[2] + parts[3], &policy);
        let [up, down] = ["up", "down"].map(|way| 8e6 * get(&format!("{way}link_mb_per_request")));
        let awake = if up > 0.0 { 1.5 * get("e2e_ms_mean") / 1e3 } else { 0.0 };
        near(parts[2], (400.0 * up + 50.0 * down) / 1e9 + awake, &policy);
        near(parts[3], 1000.0 * (up + down) / 1e9, &policy);
        // Of .0001 and .001 a second, for the tiers that compute.
        let second = [(edge, 0.0001), (cloud, 0.001)]
            .iter()
            .filter(|(work, _)| *work > 0.0)
            .map(|(_, price)| price)
            .sum::<f64>();
        let expected = second * get("makespan_s") / 12.0 + 0.05 * (up + down) / 8e9;
        near(get("cost_per_request"), expected, &policy);
        near(get("cost_per_1000_tokens"), 1000.0 * expected / get("output_tokens_per_request"), &policy);
        near(get("right_answers_per_kj"), 10.0 * get("accuracy_pct") / get("energy_j_per_request"), &policy);
    }
}

#[test]
fn a_tier_that_is_not_used_costs_nothing() {
    let rows = figures(&Sim::new().with("priced.toml", PRICED), &[]);
    for (policy, part) in
        [("cloud_only", "edge"), ("edge_only", "cloud"), ("edge_only", "radio"), ("edge_only", "network")]
    {
        assert_eq!(of(&rows[policy], &format!("{part}_energy_j_per_request")), 0.0, "{policy} {part}");
    }
    assert!(of(&rows["msao"], "edge_energy_j_per_request") > of(&rows["msao"], "edge_work_j_per_request"));
}

#[test]
fn raw_input_is_what_shows_the_question() {
    let rows = figures(&Sim::new().with("priced.toml", PRICED), &[]);
    let raw = |policy: &str| of(&rows[policy], "raw_upload_mb_per_request");
    let up = |policy: &str| of(&rows[policy], "uplink_mb_per_request");
    assert_eq!((raw("edge_only"), raw("mindfusion")), (0.0, 0.0), "nothing leaves, or hidden states alone");
    assert!(up("mindfusion") > 0.0);
    // Headers of packets are no input.
    assert!(raw("cloud_only") < up("cloud_only") && raw("cloud_only") > 0.95 * up("cloud_only"));
    assert!(raw("msao") > 0.0 && raw("msao") < raw("cloud_only"), "a pruned picture is still one");
    let encoded = figures(&Sim::new().with("priced.toml", PRICED), &["--set", "workload.payload=vision_tokens"]);
    let text = of(&encoded["cloud_only"], "raw_upload_mb_per_request");
    assert!(text > 0.0 && text < 0.001, "{text}: the text alone");
}

#[test]
fn nothing_has_a_price_unless_one_is_stated() {
    let sim = Sim::new().with("priced.toml", PRICED.split("[costs]").next().expect("its head"));
    let rows = figures(&sim, &[]);
    for column in ["cost_per_request", "radio_energy_j_per_request", "network_energy_j_per_request"] {
        assert!(rows.values().all(|row| row[column].is_empty()), "{column}");
    }
    let device = "[device.box]\nmemory = \"24 GiB\"\nbandwidth = \"936 GB/s\"\npeak = \"71 TFLOP/s\"\ntdp = \"350 W\"\nidle = \"25 W\"\n\
                  price_per_hour = 0.36\n[edge]\ndevice = \"box\"\n";
    let own = Sim::new().with("priced.toml", format!("{}{device}", sim.text("priced.toml")));
    let row = &figures(&own, &[])["edge_only"];
    near(of(row, "cost_per_request"), 0.0001 * of(row, "makespan_s") / 12.0, "the price of a device");
}

#[test]
fn amounts_that_cannot_be_are_refused() {
    let sim = Sim::new().with("priced.toml", PRICED);
    let amounts =
        ["costs.per_gb=-1", "costs.edge_per_hour=nan", "costs.radio=lto", "costs.radio.own={ up_nj_per_bit = 1.0 }"];
    insta::assert_snapshot!(refused_with(&sim, "priced.toml", &amounts));
}

/// [`PRICED`] with every policy that there is, in the place of its own.
fn of_all_policies() -> String {
    // All but one have defaults; that of a program of one's own names it.
    let settings = |name: &str| match name {
        "external" => "{ command = [\"sh\", \"-c\", \"read -r hello; echo '{\\\"msao_sim\\\":1}'; cat > /dev/null\"] }",
        _ => "{}",
    };
    let policies: String = SYSTEMS.iter().map(|(name, _)| format!("policy.{name} = {}\n", settings(name))).collect();
    let others = PRICED.lines().filter(|line| !line.starts_with("policy.")).collect::<Vec<_>>().join("\n");
    others.replacen("replications = 1\n", &format!("replications = 1\n{policies}"), 1)
}

#[test]
fn no_policy_pays_for_a_tier_that_it_leaves_alone() {
    let sim = Sim::new().with("priced.toml", of_all_policies());
    let all = figures(&sim, &[]);
    assert!(all.len() >= SYSTEMS.len());
    let mut unused = Vec::new();
    for (tier, price) in [("edge", "costs.edge_per_hour=1000"), ("cloud", "costs.cloud_per_hour=1000")] {
        let free = ["edge_per_hour", "cloud_per_hour", "per_gb"].map(|key| format!("costs.{key}=0"));
        let set = free.iter().map(String::as_str).chain([price]).flat_map(|set| ["--set", set]).collect::<Vec<_>>();
        for (policy, row) in figures(&sim, &set) {
            let spent = ["energy", "work"].map(|kind| of(&row, &format!("{tier}_{kind}_j_per_request")));
            let cost = of(&row, "cost_per_request");
            let is_used = of(&row, &format!("{tier}_utilisation_pct")) > 0.0;
            assert!(
                [spent[0], spent[1], cost].iter().all(|amount| (*amount > 0.0) == is_used),
                "{policy} {tier}: {row:?}"
            );
            if !is_used {
                unused.push(format!("{policy} {tier}"));
            }
        }
    }
    assert!(
        unused.contains(&"cloud_only edge".to_owned()) && unused.contains(&"edge_only cloud".to_owned()),
        "{unused:?}"
    );
}

#[test]
fn a_policy_is_refused_if_raw_input_leaves_under_it() {
    let sim = Sim::new().with("priced.toml", of_all_policies());
    let require = "require=no_raw_upload";
    let said = refused(&sim, &["priced.toml", "--set", require]);
    for (policy, row) in figures(&sim, &[]) {
        let names = said.split([' ', ',']).any(|word| word == policy);
        assert_eq!(names, of(&row, "raw_upload_mb_per_request") > 0.0, "{policy}: {said}");
    }
    let private = PRICED.replace("policy.cloud_only = {}\n", "").replace("policy.msao = {}\n", "");
    let sim = Sim::new().with("priced.toml", private);
    assert_eq!(figures(&sim, &["--set", require]).len(), 2);
    insta::assert_snapshot!(refused_with(&sim, "priced.toml", &["require=no_upload"]));
    // Or what leaves is a constraint among others.
    let sim = Sim::new().with("priced.toml", PRICED);
    figures(&sim, &[]);
    let best = ["best", "out", "--minimise", "e2e_ms_mean", "--subject-to", "raw_upload_mb_per_request <= 0"];
    let said = sim.done(best).stdout;
    assert!(said.contains("mindfusion") && !said.contains("cloud_only"), "{said}");
}
