//! Keys that were set although nothing in the scenario reads them.
//!
//! To add a rule: a line in [`RULES`], or for settings of a policy in its `Policy::idle`. A rule covers a key and all
//! below it, and must be true whatever the key's value is. A key is idle if at every point of the sweep a rule covers it.
//!
//! Not idle, though it may look so: `edge.device`, `cloud.device` and `cloud.gpus` have idle power, which every policy is
//! charged; `cloud.model` counts the visual tokens of `requests.parquet`.

use super::fleet::Tier;
use super::keys::{self, Path, parts};
use super::link::{Congestion, Connection, Transport};
use super::tier::{Cloud, Edge};
use super::{Dataset, Plan, Scenario, Source, resolve, ways};
use crate::terminal::say;
use model::{engine_kind::EngineKind, mas::MasSettings, request::PayloadFormat};
use policies::{Asked, System, Uses};
use std::collections::BTreeSet;
use units::Bytes;

/// The facts that the rules read: one point of the sweep, and one group and one pool.
#[derive(Clone)]
struct At<'s> {
    scenario: &'s Scenario,
    edge: &'s Edge,
    cloud: &'s Cloud,
    /// Resources that any of its policies uses.
    uses: Uses,
    /// Any of its policies learns what edges could share.
    learns: bool,
    /// Modalities that its requests may have.
    asked: Asked,
    /// Resources that each policy uses, and true if it splits the cloud's model: then only hidden states go up.
    each: Vec<(Uses, bool)>,
}

impl<'s> At<'s> {
    fn new(scenario: &'s Scenario, asked: Asked, systems: &[(String, System)]) -> Self {
        let encodes = asked.pictures && scenario.workload.payload == PayloadFormat::VisionTokens;
        let uses = |(_, system): &(String, System)| {
            let uses = system.uses();
            // The vision tower of the cloud's model then runs on the edge.
            let splits = system.split().is_some();
            (Uses { edge_model: uses.edge_model || uses.cloud && encodes, ..uses }, splits)
        };
        let sends = scenario.groups().iter().any(|group| group.edge.policy.is_some());
        // Groups that only send use the cloud, whatever the policies are.
        let sender = sends.then_some((Uses { cloud: true, ..Uses::default() }, false));
        let each: Vec<_> = systems.iter().map(uses).chain(sender).collect();
        let (edge, cloud) = (scenario.groups()[0].edge, scenario.clouds()[0].cloud);
        Self {
            scenario,
            edge,
            cloud,
            learns: systems.iter().any(|(_, system)| system.learns()),
            asked,
            uses: each.iter().fold(Uses::default(), |all, (one, _)| all.or(*one)),
            each,
        }
    }

    /// True if `is` holds for any policy that does not split the cloud's model.
    fn any_whole(&self, is: fn(&Uses) -> bool) -> bool {
        self.each.iter().any(|(uses, splits)| !splits && is(uses))
    }
}

/// Keys, the reason why they are idle, and the condition.
type Rule = (&'static [&'static str], &'static str, fn(&At<'_>) -> bool);

