//! `mode = "replay"`: real models, through the real binary.
//!
//! Most tests write a pair of tiny models first; those that ask for words that mean something take `../shared/models`, say so in
//! their name, and say aloud if they are skipped. All are where ONNX Runtime is not.

use crate::parquet_file::{columns, count, number, rows, text};
use crate::summary::summary;
use crate::support::{Output, Sim, aloud, repository};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A scenario on these models, with these policies.
fn scenario(models: &str, policies: &str) -> String {
    format!(
        "name = \"r\"\nmode = \"replay\"\nreplications = 2\n\
         [workload]\nrequests = 4\nmax_output_tokens = 40\n\
         dataset.custom = {{ width = 112, height = 84, text_tokens = 20, output_tokens = 9 }}\n\
         [replay]\ndrawn = \"sentence\"\n\
         [replay.edge]\nfolder = \"{models}/draft\"\n[replay.cloud]\nfolder = \"{models}/target\"\n{policies}"
    )
}

const ALL: &str = "[policy.cloud_only]\n[policy.edge_only]\n[policy.speculative]\n[policy.msao]\n";

/// A pair of written models in `tiny`, and this scenario on them; none where there is no library.
fn written(test: &str, policies: &str) -> Option<Sim> {
    Sim::new().with("r.toml", scenario("tiny", policies)).with_models(test)
}

/// The same on models that have learned something.
fn shared(test: &str, policies: &str) -> Option<Sim> {
    let models = repository("../shared/models");
    if !models.join("target/config.json").is_file() {
        aloud(&format!("skipped: {test}: ../shared/models is not here"));
        return None;
    }
    let models = models.canonicalize().expect("a folder");
    let sim = Sim::new().with("r.toml", scenario(models.to_str().expect("UTF-8"), policies));
    let described = sim.run(["models", "describe", models.join("draft").to_str().expect("UTF-8")]);
    if described.code == Some(4) {
        aloud(&format!("skipped: {test}: {}", described.stderr.trim()));
        return None;
    }
    Some(sim)
}

fn manifest(sim: &Sim, folder: &str) -> Value {
    serde_json::from_str(&sim.text(&format!("{folder}/manifest.json"))).expect("JSON")
}

/// Answers: policy, request and replication to words.
fn answers(path: &Path) -> BTreeMap<(String, u64, u64), String> {
    let key = |row: &_| (text(row, "policy").to_owned(), count(row, "request"), count(row, "replication"));
    rows(path).iter().map(|row| (key(row), text(row, "text").to_owned())).collect()
}

#[test]
fn replay_and_simulation_write_folders_of_one_shape() {
    let Some(sim) = written("replay_and_simulation_write_folders_of_one_shape", ALL) else { return };
    let replayed = sim.done(["r.toml", "--out", "replayed"]);
    sim.done(["r.toml", "--mode", "simulate", "--steps", "--tokens", "--out", "simulated"]);
    let mut names = sim.names("replayed");
    names.retain(|name| name != "answers.parquet");
    assert_eq!(names, sim.names("simulated"));
    for table in ["requests", "steps", "tokens", "spans", "runs", "summary"] {
        let of = |folder: &str| columns(&sim.path(&format!("{folder}/{table}.parquet")));
        assert_eq!(of("replayed"), of("simulated"), "{table}");
    }
    // What the weights say means nothing, and every output says whose the tokens are.
    assert!(replayed.stdout.contains("only times are the models'"), "{}", replayed.stdout);
    let told = manifest(&sim, "replayed");
    assert_eq!(told["mode"], "replay");
    assert_eq!(told["replay"]["outcomes"], "tokens");
    assert_eq!(told["replay"]["edge"]["weights"], "random");
    assert_eq!(told["replay"]["provider"], "cpu");
    for what in ["library_version", "device_name"] {
        assert!(told["replay"][what].as_str().is_some_and(|text| !text.is_empty()), "{what}");
    }
    let hashes = told["replay"]["cloud"]["sha256"].as_object().expect("a hash for each file");
    assert!(hashes.keys().any(|name| name.ends_with("decoder_model_merged.onnx_data")), "{hashes:?}");
    // The same answers as simulated, at other times.
    let lengths = |folder: &str| -> Vec<u64> {
        rows(&sim.path(&format!("{folder}/requests.parquet"))).iter().map(|row| count(row, "output_tokens")).collect()
    };
    assert_eq!(lengths("replayed"), lengths("simulated"));
    let csv = [sim.text("replayed/summary.csv"), sim.text("simulated/summary.csv")];
    let [real, modelled] = [summary(&csv[0]), summary(&csv[1])];
    assert_eq!(real.len(), 4);
    for (real, modelled) in real.iter().zip(&modelled) {
        assert_eq!(real["output_tokens_per_request"], modelled["output_tokens_per_request"]);
        assert_ne!(real["e2e_ms_mean"], modelled["e2e_ms_mean"]);
    }
}

