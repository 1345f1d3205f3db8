//! The link: order, loss, changing rates and sharing.

use crate::common::oracle::Idle;
use crate::common::{
    Alike, Log, Override, blocking, cloud_only, in_front, layer_split, mbps, msao, pipelined, run, run_logged, spec,
    ucb_route,
};
use engine::{
    Connections, HopSpec, Outcome, RunSpec, SeriesStart, SharedBy, Sharing, Side, Status, TcpSpec, Transport,
};
use kernel::{Profile, RateProfile, Tcp};
use model::engine_kind::EngineKind;
use policies::ServedBy;
use units::{BitsPerSecond, Bytes, PerSecond, SimDuration};

/// As many edges and cloud GPUs as requests, so that only the link is shared; prompts of text alone, 4 B a token,
/// read in no time that matters; answers of one token.
fn uploads(requests: u32, text_tokens: u32) -> RunSpec {
    let mut spec = spec(cloud_only(), EngineKind::Graph, u64::from(requests), 1).text_only(text_tokens);
    (spec.edges[0].count, spec.pools[0].gpus) = (requests, requests);
    spec
}

/// Latency of a request beside its upload: half a round trip each way, 8 bytes down, and the prompt.
fn beside_ns(spec: &RunSpec, log: &Log) -> u64 {
    let prompt = &log.requests[0].request.prompt;
    spec.link.hops.iter().map(|hop| hop.rtt().as_ns()).sum::<u64>()
        + 160
        + Idle::new(&spec.pools[0].tier).prefill_ns(prompt)
}

/// Upload times in ns, ascending.
fn upload_times(spec: &RunSpec) -> Vec<u64> {
    let (_, log) = run_logged(spec);
    let beside = beside_ns(spec, &log);
    let mut times: Vec<u64> = log.e2e_ns().into_values().map(|e2e| e2e - beside).collect();
    times.sort_unstable();
    times
}

#[test]
fn equal_uploads_take_turns_or_share() {
    // 5,000 tokens are 20,000 bytes: 16 ms alone at 10 Mbit/s.
    let mut spec = uploads(5, 5000);
    spec.link.hops[0].up.rate = mbps(10).into();
    let alone = 16_000_000;
    let fifo: Vec<u64> = (1..=5).map(|place| place * alone).collect();
    // Tokens come back at the same time or one after the other, 160 ns apart at most.
    let near = |times: &[u64], expected: &[u64]| {
        assert_eq!(times.len(), expected.len());
        times.iter().zip(expected).all(|(time, expected)| time.abs_diff(*expected) < 1_000)
    };
    let times = upload_times(&spec);
    assert!(near(&times, &fifo), "{times:?}");
    spec.link.hops[0].sharing = Sharing::Fair(None);
    let times = upload_times(&spec);
    assert!(near(&times, &[5 * alone; 5]), "the mean is 2 n / (n + 1) of that of turns: {times:?}");
    // An access link of 4 Mbit/s binds a message alone, but not five of them. It also carries the token back: 16 us.
    let token = 16_000 - 160;
    spec.link.hops[0].sharing = Sharing::Fair(Some(BitsPerSecond::from_mbps(4)));
    let times = upload_times(&spec);
    assert!(near(&times, &[5 * alone + token; 5]), "{times:?}");
    let mut one = uploads(1, 5000);
    (one.link.hops[0].up.rate, one.link.hops[0].sharing) =
        (spec.link.hops[0].up.rate.clone(), spec.link.hops[0].sharing);
    assert!(near(&upload_times(&one), &[alone * 10 / 4 + token]));
}

/// 1 Mbit/s for 100 ms, silence for 50 ms, 2 Mbit/s for 50 ms; 200,000 bits in 200 ms.
fn uneven() -> RateProfile {
    let piece = |ms, kbps: u64| (SimDuration::from_ms(ms), BitsPerSecond::new(kbps * 1000));
    RateProfile::piecewise(&[piece(0, 1000), piece(100, 0), piece(150, 2000)], SimDuration::from_ms(200))
}

