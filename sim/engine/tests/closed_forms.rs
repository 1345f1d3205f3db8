//! The closed forms beside the simulation, for requests that are alone on the platform.

use crate::common::oracle::{Idle, payload, prompt_tokens};
use crate::common::{
    Alike, Override, blocking, cloud_only, edge_only, examples, layer_split, mindfusion, pipelined, run, run_logged,
    spec, stands_in, unpruned,
};
use engine::RunSpec;
use model::engine_kind::EngineKind;
use policies::{AcceptRule, DraftDuringVerify, Msao, Semantics, State, System, ThetaSettings};
use units::{Ratio, SimDuration};

/// Relative error of the renewal form against the simulation.
fn error(spec: &RunSpec) -> f64 {
    let metrics = run(spec).metrics;
    let simulated = metrics.e2e.sum_ns() as f64 / 1e9 / metrics.completed as f64;
    metrics.closed_forms.renewal.seconds / metrics.closed_forms.requests as f64 / simulated - 1.0
}

fn within(bound: f64, spec: &RunSpec) -> f64 {
    let error = error(spec);
    assert!(error.abs() < bound, "{:?}, {:?}: off by {error}", spec.policy, spec.tokens);
    error
}

/// Fails unless `docs/semantics.md` has the range of these errors in the row of that system.
fn quoted(system: &str, errors: &[f64]) {
    let extreme = |of: fn(f64, f64) -> f64| 100.0 * errors.iter().copied().reduce(of).expect("an error");
    // To a tenth, and never -0.0.
    let [least, most] = [f64::min, f64::max].map(|of| (10.0 * extreme(of)).round() / 10.0 + 0.0);
    let row = format!("| {system} | {least:+.1} to {most:+.1} % |");
    stands_in("docs/semantics.md", &row);
}

/// Answers of 250 tokens.
fn long(policy: System, engine: EngineKind, requests: u64) -> RunSpec {
    spec(policy, engine, requests, 250)
}

#[test]
fn what_makes_no_drafts_is_known_to_a_hundred_thousandth() {
    for engine in EngineKind::ALL {
        for policy in [
            cloud_only(),
            edge_only(),
            layer_split(8),
            mindfusion(8, true, true),
            mindfusion(8, false, true),
            mindfusion(8, true, false),
        ] {
            within(0.000_01, &long(policy, engine, 20));
        }
    }
}

#[test]
fn blocking_drafts_are_known_to_two_hundredths() {
    let (mut short, mut of_eight) = (Vec::new(), Vec::new());
    for engine in [EngineKind::Vllm, EngineKind::Hf] {
        for acceptance in [0.5, 0.825, 0.95] {
            for n in [1, 2, 4, 8] {
                let error = within(0.02, &long(blocking(n), engine, 400).iid(acceptance));
                if n == 8 { &mut of_eight } else { &mut short }.push(error);
            }
        }
    }
    quoted("blocking drafts of 1, 2 or 4 tokens, acceptance .5 to .95", &short);
    quoted("blocking drafts of 8 tokens, acceptance .5 to .95", &of_eight);
}

#[test]
fn pipelined_drafts_are_known_to_a_hundredth_too() {
    let mut errors = Vec::new();
    for engine in [EngineKind::Vllm, EngineKind::Hf] {
        for acceptance in [0.0, 0.5, 0.825, 0.95, 1.0] {
            // One by one the cloud is the bottleneck, two at a time the window is, eight at a time the edge.
            for (n, window) in [(1, 4), (2, 2), (4, 3), (8, 2)] {
                errors.push(within(0.015, &long(pipelined(n, window), engine, 400).iid(acceptance)));
            }
        }
    }
    quoted("pipelined drafts, acceptance 0 to 1", &errors);
}

/// MSAO whose threshold never moves.
fn still(percentile: f64) -> Msao {
    let (percentile, delta) = (Ratio::new(percentile), Ratio::ONE);
    let (accept_rule, min_percentile) = (AcceptRule::Static, Ratio::ZERO);
    let theta = ThetaSettings { percentile, delta, accept_rule, min_percentile, ..ThetaSettings::default() };
    Msao { theta, ..unpruned() }
}

