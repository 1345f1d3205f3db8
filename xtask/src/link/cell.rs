//! The cells of the table: a link, the settings of TCP on it, a size, and what the connection did before.

use super::shaper::ETHERNET;
use super::wire::PREFIX;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A link, the same in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Link {
    pub mbps: f64,
    pub rtt_ms: f64,
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} Mbps, RTT {} ms", self.mbps, self.rtt_ms)
    }
}

/// The settings of TCP at both ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The congestion control, by its name in the kernel.
    pub congestion: String,
    /// `tcp_slow_start_after_idle`, which Linux has on.
    pub idle_restart: bool,
}

/// The connection of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Before {
    /// It has just carried messages of the same size.
    Warm,
    /// It is new; its handshake is not counted.
    New,
    /// It has carried messages of the same size, and then nothing for a while.
    Silent,
}

impl Before {
    pub const ALL: [Self; 3] = [Self::Warm, Self::New, Self::Silent];

    pub fn name(self) -> &'static str {
        match self {
            Self::Warm => "warm",
            Self::New => "new",
            Self::Silent => "silent",
        }
    }
}

/// A cell of the table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    #[serde(flatten)]
    pub link: Link,
    #[serde(flatten)]
    pub settings: Settings,
    pub bytes: usize,
    pub connection: Before,
}

/// Payload of a packet: 1,500 B without the headers of IP and TCP and its time stamps.
const SEGMENT: usize = 1448;
/// Headers of a packet on the wire.
const HEADERS: usize = ETHERNET + 52;

impl Cell {
    /// The one-way time of an idle link without congestion control: (bytes and headers) / rate + RTT / 2.
    ///
    /// 40,000 B are 28 packets, which take 0.84 ms at 400 Mbps.
    pub fn closed_form_ms(&self) -> f64 {
        let bytes = self.bytes + PREFIX;
        let wire = bytes + HEADERS * bytes.div_ceil(SEGMENT);
        wire as f64 * 8.0 / self.link.mbps / 1e3 + self.link.rtt_ms / 2.0
    }

    /// Round trips that a time has beyond the closed form, to the nearest.
    pub fn round_trips(&self, ms: f64) -> i64 {
        ((ms - self.closed_form_ms()) / self.link.rtt_ms).round() as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first rows of the table that was measured before this command was there.
    #[test]
    fn the_closed_form_is_bytes_over_rate_and_half_a_round_trip() {
        let cell = |mbps: f64, bytes| Cell {
            link: Link { mbps, rtt_ms: 20.0 },
            settings: Settings { congestion: "cubic".to_owned(), idle_restart: true },
            bytes,
            connection: Before::Warm,
        };
        for (mbps, bytes, ms) in [(400.0, 1_000, 10.02), (400.0, 100_000, 12.09), (200.0, 500_000, 30.91)] {
            let form = cell(mbps, bytes).closed_form_ms();
            assert!((form - ms).abs() < 0.01, "{bytes} B at {mbps} Mbps: {form}");
        }
        assert_eq!([12.4, 31.2, 71.7].map(|ms| cell(400.0, 100_000).round_trips(ms)), [0, 1, 3]);
    }
}
