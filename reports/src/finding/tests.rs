use super::finding;
use crate::fixture::{self, MetricOf};
use crate::runs::Runs;

const RTT: (&str, &[&str]) = ("link.rtt", &["1 ms", "5 ms", "20 ms", "80 ms"]);
const POLICIES: [&str; 4] = ["cloud_only", "edge_only", "msao", "cloud_pruned"];

fn said(policies: &[&str], keys: &[(&str, &[&str])], metrics: &[MetricOf<'_>]) -> Vec<String> {
    finding(&Runs::read(fixture::swept(policies, keys, metrics).path()).expect("runs"))
}

/// Edge-only is the fastest and the least accurate, MSAO wins at short round trips, pruning at long ones.
fn e2e(policy: usize, levels: &[usize]) -> Option<f64> {
    let rtt = [1.0, 5.0, 20.0, 80.0][levels[0]];
    Some([1000.0 + rtt, 500.0, 700.0 + 3.0 * rtt, 750.0 + rtt][policy])
}

fn accuracy(policy: usize, _: &[usize]) -> Option<f64> {
    Some([77.0, 63.0, 75.5, 76.0][policy])
}

#[test]
fn the_fastest_at_equal_accuracy_its_lead_and_where_it_turns() {
    let found = said(&POLICIES, &[RTT], &[("e2e_ms_mean", &e2e), ("accuracy_pct", &accuracy)]);
    assert_eq!(
        found,
        [
            "Of the policies within 3 points of cloud_only's accuracy, msao is the fastest at 3 of 4 points, cloud_pruned at 1.",
            "The lead is 1.3 to 12 % of the next policy's latency.",
            "Where it turns, by round trip: msao at 1 to 20 ms, cloud_pruned at 80 ms.",
        ]
    );
}

#[test]
fn one_point_names_the_next_the_reference_and_who_is_faster_but_worse() {
    let one = ("link.rtt", ["20 ms"].as_slice());
    let found = said(&POLICIES, &[one], &[("e2e_ms_mean", &e2e), ("accuracy_pct", &accuracy)]);
    assert_eq!(
        found,
        [
            "Of the policies within 3 points of cloud_only's accuracy, msao is the fastest: 703 ms a request, 6.4 % less than \
             cloud_pruned, the next, and 30 % less than cloud_only.",
            "edge_only is faster still, and loses 14 points of cloud_only's accuracy.",
        ]
    );
}

#[test]
fn where_nothing_turns_the_price_of_a_faster_policy_is_told() {
    let found = said(&POLICIES[..2], &[RTT], &[("e2e_ms_mean", &e2e), ("accuracy_pct", &accuracy)]);
    assert_eq!(
        found,
        [
            "Of the policies within 3 points of cloud_only's accuracy, cloud_only is the fastest at all 4 points.",
            "edge_only is faster still at all of them, and loses 14 points of cloud_only's accuracy.",
        ]
    );
}

#[test]
fn leads_within_the_interval_are_told() {
    // At the shortest round trip both take as long.
    let close = |policy: usize, levels: &[usize]| Some([100.0, 100.0 + levels[0] as f64][policy]);
    let found = said(&["cloud_only", "msao"], &[RTT], &[("e2e_ms_mean", &close), ("accuracy_pct", &|_, _| Some(70.0))]);
    assert_eq!(
        found[1],
        "The lead is 0 to 2.9 % of the next policy's latency, at one point no more than the 95 % interval."
    );
    assert!(found[0].ends_with("cloud_only is the fastest at all 4 points."), "{found:?}");
    assert_eq!(found.len(), 2, "nothing turns: {found:?}");
}

#[test]
fn without_accuracies_none_is_claimed() {
    let found = said(&POLICIES, &[RTT], &[("e2e_ms_mean", &e2e)]);
    assert_eq!(found[0], "Whatever the accuracy, which is not known here, edge_only is the fastest at all 4 points.");
}

#[test]
fn a_policy_that_is_alone_in_accuracy_or_alone_at_all_says_so() {
    let found = said(&POLICIES[..2], &[("link.rtt", &["1 ms"])], &[("e2e_ms_mean", &e2e), ("accuracy_pct", &accuracy)]);
    assert_eq!(found[0], "cloud_only alone is within 3 points of cloud_only's accuracy: 1,001 ms a request.");
    let found = said(&POLICIES[..1], &[RTT], &[("e2e_ms_mean", &e2e)]);
    assert_eq!(found, ["cloud_only takes 1,001 ms (round trip 1 ms) to 1,080 ms (round trip 80 ms) a request."]);
    assert_eq!(said(&POLICIES, &[RTT], &[("accuracy_pct", &accuracy)]), Vec::<String>::new(), "no latency, no finding");
}

#[test]
fn of_two_keys_the_one_that_decides_is_told_with_its_exceptions() {
    let loads = ("arrivals.poisson.rate", ["2 /s", "4 /s"].as_slice());
    let of = |policy: usize, levels: &[usize]| {
        let is_exception = levels == [0, 1];
        Some([100.0, if levels[0] < 2 && !is_exception { 80.0 } else { 120.0 }][policy])
    };
    let found =
        said(&["cloud_only", "msao"], &[RTT, loads], &[("e2e_ms_mean", &of), ("accuracy_pct", &|_, _| Some(70.0))]);
    assert_eq!(
        found.last().map(String::as_str),
        Some(
            "Where it turns, by round trip: cloud_only at 1 ms (1 of 2 points), msao at 5 ms, cloud_only at 20 to 80 ms."
        )
    );
}
