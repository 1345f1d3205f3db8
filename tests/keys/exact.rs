//! Figures that can be worked out by hand: bytes, times, and the plans of the solvers.

use super::{run, scenario};
use crate::summary::{number, summary};

/// Bytes up, a request, without packet headers.
fn uplink(policy: &str, set: &[&str]) -> f64 {
    1e6 * run(policy, &[set, &["link.header=0 B"][..]].concat())["uplink_mb_per_request"]
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-6 * b.abs().max(1.0)
}

#[test]
fn pictures_weigh_what_their_format_says() {
    let of = |format: &str| uplink("cloud_only", &[&format!("workload.payload={format}")]);
    let (pixels, text) = (640.0 * 480.0, 4.0 * 30.0);
    for (format, each) in [("rgb8", 3.0), ("fp16_tensor", 6.0), ("fp32_tensor", 12.0)] {
        assert!(near(of(format), pixels * each + text), "{format}: {}", of(format));
    }
    // 391 tokens of 3,584 numbers in fp16.
    assert!(near(of("vision_tokens"), 391.0 * 3584.0 * 2.0 + text), "{}", of("vision_tokens"));
    assert!((0.5..0.7).contains(&((of("jpeg") - text) / pixels)), "JPEG: .53 B a pixel, as a median");
}

#[test]
fn drafts_weigh_what_their_rule_says() {
    let of = |rule: &str| uplink("msao", &[&format!("policy.msao.verify.rule{rule}")]);
    let (greedy, ten, all) = (of("=greedy"), of(".stochastic_topk=10"), of("=full_distribution"));
    // 8 B, 60 B and 2 x 151,936 B, for the same drafts.
    assert!(near((all - greedy) / (ten - greedy), (303_872.0 - 8.0) / 52.0), "{greedy} {ten} {all}");
    assert!((20.0..60.0).contains(&((ten - greedy) / 52.0)), "drafts of an answer of 60 tokens");
}

#[test]
fn states_weigh_what_they_are() {
    let of = |state: &str| uplink("msao", &[&format!("policy.msao.state_bytes={state}")]);
    let [ids, hidden, delta, full] = ["ids_only", "hidden", "kv_delta", "full_kv"].map(of);
    assert!(ids < hidden && hidden < delta && delta < full, "{ids} {hidden} {delta} {full}");
    // One state for each unsure token; keys and values of that token at the least.
    let unsure = (hidden - ids) / 3072.0;
    assert!(near(unsure * 40.0, (unsure * 40.0).round()), "{unsure}");
    assert!(delta - ids >= 28_672.0 * unsure, "{delta}");
    // Keys and values of a prompt that is pruned by half.
    assert!(full - ids > 150.0 * 28_672.0 * unsure, "{full}");
}

#[test]
fn without_the_link_every_round_saves_its_round_trip() {
    let (full, none) = (run("msao", &[]), run("msao", &["policy.msao.verify.rtt=none"]));
    let rounds = full["output_tokens_per_request"] / full["tokens_per_round"];
    let saved = full["e2e_ms_mean"] - none["e2e_ms_mean"];
    // The edge reads its prompt while the input goes up, so the first round may save less.
    assert!(saved > 20.0 * (rounds - 1.0) && saved < 20.2 * rounds, "{saved} ms in {rounds} rounds");
}

#[test]
fn a_router_that_tells_hard_from_easy_beats_a_coin() {
    let of = |router: &str| run("msao", &["workload.requests=400", &format!("policy.msao.semantics.route.{router}")])["accuracy_pct"];
    let accuracies = [of("static=0.3"), of("score={auc=0.7,cloud_share=0.3}"), of("score={auc=0.95,cloud_share=0.3}")];
    assert!(accuracies.is_sorted(), "{accuracies:?}");
}

#[test]
fn layers_on_the_device_cost_alike() {
    let of = |layers: u32| run("mindfusion", &[&format!("policy.mindfusion.layers_on_device={layers}")]);
    let [two, eight, sixteen] = [2, 8, 16].map(of);
    for column in ["edge_tflop_per_request", "edge_memory_gb_peak"] {
        let ratio = (sixteen[column] - eight[column]) / (eight[column] - two[column]);
        assert!(near(ratio, 8.0 / 6.0), "{column}: {ratio}");
    }
}

