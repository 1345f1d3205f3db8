//! `[model.NAME] config = "config.json"`: a model from the configuration that its publisher wrote.

use crate::refusals::refused;
use crate::support::Sim;

const SCENARIO: &str = "\
name = \"hub\"
replications = 1
workload = { dataset = \"vqav2\", requests = 4 }
policy.cloud_only = {}
policy.speculative = {}
[edge]
model = \"MODEL\"
";

/// Qwen2-VL-2B, written anew by its shape.
const CONFIG: &str = r#"{"architectures": ["Qwen2VLForConditionalGeneration"], "model_type": "qwen2_vl", "hidden_size": 1536,
    "intermediate_size": 8960, "max_position_embeddings": 32768, "num_attention_heads": 12, "num_hidden_layers": 28,
    "num_key_value_heads": 2, "sliding_window": 32768, "use_sliding_window": false, "tie_word_embeddings": true,
    "vocab_size": 151936, "vision_config": {"depth": 32, "embed_dim": 1280, "mlp_ratio": 4, "num_heads": 16, "in_chans": 3,
    "hidden_size": 1536, "patch_size": 14, "spatial_merge_size": 2, "temporal_patch_size": 2}}"#;

fn scenario(table: &str) -> Sim {
    let text = SCENARIO.replace("MODEL", "mine") + "[model.mine]\n" + table + "\n";
    Sim::new().with("s/s.toml", text).with("s/models/config.json", CONFIG)
}

/// Equal rows: equal FLOP, bytes, and so times.
#[test]
fn a_configuration_is_the_built_in_model_that_it_describes() {
    let sim = scenario("config = \"models/config.json\"").with("s/b.toml", SCENARIO.replace("MODEL", "qwen2-vl-2b"));
    sim.done(["s/s.toml", "--out", "mine"]);
    sim.done(["s/b.toml", "--out", "built_in"]);
    assert_eq!(sim.text("mine/summary.csv"), sim.text("built_in/summary.csv"));
    // What is shown runs from anywhere.
    let shown = sim.done(["show", "s/s.toml"]).stdout;
    assert!(shown.contains("/s/models/config.json"), "{shown}");
    let moved = Sim::new().with("shown.toml", shown);
    moved.done(["shown.toml", "--out", "out"]);
    assert_eq!(moved.text("out/summary.csv"), sim.text("mine/summary.csv"));
}

#[test]
fn configurations_are_refused_by_what_is_not_modelled() {
    let cases = [
        ("config = \"models/gone.json\"", CONFIG.to_owned(), "model.mine.config: s/models/gone.json: cannot be read"),
        ("config = \"/dev/zero\"", CONFIG.to_owned(), "it is a device or a pipe"),
        ("config = \"models/config.json\"", "{".to_owned(), "name the config.json of a model"),
        (
            "config = \"models/config.json\"",
            CONFIG.replacen('{', "{\"num_experts\": 60, ", 1),
            "`num_experts`: a mixture of experts in a qwen2_vl, which is not modelled yet",
        ),
        ("config = \"models/config.json\"\nlayers = 3", CONFIG.to_owned(), "model.mine.layers: its `config` has it"),
        ("config = \"models/config.json\"\ntied_head = true", CONFIG.to_owned(), "tied_head: its `config` has it"),
        (
            "config = \"models/config.json\"\nvision_of = \"qwen2-vl-7b\"",
            CONFIG.to_owned(),
            "vision_of: its `config` has a vision tower",
        ),
        (
            "config = \"models/config.json\"",
            CONFIG.replace("\"num_key_value_heads\": 2", "\"num_key_value_heads\": 5"),
            "kv_heads: expected a divisor of its 12 heads",
        ),
        ("layers = 3", CONFIG.to_owned(), "model.mine.hidden: expected it, or `config = \"config.json\"`"),
    ];
    for (table, config, told) in cases {
        let sim = scenario(table).with("s/models/config.json", config);
        let said = refused(&sim, &["s/s.toml", "--out", "no"]);
        assert!(said.contains(told), "{table}: {said}");
    }
}

/// A quantised checkpoint is what it says, unless the scenario says otherwise.
#[test]
fn a_configuration_has_the_format_of_its_weights() {
    let quantised = r#"{"quantization_config": {"quant_method": "awq", "bits": 4, "group_size": 128,
        "modules_to_not_convert": ["visual"]}, "#;
    let sim = scenario("config = \"models/config.json\"");
    let run = |sim: &Sim, more: &[&str]| {
        sim.done([&["s/s.toml", "--out", "out"], more].concat());
        sim.text("out/summary.csv")
    };
    let written = run(&sim, &["--set", "edge.weights=w4a16_awq"]);
    let full = run(&sim, &["--set", "edge.weights=bf16"]);
    let sim = sim.with("s/models/config.json", CONFIG.replacen('{', quantised, 1));
    assert_eq!(run(&sim, &[]), written);
    assert_eq!(run(&sim, &["--set", "edge.weights=bf16"]), full);
    assert_ne!(written, full);
}

/// A sweep goes on only with the configuration that it began with.
#[test]
fn a_changed_configuration_is_another_scenario() {
    let table = "config = \"models/config.json\"\n[sweep]\n\"link.rtt\" = [\"10 ms\", \"20 ms\"]";
    let sim = scenario(table);
    sim.done(["sweep", "s/s.toml", "--out", "out"]);
    let sim = sim.with("s/models/config.json", CONFIG.replace("8960", "8192"));
    let said = sim.run(["sweep", "s/s.toml", "--out", "out", "--resume"]);
    assert_eq!(said.code, Some(2), "{said:#?}");
}
