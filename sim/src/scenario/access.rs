//! The link that each edge of a group has for itself, in front of the shared one.

use super::Source;
use super::link::{Outage, Rate};
use crate::terminal::Failure;
use engine::AccessSpec;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use units::{BitsPerSecond, Ratio, SimDuration};

/// A link that each edge has for itself: a phone's radio, a camera's cable. The shared `[link]` comes behind it.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Access {
    /// Rate of each direction, unless `up` or `down` sets another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bandwidth: Option<BitsPerSecond>,
    /// Rate from the edge: a constant, or a series, of which each edge plays a stretch of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub up: Option<Rate>,
    /// Rate to the edge, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub down: Option<Rate>,
    /// Round-trip time on top of the shared link's; default 0.
    pub rtt: SimDuration,
    /// Probability that a packet is lost on it; default 0.
    pub loss: Ratio,
    /// Outages, e.g. `{ every = "60 s", lasts = "5 s" }`; edges have theirs at different moments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outage: Option<Outage>,
}

impl Access {
    /// Refuses a link without a rate, or with numbers that none can have.
    pub fn check(&self, source: &Source, key: &str) -> Result<(), Failure> {
        let refuse = |name: &str, expected: &str| {
            Err(source.refuse_key(&format!("{key}.{name}"), &format!("expected {expected}")))
        };
        if self.bandwidth.is_none() && (self.up.is_none() || self.down.is_none()) {
            return Err(source.refuse_key(key, "expected `bandwidth`, or `up` and `down`: it has no rate otherwise"));
        }
        if self.rates().any(|rate| rate < BitsPerSecond::new(1000)) {
            return refuse("bandwidth", "rates of at least 1 kbps");
        }
        if self.loss.as_f64() > 0.9 {
            return refuse("loss", "at most 0.9: above, retransmission never ends in practice");
        }
        if self.rtt > SimDuration::from_secs(3600) {
            return refuse("rtt", "at most 1 h");
        }
        match self.outage {
            Some(outage) if !outage.is_possible() => refuse("outage", Outage::EXPECTED),
            _ => Ok(()),
        }
    }

    fn rates(&self) -> impl Iterator<Item = BitsPerSecond> {
        let stated = [&self.up, &self.down].into_iter().flatten().filter_map(|rate| match rate {
            Rate::Constant(rate) => Some(*rate),
            _ => None,
        });
        stated.chain(self.bandwidth)
    }

    /// Reads the files and builds the link.
    pub fn resolve(&self, beside: &Path) -> Result<AccessSpec, Failure> {
        let constant = Rate::Constant(self.bandwidth.unwrap_or_default());
        let rate = |own: &Option<Rate>| {
            let rate = own.as_ref().unwrap_or(&constant).profile(beside)?;
            Ok::<_, Failure>(Arc::new(Outage::put_into(self.outage, rate)))
        };
        Ok(AccessSpec { up: rate(&self.up)?, down: rate(&self.down)?, rtt: self.rtt, loss: self.loss })
    }

    /// The files that it reads.
    pub fn files(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let rates = [self.up.as_mut(), self.down.as_mut()].into_iter().flatten();
        rates.filter_map(Rate::series_mut).map(|series| &mut series.file)
    }
}
