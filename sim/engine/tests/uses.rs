//! The parts of the testbed that a policy says it uses, against the rows of a run.

use crate::common::{Log, Override, examples, run_logged, spec};
use engine::{Kind, RequestRecord, RunSpec, Side};
use model::{engine_kind::EngineKind, modality::Modality, request::Kept};
use policies::{ServedBy, System, Uses};
use units::SimDuration;

/// Requests with text, a picture and sound, some of which go to either tier under any rule.
fn varied(policy: System) -> RunSpec {
    let mut spec = spec(policy, EngineKind::Vllm, 40, 12).clients(6);
    spec.shape().sound = Some(SimDuration::from_secs(5).into());
    spec
}

/// The parts that a run used, as its rows tell.
fn used(log: &Log) -> Uses {
    let step = |side, kind| log.steps.iter().any(|step| step.side == side && step.kind == kind);
    let request = |is: fn(&RequestRecord) -> bool| log.requests.iter().any(is);
    let sends_text_short = |row: &RequestRecord| row.input.kept[Modality::Text] != Kept::default();
    Uses {
        edge_model: log.steps.iter().any(|step| step.side == Side::Edge),
        edge_answers: request(|row| matches!(row.served_by, ServedBy::Edge | ServedBy::Both)),
        cloud: request(|row| row.uplink.as_u64() > 0),
        // Pictures are sent as JPEG here, unless the policy encodes them.
        encodes: step(Side::Edge, Kind::Encode),
        drafts: !log.tokens.is_empty(),
        trusts: request(|row| row.served_by == ServedBy::Both),
        probes: step(Side::Edge, Kind::Probe),
        prunes: request(|row| !row.input.is_whole() && !matches!(row.served_by, ServedBy::Published(_))),
        prunes_text: log.requests.iter().any(sends_text_short),
    }
}

#[test]
fn policies_use_just_the_parts_that_they_say() {
    for (name, policy) in examples() {
        let says = policy.uses();
        assert_eq!(used(&run_logged(&varied(policy)).1), says, "{name}: left is used, right is said");
    }
}
