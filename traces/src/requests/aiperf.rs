//! AIPerf's `profile_export.jsonl`: a record for each request, JSONL.
//!
//! A record has `metadata` (`request_start_ns`, `benchmark_phase`, `was_cancelled`, `conversation_id`), `metrics`, each a value
//! with its unit, and `error`. Requests that failed, were cancelled or belong to the warm-up are left out.

use super::{Format, RequestStream, Requests, ServedRequest, TraceFile, TraceRequest};
use crate::{
    TraceError,
    error::shown,
    json::{Decimal, Objects},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::IgnoredAny};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};
use units::SimDuration;

/// The file of AIPerf's records.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Aiperf(TraceFile);

impl Format for Aiperf {
    const EXAMPLE: &str = "\"FILE\"";
    const PICTURES: bool = false;

    fn files(&mut self) -> Vec<&mut TraceFile> {
        vec![&mut self.0]
    }

    fn read(&self) -> Result<Requests, TraceError> {
        let path = self.0.path()?;
        super::summaries::refuse(path)?;
        let (mut records, mut all) = (Objects::<Record>::open(path, EXPECTED)?, Vec::new());
        let (mut with_media, mut names) = (0_u64, BTreeSet::new());
        while let Some(record) = records.next()? {
            let media: Vec<&String> = record.metrics.keys().filter(|name| is_of_media(name)).collect();
            with_media += u64::from(!media.is_empty());
            names.extend(media.into_iter().map(|name| shown(name)));
            all.push(record.served(path).map_err(|refusal| refusal.at(records.line()))?);
        }
        let remark = (with_media > 0).then(|| {
            let (of, names) = (all.len(), Vec::from_iter(names).join(", "));
            format!(
                "{with_media} of {of} records have {names}, which say no size and are not read: text alone is played"
            )
        });
        let stream = RequestStream::sorted(path, all).remarking(remark);
        Ok(stream.leaving_out("they failed, were cancelled or belong to the warm-up").into())
    }
}

/// True of metrics of pictures, sound and video.
fn is_of_media(name: &str) -> bool {
    let media = ["image", "images", "picture", "audio", "sound", "video", "videos"];
    name.split('_').any(|word| media.contains(&word))
}

const EXPECTED: &str = "{\"metadata\": {\"request_start_ns\": <ns>, ...}, \"metrics\": {\"input_sequence_length\": \
                        {\"value\": <tokens>, ...}, \"output_sequence_length\": ..., ...}, ...}";

#[derive(Deserialize)]
struct Record {
    metadata: Metadata,
    #[serde(default)]
    metrics: BTreeMap<String, Metric>,
    error: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Metadata {
    request_start_ns: u64,
    benchmark_phase: Option<String>,
    #[serde(default)]
    was_cancelled: bool,
    #[serde(alias = "x_correlation_id")]
    conversation_id: Option<Box<str>>,
}

/// A metric: a value with its unit, or a number; or what is of no use here, such as a list.
#[derive(Deserialize)]
#[serde(untagged)]
enum Metric {
    WithUnit { value: Decimal, unit: Option<String> },
    Plain(Decimal),
    Other(IgnoredAny),
}

impl Record {
    fn served(self, path: &Path) -> Result<Option<ServedRequest>, TraceError> {
        let is_warm_up = self.metadata.benchmark_phase.as_deref().is_some_and(|phase| phase != "profiling");
        if self.error.is_some() || self.metadata.was_cancelled || is_warm_up {
            return Ok(None);
        }
        let tokens = |name: &str| self.number(name).filter(|tokens| *tokens <= f64::from(u32::MAX)).map(|n| n as u32);
        let lacks = |what: &str| TraceError::new(path, format!("a record without {what}"), EXPECTED, "remove the line");
        let input = tokens("input_sequence_length").ok_or_else(|| lacks("input_sequence_length"))?;
        let output = tokens("output_sequence_length").or_else(|| {
            Some(tokens("output_token_count")?.saturating_add(tokens("reasoning_token_count").unwrap_or(0)))
        });
        let output = output.ok_or_else(|| lacks("output_sequence_length"))?;
        let request = TraceRequest::text(SimDuration::from_ns(self.metadata.request_start_ns), input, output);
        let [ttft_ms, tpot_ms, e2e_ms] =
            ["time_to_first_token", "inter_token_latency", "request_latency"].map(|name| self.milliseconds(name));
        let session = self.metadata.conversation_id;
        Ok(Some(ServedRequest { request, ttft_ms, tpot_ms, e2e_ms, session, blocks: None }.completed()))
    }

    fn number(&self, name: &str) -> Option<f64> {
        match self.metrics.get(name)? {
            Metric::WithUnit { value, .. } | Metric::Plain(value) => Some(value.as_f64()),
            Metric::Other(_) => None,
        }
    }

    /// A latency; one without a unit is in milliseconds.
    fn milliseconds(&self, name: &str) -> Option<f64> {
        let unit = match self.metrics.get(name)? {
            Metric::WithUnit { unit: Some(unit), .. } => unit.as_str(),
            _ => "ms",
        };
        let factor = match unit {
            "s" | "sec" | "seconds" => 1e3,
            "us" => 1e-3,
            "ns" => 1e-6,
            _ => 1.0,
        };
        self.number(name).map(|value| value * factor).filter(|ms| *ms > 0.0)
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::read_as;

    fn record(start_ns: u64, metadata: &str, metrics: &str, error: &str) -> String {
        format!(
            "{{\"metadata\": {{\"session_num\": 0, \"request_start_ns\": {start_ns}{metadata}}}, \
             \"metrics\": {{{metrics}}}, \"error\": {error}}}\n"
        )
    }

    const METRICS: &str = "\"input_sequence_length\": {\"value\": 550, \"unit\": \"tokens\"}, \
         \"output_sequence_length\": {\"value\": 9, \"unit\": \"tokens\"}, \
         \"inter_chunk_latency\": {\"value\": [4.8, 5.3], \"unit\": \"ms\"}, \
         \"time_to_first_token\": {\"value\": 0.25, \"unit\": \"s\"}, \
         \"request_latency\": {\"value\": 297.5, \"unit\": \"ms\"}";

    #[test]
    fn records_are_requests_in_order_of_start() {
        let start = 1_759_813_207_532_900_363;
        let text =
            record(start + 5, ", \"conversation_id\": \"c\", \"benchmark_phase\": \"profiling\"", METRICS, "null")
                + &record(start, "", METRICS, "null")
                + &record(start, ", \"was_cancelled\": true", "\"error_isl\": {\"value\": 550}", "{\"code\": 499}")
                + &record(start, ", \"benchmark_phase\": \"warmup\"", METRICS, "null")
                + "\n";
        let all = read_as("aiperf", text.as_bytes()).unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!((all[1].request.arrival.as_ns(), all[1].session.as_deref()), (5, Some("c")));
        assert_eq!((all[0].request.text_tokens, all[0].request.output_tokens), (550, 9));
        assert_eq!((all[0].ttft_ms, all[0].tpot_ms, all[0].e2e_ms), (Some(250.0), Some(47.5 / 8.0), Some(297.5)));
    }

    #[test]
    fn what_has_no_lengths_is_refused() {
        let said = read_as("aiperf", record(0, "", "", "null").as_bytes()).unwrap_err();
        assert!(said.starts_with("trace:1: found a record without input_sequence_length"), "{said}");
        let summary = read_as("aiperf", b"{\"aiperf_version\": \"0.12.0\"}").unwrap_err();
        assert!(summary.contains("name the file profile_export.jsonl beside it"), "{summary}");
    }
}
