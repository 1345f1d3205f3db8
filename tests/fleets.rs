//! Fleets through the binary: groups of edges, pools of the cloud, and what is refused of them.

use crate::refusals::refused;
use crate::summary::{number, summary};
use crate::support::Sim;

/// Two groups of edges and two pools, in a blink.
const FLEET: &str = "\
name = \"fleet\"
replications = 1

[edges.orin]
device = \"jetson-agx-orin-64\"
count = 2

[edges.phone]
device = \"snapdragon-8-gen-3\"
weights = \"w4a16_awq\"
count = 3

[pools.far]
device = \"h100-sxm\"
rtt = \"40 ms\"

[pools.near]
gpus = 2

[workload]
dataset = \"vqav2\"
requests = 30

[arrivals.poisson]
rate = \"4 /s\"

[policy.cloud_only]
";

/// [`FLEET`] with one text in the place of another, which is there.
fn with(old: &str, new: &str) -> String {
    assert!(FLEET.contains(old), "{old}");
    FLEET.replace(old, new)
}

#[test]
fn fleets_that_cannot_be() {
    let cases = [
        ("[edge] beside [edges.NAME]", with("[workload]", "[edge]\ncount = 2\n[workload]")),
        ("[cloud] beside [pools.NAME]", with("[workload]", "[cloud]\ngpus = 2\n[workload]")),
        ("a group without edges", with("count = 3", "count = 0")),
        ("a pool without GPUs", with("gpus = 2", "gpus = 0")),
        (
            "shares that do not sum",
            with("count = 2", "count = 2\nshare = 0.5").replace("count = 3", "count = 3\nshare = 0.6"),
        ),
        ("a share for one group alone", with("count = 2", "count = 2\nshare = 0.5")),
        (
            "a share of a closed loop",
            with("[arrivals.poisson]\nrate = \"4 /s\"", "").replace("count = 2", "count = 2\nshare = 0.5"),
        ),
        ("a share and arrivals", with("count = 2", "count = 2\nshare = 0.5\narrivals.poisson.rate = \"1 /s\"")),
        ("a trace of a group's own", with("count = 2", "count = 2\narrivals.trace.speed = 2.0")),
        ("a class without a pool", with("replications = 1", "replications = 1\nrouter = \"by_class\"")),
        (
            "a pool that there is not",
            with("replications = 1", "replications = 1\nrouter = \"by_class\"")
                .replace("count = 2", "count = 2\npool = \"nera\""),
        ),
        (
            "a pool that no router reaches",
            with("replications = 1", "replications = 1\nrouter = \"by_class\"")
                .replace("count =", "pool = \"near\"\ncount ="),
        ),
        ("a class that no router looks at", with("count = 2", "count = 2\npool = \"near\"")),
        (
            "edges without a GPU under a policy that needs one",
            with("\"jetson-agx-orin-64\"", "\"none\"") + "[policy.msao]\n",
        ),
        (
            "edges without a GPU that encode",
            with("\"jetson-agx-orin-64\"", "\"none\"")
                .replace("requests = 30", "requests = 30\npayload = \"vision_tokens\""),
        ),
        (
            "pools of several models under a split",
            with("gpus = 2", "model = \"qwen2.5-vl-3b\"") + "[policy.mindfusion]\n",
        ),
        ("a name that is none", with("[edges.orin]", "[edges.\"my orin\"]")),
        ("a router that there is not", with("replications = 1", "replications = 1\nrouter = \"random\"")),
        ("a model that does not fit", with("weights = \"w4a16_awq\"", "model = \"qwen2.5-vl-7b\"")),
        ("a replay", with("replications = 1", "replications = 1\nmode = \"replay\"")),
    ];
    let refusal = |(what, text): (&str, String)| {
        let message = refused(&Sim::new().with("fleet.toml", text), &["fleet.toml"]);
        format!("# {what}\n{message}\n")
    };
    insta::assert_snapshot!(cases.into_iter().map(refusal).collect::<String>());
}