#[test]
fn a_deadline_ties_accuracy_to_the_link() {
    let accuracy = |set: &[&str]| run("msao", set)["accuracy_pct"];
    let deadline = "accuracy.deadline=1700 ms";
    // But for the plan, which prunes a little differently.
    let without = accuracy(&["link.rtt=20 ms"]) - accuracy(&["link.rtt=80 ms"]);
    assert!(without.abs() < 0.05, "{without}");
    assert!(accuracy(&[deadline, "link.rtt=20 ms"]) > 10.0 + accuracy(&[deadline, "link.rtt=80 ms"]));
    assert_eq!(accuracy(&["accuracy.deadline=0 s"]), 0.0);
}

#[test]
fn the_paper_counts_the_memory_of_one_tier() {
    let memory = |policy: &str, scope: &str| {
        let figures = run(policy, &[&format!("memory_scope={scope}")]);
        ["memory_gb_peak", "edge_memory_gb_peak", "cloud_memory_gb_peak"].map(|column| figures[column])
    };
    let [peak, edge, cloud] = memory("msao", "total");
    assert!(near(peak, edge + cloud));
    assert_eq!(memory("msao", "paper")[0], edge);
    let [peak, edge, cloud] = memory("cloud_only", "paper");
    assert_eq!((peak, edge), (cloud, 0.0));
}

#[test]
fn different_engines_are_flagged() {
    let table = |set: &[&str]| {
        let set = set.iter().flat_map(|set| ["--set", set]);
        scenario("msao").done(["s.toml", "--out", "out"].into_iter().chain(set)).stdout
    };
    let said =
        "The two tiers run different engines (hf on the edge, vllm in the cloud): the figures compare those too.";
    assert!(table(&["edge.engine=hf"]).ends_with(&format!("\n{said}\n")), "{}", table(&["edge.engine=hf"]));
    assert!(!table(&["edge.engine=hf", "cloud.engine=hf"]).contains("engines"));
    let both = table(&["sweep.cloud.engine=[\"graph\", \"hf\"]"]);
    assert!(both.contains("(vllm on the edge, graph in the cloud; vllm on the edge, hf in the cloud)"), "{both}");
}

/// `regret.csv` of a run, and its first row.
fn regret(set: &[&str]) -> String {
    let sim = scenario("msao");
    let set = set.iter().flat_map(|set| ["--set", set]);
    sim.done(["s.toml", "--out", "out"].into_iter().chain(set));
    sim.text("out/regret.csv")
}

const GP: &str = "policy.msao.plan.coarse_solver.gp_ei=50";

#[test]
fn bayesian_optimisation_has_a_regret() {
    let share = "policy.msao.plan.solver_share=0.5";
    let csv = regret(&[GP, share]);
    let rows = summary(&csv);
    let value = |column: &str| number(&rows[0], column);
    assert_eq!((rows.len(), rows[0]["policy"]), (1, "msao"));
    assert!(value("requests") >= 10.0 && value("requests") <= 30.0, "{csv}");
    assert_eq!((value("evaluations_mean"), value("planning_ms_mean")), (50.0, 20.0));
    assert!(value("gap_pct_mean") >= 0.0 && value("gap_pct_mean") < 10.0, "{csv}");
    assert!(value("gap_pct_max") >= value("gap_pct_mean"), "{csv}");
    assert_eq!(value("infeasible_pct"), 0.0);
    assert_eq!(regret(&[GP, share]), csv);
}

#[test]
fn more_evaluations_have_less_regret_and_few_find_nothing() {
    let gap = |plans: u32| {
        let csv = regret(&[&format!("policy.msao.plan.coarse_solver.random={plans}")]);
        number(&summary(&csv)[0], "gap_pct_mean")
    };
    let gaps = [gap(20), gap(200), gap(2000)];
    assert!(gaps[0] > gaps[1] && gaps[1] > gaps[2] && gaps[2] >= 0.0, "{gaps:?}");
    // An upload that hardly any plan can make in time: where none was found the input goes whole.
    let csv = regret(&[GP, "link.bandwidth=3 Mbps", "policy.msao.plan.upload_time_max=150 ms"]);
    let infeasible = number(&summary(&csv)[0], "infeasible_pct");
    assert!(infeasible > 0.0 && infeasible < 100.0, "{csv}");
}

#[test]
fn only_a_solver_beside_the_exact_one_has_a_regret() {
    for set in ["policy.msao.plan.coarse_solver=exact", "policy.msao.plan.coarse_solver=none"] {
        let sim = scenario("msao");
        sim.done(["s.toml", "--out", "out", "--set", set]);
        assert!(!sim.names("out").contains(&"regret.csv".to_owned()), "{set}");
    }
}
