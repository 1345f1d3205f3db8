//! Keys that were set and have no effect: they are named, and it is true.

use crate::summary::summary;
use crate::support::Sim;
use std::collections::BTreeMap;

/// A scenario with this policy and these lines below it.
fn scenario(policy: &str, lines: &str) -> Sim {
    let text = format!(
        "name = \"small\"\nreplications = 1\n{lines}\n[workload]\nrequests = 5\ndataset = \"vqav2\"\n{policy}\n"
    );
    Sim::new().with("small.toml", text)
}

const TEXT: &str = "workload.dataset={custom={width=0,height=0}}";
const SOUND: &str = "workload.dataset={custom={width=0,height=0,audio=\"2 s\"}}";
const LONG: &str = "workload.output_tokens=40";
const WHOLE: &str = "policy.msao.plan.quality_loss_max=0";
const UNIFORM: &str = "policy.msao.plan.modality_awareness.uniform=0.5";
const NO_PLAN: &str = "policy.msao.plan.coarse_solver=none";
const TRUST: &str = "policy.msao.semantics=trust";
const STATIC: &str = "policy.msao.theta.accept_rule=static";
const SPLIT: &str = "policy.perllm.reading.layer_split=4";

/// A policy, what else is set, and a key without effect beside that, with two values of it.
const CASES: &[(&str, &[&str], &str, [&str; 2])] = &[
    ("cloud_only", &[], "edge.engine", ["hf", "graph"]),
    ("cloud_only", &[], "edge.tuning.overhead", ["1 ms", "9 ms"]),
    ("cloud_only", &[], "edge.model", ["qwen2-vl-7b", "qwen2.5-vl-3b"]),
    ("cloud_only", &[], "edge.batch.items", ["1", "8"]),
    ("cloud_only", &[], "cloud.batch.items", ["1", "8"]),
    ("cloud_only", &[], "cloud.remote", ["held", "prefix"]),
    ("cloud_only", &[], "cloud.interconnect", ["pcie-4", "nvlink-4"]),
    (
        "cloud_only",
        &["cloud.model=qwen3-vl-30b-a3b", "cloud.device=h100-sxm"],
        "cloud.expert_parallel",
        ["true", "false"],
    ),
    ("edge_only", &[], "edge.batch.items", ["1", "8"]),
    ("speculative", &["cloud.engine=graph"], "cloud.remote", ["held", "prefix"]),
    ("cloud_only", &[], "edge.probe_layers", ["1", "9"]),
    ("cloud_only", &[], "accuracy.edge", ["10 %", "90 %"]),
    ("cloud_only", &[], "accuracy.edge_recovery", ["10 %", "90 %"]),
    ("edge_only", &["edge.weights=q4_0"], "accuracy.cloud_recovery", ["10 %", "90 %"]),
    ("cloud_only", &["accuracy.cloud=0.8"], "accuracy.cloud_recovery", ["10 %", "90 %"]),
    ("edge_only", &["accuracy.edge=0.6"], "accuracy.edge_recovery", ["10 %", "90 %"]),
    ("perllm", &["accuracy.cloud=0.8", "accuracy.edge=0.6"], "accuracy.source", ["paper", "sieve"]),
    ("perllm", &["accuracy.cloud=0.8", "accuracy.edge=0.6"], "accuracy.dataset", ["vqav2", "mmbench"]),
    ("cloud_only", &[], "tokens.iid", ["10 %", "90 %"]),
    ("cloud_only", &[], "descriptors.spatial_alpha", ["1.5", "2.5"]),
    ("cloud_only", &[], "accuracy.pruning_loss", ["llava-fastv", "llava-visionzip"]),
    ("edge_only", &[], "cloud.engine", ["hf", "graph"]),
    ("edge_only", &[], "cloud.tuning.eta_mem", ["10 %", "90 %"]),
    ("edge_only", &[], "cloud.batch.chunk_tokens", ["128", "256"]),
    ("edge_only", &[], "accuracy.cloud", ["10 %", "90 %"]),
    ("edge_only", &[], "link.rtt", ["1 ms", "90 ms"]),
    ("edge_only", &[], "link.loss", ["1 %", "9 %"]),
    ("edge_only", &[], "costs.per_gb", ["1", "9"]),
    ("edge_only", &[], "costs.radio", ["lte", "wifi"]),
    ("edge_only", &[], "costs.network_nj_per_bit", ["1", "9"]),
    ("edge_only", &["costs.edge_per_hour=1"], "costs.cloud_per_hour", ["1", "9"]),
    ("edge_only", &[], "link.sharing.fair.most", ["1 Mbps", "9 Mbps"]),
    ("cloud_only", &["link.transport=ideal"], "link.congestion", ["cubic", "bbr"]),
    ("cloud_only", &["link.transport=ideal"], "link.queue", ["9 kB", "9 MB"]),
    ("cloud_only", &["link.transport=ideal"], "link.initial_window", ["1", "90"]),
    ("cloud_only", &["link.transport=ideal"], "link.receive_window", ["1 kB", "9 MB"]),
    ("cloud_only", &["link.transport=ideal"], "link.idle_restart", ["true", "false"]),
    ("cloud_only", &["link.transport=ideal"], "link.connection", ["kept", "per_request"]),
    ("cloud_only", &["link.congestion=bbr"], "link.idle_restart", ["true", "false"]),
    ("cloud_only", &[], "link.tls", ["0", "2"]),
    ("edge_only", &[], "link.bandwidth", ["1 Mbps", "9 Mbps"]),
    ("edge_only", &[], "edge.link.bandwidth", ["1 Mbps", "9 Mbps"]),
    ("cloud_only", &["link.delay_up=3 ms", "link.delay_down=9 ms"], "link.rtt", ["1 ms", "90 ms"]),
    ("cloud_only", &["link.loss_up=1 %", "link.loss_down=0"], "link.loss", ["2 %", "9 %"]),
    ("cloud_only", &[], "workload.fall_back", ["true", "false"]),
    ("edge_only", &[], "tokens.two_state.stay", ["0.1", "0.9"]),
    ("perllm", &[], "tokens.two_state.stay", ["0.1", "0.9"]),
    ("perllm", &[], "edge.probe_layers", ["1", "9"]),
    ("perllm", &["policy.perllm.reading.layer_split=4"], "descriptors.relevance_mean", ["0.1", "0.9"]),
    ("speculative", &[], "edge.probe_layers", ["1", "9"]),
    ("speculative", &[], "accuracy.pruning_loss", ["llava-fastv", "llava-visionzip"]),
    ("msao", &[WHOLE], "policy.msao.plan.upload_time_max", ["1 us", "9 s"]),
    ("msao", &[WHOLE], "policy.msao.plan.prune_stage", ["pre_vit", "post_vit"]),
    ("msao", &[WHOLE], "accuracy.pruning_loss", ["llava-fastv", "llava-visionzip"]),
    ("msao", &[TEXT], "edge.preprocess", ["1 ms", "90 ms"]),
    ("msao", &[TEXT], "cloud.tuning.megapixel_overhead", ["1 ms", "900 ms"]),
    ("msao", &[SOUND], "edge.tuning.megapixel_overhead", ["1 ms", "900 ms"]),
    ("cloud_only", &[], "edge.tuning.megapixel_overhead", ["1 ms", "900 ms"]),
    ("cloud_only", &[], "edge.engine", ["hf", "vllm-0.7"]),
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
    ("cloud_only", &[], "link.start", ["spread", "first"]),
    ("msao", &["link.header=0 B", "link.transport=ideal"], "link.packet", ["100 B", "900 B"]),
    // What runs where.
    ("cloud_only", &[], "edge.weights", ["q8_0", "q4_0"]),
    ("edge_only", &[], "cloud.weights", ["q8_0", "q4_0"]),
    ("mindfusion", &[], "edge.weights", ["q8_0", "q4_0"]),
    ("mindfusion", &[], "edge.model", ["qwen2-vl-7b", "qwen2.5-vl-3b"]),
    ("perllm", &[SPLIT], "edge.weights", ["q8_0", "q4_0"]),
    ("cloud_only", &[], "memory_scope", ["total", "paper"]),
    ("edge_only", &[], "memory_scope", ["total", "paper"]),
    // What is sent.
    ("cloud_only", &[TEXT], "workload.payload", ["rgb8", "vision_tokens"]),
    ("cloud_only", &[TEXT], "workload.questions_per_picture", ["2", "3"]),
    ("cloud_only", &[SOUND], "workload.payload", ["rgb8", "vision_tokens"]),
    ("edge_only", &[], "workload.payload", ["rgb8", "vision_tokens"]),
    ("mindfusion", &[], "workload.payload", ["rgb8", "vision_tokens"]),
    ("token_dropping", &[], "workload.payload", ["rgb8", "vision_tokens"]),
    ("perllm", &[SPLIT], "workload.payload", ["rgb8", "vision_tokens"]),
    ("edge_only", &[], "link.t_comm_rtt", ["half", "literal"]),
    ("mindfusion", &[], "link.t_comm_rtt", ["half", "literal"]),
    ("perllm", &[SPLIT], "link.t_comm_rtt", ["half", "literal"]),
    ("cloud_only", &["link.rtt=0 s"], "link.t_comm_rtt", ["half", "literal"]),
    ("msao", &[SOUND], "workload.dataset.custom.frames", ["2", "9"]),
    // What is published.
    ("mindfusion", &[TEXT], "policy.mindfusion.representation_compression", ["true", "false"]),
    ("mindfusion", &[SOUND], "policy.mindfusion.compressed_share", ["10 %", "90 %"]),
    (
        "mindfusion",
        &["policy.mindfusion.representation_compression=false"],
        "policy.mindfusion.compressed_share",
        ["10 %", "90 %"],
    ),
    ("token_dropping", &[TEXT], "policy.token_dropping.method", ["tome", "mustdrop"]),
    // What decides which tokens are verified.
    ("msao", &[], "accuracy.critical_tokens", ["1", "99"]),
    ("msao", &["policy.msao.semantics.route.static=0.5"], "policy.msao.theta.delta", ["0.1", "0.9"]),
    ("msao", &["policy.msao.semantics.route.static=0.5"], "policy.msao.state_bytes", ["ids_only", "full_kv"]),
    ("msao", &[TRUST], "policy.msao.n_draft", ["recompute", "accept_target"]),
    ("msao", &[TRUST], "policy.msao.low_confidence", ["wait", "continue"]),
    ("msao", &[TRUST, STATIC], "policy.msao.theta.p_target", ["0.5", "0.9"]),
    ("msao", &[TRUST, STATIC], "policy.msao.theta.acceptance_weight", ["0.1", "0.9"]),
    ("msao", &[STATIC], "policy.msao.theta.acceptance_weight", ["0.1", "0.9"]),
    ("msao", &[STATIC, "policy.msao.n_draft.fixed=3"], "policy.msao.theta.p_target", ["0.5", "0.9"]),
    ("msao", &["policy.msao.n_draft.fixed=3"], "policy.msao.n_max", ["1", "9"]),
    ("msao", &["policy.msao.draft_during_verify.pipelined=3"], "policy.msao.bonus_token", ["never", "when_blocking"]),
    ("msao", &["policy.msao.low_confidence=continue"], "policy.msao.cache_at_low_confidence", ["discard", "persist"]),
    // What is planned.
    ("msao", &[NO_PLAN], "policy.msao.plan.quality_loss_max", ["1 %", "9 %"]),
    ("msao", &[NO_PLAN], "policy.msao.plan.solver_share", ["10 %", "90 %"]),
    ("msao", &[NO_PLAN], "accuracy.pruning_loss", ["llava-fastv", "llava-visionzip"]),
    ("msao", &[], "policy.msao.plan.solver_share", ["10 %", "90 %"]),
    ("msao", &["policy.msao.plan.coarse_solver.random=9"], "policy.msao.plan.xi", ["0.1", "9"]),
    ("msao", &[UNIFORM], "policy.msao.mas.relevance", ["softmax", "sigmoid"]),
    ("msao", &[UNIFORM], "policy.msao.plan.coarse_solver.gp_ei", ["9", "19"]),
    ("msao", &[UNIFORM], "policy.msao.plan.planning_time", ["1 ms", "9 ms"]),
    ("msao", &[UNIFORM], "policy.msao.plan.quality_loss_max", ["1 %", "9 %"]),
    ("msao", &[UNIFORM], "policy.msao.plan.rho_meaning", ["bytes", "token_merge"]),
    ("msao", &[UNIFORM], "edge.probe_layers", ["1", "9"]),
    (
        "cloud_pruned",
        &["policy.cloud_pruned.plan.modality_awareness.uniform=0.5"],
        "policy.cloud_pruned.mas.tau_s",
        ["0.1", "0.9"],
    ),
    ("cloud_pruned", &[], "tokens.two_state.stay", ["0.1", "0.9"]),
    ("cloud_pruned", &[], "policy.cloud_pruned.plan.xi", ["0.1", "0.9"]),
    ("msao", &[TEXT], "policy.msao.plan.coarse_solver.gp_ei", ["9", "19"]),
    ("msao", &[TEXT], "policy.msao.plan.quality_loss_max", ["1 %", "90 %"]),
    ("msao", &[TEXT, "policy.msao.mas.text_bound=literal"], "policy.msao.plan.quality_loss_max", ["1 %", "90 %"]),
    ("msao", &[SOUND], "policy.msao.plan.rho_meaning", ["bytes", "token_merge"]),
    ("msao", &[SOUND], "policy.msao.plan.prune_stage", ["pre_vit", "post_vit"]),
    // What is measured.
    ("msao", &[SOUND], "policy.msao.mas.tau_s", ["0.1", "0.9"]),
    ("msao", &[SOUND], "policy.msao.mas.lambda_spatial", ["0.1", "0.9"]),
    ("msao", &[], "policy.msao.mas.lambda_temporal", ["0.1", "0.9"]),
    ("msao", &[], "policy.msao.mas.temporal_sign", ["corrected", "literal"]),
    ("msao", &[SOUND], "descriptors.spatial_alpha", ["1.5", "2.5"]),
    ("msao", &[SOUND], "descriptors.importance_deviation", ["1.5", "2.5"]),
    ("msao", &[], "descriptors.importance_deviation", ["1.5", "2.5"]),
    ("msao", &[], "descriptors.similarity_alpha", ["1.5", "2.5"]),
    ("cloud_pruned", &[], "descriptors.similarity_beta", ["1.5", "2.5"]),
];

