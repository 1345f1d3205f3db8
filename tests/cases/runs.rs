//! Requests that go into a run are rejected, cut, played at their times and compared as they should be.

use super::{ends, over, scenario};
use crate::parquet_file::{count, number, rows};
use crate::support::{SMALL, Sim};
use serde_json::Value;

const TIMED: &str = "arrival_s,input_tokens,output_tokens,ttft_ms,e2e_ms\n";

/// Twelve requests a second apart, of which every third prompt is longer than any window.
fn a_third_too_long() -> String {
    let row = |n: u32| format!("{n},{},20\n", if n.is_multiple_of(3) { 3_000_000 } else { 50 });
    "arrival_s,input_tokens,output_tokens\n".to_owned() + &(0..12).map(row).collect::<String>()
}

pub fn nothing_compared(_: &str) {
    let judged = |rows: &str| {
        over("served", "r.csv", &format!("{TIMED}{rows}")).run("validate case.toml --out out --tolerance 10".split(' '))
    };
    ends(&judged("0,3000000,20,40,300\n1,3000000,20,40,300\n"), 3, "0 of 2 requests compared; 2 rejected");
    ends(&judged("0,50,20,40,270\n1,3000000,20,40,270\n"), 3, "1 of 2 requests compared; 1 rejected");
    ends(&judged("0,50,20,40,\n1,50,20,40,\n"), 3, "0 of 2 requests compared; 2 without a measured E2E");
    ends(&judged("0,50,20,40,0\n1,50,20,40,270\n"), 3, "1 of 2 requests compared; 1 with a measured E2E of 0");
    let sim = over("served", "r.csv", &format!("{TIMED}0,3000000,20,40,300\n"));
    ends(&sim.run("validate case.toml --out out --tolerance nan".split(' ')), 2, "--tolerance");
    ends(
        &sim.run("case.toml --out out --until-ci 5%".split(' ')),
        3,
        "e2e_ms_mean has an interval for 0 of 1 policies",
    );
    ends(&sim.run("check out --baseline b.toml --bless".split(' ')), 2, "a run without an answered request");
}

pub fn half_rejected(_: &str) {
    let output = over("served", "r.csv", &a_third_too_long()).run("case.toml --out out".split(' '));
    ends(&output, 0, "sim: warning: cloud_only: 4 of 12 requests were rejected: prompt and answer are longer than");
    assert!(output.stdout.contains("rejected") && output.stdout.contains("4 of 12"), "{output:#?}");
}

pub fn a_default_cuts_nothing(_: &str) {
    let sim = Sim::small();
    let lengths = |sets: &str| {
        let output =
            sim.done(format!("small.toml --out out --set workload.output_tokens=4000 {sets}").split_whitespace());
        let rows = rows(&sim.path("out/requests.parquet"));
        (rows.iter().map(|row| count(row, "output_tokens")).collect::<Vec<_>>(), output)
    };
    assert_eq!(lengths("").0, [4000; 5]);
    let (capped, output) = lengths("--set workload.max_output_tokens=100");
    assert_eq!(capped, [100; 5]);
    ends(&output, 0, "5 of 5 requests were answered in part: workload.max_output_tokens cuts longer answers");
}

pub fn long_answers(_: &str) {
    let rows_of: String = (0..5).map(|n| format!("{},50,4000,,60000\n", 90 * n)).collect();
    let sim = over("served", "r.csv", &format!("{TIMED}{rows_of}"));
    let told: Value =
        serde_json::from_str(&sim.done("validate case.toml --out out --json".split(' ')).stdout).expect("JSON");
    assert_eq!(told["comparisons"][0]["compared"], 5);
    assert!(rows(&sim.path("out/requests.parquet")).iter().all(|row| count(row, "output_tokens") == 4000));
}

pub fn arrivals_of_the_file(_: &str) {
    let sim = over(
        "served",
        "r.csv",
        "arrival_s,input_tokens,output_tokens,e2e_ms\n0,50,20,300\n1800,50,20,300\n5400,50,20,300\n",
    );
    for line in ["case.toml --out out", "validate case.toml --out out"] {
        sim.done(line.split(' '));
        let submits = rows(&sim.path("out/requests.parquet"))
            .iter()
            .map(|row| number(row, "submit_s").expect("a time"))
            .collect::<Vec<_>>();
        assert_eq!(submits, [0.0, 1800.0, 5400.0], "{line}");
    }
    let closed = sim.done("case.toml --out out --set arrivals.closed_loop.clients=1".split(' '));
    assert!(closed.stdout.contains("closed loop of 1 client for each edge; not the times of the trace"), "{closed:#?}");
}

