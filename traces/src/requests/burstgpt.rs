//! BurstGPT: requests of a regional Azure OpenAI service, CSV.
//!
//! Published at <https://github.com/HPMLL/BurstGPT>: `Timestamp` in seconds, `Request tokens` and `Response tokens`; in its
//! later files also `Session ID` and `Elapsed time`, the seconds that the answer took. A response of 0 tokens is a failure,
//! which is left out.

use super::{Format, RequestStream, Requests, ServedRequest, TraceFile, TraceRequest};
use crate::{TraceError, rows::CsvFile};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::SimDuration;

/// The file of a BurstGPT trace.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Burstgpt(TraceFile);

impl Format for Burstgpt {
    const EXAMPLE: &str = "\"FILE\"";
    const PICTURES: bool = false;

    fn files(&mut self) -> Vec<&mut TraceFile> {
        vec![&mut self.0]
    }

    fn read(&self) -> Result<Requests, TraceError> {
        let file = CsvFile::open(self.0.path()?, EXPECTED)?;
        let [time, input, output] = file.columns(["Timestamp", "Request tokens", "Response tokens"])?;
        let (session, elapsed) = (file.optional("Session ID")?, file.optional("Elapsed time")?);
        let requests = RequestStream::csv(file, move |row| {
            let arrival = SimDuration::from_ns(row.fixed_point(time, 9)?);
            let request = TraceRequest::text(arrival, row.count(input)?, row.count(output)?);
            let seconds = row.stated(elapsed).map(|column| row.number(column)).transpose()?;
            let e2e_ms = seconds.map(|seconds| 1e3 * seconds).filter(|ms| *ms > 0.0);
            let session = row.stated(session).map(|column| row.text(column).into());
            let has_failed = request.output_tokens == 0 || request.text_tokens == 0;
            Ok((!has_failed).then(|| ServedRequest { e2e_ms, session, ..request.into() }))
        });
        Ok(requests.leaving_out("they failed, with 0 tokens").into())
    }
}

const EXPECTED: &str = "the columns Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::read_as;

    #[test]
    fn both_layouts_are_read_without_failures() {
        let first = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n\
                     5,ChatGPT,472,18,490,Conversation log\n45,ChatGPT,700,0,700,API log\n118,GPT-4,417,276,693,API log\n";
        let all = read_as("burstgpt", first.as_bytes()).unwrap();
        assert_eq!((all.len(), all[1].request.arrival), (2, SimDuration::from_secs(113)));
        let later = "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\n\
                     19440110.0,1722ac82,43,GPT-4,906,446,1352,Conversation log\n";
        let all = read_as("burstgpt", later.as_bytes()).unwrap();
        assert_eq!((all[0].e2e_ms, all[0].session.as_deref()), (Some(43_000.0), Some("1722ac82")));
        let failed = first.lines().take(1).chain(["1,m,5,0,5,x"]).collect::<Vec<_>>().join("\n");
        let said = read_as("burstgpt", failed.as_bytes()).unwrap_err();
        assert!(said.contains("found no request that is played; 1 are left out: they failed"), "{said}");
    }
}