/// Settings that look like one of the [`CASES`] and have an effect.
const EFFECTIVE: &[(&str, &[&str], &str, [&str; 2])] = &[
    // The vision tower of the cloud's model then runs on the edge.
    ("cloud_only", &["workload.payload=vision_tokens"], "edge.engine", ["vllm", "graph"]),
    ("cloud_only", &["workload.payload=vision_tokens"], "edge.weights", ["fp16", "q4_0"]),
    ("cloud_only", &["workload.payload=vision_tokens"], "memory_scope", ["total", "paper"]),
    ("cloud_only", &["workload.payload=vision_tokens"], "edge.tuning.megapixel_overhead", ["1 ms", "900 ms"]),
    ("cloud_only", &[], "cloud.tuning.megapixel_overhead", ["1 ms", "900 ms"]),
    ("edge_only", &[], "edge.tuning.megapixel_overhead", ["1 ms", "900 ms"]),
    ("token_dropping", &[], "link.t_comm_rtt", ["half", "literal"]),
    // Text is pruned like everything else.
    ("msao", &[TEXT, UNIFORM, "accuracy.dataset=vqav2"], "accuracy.pruning_loss", ["llava-fastv", "llava-visionzip"]),
    (
        "msao",
        &[TEXT, "policy.msao.mas.text_bound=literal", "policy.msao.mas.relevance=sigmoid"],
        "policy.msao.plan.quality_loss_max",
        ["1 %", "9 %"],
    ),
    // Sound is compressed and has neighbours in time.
    ("msao", &[SOUND], "policy.msao.plan.quality_loss_max", ["1 %", "9 %"]),
    (
        "msao",
        &[SOUND, "policy.msao.plan.quality_loss_max=0.9"],
        "policy.msao.mas.temporal_sign",
        ["corrected", "literal"],
    ),
    (
        "msao",
        &["policy.msao.mas.tau_s=0.5", "policy.msao.plan.quality_loss_max=0.9"],
        "descriptors.importance_deviation",
        ["0.5", "5"],
    ),
    (
        "msao",
        &[LONG, STATIC, "policy.msao.n_draft=accept_target"],
        "policy.msao.theta.acceptance_weight",
        ["0.1", "0.9"],
    ),
    ("msao", &[LONG, STATIC], "policy.msao.theta.p_target", ["0.5", "0.9"]),
    ("msao", &[LONG, TRUST], "policy.msao.theta.accept_rule", ["static", "ema_entropy"]),
    ("msao", &[LONG, TRUST], "policy.msao.verify.rule", ["greedy", "full_distribution"]),
    ("msao", &["workload.requests=60", LONG, TRUST], "accuracy.critical_tokens", ["0", "1024"]),
    ("cloud_only", &["cloud.model=llava-1.5-7b"], "accuracy.source", ["paper", "mindfusion"]),
    ("edge_only", &["workload.requests=60", "edge.weights=q4_0"], "accuracy.edge_recovery", ["10 %", "90 %"]),
];

