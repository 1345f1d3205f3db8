//! The link between edges and cloud: a chain of hops.

use kernel::{Profile, RateProfile, Tcp};
use std::sync::Arc;
use units::{BitsPerSecond, Bytes, Ratio, SimDuration};

/// The link between the edges and the cloud.
#[derive(Clone, Debug)]
pub struct LinkSpec {
    /// Its hops, which groups of edges pick from; those nearer to an edge come first.
    pub hops: Vec<HopSpec>,
    /// The way that a connection cuts messages into flights.
    pub transport: Transport,
    /// True charges an upload a round trip for each of its modalities (Eq. 8) instead of half of one.
    pub rtt_per_modality: bool,
    /// Bytes of headers on every packet.
    pub header: Bytes,
    /// Payload of a full packet.
    pub packet: Bytes,
    /// Mean of an exponential delay on top of half the RTT. Messages never overtake each other.
    pub jitter: SimDuration,
}

/// A hop: a radio, an access point, an uplink; up and down apart.
#[derive(Clone, Debug)]
pub struct HopSpec {
    /// The edges that share one of it.
    pub shared_by: SharedBy,
    /// From the edge.
    pub up: WaySpec,
    /// To the edge.
    pub down: WaySpec,
    /// The way that messages share it.
    pub sharing: Sharing,
    /// Bytes that may wait for it where messages take turns, over TCP; more are dropped. None is dropped without it.
    pub queue: Option<Bytes>,
    /// Moments of its series at which replications start.
    pub start: SeriesStart,
}

/// A direction of a hop.
#[derive(Clone, Debug)]
pub struct WaySpec {
    /// Its rate.
    pub rate: Arc<RateProfile>,
    /// Twice its delay: the round trip, if both directions were like this one.
    pub rtt: Profile<SimDuration>,
    /// Probability that a packet is lost on it; it is sent again a round trip later.
    pub loss: Profile<Ratio>,
}

/// The edges that share a hop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum SharedBy {
    /// Each edge has one for itself.
    Edge,
    /// The edges of a group.
    Group,
    /// The edges of all groups that take it.
    #[default]
    All,
}

impl From<RateProfile> for WaySpec {
    /// A direction without delay or loss.
    fn from(rate: RateProfile) -> Self {
        Self { rate: rate.into(), rtt: SimDuration::ZERO.into(), loss: Ratio::ZERO.into() }
    }
}

impl HopSpec {
    /// A hop of the same rate in both directions, without delay or loss.
    pub fn new(shared_by: SharedBy, rate: RateProfile) -> Self {
        let (way, sharing, start) = (WaySpec::from(rate), Sharing::default(), SeriesStart::default());
        Self { shared_by, up: way.clone(), down: way, sharing, queue: None, start }
    }

    /// Both directions, for what is the same of them.
    pub fn ways_mut(&mut self) -> [&mut WaySpec; 2] {
        [&mut self.up, &mut self.down]
    }

    /// The moment of its series at which it starts in a replication, for one of it that has this edge as its first.
    ///
    /// One that all edges share starts at the fraction of `replication / 1.618...` of the longest series. So the first replication
    /// starts at the beginning, any number of them lie evenly over it, and more of them leave those that there are as they are.
    /// Several of it start likewise, each at a moment of its own.
    pub(crate) fn moment(&self, edge: u32, replication: u32) -> SimDuration {
        let (SeriesStart::Spread, Some(longest)) = (self.start, self.longest()) else { return SimDuration::ZERO };
        match self.shared_by {
            SharedBy::All => part(replication.into(), longest),
            SharedBy::Edge | SharedBy::Group => part(u64::from(edge) + (u64::from(replication) << 20), longest),
        }
    }

    /// The period of its longest series, if it has any.
    fn longest(&self) -> Option<SimDuration> {
        let periods = [&self.up, &self.down].into_iter().flat_map(|way| {
            let rate = (!way.rate.is_constant()).then(|| way.rate.period());
            let rtt = way.rtt.constant().is_none().then(|| way.rtt.period());
            let loss = way.loss.constant().is_none().then(|| way.loss.period());
            [rate, rtt, loss]
        });
        periods.flatten().max()
    }
}

/// The part of a period that belongs to a number: the golden ratio spreads any numbers in a row evenly.
fn part(number: u64, period: SimDuration) -> SimDuration {
    /// 2^64 over the golden ratio.
    const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
    let offset = (u128::from(number.wrapping_mul(GOLDEN)) * u128::from(period.as_ns())) >> 64;
    SimDuration::from_ns(u64::try_from(offset).expect("a part of a period"))
}

/// The moments of a link's series at which replications start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SeriesStart {
    /// All at the first.
    First,
    /// Each at one of its own, evenly over the longest series; replication 0 at the first.
    #[default]
    Spread,
}

/// The ways that messages can share a hop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sharing {
    /// One after the other.
    #[default]
    Fifo,
    /// Max-min fair, each connection with at most this rate (a shaper's), over no transport each message.
    Fair(Option<BitsPerSecond>),
}

/// The ways that connections can send messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Whole, at the link's rate: Eq. 8 of the MSAO paper.
    Ideal,
    /// By the window of TCP.
    Tcp(TcpSpec),
}

/// Connections over TCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpSpec {
    /// Windows and their growth.
    pub tcp: Tcp,
    /// The connections that there are.
    pub connections: Connections,
    /// Round trips of TLS when a connection is made.
    pub tls: u32,
}

/// The connections between edges and cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connections {
    /// One for each edge, open from the beginning.
    Kept,
    /// One for each request, made when it first sends.
    PerRequest,
}