pub fn a_week(_: &str) {
    let sim = over("served", "r.csv", "arrival_s,input_tokens,output_tokens\n0,50,20\n604800,50,20\n");
    sim.done("case.toml --out out --set edge.cpu_workers=100000".split(' '));
    for (set, says) in [
        ("arrivals.trace.speed=0.001", ""),
        ("arrivals.trace.speed=1e-12", "arrivals.trace.speed"),
        ("arrivals.trace.speed=1e6", ""),
    ] {
        let output = sim.run(format!("case.toml --out out --set edge.cpu_workers=100000 --set {set}").split(' '));
        ends(&output, if says.is_empty() { 0 } else { 2 }, says);
    }
}

pub fn context_windows(_: &str) {
    let sim = over("served", "r.csv", "arrival_s,input_tokens,output_tokens\n0,300000,20\n1,300,20\n");
    let output = sim.run("case.toml --out out --set cloud.model=qwen2-vl-2b".split(' '));
    ends(
        &output,
        0,
        "cloud_only: 1 of 2 requests were rejected: prompt and answer are longer than the context window of the cloud's model",
    );
    let own = "[cloud]\nmodel = \"own\"\n[model.own]\nlayers = 28\nhidden = 1536\nintermediate = 8960\nheads = 12\nkv_heads = 2\n\
               vocab = 151936\ncontext_window = 1000\n";
    let sim =
        Sim::new().with("r.csv", sim.text("r.csv")).with("case.toml", scenario("dataset.served = \"r.csv\"") + own);
    ends(&sim.run("case.toml --out out".split(' ')), 0, "1 of 2 requests were rejected");
}

pub fn files_of_others(_: &str) {
    let sim = Sim::new().with("q.toml", SMALL);
    sim.done("q.toml --out OUT".split(' '));
    let sim = sim.with("OUT/notes.txt", "");
    let before = sim.tree();
    ends(&sim.run("q.toml --out OUT".split(' ')), 2, "OUT: notes.txt, which msao-sim did not write, is in the way");
    assert_eq!(sim.tree(), before);
}

/// A table as llama-bench writes it, of a model in half precision.
fn llama_bench_csv() -> String {
    let header = "build_commit,build_number,cpu_info,gpu_info,backends,model_filename,model_type,model_size,model_n_params,\
                  n_batch,n_ubatch,n_threads,type_k,type_v,n_gpu_layers,n_prompt,n_gen,n_depth,test_time,avg_ns,stddev_ns,avg_ts,stddev_ts\n";
    // 200 us, the weights at 700 GB/s or 60 TFLOP/s, and the cache.
    let [parameters, bytes] = [1.5e9, 3.1e9];
    let row = |prompt: u32, generated: u32, depth: u32, tokens_a_step: f64| {
        let ms =
            0.2 + (bytes / 700e6f64).max(2.0 * parameters * tokens_a_step / 60e9) + f64::from(depth) * 28_672.0 / 700e6;
        let ns = ms * 1e6 * f64::from(generated.max(1));
        format!(
            "\"ab12\",\"5000\",\"cpu\",\"card\",\"CUDA\",\"m.gguf\",\"house 1.5B F16\",\"3100000000\",\"1550000000\",\"2048\",\"512\",\"8\",\
                 \"f16\",\"f16\",\"99\",\"{prompt}\",\"{generated}\",\"{depth}\",\"2026-01-01T00:00:00Z\",\"{ns:.0}\",\"1000\",\"1.0\",\"0.1\"\n"
        )
    };
    let prompts = [64, 96, 128, 192, 256, 320, 384, 512].map(|n| row(n, 0, 0, f64::from(n)));
    let answers = [0, 512, 1024, 2048, 4096, 6144, 8192, 12_288].map(|depth| row(0, 32, depth, 1.0));
    header.to_owned() + &prompts.concat() + &answers.concat()
}

pub fn llama_bench(_: &str) {
    let models = "model,type,layers,hidden,intermediate,heads,kv_heads,head_dim,vocab,gated_mlp\nhouse 1.5B F16,dense,28,1536,8960,12,2,128,151936,1\n";
    let sim = Sim::new().with("bench.csv", llama_bench_csv()).with("models.csv", models);
    let sim = sim.with("gpus.csv", "gpu,bw_gb_s,bf16_tflops\ncard,1000,100\n");
    let output = sim.done("calibrate --table bench.csv --out p.toml --json".split(' '));
    let errors: Value = serde_json::from_str(&output.stdout).expect("JSON");
    for kind in ["decode", "prefill"] {
        let median = errors["kinds"][kind]["in_sample_median_error_pct"].as_f64().expect("a number");
        assert!(median < 5.0, "{kind}: {errors:#}");
    }
    let profile = sim.text("p.toml");
    assert!(profile.contains("llama.cpp ab12 (5000)") && profile.contains("house 1.5b f16"), "{profile}");
    let both = llama_bench_csv().replace("\"64\",\"0\"", "\"64\",\"32\"");
    let output = sim.with("bench.csv", both).done("calibrate --table bench.csv".split(' '));
    ends(&output, 0, "bench.csv: 1 row is left out: a prompt and an answer in one duration");
}
