//! The keys that the hops of a link have in common: rates, delays, losses, and the way that messages share them.

use super::Source;
use super::course::{Course, Varies};
use crate::terminal::Failure;
use engine::{HopSpec, SeriesStart, SharedBy, Sharing, WaySpec};
use kernel::{Profile, RateProfile};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;
use units::{BitsPerSecond, Bytes, Ratio, SimDuration};

/// Slowest rate of a hop.
const SLOWEST: BitsPerSecond = BitsPerSecond::new(1000);

/// Longest delay of a hop.
const LONGEST: SimDuration = SimDuration::from_secs(3600);

/// Most of its packets that a hop may lose.
const MOST_LOSS: f64 = 0.9;

/// A table of a hop: keys of its own, and those that all hops have.
macro_rules! hop_table {
    ($(#[$about:meta])* $name:ident { $($own:tt)* }) => {
        $(#[$about])*
        #[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            /// Rate of each direction, e.g. `400 Mbps`, or a series, unless `up` or `down` sets another. That of `[link]` is 400 Mbps by
            /// default.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub bandwidth: Option<$crate::scenario::course::Course<units::BitsPerSecond>>,
            /// Rate from edge to cloud, if it differs from `bandwidth`.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub up: Option<$crate::scenario::course::Course<units::BitsPerSecond>>,
            /// Rate from cloud to edge, if it differs from `bandwidth`.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub down: Option<$crate::scenario::course::Course<units::BitsPerSecond>>,
            /// Round-trip time, e.g. `20 ms`, or a series; each direction takes half. Default 0, that of `[link]` 20 ms. A message is delayed
            /// by half of the one at which its last bit leaves.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub rtt: Option<$crate::scenario::course::Course<units::SimDuration>>,
            /// Delay from edge to cloud, if it differs from half of `rtt`.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub delay_up: Option<$crate::scenario::course::Course<units::SimDuration>>,
            /// Delay from cloud to edge, if it differs from half of `rtt`.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub delay_down: Option<$crate::scenario::course::Course<units::SimDuration>>,
            /// Probability that a packet is lost and sent again a round trip later, e.g. `1 %`, or a series; default 0.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub loss: Option<$crate::scenario::course::Course<units::Ratio>>,
            /// Loss from edge to cloud, if it differs from `loss`.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub loss_up: Option<$crate::scenario::course::Course<units::Ratio>>,
            /// Loss from cloud to edge, if it differs from `loss`.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub loss_down: Option<$crate::scenario::course::Course<units::Ratio>>,
            /// Bytes that may wait, e.g. `1 MB`, where messages take turns over TCP; more are dropped and sent again. A policy sees what waits
            /// as round-trip time. If absent, nothing is dropped.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub queue: Option<units::Bytes>,
            /// Outages of both directions, e.g. `{ every = "60 s", lasts = "5 s" }`: the last 5 s of each minute nothing is sent. A message
            /// that is on its way then is held up.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub outage: Option<$crate::scenario::ways::Outage>,
            /// Sharing by messages: one after the other (`fifo`, default) or max-min fair.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub sharing: Option<$crate::scenario::ways::Share>,
            /// Moment of its series at which a replication starts; default `spread`. Where each edge or group has one, each starts at a moment
            /// of its own.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub start: Option<$crate::scenario::ways::Start>,
            $($own)*
        }

        impl $name {
            /// The keys that all hops have.
            pub fn ways(&self) -> $crate::scenario::ways::Ways<'_> {
                $crate::scenario::ways::Ways {
                    bandwidth: self.bandwidth.as_ref(),
                    rates: [self.up.as_ref(), self.down.as_ref()],
                    rtt: self.rtt.as_ref(),
                    delays: [self.delay_up.as_ref(), self.delay_down.as_ref()],
                    loss: self.loss.as_ref(),
                    losses: [self.loss_up.as_ref(), self.loss_down.as_ref()],
                    queue: self.queue,
                    outage: self.outage,
                    sharing: self.sharing.unwrap_or_default(),
                    start: self.start.unwrap_or_default(),
                }
            }

            /// The files that it reads.
            pub fn files(&mut self) -> impl Iterator<Item = &mut std::path::PathBuf> {
                let rates = [&mut self.bandwidth, &mut self.up, &mut self.down];
                let rates = rates.into_iter().flatten().filter_map($crate::scenario::course::Course::file);
                let times = [&mut self.rtt, &mut self.delay_up, &mut self.delay_down];
                let times = times.into_iter().flatten().filter_map($crate::scenario::course::Course::file);
                let losses = [&mut self.loss, &mut self.loss_up, &mut self.loss_down];
                let losses = losses.into_iter().flatten().filter_map($crate::scenario::course::Course::file);
                rates.chain(times).chain(losses)
            }
        }
    };
}
pub(super) use hop_table;

