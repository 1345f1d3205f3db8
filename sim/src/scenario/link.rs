//! The `[link]` table.

use crate::terminal::Failure;
use engine::{Connections, LinkSpec, SeriesStart, Sharing, TcpSpec};
use kernel::{DelayProfile, RateProfile, Tcp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use traces::series::{Format, SeriesFile, read_rates, read_round_trips};
use units::{BitsPerSecond, Bytes, Ratio, SimDuration};

/// The link between the edges and the cloud.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Link {
    /// Rate of each direction, unless `up` or `down` sets another; default 400 Mbps.
    pub bandwidth: BitsPerSecond,
    /// Rate from edge to cloud, if it differs from `bandwidth`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub up: Option<Rate>,
    /// Rate from cloud to edge, if it differs from `bandwidth`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub down: Option<Rate>,
    /// Round-trip time; default 20 ms. Each direction takes half.
    pub rtt: SimDuration,
    /// Round-trip times over time, in the place of `rtt`. A message is delayed by half of the one at which its last bit leaves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtt_series: Option<RoundTrips>,
    /// Moment of rates and round trips over time at which a replication starts; default `spread`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<Start>,
    /// Round-trip time charged to an upload of an input: half (default), or one whole per modality (Eq. 8 as printed).
    pub t_comm_rtt: InputRtt,
    /// Header bytes of every packet; default 66 B: Ethernet, IP, TCP.
    pub header: Bytes,
    /// Payload of a full packet; default 1,448 B: TCP over Ethernet.
    pub packet: Bytes,
    /// Mean of an exponential delay added to half the RTT, e.g. `2 ms`; default 0.
    pub jitter: SimDuration,
    /// Probability that a packet is lost and sent again a round trip later; default 0.
    pub loss: Ratio,
    /// Bytes that may wait for the link, e.g. `1 MB`, where messages take turns on it over TCP; more are dropped and sent again. A policy
    /// sees what waits as round-trip time. If absent, nothing is dropped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<Bytes>,
    /// Outages of both directions, e.g. `{ every = "60 s", lasts = "5 s" }`: the last 5 s of each minute nothing is sent. A message that
    /// is on its way then is held up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outage: Option<Outage>,
    /// Sharing of the link by messages: one after the other (`fifo`, default) or max-min fair.
    pub sharing: Share,
    /// Transport of messages: by the window of TCP (`tcp`, default), or whole at the link's rate (`ideal`, Eq. 8 of the MSAO paper).
    pub transport: Transport,
    /// Congestion control of TCP; default `cubic`.
    pub congestion: Congestion,
    /// Packets of a new connection's first flight; default 10 (RFC 6928).
    pub initial_window: u32,
    /// Largest window that a receiver offers; default 3 MiB, half of Linux's largest receive buffer.
    pub receive_window: Bytes,
    /// True, the default, halves the window for each retransmission timeout of silence (Linux's `tcp_slow_start_after_idle`).
    pub idle_restart: bool,
    /// Connections: one kept for each edge (`kept`, default), or a new one for each request.
    pub connection: Connection,
    /// Round trips of TLS when a connection is made: 0 (default), 1 (TLS 1.3) or 2 (TLS 1.2).
    pub tls: u32,
}

/// Times without a link, at the end of each stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Outage {
    /// Time from the end of one outage to the end of the next.
    pub every: SimDuration,
    /// Length of an outage.
    pub lasts: SimDuration,
}

/// The transport of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// Flights by the window of TCP: a new connection, or one after silence, needs round trips for a large message.
    #[default]
    Tcp,
    /// Whole at the link's rate (Eq. 8).
    Ideal,
}

/// The congestion control of TCP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Congestion {
    /// CUBIC with HyStart.
    #[default]
    Cubic,
    /// BBR: messages are paced.
    Bbr,
}

