//! A file of served requests, and the scenario's server at its arrivals.

use super::super::Args;
use super::constants::{Values, of_engine, tuning};
use crate::run::answered::{Kept, Served, is_timed, measured, must_be_as_served};
use crate::scenario::{self, Arrivals, Plan, Scenario, Source, Tuning, laws_of};
use crate::terminal::Failure;
use engine::{RunError, RunSpec, simulate};
use kernel::Journal;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;

/// A trace, with the server that is to be like the one that served it.
pub struct Trace {
    /// The file.
    pub file: PathBuf,
    source: Source,
    scenario: Scenario,
    spec: RunSpec,
    /// Its requests as they were served, in order of arrival.
    measured: Vec<Served>,
    /// Requests of the warm-up, which come first and are not compared.
    warm_up: usize,
    /// The first request that the fit does not see.
    first_held_out: usize,
}

/// A half of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    /// The earlier requests, which the fit sees.
    Fitted,
    /// The later ones, which it does not.
    HeldOut,
}

/// A request as it was served and as it was simulated.
pub type Pair<'t> = (&'t Served, &'t Served);

impl Trace {
    /// Reads a file, and the scenario as the server of its requests.
    ///
    /// # Errors
    /// If either is refused, or the scenario is none of one server.
    pub fn read(args: &Args, scenario: &Path, file: &Path) -> Result<Self, Failure> {
        let text = file.to_str().map(|file| toml::Value::String(file.to_owned()).to_string());
        let text = text.ok_or_else(|| Failure::refused(format!("{}: a name that is not UTF-8", file.display())))?;
        let mut set = args.set.clone();
        set.extend([format!("workload.dataset.served={text}"), "mode=simulate".to_owned()]);
        let (source, read) = scenario::read(scenario, &set)?;
        if !matches!(read.arrivals, Arrivals::Trace(_)) && is_timed(&source, &read)? {
            set.push("arrivals.trace={}".to_owned());
        }
        let measured = measured(&source, &read)?;
        set.push(format!("workload.requests={}", measured.len()));
        let (source, read) = scenario::read(scenario, &set)?;
        must_be_as_served(&source, &read)?;
        let spec = server(&source, &read)?;
        let longest = measured.iter().map(|one| one.output_tokens).max().unwrap_or(0);
        if read.workload.max_output_tokens.is_some_and(|most| most < longest) {
            let reason = format!("an answer of {} has {longest} tokens; expected at least that", file.display());
            return Err(source.refuse_key("workload.max_output_tokens", &reason));
        }
        let (scenario, file) = (read, file.to_owned());
        let trace = Self { file, source, scenario, spec, measured, warm_up: 0, first_held_out: 0 };
        let warm_up = trace.check()?;
        let first_held_out = warm_up + (trace.measured.len() - warm_up).div_ceil(2);
        Ok(Self { warm_up, first_held_out, ..trace })
    }

    /// Simulates the scenario as it is, and refuses requests that it does not answer. The number of requests of its warm-up.
    fn check(&self) -> Result<usize, Failure> {
        let kept = self.run(&self.defaults())?.0;
        let lost = self.measured.len() - kept.served.len();
        if lost > 0 {
            return Err(Failure::refused(format!(
                "{}: the scenario's server rejects {lost} of the {} requests, which the real one answered; \
                 give it the memory or the context window that it had (cloud.kv_blocks, cloud.batch, cloud.device)",
                self.file.display(),
                self.measured.len()
            )));
        }
        Ok(kept.warm_up.len())
    }

    /// The constants as the scenario has them.
    pub fn defaults(&self) -> Values {
        of_engine(&self.spec.pools[0].tier.engine)
    }

    /// The requests as a server with these constants would serve them, in order of arrival.
    ///
    /// # Errors
    /// If it cannot be run.
    pub fn simulate(&self, values: &Values) -> Result<Vec<Served>, Failure> {
        let mut served = self.run(values)?.0.served;
        served.sort_by_key(|one| one.request);
        Ok(served)
    }

    fn run(&self, values: &Values) -> Result<Kept, Failure> {
        let mut spec = self.spec.clone();
        let tier = &mut spec.pools[0].tier;
        tier.engine = tuning(values).apply(tier.engine);
        tier.profile = laws_of(&self.source, &self.scenario, "cloud", tier)?;
        let mut kept = Kept::default();
        simulate(&spec, Journal::digest_only(), &mut kept, &AtomicU64::new(0)).map_err(|error| match error {
            RunError::Broken { .. } => Failure::bug(format!("{}: {error}", self.file.display())),
            _ => Failure::refused(format!("{}: {error}", self.file.display())),
        })?;
        Ok(kept)
    }

    /// The requests of a half, each as it was served and as it is in a simulation of the whole trace.
    pub fn pairs<'t>(&'t self, simulated: &'t [Served], half: Half) -> impl Iterator<Item = Pair<'t>> {
        let range = match half {
            Half::Fitted => self.warm_up..self.first_held_out,
            Half::HeldOut => self.first_held_out..self.measured.len(),
        };
        self.measured[range.clone()].iter().zip(&simulated[range])
    }

    /// The requests as they were served.
    pub fn measured(&self) -> &[Served] {
        &self.measured
    }

    /// The constants that the scenario writes.
    pub fn tuning(&self) -> Tuning {
        self.scenario.cloud.tuning
    }

    /// Mean time of a token in the fitted half, milliseconds; none where it was not measured.
    pub fn token_ms(&self) -> Option<f64> {
        let seen = &self.measured[self.warm_up..self.first_held_out];
        let ms: Vec<f64> = seen.iter().filter_map(|one| one.tpot_ms.or(one.e2e_ms)).filter(|ms| *ms > 0.0).collect();
        (!ms.is_empty()).then(|| ms.iter().sum::<f64>() / ms.len() as f64)
    }
}

/// The run of a scenario that describes one server.
fn server(source: &Source, scenario: &Scenario) -> Result<RunSpec, Failure> {
    if scenario.is_fleet() {
        let key = if scenario.pools.is_empty() { "edges" } else { "pools" };
        return Err(
            source.refuse_key(key, "one server is calibrated; describe it by [cloud], and its clients by [edge]")
        );
    }
    let plan = Plan::new(source.clone(), scenario.clone())?;
    if plan.points() > 1 {
        return Err(source.refuse_key("sweep", "one server is calibrated; leave the sweep out"));
    }
    let cells = plan.point(0)?.cells;
    let [cell] = &cells[..] else {
        return Err(source.refuse_key("policy", "one server is calibrated; expected one policy, [policy.cloud_only]"));
    };
    if !cell.spec.policy.uses().cloud {
        return Err(source.refuse_key("policy", "the cloud is calibrated; expected a policy that uses it"));
    }
    Ok(cell.spec.clone())
}