/// Times without a link, at the end of each stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Outage {
    /// Time from the end of one outage to the end of the next.
    pub every: SimDuration,
    /// Length of an outage.
    pub lasts: SimDuration,
}

/// The moment of series at which a replication starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// Replications start evenly over the longest series, so that intervals hold its variance; replication 0 at its beginning.
    #[default]
    Spread,
    /// All replications start at the beginning.
    First,
}

/// The sharing of the link by messages.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Share {
    /// First in, first out: one message after the other.
    #[default]
    Fifo,
    /// Max-min fair shares of the rate.
    Fair(FairShare),
}

/// Max-min fair sharing.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FairShare {
    /// Largest rate of one connection, as a shaper may set it; over `ideal` that of one message. No limit if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most: Option<BitsPerSecond>,
}

impl Outage {
    /// The outages that are possible, in words.
    pub const EXPECTED: &str = "`every` of at least 1 s and `lasts` above 0 and below it";

    /// True if something is left between outages.
    pub fn is_possible(self) -> bool {
        self.lasts > SimDuration::ZERO && self.lasts < self.every && self.every >= SimDuration::from_secs(1)
    }

    /// A rate with these outages, if there are any.
    pub fn put_into(this: Option<Self>, rate: RateProfile) -> RateProfile {
        match this {
            None => rate,
            Some(Self { every, lasts }) => rate.with_outages(every, lasts),
        }
    }
}

impl Share {
    /// The largest rate of one connection, if there is one.
    pub fn most(self) -> Option<BitsPerSecond> {
        match self {
            Self::Fair(FairShare { most }) => most,
            Self::Fifo => None,
        }
    }

    /// The sharing of a run.
    pub fn resolved(self) -> Sharing {
        match self {
            Self::Fifo => Sharing::Fifo,
            Self::Fair(FairShare { most }) => Sharing::Fair(most),
        }
    }
}

