//! Refuses amounts that can be written but not simulated: they would overflow the clock or exhaust the memory.

use super::fleet::{Group, Pool};
use super::{Arrivals, Dataset, Scenario, Source};
use crate::terminal::Failure;
use units::{Bytes, SimDuration};

/// Most of what has a place in memory from the start: replications, edges, workers, clients and GPUs.
const MOST: u32 = 100_000;

/// Longest duration: the clock ends after 584 years, that is five million requests of an hour each.
const LONGEST: SimDuration = SimDuration::from_secs(3600);

/// Widest and highest picture: the most that a JPEG can have.
const WIDEST: u32 = 65_535;

/// Packets of a new connection's first flight, at most.
const LARGEST_WINDOW: u32 = 10_000;

/// Connections between edges and pools, at most: events have room for so many.
const MOST_CONNECTIONS: u64 = 500_000;

/// Largest packet: what IP can carry, also as one jumbogram of a socket.
const LARGEST_PACKET: Bytes = Bytes::new(65_535);

/// Most KV blocks of a GPU: 16 billion tokens.
const MOST_BLOCKS: u64 = 1_000_000_000;

/// Least share of a peak rate.
const LEAST_SHARE: f64 = 1e-4;

/// Refuses what is too much or too little.
pub fn check(source: &Source, scenario: &Scenario) -> Result<(), Failure> {
    let too = |key: &str, expected: &str| Err(source.refuse_key(key, &format!("expected {expected}")));
    for (key, value, most) in counts(scenario) {
        if value > most {
            return too(&key, &format!("at most {most}"));
        }
    }
    edges_at_most(source, scenario)?;
    for (key, value) in durations(scenario) {
        if value > LONGEST {
            return too(&key, &format!("at most {LONGEST}"));
        }
    }
    for (key, share) in shares(scenario) {
        if share < LEAST_SHARE {
            return too(&key, "at least 0.01 %");
        }
    }
    for (key, size) in [("link.header", scenario.link.header), ("link.packet", scenario.link.packet)] {
        if size > LARGEST_PACKET {
            return too(key, &format!("at most {LARGEST_PACKET}"));
        }
    }
    if scenario.link.initial_window > LARGEST_WINDOW {
        return too("link.initial_window", &format!("at most {LARGEST_WINDOW} packets"));
    }
    for (key, blocks) in kv_blocks(scenario) {
        if blocks.is_some_and(|blocks| blocks > MOST_BLOCKS) {
            return too(&format!("{key}.kv_blocks"), &format!("at most {MOST_BLOCKS}"));
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

/// Refuses more edges in all groups, or more GPUs in all pools, than have a place in memory.
fn edges_at_most(source: &Source, scenario: &Scenario) -> Result<(), Failure> {
    let gpus: u64 = scenario.clouds().iter().map(|pool| u64::from(pool.cloud.gpus)).sum();
    for (key, many) in [("edges", scenario.edge_count()), ("pools", gpus)] {
        if many > MOST.into() {
            return Err(source.refuse_key(key, &format!("found {many} in all; expected at most {MOST}")));
        }
    }
    let connections = scenario.edge_count() * scenario.clouds().len() as u64;
    if connections > MOST_CONNECTIONS {
        let reason = format!(
            "each edge has a connection to each pool, {connections} in all; expected at most {MOST_CONNECTIONS}"
        );
        return Err(source.refuse_key("pools", &reason));
    }
    Ok(())
}

/// The stated KV blocks of each tier, by its key.
fn kv_blocks(scenario: &Scenario) -> Vec<(String, Option<u64>)> {
    let edges = scenario.groups().into_iter().map(|Group { key, edge, .. }| (key, edge.kv_blocks));
    edges.chain(scenario.clouds().into_iter().map(|Pool { key, cloud, .. }| (key, cloud.kv_blocks))).collect()
}

fn counts(scenario: &Scenario) -> Vec<(String, u32, u32)> {
    let mut counts = vec![("replications".to_owned(), scenario.replications, MOST)];
    for Group { key, edge, .. } in scenario.groups() {
        counts.push((format!("{key}.count"), edge.count, MOST));
        counts.push((format!("{key}.cpu_workers"), edge.cpu_workers, MOST));
        if let Some(Arrivals::ClosedLoop(closed)) = &edge.arrivals {
            counts.push((format!("{key}.arrivals.closed_loop.clients"), closed.clients, MOST));
        }
    }
    counts.extend(scenario.clouds().into_iter().map(|pool| (format!("{}.gpus", pool.key), pool.cloud.gpus, MOST)));
    if let Arrivals::ClosedLoop(closed) = &scenario.arrivals {
        counts.push(("arrivals.closed_loop.clients".to_owned(), closed.clients, MOST));
    }
    if let Dataset::Custom(custom) = &scenario.workload.dataset {
        let of = |key: &str| format!("workload.dataset.custom.{key}");
        counts.push((of("width"), custom.width, WIDEST));
        counts.push((of("height"), custom.height, WIDEST));
        counts.push((of("frames"), custom.frames.unwrap_or(1), MOST));
    }
    counts
}

fn durations(scenario: &Scenario) -> Vec<(String, SimDuration)> {
    let mut durations = vec![("link.jitter".to_owned(), scenario.link.jitter)];
    for Group { key, edge, .. } in scenario.groups() {
        durations.push((format!("{key}.preprocess"), edge.preprocess));
        if let Some(Arrivals::ClosedLoop(closed)) = edge.arrivals {
            durations.push((format!("{key}.arrivals.closed_loop.think"), closed.think));
        }
    }
    durations.extend(scenario.clouds().into_iter().map(|pool| (format!("{}.rtt", pool.key), pool.cloud.rtt)));
    durations.extend(scenario.report_every.map(|every| ("report_every".to_owned(), every)));
    for tier in scenario.tiers() {
        let tuned = [
            ("overhead", tier.tuning.overhead),
            ("prefill_overhead", tier.tuning.prefill_overhead),
            ("megapixel_overhead", tier.tuning.megapixel_overhead),
            ("floor", tier.tuning.floor),
        ];
        let key = |name: &str| format!("{}.tuning.{name}", tier.key);
        durations.extend(tuned.into_iter().filter_map(|(name, value)| Some((key(name), value?))));
    }
    if let Dataset::Custom(custom) = &scenario.workload.dataset {
        durations.extend(custom.audio.map(|audio| ("workload.dataset.custom.audio".to_owned(), audio)));
    }
    if let Arrivals::ClosedLoop(closed) = &scenario.arrivals {
        durations.push(("arrivals.closed_loop.think".to_owned(), closed.think));
    }
    durations
}

fn shares(scenario: &Scenario) -> Vec<(String, f64)> {
    let mut all = Vec::new();
    for tier in scenario.tiers() {
        let shares = [("eta_mem", tier.tuning.eta_mem), ("eta_flop", tier.tuning.eta_flop)];
        let key = |name: &str| format!("{}.tuning.{name}", tier.key);
        all.extend(shares.into_iter().filter_map(|(name, share)| Some((key(name), share?.as_f64()))));
    }
    all
}
