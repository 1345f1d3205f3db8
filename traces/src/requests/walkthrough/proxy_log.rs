//! The log of a proxy in front of a server: CSV with the columns `ms`, `prompt` and `answer`, a request a line.

use super::{Collector, Format, Requests, TraceFile, TraceRequest};
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
        let path = self.0.path()?;
        let mut file = CsvFile::open(path, "the header ms,prompt,answer")?;
        let [ms, prompt, answer] = ["ms", "prompt", "answer"].map(|name| file.column(name));
        let (ms, prompt, answer) = (ms?, prompt?, answer?);
        let mut requests = Collector::default();
        while let Some(row) = file.next()? {
            let request = TraceRequest {
                // Milliseconds with up to six decimals are whole nanoseconds.
                arrival: SimDuration::from_ns(row.fixed_point(ms, 6)?),
                text_tokens: row.count(prompt)?,
                images: 0,
                image_tokens: Some(0),
                output_tokens: row.count(answer)?,
            };
            let line = row.line();
            requests.push(path, request).map_err(|refusal| refusal.at(line))?;
        }
        requests.finish(path).map(Requests::Listed)
    }
}
