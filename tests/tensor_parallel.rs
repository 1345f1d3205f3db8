//! Several GPUs that serve one model together.

use crate::refusals::refused;
use crate::summary::{number, summary};
use crate::support::Sim;

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
    let cases: [(&[&str], &str); 6] = [
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
            "cloud.interconnect",
        ),
    ];
    for (settings, expected) in cases {
        let args: Vec<_> = ["small.toml"].into_iter().chain(settings.iter().flat_map(|set| ["--set", set])).collect();
        let said = refused(&sim, &args);
        assert!(said.contains(expected), "{settings:?}: {said}");
    }
}
