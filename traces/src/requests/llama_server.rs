//! Responses of llama.cpp's server with their `timings`, JSON.
//!
//! Objects, or lines of a stream, with `timings`: `prompt_n` tokens were read in `prompt_ms`, behind `cache_n` that were in the
//! cache; `predicted_n` tokens were made, those after the first in `predicted_ms`. There are no times of arrival, and waiting in
//! the server's queue is not in the timings.

use super::{Format, RequestStream, Requests, ServedRequest, TraceFile, TraceRequest};
use crate::{
    TraceError,
    json::{Decimal, Objects},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::SimDuration;

/// The file of responses of llama.cpp's server.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct LlamaServer(TraceFile);

impl Format for LlamaServer {
    const EXAMPLE: &str = "\"FILE\"";
    const PICTURES: bool = false;

    fn files(&mut self) -> Vec<&mut TraceFile> {
        vec![&mut self.0]
    }

    fn read(&self) -> Result<Requests, TraceError> {
        let path = self.0.path()?;
        super::summaries::refuse(path)?;
        let (mut responses, mut all, mut cached) = (Objects::<Response>::open(path, EXPECTED)?, Vec::new(), 0_u64);
        while let Some(response) = responses.next()? {
            let Some(timings) = response.timings.or(response.bare) else { continue };
            cached += u64::from(timings.cache_n.unwrap_or(0) > 0);
            all.push(served(&timings, response.usage));
        }
        if all.is_empty() {
            return Err(TraceError::new(path, "no response with timings", EXPECTED, "log what the server answers"));
        }
        let of = all.len();
        let remark =
            format!("{cached} of {of} prompts were partly in the server's cache; the simulation reads all of each");
        let stream = RequestStream::sorted(path, all).untimed(true).leaving_out("they made no token");
        Ok(stream.remarking((cached > 0).then_some(remark)).into())
    }
}

const EXPECTED: &str = "{\"timings\": {\"prompt_n\": <tokens>, \"prompt_ms\": <ms>, \"predicted_n\": <tokens>, \
                        \"predicted_ms\": <ms>, ...}, ...}";

#[derive(Deserialize)]
struct Response {
    timings: Option<Timings>,
    usage: Option<Usage>,
    /// The timings themselves, if somebody kept nothing else.
    #[serde(flatten)]
    bare: Option<Timings>,
}

#[derive(Deserialize)]
struct Timings {
    cache_n: Option<u32>,
    prompt_n: u32,
    prompt_ms: Decimal,
    predicted_n: u32,
    predicted_ms: Decimal,
}

#[derive(Deserialize)]
struct Usage {
    prompt_tokens: Option<u32>,
}

fn served(timings: &Timings, usage: Option<Usage>) -> Option<ServedRequest> {
    let read = timings.prompt_n.saturating_add(timings.cache_n.unwrap_or(0));
    let input = usage.and_then(|usage| usage.prompt_tokens).unwrap_or(read);
    let request = TraceRequest::text(SimDuration::ZERO, input, timings.predicted_n);
    let (ttft_ms, decode_ms) = (timings.prompt_ms.as_f64(), timings.predicted_ms.as_f64());
    let e2e_ms = Some(ttft_ms + decode_ms);
    let one = ServedRequest { ttft_ms: Some(ttft_ms).filter(|ms| *ms > 0.0), e2e_ms, ..request.into() };
    (timings.predicted_n > 0).then(|| one.completed())
}

#[cfg(test)]
mod tests {
    use crate::testing::read_as;

    const TIMINGS: &str = "{\"cache_n\": 100, \"prompt_n\": 28, \"prompt_ms\": 448.0, \"predicted_n\": 22, \
                           \"predicted_ms\": 1050.0, \"predicted_per_second\": 16.7}";

    #[test]
    fn responses_and_streams_are_read() {
        let response = format!("{{\"id\": \"c\", \"choices\": [], \"timings\": {TIMINGS}}}");
        let usage =
            response.replace("\"choices\"", "\"usage\": {\"prompt_tokens\": 130, \"total_tokens\": 152}, \"choices\"");
        let stream = format!("data: {{\"choices\": [{{\"delta\": {{}}}}]}}\n\ndata: {usage}\n\ndata: [DONE]\n");
        for (text, input) in
            [(response.clone(), 128), (format!("[{response}]"), 128), (stream, 130), (TIMINGS.into(), 128)]
        {
            let all = read_as("llama_server", text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!((all.len(), all[0].request.text_tokens, all[0].request.output_tokens), (1, input, 22), "{text}");
            assert_eq!((all[0].ttft_ms, all[0].tpot_ms, all[0].e2e_ms), (Some(448.0), Some(50.0), Some(1498.0)));
        }
    }

    #[test]
    fn what_has_no_timings_is_refused() {
        let said = read_as("llama_server", b"{\"choices\": []}\n").unwrap_err();
        assert!(said.starts_with("trace: found no response with timings; expected {\"timings\""), "{said}");
    }
}