/// The first rule that covers a key gives its reason.
const RULES: &[Rule] = &[
    (
        &["edge.weights", "edge.tower_weights", "edge.kv"],
        "no policy here runs a model on the edge (it only has to fit there)",
        |at| !at.uses.edge_model,
    ),
    (
        &["cloud.weights", "cloud.tower_weights", "cloud.kv"],
        "no policy here uses the cloud (its model only has to fit there)",
        |at| !at.uses.cloud,
    ),
    (&["edge.device", "cloud.device"], "replay.device plays both tiers", |at| {
        at.edge.has_gpu() && at.scenario.played_on().is_some()
    }),
    (&["workload.payload"], "no request has pictures", |at| !at.asked.pictures),
    (&["workload.questions_per_picture"], "the requests are text alone", |at| !at.asked.more_than_text),
    (&["workload.payload"], "no policy here sends pictures as they are", |at| {
        !at.any_whole(|uses| uses.cloud && !uses.encodes)
    }),
    (&["memory_scope"], "no policy here uses both tiers", |at| {
        !at.each.iter().any(|(uses, _)| uses.edge_model && uses.cloud)
    }),
    (
        &["edge.model", "edge.weights", "edge.tower_weights", "edge.kv"],
        "the edge only runs layers of the cloud's model",
        |at| at.uses.edge_model && !at.any_whole(|uses| uses.edge_model),
    ),
    (&["edge.engine", "edge.tuning", "edge.profile", "edge.noise"], "no policy here runs a model on the edge", |at| {
        !at.uses.edge_model
    }),
    (
        &["edge.model", "edge.batch", "edge.kv_blocks"],
        "no policy here runs a model on the edge (it only has to fit there)",
        |at| !at.uses.edge_model,
    ),
    (&["accuracy.edge", "accuracy.edge_recovery"], "no policy here answers on the edge", |at| !at.uses.edge_answers),
    (&["accuracy.source", "accuracy.dataset"], "accuracy.cloud and accuracy.edge are both set", |at| {
        at.scenario.accuracy.cloud.is_some() && at.scenario.accuracy.edge.is_some()
    }),
    (&["accuracy.cloud_recovery"], "accuracy.cloud is set", |at| at.scenario.accuracy.cloud.is_some()),
    (&["accuracy.edge_recovery"], "accuracy.edge is set", |at| at.scenario.accuracy.edge.is_some()),
    (&["accuracy.cloud_recovery", "accuracy.edge_recovery"], "the dataset's table has accuracies of its own", |at| {
        !at.scenario.accuracy.names_a_source()
            && at.scenario.requests().is_some_and(|requests| requests.accuracy().is_some())
    }),
    (&["accuracy.critical_tokens"], "no policy here leaves tokens unverified", |at| !at.uses.trusts),
    (&["cloud.engine", "cloud.tuning", "cloud.profile", "cloud.noise"], "no policy here uses the cloud", |at| {
        !at.uses.cloud
    }),
    (&["cloud.batch", "cloud.kv_blocks"], "no policy here uses the cloud (its model only has to fit there)", |at| {
        !at.uses.cloud
    }),
    (&["edge.batch.items"], "its engine bounds the tokens of an iteration, not its items", |at| {
        !EngineKind::IDEAL.contains(&at.edge.engine)
    }),
    (&["cloud.batch.items"], "its engine bounds the tokens of an iteration, not its items", |at| {
        !EngineKind::IDEAL.contains(&at.cloud.engine)
    }),
    (&["cloud.interconnect"], "one GPU serves the model by itself", |at| {
        at.cloud.tensor_parallel == 1 && at.cloud.data_parallel == 1
    }),
    (&["cloud.expert_parallel"], "there is one rank, which has all experts", |at| at.cloud.data_parallel == 1),
    (&["cloud.remote"], "its engine is idealised, and shares nothing", |at| {
        EngineKind::IDEAL.contains(&at.cloud.engine)
    }),
    (&["memory"], "no policy here learns what edges could share", |at| !at.learns),
    (&["memory"], "there is one edge", |at| at.scenario.edge_count() == 1),
    (&["router", "report_every", "cloud.rtt"], "no policy here uses the cloud", |at| !at.uses.cloud),
    (&["router"], "there is one replica", |at| at.scenario.replicas() == 1),
    (&["cloud.remote"], "no policy here drafts tokens on the edge for the cloud", |at| {
        !at.each.iter().any(|(uses, _)| uses.drafts && uses.edge_model && uses.cloud)
    }),
    (&["accuracy.cloud", "accuracy.cloud_recovery"], "no policy here answers from the cloud", |at| !at.uses.cloud),
    (&["link.bandwidth"], "link.up and link.down both have a rate of their own", |at| {
        at.scenario.link.up.is_some() && at.scenario.link.down.is_some()
    }),
    (&["link.bandwidth", "link.up"], "no policy here uses the link (its rate only labels the rows)", |at| {
        !at.uses.cloud
    }),
    (&["link", "edge.link", "hop"], "no policy here uses the link", |at| !at.uses.cloud),
    (&["workload.fall_back", "workload.fall_back_after"], "no policy here can answer on the edge", |at| {
        !at.uses.edge_model
    }),
    (&["workload.fall_back", "workload.fall_back_after"], "no policy here uses the link", |at| !at.uses.cloud),
    (
        &["costs.per_gb", "costs.radio", "costs.network_nj_per_bit", "costs.cloud_per_hour"],
        "no policy here uses the link and the cloud",
        |at| !at.uses.cloud,
    ),
    (&["link.t_comm_rtt"], "no policy here uploads inputs", |at| !at.any_whole(|uses| uses.cloud)),
    (&["link.rtt"], "link.delay_up and link.delay_down take its place", |at| {
        at.scenario.link.delay_up.is_some() && at.scenario.link.delay_down.is_some()
    }),
    (&["link.loss"], "link.loss_up and link.loss_down take its place", |at| {
        at.scenario.link.loss_up.is_some() && at.scenario.link.loss_down.is_some()
    }),
    (&["link.start"], "nothing of the link changes over time", |at| !at.scenario.link.ways().has_series()),
    (&["link.start"], "there is one replication, and the first starts at the beginning", |at| {
        at.scenario.replications == 1
    }),
    (&["link.t_comm_rtt"], "the link has no delay", |at| at.scenario.chain().iter().all(|hop| hop.ways.is_immediate())),
    (&["link.packet"], "packets have no header and none is lost, so their size does not matter", |at| {
        let is_lossless = at.scenario.chain().iter().all(|hop| hop.ways.is_lossless());
        at.scenario.link.header == Bytes::ZERO && is_lossless && at.scenario.link.transport == Transport::Ideal
    }),
    (
        &[
            "link.congestion",
            "link.initial_window",
            "link.receive_window",
            "link.idle_restart",
            "link.connection",
            "link.tls",
            "link.queue",
        ],
        "link.transport is \"ideal\"",
        |at| at.scenario.link.transport == Transport::Ideal,
    ),
    (&["link.idle_restart"], "bbr does not restart after silence", |at| at.scenario.link.congestion == Congestion::Bbr),
    (&["link.tls"], "a kept connection is open before the run begins", |at| {
        at.scenario.link.connection == Connection::Kept
    }),
    (&["tokens"], "no policy here drafts tokens", |at| !at.uses.drafts),
    (&["descriptors", "edge.probe_layers"], "no policy here probes the inputs", |at| !at.uses.probes),
    (&["accuracy.pruning_loss"], "no policy here prunes the inputs", |at| !at.uses.prunes),
    (&["edge.preprocess", "edge.probe_layers", "descriptors"], "the requests are text alone", |at| {
        !at.asked.more_than_text
    }),
    (&["accuracy.pruning_loss"], "the requests are text alone, which is kept whole", |at| {
        !at.asked.more_than_text && !at.uses.prunes_text
    }),
    (&["descriptors.spatial_alpha", "descriptors.spatial_beta"], "no request has pictures", |at| !at.asked.pictures),
    (&["descriptors.importance_deviation"], "no request has pictures", |at| !at.asked.pictures),
    (&["descriptors.importance_deviation"], "every tau_s is .3, at which the sparsity is given", |at| {
        let policy = &at.scenario.policy;
        let paper = MasSettings::default().tau_s;
        policy.msao.0.iter().all(|one| one.mas.tau_s == paper)
            && policy.cloud_pruned.0.iter().all(|one| one.mas.tau_s == paper)
            && policy.edge_pruned.0.iter().all(|one| one.mas.tau_s == paper)
    }),
    (&["descriptors.similarity_alpha", "descriptors.similarity_beta"], "no request has a video or sound", |at| {
        !at.asked.moves
    }),
    (&["workload.dataset.custom.frames"], "width or height is 0, so there is no video", |at| !at.asked.pictures),
    (
        &["workload.dataset.custom.width"],
        "the height is 0, so there is no picture",
        |at| matches!(&at.scenario.workload.dataset, Dataset::Custom(custom) if custom.height == 0 && custom.width > 0),
    ),
    (
        &["workload.dataset.custom.height"],
        "the width is 0, so there is no picture",
        |at| matches!(&at.scenario.workload.dataset, Dataset::Custom(custom) if custom.width == 0 && custom.height > 0),
    ),
    (&["workload.dataset.custom.output_tokens"], ALL_ANSWERS, |at| at.scenario.workload.output_tokens.is_some()),
];

