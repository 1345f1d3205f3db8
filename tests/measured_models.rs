//! `sim models check` and `sim models measure`: real models held to recorded answers, and their steps as tables.
//!
//! Tests write a pair of tiny models first; one takes `../shared/models`. All are skipped, aloud, where ONNX Runtime is not.

use crate::support::{Sim, aloud, repository};
use serde_json::Value;
use std::collections::BTreeMap;

/// A pair of written models in `tiny`; none where there is no library.
fn written(test: &str) -> Option<Sim> {
    Sim::new().with_models(test)
}

/// A few shapes of each kind.
const SHAPES: [&str; 10] = [
    "--prefill",
    "16,32,64,96,128",
    "--context",
    "16,48,96,128,192",
    "--verify-context",
    "32",
    "--pictures",
    "56x56,84x56,112x84,168x112",
    "--repeats",
    "3",
];

#[test]
fn steps_become_a_table_that_laws_are_fitted_to() {
    let Some(sim) = written("steps_become_a_table_that_laws_are_fitted_to") else { return };
    let measure = ["models", "measure", "tiny/target", "--out", "steps.csv", "--gpu", "rtx-3090", "--threads", "1"];
    let output = sim.done(measure.into_iter().chain(SHAPES));
    assert!(output.stdout.contains("verify of 9 tokens behind 32: "), "{}", output.stdout);
    let mut rows: BTreeMap<String, usize> = BTreeMap::new();
    for line in sim.text("steps.csv").lines().skip(1) {
        let columns: Vec<&str> = line.split(',').collect();
        assert_eq!((columns[1], columns[2]), ("rtx-3090", "target"), "{line}");
        assert!(columns[10].parse::<f64>().is_ok_and(|ms| ms > 0.0), "{line}");
        *rows.entry(columns[5].to_owned()).or_default() += 1;
    }
    let expected = [("decode", 15), ("encode", 12), ("prefill", 15), ("verify", 24)];
    assert_eq!(rows, expected.map(|(kind, count)| (kind.to_owned(), count)).into());
    let beside: Value = serde_json::from_str(&sim.text("steps.json")).expect("JSON");
    for key in ["provider", "device_name", "library_version", "weights"] {
        assert!(beside["provenance"][key].as_str().is_some_and(|text| !text.is_empty()), "{key}: {beside}");
    }
    // The tower's dimensions lie beside the table: no other file has those of these models.
    let output = sim.done(["calibrate", "--table", "steps.csv", "--json", "--out", "profile.toml"]);
    let errors: Value = serde_json::from_str(&output.stdout).expect("JSON");
    for kind in ["decode", "encode", "prefill", "verify"] {
        let held_out = errors["kinds"][kind]["held_out_median_error_pct"].as_f64();
        assert!(held_out.is_some_and(f64::is_finite), "{kind}: {errors}");
    }
    let profile: toml::Table = sim.text("profile.toml").parse().expect("TOML");
    assert_eq!(profile["provenance"]["provider"].as_str(), Some("cpu"));
    assert_eq!(profile["law"].as_array().expect("laws").len(), 4);
}

#[test]
fn shapes_that_time_does_not_allow_are_named_and_the_others_kept() {
    let Some(sim) = written("shapes_that_time_does_not_allow_are_named_and_the_others_kept") else { return };
    let shapes = ["--prefill", "128,160", "--context", "0", "--verify", "0", "--pictures", "0"];
    let limits = ["--repeats", "1000", "--seconds", "1", "--threads", "1"];
    let measure = ["models", "measure", "tiny/target", "--out", "steps.csv"];
    let output = sim.done(measure.into_iter().chain(shapes).chain(limits));
    assert!(output.stderr.contains("left out, as --seconds were over: prefill of 160 tokens"), "{}", output.stderr);
    assert_eq!(sim.text("steps.csv").lines().count(), 1001);
    assert!(sim.text("steps.json").contains("prefill of 160 tokens"));
}

#[test]
fn what_cannot_be_measured_is_refused() {
    let Some(sim) = written("what_cannot_be_measured_is_refused") else { return };
    let refused = |more: &[&str]| {
        let output = sim.run(["models", "measure", "tiny/draft", "--out", "s.csv"].iter().chain(more));
        assert_eq!(output.code, Some(2), "{output:#?}");
        output.stderr
    };
    assert!(refused(&["--pictures", "12"]).contains("--pictures 12: expected width and height in pixels"));
    let nothing = refused(&["--prefill", "0", "--context", "0", "--verify", "0", "--pictures", "0"]);
    assert!(nothing.contains("no shape to measure"), "{nothing}");
    assert!(refused(&["--prefill", "1000000"]).contains("a prompt of 1000000 tokens; the context of"));
    assert!(
        sim.run(["models", "measure", "tiny/draft", "--out", "no/s.csv"]).stderr.contains("cannot write no/s.json")
    );
}

