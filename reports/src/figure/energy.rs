//! `energy`: energy of a request of each policy, by part: edge and cloud at work and idle, radio and network.

use super::Figure;
use super::bars::{CLOUD_IDLE, CLOUD_WORK, EDGE_IDLE, EDGE_WORK, Measure, NETWORK, Part, RADIO, prepare};
use tables::{Metric, RunRow};

const MEASURE: Measure = Measure {
    columns: &[Metric::Energy],
    parts: &[
        Part { name: "edge at work", of: Metric::EdgeWork, less: None, colour: EDGE_WORK },
        Part { name: "edge idle", of: Metric::EdgeEnergy, less: Some(Metric::EdgeWork), colour: EDGE_IDLE },
        Part { name: "cloud at work", of: Metric::CloudWork, less: None, colour: CLOUD_WORK },
        Part { name: "cloud idle", of: Metric::CloudEnergy, less: Some(Metric::CloudWork), colour: CLOUD_IDLE },
        Part { name: "radio", of: Metric::RadioEnergy, less: None, colour: RADIO },
        Part { name: "network", of: Metric::NetworkEnergy, less: None, colour: NETWORK },
    ],
    title: "Energy of a request",
    axis: Metric::Energy.doc().axis,
    decimals: 1,
    from_zero: true,
};

/// The line of the list.
pub(super) const FIGURE: Figure =
    Figure { name: "energy", title: MEASURE.title, needs: &[RunRow::DOC], prepare: |folder| prepare(folder, &MEASURE) };
