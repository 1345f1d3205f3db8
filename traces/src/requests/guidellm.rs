//! The JSON report of guidellm (`--outputs json`), whose CSV has summaries alone.
//!
//! `benchmarks` is a list of runs, each with `requests.successful`: of each request its tokens, its start (a clock in seconds)
//! and its latencies. The keys of versions 0.2 to 0.8 are read; pictures and sound as far as `input_metrics` states them.

use super::bench::{RunOf, ms_of, time};
use super::{Format, Pictures, RequestStream, Requests, ServedRequest, TraceFile, TraceRequest};
use crate::{
    TraceError,
    json::{Decimal, Objects},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::IgnoredAny};
use std::path::Path;
use units::SimDuration;

/// The file of guidellm's report.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Guidellm(RunOf);

impl Format for Guidellm {
    const EXAMPLE: &str = "\"FILE\"";
    const PICTURES: bool = true;

    fn files(&mut self) -> Vec<&mut TraceFile> {
        vec![self.0.file_mut()]
    }

    fn read(&self) -> Result<Requests, TraceError> {
        let path = self.0.file().path()?;
        super::summaries::refuse(path)?;
        let mut report = Objects::<Report>::open(path, EXPECTED)?;
        let report = report.next()?.ok_or_else(|| crate::open::empty(path, EXPECTED))?;
        requests(path, self.0.of(path, report.benchmarks, Benchmark::name)?).map(Requests::Listed)
    }
}

const EXPECTED: &str = "{\"benchmarks\": [{\"requests\": {\"successful\": [...], ...}, ...}, ...], ...}";

#[derive(Deserialize)]
struct Report {
    benchmarks: Vec<Benchmark>,
}

#[derive(Deserialize)]
struct Benchmark {
    requests: Option<Outcomes>,
}

#[derive(Deserialize, Default)]
struct Outcomes {
    successful: Option<Vec<Request>>,
    errored: Option<Vec<IgnoredAny>>,
    incomplete: Option<Vec<IgnoredAny>>,
}

#[derive(Deserialize)]
struct Request {
    prompt_tokens: Option<u32>,
    output_tokens: Option<u32>,
    #[serde(alias = "start_time")]
    request_start_time: Option<Decimal>,
    request_latency: Option<Decimal>,
    time_to_first_token_ms: Option<Decimal>,
    inter_token_latency_ms: Option<Decimal>,
    input_metrics: Option<Usage>,
    output_metrics: Option<Usage>,
    info: Option<Info>,
}

#[derive(Deserialize, Default)]
struct Usage {
    text_tokens: Option<u32>,
    total_tokens: Option<u32>,
    image_tokens: Option<u32>,
    image_count: Option<u32>,
    audio_seconds: Option<Decimal>,
}

#[derive(Deserialize, Default)]
struct Info {
    conversation_id: Option<Box<str>>,
    timings: Option<Timings>,
}

#[derive(Deserialize, Default)]
struct Timings {
    request_start: Option<Decimal>,
}

impl Benchmark {
    /// A description for a choice of runs.
    fn name(&self) -> String {
        format!(
            "{} requests",
            self.requests.iter().flat_map(|requests| &requests.successful).map(Vec::len).sum::<usize>()
        )
    }
}

fn requests(path: &Path, run: Benchmark) -> Result<RequestStream, TraceError> {
    let Outcomes { successful, errored, incomplete } = run.requests.unwrap_or_default();
    let successful = successful.unwrap_or_default();
    let untimed = successful.iter().any(|one| one.start().is_none());
    let mut all: Vec<_> =
        successful.into_iter().map(|one| one.served(path).map(Some)).collect::<Result<_, TraceError>>()?;
    all.extend(errored.into_iter().chain(incomplete).flatten().map(|_| None));
    Ok(RequestStream::sorted(path, all).leaving_out("they failed or did not end").untimed(untimed))
}

