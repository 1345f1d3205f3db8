//! Refuses amounts that can be written but not simulated: they would overflow the clock or exhaust the memory.

use super::link::{FairShare, Rate, Share};
use super::{Arrivals, Dataset, Scenario, Source};
use crate::terminal::Failure;
use model::engine_kind::EngineKind;
use units::{BitsPerSecond, Bytes, SimDuration};

/// Most of what has a place in memory from the start: replications, edges, workers, clients and GPUs.
const MOST: u32 = 100_000;

/// Longest duration: the clock ends after 584 years, that is five million requests of an hour each.
const LONGEST: SimDuration = SimDuration::from_secs(3600);

/// Widest and highest picture: the most that a JPEG can have.
const WIDEST: u32 = 65_535;

/// Slowest rate of a link.
const SLOWEST: BitsPerSecond = BitsPerSecond::new(1000);

/// Largest packet: what IP can carry, also as one jumbogram of a socket.
const LARGEST_PACKET: Bytes = Bytes::new(65_535);

/// Most KV blocks of a GPU: 16 billion tokens.
const MOST_BLOCKS: u64 = 1_000_000_000;

/// Fewest tokens of a serving engine's step: fewer cannot hold what is read again behind a batch of drafts.
const LEAST_STEP_TOKENS: u32 = 16;
/// Least share of a peak rate.
const LEAST_SHARE: f64 = 1e-4;

/// Refuses what is too much or too little.
pub fn check(source: &Source, scenario: &Scenario) -> Result<(), Failure> {
    let too = |key: &str, expected: &str| Err(source.refuse_key(key, &format!("expected {expected}")));
    for (key, value, most) in counts(scenario) {
        if value > most {
            return too(key, &format!("at most {most}"));
        }
    }
    for (key, value) in durations(scenario) {
        if value > LONGEST {
            return too(key, &format!("at most {LONGEST}"));
        }
    }
    for (key, share) in shares(scenario) {
        if share < LEAST_SHARE {
            return too(key, "at least 0.01 %");
        }
    }
    for (key, rate) in rates(scenario) {
        if rate < SLOWEST {
            return too(key, &format!("at least {SLOWEST}"));
        }
    }
    for (key, size) in [("link.header", scenario.link.header), ("link.packet", scenario.link.packet)] {
        if size > LARGEST_PACKET {
            return too(key, &format!("at most {LARGEST_PACKET}"));
        }
    }
    for (key, blocks) in [("edge.kv_blocks", scenario.edge.kv_blocks), ("cloud.kv_blocks", scenario.cloud.kv_blocks)] {
        if blocks.is_some_and(|blocks| blocks > MOST_BLOCKS) {
            return too(key, &format!("at most {MOST_BLOCKS}"));
        }
    }
    let [edge, cloud] = [(scenario.edge.engine, scenario.edge.batch), (scenario.cloud.engine, scenario.cloud.batch)];
    for (key, (engine, batch)) in [("edge.batch.chunk_tokens", edge), ("cloud.batch.chunk_tokens", cloud)] {
        let is_served = !EngineKind::IDEAL.contains(&engine);
        if is_served && batch.chunk_tokens.is_some_and(|tokens| tokens < LEAST_STEP_TOKENS) {
            let least =
                format!("at least {LEAST_STEP_TOKENS}, since a step of a serving engine holds a batch of drafts");
            return too(key, &least);
        }
    }
    for (name, device) in &scenario.device {
        if device.bandwidth.as_u64() < 1_000_000 {
            return too(&format!("device.{name}.bandwidth"), "at least 1 MB/s");
        }
        if device.peak.as_tflop_per_s_f64() < 1e-3 {
            return too(&format!("device.{name}.peak"), "at least 1 GFLOP/s");
        }
    }
    Ok(())
}

fn counts(scenario: &Scenario) -> Vec<(&'static str, u32, u32)> {
    let mut counts = vec![
        ("replications", scenario.replications, MOST),
        ("edge.count", scenario.edge.count, MOST),
        ("edge.cpu_workers", scenario.edge.cpu_workers, MOST),
        ("cloud.gpus", scenario.cloud.gpus, MOST),
    ];
    if let Arrivals::ClosedLoop(closed) = &scenario.arrivals {
        counts.push(("arrivals.closed_loop.clients", closed.clients, MOST));
    }
    if let Dataset::Custom(custom) = &scenario.workload.dataset {
        counts.push(("workload.dataset.custom.width", custom.width, WIDEST));
        counts.push(("workload.dataset.custom.height", custom.height, WIDEST));
        counts.push(("workload.dataset.custom.frames", custom.frames.unwrap_or(1), MOST));
    }
    counts
}

fn durations(scenario: &Scenario) -> Vec<(&'static str, SimDuration)> {
    let (edge, cloud) = (scenario.edge.tuning, scenario.cloud.tuning);
    let mut durations = vec![
        ("link.rtt", scenario.link.rtt),
        ("link.jitter", scenario.link.jitter),
        ("edge.preprocess", scenario.edge.preprocess),
    ];
    let tuned = [
        ("edge.tuning.overhead", edge.overhead),
        ("edge.tuning.prefill_overhead", edge.prefill_overhead),
        ("edge.tuning.floor", edge.floor),
        ("cloud.tuning.overhead", cloud.overhead),
        ("cloud.tuning.prefill_overhead", cloud.prefill_overhead),
        ("cloud.tuning.floor", cloud.floor),
    ];
    durations.extend(tuned.into_iter().filter_map(|(key, value)| Some((key, value?))));
    if let Dataset::Custom(custom) = &scenario.workload.dataset {
        durations.extend(custom.audio.map(|audio| ("workload.dataset.custom.audio", audio)));
    }
    if let Arrivals::ClosedLoop(closed) = &scenario.arrivals {
        durations.push(("arrivals.closed_loop.think", closed.think));
    }
    durations
}

fn shares(scenario: &Scenario) -> impl Iterator<Item = (&'static str, f64)> {
    let (edge, cloud) = (scenario.edge.tuning, scenario.cloud.tuning);
    let shares = [
        ("edge.tuning.eta_mem", edge.eta_mem),
        ("edge.tuning.eta_flop", edge.eta_flop),
        ("cloud.tuning.eta_mem", cloud.eta_mem),
        ("cloud.tuning.eta_flop", cloud.eta_flop),
    ];
    shares.into_iter().filter_map(|(key, share)| Some((key, share?.as_f64())))
}

/// The rates that are stated as constants.
fn rates(scenario: &Scenario) -> impl Iterator<Item = (&'static str, BitsPerSecond)> {
    let constant = |rate: &Option<Rate>| match rate {
        Some(Rate::Constant(rate)) => Some(*rate),
        _ => None,
    };
    let access = match scenario.link.sharing {
        Share::Fair(FairShare { access }) => access,
        Share::Fifo => None,
    };
    let rates = [
        ("link.bandwidth", Some(scenario.link.bandwidth)),
        ("link.up.constant", constant(&scenario.link.up)),
        ("link.down.constant", constant(&scenario.link.down)),
        ("link.sharing.fair.access", access),
    ];
    rates.into_iter().filter_map(|(key, rate)| Some((key, rate?)))
}
