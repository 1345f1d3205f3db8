//! The format of a file, by its content.

use crate::{TraceError, open::open_unguarded};
use std::io::Read;
use std::path::Path;

/// Formats of text, each with marks that all stand near the start of its files. The first that fits is taken.
const MARKS: [(&str, &[&str]); 12] = [
    ("guidellm", &["\"benchmarks\""]),
    ("vllm_bench", &["\"input_lens\"", "\"output_lens\""]),
    ("vllm_bench", &["\"request_throughput\"", "\"total_output_tokens\""]),
    ("aiperf", &["\"request_start_ns\""]),
    ("llama_server", &["\"predicted_n\""]),
    ("qwen_bailian", &["\"chat_id\"", "\"input_length\""]),
    ("sharegpt", &["\"conversations\""]),
    ("sharegpt", &["\"messages\"", "\"role\""]),
    ("mooncake", &["\"input_length\"", "\"output_length\""]),
    ("mooncake", &["\"input_tokens\"", "\"output_tokens\"", "\"timestamp\""]),
    ("mooncake", &["\"input_tokens\"", "\"output_tokens\"", "\"created_time\""]),
    ("llama_server", &["\"timings\""]),
];

/// Formats of tables, each with columns that its files have, in small letters and without `_` and spaces.
const COLUMNS: [(&str, &[&str]); 4] = [
    ("served", &["inputtokens", "outputtokens"]),
    ("azure_lmm", &["numimages", "contexttokens", "generatedtokens"]),
    ("azure_llm", &["contexttokens", "generatedtokens"]),
    ("burstgpt", &["timestamp", "requesttokens", "responsetokens"]),
];

/// Bytes of a file that are looked at.
const LOOKED_AT: u64 = 1 << 18;

/// The name of the format that a file or folder seems to have; none if it is like none.
///
/// # Errors
/// If it cannot be read, or has figures of all requests together and none of each.
pub fn recognise(path: &Path) -> Result<Option<&'static str>, TraceError> {
    if path.is_dir() {
        return Ok(Some("servegen"));
    }
    super::summaries::refuse(path)?;
    let mut start = Vec::new();
    let reading = |error| TraceError::reading(path, error);
    open_unguarded(path)?.take(LOOKED_AT).read_to_end(&mut start).map_err(reading)?;
    let start = String::from_utf8_lossy(&start);
    if start.trim_start().starts_with(['{', '[']) || start.starts_with("data:") {
        let found = MARKS.iter().find(|(_, marks)| marks.iter().all(|mark| start.contains(mark)));
        return Ok(found.map(|(name, _)| *name));
    }
    let header = start.lines().find(|line| !line.starts_with('#') && !line.trim().is_empty()).unwrap_or_default();
    let header: Vec<String> =
        header.split(',').map(|name| name.replace(['_', ' ', '"'], "").to_ascii_lowercase()).collect();
    let has = |column: &str| header.iter().any(|name| name == column);
    Ok(COLUMNS.iter().find(|(_, columns)| columns.iter().all(|column| has(column))).map(|(name, _)| *name))
}

/// The refusal of a file, with the name of the format that it seems to have in place of `format`.
pub(super) fn named(format: &str, refusal: TraceError) -> TraceError {
    match recognise(&refusal.path) {
        Ok(Some(other)) if other != format && refusal.line == Some(1) => {
            TraceError { remedy: format!("it looks like {other}: name it as dataset.{other}"), ..refusal }
        }
        _ => refusal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::requests::RequestTrace;
    use crate::testing::{file_with, read_as};

    #[test]
    fn marks_are_of_formats_that_there_are() {
        let names = MARKS.iter().map(|(name, _)| name).chain(COLUMNS.iter().map(|(name, _)| name));
        for name in names {
            assert!(RequestTrace::FORMATS.iter().any(|format| format.name == *name), "{name}");
        }
    }

    #[test]
    fn files_are_recognised() {
        for (text, format) in [
            ("# c\narrival_s,input_tokens,output_tokens\n", Some("served")),
            (",TIMESTAMP,ContextTokens,GeneratedTokens\n", Some("azure_llm")),
            ("Timestamp,Model,Request tokens,Response tokens\n", Some("burstgpt")),
            ("{\"timestamp\": 0, \"input_length\": 655, \"output_length\": 52}\n", Some("mooncake")),
            ("[{\"id\": \"a\", \"conversations\": []}]", Some("sharegpt")),
            ("{\"timings\": {\"prompt_n\": 1, \"predicted_n\": 1}}", Some("llama_server")),
            ("t_s,dl_mbps\n0,1\n", None),
            ("{}", None),
        ] {
            assert_eq!(recognise(file_with(text.as_bytes()).path()).unwrap(), format, "{text}");
        }
        assert_eq!(recognise(tempfile::tempdir().unwrap().path()).unwrap(), Some("servegen"));
    }

    #[test]
    fn a_refusal_names_the_format_that_a_file_has() {
        let said = read_as("served", b"Timestamp,Request tokens,Response tokens\n1,2,3\n").unwrap_err();
        assert!(said.ends_with("it looks like burstgpt: name it as dataset.burstgpt"), "{said}");
    }
}