#[test]
fn the_device_that_plays_takes_the_place_of_both() {
    let Some(sim) = written("the_device_that_plays_takes_the_place_of_both", "[policy.cloud_only]\n") else { return };
    let played = ["r.toml", "--set", "replay.device=h200-sxm"];
    let output = sim.done(played.iter().chain(&["--set", "cloud.device=l40s", "--out", "played"]));
    assert!(output.stderr.contains("cloud.device"), "{}", output.stderr);
    assert!(output.stderr.contains("replay.device plays both tiers"), "{}", output.stderr);
    let told = manifest(&sim, "played");
    assert_eq!((&told["edge"]["device"], &told["cloud"]["device"]), (&"h200-sxm".into(), &"h200-sxm".into()));
    // Without real models it plays nothing.
    sim.done(played.iter().chain(&["--mode", "simulate", "--out", "simulated"]));
    assert_eq!(manifest(&sim, "simulated")["cloud"]["device"], "a100-40-sxm");
    let refused = sim.run(["r.toml", "--set", "replay.device=h2000"]);
    assert_eq!(refused.code, Some(2), "{refused:#?}");
    assert!(refused.stderr.contains("replay.device"), "{}", refused.stderr);
    assert!(refused.stderr.contains("unknown device `h2000`"), "{}", refused.stderr);
}

#[test]
fn every_step_is_executed_and_scaled() {
    let Some(sim) = written("every_step_is_executed_and_scaled", ALL) else { return };
    sim.done(["r.toml", "--out", "plain"]);
    let scales = "{prefill=1000,decode=1000,verify=1000}";
    sim.done(["r.toml", "--set", &format!("replay.cloud.time_scale={scales}"), "--out", "slow"]);
    let sums = |folder: &str| -> BTreeMap<(String, String), f64> {
        let mut sums = BTreeMap::new();
        for row in rows(&sim.path(&format!("{folder}/steps.parquet"))) {
            let key = (text(&row, "side").to_owned(), text(&row, "kind").to_owned());
            let took = number(&row, "duration_ms").expect("a duration");
            assert!(took > 0.0, "{row:?}");
            *sums.entry(key).or_insert(0.0) += took;
        }
        sums
    };
    let (plain, slow) = (sums("plain"), sums("slow"));
    let kinds: BTreeSet<(&str, &str)> = plain.keys().map(|(side, kind)| (side.as_str(), kind.as_str())).collect();
    for step in [("edge", "probe"), ("edge", "prefill"), ("edge", "draft"), ("edge", "decode"), ("cloud", "verify")] {
        assert!(kinds.contains(&step), "{kinds:?}");
    }
    for (step, took) in &plain {
        // Measured twice: far from each other on a busy machine, but not a hundredfold.
        let ratio = slow[step] / took;
        if step.0 == "cloud" {
            assert!(ratio > 30.0, "{step:?} {ratio}")
        } else {
            assert!(ratio < 30.0, "{step:?} {ratio}")
        }
    }
    assert!(manifest(&sim, "slow")["remark"].as_str().is_some_and(|remark| remark.contains("times are scaled")));
    assert_eq!(manifest(&sim, "slow")["replay"]["time_scale"]["cloud"]["verify"], 1000.0);
    assert_eq!(manifest(&sim, "slow")["assumptions"]["replay.cloud.time_scale.verify"], "1000.0");
}

