//! A warning of a number of requests that the dataset does not have.

use super::keys::{has, parts};
use super::{Plan, Point};
use crate::terminal::say;
use std::collections::BTreeSet;

/// The key that says how many requests a run has.
const KEY: &str = "workload.requests";

/// Says where a trace has fewer requests than were asked for. The default asks for nothing.
pub fn warn_of_short_traces<'p>(plan: &Plan, points: impl IntoIterator<Item = &'p Point>) {
    let path: Vec<String> = parts(KEY).into_iter().map(str::to_owned).collect();
    if !has(plan.source.written(), &path) && !plan.design.keys().any(|key| key == KEY) {
        return;
    }
    let mut said = BTreeSet::new();
    for point in points {
        let Some(workload) = point.cells.first().map(|cell| &cell.spec.workload) else { continue };
        let (asked, there) = (workload.requests, workload.len());
        if there < asked && said.insert((&point.label.dataset, asked)) {
            let dataset = &point.label.dataset;
            say(format_args!("sim: warning: {KEY} is {asked}, and {dataset} has {there}: those are run"));
        }
    }
}
