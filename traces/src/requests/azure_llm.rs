//! Azure LLM inference traces: CSV, text only.
//!
//! Published at <https://github.com/Azure/AzurePublicDataset> with the header `TIMESTAMP,ContextTokens,GeneratedTokens`
//! and calendar times. Also read: the same in another order or beside other columns, such as an index, and with times
//! already in seconds, `arrival_s,context_tokens,generated_tokens`.

use super::{
    Format, RequestStream, Requests, TraceFile,
    azure::{self, Columns, column},
};
use crate::TraceError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The file of a trace of Azure's LLM inference service.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct AzureLlm(TraceFile);

impl Format for AzureLlm {
    const EXAMPLE: &str = "\"FILE\"";
    const PICTURES: bool = false;

    fn files(&mut self) -> Vec<&mut TraceFile> {
        vec![&mut self.0]
    }

    fn read(&self) -> Result<Requests, TraceError> {
        open(self.0.path()?).map(Requests::Listed)
    }
}

const EXPECTED: &str = "TIMESTAMP,ContextTokens,GeneratedTokens or arrival_s,context_tokens,generated_tokens";

fn open(path: &Path) -> Result<RequestStream, TraceError> {
    let file = azure::open(path, EXPECTED)?;
    if column(&file, "NumImages")?.is_some() {
        let expected = "requests of text alone";
        let remedy = "name it as dataset.azure_lmm";
        return Err(TraceError::new(path, "a column of numbers of pictures", expected, remedy).at(1));
    }
    let columns = Columns::of(&file, EXPECTED)?;
    Ok(azure::text(file, columns))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::requests::TraceRequest;
    use crate::testing::{gzipped, read_as, shared};
    use units::SimDuration;

    const HEADER: &str = "TIMESTAMP,ContextTokens,GeneratedTokens\n";

    fn read(content: &[u8]) -> Result<Vec<TraceRequest>, String> {
        Ok(read_as("azure_llm", content)?.into_iter().map(|one| one.request).collect())
    }

    fn read_text(text: &str) -> Result<Vec<TraceRequest>, String> {
        read(text.as_bytes())
    }

    #[test]
    fn both_layouts_give_the_same_requests() {
        let published = format!(
            "{HEADER}2023-11-16 18:17:03.9799600,4808,10\n2023-11-16 18:17:04.0319600,3180,8\n2023-11-17 00:00:00,1,1"
        );
        let reshaped =
            "arrival_s,context_tokens,generated_tokens\r\n0.000000,4808,10\r\n0.052,3180,8\r\n20576.02004,1,1\r\n";
        let requests = read_text(&published).unwrap();
        assert_eq!(requests, read_text(reshaped).unwrap());
        assert_eq!(requests[1].arrival, SimDuration::from_ms(52));
        assert_eq!(requests[1].text_tokens, 3180);
        assert_eq!(read(&gzipped(published.as_bytes())).unwrap(), requests);
        let mixed = ",generated_tokens,TIMESTAMP,Model,ContextTokens\n0,10,2023-11-16 18:17:03.97996+00:00,m,4808\n\
                     1,8,2023-11-16T18:17:04.03196Z,m,3180\n2,1,2023-11-17 02:00:00+02:00,m,1\n";
        assert_eq!(read_text(mixed).unwrap(), requests);
    }

    #[test]
    fn refusals_say_where_what_and_what_to_do() {
        let row = |row: &str| format!("{HEADER}2023-11-16 18:17:03,10,10\n{row}");
        let header =
            "expected the columns TIMESTAMP,ContextTokens,GeneratedTokens or arrival_s,context_tokens,generated_tokens";
        for (text, message) in [
            ("".into(), format!("trace: found an empty file; {header}")),
            (
                "TIMESTAMP,NumImages,ContextTokens,GeneratedTokens\n".into(),
                "trace:1: found a column of numbers of pictures; expected requests of text alone; it looks like".into(),
            ),
            ("1,2,3\n".into(), format!("trace:1: found the columns 1,2,3; {header}")),
            (HEADER.into(), "trace: found no request; expected at least 1".into()),
            (row("2023-11-16 18:17:04,10"), "trace:3: found 2 fields; expected 3".into()),
            (row("2023-11-16 18:17:04,10,1,1\n"), "trace:3: found 4 fields; expected 3".into()),
            (row("2023-11-16 18:17:04,,1\n"), "trace:3: found ContextTokens = \"\"; expected a whole number".into()),
            (
                row("2023-11-16 18:17:04,-1,1\n"),
                "trace:3: found ContextTokens = \"-1\"; expected a whole number".into(),
            ),
            (row("2023-11-16 18:17:04,NaN,1\n"), "trace:3: found ContextTokens = \"NaN\"".into()),
            (row("2023-11-16 18:17:04,+1,1\n"), "trace:3: found ContextTokens = \"+1\"".into()),
            (row("2023-11-16 18:17:04,1,5000000000\n"), "trace:3: found GeneratedTokens = \"5000000000\"".into()),
            (
                row("2023-11-16 18:17:04,1,0\n"),
                "trace:3: found a request with 0 output tokens; expected at least 1".into(),
            ),
            (row("2023-11-16 18:17:04,0,1\n"), "trace:3: found a request with 0 input tokens".into()),
            (row("yesterday,1,1\n"), "trace:3: found TIMESTAMP = \"yesterday\"; expected a time such as".into()),
            (
                row("2023-11-16 18:17:02.5,1,1\n"),
                "trace:3: found an arrival 500 ms before the one above; expected times in order; sort the file by time"
                    .into(),
            ),
        ] {
            let refused = read_text(&text).unwrap_err();
            assert!(refused.starts_with(&message), "{refused}\nis not\n{message}");
            assert_eq!(refused.lines().count(), 1);
        }
        for seconds in ["nan", "inf", "-1", ""] {
            let text = format!("arrival_s,context_tokens,generated_tokens\n{seconds},1,1\n");
            let refused = read_text(&text).unwrap_err();
            assert!(
                refused.contains(&format!(":2: found arrival_s = \"{seconds}\"; expected a decimal number")),
                "{refused}"
            );
        }
    }

    #[test]
    fn shared_traces_are_read() {
        for (name, requests, seconds) in [("conv", 11_000, 2_000.0), ("code", 5_000, 2_000.0)] {
            let Some(path) = shared(&format!("traces/requests/azure_llm_2023_{name}.csv.gz")) else { return };
            let trace = open(&path).unwrap().all().unwrap();
            assert!(trace.len() > requests, "{name}: {}", trace.len());
            let span = trace.last().unwrap().request.arrival.as_secs_f64();
            assert!((seconds..3600.0).contains(&span), "{name}: {span}");
        }
    }
}
