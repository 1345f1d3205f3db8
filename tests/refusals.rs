//! Refusals and their messages. A snapshot shows each message under its cause.

use crate::parquet_file::{count, rows};
use crate::summary::{number, summary};
use crate::support::{Output, SMALL, Sim};

/// Runs `sim` in a folder and expects a refusal: exit code 2, a message, nothing on stdout, and nothing left behind.
pub fn refused(sim: &Sim, args: &[&str]) -> String {
    let before = sim.tree();
    let Output { stdout, stderr, code } = sim.run(args);
    assert_eq!(code, Some(2), "{args:?}: {stderr}");
    assert_eq!(stdout, "", "{args:?}");
    assert_eq!(sim.tree(), before, "{args:?} left something behind");
    assert!(!stderr.contains("panicked") && !stderr.trim().is_empty(), "{args:?}: {stderr}");
    stderr
}

/// The refusals of a scenario with each of these settings, under its setting.
pub fn refused_with(sim: &Sim, scenario: &str, settings: &[&str]) -> String {
    let refusal = |set: &&str| format!("# {set}\n{}", refused(sim, &[scenario, "--set", set]));
    settings.iter().map(refusal).collect::<Vec<_>>().join("\n")
}

/// The refusals of scenarios, each under the name that it is given.
fn refusals<'a>(cases: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let refusal = |(what, text): (&str, String)| {
        let message = refused(&Sim::new().with("scenario.toml", text), &["scenario.toml"]);
        format!("# {what}\n{message}\n")
    };
    cases.into_iter().map(refusal).collect()
}

/// The refusals of [`SMALL`] with each of these lines below it.
fn refusals_of(added: &[&str]) -> String {
    refusals(added.iter().map(|added| (*added, format!("{SMALL}\n{added}\n"))))
}

/// The refusals of [`SMALL`] with each of these command lines.
fn refusals_of_arguments(lines: &[&[&str]]) -> String {
    let refusal = |line: &&[&str]| {
        let sim = Sim::small();
        let message = refused(&sim, &[&["small.toml"], *line].concat());
        format!("# {}\n{message}\n", line.join(" "))
    };
    lines.iter().map(refusal).collect()
}