#[test]
fn the_report_of_a_replay_says_what_ran() {
    let Some(sim) = written("the_report_of_a_replay_says_what_ran", "[policy.cloud_only]\n[policy.msao]\n") else {
        return;
    };
    let output = sim.run_with_report(["r.toml", "--out", "out"]);
    assert_eq!(output.code, Some(0), "{output:#?}");
    let page = sim.text("out/report/index.html");
    for told in ["Replayed with draft on the edge and target in the cloud", "ONNX Runtime 1.", "stand-in", "replay"] {
        assert!(page.contains(told), "{told}");
    }
    assert!(sim.text("out/timeline.json").contains("verify"));
    // Other models than the papers': nothing of them is shown.
    assert!(!output.stdout.contains("claims") && !sim.path("out/report/claims.csv").exists(), "{}", output.stdout);
}

#[test]
fn questions_of_a_file_are_asked() {
    let Some(sim) = written("questions_of_a_file_are_asked", "[policy.cloud_only]\n") else { return };
    sim.done(["questions", "draw", "--out", "asked", "--count", "3", "--size", "112x84"]);
    let file = sim.names("asked").into_iter().find(|name| name.ends_with(".jsonl")).expect("a file of questions");
    let set = format!("replay.questions=\"asked/{file}\"");
    sim.done(["r.toml", "--set", &set, "--set", "replay.outcomes=\"models\"", "--out", "out"]);
    // Three questions are asked once each, whatever the number of requests; noise is no answer.
    let given = answers(&sim.path("out/answers.parquet"));
    assert_eq!(given.len(), 3 * 2, "{given:?}");
    let told = manifest(&sim, "out");
    assert_eq!(told["replay"]["outcomes"], "models");
    assert_eq!(told["replay"]["repeated_answers"], serde_json::json!({ "compared": 3, "changed": 0 }));
}

const WHOLE: &str = "[policy.cloud_only]\n[policy.edge_only]\n[policy.speculative]\n[policy.cloud_speculative]\n\
     [policy.edge_speculative]\n[policy.specedge]\n[policy.wisp]\n[policy.pipesd]\n[policy.covspec]\n\
     [policy.progressive]\nparts.crop = {}\n[policy.msao]\nplan.quality_loss_max = \"0 %\"\n";

/// Systems whose every token the cloud's model has verified or made.
const LOSSLESS: [&str; 6] = ["speculative", "cloud_speculative", "specedge", "wisp", "pipesd", "msao"];

#[test]
fn shared_models_answer_alike_whoever_drafts() {
    let Some(sim) = shared("shared_models_answer_alike_whoever_drafts", WHOLE) else { return };
    let output = sim.done(["r.toml", "--out", "out", "--set", "workload.requests=8"]);
    assert!(output.stdout.contains("are the models' own"), "{}", output.stdout);
    for told in ["a replay has no qwen2.5-0.5b", "specedge drafts sequences: real models grow no trees"] {
        assert!(output.stderr.contains(told), "{}", output.stderr);
    }
    let given = answers(&sim.path("out/answers.parquet"));
    let of = |policy: &str, request, replication| &given[&(policy.to_owned(), request, replication)];
    for request in 0..8 {
        for replication in 0..2 {
            let own = of("cloud_only", request, replication);
            assert_eq!(own, of("cloud_only", request, 0), "the same every time");
            // Verified by the cloud's model: its own words.
            for policy in LOSSLESS {
                assert_eq!(own, of(policy, request, replication), "{policy}");
            }
            assert_eq!(of("edge_only", request, replication), of("edge_speculative", request, replication));
        }
    }
    assert!((0..8).any(|request| of("edge_only", request, 0) != of("cloud_only", request, 0)), "two models");
    assert!(given.values().all(|words| words.ends_with('.')), "sentences: {given:?}");
    let rows = rows(&sim.path("out/answers.parquet"));
    let csv = sim.text("out/summary.csv");
    for line in summary(&csv) {
        let scores: Vec<f64> = rows
            .iter()
            .filter(|row| text(row, "policy") == line["policy"])
            .map(|row| number(row, "score").expect("a score"))
            .collect();
        let mean = 100.0 * scores.iter().sum::<f64>() / scores.len() as f64;
        let told: f64 = line["accuracy_pct"].parse().expect("a number");
        assert!((told - mean).abs() < 1e-6, "{}: {told} and {mean}", line["policy"]);
    }
    let acceptance = |policy: &str| {
        let line = summary(&csv).into_iter().find(|line| line["policy"] == policy).expect("a row");
        line["acceptance_rate"].parse::<f64>().expect("a number")
    };
    assert!((0.3..1.0).contains(&acceptance("speculative")), "{}", acceptance("speculative"));
    let drafted = crate::parquet_file::rows(&sim.path("out/tokens.parquet"));
    assert!(drafted.iter().all(|row| number(row, "entropy_nats").is_some_and(|nats| (0.0..8.0).contains(&nats))));
}

