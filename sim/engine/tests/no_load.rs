//! One client and nobody else: every latency equals the hand calculation, to the nanosecond.

use crate::common::oracle::{Idle, Wire, payload, prompt_tokens};
use crate::common::{
    Alike, CUT_PROMPTS, Override, blocking, cloud_only, edge_only, layer_split, run_logged, spec, unpruned,
};
use engine::{Arrivals, Content, Kind, Played, RequestRecord, RunSpec};
use model::{engine_kind::EngineKind, request::Prompt};
use policies::{AcceptRule, Msao, State, System, ThetaSettings};
use traces::requests::{Pictures, TraceRequest};
use units::{Bytes, Ratio, SimDuration};

const PREPROCESS_NS: u64 = 12_000_000;
const TOKEN_BYTES: u64 = 8;
const OUTPUT: u32 = 23;

/// First and last token after the request was sent, ns.
type Times = [u64; 2];

/// The directions of a run's link.
fn wires(spec: &RunSpec) -> [Wire; 2] {
    let wire = || Wire::new(400_000_000, spec.link.header.as_u64(), spec.link.hops[0].rtt().as_ns() / 2);
    [wire(), wire()]
}

fn preprocess(prompt: &Prompt) -> u64 {
    if prompt.images.is_some() { PREPROCESS_NS } else { 0 }
}

/// Runs a few requests one after the other and compares each with the oracle.
fn compare(spec: &RunSpec, oracle: impl Fn(&RunSpec, &Prompt) -> Times) {
    let (outcome, log) = run_logged(spec);
    assert_eq!(log.requests.len() as u64, spec.workload.requests);
    for row in &log.requests {
        let [first, last] = oracle(spec, &row.request.prompt);
        assert_eq!(times(row), [first, last], "{:?}", row.request);
        let tpot = row.moments.and_then(|moments| moments.tpot()).map(SimDuration::as_ns);
        let gaps = u64::from(row.request.output_tokens) - 1;
        assert_eq!(tpot, (gaps > 0).then(|| (last - first) / gaps));
    }
    let e2e: u64 = log.requests.iter().map(|row| times(row)[1]).sum();
    assert_eq!(outcome.metrics.e2e.sum_ns(), u128::from(e2e));
    assert_eq!(outcome.makespan.as_ns(), e2e, "the next request is sent when the last token is there");
}

fn times(row: &RequestRecord) -> Times {
    let moments = row.moments.expect("an answered request");
    assert_eq!(moments.tokens, row.request.output_tokens);
    [moments.ttft().as_ns(), moments.e2e().as_ns()]
}

/// Short and long prompts (the long one of three chunks and a picture), with and without pictures.
fn prompts(spec: &RunSpec) -> [RunSpec; 4] {
    let mut long = spec.clone();
    long.shape().text_tokens = 2500.into();
    [spec.clone(), long, spec.clone().text_only(30), spec.clone().text_only(3072)]
}

fn answered_in_the_cloud(spec: &RunSpec, prompt: &Prompt) -> Times {
    let cloud = Idle::new(&spec.pools[0].tier);
    let [mut up, mut down] = wires(spec);
    let made = up.arrival(preprocess(prompt), payload(prompt)) + cloud.read_ns(prompt);
    let first = down.arrival(made, TOKEN_BYTES);
    [first, first + cloud.decode_answer_ns(prompt, u64::from(OUTPUT))]
}

#[test]
fn cloud_only_is_upload_prefill_decode_and_the_way_back() {
    for engine in CUT_PROMPTS {
        for spec in prompts(&spec(cloud_only(), engine, 3, OUTPUT)) {
            compare(&spec, answered_in_the_cloud);
        }
    }
}

#[test]
fn headers_are_paid_on_every_packet() {
    let mut spec = spec(cloud_only(), EngineKind::Vllm, 3, OUTPUT);
    spec.link.header = Bytes::new(52);
    compare(&spec, answered_in_the_cloud);
    let (outcome, log) = run_logged(&spec);
    let wire = |payload: u64| payload + 52 * payload.div_ceil(1448);
    let up: u64 = log.requests.iter().map(|row| wire(payload(&row.request.prompt))).sum();
    assert_eq!(outcome.up.sent.as_u64(), up);
    assert_eq!(outcome.down.sent.as_u64(), 3 * u64::from(OUTPUT) * (TOKEN_BYTES + 52));
}

#[test]
fn edge_only_is_prefill_and_decode() {
    for engine in CUT_PROMPTS {
        for spec in prompts(&spec(edge_only(), engine, 3, OUTPUT)) {
            compare(&spec, |spec, prompt| {
                let edge = Idle::new(&spec.edges[0].tier);
                let first = preprocess(prompt) + edge.prefill_ns(prompt);
                [first, first + edge.decode_answer_ns(prompt, u64::from(OUTPUT))]
            });
        }
    }
}