/// The connections between edges and cloud.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Connection {
    /// One for each edge, open from the beginning.
    #[default]
    Kept,
    /// A new one for each request: a handshake, and the window of a new connection.
    PerRequest,
}

impl Default for Link {
    fn default() -> Self {
        Self {
            bandwidth: BitsPerSecond::from_mbps(400),
            up: None,
            down: None,
            rtt: SimDuration::from_ms(20),
            rtt_series: None,
            start: None,
            t_comm_rtt: InputRtt::default(),
            header: Bytes::new(66),
            packet: Bytes::new(1448),
            jitter: SimDuration::ZERO,
            loss: Ratio::ZERO,
            queue: None,
            outage: None,
            sharing: Share::default(),
            transport: Transport::default(),
            congestion: Congestion::default(),
            initial_window: 10,
            receive_window: Bytes::new(3 << 20),
            idle_restart: true,
            connection: Connection::default(),
            tls: 0,
        }
    }
}

/// The round-trip time charged to an upload of an input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InputRtt {
    /// Half the RTT, as for any message.
    #[default]
    Half,
    /// One whole RTT for each modality, as Eq. 8 is printed.
    Literal,
}

/// The rate of one direction: a constant, or a series that repeats.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Rate {
    /// A constant rate, e.g. `200 Mbps`.
    Constant(BitsPerSecond),
    /// A column of a CSV file.
    Csv(SeriesFile),
    /// The report of `iperf3 --json`; `column = "sum_bidir_reverse"` takes the way back.
    Iperf3(SeriesFile),
    /// A session of the Irish 5G or 4G data set; the column is `DL_bitrate` unless `column` names another.
    Irish5g(SeriesFile),
    /// A run of Lumos5G 1.0; `only` picks it.
    Lumos5g(SeriesFile),
    /// A Mahimahi trace.
    Mahimahi(SeriesFile),
    /// A log of 3G on a Norwegian commute.
    Norway3g(SeriesFile),
    /// A cooked trace of Pensieve: seconds and Mbps.
    Pensieve(SeriesFile),
}

/// Round-trip times over time, which repeat.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RoundTrips {
    /// A column of a CSV file; a row without a value leaves the one before as it is.
    Csv(SeriesFile),
    /// A session of the Irish 5G or 4G data set; the column is `PINGAVG` unless `column` names another.
    Irish5g(SeriesFile),
}

/// The moment of rates and round trips over time at which a replication starts.
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
    /// Largest rate of one message: that of the access link in front. No limit if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<BitsPerSecond>,
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

impl Link {
    /// Reads the files and builds the link. Also returns the rate of the uplink in Mbps, which results are labelled by, if it is
    /// a constant.
    pub fn resolve(&self, beside: &Path) -> Result<(LinkSpec, Option<f64>), Failure> {
        let constant = Rate::Constant(self.bandwidth);
        let up = self.up.as_ref().unwrap_or(&constant);
        let down = self.down.as_ref().unwrap_or(&constant);
        let label = if let Rate::Constant(rate) = up { Some(rate.as_mbps_f64()) } else { None };
        let sharing = match self.sharing {
            Share::Fifo => Sharing::Fifo,
            Share::Fair(FairShare { access }) => Sharing::Fair(access),
        };
        let start = match self.start.unwrap_or_default() {
            Start::Spread => SeriesStart::Spread,
            Start::First => SeriesStart::First,
        };
        let Self { rtt, header, packet, jitter, loss, queue, .. } = *self;
        let rtts = self.rtt_series.as_ref().map(|rtts| rtts.profile(beside)).transpose()?;
        let rtt_per_modality = self.t_comm_rtt == InputRtt::Literal;
        let rate = |rate: &Rate| Ok::<_, Failure>(Outage::put_into(self.outage, rate.profile(beside)?));
        let (up, down) = (rate(up)?, rate(down)?);
        let transport = self.transport();
        let spec = LinkSpec {
            queue,
            up,
            down,
            sharing,
            transport,
            rtt,
            rtts,
            start,
            rtt_per_modality,
            header,
            packet,
            jitter,
            loss,
        };
        Ok((spec, label))
    }

