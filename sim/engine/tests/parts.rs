//! Pictures that are sent in parts, each asked for: by hand to the nanosecond.

use crate::common::oracle::Wire;
use crate::common::{Alike, run_logged, spec};
use engine::RunSpec;
use model::engine_kind::EngineKind;
use policies::{Progressive, System};
use units::{Bytes, Ratio, SimDuration};

const CHUNK: u64 = 49_229;
const TOKEN_BYTES: u64 = 8;

fn in_chunks(asks: f64) -> RunSpec {
    let parts = policies::Parts::Chunks(Bytes::new(CHUNK));
    spec(System::Progressive(Progressive { parts, asks: Ratio::new(asks) }), EngineKind::Hf, 3, 5)
}

/// The end-to-end latency of each request, in ns.
fn e2e(spec: &RunSpec) -> Vec<u64> {
    let rows = run_logged(spec).1.requests;
    rows.iter().map(|row| SimDuration::as_ns(row.moments.expect("an answered request").e2e())).collect()
}

/// Three more chunks are three more uploads, and three more requests for them that come down.
#[test]
fn three_more_chunks_by_hand() {
    let (one, four) = (e2e(&in_chunks(0.0)), e2e(&in_chunks(1.0)));
    let half = in_chunks(0.0).link.hops[0].rtt().as_ns() / 2;
    let alone = |payload| Wire::new(400_000_000, 0, half).arrival(0, payload);
    let more = 3 * (alone(CHUNK) + alone(TOKEN_BYTES));
    assert_eq!(four, one.iter().map(|ns| ns + more).collect::<Vec<_>>());
}

/// The region of a picture is another upload, and is asked for in the cloud.
#[test]
fn a_region_is_sent_where_the_cloud_asks_for_it() {
    let crop = |asks: f64| {
        let parts = policies::Parts::Crop(policies::Crop::default());
        spec(System::Progressive(Progressive { parts, asks: Ratio::new(asks) }), EngineKind::Hf, 3, 5)
    };
    let (never, always) = (e2e(&crop(0.0)), e2e(&crop(1.0)));
    let rtt = crop(0.0).link.hops[0].rtt().as_ns();
    assert!(never.iter().zip(&always).all(|(never, always)| *always > never + rtt), "{never:?} {always:?}");
}
