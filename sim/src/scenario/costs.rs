//! The `[costs]` table: prices, and the energy of the radio and of the network.

use super::Source;
use crate::terminal::Failure;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Prices, in any currency, and energies beside those of the tiers. What is not stated is not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Costs {
    /// Price of an hour of one edge; that of its device (`price_per_hour`) if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edge_per_hour: Option<f64>,
    /// Price of an hour of one GPU of the cloud; that of its device (`price_per_hour`) if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud_per_hour: Option<f64>,
    /// Price of 10^9 bytes on the link, either way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_gb: Option<f64>,
    /// Radio of the edges: `lte`, `wifi`, `umts`, or figures of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub radio: Option<Radio>,
    /// Energy of the network behind the radio for each bit, in nJ; 27,000 is 0.06 kWh a gigabyte (Aslan et al. 2018, for 2015).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_nj_per_bit: Option<f64>,
}

/// A radio of an edge. The built-in ones are those that Huang et al. measured (MobiSys 2012, Table 4).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Radio {
    /// LTE: 438.39 nJ a bit up, 51.97 down, 1.28804 W awake.
    Lte,
    /// Wi-Fi: 283.17 nJ a bit up, 137.01 down, 0.13286 W awake.
    Wifi,
    /// UMTS (3G): 868.98 nJ a bit up, 122.12 down, 0.81788 W awake.
    Umts,
    /// Figures of its own.
    Own(RadioFigures),
}

/// The energy of a radio.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RadioFigures {
    /// Energy of a bit that is sent, in nJ (mW for each Mbps).
    pub up_nj_per_bit: f64,
    /// Energy of a bit that is received, in nJ.
    pub down_nj_per_bit: f64,
    /// Power while a request is under way, in watts, from its submission to its last token [A].
    pub awake_w: f64,
}

impl Radio {
    /// Its figures.
    pub const fn figures(self) -> RadioFigures {
        match self {
            Self::Lte => RadioFigures { up_nj_per_bit: 438.39, down_nj_per_bit: 51.97, awake_w: 1.288_04 },
            Self::Wifi => RadioFigures { up_nj_per_bit: 283.17, down_nj_per_bit: 137.01, awake_w: 0.132_86 },
            Self::Umts => RadioFigures { up_nj_per_bit: 868.98, down_nj_per_bit: 122.12, awake_w: 0.817_88 },
            Self::Own(figures) => figures,
        }
    }
}

impl Costs {
    /// True if nothing is stated.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Refuses amounts that cannot be.
    pub fn check(&self, source: &Source) -> Result<(), Failure> {
        let radio = self.radio.map(Radio::figures);
        let amounts = [
            ("costs.edge_per_hour", self.edge_per_hour),
            ("costs.cloud_per_hour", self.cloud_per_hour),
            ("costs.per_gb", self.per_gb),
            ("costs.network_nj_per_bit", self.network_nj_per_bit),
            ("costs.radio.own.up_nj_per_bit", radio.map(|radio| radio.up_nj_per_bit)),
            ("costs.radio.own.down_nj_per_bit", radio.map(|radio| radio.down_nj_per_bit)),
            ("costs.radio.own.awake_w", radio.map(|radio| radio.awake_w)),
        ];
        let wrong = |(_, amount): &&(&str, Option<f64>)| amount.is_some_and(|amount| !(0.0..=1e12).contains(&amount));
        match amounts.iter().find(wrong) {
            Some((key, _)) => Err(source.refuse_key(key, "expected a number from 0 to 1e12")),
            None => Ok(()),
        }
    }
}
