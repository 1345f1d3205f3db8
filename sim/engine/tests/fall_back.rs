//! Requests under way whose input an outage holds up.

use crate::common::{Alike, Log, Override, blocking, cloud_only, examples, mbps, msao, pipelined, run_logged, spec};
use engine::{Connections, RunSpec, SeriesStart, TcpSpec, Transport};
use kernel::Tcp;
use model::engine_kind::EngineKind;
use policies::{ServedBy, System};
use units::{Bytes, SimDuration};

/// Uploads of a second or so, over a link that is down for two seconds in four.
fn broken(policy: System, engine: EngineKind) -> RunSpec {
    let mut spec = spec(policy, engine, 40, 6).clients(2);
    spec.edges[0].count = 3;
    spec.link.hops[0].up.rate = mbps(2).with_outages(SimDuration::from_secs(4), SimDuration::from_secs(2)).into();
    spec.link.hops[0].start = SeriesStart::First;
    (spec.workload.fall_back, spec.workload.fall_back_after) = (true, Some(SimDuration::from_ms(700)));
    spec
}

/// Requests that fell back after they had sent something.
fn recalled(log: &Log) -> Vec<&engine::RequestRecord> {
    log.requests.iter().filter(|request| request.fell_back && request.uplink > Bytes::ZERO).collect()
}

#[test]
fn an_input_that_is_held_up_is_given_up_and_the_edge_answers() {
    for engine in [EngineKind::Graph, EngineKind::Vllm033] {
        for policy in [msao(), blocking(4), pipelined(4, 3)] {
            let with = broken(policy.clone(), engine);
            let (outcome, log) = run_logged(&with);
            assert_eq!(outcome.metrics.completed, 40);
            let recalled = recalled(&log);
            assert!(!recalled.is_empty(), "{policy:?}");
            for row in recalled {
                assert_eq!(row.served_by, ServedBy::Edge);
                assert_eq!(row.moments.expect("an answer").tokens, 6);
                assert!(row.input.kept.iter().all(|(_, kept)| kept.retention == 1.0), "the edge has the whole input");
            }
            let mut without = with;
            without.workload.fall_back_after = None;
            let waited = run_logged(&without).0;
            assert!(outcome.metrics.e2e.sum_ns() < waited.metrics.e2e.sum_ns(), "{policy:?}");
        }
    }
}

#[test]
fn every_policy_ends_and_those_without_a_model_on_the_edge_wait() {
    for (name, policy) in examples() {
        for connections in [Connections::Kept, Connections::PerRequest] {
            let mut spec = broken(policy.clone(), EngineKind::Vllm);
            spec.link.transport = Transport::Tcp(TcpSpec { tcp: Tcp::default(), connections, tls: 0 });
            spec.link.hops[0].set_loss(0.01);
            assert_eq!(run_logged(&spec).0.metrics.completed, 40, "{name}");
        }
    }
    let (_, log) = run_logged(&broken(cloud_only(), EngineKind::Vllm));
    assert!(log.requests.iter().all(|request| !request.fell_back));
}