#[test]
fn a_changing_rate_is_followed_exactly() {
    for (bytes, expected_us) in [
        // 80,000 bits within the first piece.
        (10_000, 80_000),
        // 160,000 bits: 100,000 by 100 ms, silence, 60,000 more at 2 Mbit/s.
        (20_000, 180_000),
        // 200,000 bits fill the first period.
        (25_000, 200_000),
        // 640,000 bits: three periods, then 40,000 at 1 Mbit/s.
        (80_000, 640_000),
    ] {
        for sharing in [Sharing::Fifo, Sharing::Fair(None)] {
            let mut spec = uploads(1, bytes / 4);
            (spec.link.hops[0].up.rate, spec.link.hops[0].sharing) = (uneven().into(), sharing);
            let time = upload_times(&spec)[0];
            let rounding = if sharing == Sharing::Fifo { 0 } else { 10 };
            assert!(time.abs_diff(expected_us * 1000) <= rounding, "{bytes} B, {sharing:?}: {time} ns");
        }
    }
}

#[test]
fn two_messages_on_a_changing_rate() {
    // 10,000 bytes each. In turns: by 80 ms, then 20,000 bits by 100 ms and 60,000 from 150 ms on.
    let mut spec = uploads(2, 2500);
    spec.link.hops[0].up.rate = uneven().into();
    let times = upload_times(&spec);
    assert!(times[0].abs_diff(80_000_000) < 1_000 && times[1].abs_diff(180_000_000) < 1_000, "{times:?}");
    // Shared: both are through when the second would be.
    spec.link.hops[0].sharing = Sharing::Fair(None);
    assert!(upload_times(&spec).iter().all(|time| time.abs_diff(180_000_000) < 1_000));
}

#[test]
fn round_trips_over_time_are_those_of_the_moment() {
    let [ms, zero] = [SimDuration::from_ms, |_| SimDuration::ZERO];
    // 16 ms on the way up, then half a round trip each way.
    let mut spec = uploads(1, 5000);
    spec.link.hops[0].up.rate = mbps(10).into();
    let e2e = |spec: &RunSpec| run_logged(spec).1.e2e_ns()[&0];
    let constant = e2e(&spec);
    assert_eq!(spec.link.hops[0].rtt(), ms(20));
    let mut with = |pieces: &[(SimDuration, SimDuration)]| {
        let rtt = Profile::piecewise(pieces, ms(10_000));
        spec.link.hops[0].ways_mut().into_iter().for_each(|way| way.rtt = rtt.clone());
        e2e(&spec)
    };
    assert_eq!(with(&[(zero(0), ms(20))]), constant);
    assert_eq!(with(&[(zero(0), ms(20)), (ms(15), ms(80))]), constant + 60_000_000, "the last bit leaves after 16 ms");
    assert_eq!(with(&[(zero(0), ms(20)), (ms(17), ms(80))]), constant + 30_000_000, "only the answer is late");
}

#[test]
fn replications_start_at_moments_of_their_own() {
    let times = |start, replication: u32, up: &RateProfile| {
        let mut spec = uploads(3, 5000);
        (spec.replication, spec.link.hops[0].start) = (replication, start);
        spec.link.hops[0].up.rate = up.clone().into();
        run_logged(&spec).1.e2e_ns()
    };
    let up = uneven();
    for replication in 0..4 {
        // The golden ratio spreads any number of points over a period.
        let part = (f64::from(replication) * 0.618_033_988_749_895).fract();
        let offset = SimDuration::from_ns((part * up.period().as_ns() as f64) as u64);
        let moved = times(SeriesStart::First, replication, &up.starting_at(offset));
        let spread = times(SeriesStart::Spread, replication, &up);
        let near = moved.iter().zip(&spread).all(|((_, one), (_, other))| one.abs_diff(*other) < 100);
        assert!(near, "{replication}: {moved:?} {spread:?}");
        assert_eq!(spread == times(SeriesStart::First, replication, &up), replication == 0);
    }
}

