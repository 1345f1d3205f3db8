//! The hops of the link: `[[hop]]`, or `[link]` with the `[edge.link]` in front of it, which stand for a chain of two.

use super::course::{Course, Varies};
use super::link::{Outage, Share, Start};
use super::{Scenario, Source};
use crate::terminal::Failure;
use engine::{HopSpec, SeriesStart, SharedBy, WaySpec};
use kernel::Profile;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
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
            pub outage: Option<$crate::scenario::link::Outage>,
            /// Sharing by messages: one after the other (`fifo`, default) or max-min fair.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub sharing: Option<$crate::scenario::link::Share>,
            /// Moment of its series at which a replication starts; default `spread`. Where each edge or group has one, each starts at a moment
            /// of its own.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub start: Option<$crate::scenario::link::Start>,
            $($own)*
        }

        impl $name {
            /// The keys that all hops have.
            pub fn ways(&self) -> $crate::scenario::hop::Ways<'_> {
                $crate::scenario::hop::Ways {
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

hop_table! {
    /// A link that each edge has for itself: a phone's radio, a camera's cable. The shared `[link]` comes behind it.
    #[derive(Default)]
    Access {}
}

hop_table! {
    /// A hop of the way between edges and cloud. Hops stand in the order in which messages take them, from the edge on.
    #[derive(Default)]
    Hop {
        /// Name of the hop.
        pub name: String,
        /// Groups whose messages take it; all if absent. Where there is only `[edge]`, its name is `edge`.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub groups: Option<Vec<String>>,
        /// Edges that share one of it: those of all its groups (`all`, default), of each group (`group`), or none, each has its own (`edge`).
        pub shared_by: Sharers,
    }
}

/// The edges that share a hop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sharers {
    /// Each edge has one for itself.
    Edge,
    /// The edges of a group share one.
    Group,
    /// All edges that take it share one.
    #[default]
    All,
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
const OTHERS: [&str; 4] = ["queue", "outage", "sharing", "start"];

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

impl Sharers {
    fn resolved(self) -> SharedBy {
        match self {
            Self::Edge => SharedBy::Edge,
            Self::Group => SharedBy::Group,
            Self::All => SharedBy::All,
        }
    }
}

/// The hops of a scenario: each with its key, its keys, who shares it, and the groups that take it.
pub struct Chained<'s> {
    /// The key of its table.
    pub key: String,
    /// The keys that all hops have.
    pub ways: Ways<'s>,
    shared_by: SharedBy,
    /// By group.
    takes: Vec<bool>,
}

impl Scenario {
    /// The hops on the way from the edges to the cloud, in this order.
    pub fn chain(&self) -> Vec<Chained<'_>> {
        let groups = self.groups();
        if !self.hop.is_empty() {
            let hop = |(number, hop): (usize, &'_ Hop)| {
                let takes = |name: &str| hop.groups.as_ref().is_none_or(|groups| groups.iter().any(|one| one == name));
                (number, groups.iter().map(|group| takes(group.name)).collect())
            };
            let taken: Vec<(usize, Vec<bool>)> = self.hop.iter().enumerate().map(hop).collect();
            let chained = |(number, takes): (usize, Vec<bool>)| {
                let hop = &self.hop[number];
                Chained { key: self.key_of_hop(number), ways: hop.ways(), shared_by: hop.shared_by.resolved(), takes }
            };
            return taken.into_iter().map(chained).collect();
        }
        let own = groups.iter().enumerate().filter_map(|(number, group)| {
            let ways = group.edge.link.as_ref()?.ways();
            let takes = (0..groups.len()).map(|other| other == number).collect();
            Some(Chained { key: format!("{}.link", group.key), ways, shared_by: SharedBy::Edge, takes })
        });
        let takes = vec![true; groups.len()];
        let shared = Chained { key: "link".to_owned(), ways: self.link.ways(), shared_by: SharedBy::All, takes };
        own.chain([shared]).collect()
    }

    /// The key of a table of `[[hop]]`.
    fn key_of_hop(&self, number: usize) -> String {
        if self.hop.len() == 1 { "hop".to_owned() } else { format!("hop.{number}") }
    }

    /// The names of the series of the uplinks that all edges share; none where their rates are constant.
    pub fn uplink_series(&self) -> Option<String> {
        let chain = self.chain();
        let names: Vec<String> = common(&chain).filter_map(|hop| hop.ways.uplink_series()).collect();
        (!names.is_empty()).then(|| names.join(", "))
    }
}

