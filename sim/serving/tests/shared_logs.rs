//! Step logs of vLLM's own scheduler, in `../shared/serving`, which is no part of the repository.

#[path = "../examples/steps/check.rs"]
mod check;
#[path = "../examples/steps/course.rs"]
mod course;
#[path = "../examples/steps/log.rs"]
mod log;
#[path = "../examples/steps/names.rs"]
mod names;
#[path = "../examples/steps/record.rs"]
mod record;
#[path = "../examples/steps/replay.rs"]
mod replay;

use std::io::Write;
use std::path::{Path, PathBuf};

use check::Verdict;

/// The logs, or `None`, said past the runner's capture, where there are none.
fn logs() -> Option<Vec<PathBuf>> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/serving"));
    let Ok(kinds) = folder.read_dir() else {
        let _ = writeln!(std::io::stderr(), "skipped: ../shared is not here: shared_step_logs_agree");
        return None;
    };
    let kinds = kinds.map(|kind| kind.expect("a folder").path()).filter(|kind| kind.is_dir());
    let files = kinds.flat_map(|kind| kind.read_dir().expect("a folder"));
    let mut files: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
    files.sort();
    Some(files)
}

#[test]
fn shared_step_logs_agree() {
    let Some(logs) = logs() else { return };
    assert!(logs.len() >= 59, "{} logs", logs.len());
    for path in logs {
        let verdict = check::file(path.to_str().expect("an ASCII path"));
        assert!(matches!(verdict, Verdict::Agrees { steps } if steps > 0), "{}: {verdict:?}", path.display());
    }
}

/// A log in memory: one request of 20 + 2 tokens.
fn small(settings: &str, steps: &str) -> String {
    format!(
        r#"{{"name": "small", "feature": "", "about": "", "vllm_version": "0.19.1", "other_versions": {{}},
"settings": {{"max_num_seqs": 4, "max_num_batched_tokens": 64, "long_prefill_token_threshold": 0, "enable_chunked_prefill": true, "block_size": 16, "num_gpu_blocks": 9, "max_model_len": 96, "enable_prefix_caching": false, "policy": "fcfs", "async_scheduling": false, "scheduler_reserve_full_isl": true, "disable_chunked_mm_input": false, "encoder_compute_budget": 0, "encoder_cache_size": 0, "speculative": null, {settings}"num_speculative_tokens": 0}},
"step_law": {{"base_us": 4000, "per_token_us": 20, "per_encoder_token_us": 0}}, "compact": false, "totals": {{"steps": 2}}, "stuck": false,
"requests": [
{{"id":"r0","arrival_us":5,"prompt_tokens":20,"output_tokens":2,"prompt":[[100,20]],"out_segment":10000}}],
"steps": [{steps}],
"results": {{"r0": {{"finished": true, "ttft_us": 4400, "e2e_us": 8420, "tpot_us": 4020.0, "output_tokens": 2}}}}}}"#
    )
}

const PROMPT: &str = r#"{"step":0,"start_us":5,"scheduled":[["r0","new",0,20,0,2]],"free_blocks":6}"#;
const DECODE: &str = r#"{"step":1,"start_us":4405,"scheduled":[["r0","running",20,1,0,2]],"finished":["r0"]}"#;

#[test]
fn the_first_step_and_field_that_differ_are_named() {
    for (steps, told) in [
        (format!("{PROMPT},{DECODE}"), None),
        (PROMPT.to_owned(), Some("step 1 differs in being there")),
        (
            format!("{PROMPT},{}", DECODE.replace("20,1", "20,2")),
            Some("step 1 differs in scheduled: the log has [[\"r0\""),
        ),
        (
            format!("{},{DECODE}", PROMPT.replace(":6", ":5")),
            Some("step 0 differs in free_blocks: the log has 5, the replay 6"),
        ),
        (format!("{},{DECODE}", PROMPT.replace("free_blocks", "blocks")), Some("step 0 differs in blocks")),
        (format!("{PROMPT},{DECODE},{DECODE}"), Some("step 2 differs in being there")),
    ] {
        let verdict = check::text(&small("", &steps));
        assert_eq!(verdict.code(), u8::from(told.is_some()));
        match (verdict, told) {
            (Verdict::Agrees { steps: 2 }, None) => {}
            (Verdict::Differs(difference), Some(told)) => {
                let difference = difference.to_string();
                assert!(difference.starts_with(told), "{difference}\nis not\n{told}");
            }
            (verdict, told) => panic!("{verdict:?} is not {told:?}"),
        }
    }
}

#[test]
fn a_file_that_is_no_log_is_refused_by_line() {
    let log = small("", &format!("{PROMPT},{DECODE}"));
    for (text, told) in [
        (small("\"watermark\": 0.01, ", ""), "2: unknown field `watermark`"),
        (log.replace("0.19.1", "0.7.2"), "1: found version \"0.7.2\"; expected 0.19.x or 0.33.x"),
        (log.replace("\"fcfs\"", "\"lottery\""), "2: unknown variant `lottery`, expected `fcfs` or `priority`"),
        (log.replace("[100,20]", "[100,21]"), "7: found 21 tokens in the pieces of r0; expected its prompt_tokens, 20"),
        (log.replace("\"arrival_us\":5,", ""), "5: missing field `arrival_us`"),
        ("steps".into(), "1: expected value"),
    ] {
        let verdict = check::text(&text);
        assert_eq!(verdict.code(), 2);
        match verdict {
            Verdict::NoLog(reason) => assert!(reason.starts_with(told), "{reason}\nis not\n{told}"),
            verdict => panic!("{verdict:?} is not {told}"),
        }
    }
    assert!(matches!(check::file("no such file"), Verdict::NoLog(_)));
}
