//! The platform of a paper: what it was measured on. A claim is judged, and its printed value drawn, on that platform alone.
//!
//! The simulator's defaults are the platform of MSAO's paper. So a scenario is on a paper's platform if each key of edge, cloud, link,
//! arrivals or sharing is at its default, or has a value that `platforms.csv` allows the paper. Engines, lengths of answers and transport
//! are no part of it: the papers leave them open, and a verdict names them as assumptions.

use serde::Deserialize;
use std::sync::LazyLock;

/// Keys that make a platform, each with all below it.
const KEYS: [&str; 19] = [
    "edge.device",
    "edge.model",
    "edge.count",
    "edge.link",
    "edges",
    "cloud.device",
    "cloud.model",
    "cloud.gpus",
    "pools",
    "hop",
    "bandwidth_mbps",
    "link.bandwidth",
    "link.up",
    "link.down",
    "link.rtt",
    "link.loss",
    "link.jitter",
    "link.sharing",
    "arrivals",
];

/// What the papers' platforms may have beside the defaults.
static ALLOWED: LazyLock<Vec<Allowed>> = LazyLock::new(|| {
    let rows = csv::Reader::from_reader(include_str!("platforms.csv").as_bytes()).into_deserialize();
    rows.collect::<Result<_, _>>().expect("a table of ours is whole")
});

#[derive(Deserialize)]
struct Allowed {
    platform: String,
    key: String,
    /// Values by `|`, or `*` for any.
    values: String,
}

/// True if a platform may have this value of a key that is not at its default.
pub(super) fn allows(platform: &str, key: &str, value: &str) -> bool {
    let is_within = |outer: &str| key == outer || key.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'));
    let has = |values: &str| values == "*" || values.split('|').any(|known| known == value);
    let allowed = |row: &Allowed| row.platform == platform && is_within(&row.key) && has(&row.values);
    !KEYS.into_iter().any(is_within) || ALLOWED.iter().any(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_platform_is_its_papers() {
        for (platform, key, value, expected) in [
            ("msao", "link.bandwidth", "300 Mbps", true),
            ("msao", "bandwidth_mbps", "90", false),
            ("msao", "link.bandwidths", "1", true),
            ("msao", "link.rtt", "80 ms", false),
            ("msao", "arrivals.closed_loop.clients", "2", true),
            ("msao", "arrivals.poisson.rate", "4 /s", false),
            ("msao", "edge.count", "16", false),
            ("msao", "edges.phone.count", "3", false),
            ("msao", "edge.engine", "hf", true),
            ("msao", "cloud.model", "llava-1.5-7b", false),
            ("mindfusion", "cloud.model", "llava-1.5-7b", true),
            ("mindfusion", "edge.count", "2", false),
            ("nobody", "edge.device", "m2", false),
        ] {
            assert_eq!(allows(platform, key, value), expected, "{platform}: {key} = {value}");
        }
    }
}
