//! The walk-through of CONTRIBUTING.md is true: its format compiles as it stands, and its lines are like the others.

// The names that a file of this folder finds in `super`.
use super::{Format, FormatEntry, RequestStream, Requests, ServedRequest, TraceFile, TraceRequest};

mod proxy_log;

/// The list, with the format of the walk-through alone.
#[expect(dead_code, reason = "what the tests do not call")]
mod list {
    super::super::list::formats! {
        /// Log of a proxy in front of a server, CSV.
        proxy_log: ProxyLog,
    }

    use super::{Format, FormatEntry, Requests, TraceFile};
    use crate::TraceError;
    use schemars::JsonSchema;
    use serde::de::MapAccess;
    use serde::{Deserialize, Serialize};
}

use crate::testing::file_with;
use std::path::Path;
use units::SimDuration;

const CONTRIBUTING: &str = include_str!("../../../CONTRIBUTING.md");
const LIST: &str = include_str!("list.rs");
const MODULES: &str = include_str!("mod.rs");

/// What is read of a log, or why it is refused.
fn read(text: &str) -> Result<Vec<ServedRequest>, String> {
    let file = file_with(text.as_bytes());
    let name = file.path().display().to_string();
    let mut trace: list::RequestTrace = serde_json::from_str(&format!("{{\"proxy_log\": {name:?}}}")).expect("a trace");
    trace.files().into_iter().for_each(|file| file.find(Path::to_owned));
    let said = |error: crate::TraceError| error.to_string().replace(&name, "log.csv");
    match trace.read().map_err(said)? {
        Requests::Listed(mut requests) => requests.all().map_err(said),
        _ => panic!("a log has requests"),
    }
}

#[test]
fn the_format_is_read_and_refused() {
    let requests = read("ms,prompt,answer\n1000,12,3\n1250.5,40,7\n").expect("a log");
    assert_eq!(requests[1].request.arrival, SimDuration::from_us(250_500));
    assert_eq!((requests[1].request.text_tokens, requests[1].request.output_tokens), (40, 7));
    let refused = read("ms,prompt,answer\n1000,12,3\n1250,40,0\n").unwrap_err();
    assert!(refused.starts_with("log.csv:3: found a request with 0 output tokens"), "{refused}");
    assert_eq!(list::RequestTrace::FORMATS[0].description, "Log of a proxy in front of a server, CSV.");
}

#[test]
fn the_document_has_the_file_verbatim() {
    let file = include_str!("walkthrough/proxy_log.rs");
    assert!(CONTRIBUTING.contains(&format!("```rust\n{file}```\n")), "copy walkthrough/proxy_log.rs into it");
}

/// The lines, put for `mooncake`, are those that the house has, and a format stands nowhere else.
#[test]
fn the_lines_are_like_the_others() {
    let line = |name: &str, format: &str| [format!("\nmod {name};\n"), format!("    {name}: {format},\n")];
    for ((source, ours), example) in
        [MODULES, LIST].iter().zip(line("mooncake", "Mooncake")).zip(line("proxy_log", "ProxyLog"))
    {
        assert!(CONTRIBUTING.contains(&example), "{example}");
        assert!(source.contains(&ours), "{ours}");
        assert_eq!(
            source.matches("Mooncake").count(),
            ours.matches("Mooncake").count() + source.matches("Mooncake trace").count()
        );
    }
}