/// Figures of a run: the columns of its row, and the digest of its events.
type Figures = (BTreeMap<String, String>, serde_json::Value);

/// Runs a policy with a key at a value, with what is set beside it: the warnings, and the figures.
fn run(policy: &str, beside: &[&str], set: &str) -> (Vec<String>, Figures) {
    let sim = scenario(&format!("[policy.{policy}]"), "");
    let beside: Vec<&str> = beside.iter().flat_map(|set| ["--set", set]).collect();
    let output = sim.done([&["small.toml", "--out", "out"], &beside[..], &["--set", set]].concat());
    let warnings = output.stderr.lines().filter(|line| line.contains(" has no effect: ")).map(str::to_owned);
    let csv = sim.text("out/summary.csv");
    let mut row: BTreeMap<_, _> = summary(&csv)[0].iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    // Labels, which is why their warnings say so.
    for label in ["bandwidth_mbps", "edge_engine", "cloud_engine"] {
        row.remove(label);
    }
    let manifest: serde_json::Value = serde_json::from_str(&sim.text("out/manifest.json")).expect("JSON");
    (warnings.collect(), (row, manifest["journal_digest"].clone()))
}

#[test]
fn what_is_named_has_no_effect() {
    for (policy, beside, key, values) in CASES {
        let figures = values.map(|value| {
            let (warnings, figures) = run(policy, beside, &format!("{key}={value}"));
            let [warning] = &warnings[..] else { panic!("{policy} with {beside:?}, {key}={value}: {warnings:?}") };
            assert!(warning.contains(&format!(": {key} has no effect: ")), "{warning}");
            figures
        });
        assert_eq!(figures[0], figures[1], "{policy} with {beside:?}, {key}");
    }
}