#[test]
fn policies_that_look_at_the_rate_survive_a_silent_link() {
    for policy in [ucb_route(), msao(), layer_split(8), blocking(4)] {
        let mut spec = spec(policy, EngineKind::Vllm, 10, 5);
        let (silent, fast) = (BitsPerSecond::ZERO, BitsPerSecond::from_mbps(50));
        let silent_first = [(SimDuration::ZERO, silent), (SimDuration::from_ms(300), fast)];
        spec.link.hops[0].up.rate = RateProfile::piecewise(&silent_first, SimDuration::from_ms(1000)).into();
        assert_eq!(run(&spec).metrics.completed, 10);
    }
}

/// The order in which prompts are read that are sent at one instant. The jitter is 50,000 times as long as an upload.
fn order_of_arrival(edges: u32) -> Vec<u64> {
    let mut spec = uploads(20, 30);
    (spec.edges[0].count, spec.pools[0].gpus) = (edges, 1);
    spec = spec.clients(20 / edges);
    spec.link.jitter = SimDuration::from_ms(120);
    let (outcome, log) = run_logged(&spec);
    assert!(outcome.makespan > SimDuration::from_ms(120), "there was jitter");
    log.steps.iter().filter(|step| step.side == Side::Cloud).map(|step| step.request).collect()
}

#[test]
fn jitter_holds_back_the_messages_of_the_same_connection_and_no_others() {
    let in_turn: Vec<u64> = (0..20).collect();
    assert_eq!(order_of_arrival(1), in_turn);
    let seen = order_of_arrival(20);
    assert_ne!(seen, in_turn);
    let mut sorted = seen;
    sorted.sort_unstable();
    assert_eq!(sorted, in_turn);
    // Tokens that stream down keep their order too: gaps add up to the time from the first to the last.
    let mut streams = crate::common::spec(cloud_only(), EngineKind::Graph, 10, 50);
    streams.link.jitter = SimDuration::from_ms(30);
    let metrics = run(&streams).metrics;
    assert_eq!(metrics.itl.sum_ns(), metrics.e2e.sum_ns() - metrics.ttft.sum_ns());
    assert_eq!(metrics.itl.count(), 10 * 49);
}

#[test]
fn jitter_has_the_mean_that_was_asked_for() {
    let requests = 4000;
    let mut spec = spec(cloud_only(), EngineKind::Graph, requests, 1).text_only(30);
    let calm = run(&spec).metrics.e2e.sum_ns();
    spec.link.jitter = SimDuration::from_ms(5);
    let (jittery, n) = (run(&spec).metrics.e2e.sum_ns(), requests as f64);
    // One message up and one down, far apart: the sum of two exponential delays.
    let extra = (jittery - calm) as f64 / n / 1e6;
    assert!((extra - 10.0).abs() < 4.0 * 5.0 * (2.0 / n).sqrt(), "{extra} ms");
}

#[test]
fn messages_of_a_request_stay_in_order_on_a_shared_link() {
    // Losses make a message longer than the one behind it, and silence lets both wait side by side: were they two
    // flows, a later batch would reach the cloud first, and the last token of an answer the edge.
    let piece = |ms, mbps| (SimDuration::from_ms(ms), BitsPerSecond::from_mbps(mbps));
    let gappy = RateProfile::piecewise(&[piece(0, 0), piece(30, 10)], SimDuration::from_ms(100));
    for (policy, loss) in [(pipelined(1, 2), 0.3), (pipelined(4, 3), 0.0), (cloud_only(), 0.3), (msao(), 0.3)] {
        let mut spec = spec(policy, EngineKind::Vllm, 40, 60).text_only(30);
        spec.link.hops[0].set_rate(gappy.clone());
        spec.link.hops[0].sharing = Sharing::Fair(None);
        spec.link.hops[0].set_loss(loss);
        let metrics = run(&spec).metrics;
        assert_eq!((metrics.completed, metrics.output_tokens), (40, 2400));
    }
}

/// Messages of ten full packets.
fn lossy(loss: f64, requests: u64) -> RunSpec {
    let mut spec = spec(cloud_only(), EngineKind::Graph, requests, 1).text_only(3620);
    spec.link.hops[0].set_loss(loss);
    spec
}

