//! The log of a proxy in front of a server: CSV with the columns `ms`, `prompt` and `answer`, a request a line.

use super::{Format, RequestStream, Requests, TraceFile, TraceRequest};
use crate::{TraceError, rows::CsvFile};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::SimDuration;

/// The file of a proxy's log.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ProxyLog(TraceFile);

impl Format for ProxyLog {
    const EXAMPLE: &str = "\"FILE\"";
    const PICTURES: bool = false;

    fn files(&mut self) -> Vec<&mut TraceFile> {
        vec![&mut self.0]
    }

    fn read(&self) -> Result<Requests, TraceError> {
        let file = CsvFile::open(self.0.path()?, "the header ms,prompt,answer")?;
        let [ms, prompt, answer] = file.columns(["ms", "prompt", "answer"])?;
        let requests = RequestStream::csv(file, move |row| {
            // Milliseconds with up to six decimals are whole nanoseconds.
            let arrival = SimDuration::from_ns(row.fixed_point(ms, 6)?);
            let request = TraceRequest::text(arrival, row.count(prompt)?, row.count(answer)?);
            Ok(Some(request.into()))
        });
        Ok(requests.into())
    }
}
