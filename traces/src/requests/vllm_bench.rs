//! The result of `vllm bench serve --save-result --save-detailed`, JSON.
//!
//! One object with lists of equal length: `input_lens`, `output_lens`, `ttfts` and `itls` in seconds, `start_times` (a clock in
//! seconds), `errors`, and `latencies` in later versions. Also read: the same a line (`--append-result`), and sglang's
//! `bench_serving --output-details`, which has no start times. Requests that failed are left out.

use super::bench::{RunOf, ms_of, time};
use super::{Format, RequestStream, Requests, ServedRequest, TraceFile, TraceRequest};
use crate::{
    TraceError,
    json::{Decimal, Objects},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;
use units::SimDuration;

/// The file of a benchmark of vLLM.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct VllmBench(RunOf);

impl Format for VllmBench {
    const EXAMPLE: &str = "\"FILE\"";
    const PICTURES: bool = false;

    fn files(&mut self) -> Vec<&mut TraceFile> {
        vec![self.0.file_mut()]
    }

    fn read(&self) -> Result<Requests, TraceError> {
        let path = self.0.file().path()?;
        let mut objects = Objects::<Run>::open(path, EXPECTED)?;
        let mut runs = Vec::new();
        while let Some(run) = objects.next()? {
            runs.push(run);
        }
        requests(path, self.0.of(path, runs, Run::name)?).map(Requests::Listed)
    }
}

const EXPECTED: &str = "{\"input_lens\": [...], \"output_lens\": [...], \"ttfts\": [...], \"itls\": [[...], ...], \
                        \"start_times\": [...], ...}";

#[derive(Deserialize)]
struct Run {
    input_lens: Option<Vec<u32>>,
    output_lens: Option<Vec<u32>>,
    #[serde(default)]
    ttfts: Vec<Option<Decimal>>,
    #[serde(default)]
    itls: Vec<Vec<Decimal>>,
    #[serde(default)]
    latencies: Vec<Option<Decimal>>,
    #[serde(default)]
    start_times: Vec<Decimal>,
    #[serde(default)]
    errors: Vec<Option<String>>,
    date: Option<String>,
    request_rate: Option<serde_json::Value>,
}

impl Run {
    /// A description for a choice of runs.
    fn name(&self) -> String {
        let rate = self.request_rate.as_ref().map_or_else(String::new, |rate| format!(" at {rate} /s"));
        format!(
            "{} requests{rate}{}",
            self.input_lens.as_ref().map_or(0, Vec::len),
            match &self.date {
                Some(date) => format!(" of {}", crate::error::shown(date)),
                None => String::new(),
            }
        )
    }
}

fn requests(path: &Path, run: Run) -> Result<RequestStream, TraceError> {
    let (Some(input), Some(output)) = (&run.input_lens, &run.output_lens) else {
        let expected = "lengths and times of each request (input_lens, output_lens, ttfts, itls, start_times)";
        let remedy = "run the benchmark with --save-result --save-detailed";
        return Err(TraceError::new(path, "a result without its requests", expected, remedy));
    };
    let lists = [
        ("output_lens", output.len()),
        ("ttfts", run.ttfts.len()),
        ("itls", run.itls.len()),
        ("latencies", run.latencies.len()),
        ("start_times", run.start_times.len()),
        ("errors", run.errors.len()),
    ];
    // Absent lists are empty.
    if let Some((name, length)) = lists.iter().find(|(_, length)| *length != input.len() && *length > 0) {
        let found = format!("{length} values in {name}");
        let expected = format!("{}, as in input_lens", input.len());
        return Err(TraceError::new(path, found, expected, "check that the file was written completely"));
    }
    let one = |number: usize| -> Result<Option<ServedRequest>, TraceError> {
        let has_failed = run.errors.get(number).and_then(Option::as_ref).is_some_and(|error| !error.is_empty());
        if has_failed || output[number] == 0 {
            return Ok(None);
        }
        let arrival = run.start_times.get(number).map_or(Ok(SimDuration::ZERO), |start| time(path, *start))?;
        let ttft_ms = ms_of(run.ttfts.get(number).copied().flatten());
        let gaps_ms = run.itls.get(number).map(|gaps| 1e3 * gaps.iter().map(|gap| gap.as_f64()).sum::<f64>());
        let whole_ms = ms_of(run.latencies.get(number).copied().flatten());
        let e2e_ms = whole_ms.or(ttft_ms.zip(gaps_ms).map(|(ttft, gaps)| ttft + gaps));
        let request = TraceRequest::text(arrival, input[number], output[number]);
        Ok(Some(ServedRequest { ttft_ms, e2e_ms, ..request.into() }.completed()))
    };
    let all = (0..input.len()).map(one).collect::<Result<Vec<_>, _>>()?;
    let stream = RequestStream::sorted(path, all).leaving_out("they failed").untimed(run.start_times.is_empty());
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::read_as;

    const RUN: &str = r#"{"date": "d", "request_rate": "inf", "input_lens": [100, 50, 7], "output_lens": [3, 1, 0],
        "ttfts": [0.05, 0.2, 0.0], "itls": [[0.01, 0.02], [], []], "errors": ["", "", "refused"],
        "start_times": [353400.725, 353399.725, 353401.0]}"#;

    fn read(text: &str) -> Result<Vec<ServedRequest>, String> {
        read_as("vllm_bench", text.as_bytes())
    }

    #[test]
    fn requests_have_their_times_and_latencies() {
        let all = read(RUN).unwrap();
        assert_eq!(all.len(), 2, "one failed");
        assert_eq!((all[0].request.text_tokens, all[0].request.arrival), (50, SimDuration::ZERO));
        assert_eq!((all[0].ttft_ms, all[0].tpot_ms, all[0].e2e_ms), (Some(200.0), None, Some(200.0)));
        assert_eq!(all[1].request.arrival, SimDuration::from_secs(1));
        let near = |ms: Option<f64>, expected: f64| assert!((ms.unwrap() - expected).abs() < 1e-9, "{ms:?}");
        near(all[1].e2e_ms, 80.0);
        near(all[1].tpot_ms, 15.0);
    }

    #[test]
    fn what_lacks_is_told() {
        let without = |from: &str, to: &str| read(&RUN.replace(from, to)).unwrap_err();
        let summary = without("\"input_lens\"", "\"lens\"");
        assert!(summary.contains("found a result without its requests; expected lengths and times"), "{summary}");
        assert!(summary.contains("--save-detailed"), "{summary}");
        let short = without("[0.05, 0.2, 0.0]", "[0.05]");
        assert!(short.contains("found 1 values in ttfts; expected 3, as in input_lens"), "{short}");
        let twice = read(&format!("{RUN}\n{RUN}")).unwrap_err();
        assert!(twice.contains("found 2 runs (0: 3 requests at \"inf\" /s of d, 1: 3"), "{twice}");
    }
}