#[test]
fn a_prompt_of_vllm_is_read_in_chunks_of_1024() {
    let (_, log) = run_logged(&spec(edge_only(), EngineKind::Vllm, 1, 2).text_only(2500));
    let chunks: Vec<_> = log.steps.iter().map(|step| (step.kind, step.tokens, step.context_tokens)).collect();
    // The last chunk also makes the first token of the answer.
    let expected =
        [(Kind::Prefill, 1024, 1024), (Kind::Prefill, 1024, 2048), (Kind::Prefill, 452, 2501), (Kind::Decode, 1, 2502)];
    assert_eq!(chunks, expected);
}

#[test]
fn a_layer_split_makes_a_round_trip_a_token() {
    for engine in CUT_PROMPTS {
        for spec in prompts(&spec(layer_split(8), engine, 2, OUTPUT)) {
            compare(&spec, |spec, prompt| {
                let [lower, upper] = [Idle::new(&spec.edges[0].tier), Idle::new(&spec.pools[0].tier)];
                let ([mut up, mut down], hidden) = (wires(spec), 2 * spec.pools[0].tier.model.hidden);
                let context = prompt_tokens(prompt);
                let mut now = preprocess(prompt) + lower.prefill_ns(prompt);
                now = up.arrival(now, hidden * context) + upper.prefill_ns(prompt);
                now = down.arrival(now, TOKEN_BYTES);
                let first = now;
                for made in 1..u64::from(OUTPUT) {
                    now = up.arrival(now + lower.decode_ns(context + made), hidden);
                    now = down.arrival(now + upper.decode_ns(context + made), TOKEN_BYTES);
                }
                [first, now]
            });
        }
    }
}

/// Blocking speculation of batches of `n` in which all drafts agree, or none.
fn speculated(spec: &RunSpec, prompt: &Prompt, n: u64, all_agree: bool) -> Times {
    let [edge, cloud] = [Idle::new(&spec.edges[0].tier), Idle::new(&spec.pools[0].tier)];
    let [mut up, mut down] = wires(spec);
    let (context, output) = (prompt_tokens(prompt), u64::from(OUTPUT));
    let mut cloud_free = up.arrival(preprocess(prompt), payload(prompt)) + cloud.read_ns(prompt);
    let mut now = preprocess(prompt) + edge.prefill_ns(prompt);
    let (mut committed, mut first) = (0, 0);
    while committed < output {
        let left = output - committed;
        // The drafter meets the end of the answer only if it drafts the right tokens.
        let drafts = if all_agree { n.min(left) } else { n };
        // The prompt's last logits are the first draft's, and those that it is verified by.
        let known = u64::from(committed == 0);
        now += (known..drafts).map(|ahead| edge.decode_ns(context + committed + ahead)).sum::<u64>();
        let queued = up.arrival(now, TOKEN_BYTES * drafts);
        let newest = 1 - known;
        cloud_free = queued.max(cloud_free) + cloud.verify_ns(newest + drafts, context + committed - newest);
        committed += if all_agree { (drafts + 1).min(left) } else { 1 };
        now = down.arrival(cloud_free, 2 * TOKEN_BYTES);
        first = if first == 0 { now } else { first };
    }
    [first, now]
}

#[test]
fn blocking_speculation_is_drafts_round_trip_and_verification() {
    for engine in CUT_PROMPTS {
        // 23 tokens: five rounds of 4 + 1 with 3 left over; 12 of 1 + 1 with 1 left; 3 of 6 + 1 with 2 left.
        for n in [4, 1, 6] {
            for all_agree in [true, false] {
                let spec = spec(blocking(n), engine, 2, OUTPUT).iid(f64::from(u8::from(all_agree)));
                for spec in prompts(&spec) {
                    compare(&spec, |spec, prompt| speculated(spec, prompt, u64::from(n), all_agree));
                }
            }
        }
    }
}

/// Runs requests of 30 text tokens under `hf` and returns the first one's time to first token, with the times that it is
/// made of: the edge's prefill, a way up of so many bytes (or the cloud's prefill, if that takes longer), the way back.
fn first_token(policy: System, up_bytes: u64) -> (u64, Idle, [u64; 2]) {
    let spec = spec(policy, EngineKind::Hf, 1, OUTPUT).iid(1.0).text_only(30);
    let log = run_logged(&spec).1;
    let (row, [edge, cloud]) = (&log.requests[0], [&spec.edges[0].tier, &spec.pools[0].tier].map(Idle::new));
    let (prompt, [mut up, mut down]) = (&row.request.prompt, wires(&spec));
    let read = up.arrival(0, payload(prompt)) + cloud.prefill_ns(prompt);
    let drafted = up.arrival(edge.prefill_ns(prompt), up_bytes);
    let back = down.arrival(0, 2 * TOKEN_BYTES);
    (times(row)[0], cloud, [drafted.max(read), back])
}