#[test]
fn a_fleet_is_told_by_group_and_pool() {
    let text = with("[policy.cloud_only]", "[policy.cloud_only]\n[policy.edge_only]");
    let sim = Sim::new().with("fleet.toml", text);
    let said = sim.done(["fleet.toml"]);
    assert_eq!(said.stderr.matches("warning").count(), 1, "figures are of 16 bits: {}", said.stderr);
    let rows: Vec<Vec<&str>> = said.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    let head = rows.iter().find(|row| row.starts_with(&["policy", "group"])).expect("a table by group");
    assert_eq!(head[head.len() - 6..], ["in", "far", "%", "in", "near", "%"]);
    for policy in ["cloud_only", "edge_only"] {
        let of = |group| rows.iter().find(|row| row.starts_with(&[policy, group])).expect("a row");
        let requests = |group| of(group)[2].parse::<u32>().expect("a number");
        assert_eq!(requests("orin") + requests("phone"), 30, "{policy}");
        let shares: f64 = of("phone").iter().rev().take(2).map(|share| share.parse::<f64>().expect("a share")).sum();
        let expected = if policy == "cloud_only" { 100.0 } else { 0.0 };
        assert!((shares - expected).abs() < 0.2, "{policy}: {shares}");
    }
}

#[test]
fn one_group_and_one_pool_by_name_are_the_plain_tables() {
    let plain = "name = \"x\"\n[edge]\ncount = 2\n[cloud]\ngpus = 2\n[workload]\ndataset = \"vqav2\"\nrequests = 20\n[policy.msao]\n";
    let named = plain.replace("[edge]", "[edges.mine]").replace("[cloud]", "[pools.mine]");
    let named = named.replace("name = \"x\"", "name = \"x\"\nreport_every = \"0 s\"");
    let plain = plain.replace("name = \"x\"", "name = \"x\"\nreport_every = \"0 s\"");
    let sim = Sim::new().with("plain.toml", plain).with("named.toml", named);
    let table = |file: &str| {
        let printed = sim.done([file, "--out", file.trim_end_matches(".toml")]).stdout;
        printed.lines().take(2).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(table("plain.toml"), table("named.toml"));
}

#[test]
fn keys_of_groups_and_pools_are_swept_and_set() {
    let sweep = "[sweep]\n\"edges.phone.count\" = [1, 3]\n\"pools.near.gpus\" = [1, 2]\n";
    let sim = Sim::new().with("fleet.toml", format!("{FLEET}{sweep}"));
    sim.done(["fleet.toml", "--set", "pools.far.rtt=60 ms", "--set", "edges.orin.arrivals.poisson.rate=1 /s"]);
    let csv = std::fs::read_to_string(sim.path("results/fleet/summary.csv")).expect("a summary");
    let rows = summary(&csv);
    assert_eq!(rows.len(), 4);
    assert!(rows.iter().all(|row| number(row, "completed") == 30.0));
    let shown = sim.done(["show", "fleet.toml"]).stdout;
    assert!(shown.contains("[edges.phone]") && shown.contains("[pools.near]"), "{shown}");
    assert!(!shown.contains("[edge]") && !shown.contains("[cloud]"), "{shown}");
    // The printed text gives the same bytes.
    let sim = sim.with("again.toml", &shown);
    assert_eq!(sim.done(["show", "again.toml"]).stdout.replace("# set    ", "").lines().count(), shown.lines().count());
    sim.done(["fleet.toml", "--out", "first"]);
    sim.done(["again.toml", "--out", "second"]);
    let bytes = |folder: &str| std::fs::read(sim.path(folder).join("summary.csv")).expect("a summary");
    assert_eq!(bytes("first"), bytes("second"));
}

#[test]
fn keys_without_effect_are_named_by_group() {
    let text = with("device = \"jetson-agx-orin-64\"", "device = \"none\"\nengine = \"hf\"")
        .replace("count = 3", "count = 3\nengine = \"vllm-0.19\"");
    let said = Sim::new().with("fleet.toml", text).done(["fleet.toml"]).stderr;
    for key in ["edges.orin.engine has no effect", "edges.phone.engine has no effect"] {
        assert!(said.contains(key), "{key}: {said}");
    }
}

#[test]
fn the_bundled_fleet_runs() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/fleet.toml");
    let sim = Sim::new();
    let small = ["--set", "workload.requests=60", "--set", "workload.warm_up=0", "--set", "replications=1"];
    let said = sim.run_with_report([&[file][..], &small].concat());
    assert_eq!(said.code, Some(0), "{said:?}");
    for group in ["camera", "orin", "phone"] {
        assert!(said.stdout.lines().any(|line| line.split_whitespace().nth(1) == Some(group)), "{}", said.stdout);
    }
    let figure = std::fs::read_to_string(sim.path("results/fleet/report/groups.svg")).expect("a figure by group");
    assert!(["camera", "orin", "phone"].iter().all(|group| figure.contains(group)));
}