#[test]
fn lost_bytes_are_p_over_one_minus_p_of_those_that_arrive() {
    for loss in [0.01, 0.1, 0.4] {
        let up = run(&lossy(loss, 1000)).up;
        assert_eq!((up.received.as_u64(), up.lost.as_u64() % 1448), (1000 * 14_480, 0));
        assert_eq!(up.sent, up.received + up.lost);
        // Each packet is lost a geometric number of times: mean p / (1 - p), variance p / (1 - p)^2.
        let (lost, packets) = (up.lost.as_u64() as f64 / 1448.0, 10_000.0);
        let (mean, deviation) = (packets * loss / (1.0 - loss), (packets * loss).sqrt() / (1.0 - loss));
        assert!((lost - mean).abs() < 4.0 * deviation, "p = {loss}: {lost} lost, expected {mean} +- {deviation}");
    }
}

#[test]
fn every_round_of_losses_costs_a_round_trip_and_the_bytes() {
    let spec = lossy(0.2, 50);
    let base = run_logged(&lossy(0.0, 1)).1.e2e_ns()[&0];
    let (outcome, log) = run_logged(&spec);
    let extra: u64 = log.e2e_ns().values().map(|e2e| e2e - base).sum();
    // A packet of 1,448 bytes takes 28,960 ns, a token of 8 bytes 160 ns; the rest are whole round trips.
    let again = outcome.up.lost.as_u64() * 20 + outcome.down.lost.as_u64() * 20;
    assert!(outcome.up.lost > Bytes::ZERO && outcome.down.lost > Bytes::ZERO);
    assert_eq!((extra - again) % spec.link.hops[0].rtt().as_ns(), 0, "{extra} {again}");
    let rounds = (extra - again) / spec.link.hops[0].rtt().as_ns();
    assert!((50..200).contains(&rounds), "{rounds} rounds for 50 messages of ten packets");
}

/// Bytes that the requests' rows say.
fn rows(log: &Log) -> [Bytes; 2] {
    [log.requests.iter().map(|row| row.uplink).sum(), log.requests.iter().map(|row| row.downlink).sum()]
}

#[test]
fn bytes_on_the_wire_are_those_of_the_requests() {
    let conserved = |outcome: &Outcome, lossless: bool| {
        for traffic in [outcome.up, outcome.down] {
            assert_eq!(traffic.sent, traffic.received + traffic.lost);
            assert_eq!(traffic.lost == Bytes::ZERO, lossless);
        }
    };
    for (policy, sharing) in [
        (cloud_only(), Sharing::Fifo),
        (blocking(3), Sharing::Fair(None)),
        (pipelined(2, 4), Sharing::Fifo),
        (msao(), Sharing::Fair(Some(BitsPerSecond::from_mbps(20)))),
    ] {
        let mut spec = spec(policy, EngineKind::Vllm, 20, 40).clients(3);
        (spec.link.header, spec.link.hops[0].sharing) = (Bytes::new(52), sharing);
        let (outcome, log) = run_logged(&spec);
        conserved(&outcome, true);
        // A verdict that comes after the end of its request is nobody's, so the rows may have less than the wire.
        assert_eq!(outcome.up.received, rows(&log)[0]);
        assert!(outcome.down.received >= rows(&log)[1]);
        spec.link.hops[0].set_loss(0.05);
        let (outcome, log) = run_logged(&spec);
        conserved(&outcome, false);
        assert_eq!(outcome.up.received, rows(&log)[0]);
    }
}

/// TCP with Linux's settings.
fn tcp(connections: Connections, tls: u32) -> Transport {
    Transport::Tcp(TcpSpec { tcp: Tcp::default(), connections, tls })
}

/// The upload time of one request of so many bytes, in ms, whose packets have no headers.
fn upload_ms(transport: Transport, bytes: u32, sharing: Sharing) -> f64 {
    let mut spec = uploads(1, bytes / 4);
    (spec.link.transport, spec.link.hops[0].sharing) = (transport, sharing);
    upload_times(&spec)[0] as f64 / 1e6
}

