//! Prompts that share content, through the real binary.

use crate::parquet_file::{count, rows, text};
use crate::support::Sim;

/// Two prompts of 1,200 tokens, whose first two blocks of 512 are equal.
const TRACE: &str = "\
{\"timestamp\":0,\"input_length\":1200,\"output_length\":4,\"hash_ids\":[0,1,2]}
{\"timestamp\":9000,\"input_length\":1200,\"output_length\":4,\"hash_ids\":[0,1,3]}
";

const SCENARIO: &str = "\
name = \"shared\"
replications = 1
cloud.engine = \"vllm-0.19-sync\"
policy.cloud_only = {}
[workload]
requests = 4
";

/// Tokens of the chunks of prompts, in order of time.
fn chunks(lines: &str) -> Vec<u64> {
    let sim = Sim::new().with("trace.jsonl", TRACE).with("shared.toml", format!("{SCENARIO}{lines}\n"));
    sim.done("shared.toml --steps --out out".split(' '));
    let steps = rows(&sim.path("out/steps.parquet"));
    let chunks = steps.iter().filter(|step| text(step, "kind") == "prefill");
    chunks.map(|step| count(step, "tokens")).collect()
}

#[test]
fn engines_with_a_prefix_cache_read_shared_content_once() {
    let text = "dataset = { custom = { width = 0, height = 0, text_tokens = 40, output_tokens = 20 } }";
    for (lines, read) in [
        ("dataset.mooncake = \"trace.jsonl\"", vec![1200, 176]),
        (text, vec![40, 40, 40, 40]),
        (&format!("{text}\nsystem_prompt = 96"), vec![136, 40, 40, 40]),
        (&format!("{text}\nsessions = {{ turns = 2, think = \"1 s\" }}"), vec![40, 52, 40, 52]),
    ] {
        assert_eq!(chunks(lines), read, "{lines}");
    }
}