impl Request {
    fn start(&self) -> Option<Decimal> {
        self.request_start_time.or_else(|| self.info.as_ref()?.timings.as_ref()?.request_start)
    }

    fn served(self, path: &Path) -> Result<ServedRequest, TraceError> {
        let lacks = |what: &str| TraceError::new(path, format!("a request without {what}"), EXPECTED, "remove it");
        let arrival = self.start().map_or(Ok(SimDuration::ZERO), |start| time(path, start))?;
        let (asked, made) = (self.input_metrics.unwrap_or_default(), self.output_metrics.unwrap_or_default());
        let input = asked.text_tokens.or(self.prompt_tokens).or(asked.total_tokens);
        let output = self.output_tokens.or(made.total_tokens).ok_or_else(|| lacks("output_tokens"))?;
        let request = TraceRequest {
            pictures: Pictures::of_tokens(asked.image_count.unwrap_or(1), asked.image_tokens.unwrap_or(0)),
            sound: asked.audio_seconds.and_then(|seconds| seconds.duration(0)).unwrap_or_default(),
            ..TraceRequest::text(arrival, input.ok_or_else(|| lacks("prompt_tokens"))?, output)
        };
        let ms = |ms: Option<Decimal>| ms.map(Decimal::as_f64).filter(|ms| *ms > 0.0);
        let (ttft_ms, tpot_ms) = (ms(self.time_to_first_token_ms), ms(self.inter_token_latency_ms));
        let e2e_ms = ms_of(self.request_latency);
        Ok(ServedRequest {
            request,
            ttft_ms,
            tpot_ms,
            e2e_ms,
            session: self.info.and_then(|info| info.conversation_id),
            blocks: None,
        }
        .completed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::read_as;

    fn report(requests: &str) -> String {
        format!("{{\"metadata\": {{}}, \"benchmarks\": [{{\"config\": {{}}, \"requests\": {requests}}}]}}")
    }

    #[test]
    fn requests_of_both_generations_are_read_in_order_of_start() {
        let later = r#"{"request_id": "a", "prompt_tokens": 12, "output_tokens": 3, "request_start_time": 1760000002.5,
            "request_latency": 0.5, "time_to_first_token_ms": 100.0, "inter_token_latency_ms": 200.0,
            "input_metrics": {"text_tokens": 10, "image_tokens": 2}, "output_metrics": {}, "info": {"timings": {}}}"#;
        let earlier = r#"{"type_": "generative_text_response", "prompt_tokens": 7, "output_tokens": 2,
            "start_time": 1760000000.25, "end_time": 1760000001.0, "request_latency": 0.75, "time_to_first_token_ms": 50}"#;
        let requests = format!(
            "{{\"successful\": [{later}, {earlier}], \"errored\": [{{}}], \"incomplete\": null, \"total\": null}}"
        );
        let all = read_as("guidellm", report(&requests).as_bytes()).unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!((all[0].request.text_tokens, all[0].tpot_ms, all[0].e2e_ms), (7, Some(700.0), Some(750.0)));
        assert_eq!(all[1].request.arrival, SimDuration::from_ms(2250));
        assert_eq!((all[1].request.text_tokens, all[1].request.pictures), (10, Pictures::of_tokens(1, 2)));
        assert_eq!((all[1].ttft_ms, all[1].tpot_ms, all[1].e2e_ms), (Some(100.0), Some(200.0), Some(500.0)));
    }

    #[test]
    fn summaries_are_refused() {
        let said = read_as("guidellm", b"Run Info,Benchmark\nModel,m\n").unwrap_err();
        assert!(said.contains("found guidellm's CSV, which has summaries and no request"), "{said}");
        assert!(said.contains("--outputs json"), "{said}");
        let none = read_as("guidellm", report("{\"successful\": []}").as_bytes()).unwrap_err();
        assert!(none.contains("found no request"), "{none}");
    }
}