#[test]
fn a_message_takes_a_round_trip_for_each_flight_but_the_first() {
    // 20 ms a round trip; 400 Mbps are 50,000 B/ms. Ten packets, then 20, 40, 80: the flight begins with the first packet's
    // acknowledgement, 29 us behind its own start.
    let flights = [(14_480, 0, 10), (40_000, 1, 18), (100_000, 2, 40), (164_000, 3, 44)];
    for sharing in [Sharing::Fifo, Sharing::Fair(None)] {
        for (bytes, round_trips, last) in flights {
            let ms = upload_ms(tcp(Connections::Kept, 0), bytes, sharing);
            let expected = f64::from(round_trips) * 20.029 + f64::from(last) * 1448.0 / 50_000.0;
            assert!((ms - expected).abs() < 0.06, "{bytes} B, {sharing:?}: {ms} ms, {expected} expected");
            let ideal = upload_ms(Transport::Ideal, bytes, sharing);
            assert!((ideal - f64::from(bytes) / 50_000.0).abs() < 0.001, "{ideal}");
        }
    }
}

#[test]
fn a_connection_of_one_request_pays_for_its_handshake() {
    let kept = upload_ms(tcp(Connections::Kept, 0), 40_000, Sharing::Fifo);
    for tls in 0..=2 {
        let new = upload_ms(tcp(Connections::PerRequest, tls), 40_000, Sharing::Fifo);
        assert!(
            (new - kept - f64::from(1 + tls) * 20.0).abs() < 1e-6,
            "TLS of {tls} round trips: {new} against {kept}"
        );
    }
}

/// Prompts of 100,000 bytes take the cloud seconds to read, and in that time the connection is silent.
#[test]
fn a_kept_connection_warms_up_and_silence_cools_it() {
    let uploads_of = |idle_restart| {
        let mut spec = uploads(1, 25_000);
        spec.workload.requests = 6;
        spec.link.transport = Transport::Tcp(TcpSpec {
            tcp: Tcp { idle_restart, ..Tcp::default() },
            connections: Connections::Kept,
            tls: 0,
        });
        let (_, log) = run_logged(&spec);
        let beside = beside_ns(&spec, &log);
        log.e2e_ns().into_values().map(|e2e| (e2e - beside) as f64 / 1e6).collect::<Vec<_>>()
    };
    let warm = uploads_of(false);
    assert!(warm[0] > 41.0 && warm[1..].iter().all(|&ms| ms < 2.1), "{warm:?}");
    let cooled = uploads_of(true);
    assert!(cooled[1..].iter().all(|&ms| ms > 20.0), "{cooled:?}");
}

#[test]
fn every_policy_ends_on_every_transport() {
    let transports = [tcp(Connections::Kept, 0), tcp(Connections::PerRequest, 2)];
    for transport in transports {
        for sharing in [Sharing::Fifo, Sharing::Fair(None)] {
            for policy in [cloud_only(), msao(), layer_split(8), blocking(4), pipelined(4, 3), ucb_route()] {
                let mut spec = spec(policy, EngineKind::Vllm, 20, 12).clients(2);
                (spec.edges[0].count, spec.link.transport, spec.link.hops[0].sharing) = (3, transport, sharing);
                spec.link.hops[0].set_loss(0.02);
                spec.link.jitter = SimDuration::from_ms(1);
                assert_eq!(run(&spec).metrics.completed, 20);
                assert_eq!(run(&with_access(spec)).metrics.completed, 20);
            }
        }
    }
}

/// Uploads that all take 41 ms wait for an outage of two seconds in ten.
fn broken_link(policy: policies::System) -> RunSpec {
    let mut spec = spec(policy, EngineKind::Graph, 60, 4);
    let down = SimDuration::from_secs(2);
    spec.link.hops[0].up.rate = mbps(50).with_outages(SimDuration::from_secs(4), down).into();
    spec.link.hops[0].start = SeriesStart::First;
    spec
}