#[test]
fn a_first_token_is_prefills_the_link_and_one_verification() {
    let (ttft, cloud, [there, back]) = first_token(blocking(1), TOKEN_BYTES);
    // One draft behind 30 tokens: it alone passes through the cloud's model, and nothing through the edge's.
    assert_eq!(ttft, there + cloud.verify_ns(1, 30) + back);
}

#[test]
fn a_first_token_of_the_cloud_s_own_is_there_with_its_prefill() {
    let (nothing, rule) = (Ratio::ZERO, AcceptRule::Static);
    let theta =
        ThetaSettings { percentile: nothing, min_percentile: nothing, accept_rule: rule, ..ThetaSettings::default() };
    let doubting = System::Msao(Msao { theta, state_bytes: State::IdsOnly, ..unpruned() });
    let (ttft, _, [there, back]) = first_token(doubting, 0);
    assert_eq!(ttft, there + back, "nobody makes a pass");
}

#[test]
fn busy_time_and_work_are_those_of_the_iterations() {
    let spec = spec(cloud_only(), EngineKind::Vllm, 2, OUTPUT);
    let (outcome, log) = run_logged(&spec);
    let cloud = Idle::new(&spec.pools[0].tier);
    let busy = |row: &RequestRecord| {
        let prompt = &row.request.prompt;
        cloud.prefill_ns(prompt) + cloud.decode_answer_ns(prompt, u64::from(OUTPUT))
    };
    for row in &log.requests {
        assert_eq!((row.cloud_busy.as_ns(), row.edge_busy.as_ns()), (busy(row), 0));
    }
    assert_eq!(outcome.cloud.busy.as_ns(), u128::from(log.requests.iter().map(busy).sum::<u64>()));
    assert_eq!((outcome.cloud.iterations, outcome.edge.iterations), (2 * u64::from(OUTPUT), 0));
    // (.95 TDP - idle) in prefill, (.65 TDP - idle) in decode; an A100 SXM has 400 W and idles at 50 W.
    let prefill: u64 = log.requests.iter().map(|row| cloud.prefill_ns(&row.request.prompt)).sum();
    let decode = outcome.cloud.busy.as_ns() as u64 - prefill;
    let joules = (prefill as f64 * (0.95 * 400.0 - 50.0) + decode as f64 * (0.65 * 400.0 - 50.0)) * 1e-9;
    assert!((outcome.cloud.work_joules / joules - 1.0).abs() < 1e-9, "{} {joules}", outcome.cloud.work_joules);
    assert!((outcome.cloud.idle_joules / (50.0 * outcome.makespan.as_secs_f64()) - 1.0).abs() < 1e-9);
}

#[test]
fn a_client_thinks_between_an_answer_and_its_next_request() {
    let think = SimDuration::from_ms(37);
    let mut spec = spec(edge_only(), EngineKind::Graph, 5, 3);
    spec.workload.arrivals = Arrivals::ClosedLoop { clients: 1, think };
    let (_, log) = run_logged(&spec);
    for pair in log.requests.windows(2) {
        assert_eq!(pair[1].submit, pair[0].moments.expect("answered").last_token + think);
    }
}

#[test]
fn requests_of_a_trace_come_at_its_times_whether_or_not_anybody_is_free() {
    let arrivals = [5_000, 5_020, 5_020, 9_000].map(SimDuration::from_ms);
    let row = |arrival| TraceRequest { pictures: Pictures::of_tokens(1, 391), ..TraceRequest::text(arrival, 100, 40) };
    let mut spec = spec(edge_only(), EngineKind::Hf, 10, 1);
    spec.workload.content =
        Content::Trace(Played { requests: arrivals.map(row).into(), output_tokens: None, blocks: None });
    spec.workload.arrivals = Arrivals::Trace { speed: 2.0 };
    let (outcome, log) = run_logged(&spec);
    let mut submits: Vec<u64> = log.requests.iter().map(|row| row.submit.as_ns() / 1_000_000).collect();
    submits.sort_unstable();
    assert_eq!(submits, [0, 10, 10, 2_000]);
    assert_eq!(outcome.metrics.output_tokens, 4 * 40);
}