#[test]
fn what_has_an_effect_is_not_named() {
    for (policy, beside, key, values) in EFFECTIVE {
        let figures = values.map(|value| {
            let (warnings, figures) = run(policy, beside, &format!("{key}={value}"));
            assert!(warnings.is_empty(), "{policy} with {beside:?}, {key}={value}: {warnings:?}");
            figures
        });
        assert_ne!(figures[0], figures[1], "{policy} with {beside:?}, {key}");
    }
}

/// The warnings of `show` on stderr, which a run prints too.
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
    let policies = "[[policy.msao]]\nplan.upload_time_max = \"2 s\"\n\
                    [[policy.msao]]\nlabel = \"b\"\nplan.quality_loss_max = 0\nplan.upload_time_max = \"3 s\"";
    let sim = scenario(policies, "");
    insta::assert_snapshot!(said(&sim, &[]), @r#"
    sim: warning: small.toml:12:24: policy.msao.1.plan.upload_time_max has no effect: quality_loss_max is 0: nothing can be pruned or compressed
       |
    12 | plan.upload_time_max = "3 s"
       |                        ^^^^^
    "#);
    let over = said(
        &sim,
        &["--set", "policy.msao.1.plan.quality_loss_max=1 %", "--set", "policy.msao.plan.quality_loss_max=0"],
    );
    assert!(over.contains("small.toml:8:24: policy.msao.0.plan.upload_time_max") && !over.contains("msao.1"), "{over}");
}

/// A key is idle only if it is so at every point and for every policy.
#[test]
fn what_any_point_or_policy_reads_is_not_named() {
    let tokens = "[tokens.two_state]\nstay = 0.4";
    assert_eq!(said(&scenario("[policy.cloud_only]\n[policy.speculative]", tokens), &[]), "");
    let up = "[link]\nbandwidth = \"3 Mbps\"\nup.constant = \"3 Mbps\"\ndown.constant = \"3 Mbps\"";
    let policy = "[policy.cloud_only]";
    assert!(said(&scenario(policy, up), &[]).contains("link.bandwidth has no effect: link.up and link.down"));
    let header =
        "[link]\ntransport = \"ideal\"\nheader = \"0 B\"\npacket = \"500 B\"\n[sweep]\n\"link.loss\" = [0.0, 0.1]";
    assert_eq!(said(&scenario(policy, header), &[]), "");
    let all = header.replace("[0.0, 0.1]", "[0.0, 0]");
    assert!(said(&scenario(policy, &all), &[]).contains("small.toml:6:10: link.packet has no effect"), "{all}");
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
