//! The trained pair: real answers from a clean clone, through the real binary.
//!
//! Tests are skipped, aloud, where ONNX Runtime is not.

use crate::parquet_file::{count, number, rows, text};
use crate::support::{Sim, aloud};
use std::collections::BTreeMap;

const SCENARIO: &str = "name = \"r\"\nmode = \"replay\"\n\
     [workload]\nrequests = 48\nmax_output_tokens = 64\n\
     dataset.custom = { width = 112, height = 112, text_tokens = 12, output_tokens = 12 }\n\
     [replay]\ndrawn = \"graded\"\n\
     [replay.edge]\nfolder = \"pair/draft\"\n[replay.cloud]\nfolder = \"pair/target\"\n\
     [policy.cloud_only]\n[policy.edge_only]\n[policy.speculative]\n[policy.msao]\nplan.quality_loss_max = \"0 %\"\n";

/// The scenario beside the pair that it names; none where there is no library.
fn trained(test: &str) -> Option<Sim> {
    let sim = Sim::new().with("r.toml", SCENARIO);
    sim.done(["models", "write", "trained", "--out", "pair"]);
    let described = sim.run(["models", "describe", "pair/draft"]);
    if described.code == Some(4) {
        aloud(&format!("skipped: {test}: {}", described.stderr.trim()));
        return None;
    }
    assert!(described.stdout.contains("111"), "{described:#?}");
    Some(sim)
}

#[test]
fn the_trained_pair_knows_more_than_chance_and_drafts_change_nothing() {
    let Some(sim) = trained("the_trained_pair_knows_more_than_chance_and_drafts_change_nothing") else { return };
    let output = sim.done(["r.toml", "--out", "out"]);
    assert!(output.stdout.contains("are the models' own"), "{}", output.stdout);
    let mut given: BTreeMap<(String, u64), (String, f64)> = BTreeMap::new();
    for row in rows(&sim.path("out/answers.parquet")) {
        let score = number(&row, "score").expect("a score");
        given.insert((text(&row, "policy").to_owned(), count(&row, "request")), (text(&row, "text").to_owned(), score));
    }
    let of = |policy: &str, request| &given[&(policy.to_owned(), request)];
    let right = |policy: &str| (0..48).map(|request| of(policy, request).1).sum::<f64>() / 48.0;
    for request in 0..48 {
        for policy in ["speculative", "msao"] {
            assert_eq!(of(policy, request), of("cloud_only", request), "{policy} {request}");
        }
    }
    // Of answers drawn blindly from those of the same kind of question fewer than a quarter would be right.
    assert!(right("cloud_only") > 0.4, "{}", right("cloud_only"));
    assert!(right("cloud_only") > right("edge_only"), "{} {}", right("cloud_only"), right("edge_only"));
}

#[test]
fn graded_questions_are_drawn_with_one_picture_or_two() {
    let sim = Sim::new();
    sim.done("questions draw --out set --count 8 --kind graded".split(' '));
    let told = sim.done(["questions", "describe", "set/questions.jsonl"]).stdout;
    for line in ["questions             8: 8 open, 0 with options", "width, px             112"] {
        assert!(told.lines().any(|told| told == line), "{told}");
    }
    assert_eq!(sim.names("set/pictures").len(), 10);
}

#[test]
fn the_token_process_of_the_trained_pair_is_a_preset() {
    let file = crate::support::repository("scenarios/tokens/small_model_drawn_pictures.toml");
    let head = "name = \"s\"\n[workload]\ndataset = \"vqav2\"\nrequests = 200\noutput_tokens = 40\n";
    let preset = format!("tokens.profile = {:?}\n{head}[policy.speculative]\n", file.canonicalize().expect("a file"));
    let sim = Sim::new().with("default.toml", format!("{head}[policy.speculative]\n")).with("preset.toml", preset);
    let certain = |scenario: &str| {
        sim.done([&format!("{scenario}.toml"), "--tokens", "--out", scenario]);
        let drafted = rows(&sim.path(&format!("{scenario}/tokens.parquet")));
        let entropies: Vec<f64> = drafted.iter().filter_map(|row| number(row, "entropy_nats")).collect();
        entropies.iter().filter(|nats| **nats < 0.03).count() as f64 / entropies.len() as f64
    };
    // Half of the tokens of this pair are all but certain, and a quarter of the easy ones of the default process.
    let (preset, default) = (certain("preset"), certain("default"));
    assert!(preset > 0.4 && default < 0.3, "{preset} {default}");
}