const PRUNED: &str = "[policy.cloud_only]\n[[policy.cloud_pruned]]\nlabel = \"early\"\n\
     plan.modality_awareness.uniform = \"25 %\"\n[[policy.cloud_pruned]]\nlabel = \"late\"\n\
     plan.modality_awareness.uniform = \"25 %\"\nplan.prune_stage = \"post_vit\"\n";

#[test]
fn shared_models_read_fewer_tokens_of_pruned_pictures() {
    let Some(sim) = shared("shared_models_read_fewer_tokens_of_pruned_pictures", PRUNED) else { return };
    sim.done(["r.toml", "--out", "out"]);
    let read = |policy: &str| -> Vec<u64> {
        let steps = rows(&sim.path("out/steps.parquet"));
        let prompts = steps.iter().filter(|row| text(row, "policy") == policy && text(row, "kind") == "prefill");
        prompts.map(|row| count(row, "tokens")).collect()
    };
    // Twelve tokens of a picture of 4 x 3, of which three are left; the text loses its share too.
    for (whole, pruned) in read("cloud_only").into_iter().zip(read("early")) {
        assert!(whole >= pruned + 9, "{whole} and {pruned}");
    }
    assert_eq!(read("early"), read("late"));
    let given = answers(&sim.path("out/answers.parquet"));
    let of = |policy: &str| given.iter().filter(|(key, _)| key.0 == policy).map(|(_, words)| words).collect::<Vec<_>>();
    assert_ne!(of("cloud_only"), of("early"));
    assert!(of("late").iter().all(|words| !words.is_empty()));
}

/// A refusal: its exit code, and one message that says all of this; nothing is left behind.
fn refuses(sim: &Sim, output: &Output, code: i32, told: &[&str]) {
    assert_eq!((output.code, output.stdout.as_str()), (Some(code), ""), "{output:#?}");
    assert!(!output.stderr.contains("panicked") && !output.stderr.contains("a bug"), "{output:#?}");
    for told in told {
        assert!(output.stderr.contains(told), "{told:?}: {output:#?}");
    }
    assert!(!sim.names(".").iter().any(|name| name.starts_with("results") || name.contains("partial")), "{output:#?}");
}

