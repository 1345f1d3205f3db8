//! One-way times of messages over TCP, for `cargo xtask link`: reads cells as CSV from stdin, with the header `mbps,rtt_ms,congestion,
//! idle_restart,bytes,connection`, and prints them with a column more, `simulated_ms`.
//!
//! The messages of a cell are those that the command measures: on a new connection, on a warm one, and after 0.7 s of silence.

#[path = "../../src/link/tcp/cells/connection.rs"]
mod connection;

use connection::Connection;
use kernel::{Congestion, FifoLink, RateProfile, Tcp, TcpSender};
use std::process::ExitCode;
use units::{BitsPerSecond, SimDuration};

const HEADER: &str = "mbps,rtt_ms,congestion,idle_restart,bytes,connection";

fn main() -> ExitCode {
    let lines: Result<Vec<String>, _> = std::io::stdin().lines().collect();
    match lines.map_err(|error| error.to_string()).and_then(|lines| told(&lines)) {
        Ok(told) => {
            print!("{told}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("messages: {why}");
            ExitCode::from(2)
        }
    }
}

/// The lines with their times.
fn told(lines: &[String]) -> Result<String, String> {
    let (first, cells) = lines.split_first().ok_or(format!("found nothing; expected the header {HEADER}"))?;
    if first != HEADER {
        return Err(format!("line 1: found {first}; expected the header {HEADER}"));
    }
    let mut told = format!("{HEADER},simulated_ms\n");
    for (number, line) in cells.iter().enumerate() {
        let ms = simulated(line).ok_or(format!("line {}: found {line}; expected a cell {HEADER}", number + 2))?;
        told += &format!("{line},{ms}\n");
    }
    Ok(told)
}

/// The time of a cell, if it is one.
fn simulated(line: &str) -> Option<f64> {
    let [mbps, rtt_ms, congestion, idle_restart, bytes, connection] = line.split(',').collect::<Vec<_>>()[..] else {
        return None;
    };
    let positive = |text: &str| text.parse::<f64>().ok().filter(|value| *value > 0.0 && value.is_finite());
    let rate = BitsPerSecond::new((positive(mbps)? * 1e6) as u64);
    let rtt = SimDuration::from_ns((positive(rtt_ms)? * 1e6) as u64);
    let congestion = match congestion {
        "cubic" => Congestion::Cubic,
        "bbr" => Congestion::Bbr,
        _ => return None,
    };
    let tcp = Tcp { congestion, idle_restart: idle_restart.parse().ok()?, ..Tcp::default() };
    let (mut over, bytes) = (Connection::new(tcp, rate, rtt), bytes.parse().ok()?);
    match connection {
        "new" => Some(over.send(bytes)),
        "warm" => Some(over.warm(bytes)),
        "silent" => Some(over.silent(bytes)),
        _ => None,
    }
}
