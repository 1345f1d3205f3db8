//! The `[link]` table.

use crate::terminal::Failure;
use engine::{LinkSpec, Sharing};
use kernel::RateProfile;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use traces::bandwidth::{BandwidthSeries, CsvColumns};
use units::{BitsPerSecond, Bytes, Ratio, SimDuration};

/// The link between the edges and the cloud.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Link {
    /// Rate of each direction, where that has nothing of its own.
    pub bandwidth: BitsPerSecond,
    /// From edge to cloud, if it differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub up: Option<Rate>,
    /// From cloud to edge, if it differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub down: Option<Rate>,
    /// Round-trip time; each direction takes half.
    pub rtt: SimDuration,
    /// What of it an upload of an input takes.
    pub t_comm_rtt: InputRtt,
    /// Bytes of headers on every packet: Ethernet, IP, TCP.
    pub header: Bytes,
    /// Payload of a full packet.
    pub packet: Bytes,
    /// Mean of an exponential delay on top of half the RTT.
    pub jitter: SimDuration,
    /// Probability that a packet is lost and sent again a round trip later.
    pub loss: Ratio,
    /// How messages share it.
    pub sharing: Share,
}

impl Default for Link {
    fn default() -> Self {
        Self {
            bandwidth: BitsPerSecond::from_mbps(400),
            up: None,
            down: None,
            rtt: SimDuration::from_ms(20),
            t_comm_rtt: InputRtt::default(),
            header: Bytes::new(66),
            packet: Bytes::new(1448),
            jitter: SimDuration::ZERO,
            loss: Ratio::ZERO,
            sharing: Share::default(),
        }
    }
}

/// What of the round-trip time an upload of an input takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InputRtt {
    /// Half of it, as any message.
    #[default]
    Half,
    /// All of it for each modality, as Eq. 8 is printed.
    Literal,
}

/// The rate of one direction.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Rate {
    /// Always the same.
    Constant(BitsPerSecond),
    /// A column of a CSV file, over time; it repeats.
    Csv(CsvSeries),
    /// A Mahimahi trace; it repeats.
    Mahimahi(PathBuf),
}

/// A column of a CSV file.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CsvSeries {
    /// The file, beside the scenario; may be gzipped.
    pub file: PathBuf,
    /// Column with the time; its name ends in `_s` or `_ms`.
    pub time: String,
    /// Column with the rate; its name ends in `_bps`, `_kbps`, `_mbps` or `_gbps`.
    pub rate: String,
    /// Keeps only the rows with this value in this column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<Only>,
}

/// Which rows to keep.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Only {
    /// A column.
    pub column: String,
    /// The value that it must have.
    pub value: String,
}

/// How messages share the link.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Share {
    /// One after the other.
    #[default]
    Fifo,
    /// Max-min fair.
    Fair(FairShare),
}

/// Max-min fair sharing.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FairShare {
    /// Most that one message gets: the rate of the access link in front.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<BitsPerSecond>,
}

impl Link {
    /// Reads the files and builds the link. Also returns the mean rate of the uplink, which results are labelled by.
    pub fn resolve(&self, beside: &Path) -> Result<(LinkSpec, f64), Failure> {
        let constant = Rate::Constant(self.bandwidth);
        let (up, mean) = self.up.as_ref().unwrap_or(&constant).profile(beside)?;
        let (down, _) = self.down.as_ref().unwrap_or(&constant).profile(beside)?;
        let sharing = match self.sharing {
            Share::Fifo => Sharing::Fifo,
            Share::Fair(FairShare { access }) => Sharing::Fair(access),
        };
        let Self { rtt, header, packet, jitter, loss, .. } = *self;
        let rtt_per_modality = self.t_comm_rtt == InputRtt::Literal;
        let spec = LinkSpec { up, down, sharing, rtt, rtt_per_modality, header, packet, jitter, loss };
        Ok((spec, mean.as_mbps_f64()))
    }

    /// The files that it reads.
    pub fn files(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        [self.up.as_mut(), self.down.as_mut()].into_iter().flatten().filter_map(|rate| match rate {
            Rate::Constant(_) => None,
            Rate::Csv(series) => Some(&mut series.file),
            Rate::Mahimahi(file) => Some(file),
        })
    }
}

impl Rate {
    fn profile(&self, beside: &Path) -> Result<(RateProfile, BitsPerSecond), Failure> {
        let series = match self {
            Self::Constant(rate) => return Ok((RateProfile::constant(*rate), *rate)),
            Self::Csv(CsvSeries { file, time, rate, only }) => {
                let only = only.as_ref().map(|only| (only.column.clone(), only.value.clone()));
                let columns = CsvColumns { time: time.clone(), rate: rate.clone(), only };
                BandwidthSeries::from_csv(&beside.join(file), &columns)?
            }
            Self::Mahimahi(file) => BandwidthSeries::from_mahimahi(&beside.join(file))?,
        };
        Ok((RateProfile::piecewise(series.segments(), series.period()), series.mean()))
    }
}