#[test]
fn what_cannot_be_replayed_is_refused_before_a_model_is_loaded() {
    let sim = Sim::new().with("r.toml", scenario("nowhere", ALL));
    let run = |set: &[&str]| sim.run(["r.toml"].into_iter().chain(set.iter().flat_map(|set| ["--set", *set])));
    refuses(&sim, &run(&[]), 2, &["nowhere/draft is no folder"]);
    refuses(&sim, &run(&["replay.threads=0"]), 2, &["replay.threads", "expected at least 1"]);
    let scale = "replay.edge.time_scale.draft=-1";
    refuses(&sim, &run(&[scale]), 2, &["replay.edge.time_scale.draft", "expected a number from"]);
    refuses(&sim, &run(&["replay.provider=tpu"]), 2, &["tpu"]);
    let varied = "sweep.replay.edge.folder=[\"a\",\"b\"]";
    refuses(&sim, &run(&[varied]), 2, &["`replay.edge.folder` cannot vary"]);
    refuses(&sim, &run(&["policy.mindfusion={}"]), 2, &["mindfusion splits the cloud's model"]);
    refuses(&sim, &run(&["workload.payload=vision_tokens"]), 2, &["vision tower on the edge"]);
    let sim = Sim::small();
    let output = sim.run(["small.toml", "--mode", "replay"]);
    refuses(&sim, &output, 2, &["mode = \"replay\"", "a replay needs models", "[replay.edge] folder"]);
    let output = sim.run(["sweep", "small.toml", "--mode", "replay"]);
    refuses(&sim, &output, 2, &["sim sweep only simulates"]);
}

#[test]
fn what_models_cannot_do_is_refused() {
    let Some(sim) = written("what_models_cannot_do_is_refused", ALL) else { return };
    let run = |set: &[&str]| sim.run(["r.toml"].into_iter().chain(set.iter().flat_map(|set| ["--set", *set])));
    let long = run(&["workload.max_output_tokens=100000"]);
    refuses(&sim, &long, 2, &["an answer of up to 100000", "tiny/draft has 8192", "lower workload.max_output_tokens"]);
    let sound = "workload.dataset.custom={audio=\"2 s\"}";
    refuses(&sim, &run(&[sound]), 2, &["it has sound"]);
    refuses(&sim, &run(&["replay.questions=\"none.jsonl\""]), 2, &["none.jsonl"]);
    refuses(&sim, &run(&["replay.probe_heads=\"none.toml\""]), 2, &["none.toml"]);
    refuses(&sim, &run(&["replay.edge.dtype=fp16"]), 2, &["fp16"]);
    let twice = sim.run(["r.toml", "--twice"]);
    refuses(&sim, &twice, 2, &["--twice compares runs event by event"]);
    let cuda = run(&["replay.provider=cuda"]);
    refuses(&sim, &cuda, 4, &["cuda"]);
    // Weights that are no numbers.
    let weights = sim.path("tiny/target/onnx/decoder_model_merged.onnx_data");
    let sound = std::fs::read(&weights).expect("a file");
    std::fs::write(&weights, vec![0xff; sound.len()]).expect("a file");
    refuses(&sim, &run(&[]), 2, &["logits are broken", "NaN"]);
    std::fs::write(&weights, &sound[..sound.len() / 2]).expect("a file");
    let cut = run(&[]);
    refuses(&sim, &cut, 2, &["decoder_model_merged"]);
    std::fs::write(&weights, sound).expect("a file");
    // Another vocabulary.
    let tokenizer = sim.text("tiny/draft/tokenizer.json").replace("<|vision_pad|>", "<|vision_gap|>");
    std::fs::write(sim.path("tiny/draft/tokenizer.json"), tokenizer).expect("a file");
    refuses(&sim, &run(&[]), 2, &["different tokenizers"]);
}