/// The keys that all hops have; up and down apart.
pub struct Ways<'s> {
    pub(super) bandwidth: Option<&'s Course<BitsPerSecond>>,
    pub(super) rates: [Option<&'s Course<BitsPerSecond>>; 2],
    pub(super) rtt: Option<&'s Course<SimDuration>>,
    pub(super) delays: [Option<&'s Course<SimDuration>>; 2],
    pub(super) loss: Option<&'s Course<Ratio>>,
    pub(super) losses: [Option<&'s Course<Ratio>>; 2],
    pub(super) queue: Option<Bytes>,
    pub(super) outage: Option<Outage>,
    pub(super) sharing: Share,
    pub(super) start: Start,
}

/// The keys of what may change over time.
pub const COURSES: [&str; 9] =
    ["bandwidth", "up", "down", "rtt", "delay_up", "delay_down", "loss", "loss_up", "loss_down"];

/// The other keys that all hops have.
pub const OTHERS: [&str; 4] = ["queue", "outage", "sharing", "start"];

impl<'s> Ways<'s> {
    /// The rate of a direction.
    fn rate(&self, way: usize) -> Option<&'s Course<BitsPerSecond>> {
        self.rates[way].or(self.bandwidth)
    }

    /// The rate from the edge, if it is constant.
    pub fn uplink(&self) -> Option<BitsPerSecond> {
        self.rate(0)?.constant()
    }

    /// The name of the uplink's series; none where its rate is constant.
    pub fn uplink_series(&self) -> Option<String> {
        Some(self.rate(0)?.series()?.label())
    }

    /// True if anything changes over time.
    pub fn has_series(&self) -> bool {
        let rates = (0..2).filter_map(|way| self.rate(way)?.series());
        let times = self.delays.iter().flatten().copied().chain(self.rtt).filter_map(Course::series);
        let losses = self.losses.iter().flatten().copied().chain(self.loss).filter_map(Course::series);
        self.outage.is_some() || rates.chain(times).chain(losses).next().is_some()
    }

    /// True if it has no delay.
    pub fn is_immediate(&self) -> bool {
        let mut times = self.delays.iter().flatten().copied().chain(self.rtt);
        times.all(|time| time.constant() == Some(SimDuration::ZERO))
    }

    /// True if it loses nothing.
    pub fn is_lossless(&self) -> bool {
        let mut losses = self.losses.iter().flatten().copied().chain(self.loss);
        losses.all(|loss| loss.constant() == Some(Ratio::ZERO))
    }

    /// Refuses a hop without a rate, or with numbers that none can have.
    pub fn check(&self, source: &Source, key: &str, packet: Bytes) -> Result<(), Failure> {
        let refuse = |name: &str, expected: &str| {
            Err(source.refuse_key(&format!("{key}.{name}"), &format!("expected {expected}")))
        };
        if (0..2).any(|way| self.rate(way).is_none()) {
            return Err(source.refuse_key(key, "expected `bandwidth`, or `up` and `down`: it has no rate otherwise"));
        }
        let rates = [("bandwidth", self.bandwidth), ("up", self.rates[0]), ("down", self.rates[1])];
        if let Some(name) = first(&rates, |rate| rate < SLOWEST) {
            return refuse(name, &format!("at least {SLOWEST}"));
        }
        let times = [("rtt", self.rtt), ("delay_up", self.delays[0]), ("delay_down", self.delays[1])];
        if let Some(name) = first(&times, |time| time > LONGEST) {
            return refuse(name, &format!("at most {LONGEST}"));
        }
        let losses = [("loss", self.loss), ("loss_up", self.losses[0]), ("loss_down", self.losses[1])];
        if let Some(name) = first(&losses, |loss| loss.as_f64() > MOST_LOSS) {
            return refuse(name, "at most 0.9: above, retransmission never ends in practice");
        }
        self.check_queue(source, key, packet)?;
        match self.sharing.most() {
            Some(most) if most < SLOWEST => refuse("sharing.fair.most", &format!("at least {SLOWEST}")),
            _ => Ok(()),
        }
    }

    /// Refuses queues and outages that cannot be.
    fn check_queue(&self, source: &Source, key: &str, packet: Bytes) -> Result<(), Failure> {
        let refuse = |name: &str, reason: &str| Err(source.refuse_key(&format!("{key}.{name}"), reason));
        if self.queue.is_some() && matches!(self.sharing, Share::Fair(_)) {
            let reason = "messages share it max-min fair, so none waits for its turn; leave it out, or share by `fifo`";
            return refuse("queue", reason);
        }
        if self.queue.is_some_and(|queue| queue < packet) {
            return refuse("queue", "expected room for a packet at least");
        }
        match self.outage {
            Some(outage) if !outage.is_possible() => refuse("outage", &format!("expected {}", Outage::EXPECTED)),
            _ => Ok(()),
        }
    }

    /// Reads the files and builds the hop.
    pub fn resolve(&self, shared_by: SharedBy, beside: &Path) -> Result<HopSpec, Failure> {
        let start = match self.start {
            Start::Spread => SeriesStart::Spread,
            Start::First => SeriesStart::First,
        };
        let [up, down] = [self.way(0, beside)?, self.way(1, beside)?];
        Ok(HopSpec { shared_by, up, down, sharing: self.sharing.resolved(), queue: self.queue, start })
    }

    /// Reads the files of a direction.
    fn way(&self, way: usize, beside: &Path) -> Result<WaySpec, Failure> {
        let rate = self.rate(way).expect("a hop with a rate").profile(beside)?;
        let rtt = match (self.delays[way], self.rtt) {
            (Some(delay), _) => delay.profile(beside)?.map(|delay| delay * 2),
            (None, rtt) => profile(rtt, SimDuration::ZERO, beside)?,
        };
        let loss = profile(self.losses[way].or(self.loss), Ratio::ZERO, beside)?;
        Ok(WaySpec { rate: Outage::put_into(self.outage, rate).into(), rtt, loss })
    }
}

/// A quantity over time, or its default.
fn profile<V: Varies<Profile = Profile<V>>>(
    course: Option<&Course<V>>,
    default: V,
    beside: &Path,
) -> Result<Profile<V>, Failure> {
    course.map_or_else(|| Ok(default.always()), |course| course.profile(beside))
}

/// The name of the first constant that `is` holds of.
fn first<'n, V: Varies>(courses: &[(&'n str, Option<&Course<V>>)], is: impl Fn(V) -> bool) -> Option<&'n str> {
    let holds = |course: &&Course<V>| course.constant().is_some_and(&is);
    courses.iter().find(|(_, course)| course.as_ref().is_some_and(holds)).map(|(name, _)| *name)
}
