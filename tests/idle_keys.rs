//! Keys that were set and have no effect: they are named, and it is true.

use crate::summary::summary;
use crate::support::Sim;

/// A scenario with this policy and these lines below it.
fn scenario(policy: &str, lines: &str) -> Sim {
    let text = format!(
        "name = \"small\"\nreplications = 1\n{lines}\n[workload]\nrequests = 5\ndataset = \"vqav2\"\n{policy}\n"
    );
    Sim::new().with("small.toml", text)
}

const TEXT: &str = "workload.dataset={custom={width=0,height=0}}";

/// A policy, what else is set, and a key without effect beside that, with two values of it.
const CASES: &[(&str, &[&str], &str, [&str; 2])] = &[
    ("cloud_only", &[], "edge.engine", ["hf", "graph"]),
    ("cloud_only", &[], "edge.tuning.overhead", ["1 ms", "9 ms"]),
    ("cloud_only", &[], "edge.model", ["qwen2-vl-7b", "qwen2.5-vl-3b"]),
    ("cloud_only", &[], "edge.batch.items", ["1", "8"]),
    ("cloud_only", &[], "edge.probe_layers", ["1", "9"]),
    ("cloud_only", &[], "accuracy.edge", ["10 %", "90 %"]),
    ("cloud_only", &[], "tokens.iid", ["10 %", "90 %"]),
    ("cloud_only", &[], "descriptors.spatial_alpha", ["1.5", "2.5"]),
    ("cloud_only", &[], "accuracy.pruning_loss", ["llava-fastv", "llava-visionzip"]),
    ("edge_only", &[], "cloud.engine", ["hf", "graph"]),
    ("edge_only", &[], "cloud.tuning.eta_mem", ["10 %", "90 %"]),
    ("edge_only", &[], "cloud.batch.chunk_tokens", ["128", "256"]),
    ("edge_only", &[], "accuracy.cloud", ["10 %", "90 %"]),
    ("edge_only", &[], "link.rtt", ["1 ms", "90 ms"]),
    ("edge_only", &[], "link.loss", ["1 %", "9 %"]),
    ("edge_only", &[], "link.sharing.fair.access", ["1 Mbps", "9 Mbps"]),
    ("edge_only", &[], "link.bandwidth", ["1 Mbps", "9 Mbps"]),
    ("edge_only", &[], "tokens.two_state.stay", ["0.1", "0.9"]),
    ("perllm", &[], "tokens.two_state.stay", ["0.1", "0.9"]),
    ("perllm", &[], "edge.probe_layers", ["1", "9"]),
    ("perllm", &["policy.perllm.reading.layer_split=4"], "descriptors.relevance_mean", ["0.1", "0.9"]),
    ("speculative", &[], "edge.probe_layers", ["1", "9"]),
    ("speculative", &[], "accuracy.pruning_loss", ["llava-fastv", "llava-visionzip"]),
    ("msao", &["policy.msao.quality_loss_max=0"], "policy.msao.upload_time_max", ["1 us", "9 s"]),
    ("msao", &["policy.msao.quality_loss_max=0"], "accuracy.pruning_loss", ["llava-fastv", "llava-visionzip"]),
    ("msao", &[TEXT], "edge.preprocess", ["1 ms", "90 ms"]),
    ("msao", &[TEXT], "edge.probe_layers", ["1", "9"]),
    ("msao", &[TEXT], "descriptors.spatial_beta", ["1.5", "2.5"]),
    ("msao", &[TEXT], "accuracy.pruning_loss", ["llava-fastv", "llava-visionzip"]),
    ("msao", &["workload.dataset={custom={width=0}}"], "workload.dataset.custom.height", ["100", "900"]),
    ("msao", &["workload.dataset={custom={height=0}}"], "workload.dataset.custom.width", ["100", "900"]),
    ("msao", &["workload.output_tokens=9"], "workload.dataset.custom.output_tokens", ["1", "99"]),
    (
        "msao",
        &["link.up={constant=\"9 Mbps\"}", "link.down={constant=\"9 Mbps\"}"],
        "link.bandwidth",
        ["1 Mbps", "9 Mbps"],
    ),
    ("msao", &["link.header=0 B"], "link.packet", ["100 B", "900 B"]),
];

