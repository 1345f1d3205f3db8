//! Several GPUs that serve one model together, and what they say to each other.
//!
//! Under tensor parallelism each GPU has a share of every matrix and of the KV heads. Two all-reduces a layer put the shares
//! together again (Megatron-LM, arXiv 1909.08053, section 3). A ring of n GPUs sends each byte 2 (n - 1) / n times.
//!
//! Under data parallelism with experts spread over the ranks, attention is whole on each rank. Two exchanges a layer bring every
//! token to its experts and back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::{BytesPerSecond, SimDuration};

use crate::model_spec::ModelSpec;

/// The link between the GPUs of a server.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Interconnect {
    /// Bandwidth that a GPU reaches in an all-reduce, one way, e.g. `350 GB/s`.
    pub bandwidth: BytesPerSecond,
    /// Time of the smallest all-reduce, e.g. `10 us`.
    pub latency: SimDuration,
}

/// A built-in interconnect: GB/s reached, and microseconds.
const fn reaches(gb_per_s: u64, us: u64) -> Interconnect {
    Interconnect { bandwidth: BytesPerSecond::new(gb_per_s * 1_000_000_000), latency: SimDuration::from_us(us) }
}

/// Every built-in interconnect, by name. Bandwidths are about three quarters of the data sheet's, latencies those of a small all-reduce
/// between GPUs of one server [A]. The 16 us of NVLink 4 were read off a 70B on two to eight H100, the 7 us of NVLink 5 off one on two to
/// eight B200 under two engines.
pub static INTERCONNECTS: [(&str, Interconnect); 5] = [
    ("nvlink-3", reaches(230, 12)),
    ("nvlink-4", reaches(350, 16)),
    ("nvlink-5", reaches(700, 7)),
    ("pcie-4", reaches(13, 20)),
    ("pcie-5", reaches(26, 20)),
];

impl Interconnect {
    /// The built-in interconnect of that name.
    pub fn named(name: &str) -> Option<Interconnect> {
        INTERCONNECTS.iter().find(|(known, _)| *known == name).map(|(_, link)| *link)
    }
}

/// The way in which the GPUs of a server share a model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parallel {
    /// GPUs that share every layer.
    pub tensor: u32,
    /// Ranks that each have attention whole and a queue of their own, in step with each other.
    pub data: u32,
    /// True if the experts are spread over the ranks.
    pub spreads_experts: bool,
    /// The link between the GPUs; `None` where there is only one.
    pub interconnect: Option<Interconnect>,
}

impl Parallel {
    /// One GPU that has all.
    pub const NONE: Parallel = Parallel { tensor: 1, data: 1, spreads_experts: false, interconnect: None };

    /// GPUs of a replica.
    pub fn gpus(&self) -> u32 {
        self.tensor * self.data
    }

    /// The talk of an iteration: nanoseconds of its constant part and of each token.
    pub(crate) fn talk_ns(&self, model: &ModelSpec) -> (f64, f64) {
        let Some(link) = &self.interconnect else { return (0.0, 0.0) };
        let layers = model.layers as f64;
        let token_ns = model.hidden as f64 * ACTIVATION_BYTES * 1e9 / link.bandwidth.as_f64();
        let times = |gpus: u32, moves: f64| {
            if gpus > 1 { (1.0, moves * f64::from(gpus - 1) / f64::from(gpus)) } else { (0.0, 0.0) }
        };
        let (reduces, reduced) = times(self.tensor, 2.0);
        // Every rank is given the tokens of all: its own go to the others, theirs come here.
        let (exchanges, exchanged) = times(if self.spreads_experts { self.data } else { 1 }, f64::from(self.data));
        let latency_ns = link.latency.as_ns() as f64;
        (2.0 * layers * (reduces + exchanges) * latency_ns, 2.0 * layers * (reduced + exchanged) * token_ns)
    }
}

/// Bytes of an element of a hidden state.
const ACTIVATION_BYTES: f64 = 2.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn nvlink(tensor: u32) -> Parallel {
        Parallel { tensor, interconnect: Interconnect::named("nvlink-4"), ..Parallel::NONE }
    }

    #[test]
    fn two_all_reduces_a_layer() {
        let model = ModelSpec::named("qwen2.5-vl-7b").unwrap();
        let (fixed, token) = nvlink(4).talk_ns(model);
        assert_eq!(fixed, 2.0 * 28.0 * 16_000.0);
        // 3,584 values of 2 B, 1.5 times over the link, twice in each of 28 layers.
        assert!((token - 56.0 * 1.5 * 7168.0 / 350.0).abs() < 1e-9, "{token}");
        assert_eq!(nvlink(1).talk_ns(model), (0.0, 0.0));
        assert_eq!(Parallel::NONE.talk_ns(model), (0.0, 0.0));
    }

    #[test]
    fn two_exchanges_a_layer_bring_tokens_to_their_experts() {
        let model = ModelSpec::named("qwen2.5-vl-7b").unwrap();
        let ranks = Parallel { data: 2, spreads_experts: true, ..nvlink(1) };
        let (fixed, token) = ranks.talk_ns(model);
        assert_eq!(fixed, 2.0 * 28.0 * 16_000.0);
        assert!((token - 56.0 * 7168.0 / 350.0).abs() < 1e-9, "{token}");
        assert_eq!(Parallel { spreads_experts: false, ..ranks }.talk_ns(model), (0.0, 0.0));
        assert_eq!(ranks.gpus(), 2);
    }
}
