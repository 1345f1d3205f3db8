//! The rows of `../shared/cases/README.md`, each with inputs written anew and what is right of them, through the real binary.

mod links;
mod models;
mod pictures;
mod runs;
mod traces;

use crate::support::{Output, Sim, aloud, repository};

/// A test for each row, under the row's first cell; and one that no row is missing.
macro_rules! cases {
    ($($name:ident: $row:literal => $right:path;)*) => {
        $(#[test] fn $name() { $right(stringify!($name)); })*

        /// First cells of the rows, in their order.
        const ROWS: &[&str] = &[$($row),*];
    };
}

cases! {
    nothing_compared: "`sim validate req.toml R`served_long_lat.csv `--tolerance 10`" => runs::nothing_compared;
    half_rejected: "`sim req.toml R`served_half_long.csv" => runs::half_rejected;
    a_default_cuts_nothing: "`sim link.toml --set workload.output_tokens=4000`" => runs::a_default_cuts_nothing;
    long_answers: "`sim validate req.toml R`served_long_answers.csv" => runs::long_answers;
    arrivals_of_the_file: "`sim noarr.toml`, `sim validate validate_noarr.toml`" => runs::arrivals_of_the_file;
    pictures_of_a_trace: "`sim req.toml R`served_images.csv" => traces::pictures;
    a_column_twice: "R served_dup_header.csv" => traces::a_column_twice;
    a_week: "`sim req.toml R`served_week.csv `--set edge.cpu_workers=100000`" => runs::a_week;
    marks_blanks_and_decimals:
        "mooncake_bom.jsonl, own_bom.jsonl, mooncake_float_ms.jsonl, mahimahi_blank_end.up" => traces::marks_blanks_and_decimals;
    published_traces:
        "vllm_bench_detailed.json, burstgpt.csv, qwen_bailian.jsonl, azure_index_column.csv" => traces::published;
    summaries: "guidellm_requests.csv" => traces::summaries;
    series: "iperf3.json, lumos5g_raw.csv, pensieve_cooked.txt, upper_units.csv" => links::series;
    two_levels: "two_levels.csv as `link.up`, 3 requests, 8 replications" => links::two_levels;
    turned_pictures: "exif6.jpg" => pictures::turned;
    cut_off_pictures: "truncated.jpg, mm_trunc.tsv" => pictures::cut_off;
    webp: "pic.webp" => pictures::webp;
    templates:
        "models/templates: `bos_variable`, `macro`, `strftime`, `generation`, `text_only`" => models::templates;
    other_families_and_layouts: "models/qwen3vl, models/genai_qwen2_5_vl" => models::other_families_and_layouts;
    nested_preprocessor:
        "a folder with `processor_config.json` (nested `image_processor`) and without `preprocessor_config.json`"
        => models::nested_preprocessor;
    larger_vocabularies:
        "a target whose tokenizer has 8 more tokens behind the draft's (as Qwen2.5-VL has behind Qwen2-VL's 151,657)"
        => models::larger_vocabularies;
    precisions: "`\"transformers.js_config\": {\"dtype\": \"q8\"}`" => models::precisions;
    context_windows: "a 300,000-token prompt to qwen2-vl-2b (32,768)" => runs::context_windows;
    files_of_others: "`touch OUT/notes.txt; sim q.toml --out OUT`" => runs::files_of_others;
    llama_bench: "llama_bench.csv" => runs::llama_bench;
}

#[test]
fn shared_cases_are_all_in_the_table() {
    let file = repository("../shared/cases/README.md");
    let Ok(text) = std::fs::read_to_string(file) else {
        return aloud("skipped: shared_cases_are_all_in_the_table: ../shared is not here");
    };
    let rows = text.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    assert_eq!(rows.skip(1).collect::<Vec<_>>(), ROWS);
}

/// A scenario of requests for the cloud alone, with these lines in `[workload]`.
fn scenario(workload: &str) -> String {
    format!("name = \"case\"\nreplications = 1\n[workload]\n{workload}\n[policy.cloud_only]\n")
}

/// A folder with `case.toml` over a file that it reads as this dataset.
fn over(dataset: &str, file: &str, content: &str) -> Sim {
    let workload = format!("dataset.{dataset} = \"{file}\"");
    Sim::new().with("case.toml", scenario(&workload)).with(file, content)
}

/// Fails unless the exit code is this and stderr says so.
#[track_caller]
fn ends(output: &Output, code: i32, says: &str) {
    assert!(output.code == Some(code) && output.stderr.contains(says), "{code}, {says}: {output:#?}");
}