#[test]
fn shared_replays_are_compared_with_simulations_calibrated_to_half_of_them() {
    let policies = "[policy.cloud_only]\n[policy.speculative]\n";
    let test = "shared_replays_are_compared_with_simulations_calibrated_to_half_of_them";
    let Some(sim) = shared(test, policies) else { return };
    // Pictures of several sizes, so that there is a law of prompts.
    let set = ["--set", "workload.dataset=\"mmbench\"", "--set", "workload.requests=24"];
    let output = sim.done([&["validate", "r.toml", "--json", "--out", "out"], &set[..]].concat());
    let told: Value = serde_json::from_str(&output.stdout).expect("JSON");
    let compared = told["comparisons"].as_array().expect("a list");
    assert_eq!(compared.len(), 2);
    for one in compared {
        assert_eq!(one["requests"], 24, "half of 24, twice: {one}");
        let figures = &one["figures"];
        for figure in ["e2e_ms_mean", "e2e_ms_p50", "e2e_ms_p90", "ttft_ms_mean", "accuracy_pct"] {
            assert!(figures[figure]["measured"].is_number() && figures[figure]["simulated"].is_number(), "{one}");
        }
        // Measured on a machine that does other things meanwhile: far off would be a fault of ours.
        let error = figures["e2e_ms_mean"]["error_pct"].as_f64().expect("a number");
        assert!(error.abs() < 60.0, "{one}");
        assert!(
            one["distances"]["e2e_ms"]["ks_distance"].as_f64().is_some_and(|distance| (0.0..=1.0).contains(&distance))
        );
    }
    let acceptance = &compared[1]["figures"]["acceptance_rate"];
    assert!((acceptance["measured"].as_f64().unwrap() - acceptance["simulated"].as_f64().unwrap()).abs() < 0.25);
    for file in ["profile.toml", "validation.csv", "steps.parquet", "manifest.json"] {
        assert!(sim.path(&format!("out/{file}")).is_file(), "{file}");
    }
    // The profile says what was measured on what.
    assert!(sim.text("out/profile.toml").contains(" played by "));
    let args = [&["validate", "r.toml", "--out", "again", "--tolerance", "0.000001"], &set[..]].concat();
    let refused = sim.run(args);
    assert_eq!(refused.code, Some(3), "{refused:#?}");
    assert!(refused.stderr.contains("mean or P50 of E2E is off by"), "{refused:#?}");
}

#[test]
fn words_that_mean_nothing_are_not_compared() {
    let Some(sim) = written("words_that_mean_nothing_are_not_compared", "[policy.cloud_only]\n") else { return };
    let output = sim.run(["validate", "r.toml", "--out", "results-none"]);
    refuses(&sim, &output, 2, &["random weights", "name models of given weights"]);
}

/// Whoever loses its keys and values, and reads its prompt and answer again, says the same. (MSAO plans by the memory that is free.)
#[test]
fn shared_models_say_the_same_when_they_are_preempted() {
    let policies = "[policy.cloud_only]\n[policy.edge_only]\n[policy.speculative]\n";
    let Some(sim) = shared("shared_models_say_the_same_when_they_are_preempted", policies) else { return };
    let run = |out: &str, blocks: u32| {
        let sets = [
            "replications=1".to_owned(),
            "workload.requests=12".to_owned(),
            "arrivals.closed_loop.clients=6".to_owned(),
            format!("edge.kv_blocks={blocks}"),
            format!("cloud.kv_blocks={blocks}"),
        ];
        let sets = sets.iter().flat_map(|set| ["--set", set]);
        sim.done(["r.toml", "--out", out].into_iter().chain(sets));
        let csv = sim.text(&format!("{out}/summary.csv"));
        let preempted = |policy: &str| {
            let row = summary(&csv).into_iter().find(|row| row["policy"] == policy).expect("a row");
            row["preemptions_per_request"].parse::<f64>().expect("a number") > 0.0
        };
        (answers(&sim.path(&format!("{out}/answers.parquet"))), preempted("speculative"))
    };
    let [(plenty, none), (scarce, some)] = [run("plenty", 1000), run("scarce", 9)];
    assert_eq!(plenty, scarce);
    assert_eq!((none, some), (false, true));
}

#[test]
fn shared_content_is_refused_by_replays() {
    let Some(sim) = written("shared_content_is_refused_by_replays", "[policy.cloud_only]\n") else { return };
    for key in ["system_prompt=9", "questions_per_picture=2", "sessions={turns=2,think=\"1 s\"}"] {
        let output = sim.run(["r.toml", "--out", "out", "--set", &format!("workload.{key}")]);
        let name = key.split('=').next().expect("a name");
        assert_eq!(output.code, Some(2), "{output:#?}");
        assert!(output.stderr.contains(&format!("workload.{name}")), "{output:#?}");
    }
}