const ALL_ANSWERS: &str = "workload.output_tokens gives every answer its length";

/// Keys of a dataset's own table that are idle where it is the dataset, the reason, and the condition.
const RULES_OF_SHAPES: &[Rule] = &[
    (&["pictures", "frames"], "the dataset has no size, so there are no pictures", |at| !at.asked.pictures),
    (&["output_tokens"], ALL_ANSWERS, |at| at.scenario.workload.output_tokens.is_some()),
    (&["accuracy"], "accuracy.cloud and accuracy.edge are both set", |at| {
        at.scenario.accuracy.cloud.is_some() && at.scenario.accuracy.edge.is_some()
    }),
    (&["accuracy"], "accuracy.source or accuracy.dataset takes its place", |at| at.scenario.accuracy.names_a_source()),
    (&["accuracy.edge"], "accuracy.edge is set", |at| at.scenario.accuracy.edge.is_some()),
    (&["accuracy.cloud"], "accuracy.cloud is set", |at| at.scenario.accuracy.cloud.is_some()),
    (&["accuracy.edge"], "no policy here answers on the edge", |at| !at.uses.edge_answers),
    (&["accuracy.cloud"], "no policy here answers from the cloud", |at| !at.uses.cloud),
];

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
    let own = scenario.classes.values().map(|class| scenario.of_class(class)).collect::<Vec<_>>();
    let of_groups: Vec<Scenario> = scenario.of_groups().collect();
    let all =
        own.iter().chain(own.is_empty().then_some(scenario)).chain(&of_groups).map(|one| Some(one.requests()?.asked()));
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

