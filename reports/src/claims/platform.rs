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

/// Values that the papers' platforms may have beside the defaults.
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
    /// True if the paper states it, or a row of it names it; an open one is an assumption.
    stated: bool,
}

impl Allowed {
    fn is(&self, platform: &str, key: &str, value: &str) -> bool {
        let has = self.values == "*" || self.values.split('|').any(|known| known == value);
        self.platform == platform && is_within(key, &self.key) && has
    }
}

/// True if a key is another, or below it.
fn is_within(key: &str, outer: &str) -> bool {
    key == outer || key.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'))
}

/// True if a platform may have this value of a key that is not at its default.
pub(super) fn allows(platform: &str, key: &str, value: &str) -> bool {
    !KEYS.into_iter().any(|outer| is_within(key, outer)) || ALLOWED.iter().any(|row| row.is(platform, key, value))
}

/// True if this value is what the paper states of its platform, or a table of a device or model that it names; so it is no assumption.
pub(super) fn states(platform: &str, key: &str, value: &str) -> bool {
    let is_given = ["device", "model"].into_iter().any(|table| is_within(key, table));
    is_given || ALLOWED.iter().any(|row| row.stated && row.is(platform, key, value))
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
        assert!(
            states("mindfusion", "cloud.model", "llava-1.5-7b") && states("spec_stop", "model.qwen2.5-7b", "given")
        );
        assert!(!states("msao", "arrivals.closed_loop.clients", "2") && !states("msao", "edge.engine", "hf"));
    }
}