#[test]
fn a_gate_is_known_to_eight_hundredths() {
    // Tokens that are not sure come in runs, and some requests have more of them: the form takes neither into account.
    let (mut gated, mut trusted) = ([Vec::new(), Vec::new()], Vec::new());
    let ways = [(DraftDuringVerify::Blocking, 0.08), (DraftDuringVerify::Pipelined(3), 0.05)];
    for percentile in [0.5, 0.7, 0.9] {
        for acceptance in [0.5, 0.825, 0.95] {
            for ((draft_during_verify, bound), errors) in ways.into_iter().zip(&mut gated) {
                let policy = Msao { draft_during_verify, ..still(percentile) };
                errors.push(within(bound, &long(System::Msao(policy), EngineKind::Vllm, 1000).iid(acceptance)));
            }
        }
        // What trusts its edge waits only where a token is not sure, so runs and requests do not matter.
        let trust = Msao { semantics: Semantics::Trust, ..still(percentile) };
        trusted.push(within(0.03, &long(System::Msao(trust), EngineKind::Vllm, 1500)));
    }
    quoted("MSAO with a static threshold, blocking", &gated[0]);
    quoted("MSAO with a static threshold, three batches in flight", &gated[1]);
    quoted("trust", &trusted);
}

#[test]
fn the_state_of_an_unsure_token_is_part_of_it() {
    // Keys and values of the whole context are 15 MB: 300 ms at 400 Mbit/s, ten times all the rest.
    let policy = Msao { state_bytes: State::FullKv, ..still(0.7) };
    within(0.06, &long(System::Msao(policy), EngineKind::Vllm, 1000).iid(0.825));
}

#[test]
fn equation_14_is_what_is_printed() {
    let spec = long(blocking(4), EngineKind::Vllm, 5);
    let (outcome, log) = run_logged(&spec);
    let [edge, cloud] = [Idle::new(&spec.edges[0].tier), Idle::new(&spec.pools[0].tier)];
    let printed = |row: &engine::RequestRecord| {
        let prompt = &row.request.prompt;
        // Text and picture each take their bytes and a round trip.
        let upload = payload(prompt) as f64 * 8.0 / 400e6 + 2.0 * 0.020;
        let prefill = f64::max(edge.prefill_ns(prompt) as f64, cloud.read_ns(prompt) as f64 + upload * 1e9) * 1e-9;
        // In the middle of the answer; nothing is ever unsure, so E[N_spec] is its length and nothing is offloaded.
        let middle = prompt_tokens(prompt) + 125 + 1;
        let [draft, decode] = [&edge, &cloud].map(|tier| tier.decode_ns(middle) as f64 * 1e-9);
        prefill + 250.0 * (4.0 * draft + 4.0 * decode)
    };
    let printed: f64 = log.requests.iter().map(printed).sum();
    assert!(
        (outcome.metrics.closed_forms.eq14.seconds / printed - 1.0).abs() < 1e-6,
        "{} {printed}",
        outcome.metrics.closed_forms.eq14.seconds
    );
}

#[test]
fn a_longer_way_takes_a_round_trip_of_each_round_more() {
    // Batches of which all are accepted: 250 tokens are 50 rounds.
    let form = |rtt| {
        let mut spec = long(blocking(4), EngineKind::Vllm, 1).iid(1.0);
        spec.link.hops[0].set_rtt(SimDuration::from_ms(rtt));
        run(&spec).metrics.closed_forms.renewal.seconds
    };
    let rounds = (form(120) - form(20)) / 0.1;
    // The upload takes half of one more, where the edge does not read its prompt in the meantime.
    assert!((50.0..51.0).contains(&rounds), "{rounds} rounds");
}

/// Examples whose choice at an unsure token the renewal form does not tell apart, as `closed_form.rs` of the policies says.
const NOT_TOLD_APART: [&str; 3] = ["msao.rest_on_cloud", "msao.discard", "msao.persist"];

/// A form of a policy that does not draft is exact but for the bytes of pictures. One of a policy that drafts takes
/// acceptances as independent and its threshold as it starts.
#[test]
fn every_example_is_near_its_closed_form() {
    let (mut known, mut off) = (0, Vec::new());
    for (name, policy) in examples() {
        let metrics = run(&long(policy.clone(), EngineKind::Vllm, 200).iid(0.825)).metrics;
        let form = metrics.closed_forms.renewal;
        if form.requests == 0 {
            continue;
        }
        known += 1;
        let simulated = metrics.e2e.sum_ns() as f64 / 1e9 / metrics.completed as f64;
        let error = form.seconds / form.requests as f64 / simulated - 1.0;
        let bound = if policy.uses().drafts { 0.15 } else { 0.015 };
        if error.abs() >= bound {
            off.push((name, error));
        }
    }
    let names: Vec<&str> = off.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, NOT_TOLD_APART, "{off:?}");
    assert!(known > 0, "the list has policies with closed forms");
}
