//! CPU time, as ratios.

use serde_json::Value;
use std::time::Instant;

use super::json::{best_of_three, line_of, number};
use crate::failure::Outcome;

/// Devices and requests of the full model.
const SCALES: [(&str, &str); 4] = [("1", "3000"), ("1000", "10000"), ("20000", "60000"), ("100000", "100000")];

/// Digits of a number of devices at which answers are short, since every step then waits for memory.
const MANY: usize = 5;

/// A policy of the full model, the tokens of an answer, and the name of the tokens that it spends its time on.
const POLICIES: [(&str, &str, &str); 3] =
    [("pipelined", "100", "drafted"), ("cloud_only", "210", "streamed"), ("edge_only", "210", "written")];

/// The full model on our queue and on the standard library's heap.
pub fn model() -> Outcome {
    super::build(&["-p", "engine", "--example", "scale"])?;
    let ours = full_model("lanes")?;
    super::build(&["-p", "engine", "--example", "scale", "--features", "binary-queue"])?;
    let theirs = full_model("std heap")?;
    for (ours, theirs) in ours.iter().zip(&theirs) {
        expect_equal(ours, theirs, "check")?;
        let ratio = number(theirs, "ns_per_token")? / number(ours, "ns_per_token")?;
        let (policy, devices) = (ours["policy"].as_str().unwrap_or_default(), &ours["devices"]);
        println!("{policy} at {devices} devices: {ratio:.2} times the speed of the std heap, equal results");
    }
    Ok(())
}

fn full_model(queue: &str) -> Outcome<Vec<Value>> {
    let runs = POLICIES.iter().flat_map(|policy| SCALES.iter().map(move |scale| (policy, scale)));
    runs.map(|((policy, tokens, kind), (devices, requests))| {
        let tokens = if devices.len() >= MANY { "20" } else { tokens };
        let line = best_of_three("target/release/examples/scale", &[policy, devices, requests, tokens])?;
        println!(
            "{policy}, {queue}, {devices} devices, {tokens} tokens: {:.0} requests/s, {:.0} ns a {kind} token, {:.0} MB",
            number(&line, "requests_per_s")?,
            number(&line, "ns_per_token")?,
            number(&line, "peak_rss_mb")?,
        );
        Ok(line)
    })
    .collect()
}

/// A run whose edges can be simulated apart from the cloud: whole, and apart on one thread and on all cores, in turn.
pub fn threads() -> Outcome {
    super::build(&["-p", "engine", "--example", "scale"])?;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let ways = ["0".to_owned(), "1".to_owned(), cores.to_string()];
    for devices in ["1000", "4000", "20000"] {
        let mut walls = [f64::INFINITY; 3];
        let mut megabytes = [0.0; 3];
        for _ in 0..3 {
            for (place, threads) in ways.iter().enumerate() {
                let started = Instant::now();
                let line = line_of("target/release/examples/scale", &["pipelined", devices, "60000", "20", threads])?;
                walls[place] = walls[place].min(started.elapsed().as_secs_f64());
                megabytes[place] = number(&line, "peak_rss_mb")?;
            }
        }
        let [whole, one, all] = walls;
        println!(
            "pipelined, {devices} devices, 20 tokens: {:.0} requests/s whole; apart {:.2} times as fast on 1 thread, {:.2} on {cores}; \
             {:.0}, {:.0} and {:.0} MB",
            60_000.0 / whole,
            whole / one,
            whole / all,
            megabytes[0],
            megabytes[1],
            megabytes[2],
        );
    }
    Ok(())
}

/// The tandem of three queues, by events and by processes, against a plain heapq script, which has events.
pub fn python() -> Outcome {
    super::build(&["-p", "kernel", "--examples"])?;
    let script = ["sim/kernel/benches/reference/tandem.py", "1", "200000", "--time"];
    let theirs = best_of_three("python3", &script)?;
    for form in ["events", "processes"] {
        let ours = best_of_three("target/release/examples/tandem", &["1", "200000", form, "--time"])?;
        expect_equal(&ours, &theirs, "sojourns_ns")?;
        let (ours, theirs) = (number(&ours, "ns_per_event")?, number(&theirs, "ns_per_event")?);
        let ratio = theirs / ours;
        println!("tandem by {form}: {ours:.1} ns an event, plain Python {theirs:.0}: {ratio:.1} times, equal results");
    }
    Ok(())
}

fn expect_equal(a: &Value, b: &Value, key: &str) -> Outcome {
    if a[key] == b[key] && !a[key].is_null() {
        return Ok(());
    }
    Err(format!("two programs that must agree differ in `{key}`: {a} and {b}").into())
}