/// The keys that are idle at a point, with the reasons.
fn covered(scenario: &Scenario, asked: Asked) -> Vec<(Path, String)> {
    let systems = scenario.policy.systems();
    let at = At::new(scenario, asked, &systems);
    let path = |key: &str| parts(key).into_iter().map(str::to_owned).collect::<Path>();
    let mut covered = of_rules(&at);
    covered.extend(of_own_hardware(scenario, &systems));
    covered.extend(of_edges_without_gpu(scenario));
    let dataset = scenario.workload.dataset.label();
    for name in scenario.dataset.keys() {
        let table = vec!["dataset".to_owned(), name.clone()];
        if *name == dataset && matches!(scenario.workload.dataset, Dataset::Named(_)) {
            let holding = RULES_OF_SHAPES.iter().filter(|(.., holds)| holds(&at));
            let keys = holding.flat_map(|(keys, why, _)| keys.iter().map(move |key| (*key, *why)));
            covered.extend(keys.map(|(key, why)| ([table.clone(), path(key)].concat(), why.to_owned())));
        } else if !scenario.datasets().any(|dataset| matches!(dataset, Dataset::Named(other) if other == name)) {
            covered.push((table, format!("workload.dataset is not \"{name}\"")));
        }
    }
    for ((_, system), table) in systems.iter().zip(scenario.policy.paths()) {
        let keys = system.idle(at.asked).into_iter();
        covered.extend(keys.map(|(key, why)| (path(&format!("{table}.{key}")), why.to_owned())));
    }
    covered
}

/// The keys that [`RULES`] cover at a point: those of edges in each group's table, those of the cloud in each pool's.
fn of_rules(at: &At<'_>) -> Vec<(Path, String)> {
    let path = |key: &str| parts(key).into_iter().map(str::to_owned).collect::<Path>();
    let (groups, pools) = (at.scenario.groups(), at.scenario.clouds());
    let mut covered = Vec::new();
    for (key, why, holds) in RULES.iter().flat_map(|(keys, why, holds)| keys.iter().map(move |key| (*key, *why, holds)))
    {
        let places: Vec<(String, At<'_>)> = if let Some(rest) = key.strip_prefix("edge.") {
            groups.iter().map(|one| (format!("{}.{rest}", one.key), At { edge: one.edge, ..at.clone() })).collect()
        } else if let Some(rest) = key.strip_prefix("cloud.") {
            pools.iter().map(|one| (format!("{}.{rest}", one.key), At { cloud: one.cloud, ..at.clone() })).collect()
        } else {
            vec![(key.to_owned(), at.clone())]
        };
        let held = places.into_iter().filter(|(_, at)| holds(at));
        covered.extend(held.map(|(key, _)| (path(&key), why.to_owned())));
    }
    covered
}