#[test]
fn what_is_named_has_no_effect() {
    for (policy, beside, key, values) in CASES {
        let sim = scenario(&format!("[policy.{policy}]"), "");
        let beside: Vec<&str> = beside.iter().flat_map(|set| ["--set", set]).collect();
        let rows = |value: &str| {
            let set = format!("{key}={value}");
            let output = sim.done([&["small.toml", "--out", "out"], &beside[..], &["--set", &set]].concat());
            let warnings: Vec<&str> = output.stderr.lines().filter(|line| line.starts_with("sim: warning: ")).collect();
            let [warning] = warnings[..] else { panic!("{policy} with {set}: {}", output.stderr) };
            assert!(warning.contains(&format!(": {key} has no effect: ")), "{warning}");
            let mut rows: Vec<_> = summary(&sim.text("out/summary.csv"))
                .into_iter()
                .map(|row| row.into_iter().map(|(column, value)| (column.to_owned(), value.to_owned())).collect())
                .collect::<Vec<std::collections::BTreeMap<_, _>>>();
            // A label, which is why its warning says so.
            rows.iter_mut().for_each(|row| drop(row.remove("bandwidth_mbps")));
            let manifest: serde_json::Value = serde_json::from_str(&sim.text("out/manifest.json")).expect("JSON");
            (rows, manifest["journal_digest"].clone())
        };
        assert_eq!(rows(values[0]), rows(values[1]), "{policy} with {key}");
    }
}

/// What is said on stderr of a scenario by `show`, which a run says too.
fn said(sim: &Sim, more: &[&str]) -> String {
    let shown = sim.done([&["show", "small.toml"], more].concat()).stderr;
    let run = sim.done([&["small.toml", "--out", "out"], more].concat()).stderr;
    assert!(run.starts_with(&shown), "show: {shown}\nrun: {run}");
    shown
}

#[test]
fn each_is_pointed_at_in_the_order_of_the_file() {
    const DEVICE: &str = "[device.mine]\nmemory = \"24 GB\"\nbandwidth = \"1 TB/s\"\npeak = \"1 TFLOP/s\"\ntdp = \"300 W\"\nidle = \"30 W\"";
    let lines = format!(
        "edge.probe_layers = 3\n{DEVICE}\n[link]\nup.constant = \"3 Mbps\"\nsharing.fair = {{}}\n\
         [sweep]\n\"link.loss\" = [0.0, 0.1]\n[tokens.two_state]"
    );
    let sim = scenario("[policy.edge_only]", &lines);
    insta::assert_snapshot!(said(&sim, &["--set", "cloud={engine=\"hf\"}", "--set", "cloud.tuning.floor=3 ms"]));
}

#[test]
fn of_several_policies_the_right_one_is_named() {
    let policies = "[[policy.msao]]\nupload_time_max = \"2 s\"\n\
                    [[policy.msao]]\nlabel = \"b\"\nquality_loss_max = 0\nupload_time_max = \"3 s\"";
    let sim = scenario(policies, "");
    insta::assert_snapshot!(said(&sim, &[]), @r#"
    sim: warning: small.toml:12:19: policy.msao.1.upload_time_max has no effect: quality_loss_max is 0, so the plan has nothing to prune or compress
       |
    12 | upload_time_max = "3 s"
       |                   ^^^^^
    "#);
    let over = said(&sim, &["--set", "policy.msao.1.quality_loss_max=1 %", "--set", "policy.msao.quality_loss_max=0"]);
    assert!(over.contains("small.toml:8:19: policy.msao.0.upload_time_max") && !over.contains("msao.1"), "{over}");
}

/// A key is idle only if it is so at every point and for every policy.
#[test]
fn what_any_point_or_policy_reads_is_not_named() {
    let tokens = "[tokens.two_state]\nstay = 0.4";
    assert_eq!(said(&scenario("[policy.cloud_only]\n[policy.speculative]", tokens), &[]), "");
    let up = "[link]\nbandwidth = \"3 Mbps\"\nup.constant = \"3 Mbps\"\ndown.constant = \"3 Mbps\"";
    let policy = "[policy.cloud_only]";
    assert!(said(&scenario(policy, up), &[]).contains("link.bandwidth has no effect: link.up and link.down"));
    let header = "[link]\nheader = \"0 B\"\npacket = \"500 B\"\n[sweep]\n\"link.loss\" = [0.0, 0.1]";
    assert_eq!(said(&scenario(policy, header), &[]), "");
    let all = header.replace("[0.0, 0.1]", "[0.0, 0]");
    assert!(said(&scenario(policy, &all), &[]).contains("small.toml:5:10: link.packet has no effect"), "{all}");
    let device = "[device.mine]\nmemory = \"24 GB\"\nbandwidth = \"1 TB/s\"\npeak = \"1 TFLOP/s\"\ntdp = \"9 W\"\nidle = \"9 W\"";
    let swept = format!("{device}\n[sweep]\n\"edge.device\" = [\"mine\", \"rtx-3090\"]");
    assert_eq!(said(&scenario(policy, &swept), &[]), "");
}

/// Every default, in a scenario in which most of them are idle.
#[test]
fn what_was_not_set_is_not_named() {
    for policy in ["cloud_only", "edge_only"] {
        assert_eq!(said(&scenario(&format!("[policy.{policy}]"), ""), &[]), "");
    }
}