#[test]
fn a_pair_is_held_to_the_processor() {
    let Some(sim) = written("a_pair_is_held_to_the_processor") else { return };
    let output = sim.done(["models", "check", "tiny/target", "--draft", "tiny/draft", "--json"]);
    let found: Value = serde_json::from_str(&output.stdout).expect("JSON");
    assert_eq!(found["prompts"], 4);
    assert_eq!(found["entropy_off_nats_max"], serde_json::json!([0.0, 0.0]));
    // Every node that ran has its provider, of which there is one here.
    let operators = found["operators"].as_array().expect("operators");
    assert!(
        operators.iter().any(|one| one["graph"] == "decoder_model_merged" && one["operator"] == "GroupQueryAttention")
    );
    assert!(operators.iter().all(|one| one["provider"] == "CPUExecutionProvider"), "{found}");
    let text = sim.done(["models", "check", "tiny/target", "--draft", "tiny/draft"]).stdout;
    assert!(text.contains("all as recorded") && text.contains(" on the processor, 0 elsewhere"), "{text}");
}

#[test]
fn shared_answers_are_checked_and_others_are_found() {
    let test = "shared_answers_are_checked_and_others_are_found";
    let models = repository("../shared/models");
    let Ok(golden) = std::fs::read_to_string(models.join("golden/golden.json")) else {
        return aloud(&format!("skipped: {test}: ../shared/models is not here"));
    };
    if written(test).is_none() {
        return;
    }
    // Two prompts: one with a picture, one of text alone.
    let mut golden: Value = serde_json::from_str(&golden).expect("JSON");
    let prompts = golden["prompts"].as_array_mut().expect("prompts");
    prompts.retain(|prompt| prompt["id"] == "p03_color" || prompt["images"].as_array().is_some_and(Vec::is_empty));
    prompts.truncate(2);
    let pixels = models.canonicalize().expect("a folder").join("golden");
    for image in prompts.iter_mut().flat_map(|prompt| prompt["images"].as_array_mut().expect("images")) {
        image["pixel_values"] = pixels.join(image["pixel_values"].as_str().expect("a path")).to_str().into();
    }
    let mut other = golden.clone();
    other["prompts"][0]["target"]["greedy_ids"][1] = 3.into();
    let sim = Sim::new().with("golden.json", golden.to_string()).with("other.json", other.to_string());
    let sim = sim.with("broken.json", "{\"prompts\": []}");
    let folder = |name: &str| models.join(name).to_str().expect("UTF-8").to_owned();
    let (target, draft) = (folder("target"), folder("draft"));
    let check = |file: &str| sim.run(["models", "check", &target, "--draft", &draft, "--golden", file]);
    let sound = check("golden.json");
    assert_eq!(sound.code, Some(0), "{sound:#?}");
    assert!(sound.stdout.starts_with("2 prompts, "), "{}", sound.stdout);
    let other = check("other.json");
    assert_eq!(other.code, Some(3), "{other:#?}");
    assert!(other.stderr.contains(": token 2 is ") && other.stderr.contains(", expected 3"), "{}", other.stderr);
    let broken = check("broken.json");
    assert_eq!(broken.code, Some(2), "{broken:#?}");
    assert!(broken.stderr.contains("broken.json: missing field `conventions`"), "{}", broken.stderr);
}

#[test]
fn a_provider_that_is_not_there_is_no_fault_of_the_models() {
    let Some(sim) = written("a_provider_that_is_not_there_is_no_fault_of_the_models") else { return };
    let output = sim.run(["models", "measure", "tiny/draft", "--out", "s.csv", "--provider", "cuda"]);
    assert_eq!(output.code, Some(4), "{output:#?}");
    assert!(output.stderr.contains("provider `cuda`"), "{}", output.stderr);
}

#[cfg(target_os = "linux")]
#[test]
fn memory_that_runs_out_is_the_machines() {
    let Some(sim) = written("memory_that_runs_out_is_the_machines") else { return };
    let shapes = "--prefill 2000 --context 0 --verify 0 --pictures 0 --repeats 1 --threads 1";
    // From a limit under which the library does not load to one under which all of it fits.
    for limit_kib in (100_000..1_000_000).step_by(10_000) {
        let measure = format!("\"$SIM\" models measure tiny/target --out s.csv {shapes}");
        let output = sim.shell(&format!("ulimit -v {limit_kib}; {measure}"));
        assert_ne!(output.code, Some(0), "all of it fits into {limit_kib} KiB, and nothing less was refused");
        let lines: Vec<&str> = output.stderr.lines().filter(|line| line.starts_with("sim: ")).collect();
        if let [line] = lines[..]
            && line.contains("a device with more memory")
        {
            assert_eq!(output.code, Some(4), "{output:#?}");
            return;
        }
    }
    panic!("no limit was refused");
}