#[test]
fn sessions_and_shared_content() {
    let trace = "workload.dataset={served=\"a.csv\"}";
    let said = refusals_of_arguments(&[
        &["--set", "workload.system_prompt=20_000_000"],
        &["--set", "workload.questions_per_picture=0"],
        &["--set", "workload.questions_per_picture=2", "--set", trace],
        &["--set", "workload.sessions={think=\"2 s\"}"],
        &["--set", "workload.sessions.turns=0"],
        &["--set", "workload.sessions={turns=3,think=\"800 h\"}"],
        &["--set", "workload.sessions.turns=3", "--set", trace],
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn keys() {
    let said = refusals_of(&[
        "[link]\nrt = \"20 ms\"",
        "[link]\nzebra = \"20 ms\"",
        "[polcy.msao]",
        "[policy.moa]",
        "[policy.msao]\nlabl = \"a\"",
        "[policy.perllm.reading]\nlayer_splt = 3",
        "[policy.speculative.draft_during_verify]\npipeline = 3",
        "[arrivals.poison]\nrate = \"2 /s\"",
        "[sweep]\n\"link.rtt\" = [\"20 ms\"]\n[swep]",
        "[edge.tuning]\noverheads = \"2 ms\"",
        "[link.up.csv]\ncolumn = \"ul_mbps\"",
        "[device.mine]\nmemory = \"24 GB\"",
        "[cloud]\nengine = \"vlm\"",
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn values() {
    let said = refusals_of(&[
        "[link]\nrtt = \"20\"",
        "[link]\nrtt = 20",
        "[link]\nrtt = \"-20 ms\"",
        "[link]\nrtt = \"20 m\"",
        "[link]\nbandwidth = \"200 MB/s\"",
        "[link]\nbandwidth = \"0 Mbps\"",
        "[link]\nloss = 0.95",
        "[link]\nloss = \"95 %\"",
        "[link]\nloss = \"101 %\"",
        "[link]\npacket = \"0 B\"",
        "[device.tiny]\nmemory = \"24 Gb\"\nbandwidth = \"1 TB/s\"\npeak = \"100 TFLOP/s\"\ntdp = \"300 W\"\nidle = \"30 W\"",
        "[edge]\ncount = 0",
        "[edge]\ncount = -1",
        "[edge]\ncount = 1.5",
        "[arrivals.poisson]\nrate = \"0 /s\"",
        "[arrivals.poisson]\nrate = \"-1 /s\"",
        "[arrivals.closed_loop]\nclients = 0",
        "[arrivals.trace]",
        "[arrivals.trace]\nspeed = nan",
        "[arrivals.poisson]\nrate = \"1 /s\"\n[arrivals.trace]",
        "[tokens.two_state]\nstay = 1.5",
        "[accuracy]\ncloud = \"120 %\"",
    ]);
    insta::assert_snapshot!(said);
}

/// Amounts that can be written but would overflow the clock or exhaust the memory.
#[test]
fn amounts() {
    const DEVICE: &str = "[device.slow]\nmemory = \"24 GB\"\ntdp = \"300 W\"\nidle = \"30 W\"";
    let said = refusals_of(&[
        "[edge]\ncount = 4_000_000_000",
        "[edge]\ncpu_workers = 4_000_000_000",
        "[edge]\npreprocess = \"5_000_000 h\"",
        "[edge]\ntuning.floor = \"5_000_000 h\"",
        "[edge]\ntuning.eta_mem = \"0 %\"",
        "[cloud]\ntuning.eta_flop = 0.0",
        "[cloud]\ngpus = 4_000_000_000",
        "[link]\nrtt = \"5_000_000 h\"",
        "[link]\njitter = \"5_000_000 h\"",
        "[link]\nbandwidth = \"1 bps\"",
        "[arrivals.closed_loop]\nclients = 4_000_000_000",
        "[arrivals.closed_loop]\nthink = \"5_000_000 h\"",
        "[arrivals.poisson]\nrate = \"0.000_001 /h\"",
        "[arrivals.trace]\nspeed = 1e-300",
        &format!("{DEVICE}\nbandwidth = \"0 B/s\"\npeak = \"1 TFLOP/s\""),
        &format!("{DEVICE}\nbandwidth = \"1 TB/s\"\npeak = \"0 TFLOP/s\""),
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn whole_files() {
    let small = |from: &str, to: &str| {
        assert!(SMALL.contains(from), "{from}");
        SMALL.replace(from, to)
    };
    let said = refusals([
        ("a very wide picture", small("\"vqav2\"", "{ custom = { width = 4_000_000_000 } }")),
        ("no replications", small("replications = 1", "replications = 0")),
        ("very many replications", small("replications = 1", "replications = 4_000_000_000")),
        ("no requests", small("requests = 5", "requests = 0")),
        ("no policy", small("[policy.cloud_only]", "")),
        ("an empty table of policies", small("[policy.cloud_only]", "[policy]")),
        ("no dataset", small("dataset = \"vqav2\"", "")),
        ("an unknown dataset", small("\"vqav2\"", "\"vqa\"")),
        ("a dataset that needs a file", small("\"vqav2\"", "\"mooncake\"")),
        ("no name", small("name = \"small\"", "")),
        ("a name with a slash", small("\"small\"", "\"../small\"")),
        ("an empty name", small("\"small\"", "\"\"")),
        ("an unknown mode", small("replications = 1", "mode = \"live\"")),
        ("a seed below 0", small("replications = 1", "seed = -1")),
        ("an open table", small("[workload]", "[workload")),
        ("a key without a value", small("replications = 1", "replications =")),
        ("a key given twice", small("replications = 1", "replications = 1\nreplications = 2")),
        ("an empty file", String::new()),
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn devices_and_models() {
    const TINY: &str = "[device.tiny]\nmemory = \"4 GB\"\nbandwidth = \"1 TB/s\"\npeak = \"100 TFLOP/s\"\ntdp = \"300 W\"\nidle = \"30 W\"";
    let said = refusals_of(&[
        "[edge]\ndevice = \"rtx-3080\"",
        "[cloud]\ndevice = \"A100\"",
        "[cloud]\nmodel = \"qwen2.5-vl-8b\"",
        "[edge]\ndevice = \"jetson-orin-nano-8\"\nmodel = \"qwen2.5-vl-7b\"",
        "[cloud]\ndevice = \"jetson-orin-nano-8\"",
        &format!("[edge]\ndevice = \"tiny\"\n{TINY}"),
        &format!("[cloud]\ndevice = \"tiny\"\n{TINY}"),
        &format!("[edge]\ndevice = \"tiny\"\n{TINY}\n[policy.perllm]\nreading.layer_split = 20"),
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn policies() {
    let said = refusals_of(&[
        "[policy.edge_only]\nlabel = \"cloud_only\"",
        "[[policy.msao]]\n[[policy.msao]]",
        "[policy.perllm]\nreading.layer_split = 0",
        "[policy.perllm]\nreading.layer_split = 28",
        "[policy.speculative]\nn_draft = 0",
        "[policy.speculative]\ndraft_during_verify.pipelined = 0",
        "[[policy.msao]]\nn_max = 3\n[[policy.msao]]\nlabel = \"b\"\nn_max = 0",
        "[[policy.perllm]]\n[[policy.perllm]]\nlabel = \"b\"\nreading = { layer_split = 28 }",
    ]);
    insta::assert_snapshot!(said);
}

/// Keys of the papers' open points.
#[test]
fn open_points() {
    let said = refusals_of(&[
        "[policy.msao]\ncache_at_low_confidence = \"persist\"\ndraft_during_verify.pipelined = 3",
        "[policy.msao]\ncache_at_low_confidence = \"keep\"",
        "[policy.msao]\ndraft_during_verify.pipelined = 1",
        "[policy.msao]\nn_draft.fixed = 0",
        "[policy.msao]\nn_draft = 4",
        "[policy.msao]\nstate_bytes = 3072",
        "[policy.msao.semantics.route.score]\nauc = 0.3",
        "[policy.msao.semantics.route.score]\nauc = 1.0",
        "[policy.msao.semantics.route]\nstatic = 1.5",
        "[policy.msao]\nsemantics = \"route\"",
        "[policy.msao.mas]\ntau_s = 1.5",
        "[policy.msao.theta]\nmin_percentile = 0.8",
        "[policy.msao.verify]\nrule.stochastic_topk = 0",
        "[policy.perllm]\nreading.static = \"120 %\"",
        "[policy.mindfusion]\nlayers_on_device = 0",
        "[policy.mindfusion]\nlayers_on_device = 28",
        "[policy.mindfusion]\ncompressed_share = 2",
        "[policy.token_dropping]\nmethod = \"must_drop\"",
        "[accuracy]\ndeadline = 3",
        "[link]\nt_comm_rtt = \"full\"",
        "[edge]\nweights = \"q4\"",
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn plans() {
    let said = refusals_of(&[
        "[policy.msao]\nplan.coarse_solver.gp_ei = 3",
        "[policy.msao]\nplan.coarse_solver.gp_ei = 201",
        "[policy.cloud_pruned]\nplan.coarse_solver.random = 0",
        "[policy.msao]\nplan.coarse_solver = \"gp\"",
        "[policy.msao]\nplan.xi = -0.1",
        "[policy.msao]\nplan.xi = inf",
        "[policy.cloud_pruned.plan]\nmodality_awareness.uniform = 0",
        "[policy.msao]\nplan.solver_share = -1",
        "[policy.msao]\nplan.planning_time = \"2 h\"",
        "[policy.msao]\nquality_loss_max = 0.02",
        "[descriptors]\nsimilarity_alpha = 0",
        "[descriptors]\nimportance_deviation = nan",
        "[descriptors]\nrelevance_mean = 800",
        "[descriptors]\nrelevance_deviation = -1",
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn inputs() {
    let custom = |keys: &str| SMALL.replace("dataset = \"vqav2\"", &format!("dataset.custom = {{ {keys} }}"));
    let said = refusals([
        ("a video without frames", custom("frames = 0")),
        ("a very long video", custom("frames = 4_000_000_000")),
        ("sound of no length", custom("audio = \"0 s\"")),
        ("very long sound", custom("audio = \"5_000_000 h\"")),
        ("sound without a unit", custom("audio = 3")),
        ("a prompt without a token", custom("width = 0, text_tokens = 0")),
        ("an answer without a token", custom("output_tokens = 0")),
        ("a picture of one column", custom("width = 1, height = 480")),
        ("an unknown payload", SMALL.replace("requests = 5", "requests = 5\npayload = \"png\"")),
    ]);
    insta::assert_snapshot!(said);
}

/// Values at the ends of what is allowed: all of them run, and no figure is lost.
#[test]
fn ends_of_ranges_run() {
    const MSAO: &[&[&str]] = &[
        &["mas.tau_s=0"],
        &["mas.tau_s=1"],
        &["mas.lambda_spatial=1", "mas.lambda_temporal=1"],
        &["semantics.route.score.auc=0.5"],
        &["semantics.route.score.auc=0.999999"],
        &["semantics.route.score.cloud_share=0"],
        &["semantics.route.static=1"],
        &["plan.xi=1e308", "plan.coarse_solver.gp_ei=6"],
        &["plan.xi=0", "plan.coarse_solver.gp_ei=6"],
        &["plan.coarse_solver.random=1"],
        &["plan.solver_share=0", "plan.coarse_solver.gp_ei=6"],
        &["plan.modality_awareness.uniform=1e-12"],
        &["plan.upload_time_max=0 s", "plan.coarse_solver.random=9"],
        &["plan.quality_loss_max=1", "mas.text_bound=literal"],
        &["plan.planning_time=1 h"],
        &["theta.delta=0", "theta.min_percentile=0", "theta.reset=persistent"],
        &["theta.acceptance_weight=1", "n_draft=accept_target"],
        &["n_draft.fixed=1024"],
        &["draft_during_verify.pipelined=1024"],
        &["verify.rule.stochastic_topk=1024"],
    ];
    let sim = Sim::small();
    for keys in MSAO {
        let set: Vec<String> = keys.iter().map(|key| format!("policy.msao.{key}")).collect();
        let set = set.iter().flat_map(|set| ["--set", set.as_str()]);
        let base = ["small.toml", "--out", "out", "--set", "policy={msao={}}", "--set", "workload.output_tokens=30"];
        sim.done(base.into_iter().chain(set));
        let csv = sim.text("out/summary.csv");
        let row = &summary(&csv)[0];
        assert_eq!(row["completed"], "5", "{keys:?}");
        assert!(number(row, "e2e_ms_mean") > 0.0 && number(row, "accuracy_pct") >= 0.0, "{keys:?}: {csv}");
        assert!(!csv.contains("NaN") && !csv.contains("inf"), "{keys:?}: {csv}");
    }
}

/// Drafts that no step has room for are verified in pieces, whatever a step holds, and every answer is whole.
#[test]
fn steps_of_any_size_run() {
    let sim = Sim::small();
    for (engine, tokens) in [("vllm-0.19", 1), ("vllm-0.33", 2), ("llamacpp", 3), ("sglang", 15)] {
        let [edge, cloud] = ["edge", "cloud"].map(|side| format!("{side}.engine=\"{engine}\""));
        let [small_edge, small_cloud] = ["edge", "cloud"].map(|side| format!("{side}.batch.chunk_tokens={tokens}"));
        let mut line = vec!["small.toml", "--out", "out", "--steps", "--set", "policy={msao={}, speculative={}}"];
        line.extend(["--set", &edge, "--set", &cloud, "--set", &small_edge, "--set", &small_cloud]);
        line.extend(["--set", "workload.output_tokens=30", "--set", "arrivals.closed_loop.clients=3"]);
        sim.done(line);
        let csv = sim.text("out/summary.csv");
        for row in summary(&csv) {
            assert_eq!((row["completed"], row["output_tokens_per_request"]), ("5", "30"), "{engine} {tokens}: {csv}");
        }
        let largest = rows(&sim.path("out/steps.parquet")).iter().map(|row| count(row, "tokens")).max();
        assert!(largest <= Some(tokens), "{engine}: a step of {largest:?} tokens");
    }
}

/// A cache that persists gets nothing if drafts run past the end of the cloud's answer.
#[test]
fn a_cache_that_persists_reaches_the_end() {
    let sim = Sim::small();
    let keys = ["workload.requests=40", "workload.output_tokens=60", "policy.msao.cache_at_low_confidence=persist"];
    let keys = keys.iter().flat_map(|key| ["--set", *key]).collect::<Vec<_>>();
    for (seed, length) in [("4", "={fixed=9}"), ("1", "=accept_target"), ("2", "=recompute"), ("6", "=line5")] {
        let length = format!("policy.msao.n_draft{length}");
        sim.done([&["small.toml", "--out", "out", "--seed", seed, "--set", &length], &keys[..]].concat());
        let csv = sim.text("out/summary.csv");
        let row = &summary(&csv)[1];
        assert_eq!((row["policy"], row["completed"], row["output_tokens_per_request"]), ("msao", "40", "60"));
    }
}

#[test]
fn sweeps() {
    let said = refusals_of(&[
        "[sweep]\n\"link.bandwith\" = [\"200 Mbps\"]",
        "[sweep]\n\"link.rtt\" = []",
        "[sweep]\n\"link.rtt\" = \"20 ms\"",
        "[sweep]\n\"link.rtt\" = [\"20 ms\", \"30\"]",
        "[sweep]\n\"link.bandwidth\" = [\"20 Mbps\", \"0 Mbps\"]",
        "[sweep]\n\"edge.device\" = [\"rtx-3090\", \"rtx-3091\"]",
        "[sweep]\n\"replications\" = [1, 2]",
        "[sweep]\n\"name\" = [\"a\", \"b\"]",
        "[sweep]\nlink.rtt = [\"20 ms\"]",
        "[sweep]\n\"name.x\" = [1]",
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn overrides() {
    let said = refusals_of_arguments(&[
        &["--set", "link.rtt"],
        &["--set", "=5"],
        &["--set", "link..rtt=5 ms"],
        &["--set", "link.rt=5 ms"],
        // A fault within a table that was set is not the file's.
        &["--set", "edge={cpu_workers=0}"],
        &["--set", "workload.dataset={custom={width=100000,height=9}}"],
        &["--set", "link.rtt=5"],
        &["--set", "link.rtt="],
        &["--set", "link.bandwidth=0 Mbps"],
        &["--set", "link=5"],
        &["--set", "name.x=5"],
        &["--set", "workload.requests=0"],
        &["--set", "name=a/b"],
        &["--set", "policy.msao.labl=a"],
        &["--set", "policy.msao=[{label=\"a\"}, {label=\"b\"}]", "--set", "policy.msao.1.n_max=0"],
        &["--set", "policy.msao=[{label=\"a\"}, {label=\"b\"}]", "--set", "policy.msao.n_max=0"],
        &["--set", "policy.msao=[{label=\"a\"}, {label=\"b\"}]", "--set", "policy.msao.2.n_max=0"],
        &["--set", "edge.device=rtx-309"],
        &["--set", "cloud.device=jetson-orin-nano-8"],
        &["--set", "sweep.link.rtt=[]"],
        &["--set", "sweep.link.rtt=[\"20 ms\"]", "--set", "link.rtt=30 ms"],
        &["--set", "sweep.seed=[1]", "--seed", "2"],
        &["--set", "sweep.workload.dataset=[\"vqav2\"]", "--set", "workload.dataset.custom.width=640"],
        &["--set", "workload.dataset.mooncake=nowhere.jsonl"],
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn command_lines() {
    let said = refusals_of_arguments(&[
        &["--mode", "live"],
        &["--seed", "-1"],
        &["--seed", "one"],
        &["--seed", "18446744073709551615"],
        &["--threads", "many"],
        &["--thread", "2"],
        &["--out"],
        &["--out", "."],
        &["--out", ".."],
        &["--out", ""],
        &["--out", "small.toml"],
        &["--out", "small.toml/results"],
        &["second.toml"],
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn no_such_scenario() {
    insta::assert_snapshot!(refused(&Sim::new(), &["nowhere.toml"]), @"sim: cannot read the scenario nowhere.toml: No such file or directory (os error 2); check the path");
    insta::assert_snapshot!(refused(&Sim::new().with("folder/file", ""), &["folder"]), @"sim: cannot read the scenario folder: Is a directory (os error 21)");
    let sim = Sim::new().with("latin1.toml", b"# accents\nname = \"caf\xe9\"\n");
    insta::assert_snapshot!(refused(&sim, &["latin1.toml"]), @"sim: latin1.toml:2: found bytes that are not UTF-8; save the file as UTF-8");
}

#[test]
fn show_refuses_what_a_run_refuses() {
    for key in ["link.rt=5 ms", "workload.requests=0", "cloud.device=jetson-orin-nano-8"] {
        let sim = Sim::small();
        let of_run = refused(&sim, &["small.toml", "--set", key]);
        assert_eq!(refused(&sim, &["show", "small.toml", "--set", key]), of_run);
    }
}