#[test]
fn requests_wait_for_the_end_of_an_outage_or_time_out() {
    let mut spec = broken_link(cloud_only());
    let waited = run(&spec);
    assert_eq!(waited.metrics.completed, 60);
    let slowest = waited.metrics.e2e.quantile_ms(1.0).expect("answers");
    assert!(slowest > 2000.0, "{slowest}");
    let timeout = SimDuration::from_ms(500);
    spec.workload.timeout = Some(timeout);
    let (outcome, log) = run_logged(&spec);
    let late = log.requests.iter().filter(|request| request.status == Status::TimedOut).count() as u64;
    assert!(late > 0 && outcome.metrics.completed + late == 60);
    assert!(outcome.metrics.e2e.quantile_ms(1.0).expect("answers") <= 500.5, "latencies are those of answers in time");
    assert!(log.requests.iter().all(|request| request.moments.is_none() == (request.status == Status::TimedOut)));
    // A client that gives up asks again at once, and its next request gives up too while the link is down: more than one an outage.
    assert!(late > 2 * (outcome.makespan.as_secs_f64() / 4.0) as u64, "{late} in {}", outcome.makespan);
}

#[test]
fn policies_with_a_model_on_the_edge_fall_back_to_it() {
    for (policy, can) in [(msao(), true), (blocking(4), true), (cloud_only(), false), (layer_split(8), false)] {
        let mut spec = broken_link(policy);
        spec.workload.arrivals = engine::Arrivals::Poisson { rate: PerSecond::new(5.0) };
        spec.workload.fall_back = true;
        let (outcome, log) = run_logged(&spec);
        assert_eq!(outcome.metrics.completed, 60);
        let fell: Vec<_> = log.requests.iter().filter(|request| request.fell_back).collect();
        assert_eq!(!fell.is_empty(), can);
        assert!(fell.iter().all(|request| request.uplink == Bytes::ZERO && request.served_by == ServedBy::Edge));
    }
}

/// An edge's own link of 8 Mbps and 10 ms in front of the shared one.
fn with_access(mut spec: RunSpec) -> RunSpec {
    let mut access = HopSpec::new(SharedBy::Edge, mbps(8));
    access.set_rtt(SimDuration::from_ms(10));
    in_front(&mut spec, access);
    spec
}

#[test]
fn a_message_takes_as_long_as_the_slower_of_two_links() {
    for sharing in [Sharing::Fifo, Sharing::Fair(None)] {
        // 20,000 bytes at 8 Mbps are 20 ms; the shared link of 400 Mbps takes them as they come.
        let mut spec = uploads(1, 5000);
        spec.link.hops[0].sharing = sharing;
        let beside = 8_000 - 160;
        let times = upload_times(&with_access(spec));
        assert!(times[0].abs_diff(20_000_000 + beside) < 1_000_000, "{sharing:?}: {times:?}");
    }
}

#[test]
fn edges_with_links_of_their_own_do_not_wait_for_each_other_on_them() {
    // Five uploads of 16 ms on links of 10 Mbps each, and on one that they share.
    let mut own = uploads(5, 5000);
    in_front(&mut own, HopSpec::new(SharedBy::Edge, mbps(10)));
    let times = upload_times(&own);
    assert!(times.iter().all(|time| time.abs_diff(16_000_000) < 300_000), "{times:?}");
}

#[test]
fn edges_start_at_moments_of_their_own_on_a_series() {
    let mut spec = uploads(8, 5000);
    in_front(&mut spec, HopSpec::new(SharedBy::Edge, uneven()));
    let times = upload_times(&spec);
    assert!(times.first() < times.last(), "{times:?}");
    spec.replication = 1;
    assert_ne!(upload_times(&spec), times);
}

#[test]
fn a_full_queue_drops_packets_and_is_seen_as_round_trip() {
    let run_with = |queue: Option<u64>| {
        let mut spec = uploads(20, 5000);
        (spec.link.hops[0].up.rate, spec.link.hops[0].queue) = (mbps(20).into(), queue.map(Bytes::new));
        spec.link.transport = tcp(Connections::Kept, 0);
        run(&spec)
    };
    let (endless, long, short) = (run_with(None), run_with(Some(10_000_000)), run_with(Some(100_000)));
    assert_eq!((endless.up.lost, long.up.lost), (Bytes::ZERO, Bytes::ZERO));
    assert!(short.up.lost > Bytes::ZERO && short.metrics.completed == 20);
    assert_eq!(short.up.sent, short.up.received + short.up.lost);
    assert!(short.metrics.e2e.sum_ns() > long.metrics.e2e.sum_ns());
}
