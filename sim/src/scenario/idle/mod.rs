//! Keys that were set although nothing in the scenario reads them.
//!
//! To add a rule: a line in [`rules::RULES`], or for settings of a policy in its `Policy::idle`. A rule covers a key and all
//! below it, and must be true whatever the key's value is. A key is idle if at every point of the sweep a rule covers it.
//!
//! Not idle, though it may look so: `edge.device`, `cloud.device` and `cloud.gpus` have idle power, which every policy is
//! charged; `cloud.model` counts the visual tokens of `requests.parquet`.

mod covered;
mod rules;

use super::keys::{self, Path, parts};
use super::{Plan, Scenario, ways};
use crate::terminal::say;
use covered::{covered, withheld_profiles};
use policies::Asked;
use std::collections::BTreeSet;

/// Warns on stderr of each key that was set and has no effect.
pub fn warn_of_idle_keys(plan: &Plan) {
    for row in &plan.equals {
        say(format_args!(
            "sim: warning: [sweep] {row} gives the points of an earlier value; equal points are run once"
        ));
    }
    for remark in idle(plan) {
        say(format_args!("sim: warning: {remark}"));
    }
}

/// A remark for each key that was set and has no effect, in the order of the file, and then of the command line.
fn idle(plan: &Plan) -> Vec<String> {
    let mut keys = set_keys(plan);
    for number in looked_at(plan.points()) {
        // A point that cannot be read has no say.
        let Ok((source, point)) = plan.scenario_at(number) else { continue };
        let Some(asked) = asked(&point) else { continue };
        let mut covered = covered(&point, asked);
        covered.extend(withheld_profiles(&source, &point));
        keys.retain_mut(|key| {
            let why = covered.iter().find(|(idle, _)| key.path.starts_with(idle)).map(|(_, why)| why);
            key.why = key.why.take().or(why.cloned());
            why.is_some()
        });
        if keys.is_empty() {
            break;
        }
    }
    keep_whole_datasets(&mut keys);
    let remark = |Key { path, at, why }: Key| {
        plan.source.remark(&at, &format!("{} has no effect: {}", path.join("."), why.unwrap_or_default()))
    };
    let mut remarks: Vec<_> = keys.into_iter().map(remark).collect();
    remarks.sort_by_key(|(place, _)| *place);
    remarks.into_iter().map(|(_, remark)| remark).collect()
}

/// Modalities that requests of any class may have; none where a dataset is not known.
fn asked(scenario: &Scenario) -> Option<Asked> {
    let kinds = scenario.of_each_kind();
    let all = kinds.iter().map(|(_, one)| Some(one.requests()?.asked()));
    let join = |a: Asked, b: Asked| Asked {
        pictures: a.pictures || b.pictures,
        moves: a.moves || b.moves,
        more_than_text: a.more_than_text || b.more_than_text,
    };
    all.reduce(|all, one| Some(join(all?, one?)))?
}

/// A key that was set.
struct Key {
    path: Path,
    /// Path at which it was set: its own, or in the sweep.
    at: Path,
    /// Reason why it is idle at the first point.
    why: Option<String>,
}

/// Every key that was set. One that the sweep varies is the sweep's, whatever stands in its place.
fn set_keys(plan: &Plan) -> Vec<Key> {
    let written = plan.source.written();
    let swept = plan.design.places();
    let mut keys: Vec<Key> =
        swept.map(|(key, at)| Key { path: keys::canonical(written, &parts(key)), at, why: None }).collect();
    for leaf in keys::leaves(written) {
        let path = named(leaf);
        let known = keys.iter().any(|key| path.starts_with(&key.path));
        if !known && path[0] != "sweep" {
            keys.push(Key { at: path.clone(), path, why: None });
        }
    }
    add_datasets(&mut keys);
    keys
}

/// The key that a value is spoken of by. A custom device or model, and the rate of a direction, are spoken of as a whole; a
/// dataset by its keys, each as a whole.
fn named(mut path: Path) -> Path {
    let names: Vec<&str> = path.iter().map(String::as_str).collect();
    match names[..] {
        ["device" | "model", ..] => path.truncate(2),
        ["link", key, ..] if ways::COURSES.contains(&key) => path.truncate(2),
        ["dataset", _, "accuracy", ..] => {}
        ["dataset", ..] => path.truncate(3),
        _ => {}
    }
    path
}

/// Adds the tables of datasets, beside their keys.
fn add_datasets(keys: &mut Vec<Key>) {
    let names = keys.iter().filter(|key| key.path[0] == "dataset" && key.at == key.path && key.path.len() > 1);
    let tables: BTreeSet<Path> = names.map(|key| key.path[..2].to_vec()).collect();
    keys.extend(tables.into_iter().map(|path| Key { at: path.clone(), path, why: None }));
}

/// The table alone is spoken of where a dataset is idle as a whole.
fn keep_whole_datasets(keys: &mut Vec<Key>) {
    let tables: Vec<Path> = keys.iter().map(|key| key.path.clone()).filter(|path| is_dataset(path)).collect();
    keys.retain(|key| {
        key.at != key.path || is_dataset(&key.path) || !tables.iter().any(|table| key.path.starts_with(table))
    });
}

fn is_dataset(path: &[String]) -> bool {
    path.len() == 2 && path[0] == "dataset"
}

/// The points that are looked at: all, or of many a thousand, spread as multiples of the golden section are, which follow
/// the lengths of no axes.
pub(super) fn looked_at(points: u64) -> impl Iterator<Item = u64> {
    const MOST: u64 = 1000;
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    let spread = move |n: u64| ((n as f64 * GOLDEN).fract() * points as f64) as u64;
    (0..points.min(MOST)).map(move |n| if points <= MOST { n } else { spread(n).min(points - 1) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_points_a_thousand_are_looked_at() {
        assert_eq!(looked_at(3).collect::<Vec<_>>(), [0, 1, 2]);
        // Of axes of 100 and of 7 x 13 values, each value is among them.
        for (points, axis) in [(10_000, 100), (91 * 97, 91), (91 * 97, 7)] {
            let seen: std::collections::BTreeSet<u64> = looked_at(points).map(|point| point % axis).collect();
            assert_eq!(seen.len() as u64, axis, "{points} points");
        }
    }
}