/// The hops that all edges share.
fn common<'c, 's>(chain: &'c [Chained<'s>]) -> impl Iterator<Item = &'c Chained<'s>> {
    chain.iter().filter(|hop| hop.shared_by == SharedBy::All && hop.takes.iter().all(|takes| *takes))
}

/// The numbers of the hops that each group takes, from the edge on.
pub fn taken(chain: &[Chained<'_>], groups: usize) -> Vec<Vec<u32>> {
    let of = |group: usize| {
        let taken = chain.iter().enumerate().filter(|(_, hop)| hop.takes[group]);
        taken.map(|(number, _)| number as u32).collect()
    };
    (0..groups).map(of).collect()
}

/// Reads the files of a chain and builds its hops. Also returns the rate in Mbps that results are labelled by: that of the slowest uplink
/// that all edges share, if it is a constant.
pub fn resolve(chain: &[Chained<'_>], beside: &Path) -> Result<(Vec<HopSpec>, Option<f64>), Failure> {
    let hops = chain.iter().map(|hop| hop.ways.resolve(hop.shared_by, beside)).collect::<Result<_, _>>()?;
    let rates: Option<Vec<BitsPerSecond>> = common(chain).map(|hop| hop.ways.uplink()).collect();
    Ok((hops, rates.and_then(|rates| rates.into_iter().min()).map(BitsPerSecond::as_mbps_f64)))
}

/// Refuses chains that cannot be.
pub fn check(source: &Source, scenario: &Scenario) -> Result<(), Failure> {
    if !scenario.hop.is_empty() {
        one_form(source, scenario)?;
        names(source, scenario)?;
    }
    let packet = scenario.link.packet + scenario.link.header;
    let chain = scenario.chain();
    chain.iter().try_for_each(|hop| hop.ways.check(source, &hop.key, packet))?;
    let groups = scenario.groups();
    let ways = taken(&chain, groups.len());
    match groups.iter().zip(ways).find(|(_, way)| way.is_empty()) {
        Some((group, _)) => {
            let reason =
                format!("no [[hop]] names {}, so nothing leads from it to the cloud; name it in `groups`", group.name);
            Err(source.refuse_key(&group.key, &reason))
        }
        None => Ok(()),
    }
}

/// Refuses `[[hop]]` beside the keys that it takes the place of.
fn one_form(source: &Source, scenario: &Scenario) -> Result<(), Failure> {
    let written = source.written();
    let of_link = written.get("link").and_then(toml::Value::as_table);
    let mut keys = COURSES.iter().chain(&OTHERS);
    if let Some(key) = keys.find(|key| of_link.is_some_and(|link| link.contains_key(**key))) {
        let reason = "found beside [[hop]], whose tables have it; move it there, or leave [[hop]] out";
        return Err(source.refuse_key(&format!("link.{key}"), reason));
    }
    match scenario.groups().iter().find(|group| group.edge.link.is_some()) {
        Some(group) => {
            let reason = "found beside [[hop]]; write it as a hop with shared_by = \"edge\", or leave [[hop]] out";
            Err(source.refuse_key(&format!("{}.link", group.key), reason))
        }
        None => Ok(()),
    }
}

/// Refuses hops without a name or of one name, hops that nobody takes, and groups that are not there.
fn names(source: &Source, scenario: &Scenario) -> Result<(), Failure> {
    let groups = scenario.groups();
    let known = || groups.iter().map(|group| group.name).collect::<Vec<_>>().join(", ");
    for (number, hop) in scenario.hop.iter().enumerate() {
        let key = scenario.key_of_hop(number);
        if hop.name.is_empty() {
            return Err(source.refuse_key(&key, "a hop has no name; give it one with `name`"));
        }
        if scenario.hop[..number].iter().any(|other| other.name == hop.name) {
            let reason = format!("two hops are called \"{}\"; give one of them another name", hop.name);
            return Err(source.refuse_key(&format!("{key}.name"), &reason));
        }
        let Some(named) = &hop.groups else { continue };
        if named.is_empty() {
            let reason = "nobody takes this hop; name a group, or leave `groups` out for all";
            return Err(source.refuse_key(&format!("{key}.groups"), reason));
        }
        if let Some(stranger) = named.iter().find(|name| !groups.iter().any(|group| group.name == **name)) {
            let reason = format!("no group is called \"{stranger}\"; expected one of {}", known());
            return Err(source.refuse_key(&format!("{key}.groups"), &reason));
        }
    }
    Ok(())
}

/// The files of all hops.
pub fn files(hops: &mut [Hop]) -> impl Iterator<Item = &mut PathBuf> {
    hops.iter_mut().flat_map(Hop::files)
}
