//! Every combination of the names that are offered is a scenario that runs.

use super::choices::{CLOUDS, EDGES, GOALS, LINKS, Wishes, of, workloads};
use super::{ask, name_of, text};
use crate::run::one_run::OneRun;
use crate::scenario::{Plan, Scenario, Source};
use engine::NoRecorder;
use rayon::prelude::*;
use std::path::Path;
use std::sync::atomic::AtomicU64;

fn names(list: Vec<super::Choice>) -> Vec<Option<String>> {
    list.into_iter().map(|choice| Some(choice.name.to_owned())).collect()
}

/// Every combination of names.
fn combinations() -> Vec<[Option<String>; 5]> {
    let mut all = vec![Vec::new()];
    for kind in [of(&EDGES), of(&CLOUDS), of(&LINKS), workloads(), of(&GOALS)] {
        let kind = names(kind);
        all = all
            .iter()
            .flat_map(|before| kind.iter().map(move |name| [&before[..], std::slice::from_ref(name)].concat()))
            .collect();
    }
    all.into_iter().map(|names| names.try_into().expect("five names")).collect()
}

/// Runs two requests of every policy at the last point.
fn run(wishes: &Wishes) -> Result<usize, String> {
    let text = text::scenario(wishes, "mine", Path::new("mine.toml"));
    let (source, mut scenario): (Source, Scenario) =
        Source::new(Path::new("mine.toml"), text.clone()).map_err(|error| format!("{error}\n{text}"))?;
    scenario.settle(source.written());
    scenario.workload.requests = 2;
    let source = source.with(&[("workload.requests".to_owned(), 2.into())]).map_err(|error| error.to_string())?;
    let plan = Plan::new(source, scenario).map_err(|error| error.to_string())?;
    let point = plan.point(plan.points() - 1).map_err(|error| format!("{error}\n{text}"))?;
    for cell in &point.cells {
        let run = OneRun { point: &point, cell, replication: 0, real: None, threads: 1 };
        run.sample(&mut NoRecorder, &AtomicU64::new(0)).map_err(|error| format!("{error}\n{text}"))?;
    }
    Ok(point.cells.len())
}

#[test]
fn every_combination_of_offered_names_runs() {
    let all = combinations();
    assert!(all.len() > 1000, "{} combinations", all.len());
    all.par_iter().for_each(|names| {
        let wishes = Wishes::read(names, 2).expect("names that are offered");
        match run(&wishes) {
            Ok(policies) => assert!(policies > 0, "{names:?}"),
            Err(error) => panic!("{names:?}: {error}"),
        }
    });
}

#[test]
fn every_device_and_a_link_of_ones_own_run() {
    for device in model::device::DEVICES.iter() {
        let own = [Some(device.name.to_string()), None, Some("20 Mbps, 40 ms".to_owned()), None, None];
        let wishes = Wishes::read(&own, 1).expect("a device and a link");
        assert_eq!(run(&wishes), Ok(5), "{}", device.name);
        assert!(text::scenario(&wishes, "mine", Path::new("mine.toml")).contains("\"40 ms\", \"50 ms\""));
    }
}

/// A key counts the clients of each edge, so several edges have one each.
#[test]
fn each_edge_has_one_client() {
    for goal in ["drafting", "latency"] {
        let wishes = Wishes::read(&[None, None, None, None, Some(goal.to_owned())], 8).expect("names that are offered");
        let text = text::scenario(&wishes, "mine", Path::new("mine.toml"));
        assert!(text.contains("\ncount = 8\n") && text.contains("\nclients = 1\n"), "{text}");
    }
}

#[test]
fn the_nearest_name_is_told() {
    let refusal = |index: usize, name: &str| {
        let mut names = [None, None, None, None, None];
        names[index] = Some(name.to_owned());
        Wishes::read(&names, 1).expect_err("a refusal").to_string()
    };
    assert!(refusal(0, "phne").contains("did you mean phone?"), "{}", refusal(0, "phne"));
    assert!(refusal(1, "h10").contains("did you mean h100?"), "{}", refusal(1, "h10"));
    assert!(refusal(2, "20, 40").contains("expected a rate and a round trip"), "{}", refusal(2, "20, 40"));
    assert!(refusal(4, "zebra").contains("expected one of drafting, latency"), "{}", refusal(4, "zebra"));
}

#[test]
fn questions_take_numbers_names_and_nothing() {
    let mut said = Vec::new();
    let given = [None, Some("h100"), None, None, None];
    let mut typed = "2\n\nv1\n9\n3\n".as_bytes();
    let answers = ask::answers(given, &mut typed, &mut said).expect("answers");
    assert_eq!(answers, ["laptop", "h100", "wifi", "v1", "capacity"].map(|name| Some(name.to_owned())));
    let said = String::from_utf8(said).expect("UTF-8");
    assert!(said.contains("edge [phone]: ") && !said.contains("cloud ["), "{said}");
    assert!(said.contains("expected a number from 1 to 4, or a name"), "{said}");
    let ended = ask::answers(given, &mut "2\n".as_bytes(), &mut Vec::new()).expect_err("no more answers");
    assert!(ended.to_string().contains("name it with --link"), "{ended}");
}

#[test]
fn the_file_names_the_scenario() {
    assert_eq!(name_of(Path::new("a/b-1.toml")).expect("a name"), "b-1");
    for file in ["mine", "a b.toml", "mine.txt", ".toml"] {
        assert!(name_of(Path::new(file)).is_err(), "{file}");
    }
}
