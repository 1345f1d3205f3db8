//! A warning of a closed loop whose start is a good part of the run.
//!
//! The clients all send their first request at once, into an empty system, where it waits as no later one does. In a server's
//! log of 64 clients, the mean TTFT was 1,900, 800 and 480 ms with 3, 10 and 30 requests of each: the first ones weigh on the mean
//! as one over their number.

use super::idle::looked_at;
use super::keys::parts;
use super::loads::ClosedLoop;
use super::{Arrivals, Dataset, Plan, Scenario, Source};
use crate::terminal::say;

/// Requests of a client from which on its first one is a small part of the run.
const ENOUGH: u64 = 100;

/// The key that makes several clients start at once.
const CLIENTS: &str = "arrivals.closed_loop.clients";

/// Keys on which a start depends.
const KEYS: [&str; 5] = ["arrivals", "workload", "edge.count", "edges", "dataset"];

/// A start that weighs on the figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Start {
    /// Clients of all edges.
    clients: u64,
    /// Requests of a run.
    requests: u64,
}

impl Start {
    /// The start of a closed loop of several clients for each edge, if they send few requests each and none is left out.
    fn of(source: &Source, scenario: &Scenario) -> Option<Self> {
        let Arrivals::ClosedLoop(ClosedLoop { clients, .. }) = scenario.arrivals else { return None };
        // Groups with arrivals of their own take a part of the requests that nobody knows beforehand.
        if scenario.groups().iter().any(|group| group.edge.arrivals.is_some()) {
            return None;
        }
        if clients < 2 || !scenario.workload.warm_up.is_none() {
            return None;
        }
        let start = Self { clients: u64::from(clients) * scenario.edge_count(), requests: requests(source, scenario)? };
        (start.requests < ENOUGH.saturating_mul(start.clients)).then_some(start)
    }

    /// The sentence that is told.
    fn text(self) -> String {
        let Self { clients, requests } = self;
        let each = requests.div_ceil(clients);
        let unit = if each == 1 { "request" } else { "requests" };
        let remedy = format!("set workload.requests to {} or more", ENOUGH.saturating_mul(clients));
        let remedy = if requests > clients {
            format!("leave it out with workload.warm_up = {clients}, or {remedy}")
        } else {
            remedy
        };
        format!(
            "{clients} clients start at once and send {each} {unit} each, fewer than {ENOUGH}: the start, where all wait \
             for each other, weighs on every figure; {remedy}"
        )
    }
}

/// Requests of a run; none where its trace cannot be read.
fn requests(source: &Source, scenario: &Scenario) -> Option<u64> {
    let Dataset::Trace(trace) = &scenario.workload.dataset else { return Some(scenario.workload.requests) };
    let wanted = scenario.workload.wanted();
    Some(source.traces().part(trace, source.folder(), &wanted, scenario.seed).ok()?.requests.len() as u64)
}

/// The point at which the clients send the fewest requests each, of those that are told of.
fn worst(plan: &Plan) -> Option<Start> {
    let is_of = |key: &str| KEYS.iter().any(|of| key == *of || key.starts_with(&format!("{of}.")));
    let varies = plan.design.keys().any(is_of);
    let points = looked_at(if varies { plan.points() } else { 1 });
    let starts = points.filter_map(|point| {
        let (source, scenario) = plan.scenario_at(point).ok()?;
        Start::of(&source, &scenario)
    });
    starts.min_by_key(|start| (start.requests.div_ceil(start.clients), std::cmp::Reverse(start.clients)))
}

/// The remark on the start that the reader of any table has to know.
pub fn remark(plan: &Plan) -> Option<String> {
    worst(plan).map(|start| format!("Start: {}.", start.text()))
}

/// Warns on stderr where the start of a closed loop is a good part of the run.
pub fn warn_of_start(plan: &Plan) {
    if let Some(start) = worst(plan) {
        let key: Vec<String> = parts(CLIENTS).into_iter().map(str::to_owned).collect();
        let (_, told) = plan.source.remark(&key, &start.text());
        say(format_args!("sim: warning: {told}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::read::testing::source;
    use std::path::Path;

    fn plan(lines: &str) -> Plan {
        let (dataset, policy) = ("[workload]\ndataset = \"vqav2\"", "[policy.cloud_only]");
        let (source, scenario) = source(&format!("name = \"x\"\n{dataset}\n{lines}\n{policy}\n"));
        Plan::new(source, scenario).expect("a plan")
    }

    #[test]
    fn the_first_request_of_a_client_is_one_of_a_hundred_or_it_is_told() {
        let clients = |clients: u32| format!("[arrivals.closed_loop]\nclients = {clients}\n");
        let start = |clients, requests| Some(Start { clients, requests });
        let cases = [
            (format!("requests = 192\n{}", clients(64)), start(64, 192)),
            (format!("requests = 1920\n{}", clients(64)), start(64, 1920)),
            (format!("requests = 6399\n{}", clients(64)), start(64, 6399)),
            (format!("requests = 6400\n{}", clients(64)), None),
            (format!("requests = 192\nwarm_up = 64\n{}", clients(64)), None),
            (format!("requests = 192\nwarm_up = \"3 s\"\n{}", clients(64)), None),
            (format!("requests = 192\nwarm_up = 0\n{}", clients(64)), start(64, 192)),
            (format!("requests = 300\n{}[edge]\ncount = 16\n", clients(2)), start(32, 300)),
            (format!("requests = 5\n{}", clients(1)), None),
            (format!("requests = 5\n{}[edge]\ncount = 16\n", clients(1)), None),
            ("requests = 5\n[arrivals.poisson]\nrate = \"2 /s\"\n".to_owned(), None),
            (format!("requests = 1000\n{}[sweep]\n\"{CLIENTS}\" = [1, 16, 4]\n", clients(1)), start(16, 1000)),
            (format!("requests = 192\n{}[sweep]\n\"workload.warm_up\" = [64, 128]\n", clients(64)), None),
        ];
        for (lines, expected) in cases {
            assert_eq!(worst(&plan(&lines)), expected, "{lines}");
        }
    }

    #[test]
    fn a_remedy_leaves_something() {
        let told = |clients, requests| Start { clients, requests }.text();
        assert!(
            told(64, 192)
                .ends_with("leave it out with workload.warm_up = 64, or set workload.requests to 6400 or more")
        );
        assert!(told(64, 192).contains("64 clients start at once and send 3 requests each"));
        assert!(
            told(64, 64).ends_with("weighs on every figure; set workload.requests to 6400 or more"),
            "{}",
            told(64, 64)
        );
    }

    #[test]
    fn no_bundled_scenario_is_told_of() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
        let files = std::fs::read_dir(folder).expect("scenarios").map(|entry| entry.expect("a file").path());
        let files: Vec<_> = files.filter(|path| path.extension().is_some_and(|ending| ending == "toml")).collect();
        assert!(files.len() > 20, "{files:?}");
        for path in files {
            let (source, scenario) = crate::scenario::read(&path, &[]).expect("a scenario");
            assert_eq!(worst(&Plan::new(source, scenario).expect("a plan")), None, "{}", path.display());
        }
    }
}
