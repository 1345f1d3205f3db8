//! Runs on the backends that there are. Each is compiled here, with every policy, so that no caller compiles them again.

use crate::ledger::Recorder;
use crate::models::Models;
use crate::outcome::Outcome;
use crate::parts::{Division, InParts};
use crate::run::{RunError, Start};
use crate::spec::RunSpec;
use backends::Modelled;
#[cfg(feature = "onnx")]
use backends::real::Replayed;
use kernel::Journal;
use std::sync::atomic::AtomicU64;

/// Simulates one run. `progress` is raised by one for each request that ends.
///
/// ```
/// use engine::{NoRecorder, RunSpec, simulate};
/// use policies::{CloudOnly, System};
/// use std::sync::atomic::AtomicU64;
///
/// let spec = RunSpec::example(System::CloudOnly(CloudOnly::default()));
/// let outcome = simulate(&spec, kernel::Journal::digest_only(), &mut NoRecorder, &AtomicU64::new(0))?;
/// assert_eq!(outcome.metrics.completed, spec.workload.requests);
/// // The first token takes a round trip, preprocessing and a prefill.
/// assert!(outcome.metrics.ttft.mean_ms().is_some_and(|ms| ms > 32.0));
/// # Ok::<(), engine::RunError>(())
/// ```
///
/// # Errors
/// If a model does not fit its device, or an invariant is broken.
pub fn simulate(
    spec: &RunSpec,
    journal: Journal,
    recorder: &mut dyn Recorder,
    progress: &AtomicU64,
) -> Result<Outcome, RunError> {
    match Division::of(spec) {
        Some(division) => spec.policy.visit(InParts { spec, division, journal, recorder, progress }),
        None => Models::modelled(spec).run(spec, journal, recorder, progress),
    }
}

macro_rules! runs_on {
    ($($(#[$condition:meta])* $backend:ty,)*) => {$(
        $(#[$condition])*
        impl Models<$backend> {
            /// Runs a spec on these models: the durations and tokens are theirs. `progress` is raised by one for each
            /// request that ends.
            ///
            /// # Errors
            /// As [`simulate`].
            pub fn run(
                self,
                spec: &RunSpec,
                journal: Journal,
                recorder: &mut dyn Recorder,
                progress: &AtomicU64,
            ) -> Result<Outcome, RunError> {
                spec.policy.visit(Start { spec, models: self, journal, recorder, progress })
            }
        }
    )*};
}

runs_on! {
    Modelled,
    #[cfg(feature = "onnx")]
    Replayed<'_>,
}
