//! Several GPUs that serve one model together.

use crate::refusals::refused;
use crate::summary::{number, summary};
use crate::support::{Sim, repository};

/// TPOT and peak memory of the cloud, under further settings.
fn figures(sim: &Sim, settings: &[&str]) -> [f64; 2] {
    let mut args = vec!["small.toml", "--out", "out", "--set", "cloud.device=h100-sxm"];
    settings.iter().for_each(|setting| args.extend(["--set", setting]));
    sim.done(args);
    let csv = sim.text("out/summary.csv");
    ["tpot_ms_mean", "cloud_memory_gb_peak"].map(|column| number(&summary(&csv)[0], column))
}

#[test]
fn gpus_that_share_a_model_are_faster_the_better_they_are_joined() {
    let sim = Sim::small();
    let one = figures(&sim, &[]);
    let two =
        |link: &str| figures(&sim, &["cloud.gpus=2", "cloud.tensor_parallel=2", &format!("cloud.interconnect={link}")]);
    let [near, far] = ["nvlink-4", "pcie-4"].map(two);
    let slow = two("{ bandwidth = \"1 GB/s\", latency = \"1 ms\" }");
    assert!(near[0] < one[0] && near[0] > 0.5 * one[0], "{near:?} {one:?}");
    // Two all-reduces in each of 28 layers: 56 ms at a millisecond each.
    assert!(near[0] < far[0] && slow[0] > one[0] + 50.0, "{near:?} {far:?} {slow:?}");
    assert!(near[1] < one[1] * 1.2, "weights are held once by both: {near:?} {one:?}");
}

#[test]
fn ranks_with_spread_experts_take_their_steps_together() {
    let sim = Sim::small();
    let mixture =
        ["cloud.model=qwen3-vl-30b-a3b", "cloud.gpus=2", "cloud.data_parallel=2", "cloud.expert_parallel=true"];
    let spread = figures(&sim, &mixture);
    let whole = figures(&sim, &mixture[..1]);
    // A rank has half of 29 G weights in experts, and exchanges tokens twice in each of 48 layers.
    assert!(whole[1] - spread[1] > 25.0, "{spread:?} {whole:?}");
    assert!(spread[0] > whole[0], "alone a request gains nothing, and waits for the exchanges: {spread:?} {whole:?}");
}

#[test]
fn what_cannot_be_shared_is_refused_by_name() {
    let sim = Sim::small();
    let cases: [(&[&str], &str); 7] = [
        (&["cloud.gpus=3", "cloud.tensor_parallel=3"], "a divisor of the 28 heads"),
        (&["cloud.gpus=3", "cloud.tensor_parallel=2"], "a multiple of tensor_parallel x data_parallel = 2"),
        (&["cloud.data_parallel=0"], "cloud.data_parallel = 0: expected more than 0"),
        (&["cloud.gpus=2", "cloud.data_parallel=2", "cloud.expert_parallel=true"], "has no experts to spread"),
        (
            &["cloud.gpus=2", "cloud.tensor_parallel=2", "cloud.interconnect=string"],
            "no interconnect is called \"string\"",
        ),
        (
            &["cloud.gpus=2", "cloud.tensor_parallel=2", "cloud.interconnect={ latency = \"1 us\" }"],
            "cloud.interconnect = { latency = \"1 us\" }: missing key `bandwidth`",
        ),
        (&["cloud.interconnect=5"], "invalid type: integer `5`, expected a name, e.g. \"nvlink-4\", or { bandwidth"),
    ];
    for (settings, expected) in cases {
        let args: Vec<_> = ["small.toml"].into_iter().chain(settings.iter().flat_map(|set| ["--set", set])).collect();
        let said = refused(&sim, &args);
        assert!(said.contains(expected), "{settings:?}: {said}");
    }
}

/// A law of as many GPUs as share each layer has their all-reduces in it. To a law of one they are added, which is said.
#[test]
fn a_profile_of_as_many_gpus_goes_first() {
    let profile = repository("scenarios/profiles/a100-80-sxm.toml");
    let scenario = format!(
        "name = \"x\"\nreplications = 1\npolicy.cloud_only = {{}}\n\
         [workload]\ndataset = {{ custom = {{ name = \"t\", width = 0, height = 0, text_tokens = 500, output_tokens = 50 }} }}\n\
         requests = 5\n\
         [model.\"llama-2-70b\"]\nlayers = 80\nhidden = 8192\nintermediate = 28672\nheads = 64\nkv_heads = 8\nvocab = 32000\n\
         [cloud]\ndevice = \"a100-80-sxm\"\nmodel = \"llama-2-70b\"\nprofile = {profile:?}\n"
    );
    let sim = Sim::new().with("s.toml", &scenario);
    let tpot = |gpus: u32, more: &[&str]| {
        let of = [format!("cloud.gpus={gpus}"), format!("cloud.tensor_parallel={gpus}")];
        let sets = of.iter().map(String::as_str).chain(more.iter().copied()).flat_map(|set| ["--set", set]);
        let output = sim.done(["s.toml", "--out", "out"].into_iter().chain(sets));
        (number(&summary(&sim.text("out/summary.csv"))[0], "tpot_ms_mean"), output.stderr)
    };
    // (GPUs, a measured step of one sequence behind 576 tokens, ms; of two GPUs the mean of two sources)
    for (gpus, measured) in [(2, 57.4), (4, 45.0), (8, 44.9)] {
        let (by_profile, said) = tpot(gpus, &[]);
        assert!(!said.contains("cloud.profile"), "{said}");
        assert!((by_profile / measured - 1.0).abs() < 0.08, "{gpus} GPUs: {by_profile} for {measured}");
        // No interconnect is added to what was measured with one.
        let slow = "cloud.interconnect={ bandwidth = \"1 GB/s\", latency = \"1 ms\" }";
        assert_eq!(tpot(gpus, &[slow]).0, by_profile);
    }
    let (_, said) = tpot(2, &["cloud.device=h100-sxm"]);
    let withheld = "8 x A100-SXM-80GB with llama-2-70b, not on 2 x h100-sxm with llama-2-70b";
    assert!(said.contains(withheld), "{said}");
}
