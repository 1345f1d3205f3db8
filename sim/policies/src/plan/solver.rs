//! Solvers of Eq. 11.

use super::problem::{Printed, Problem, Reduced};
use crate::search::{self, Found, Objective};
use crate::testbed::Regret;
use kernel::Streams;
use model::{modality::PerModality, request::Kept};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::{Ratio, SimDuration};

/// Solvers of Eq. 11.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Solver {
    /// Golden section over the retention, or a grid and then golden sections where several modalities are free; solved
    /// once for all requests that look alike.
    #[default]
    Exact,
    /// Bayesian optimisation with so many evaluations, as printed: Gaussian process, Matern 5/2, expected improvement.
    GpEi(u32),
    /// The best of so many random plans.
    Random(u32),
    /// Nothing is pruned or compressed.
    None,
}

impl Solver {
    /// Refuses counts that no solver can have: key and reason.
    pub(super) fn check(self) -> Result<(), (&'static str, String)> {
        match self {
            Self::GpEi(evaluations) if !(6..=200).contains(&evaluations) => {
                Err(("plan.coarse_solver.gp_ei", format!("expected 6 to 200 evaluations, got {evaluations}")))
            }
            Self::Random(plans) if !(1..=100_000).contains(&plans) => {
                Err(("plan.coarse_solver.random", format!("expected 1 to 100000 plans, got {plans}")))
            }
            _ => Ok(()),
        }
    }

    /// Time of the solver on one core of a server, for so many free modalities, measured with this program in release
    /// (docs/semantics.md, section 4). Plans that are found among those solved before are charged alike.
    pub(super) fn time(self, free: usize) -> SimDuration {
        let us = match self {
            Self::Exact if free <= 1 => 15,
            Self::Exact => 4000,
            // Conditioning and refitting the process grow with the square and the cube of what it has seen.
            Self::GpEi(evaluations) => u64::from(evaluations) * u64::from(evaluations) * 8,
            Self::Random(plans) => u64::from(plans) * 2 / 5,
            Self::None => 0,
        };
        SimDuration::from_us(us)
    }

    /// Solves a problem with any solver but the exact one, and compares the two.
    pub(super) fn solve(self, problem: &Problem<'_>, xi: f64) -> (PerModality<Kept>, Option<Regret>) {
        let printed = Printed::new(problem);
        let stream = &mut Streams::new(0).stream("plan", problem.prompt.request);
        let found = match self {
            Self::Exact | Self::None => return (PerModality::default(), None),
            Self::GpEi(evaluations) => search::gp_ei::solve(&printed, evaluations, xi, stream),
            Self::Random(plans) => search::random::solve(&printed, plans, stream),
        };
        let best = problem.evaluate(exact(problem)).value;
        let gap = found.feasible.then(|| found.value / best - 1.0);
        let regret = Regret { gap, evaluations: found.evaluations, time: self.time(problem.free().len()) };
        // Without an allowed plan the input goes whole, which breaks no bound on quality.
        let kept = if found.feasible { printed.kept(&found.at) } else { PerModality::default() };
        (kept, Some(regret))
    }
}

/// The exact plan.
pub(super) fn exact(problem: &Problem<'_>) -> PerModality<Kept> {
    let reduced = Reduced::new(problem);
    let Found { at, .. } = if reduced.bounds().is_empty() {
        Found { at: Vec::new(), value: 0.0, feasible: true, evaluations: 0 }
    } else {
        search::exact::solve(&reduced)
    };
    reduced.kept(&at)
}

/// True if a request is in the share on which solvers are compared: the same requests in every run.
pub(super) fn is_chosen(share: Ratio, request: u64) -> bool {
    share == Ratio::ONE || Streams::new(0).keyed("solver", request).unit(0) < share.as_f64()
}
