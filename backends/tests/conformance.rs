//! The duties of every backend, whoever plays the models. To try another backend: a [`Factory`] and its line at the
//! end.
//!
//! Nothing here knows what tokens there are or how long answers get: the target is asked first, and everything else is
//! compared with what it said.

#[path = "conformance/batches.rs"]
mod batches;
#[path = "conformance/duties.rs"]
mod duties;
#[path = "conformance/modelled.rs"]
mod modelled;
#[path = "conformance/operations.rs"]
mod operations;
#[cfg(feature = "onnx")]
#[path = "conformance/real.rs"]
mod real;
#[path = "conformance/tools.rs"]
mod tools;

use backends::{Compute, Done, Modelled, Noise, Part, Profile, Sequence, Tier, Work};
use batches::*;
use duties::*;
use kernel::Streams;
use model::{
    decoding::{Draft, Token},
    engine_kind::EngineKind,
    load::Cost,
    model_spec::ModelSpec,
    request::{ImageSize, Images, Input, Prompt, Request},
    step::{
        StepKind,
        law::{Law, Range, Spread},
        parts::{DataSheet, Overlap, Parts},
    },
    tokens::TokenProcess,
};
use modelled::{Profiled, Simulated};
use operations::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use tools::*;
use units::{Bytes, Ratio, SimDuration};

/// Makes fresh backends of one kind.
trait Factory {
    type Backend: Compute;
    /// True if durations are measured, so that equal work takes different times.
    const MEASURED: bool = false;
    /// True if answers end at a length of their own, whatever their tokens.
    const LENGTHS: bool = true;
    /// The model that verifies.
    fn target(&self) -> Self::Backend;
    /// The model that drafts.
    fn drafter(&self) -> Self::Backend;
    /// A request; different numbers are different requests, and some of the numbers from 0 to 9 have ten tokens at least.
    fn request(&self, number: u64) -> Request;
}

/// Makes backends of parts of a model.
trait Splits: Factory {
    /// A part of the model that verifies: its lower layers or its upper ones.
    fn part(&self, upper: bool) -> Self::Backend;
}

/// The suite, once for each backend.
macro_rules! conformance {
    ($($backend:ident: $factory:expr,)*) => {
        $(mod $backend {
            conformance!(@whole $factory);
        })*
    };
    (with parts: $($backend:ident: $factory:expr,)*) => {
        $(mod $backend {
            conformance!(@whole $factory);
            conformance!(@tests $factory,
                two_parts_make_the_answer_of_the_whole, two_parts_do_the_work_of_the_whole,
                chunks_of_a_part_are_its_whole_prompt);
        })*
    };
    (@whole $factory:expr) => {
        conformance!(@tests $factory,
                every_operation_has_its_lengths, a_chunked_prompt_is_the_whole_prompt,
                a_rollback_equals_never_having_drafted, verifying_drafts_equals_decoding_them,
                the_prompt_s_end_has_the_first_token, first_drafts_pass_alone,
                the_first_mismatch_is_corrected, nothing_is_appended_past_the_end,
                what_is_drafted_behind_the_end_is_not_accepted, an_own_answer_ends_at_its_own_length,
                own_tokens_are_those_that_are_drafted, a_pass_appends_nothing,
                a_verdict_names_the_token_that_decoding_appends, what_is_not_judged_is_taken_as_it_is,
                what_is_not_judged_may_reach_past_the_end,
                drafts_that_a_model_makes_are_verified_alike_at_once_and_one_by_one, what_is_forgotten_is_read_again,
                closing_frees,
                what_is_not_open_is_refused, more_than_the_prompt_is_refused, a_batch_has_the_outcomes_of_its_items,
                costs_are_positive_and_grow_with_the_work, a_backend_repeats_itself);
    };
    (@tests $factory:expr, $($test:ident),*) => {
        $(#[test]
        fn $test() {
            // A backend that cannot be had here says so.
            if let Some(factory) = $factory {
                super::$test(&factory);
            }
        })*
    };
}

fn iid(acceptance: f64) -> TokenProcess {
    TokenProcess::Iid(Ratio::new(acceptance))
}

conformance! {
    with parts:
    modelled_hf: Some(super::Simulated(super::EngineKind::Hf, super::TokenProcess::default())),
    modelled_vllm: Some(super::Simulated(super::EngineKind::Vllm, super::TokenProcess::default())),
    modelled_graph: Some(super::Simulated(super::EngineKind::Graph, super::TokenProcess::default())),
    modelled_always_right: Some(super::Simulated(super::EngineKind::Vllm, super::iid(1.0))),
    modelled_always_wrong: Some(super::Simulated(super::EngineKind::Vllm, super::iid(0.0))),
    profiled: Some(super::Profiled),
}

#[cfg(feature = "onnx")]
conformance! {
    shared_real: super::real::shared("conformance of real models"),
    written_real: super::real::written("conformance of written models"),
}