/// The devices and models of a scenario's own that no tier has.
fn of_own_hardware(scenario: &Scenario, systems: &[(String, System)]) -> Vec<(Path, String)> {
    let tiers = scenario.tiers();
    let has = |name: &str, of: fn(&Tier<'_>) -> String| tiers.iter().any(|tier| of(tier) == *name);
    let drafts =
        |name: &str| systems.iter().any(|(_, system)| system.drafter().and_then(|one| one.model) == Some(name));
    let devices = scenario.device.keys().map(|name| ("device", name, has(name, |tier| tier.device.to_owned())));
    let models =
        scenario.model.keys().map(|name| ("model", name, has(name, |tier| tier.model.to_owned()) || drafts(name)));
    let unused = devices.chain(models).filter(|(.., is_used)| !is_used);
    let reason = |kind: &str, name: &str| match scenario.is_fleet() {
        false => format!("neither edge.{kind} nor cloud.{kind} is \"{name}\""),
        true => format!("no table of edges or of the cloud has {kind} = \"{name}\""),
    };
    unused.map(|(kind, name, _)| (vec![kind.to_owned(), name.clone()], reason(kind, name))).collect()
}

/// The keys of edges without a GPU that are about one.
fn of_edges_without_gpu(scenario: &Scenario) -> Vec<(Path, String)> {
    const OF_GPU: [&str; 11] = [
        "model",
        "weights",
        "tower_weights",
        "kv",
        "engine",
        "tuning",
        "profile",
        "noise",
        "probe_layers",
        "kv_blocks",
        "batch",
    ];
    let without = scenario.groups().into_iter().filter(|group| !group.edge.has_gpu());
    let path = |key: String| parts(&key).into_iter().map(str::to_owned).collect::<Path>();
    let keys = without.flat_map(|group| OF_GPU.map(|key| path(format!("{}.{key}", group.key))));
    keys.map(|key| (key, "its edges have no GPU".to_owned())).collect()
}

/// The profiles of which nothing is used, with the reasons.
fn withheld_profiles(source: &Source, scenario: &Scenario) -> Vec<(Path, String)> {
    let tiers = scenario.tiers();
    let named = tiers.iter().filter(|tier| tier.profile.is_some());
    let withheld = named.filter_map(|tier| Some((&tier.key, resolve::withheld(source, scenario, tier)?)));
    let keys = withheld.flat_map(|(table, why)| {
        let why = format!("{why}; for those the roofline is safer");
        let path = |key: &str| parts(&format!("{table}.{key}")).into_iter().map(str::to_owned).collect::<Path>();
        ["profile", "noise"].map(|key| (path(key), why.clone()))
    });
    keys.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    /// True if a schema has a key, in any variant.
    fn has(root: &Value, schema: &Value, path: &[&str]) -> bool {
        let Some((name, rest)) = path.split_first() else { return true };
        if let Some(pointer) = schema["$ref"].as_str() {
            return root.pointer(pointer.trim_start_matches('#')).is_some_and(|schema| has(root, schema, path));
        }
        let below = schema["properties"].get(*name).is_some_and(|schema| has(root, schema, rest));
        let variants = ["anyOf", "oneOf"].iter().filter_map(|word| schema[*word].as_array()).flatten();
        below || variants.into_iter().any(|schema| has(root, schema, path))
    }

    #[test]
    fn rules_are_of_keys_that_there_are() {
        let schema = serde_json::to_value(schemars::schema_for!(Scenario)).expect("JSON");
        for key in RULES.iter().flat_map(|(keys, ..)| *keys) {
            assert!(has(&schema, &schema, &parts(key)), "{key}");
        }
        assert!(!has(&schema, &schema, &parts("link.rt")));
        let shape = serde_json::to_value(schemars::schema_for!(model::dataset::Shape)).expect("JSON");
        for key in RULES_OF_SHAPES.iter().flat_map(|(keys, ..)| *keys) {
            assert!(has(&shape, &shape, &parts(key)), "{key}");
        }
    }

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
