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
    /// Sharing of the link by messages: one after the other (`fifo`, default) or max-min fair.
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

/// The rate of one direction.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Rate {
    /// A constant rate, e.g. `200 Mbps`.
    Constant(BitsPerSecond),
    /// A column of a CSV file, as a function of time that repeats.
    Csv(CsvSeries),
    /// A Mahimahi trace, which repeats.
    Mahimahi(PathBuf),
}

/// A column of a CSV file.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CsvSeries {
    /// The file, relative to the scenario; may be gzipped.
    pub file: PathBuf,
    /// Column with the time; its name ends in `_s` or `_ms`.
    pub time: String,
    /// Column with the rate; its name ends in `_bps`, `_kbps`, `_mbps` or `_gbps`.
    pub rate: String,
    /// Keeps only the rows with this value in this column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<Only>,
}

/// A filter of rows.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Only {
    /// Name of the column.
    pub column: String,
    /// Value of that column in the rows to keep.
    pub value: String,
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
