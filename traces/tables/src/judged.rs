//! `report/claims.csv` and `validation.csv`: what is simulated beside what others printed or measured.

use crate::{
    Text,
    row::{FEW, rows},
};

rows! {
    /// One number or formula that the papers print.
    pub struct ClaimRow in "`report/claims.csv`", table "claims", version 2, groups of FEW;
    {
        /// The name of the claim.
        id: Text,
        /// The printed value, or a range of it, in `unit`.
        printed: Text,
        /// The mean that stands against it, in `unit`, to five digits; none where nothing that was run can tell.
        simulated: Option<f64>,
        /// Half-width of the 95 % confidence interval of `simulated`.
        simulated_ci95: Option<f64>,
        /// The distance of `simulated` from what is printed, as a share of the latter.
        relative_difference: Option<f64>,
        /// The kind of verdict: `reproduced`, `only_under`, `missed`, `not_testable` or `input`.
        kind: Text,
        /// The verdict in words: by how much it is missed, or under which assumption it is reached.
        verdict: Text,
        /// The claim that a missed one contradicts: another that the papers print, or the one that the simulation rests on.
        contradicts: Text,
        /// The assumption behind the verdict, or the reason why there is none.
        assumption: Text,
        /// The unit of the claim, as the paper has it.
        unit: Text,
        /// The platform that it was measured on: `msao`, `mindfusion` or another paper's.
        platform: Text,
        /// The system that the claim is about.
        system: Text,
        /// The table, figure or section of the paper.
        place: Text,
        /// The quantity that is claimed.
        quantity: Text,
        /// The dataset; empty if the claim names none.
        dataset: Text,
        /// The bandwidth, in megabits per second; empty if the claim names none.
        bandwidth_mbps: Text,
        /// The scenario and point of `simulated`.
        simulated_at: Text,
    }
}

rows! {
    /// One figure of one policy at one point, as measured and as simulated.
    pub struct ValidationRow in "`validation.csv`", table "validation", version 1, groups of FEW;
    {
        /// The label of the policy.
        policy: Text,
        /// The dataset of the point.
        dataset: Text,
        /// The mean rate of the uplink, in megabits per second.
        bandwidth_mbps: Option<f64>,
        /// The name of the figure, with its unit.
        figure: Text,
        /// The figure of the measured requests; none where it does not apply, as for the next.
        measured: Option<f64>,
        /// The figure of the simulated requests.
        simulated: Option<f64>,
        /// Simulated over measured less 1, in per cent; of `..._ks_distance` the distance itself, from 0 to 1.
        error_pct: Option<f64>,
    }
}
