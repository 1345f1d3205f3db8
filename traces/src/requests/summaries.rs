//! Files of benchmarks that have figures of all requests together and none of each: refused with the name of the one that has.

use crate::{TraceError, open::open};
use std::io::Read;
use std::path::Path;

/// A mark of such a file near its start, what it is, and where its requests are.
const SUMMARIES: [(&str, &str, &str); 5] = [
    (
        "Run Info,",
        "guidellm's CSV, which has summaries and no request",
        "export the JSON, which has them: guidellm benchmark --outputs json; name it as dataset.guidellm",
    ),
    (
        "Total Requests per Second",
        "guidellm's CSV, which has summaries and no request",
        "export the JSON, which has them: guidellm benchmark --outputs json; name it as dataset.guidellm",
    ),
    (
        "Metric,avg,min,max",
        "AIPerf's CSV, which has summaries and no request",
        "name the file profile_export.jsonl beside it as dataset.aiperf",
    ),
    (
        "\"aiperf_version\"",
        "AIPerf's summary, which has no request",
        "name the file profile_export.jsonl beside it as dataset.aiperf",
    ),
    (
        "build_commit,",
        "llama-bench's table, which has steps and no request",
        "name what llama-server logged as dataset.llama_server",
    ),
];

/// Bytes of a file that are looked at.
const LOOKED_AT: u64 = 4096;

/// Refuses a file of summaries.
pub(super) fn refuse(path: &Path) -> Result<(), TraceError> {
    let mut start = Vec::new();
    open(path)?.take(LOOKED_AT).read_to_end(&mut start).map_err(|error| TraceError::reading(path, error))?;
    let start = String::from_utf8_lossy(&start);
    match SUMMARIES.iter().find(|(mark, ..)| start.contains(mark)) {
        Some((_, found, remedy)) => Err(TraceError::new(path, *found, "requests, one by one", *remedy).at(1)),
        None => Ok(()),
    }
}