    fn transport(&self) -> engine::Transport {
        let Self { congestion, initial_window, receive_window, idle_restart, connection, tls, packet, .. } = *self;
        if self.transport == Transport::Ideal {
            return engine::Transport::Ideal;
        }
        let congestion = match congestion {
            Congestion::Cubic => kernel::Congestion::Cubic,
            Congestion::Bbr => kernel::Congestion::Bbr,
        };
        let connections = match connection {
            Connection::Kept => Connections::Kept,
            Connection::PerRequest => Connections::PerRequest,
        };
        let receive_window = u32::try_from(receive_window.as_u64() / packet.as_u64()).unwrap_or(u32::MAX).max(1);
        let tcp = Tcp { congestion, initial_window, idle_restart, receive_window };
        engine::Transport::Tcp(TcpSpec { tcp, connections, tls })
    }

    /// The name of the uplink's series; none where its rate is constant.
    pub fn uplink_series(&self) -> Option<String> {
        Some(self.up.as_ref()?.series()?.1.label())
    }

    /// True if a rate or the round-trip time changes over time.
    pub fn has_series(&self) -> bool {
        let mut rates = [&self.up, &self.down].into_iter().flatten();
        self.rtt_series.is_some() || self.outage.is_some() || rates.any(|rate| rate.series().is_some())
    }

    /// The files that it reads.
    pub fn files(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let rates = [self.up.as_mut(), self.down.as_mut()].into_iter().flatten().filter_map(Rate::series_mut);
        rates.chain(self.rtt_series.as_mut().map(RoundTrips::series_mut)).map(|series| &mut series.file)
    }
}

impl Rate {
    /// The series and its format; none of a constant rate.
    fn series(&self) -> Option<(Format, &SeriesFile)> {
        match self {
            Self::Constant(_) => None,
            Self::Csv(series) => Some((Format::Csv, series)),
            Self::Iperf3(series) => Some((Format::Iperf3, series)),
            Self::Irish5g(series) => Some((Format::Irish5g, series)),
            Self::Lumos5g(series) => Some((Format::Lumos5g, series)),
            Self::Mahimahi(series) => Some((Format::Mahimahi, series)),
            Self::Norway3g(series) => Some((Format::Norway3g, series)),
            Self::Pensieve(series) => Some((Format::Pensieve, series)),
        }
    }

    pub fn series_mut(&mut self) -> Option<&mut SeriesFile> {
        match self {
            Self::Constant(_) => None,
            Self::Csv(series)
            | Self::Iperf3(series)
            | Self::Irish5g(series)
            | Self::Lumos5g(series)
            | Self::Mahimahi(series)
            | Self::Norway3g(series)
            | Self::Pensieve(series) => Some(series),
        }
    }

    pub fn profile(&self, beside: &Path) -> Result<RateProfile, Failure> {
        if let Self::Constant(rate) = self {
            return Ok(RateProfile::constant(*rate));
        }
        let (format, keys) = self.series().expect("what is not constant is a series");
        let (series, _) = read_rates(format, &beside.join(&keys.file), keys)?;
        Ok(RateProfile::piecewise(series.segments(), series.period()))
    }
}

impl RoundTrips {
    fn series_mut(&mut self) -> &mut SeriesFile {
        let (Self::Csv(series) | Self::Irish5g(series)) = self;
        series
    }

    fn profile(&self, beside: &Path) -> Result<DelayProfile, Failure> {
        let (format, keys) = match self {
            Self::Csv(keys) => (Format::Csv, keys),
            Self::Irish5g(keys) => (Format::Irish5g, keys),
        };
        let (series, _) = read_round_trips(format, &beside.join(&keys.file), keys)?;
        Ok(DelayProfile::piecewise(series.segments(), series.period()))
    }
}
